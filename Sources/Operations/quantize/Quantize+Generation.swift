public import CaseFormat
public import Generation
import ExactArithmetic
import NumberFormats

extension Quantize {
  /// Draws shape, types, scales and zero points, then inputs on the edges that these make.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: Variants<QuantizeRule>.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let rule = rules.base
    if rule.kind == .fixedPoint { return fixedPointCase(from: &choices, dialect) }
    let hasBlocks = rule.accepts.contains("block_size")
    let shape = ElementwiseShape(from: &choices, rule: rule.axis, hasBlocks: hasBlocks)
    let output = choices.type(rule.outputTypes ?? defaultOutputTypes)
    let input = choices.type(rule.inputTypes ?? [.float32, .float16, .bfloat16, .float64])
    let scaleType = rule.scaleTypes.map { $0.contains(input) ? input : $0[0] } ?? .float32
    var test = Case(
      id: "", operation: name, dialect: dialect.name, attributes: shape.attributes)
    let hasZeroPoint = !choices.oneIn(4)
    var range = Choices.range(of: output)
    if output.floatFormat != nil {
      if rule.accepts.contains("saturate"), choices.oneIn(2) {
        test.attributes["saturate"] = .integer(choices.choose(below: 2))
      }
    } else if choices.oneIn(8) {
      let ends = [choices.integer(of: output), choices.integer(of: output)].sorted()
      range = ends[0]...ends[1]
      test.attributes["qmin"] = .integer(Int(ends[0]))
      test.attributes["qmax"] = .integer(Int(ends[1]))
    }
    let scales = choices.scales(scaleType, shape: shape.parameter)
    let zeros: Tensor? =
      if !hasZeroPoint {
        nil
      } else if output.floatFormat != nil {
        Tensor(output, shape: shape.parameter, codes: scales.codes.map { _ in 0 })
      } else {
        choices.zeroPoints(output, shape: shape.parameter)
      }
    if zeros == nil { test.attributes["output_dtype"] = .string(output.name) }
    test.inputs["x"] = choices.levelInputs(
      input, shape: shape, scales: scales, zeros: zeros, range: range)
    test.inputs["scale"] = scales
    test.inputs["zero_point"] = zeros
    return test
  }

  private static let defaultOutputTypes: [DataType] = [
    "int8", "uint8", "int16", "uint16", "int4", "uint4", "int2", "uint2",
  ].compactMap(DataType.init(name:))

  private static func fixedPointCase(from choices: inout Choices, _ dialect: Dialect) -> Case {
    let width = 1 + Int(choices.choose(below: 64) { UInt64($0.below($0.oneIn(4) ? 64 : 12)) })
    let integerBits = Int(
      choices.integer(in: -8...72) { Int64($0.below(width + 5)) - 2 })
    let isSigned = !choices.oneIn(3)
    let rounding = choices.choose(FixedPointFormat.Rounding.allCases)
    let modes = FixedPointFormat.Overflow.allCases.filter { isSigned || $0 != .AP_WRAP_SM }
    let overflow = choices.choose(modes)
    let bits = choices.choose(below: width + 1)
    let format = FixedPointFormat(width: width, integerBits: integerBits, signed: isSigned)
    let count = choices.length(atMost: 40)
    choices.beginBlock()
    let unit = Double(sign: .plus, exponent: integerBits - width, significand: 1)
    let ends = format.range
    let (low, high) = (ends.lowerBound.approximate, ends.upperBound.approximate)
    let codes = (0..<count).map { _ in
      Int64(
        bitPattern: choices.float(.binary64) { randomness in
          let base: Double
          switch randomness.below(4) {
          case 0: base = low
          case 1: base = high
          case 2: base = 0
          default: base = low + (high - low) * Double(randomness.below(1 << 20)) / Double(1 << 20)
          }
          let steps = Double(randomness.below(33) - 16) / 4 * unit
          let aligned = (base / unit).rounded(.down) * unit + steps
          return FloatFormat.binary64.code(of: aligned.isFinite ? aligned : 0)
        })
    }.map { code in
      FloatFormat.binary64.decode(UInt64(bitPattern: code)).isFinite ? code : 0
    }
    return Case(
      id: "", operation: name, dialect: dialect.name,
      attributes: [
        "output_dtype": .string(DataType.fixed(format).name),
        "rounding": .string(rounding.rawValue), "overflow": .string(overflow.rawValue),
        "saturation_bits": .integer(bits),
      ], inputs: ["x": Tensor(.float64, shape: [count], codes: codes)])
  }
}
