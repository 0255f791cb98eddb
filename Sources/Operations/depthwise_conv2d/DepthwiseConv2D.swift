public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Integer convolution of each channel by itself; output channel `o` reads input channel `o / m`.
///
/// - Shapes: NCHW with `w` [C*m, 1, kh, kw], or NHWC with `w` [1, kh, kw, C*m] [accumulate §10].
/// - Everything else as `Conv2D` with as many groups as channels.
public enum DepthwiseConv2D: Operation {
  public static let declaration = OperationDeclaration(
    name: "depthwise_conv2d", groups: ["conv"],
    summary: "integer convolution of each channel to accumulators",
    inputs: Convolutions.inputs, outputs: ["y"],
    attributes: Convolutions.attributes + [.init("output_dtype", .string)])

  public static let section = "accumulate"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants(section, AccumulationRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    try Convolutions.evaluate(&arguments, Self.self, isDepthwise: true, reference)
  }

  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    try Convolutions.evaluateFast(&arguments, Self.self, isDepthwise: true)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    Convolutions.bins(Self.self, in: dialect, isDepthwise: true)
  }
}
