public import CaseFormat
public import Generation

extension DepthwiseConv2D {
  /// Draws a depthwise convolution over every attribute and the full range of its types.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    Convolutions.generateAccumulators(
      from: &choices, Self.self, dialect: dialect, isDepthwise: true)
  }
}
