public import CaseFormat
public import Generation

extension Conv2D {
  /// Draws a convolution over every attribute and the full range of its types.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    Convolutions.generateAccumulators(
      from: &choices, Self.self, dialect: dialect, isDepthwise: false)
  }
}
