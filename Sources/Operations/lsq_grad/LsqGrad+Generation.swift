public import CaseFormat
public import Generation
import NumberFormats

extension LsqGrad {
  /// Draws a range and parameters, inputs on the ends, levels and ties that they make, and gradients.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    let rule = try? dialect.rule(Self.self, as: LsqGradRules.self).own
    let shape = ElementwiseShape(from: &choices, rule: .explicit, hasBlocks: false)
    let input = choices.type(rule?.inputTypes ?? [.float32, .float16, .bfloat16, .float64])
    let range = choices.levelRange()
    var test = Case(
      id: "", operation: name, dialect: dialect.name, attributes: shape.attributes)
    test.attributes["qmin"] = .integer(Int(range.lowerBound))
    test.attributes["qmax"] = .integer(Int(range.upperBound))
    if choices.oneIn(2) && rule?.isLearnable != true {
      test.attributes["boundary"] = .string(choices.choose(["open", "closed"]))
    }
    if choices.oneIn(3) {
      test.attributes["grad_factor"] = choices.choose([.decimal("0.1"), .decimal("0.0625")])
    }
    let isEmpty = Tensor.count(of: shape.x) == 0
    if choices.oneIn(3) || isEmpty { test.attributes["reduction"] = .string("none") }
    let scales = choices.scales(.float32, shape: shape.parameter)
    let zeros = choices.zeroPoints(of: range, shape: shape.parameter)
    test.inputs["x"] = choices.levelInputs(
      input, shape: shape, scales: scales, zeros: zeros, range: range)
    test.inputs["scale"] = scales
    test.inputs["zero_point"] = zeros
    test.inputs["grad_output"] = choices.gradients(input, shape: shape.x)
    return test
  }
}
