public import CaseFormat
public import Generation
import NumberFormats

extension Truncate {
  /// Draws widths, roundings and parameters, then inputs on the ties of the shorter type.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    let shape = ElementwiseShape(from: &choices, rule: .broadcast, hasBlocks: false)
    let version = 1 + choices.choose(below: 2)
    let bitsOut = 1 + choices.choose(below: 8)
    let dropped = choices.choose(below: 9)
    let rules = try? dialect.rule(Self.self, as: Variants<TruncateRule>.self)
    let modes = rules?.base.roundingModes.map(\.name) ?? ["FLOOR"]
    var test = Case(
      id: "", operation: name, dialect: dialect.name,
      attributes: [
        "version": .integer(version), "bit_width_in": .integer(bitsOut + dropped),
        "bit_width_out": .integer(bitsOut), "rounding_mode": .string(choices.choose(modes)),
      ])
    if version == 2 {
      test.attributes["signed"] = .integer(choices.choose(below: 2))
      test.attributes["narrow"] = .integer(choices.choose(below: 2))
    }
    let scales = choices.scales(.float32, shape: shape.parameter)
    choices.beginBlock()
    let range: ClosedRange<Int64> = -(1 << 15)...(1 << 15)
    let format = FloatFormat.binary32
    let zeros = Tensor(
      .float32, shape: shape.parameter,
      codes: scales.codes.map { _ in
        let zero = choices.integer(in: -8...8) { $0.oneIn(2) ? 0 : $0.within(-8...8) }
        return Int64(bitPattern: format.code(of: Double(zero)))
      })
    if version == 2 {
      let factor = Double(1 << dropped)
      test.inputs["output_scale"] = Tensor(
        .float32, shape: shape.parameter,
        codes: scales.codes.map { code in
          let scaled = format.code(of: format.double(of: UInt64(bitPattern: code)) * factor)
          return Int64(bitPattern: min(scaled, format.code(of: 0x1p127)))
        })
    }
    test.inputs["x"] = choices.levelInputs(
      .float32, shape: shape, scales: scales, zeros: zeros, range: range)
    test.inputs["scale"] = scales
    test.inputs["zero_point"] = zeros
    return test
  }
}
