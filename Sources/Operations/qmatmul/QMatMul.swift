public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Quantized matrix product: `matmul` with its zero points, then requantized by the three scales.
///
/// - Shapes: as `MatMul`; `a_scale` one element or one a row, `b_scale` one or one a column, `y_scale`
///   and `y_zero_point` one element.
/// - Multiplier and rounding: the dialect's sections `effective_scale` and `requantize`
///   [requantize §3, §26].
/// - Errors: those of `MatMul`; a scale that is not finite and positive.
public enum QMatMul: Operation {
  public static let declaration = OperationDeclaration(
    name: "qmatmul", groups: ["matmul"], summary: "quantized matrix product",
    inputs: [
      .required("a"), .required("a_scale"), .required("a_zero_point"), .required("b"),
      .required("b_scale"), .required("b_zero_point"), .required("y_scale"),
      .required("y_zero_point"), .optional("bias"),
    ],
    outputs: ["y"], attributes: [.init("qmin", .integer), .init("qmax", .integer)])

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
    var coverage = MatMul.coverage(reduction)
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
    var coverage = MatMul.coverage(reduction)
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
    product: QuantizedProduct, reduction: MatrixProduct, pair: (Int) -> (input: Int, weight: Int)
  ) {
    let product = try QuantizedProduct(
      &arguments, Self.self, input: try arguments.input("a"), names: ("a_scale", "b_scale"))
    let reduction = try MatMul.reduction(&arguments, product.accumulation)
    try arguments.finish()
    let rowScales = try PerSlice(
      try arguments.input("a_scale"), of: reduction.input,
      along: reduction.input.shape.count - 2, named: "a_scale")
    let columnScales = try PerSlice(
      try arguments.input("b_scale"), of: reduction.weight,
      along: reduction.weight.shape.count - 1, named: "b_scale")
    let pair = { (output: Int) in
      let (batch, row, column) = reduction.position(of: output)
      let (a, b) = reduction.operandBatches(batch)
      return (
        input: rowScales.index(batch: a, slice: row),
        weight: columnScales.index(batch: b, slice: column)
      )
    }
    return (product, reduction, pair)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    guard dialect.defines(name) else { return [] }
    return AccumulationBin.bins(
      MatMul.required + [.tieDown, .tieUp, .saturatedLow, .saturatedHigh, .perChannelScale],
      optional: [.beyondInt32, .oneHot])
  }
}
