public import CaseFormat
public import Generation
import NumberFormats

extension AlphaQAT {
  /// Draws alpha, a quantizer, weights on its ends, levels and ties and beside them, and gradients.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    let rule = try? dialect.rule(Self.self, as: Variants<AlphaQATRule>.self).base
    let shape = ElementwiseShape(from: &choices, rule: .explicit, hasBlocks: false)
    let input = choices.type(rule?.inputTypes ?? [.float32, .float16, .bfloat16, .float64])
    let range = choices.levelRange()
    var test = Case(
      id: "", operation: name, dialect: dialect.name, attributes: shape.attributes)
    test.attributes["qmin"] = .integer(Int(range.lowerBound))
    test.attributes["qmax"] = .integer(Int(range.upperBound))
    if choices.oneIn(2) {
      test.attributes["rounding"] = .string(choices.choose(AlphaBlend.roundings).name)
    }
    let scales = choices.scales(.float32, shape: shape.parameter)
    let zeros = choices.zeroPoints(of: range, shape: shape.parameter)
    test.inputs["w"] = choices.levelInputs(
      input, shape: shape, scales: scales, zeros: zeros, range: range)
    test.inputs["scale"] = scales
    test.inputs["zero_point"] = zeros
    choices.beginBlock()
    let alpha = choices.choose([0.5, 0, 1, 0.25, 0.9, 0x1p-149, 1 - 0x1p-24, 0.1])
    test.inputs["alpha"] = Tensor(
      scalar: Int64(bitPattern: FloatFormat.binary32.code(of: alpha)), .float32)
    test.inputs["grad_output"] = choices.gradients(input, shape: shape.x)
    return test
  }
}
