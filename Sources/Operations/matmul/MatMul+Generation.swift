public import CaseFormat
public import Generation
import NumberFormats

extension MatMul {
  /// Draws a matrix product over the full range of its types, batches and zero points included.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: Variants<AccumulationRule>.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let hasBias = choices.oneIn(2)
    var (test, columns) = operands(
      from: &choices, Self.self, dialect, rules.base, isQuantized: false)
    if hasBias {
      test.inputs["bias"] = OperandTypes.bias(from: &choices, rules.base, count: columns)
    }
    return test
  }

  /// Draws the operands and their zero points; quantized products always have zero points.
  static func operands(
    from choices: inout Choices, _ operation: any Operation.Type, _ dialect: Dialect,
    _ rule: AccumulationRule, isQuantized: Bool
  ) -> (test: Case, columns: Int) {
    let types = OperandTypes(from: &choices, rule)
    let isLarge = choices.oneIn(8)
    let isLong = isLarge && choices.oneIn(2)
    let rows = choices.length(atMost: isLong ? 140 : isLarge ? 20 : 9)
    let columns = choices.length(atMost: isLong ? 9 : isLarge ? 140 : 36)
    // Deep sums leave int16 and, now and then, int32.
    let isDeep = choices.oneIn(400)
    let depth =
      isDeep
      ? 1 + Int(choices.choose(below: 140_000) { 131_000 + UInt64($0.below(9_000)) })
      : choices.length(atLeast: 1, atMost: isLarge ? 260 : 140)
    // Operands beyond the blocks that kernels work in, for few columns.
    let isTall = !isDeep && choices.oneIn(1500)
    let batches = batchShapes(from: &choices, isSmall: isDeep || isTall)
    var test = Case(id: "", operation: operation.name, dialect: dialect.name)
    if !isQuantized && rule.bits == 64 { test.attributes["output_dtype"] = .string("int64") }
    if !isQuantized && rule.bits == 48 { test.attributes["output_dtype"] = .string("int48") }
    let hasRowZero = isQuantized || choices.oneIn(2)
    let hasColumnZero = isQuantized || choices.oneIn(2)
    let isPerRow = choices.oneIn(4) && rows > 0
    let isPerColumn = choices.oneIn(3) && columns > 0
    let aZero = choices.zeroPoints(types.input, shape: isPerRow ? [rows] : [])
    let bZero = choices.zeroPoints(types.weight, shape: isPerColumn ? [columns] : [])
    if hasRowZero { test.inputs["a_zero_point"] = aZero }
    if hasColumnZero { test.inputs["b_zero_point"] = bZero }
    var (m, n, k) = isDeep ? (min(rows, 2), min(columns, 2), depth) : (rows, columns, depth)
    if isTall { (m, n, k) = (500 + rows, min(columns, 3), 520 + depth) }
    if isDeep || isTall, isPerRow {
      test.inputs["a_zero_point"] = Tensor(scalar: aZero.codes[0], types.input)
    }
    if isDeep || isTall, isPerColumn {
      test.inputs["b_zero_point"] = Tensor(scalar: bZero.codes[0], types.weight)
    }
    let mood: IntegerMood? = isDeep ? .lowest : nil
    test.inputs["b"] = choices.integers(
      types.weight, shape: batches.b + [k, n], mood: mood)
    test.inputs["a"] = choices.integers(
      types.input, shape: batches.a + [m, k], zero: aZero.codes[0], mood: mood)
    return (test, n)
  }

  private static func batchShapes(
    from choices: inout Choices, isSmall: Bool
  ) -> (a: [Int], b: [Int]) {
    let kind = choices.choose([(0, 10), (1, 2), (2, 1), (3, 1), (4, 1), (5, 1)])
    if isSmall { return ([], []) }
    switch kind {
    case 0: return ([], [])
    case 1: return ([2], [2])
    case 2: return ([3], [])
    case 3: return ([1, 2], [3, 1])
    case 4: return ([], [2])
    default: return ([2, 1], [2])
    }
  }
}
