import CaseFormat
import ExactArithmetic
import NumberFormats

/// How a rounding to an integer level is done: a rule on the exact value, or a framework's own code.
enum LevelRounding: Sendable, Hashable {
  case rule(RoundingRule)
  /// Negative ties upward, other ties to even [rounding §12].
  case dpu
  /// `sign(x) * floor(|x| + 0.5)` in the working precision [rounding §15].
  case awayByAddingHalf
  /// `sign(x) * ceil(|x| - 0.5)` in the working precision [rounding §15].
  case zeroBySubtractingHalf

  private static let emulations: [(name: String, rounding: LevelRounding)] = [
    ("dpu", .dpu), ("away_by_adding_half", .awayByAddingHalf),
    ("zero_by_subtracting_half", .zeroBySubtractingHalf),
  ]

  /// The rounding of a name in a dialect file.
  init?(name: String) {
    if let rule = RoundingRule(rawValue: name) {
      self = .rule(rule)
    } else if let emulation = Self.emulations.first(where: { $0.name == name }) {
      self = emulation.rounding
    } else {
      return nil
    }
  }

  static var names: [String] {
    RoundingRule.allCases.map(\.rawValue) + emulations.map(\.name)
  }

  /// The clause that defines the rounding.
  var clause: String {
    switch self {
    case .rule(let rule): rule.clause
    case .dpu: "rounding §12"
    case .awayByAddingHalf, .zeroBySubtractingHalf: "rounding §15"
    }
  }

  /// The plain rule, or the one that an emulation follows where its own arithmetic is exact.
  var nearestRule: RoundingRule {
    switch self {
    case .rule(let rule): rule
    case .dpu: .nearestEven
    case .awayByAddingHalf: .nearestAway
    case .zeroBySubtractingHalf: .nearestZero
    }
  }

  var phrase: String {
    switch self {
    case .rule(let rule): rule.phrase
    case .dpu: "nearest, ties to even, negative ties up"
    case .awayByAddingHalf: "half added to the magnitude, then floor, in floating point"
    case .zeroBySubtractingHalf: "half taken from the magnitude, then ceiling, in floating point"
    }
  }

  /// Rounds to an integer; infinities and NaN stay what they are.
  ///
  /// Zero keeps the sign that IEEE 754 or the emulation gives it.
  func round(_ value: Number, _ arithmetic: Arithmetic) throws(InexactResult) -> Number {
    guard let rational = value.rational, value.isFinite else { return value }
    let rounded = try unsigned(rational, arithmetic)
    guard rounded.isZero else { return rounded }
    switch self {
    case .rule, .dpu: return value.isNegative ? .negativeZero : .zero
    case .awayByAddingHalf: return rational.signum() < 0 ? .negativeZero : .zero
    case .zeroBySubtractingHalf:
      // The sign times ceil(|x| - 0.5), which is -0 below a half and +0 at it.
      let isHalf = rational.magnitude == Rational(1) / 2
      return (rational.signum() < 0) == isHalf ? .negativeZero : .zero
    }
  }

  private func unsigned(
    _ rational: Rational, _ arithmetic: Arithmetic
  ) throws(InexactResult) -> Number {
    switch self {
    case .rule(let rule): return Number(try rational.rounded(rule))
    case .dpu:
      let isTie = (rational * 2).isInteger && !rational.isInteger
      return Number(
        try rational.rounded(isTie && rational.signum() < 0 ? .ceiling : .nearestEven))
    case .awayByAddingHalf: return try emulated(rational, half: 1, .floor, arithmetic)
    case .zeroBySubtractingHalf: return try emulated(rational, half: -1, .ceiling, arithmetic)
    }
  }

  private func emulated(
    _ value: Rational, half: Int, _ rule: RoundingRule, _ arithmetic: Arithmetic
  ) throws(InexactResult) -> Number {
    let moved = arithmetic.add(.finite(value.magnitude), .finite(Rational(half) / 2))
    guard case .finite(let sum) = moved else { return moved }
    let magnitude = try sum.rounded(rule)
    return Number(value.signum() < 0 ? -magnitude : magnitude)
  }
}

