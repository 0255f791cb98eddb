public import CaseFormat
import ExactArithmetic
public import Generation
import NumberFormats

extension Requantize {
  /// Draws multipliers and zero points, then accumulators that land on the edges these make.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: Variants<RequantizationRule>.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let rule = rules.base
    var test = Case(id: "", operation: name, dialect: dialect.name)
    let acc = accumulatorType(from: &choices, rule)
    let output = choices.type(rule.outputTypes ?? [.int8, .uint8, .int16])
    let isPerChannel = choices.oneIn(3)
    let channels = isPerChannel ? choices.length(atLeast: 1, atMost: 140) : 1
    let count = choices.length(atMost: isPerChannel ? max(2, min(66, 280 / channels)) : 140)
    let isFirst = isPerChannel && choices.oneIn(2)
    let shape = isPerChannel ? (isFirst ? [channels, count] : [count, channels]) : [count]
    if isFirst { test.attributes["axis"] = .integer(0) }
    let parameter = isPerChannel ? [channels] : []
    let usesScale = !rule.takesMultipliers || choices.oneIn(3)
    let accZero = choices.oneIn(4) ? choices.integer(of: acc) : 0
    let zeros = choices.zeroPoints(
      output, shape: isPerChannel && choices.oneIn(2) ? parameter : [])
    let isWideScale = usesScale && rule.kind == .fixed && rule.source == .tflite && choices.oneIn(3)
    let real = multipliers(
      from: &choices, rule, acc, parameter, usesScale: usesScale, isWideScale: isWideScale, &test)
    if accZero != 0 { test.inputs["acc_zero_point"] = Tensor(scalar: accZero, acc) }
    test.inputs["zero_point"] = zeros
    var levels = Choices.range(of: output)
    if choices.oneIn(6) {
      let ends = [choices.integer(of: output), choices.integer(of: output)].sorted()
      levels = ends[0]...ends[1]
      test.attributes["qmin"] = .integer(Int(ends[0]))
      test.attributes["qmax"] = .integer(Int(ends[1]))
    }

