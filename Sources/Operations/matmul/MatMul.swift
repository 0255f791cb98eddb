public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Integer matrix product: `y = bias + sum (a - a_zero_point) * (b - b_zero_point)`.
///
/// - Shapes: `a` [..., M, K], `b` [..., K, N], batches by NumPy's rules; `a_zero_point` one or one a
///   row, `b_zero_point` one or one a column [accumulate §2].
/// - Overflow: the dialect's section `accumulate` [accumulate §13].
/// - Errors: shapes that do not multiply, an inner dimension of 0.
public enum MatMul: Operation {
  public static let declaration = OperationDeclaration(
    name: "matmul", groups: ["matmul"], summary: "integer matrix product to accumulators",
    inputs: [
      .required("a"), .required("b"), .optional("bias"), .optional("a_zero_point"),
      .optional("b_zero_point"),
    ],
    outputs: ["y"], attributes: [.init("output_dtype", .string)])

  public static let section = "accumulate"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants(section, AccumulationRule.self)
  }

  /// The rule of a case's accumulation.
  static func rule(
    _ arguments: Arguments, _ operation: any Operation.Type
  ) throws(CaseError) -> AccumulationRule {
    let rules = try arguments.dialect.rule(operation, as: Variants<AccumulationRule>.self)
    return rules.rule(
      for: Situation(operation: operation.name, input: try arguments.input("a").dtype))
  }

  /// Reads the matrix product of a case.
  static func reduction(
    _ arguments: inout Arguments, _ rule: AccumulationRule
  ) throws(CaseError) -> MatrixProduct {
    let a = try arguments.input("a")
    let b = try arguments.input("b")
    let bias = arguments.optional("bias")
    try AccumulationEvaluation.check(
      arguments, rule, input: a, weight: b, names: ("a", "b"), bias: bias)
    return try MatrixProduct(
      a: a, b: b,
      aZero: try AccumulationEvaluation.zeroPoint(arguments, "a_zero_point", of: a, counts: []),
      bZero: try AccumulationEvaluation.zeroPoint(arguments, "b_zero_point", of: b, counts: []),
      bias: bias)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rule = try rule(arguments, Self.self)
    let reduction = try reduction(&arguments, rule)
    let output = try AccumulationEvaluation.outputType(&arguments, rule)
    try arguments.finish()
    var trace = Trace(reference, output: "y")
    let sums = try AccumulationEvaluation.accumulators(
      reduction, rule, in: rule.format(output: output), &trace)
    var coverage = coverage(reduction)
    let y = try AccumulationEvaluation.store(
      sums.map { $0?.int64 }, as: output, shape: reduction.outputShape, rule, coverage: &coverage)
    return Outcome([("y", y)], coverage: coverage, stages: trace.stages)
  }

  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    let rule = try rule(arguments, Self.self)
    let reduction = try reduction(&arguments, rule)
    let output = try AccumulationEvaluation.outputType(&arguments, rule)
    try arguments.finish()
    let sums = rule.fastSums(reduction) { reduction.sums(into: &$0) }
    guard
      let accumulators = try AccumulationEvaluation.fastAccumulators(
        sums, rule, in: rule.format(output: output))
    else { return nil }
    var coverage = coverage(reduction)
    let y = try AccumulationEvaluation.store(
      accumulators, as: output, shape: reduction.outputShape, rule, coverage: &coverage)
    return Outcome([("y", y)], coverage: coverage)
  }

  /// What a matrix product exercises, whatever its result.
  static func coverage(_ reduction: MatrixProduct) -> Coverage {
    var coverage = Coverage()
    coverage.insert(
      operandsOf: reduction,
      zeroPointCount: max(reduction.rowZeros.count, reduction.columnZeros.count))
    coverage.insert(length: reduction.columns)
    coverage.add(.batch, if: reduction.batchShape.contains { $0 > 1 })
    coverage.add(
      .broadcastBatch,
      if: reduction.batchShape != Array(reduction.input.shape.dropLast(2))
        || reduction.batchShape != Array(reduction.weight.shape.dropLast(2)))
    return coverage
  }

  /// What every campaign over matrix products must exercise.
  static let required: [AccumulationBin] = [
    .beyondInt16, .inputLowest, .inputHighest, .weightLowest, .weightHighest, .inputZeroPoint,
    .weightZeroPoint, .bothZeroPoints, .zeroPointPerChannel, .bias, .batch, .broadcastBatch,
    .empty, .oneTerm, .pairBeyondInt16,
  ]

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    AccumulationBin.bins(required, optional: [.beyondInt32, .oneHot])
  }
}