extension RoundingRule {
  /// The clause that defines the rule.
  var clause: String {
    let order: [RoundingRule] = [
      .nearestEven, .nearestAway, .nearestUp, .nearestDown, .nearestZero, .nearestOdd, .floor,
      .ceiling, .towardZero, .awayFromZero, .exact,
    ]
    return "rounding §\((order.firstIndex(of: self) ?? 0) + 1)"
  }
}

extension RuleReader {
  /// A rounding by its name.
  mutating func rounding(
    _ key: String, default value: LevelRounding
  ) throws(DialectError) -> LevelRounding {
    guard let text = try string(key) else { return value }
    guard let rounding = LevelRounding(name: text) else {
      throw failure(key, "'\(text)' is not one of \(LevelRounding.names.joined(separator: ", "))")
    }
    return rounding
  }
}

/// How a real value becomes an integer level: scaling, zero point, rounding, clamp [affine §2 to §8].
struct LevelRule: DialectRule {
  /// Whether the scale divides, or its rounded reciprocal multiplies.
  enum Scaling: String, CaseIterable, Sendable {
    case division, reciprocal
    /// By the ends of the real range that the levels stand for, as OpenVINO's FakeQuantize [affine §29].
    case realRange = "real_range"
  }
  /// Whether the zero point is added to the rounded level or to the real value before it.
  enum ZeroPoint: String, CaseIterable, Sendable {
    case afterRounding = "after_rounding"
    case beforeRounding = "before_rounding"
  }
  /// Whether the range cuts the level or the real value before rounding.
  enum Clamp: String, CaseIterable, Sendable {
    case afterRounding = "after_rounding"
    case beforeRounding = "before_rounding"
  }
  /// In what the zero point is added after rounding.
  enum Addition: String, CaseIterable, Sendable {
    case exact, float32, float64, int32, int64
    /// The working precision.
    case precision
  }
  /// What a sum beyond the integer type of the addition gives.
  enum Overflow: String, CaseIterable, Sendable { case unspecified, wrap }
  /// What a NaN becomes.
  enum NaN: String, CaseIterable, Sendable { case unspecified, lowest, highest, zero, propagate }
  /// What is taken from the zero point before the rounding and added back after it.
  enum Offset: String, CaseIterable, Sendable {
    case none
    case typeMinimum = "type_minimum"
  }

  var scaling: Scaling
  var precision: Precision
  var zeroPoint: ZeroPoint
  var isFused: Bool
  var rounding: LevelRounding
  var clamp: Clamp
  var addition: Addition
  var overflow: Overflow
  var nan: NaN
  var offset: Offset
  /// Whether levels are floats, so that a negative value rounded to zero is -0.
  var keepsMinusZero: Bool
  /// In what the ends of the range are held when a level is clamped to them.
  var bounds: Precision
  /// Whether the value is converted to an integer type before the clamp; beyond it: unspecified.
  var conversionBits: Int?

  init(_ reader: inout RuleReader) throws(DialectError) {
    scaling = try reader.choice("scaling", default: .division)
    precision = try reader.choice("precision", default: .exact)
    zeroPoint = try reader.choice("zero_point", default: .afterRounding)
    isFused = try reader.flag("fused", default: false)
    rounding = try reader.rounding("rounding", default: .rule(.nearestEven))
    clamp = try reader.choice("clamp", default: .afterRounding)
    addition = try reader.choice("addition", default: .exact)
    overflow = try reader.choice("overflow", default: .unspecified)
    nan = try reader.choice("nan", default: .unspecified)
    offset = try reader.choice("offset", default: .none)
    keepsMinusZero = try reader.flag("keeps_minus_zero", default: false)
    bounds = try reader.choice("bounds", default: .exact)
    conversionBits =
      reader.has("conversion_bits")
      ? try reader.integer("conversion_bits", in: 8...64, default: 32) : nil
    if isFused && (zeroPoint != .beforeRounding || scaling != .reciprocal) {
      throw reader.failure(
        "fused", "needs scaling: reciprocal and zero_point: before_rounding to fuse")
    }
  }
}

