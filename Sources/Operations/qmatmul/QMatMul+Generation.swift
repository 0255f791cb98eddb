public import CaseFormat
public import Generation
import NumberFormats

extension QMatMul {
  /// Draws a product, scales that bring its sums to the output's range, and biases on ties.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: QuantizedProductRules.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let rule = rules.accumulation.base
    let hasBias = choices.oneIn(2)
    let isPerColumn = choices.oneIn(3)
    var (test, columns) = MatMul.operands(
      from: &choices, Self.self, dialect, rule, isQuantized: true)
    guard let a = test.inputs["a"], let b = test.inputs["b"], let depth = a.shape.last else {
      return test
    }
    QuantizedProductCases.addScales(
      from: &choices, rules, to: &test, names: ("a_scale", "b_scale"),
      weightScaleShape: isPerColumn && columns > 0 ? [columns] : [], depth: depth,
      operandBits: (a.dtype.bits, b.dtype.bits))
    guard hasBias,
      var arguments = try? Arguments(test, declaration: declaration, dialect: dialect),
      let reduction = try? MatMul.reduction(&arguments, rule)
    else { return test }
    let zero = test.inputs["y_zero_point"]
    let levels = Choices.range(of: zero?.dtype ?? .int8)
    test.inputs["bias"] = QuantizedProductCases.bias(
      from: &choices, for: reduction, channels: columns, firstOutput: { $0 },
      multiplier: { QuantizedProductCases.multiplier(test, ("a_scale", "b_scale"), $0) },
      zero: Double(zero?.codes.first ?? 0), levels: levels)
    return test
  }
}
