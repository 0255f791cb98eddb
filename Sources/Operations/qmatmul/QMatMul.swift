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

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try QuantizedProductRules(dialect)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    try evaluate(&arguments, reference) {
      product, reduction, trace throws(CaseError) in
      try AccumulationEvaluation.accumulators(
        reduction, product.accumulation, in: product.format, &trace)
    }
  }

  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    var applies = true
    let outcome = try evaluate(&arguments, nil) { product, reduction, _ throws(CaseError) in
      let sums = product.accumulation.fastSums(reduction) { reduction.sums(into: &$0) }
      guard
        let fast = try AccumulationEvaluation.fastAccumulators(
          sums, product.accumulation, in: product.format)
      else {
        applies = false
        return []
      }
      return fast.map { $0.map { Integer($0) } }
    }
    return applies ? outcome : nil
  }

  private static func evaluate(
    _ arguments: inout Arguments, _ reference: ElementReference?,
    accumulators: (QuantizedProduct, MatrixProduct, inout Trace) throws(CaseError) -> [Integer?]
  ) throws(CaseError) -> Outcome {
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
    var trace = Trace(reference, output: "y")
    let sums = try accumulators(product, reduction, &trace)
    var coverage = MatMul.coverage(reduction)
    guard sums.count == Tensor.count(of: reduction.outputShape) else { return Outcome([]) }
    let y = try product.requantize(
      sums, shape: reduction.outputShape,
      pair: { output in
        let (batch, row, column) = reduction.position(of: output)
        let (a, b) = reduction.operandBatches(batch)
        return (
          rowScales.index(batch: a, slice: row), columnScales.index(batch: b, slice: column)
        )
      }, coverage: &coverage, trace: &trace)
    return Outcome([("y", y)], coverage: coverage, stages: trace.stages)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    guard dialect.defines(name) else { return [] }
    return AccumulationBin.bins(
      MatMul.required + [.tieDown, .tieUp, .saturatedLow, .saturatedHigh, .perChannelScale],
      optional: [.beyondInt32, .oneHot])
  }
}