extension LevelRule {
  /// How levels depend on the value: as steps, but for what is named here [proof §9].
  ///
  /// Where a level below the range is told apart from zero by another output, `isMasked` says so.
  func dependence(
    zeros: [Number], range: ClosedRange<Integer>, rounding: LevelRounding? = nil,
    isMasked: Bool = false
  ) -> Dependence {
    let rounding = rounding ?? self.rounding
    if rounding == .rule(.exact) { return .any("the rounding refuses what is not an integer") }
    if keepsMinusZero && rounding == .zeroBySubtractingHalf {
      return .any("the sign of a zero comes and goes")
    }
    if keepsMinusZero && clamp == .afterRounding && !isMasked
      && bounds.rounded(range).lowerBound == 0
    {
      return .any("a level below the range becomes +0, and one that rounds to zero is -0")
    }
    if mayWrap && zeros.contains(where: { wrapsBack($0, range) }) {
      return .any("the sum of level and zero point wraps to a level that came before")
    }
    return .steps(origin: 0)
  }

  /// Whether the sum of level and zero point is one that wraps.
  var mayWrap: Bool { zeroPoint == .afterRounding && overflow == .wrap && sumFormat != nil }

  /// Whether a sum that wraps may give a level that came before, on the same side of zero.
  ///
  /// Only sums away from zero wrap, past all others; those sums stand in order too. So it is enough
  /// that the one next to the zero point differs from it after the clamp.
  private func wrapsBack(_ zero: Number, _ range: ClosedRange<Integer>) -> Bool {
    guard let format = sumFormat, let z = zero.rational?.numerator, z != 0 else { return false }
    guard format.contains(z), bounds == .exact else { return true }
    let half = Integer.powerOfTwo(format.bits - 1)
    return z.signum() > 0
      ? (z - half - 1).clamped(to: range) == z.clamped(to: range)
      : (z + half).clamped(to: range) == z.clamped(to: range)
  }
}

/// A level: an integer, a real where a clamp or a scale leaves it off the grid, or open.
enum Level: Hashable, Sendable {
  case value(Rational)
  /// Zero with a minus sign, where levels are floats.
  case minusZero
  case nan
  case unspecified
}

/// What happened on the way to a level, for coverage and masks.
struct LevelEvents {
  /// The value that was rounded, if it was finite.
  var beforeRounding: Rational?
  /// The level with its zero point, before the clamp; nil where it is not finite.
  var unclamped: Number = .nan
}

extension LevelRule {
  /// The level of a value, which may be of any kind, by a scale that is finite and positive.
  ///
  /// The zero point need not be an integer where the dialect allows that; `typeMinimum` is the lowest
  /// value of the output type, for dialects that offset by it.
  func level(
    of x: Number, scale: Number, zero: Number, range: ClosedRange<Integer>,
    typeMinimum: Integer = 0, arithmetic: Arithmetic, rounding: LevelRounding? = nil,
    events: inout LevelEvents, trace: inout Trace
  ) throws(CaseError) -> Level {
    let rounding = rounding ?? self.rounding
    if scaling == .realRange {
      return try realRangeLevel(x, scale, zero, range, typeMinimum, arithmetic, &events, &trace)
    }
    var value = scaled(x, scale, arithmetic, &trace)
    let shift: Number =
      offset == .typeMinimum ? Number(typeMinimum) : .finite(0)
    if zeroPoint == .beforeRounding {
      let moved = arithmetic.add(zero, negated(shift))
      if isFused {
        let inverse = arithmetic.divide(.finite(1), arithmetic.convert(scale))
        value = arithmetic.fusedMultiplyAdd(arithmetic.convert(x), inverse, moved)
        trace.note(
          "zero point", Readable.text(value),
          "x * reciprocal + \(Readable.text(moved)), rounded once to \(arithmetic.name)",
          "affine §6", from: arithmetic.convert(x), to: value,
          by: .multiplyAdd(inverse, moved, arithmetic.format))
      } else {
        let before = value
        value = arithmetic.add(value, moved)
        trace.note(
          "zero point", Readable.text(value),
          "+ \(Readable.text(moved)) before rounding, in \(arithmetic.name)", "affine §5",
          from: before, to: value, by: .add(moved, arithmetic.format))
      }
    }
    if clamp == .beforeRounding { value = clamped(value, range, &trace) }
    events.beforeRounding = value.rational.flatMap { value.isInfinite ? nil : $0 }
    let level: Number
    do {
      level = try rounding.round(value, arithmetic)
    } catch {
      throw .precondition("\(Readable.text(value)) is not an integer and the rounding is exact")
    }
    if trace.isNumeric || value != .negativeZero && value.isFinite {
      trace.note(
        "rounding", Readable.text(level), "\(Readable.text(value)); \(rounding.phrase)",
        rounding.clause, from: value, to: level, by: .round(rounding.nearestRule))
    }
    return finish(level, zero, shift, range, arithmetic, &events, &trace)
  }

