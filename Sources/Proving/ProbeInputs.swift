import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations

/// The values of a swept input at which ways to compute differ, for given parameters.
///
/// Between two levels stands an exact threshold: a tie, for a directed rounding a level itself. Every
/// dialect's own threshold lies within a few units in the last place of one of these, or of one
/// moved by half a unit of the level where a zero point is added in binary32. So the inputs are
/// solved for, not drawn: each such value with its neighbours, and the special ones.
struct ProbeInputs {
  private let dtype: DataType
  private var codes: Set<Int64> = []

  /// The inputs for a template whose swept input says its type; empty where there is no such input.
  static func codes(for template: Case) -> [Int64] {
    guard let operation = Registry.operation(named: template.operation),
      let name = operation.sweptInput, let swept = template.inputs[name]
    else { return [] }
    var inputs = ProbeInputs(dtype: swept.dtype)
    switch template.operation {
    case "dequantize": inputs.addLevels(of: template)
    case "bipolar_quantize": inputs.addSpecials(unit: 1)
    default: inputs.addThresholds(of: template)
    }
    return inputs.codes.sorted()
  }

  private init(dtype: DataType) { self.dtype = dtype }

  // MARK: Thresholds

  private mutating func addThresholds(of template: Case) {
    guard let grid = Grid(template) else { return addSpecials(unit: 1) }
    for level in grid.levels {
      for half in [Rational(0), Rational(1, 2)] {
        let threshold = Rational(level) + half
        add(grid.input(of: threshold), neighbours: 2)
        // A sum with the zero point is rounded where it is a binary32 number.
        guard !grid.zero.isZero, !threshold.isZero, dtype.isFloat else { continue }
        let ulp = Rational(1).scaledByPowerOfTwo(threshold.magnitude.floorLog2 - 24)
        for moved in [threshold - ulp, threshold + ulp] {
          add(grid.input(of: moved), neighbours: 1)
        }
      }
    }
    for value in grid.values { add(value, neighbours: 1) }
    addSpecials(unit: grid.unit)
  }

  /// Zero, the ends of the type, what lies beyond integer types, and NaNs.
  private mutating func addSpecials(unit: Rational) {
    guard case .float(let format) = dtype else {
      for value in [Integer(0), 1, -1, 2, -2, 3, -3] { add(Rational(value), neighbours: 0) }
      for bits in [8, 16, 23, 24, 25, 31, 32] {
        let power = Rational(1).scaledByPowerOfTwo(bits)
        for value in [power, -power] { add(value, neighbours: 1) }
      }
      let ends = dtype.codes
      codes.formUnion([ends.lowerBound, ends.lowerBound + 1, ends.upperBound - 1, ends.upperBound])
      return
    }
    let sign: Int64 = format.bits < 63 ? 1 << Int64(format.bits - 1) : 0
    let exponent = Int64(1) << Int64(format.significandBits)
    let infinity = sign - exponent
    for code in [0, 1, exponent - 1, exponent, infinity - 1, infinity] where format.hasInfinity {
      codes.formUnion([code, code | sign])
    }
    // Quiet and signalling, with payloads and either sign.
    for payload in [exponent / 2, 1, exponent - 1] where format.hasInfinity {
      codes.formUnion([infinity | payload, infinity | payload | sign])
    }
    let half = Rational(1, 2) - Rational(1).scaledByPowerOfTwo(-25)
    for value in [half, Rational(8_388_607), 8_388_609] {
      for signed in [value, -value] { add(signed * unit, neighbours: 0) }
    }
    for bits in [8, 15, 16, 23, 24, 31, 32, 62, 63, 64, 70] {
      let power = Rational(1).scaledByPowerOfTwo(bits) * unit
      for value in [power, -power] { add(value, neighbours: 1) }
    }
  }

  // MARK: Levels

  /// Every level of a narrow type; of a wider one the ends, the powers and those about the zero point.
  private mutating func addLevels(of template: Case) {
    let ends = dtype.codes
    if dtype.bits <= 8 { return codes.formUnion(ends) }
    if case .float = dtype { return addSpecials(unit: 1) }
    let zero = template.inputs["zero_point"]?.codes.first ?? 0
    for centre in [ends.lowerBound, ends.upperBound, zero, 0] {
      for offset in Int64(-20)...20 where ends.contains(centre &+ offset) {
        codes.insert(centre &+ offset)
      }
    }
    for bits in 4..<(dtype.bits - 1) {
      for value in [Int64(1) << Int64(bits), -(Int64(1) << Int64(bits))] {
        for offset in [zero - 1, zero, zero + 1] where ends.contains(value &+ offset) {
          codes.insert(value &+ offset)
        }
      }
    }
  }

