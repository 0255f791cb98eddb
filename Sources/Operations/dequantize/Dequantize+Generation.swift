public import CaseFormat
public import Generation
import NumberFormats

extension Dequantize {
  /// Draws shape, types and parameters, then levels over the full range.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: Variants<DequantizeRule>.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let rule = rules.base
    let shape = ElementwiseShape(from: &choices, rule: rule.axis, hasBlocks: rule.acceptsBlocks)
    let input = choices.type(rule.inputTypes ?? defaultInputTypes)
    let scaleType = choices.type(rule.scaleTypes ?? [.float32])
    var test = Case(
      id: "", operation: name, dialect: dialect.name, attributes: shape.attributes)
    if let types = rule.outputTypes, choices.oneIn(6) {
      test.attributes["output_dtype"] = .string(choices.type(types).name)
    }
    let hasZeroPoint = !choices.oneIn(4)
    test.inputs["scale"] = choices.scales(scaleType, shape: shape.parameter)
    if hasZeroPoint {
      let mustBeZero = input.floatFormat != nil || rule.zeroOnlyTypes.contains(input)
      test.inputs["zero_point"] =
        mustBeZero
        ? Tensor(
          input, shape: shape.parameter,
          codes: Array(repeating: 0, count: Tensor.count(of: shape.parameter) ?? 0))
        : choices.zeroPoints(input, shape: shape.parameter)
    }
    if let format = input.floatFormat {
      choices.beginBlock()
      let count = Tensor.count(of: shape.x) ?? 0
      let codes = (0..<count).map { _ in
        Int64(bitPattern: choices.float(format) { $0.floatCode(format) })
      }
      test.inputs["x"] = Tensor(input, shape: shape.x, codes: codes)
    } else {
      test.inputs["x"] = choices.integers(
        input, shape: shape.x, zero: test.inputs["zero_point"]?.codes.first ?? 0)
    }
    return test
  }

  private static let defaultInputTypes: [DataType] = [
    "int8", "uint8", "int16", "uint16", "int32", "int4", "uint4", "int2", "uint2",
  ].compactMap(DataType.init(name:))
}