  private func scaled(
    _ x: Number, _ scale: Number, _ arithmetic: Arithmetic, _ trace: inout Trace
  ) -> Number {
    let x = arithmetic.convert(x)
    let scale = arithmetic.convert(scale)
    switch scaling {
    case .division:
      let value = arithmetic.divide(x, scale)
      trace.note(
        "scaling", Readable.text(value),
        "\(Readable.text(x)) / \(Readable.text(scale)), \(arithmetic.name)", "affine §2",
        from: x, to: value, by: .divide(scale, arithmetic.format))
      return value
    case .reciprocal, .realRange:
      let inverse = arithmetic.divide(.finite(1), scale)
      let value = arithmetic.multiply(x, inverse)
      trace.note(
        "scaling", Readable.text(value),
        "\(Readable.text(x)) * \(Readable.text(inverse)), the reciprocal, \(arithmetic.name)",
        "affine §3", from: x, to: value, by: .multiply(inverse, arithmetic.format))
      return value
    }
  }

  /// OpenVINO's FakeQuantize: the real ends of the range, a scale and a shift made of them, a crop
  /// of the input, and rounding to 0...255 [affine §29].
  private func realRangeLevel(
    _ x: Number, _ scale: Number, _ zero: Number, _ range: ClosedRange<Integer>,
    _ typeMinimum: Integer, _ a: Arithmetic, _ events: inout LevelEvents, _ trace: inout Trace
  ) throws(CaseError) -> Level {
    let count = range.upperBound - range.lowerBound
    func end(_ level: Integer) -> Number {
      a.multiply(scale, a.add(Number(level), -zero))
    }
    let (low, high) = (end(range.lowerBound), end(range.upperBound))
    let factor = a.divide(Number(count), a.add(high, -low))
    let shift = -a.multiply(low, factor)
    if case .nan = x { return finish(.nan, zero, .zero, range, a, &events, &trace) }
    guard let lowest = low.rational, let highest = high.rational, low.isFinite, high.isFinite else {
      return .unspecified
    }
    let value: Number =
      x.isInfinite
      ? (x.isNegative ? low : high) : .finite(min(max(x.rational ?? 0, lowest), highest))
    // A signed type whose zero point is 0 is scaled without the shift.
    let isCentred = zero.isZero && typeMinimum.signum() < 0
    let product = a.multiply(value, factor)
    let moved = isCentred ? product : a.add(product, shift)
    trace.note(
      "scaling", Readable.text(moved),
      "\(Readable.text(value)) * \(Readable.text(factor)) + \(Readable.text(shift))", "affine §29",
      to: moved)
    events.beforeRounding = moved.rational
    let level: Number
    do {
      level = try rounding.round(moved, a)
    } catch {
      throw .precondition("\(Readable.text(moved)) is not an integer and the rounding is exact")
    }
    trace.note(
      "rounding", Readable.text(level), "\(Readable.text(moved)); \(rounding.phrase)",
      rounding.clause, from: moved, to: level, by: .round(rounding.nearestRule))
    let offset: Number = isCentred ? .zero : Number(range.lowerBound)
    events.unclamped = Arithmetic.exact.add(level, offset)
    trace.noteStep("zero point", from: level, to: events.unclamped, by: .add(offset, nil))
    return clampedLevel(events.unclamped, range, &trace)
  }

  private func clamped(
    _ value: Number, _ range: ClosedRange<Integer>, _ trace: inout Trace
  ) -> Number {
    let (low, high) = (Number(range.lowerBound), Number(range.upperBound))
    let result: Number
    switch value {
    case .nan: result = value
    case .infinity(let negative): result = negative ? low : high
    case .negativeZero, .finite:
      let rational = value.rational ?? 0
      let lowest = Rational(range.lowerBound)
      let highest = Rational(range.upperBound)
      result = rational < lowest ? low : rational > highest ? high : value
    }
    if result != value || trace.isNumeric {
      trace.note(
        "clamp", Readable.text(result), "to \(range.lowerBound)...\(range.upperBound)",
        "affine §7", from: value, to: result,
        by: .clamp(Rational(range.lowerBound)...Rational(range.upperBound)))
    }
    return result
  }

