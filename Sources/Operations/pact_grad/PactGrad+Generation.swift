public import CaseFormat
public import Generation
import NumberFormats

extension PactGrad {
  /// Draws a clip, inputs on its ends, levels and ties and beside them, and gradients.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    let rule = try? dialect.rule(Self.self, as: Variants<PactGradRule>.self).base
    let input = choices.type(rule?.inputTypes ?? [.float32, .float16, .bfloat16, .float64])
    let format = input.floatFormat ?? .binary32
    let count = choices.length(atLeast: 1, atMost: 140)
    let bits = 1 + choices.choose(below: choices.oneIn(4) ? 16 : 8)
    var test = Case(id: "", operation: name, dialect: dialect.name)
    test.attributes["bits"] = .integer(bits)
    if !choices.oneIn(3) {
      test.attributes["boundary"] = .string(
        choices.choose(PactGradRule.Boundary.allCases).rawValue)
    }
    if choices.oneIn(3) { test.attributes["calibrated"] = .integer(1) }
    choices.beginBlock()
    let alpha = choices.scale(format) { randomness in
      randomness.below(2) == 0
        ? format.code(of: randomness.pick([6, 8, 10, 3, 7.5, 1, 0.3]))
        : randomness.scaleCode(format)
    }
    let value = format.double(of: alpha)
    let steps = Double((1 << bits) - 1)
    let levels = LevelInputs(format: format, range: 0...Int64(steps))
    choices.beginBlock()
    let codes = (0..<count).map { _ in
      Int64(
        bitPattern: choices.float(format) { randomness in
          randomness.below(2) == 0
            ? randomness.beside([0, value], format)
            : levels.code(scale: value / steps, zero: 0, &randomness)
        })
    }
    test.inputs["x"] = Tensor(input, shape: [count], codes: codes)
    test.inputs["alpha"] = Tensor(scalar: Int64(bitPattern: alpha), input)
    test.inputs["grad_output"] = choices.gradients(input, shape: [count])
    return test
  }
}
