public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Quantized convolution: `conv2d` with its zero points, then requantized by the three scales.
///
/// - Shapes: as `Conv2D`; `w_scale` one element or one an output channel; `x_scale`, `y_scale` and
///   the zero points of `x` and `y` one element.
/// - Multiplier and rounding: the dialect's sections `effective_scale` and `requantize`
///   [requantize §3, §26].
/// - Errors: those of `Conv2D`; a scale that is not finite and positive.
public enum QConv2D: Operation {
  public static let declaration = OperationDeclaration(
    name: "qconv2d", groups: ["conv"], summary: "quantized convolution",
    inputs: [
      .required("x"), .required("x_scale"), .required("x_zero_point"), .required("w"),
      .required("w_scale"), .required("w_zero_point"), .required("y_scale"),
      .required("y_zero_point"), .optional("bias"),
    ],
    outputs: ["y"],
    attributes: Convolutions.attributes + [
      .init("group", .integer), .init("qmin", .integer), .init("qmax", .integer),
    ])

  public static let section = Requantize.section

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try QuantizedProductRules(dialect)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let (product, reduction, pair) = try prepare(&arguments)
    var trace = Trace(reference, output: "y")
    let sums = try AccumulationEvaluation.accumulators(
      reduction, product.accumulation, in: product.format, &trace)
    var coverage = Convolutions.coverage(reduction)
    let y = try product.requantize(
      sums, shape: reduction.outputShape, pair: pair, coverage: &coverage, trace: &trace)
    return Outcome([("y", y)], coverage: coverage, stages: trace.stages)
  }

  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    let (product, reduction, pair) = try prepare(&arguments)
    let sums = product.accumulation.fastSums(reduction) { reduction.sums(into: &$0) }
    guard
      let accumulators = try AccumulationEvaluation.fastAccumulators(
        sums, product.accumulation, in: product.format)
    else { return nil }
    var coverage = Convolutions.coverage(reduction)
    if let y = try product.requantizeFast(
      accumulators, shape: reduction.outputShape, pair: pair, coverage: &coverage)
    {
      return Outcome([("y", y)], coverage: coverage)
    }
    var trace = Trace(nil, output: "y")
    let y = try product.requantize(
      accumulators.map { $0.map { Integer($0) } }, shape: reduction.outputShape, pair: pair,
      coverage: &coverage, trace: &trace)
    return Outcome([("y", y)], coverage: coverage)
  }

  /// Reads a case; `pair` says which scales meet in an output.
  private static func prepare(
    _ arguments: inout Arguments
  ) throws(CaseError) -> (
    product: QuantizedProduct, reduction: Convolution, pair: (Int) -> (input: Int, weight: Int)
  ) {
    let product = try QuantizedProduct(
      &arguments, Self.self, input: try arguments.input("x"), names: ("x_scale", "w_scale"))
    let reduction = try Convolutions.reduction(&arguments, product.accumulation, isDepthwise: false)
    try arguments.finish()
    let channels = reduction.geometry.outputChannels
    guard product.inputScales.count == 1 else {
      throw .malformed("x_scale has \(product.inputScales.count) elements, must have one")
    }
    guard product.weightScales.count == 1 || product.weightScales.count == channels else {
      throw .malformed(
        "w_scale has \(product.weightScales.count) elements, must have one or \(channels)")
    }
    let isPerTensor = product.weightScales.count == 1
    let pair = { (output: Int) in
      (input: 0, weight: isPerTensor ? 0 : reduction.channel(of: output))
    }
    return (product, reduction, pair)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    guard dialect.defines(name) else { return [] }
    return AccumulationBin.bins(
      Convolutions.required(isDepthwise: false) + [
        .tieDown, .tieUp, .saturatedLow, .saturatedHigh, .perChannelScale,
      ], optional: [.beyondInt32, .oneHot])
  }
}