    choices.beginBlock()
    let range = Choices.range(of: acc)
    let total = Tensor.count(of: shape) ?? 0
    let codes = (0..<total).map { index in
      let channel = isFirst ? index / max(count, 1) : index % channels
      let multiplier = real[real.count == 1 ? 0 : channel]
      let zero = Double(zeros.codes[zeros.count == 1 ? 0 : channel])
      return choices.integer(in: range) { randomness in
        accumulator(multiplier, zero, levels, range, accZero, &randomness)
      }
    }
    test.inputs["acc"] = Tensor(acc, shape: shape, codes: codes)
    return test
  }

  private static func accumulatorType(
    from choices: inout Choices, _ rule: RequantizationRule
  ) -> DataType {
    if let types = rule.inputTypes { return choices.type(types) }
    let wide = ["int48", "int64"].compactMap(DataType.init(name:))
    let hasWide = rule.kind == .fixed && rule.wide == .sixteenBit
    return choices.choose(
      [(.int32, 12), (.int16, 1), (.int8, 1)] + (hasWide ? wide.map { ($0, 1) } : []))
  }

  /// Draws the multipliers into a case and returns their values.
  private static func multipliers(
    from choices: inout Choices, _ rule: RequantizationRule, _ acc: DataType, _ shape: [Int],
    usesScale: Bool, isWideScale: Bool, _ test: inout Case
  ) -> [Double] {
    choices.beginBlock()
    let count = Tensor.count(of: shape) ?? 0
    if usesScale {
      // TFLite's multipliers come from products of scales in double, which 31 bits do not hold.
      let format = isWideScale ? FloatFormat.binary64 : .binary32
      let limit = rule.kind == .fixed && rule.source == .xnnpack ? Double(rule.xnnpackLimit) : 0
      let codes = (0..<count).map { _ -> Int64 in
        let code = choices.scale(format) { randomness in
          randomness.oneIn(8)
            ? randomness.scaleCode(format) : ordinaryScale(format, &randomness)
        }
        // The domain of the dialect is part of its contract; outside it there is nothing to check.
        let value = format.double(of: code)
        if limit > 0 && !(value >= 0x1p-32 && value < limit) {
          return Int64(bitPattern: format.code(of: 0.5))
        }
        return Int64(bitPattern: code)
      }
      test.inputs["scale"] = Tensor(.float(format), shape: shape, codes: codes)
      return codes.map { format.double(of: UInt64(bitPattern: $0)) }
    }
    let multiplierType: DataType = rule.hasTosaConditions && acc.bits > 32 ? .int16 : .int32
    var (multipliers, shifts): ([Int64], [Int64]) = ([], [])
    let top: Int64 = multiplierType == .int16 ? 1 << 14 : 1 << 30
    let isWide = acc.bits > 32 && rule.wide == .sixteenBit
    let highest = isWide ? min(7, rule.shiftRange.upperBound) : rule.shiftRange.upperBound
    let shiftRange = Int64(rule.shiftRange.lowerBound)...Int64(highest)
    for _ in 0..<count {
      let lowest: Int64 = rule.allowsNegativeMultipliers ? -(2 * top) : 0
      multipliers.append(
        // Counted from 1/2, so that 1/2 is the simplest.
        top
          + choices.integer(in: (lowest - top)...(top - 1)) { randomness in
            switch randomness.below(6) {
            case 0, 1: 0
            case 2: top / 2
            case 3: randomness.pick([2 * top - 1, top + 1, 0, 1, lowest]) - top
            default: randomness.within(0...(top - 1))
            }
          })
      shifts.append(
        choices.integer(in: shiftRange) { randomness in
          if randomness.oneIn(10) { return randomness.within(shiftRange) }
          let left = Int64(randomness.below(12)) - 10
          let shift = rule.shift == .left ? left : (top == 1 << 14 ? 15 : 31) - left
          return min(max(shift, shiftRange.lowerBound), shiftRange.upperBound)
        })
    }
    test.inputs["multiplier"] = Tensor(multiplierType, shape: shape, codes: multipliers)
    test.inputs["shift"] = Tensor(.int8, shape: shape, codes: shifts)
    return zip(multipliers, shifts).map { multiplier, shift in
      let exponent = rule.shift == .left ? Int(shift) - 31 : -Int(shift)
      return Double(multiplier) * Double(sign: .plus, exponent: exponent, significand: 1)
    }
  }

  private static func ordinaryScale(
    _ format: FloatFormat, _ randomness: inout Randomness
  ) -> UInt64 {
    let bits = format.significandBits
    var significand = 1.0
    if !randomness.oneIn(2) {
      significand += Double(randomness.below(1 << bits)) / Double(1 << bits)
      // Next to a power of two, where a fraction of 31 bits rounds up to one.
      if bits > 31 && randomness.oneIn(4) { significand = 2 - 0x1p-33 }
    }
    return format.code(of: significand * randomness.power(-12...0))
  }

  /// An accumulator whose product lands on a level, on a tie or beside one; or any at all.
  private static func accumulator(
    _ multiplier: Double, _ zero: Double, _ levels: ClosedRange<Int64>,
    _ range: ClosedRange<Int64>, _ accZero: Int64, _ randomness: inout Randomness
  ) -> Int64 {
    if randomness.below(5) == 0 || multiplier == 0 { return randomness.edge(range) }
    let level: Double
    switch randomness.below(4) {
    case 0: level = Double(levels.lowerBound) + Double(randomness.below(5) - 3)
    case 1: level = Double(levels.upperBound) + Double(randomness.below(5) - 2)
    case 2: level = zero + Double(randomness.below(9) - 4)
    default: level = Double(randomness.within(levels))
    }
    let half = randomness.below(4) == 0 ? 0 : 0.5
    let exact = (level + half - zero) / multiplier
    let moved = exact.rounded() + Double(randomness.below(5) - 2) + Double(accZero)
    guard moved.isFinite, moved > -0x1p62, moved < 0x1p62 else { return randomness.edge(range) }
    return min(max(Int64(moved), range.lowerBound), range.upperBound)
  }
}
