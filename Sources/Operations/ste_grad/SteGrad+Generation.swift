public import CaseFormat
public import Generation
import NumberFormats

extension SteGrad {
  /// Draws a mask and its range, inputs on and beside the ends and the ties of it, and gradients.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: SteGradRules.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let mask = choices.choose(rules.own.masks)
    let input = choices.type(
      rules.own.inputTypes ?? [.float32, .float16, .bfloat16, .float64])
    let isOnInput = mask != .rounded && choices.oneIn(3)
    let shape = ElementwiseShape(
      from: &choices, rule: isOnInput ? .broadcast : .explicit, hasBlocks: false)
    var test = Case(id: "", operation: name, dialect: dialect.name)
    test.attributes["mask"] = .string(mask.rawValue)
    if isOnInput {
      let ends = choices.choose(ends)
      test.attributes["lower"] = ends.lower
      test.attributes["upper"] = ends.upper
      test.inputs["x"] = choices.inputs(input, shape: shape.x, beside: ends.values)
    } else {
      let range = choices.levelRange()
      test.attributes["qmin"] = .integer(Int(range.lowerBound))
      test.attributes["qmax"] = .integer(Int(range.upperBound))
      test.attributes.merge(shape.attributes) { own, _ in own }
      let scales = choices.scales(.float32, shape: shape.parameter)
      let zeros = choices.zeroPoints(of: range, shape: shape.parameter)
      test.inputs["x"] = choices.levelInputs(
        input, shape: shape, scales: scales, zeros: zeros, range: range)
      test.inputs["scale"] = scales
      test.inputs["zero_point"] = zeros
    }
    test.inputs["grad_output"] = choices.gradients(input, shape: shape.x)
    return test
  }

  /// Ranges on x: those of sign functions and ReLU6, and one whose ends no float has.
  private static let ends: [(lower: AttributeValue, upper: AttributeValue, values: [Double])] = [
    (.integer(-1), .integer(1), [-1, 1]),
    (.integer(0), .integer(6), [0, 6]),
    (.decimal("-0.5"), .decimal("0.5"), [-0.5, 0.5]),
    (.decimal("-0.1"), .decimal("0.3"), [-0.1, 0.3]),
    (.integer(2), .integer(2), [2, 2]),
  ]
}

extension Choices {
  /// Zero points within a range of levels, in a block of their own; none now and then.
  mutating func zeroPoints(of range: ClosedRange<Int64>, shape: [Int]) -> Tensor? {
    if oneIn(4) && range.contains(0) { return nil }
    beginBlock()
    let count = Tensor.count(of: shape) ?? 0
    let codes = (0..<count).map { _ in integer(in: range) { $0.edge(range) } }
    return Tensor(.int32, shape: shape, codes: codes)
  }
}