  // MARK: Codes

  /// Adds the code nearest to a value and so many on either side.
  private mutating func add(_ value: Rational, neighbours: Int64) {
    let ends = dtype.codes
    let code: Int64
    switch dtype {
    case .float(let format): code = Int64(bitPattern: format.encode(.finite(value)))
    case .integer, .bool:
      guard let near = (try? value.rounded(.floor))?.int64 else { return }
      code = near
    case .fixed(let format):
      let raw = value.scaledByPowerOfTwo(format.width - format.integerBits)
      guard let near = (try? raw.rounded(.floor))?.int64 else { return }
      code = near
    }
    for offset in -neighbours...neighbours + (dtype.isFloat ? 0 : 1)
    where ends.contains(code &+ offset) {
      codes.insert(code &+ offset)
    }
  }
}

extension DataType {
  var isFloat: Bool { if case .float = self { true } else { false } }
}

/// The levels of a template, and the input that would lie exactly on each.
private struct Grid {
  /// What one level is worth in inputs.
  let unit: Rational
  let zero: Rational
  /// The levels whose thresholds are asked for.
  private(set) var levels: [Int64] = []
  /// Inputs on the thresholds of an output type that has no levels.
  private(set) var values: [Rational] = []

  init?(_ template: Case) {
    zero =
      template.inputs["zero_point"].flatMap { $0.count > 0 ? $0.number(at: 0).rational : nil } ?? 0
    let output = Self.output(of: template)
    if case .fixed(let format) = output {
      unit = Rational(1).scaledByPowerOfTwo(format.integerBits - format.width)
      levels = Self.telling(output.codes, zero: 0)
      return
    }
    guard let unit = Self.unit(of: template) else { return nil }
    self.unit = unit
    if case .float(let format) = output, format.bits <= 8 {
      let numbers = (0..<UInt64(1) << UInt64(format.bits)).compactMap {
        format.decode($0).rational
      }.sorted()
      values = zip(numbers, numbers.dropFirst()).flatMap { low, high in
        [low * unit, (low + high) * Rational(1, 2) * unit]
      }
      return
    }
    func end(_ name: String) -> Int64? {
      if case .integer(let value)? = template.attributes[name] { return Int64(value) }
      return nil
    }
    let low = end("qmin") ?? output.codes.lowerBound
    let high = max(low, end("qmax") ?? output.codes.upperBound)
    levels = Self.telling(low...high, zero: (try? zero.rounded(.floor))?.int64 ?? 0)
  }

  /// The input that lies exactly on a level.
  func input(of level: Rational) -> Rational { (level - zero) * unit }

  private static func output(of template: Case) -> DataType {
    if case .string(let name)? = template.attributes["output_dtype"],
      let type = DataType(name: name)
    {
      return type
    }
    if template.operation == "fake_quantize" || template.operation == "truncate" { return .int8 }
    return template.inputs["zero_point"]?.dtype ?? .uint8
  }

  /// What one level is worth; nil where the template does not say.
  private static func unit(of template: Case) -> Rational? {
    func value(_ name: String) -> Rational? {
      template.inputs[name].flatMap { $0.count > 0 ? $0.number(at: 0).rational : nil }
    }
    let isRequantization = template.operation == "requantize"
    if let scale = value("scale") {
      if scale.isZero { return nil }
      return isRequantization ? Rational(1) / scale : scale
    }
    guard let m = value("multiplier"), !m.isZero, let shift = value("shift")?.numerator.int64 else {
      return nil
    }
    // TOSA's shifts count to the right from 0, all others to the left from 31; the templates that
    // are made for one have multipliers below one in the other.
    let isRight = template.dialect.hasPrefix("tosa") || shift > 24
    let scale = m.scaledByPowerOfTwo(isRight ? -Int(shift) : Int(shift) - 31)
    return Rational(1) / scale
  }

  /// All levels where they are few; else those at the ends, about the zero point, and some between.
  private static func telling(_ range: ClosedRange<Int64>, zero: Int64) -> [Int64] {
    let (low, high) = (range.lowerBound, range.upperBound)
    if high - low <= 32 { return Array(low - 2...high + 1) }
    var levels = Set(low - 3...low + 3).union(high - 4...high + 2).union(zero - 5...zero + 4)
    let step = max(1, (high - low) / 23)
    for level in stride(from: low + step / 2, through: high, by: Int(step)) { levels.insert(level) }
    return levels.sorted()
  }
}
