public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Integer convolution: `y = bias + sum (x - x_zero_point) * (w - w_zero_point)`.
///
/// - Shapes: NCHW with `w` OIHW, or NHWC with `w` OHWI; any stride, pads, dilation, groups
///   [accumulate §4 to §11].
/// - Padding contributes the input zero point [accumulate §7].
/// - Overflow: the dialect's section `accumulate` [accumulate §13].
/// - Errors: shapes that do not fit, a kernel larger than the padded input, a sum over nothing.
public enum Conv2D: Operation {
  public static let declaration = OperationDeclaration(
    name: "conv2d", groups: ["conv"], summary: "integer convolution to accumulators",
    inputs: Convolutions.inputs, outputs: ["y"],
    attributes: Convolutions.attributes + [
      .init("group", .integer), .init("output_dtype", .string),
    ])

  public static let section = "accumulate"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants(section, AccumulationRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    try Convolutions.evaluate(&arguments, Self.self, isDepthwise: false, reference)
  }

  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    try Convolutions.evaluateFast(&arguments, Self.self, isDepthwise: false)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    Convolutions.bins(Self.self, in: dialect, isDepthwise: false)
  }
}