  /// Adds the zero point after the rounding, and clamps.
  private func finish(
    _ rounded: Number, _ zero: Number, _ shift: Number, _ range: ClosedRange<Integer>,
    _ arithmetic: Arithmetic, _ events: inout LevelEvents, _ trace: inout Trace
  ) -> Level {
    if case .nan = rounded {
      events.unclamped = .nan
      switch nan {
      case .unspecified: return .unspecified
      case .propagate: return .nan
      case .lowest: return .value(Rational(range.lowerBound))
      case .highest: return .value(Rational(range.upperBound))
      case .zero: return clampedLevel(.finite(0), range, &trace)
      }
    }
    if let bits = conversionBits, !fits(rounded, bits) { return unspecifiedConversion(&trace) }
    var level = rounded
    if zeroPoint == .afterRounding {
      guard let sum = sum(rounded, zero, arithmetic) else { return unspecifiedConversion(&trace) }
      level = sum
      if !zero.isZero || trace.isNumeric {
        trace.note(
          "zero point", Readable.text(level), "+ \(Readable.text(zero)) after rounding",
          "affine §4", from: rounded, to: level, by: .add(zero, nil))
      }
    } else if !shift.isZero {
      level = Arithmetic.exact.add(level, shift)
      trace.note(
        "zero point", Readable.text(level), "+ \(Readable.text(shift)), the type's minimum",
        "affine §5", from: rounded, to: level, by: .add(shift, nil))
    }
    events.unclamped = level
    return clampedLevel(level, range, &trace)
  }

  private func clampedLevel(
    _ level: Number, _ range: ClosedRange<Integer>, _ trace: inout Trace
  ) -> Level {
    guard bounds != .exact else {
      let result = clamped(level, range, &trace)
      if keepsMinusZero && result == .negativeZero { return .minusZero }
      return result.rational.map(Level.value) ?? .nan
    }
    // Ends that the precision moves out of the range leave a level that the type cannot hold.
    let held = bounds.rounded(range)
    let result = clamped(level, held, &trace).rational ?? 0
    if keepsMinusZero {
      return level == .negativeZero && result.isZero ? .minusZero : .value(result)
    }
    return result > Rational(range.upperBound) ? unspecifiedConversion(&trace) : .value(result)
  }

  private func unspecifiedConversion(_ trace: inout Trace) -> Level {
    trace.note(
      "conversion", "unspecified", "beyond the integer type it is converted to", "affine §8")
    return .unspecified
  }

  private func fits(_ value: Number, _ bits: Int) -> Bool {
    guard !value.isInfinite, let rational = value.rational else { return false }
    return IntegerFormat(bits: bits, signed: true).contains(rational.numerator)
  }

  /// The rounded level plus the zero point; nil where the integer type cannot hold it.
  private func sum(_ rounded: Number, _ zero: Number, _ arithmetic: Arithmetic) -> Number? {
    switch addition {
    case .exact: return Arithmetic.exact.add(rounded, zero)
    case .float32: return Arithmetic(format: .binary32).add(rounded, convert(zero, .binary32))
    case .float64: return Arithmetic(format: .binary64).add(rounded, convert(zero, .binary64))
    case .precision: return arithmetic.add(rounded, arithmetic.convert(zero))
    case .int32, .int64:
      guard let format = sumFormat, fits(rounded, format.bits),
        let level = rounded.rational?.numerator, let zero = zero.rational?.numerator
      else { return nil }
      let sum = level + zero
      if format.contains(sum) { return Number(sum) }
      return overflow == .wrap ? Number(format.wrapped(sum)) : nil
    }
  }

  /// The integer type of the addition, where it has one.
  private var sumFormat: IntegerFormat? {
    switch addition {
    case .int32: IntegerFormat(bits: 32, signed: true)
    case .int64: IntegerFormat(bits: 64, signed: true)
    case .exact, .float32, .float64, .precision: nil
    }
  }

  private func convert(_ value: Number, _ format: FloatFormat) -> Number { format.rounded(value) }

  private func negated(_ value: Number) -> Number {
    value.rational.map { .finite(-$0) } ?? value
  }
}
