public import CaseFormat
public import Generation
import NumberFormats

extension FakeQuantize {
  /// Draws range, shape and parameters, then inputs on the edges that these make.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: Variants<FakeQuantizeRule>.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let rule = rules.base
    let shape = ElementwiseShape(from: &choices, rule: rule.axis, hasBlocks: false)
    let input = choices.type(rule.inputTypes ?? [.float32, .float16, .bfloat16])
    var test = Case(
      id: "", operation: name, dialect: dialect.name, attributes: shape.attributes)
    let isLearnable = rule.acceptsLearnable && choices.oneIn(4)
    if isLearnable { test.attributes["learnable"] = .integer(1) }
    let range: ClosedRange<Int64>
    if rule.kind == .bitWidth {
      range = bitWidthRange(from: &choices, &test)
    } else {
      let usual: [ClosedRange<Int64>] = [
        -128...127, 0...255, -127...127, -8...7, 0...15, -2...1, 0...1, -32768...32767, 0...65535,
      ]
      if choices.oneIn(4) {
        let whole: ClosedRange<Int64> = -32768...65535
        let ends = (0..<2).map { _ in choices.integer(in: whole) { $0.edge(-300...300) } }.sorted()
        range = ends[0]...ends[1]
      } else {
        range = choices.choose(usual)
      }
      test.attributes["qmin"] = .integer(Int(range.lowerBound))
      test.attributes["qmax"] = .integer(Int(range.upperBound))
      if let mode = mode(from: &choices, rule.clampModes.map(\.name)) {
        test.attributes["clamp"] = .string(mode)
      }
    }
    if let mode = mode(from: &choices, rule.roundingModes.map(\.name)) {
      test.attributes["rounding_mode"] = .string(mode)
    }
    let isFloatZero =
      isLearnable || rule.axis == .broadcast
      || shape.axis != nil && rule.acceptsLearnable && choices.oneIn(3)
    let scales = choices.scales(.float32, shape: shape.parameter)
    let zeros = zeroPoints(
      from: &choices, shape.parameter, range, isFloat: isFloatZero)
    test.inputs["x"] = choices.levelInputs(
      input, shape: shape, scales: scales, zeros: zeros, range: range)
    test.inputs["scale"] = scales
    test.inputs["zero_point"] = zeros
    return test
  }

  private static func mode(from choices: inout Choices, _ names: [String]) -> String? {
    names.isEmpty || choices.oneIn(4) ? nil : choices.choose(names)
  }

  private static func bitWidthRange(
    from choices: inout Choices, _ test: inout Case
  ) -> ClosedRange<Int64> {
    let bits = 1 + choices.choose(below: 16)
    let isSigned = !choices.oneIn(2)
    let isNarrow = choices.oneIn(3)
    if choices.oneIn(8) {
      test.attributes["bit_width"] = .decimal("\(bits).5")
    } else {
      test.attributes["bit_width"] = .integer(bits)
    }
    test.attributes["signed"] = .integer(isSigned ? 1 : 0)
    test.attributes["narrow"] = .integer(isNarrow ? 1 : 0)
    let power = Int64(1) << Int64(isSigned ? bits - 1 : bits)
    return isSigned ? -power...(power - 1) : 0...max(0, power - 1)
  }

  /// Zero points within the range; half of the fractional ones are off the grid.
  private static func zeroPoints(
    from choices: inout Choices, _ shape: [Int], _ range: ClosedRange<Int64>, isFloat: Bool
  ) -> Tensor {
    choices.beginBlock()
    let count = Tensor.count(of: shape) ?? 0
    guard isFloat else {
      let codes = (0..<count).map { _ in choices.integer(in: range) { $0.edge(range) } }
      return Tensor(.int32, shape: shape, codes: codes)
    }
    let format = FloatFormat.binary32
    let codes = (0..<count).map { _ in
      Int64(
        bitPattern: choices.float(format) { randomness in
          let level = Double(randomness.edge(range))
          return format.code(of: level + Double(randomness.below(5) - 2) / 4)
        })
    }.map { format.decode(UInt64(bitPattern: $0)).isFinite ? $0 : 0 }
    return Tensor(.float32, shape: shape, codes: codes)
  }
}
