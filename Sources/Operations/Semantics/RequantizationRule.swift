import CaseFormat
import ExactArithmetic
import NumberFormats

/// How an accumulator becomes a level [requantize §2 to §28].
struct RequantizationRule: DialectRule {
  /// Real multiplication, fixed-point multiplication, or an interval of accepted results.
  enum Kind: String, CaseIterable, Sendable { case real, fixed, interval }
  /// How a fixed-point product is brought down.
  enum Form: String, CaseIterable, Sendable {
    /// One rounding of the whole shift.
    case single
    /// A high product rounded to `multiplier_bits - 1` bits less, then the rest of the shift.
    case double
    /// One shift with the extra bias of TOSA's DOUBLE_ROUND.
    case tosaDouble = "tosa_double"
  }
  /// What the high product of two smallest numbers gives.
  enum HighOverflow: String, CaseIterable, Sendable { case saturate, wrap }
  /// What `shift` means in a case.
  enum Shift: String, CaseIterable, Sendable {
    /// The real multiplier is m * 2^(shift - 31).
    case left
    /// The real multiplier is m * 2^-shift.
    case right
  }
  /// How accumulators wider than 32 bits are scaled.
  enum Wide: String, CaseIterable, Sendable {
    case same
    /// The multiplier cut to 16 bits, one rounding half up.
    case sixteenBit = "sixteen_bit"
    case unsupported
  }

  var kind: Kind
  var level: LevelRule
  /// What the accumulator is converted to before the product.
  var accumulator: Precision
  /// What a scale is converted to.
  var scale: Precision
  var source: FixedMultiplier.Source
  var multiplierBits: Int
  var form: Form
  var firstRounding: RoundingRule
  var highOverflow: HighOverflow
  var rounding: RoundingRule
  var shift: Shift
  var shiftRange: ClosedRange<Int>
  var allowsNegativeMultipliers: Bool
  var wide: Wide
  /// The bits that a wide accumulator's result must fit; beyond them it is unspecified.
  var wideResultBits: Int
  /// Whether TOSA's conditions on value, shift and result hold; outside: unspecified.
  var hasTosaConditions: Bool
  var xnnpackLimit: Int
  var takesMultipliers: Bool
  var inputTypes: [DataType]?
  var outputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    kind = try reader.choice("kind", default: .real)
    level = try LevelRule(&reader)
    accumulator = try reader.choice("accumulator", default: .exact)
    scale = try reader.choice("scale", default: .exact)
    source = try reader.choice("from_scale", default: .tflite)
    multiplierBits = try reader.integer("multiplier_bits", in: 4...32, default: 32)
    form = try reader.choice("form", default: .single)
    firstRounding = try reader.choice("first_rounding", default: .nearestUp)
    highOverflow = try reader.choice("high_overflow", default: .saturate)
    guard case .rule(let rule) = level.rounding else {
      throw reader.failure("rounding", "must be a plain rounding rule here")
    }
    rounding = rule
    shift = try reader.choice("shift", default: .left)
    let lowest = try reader.integer("shift_min", in: -64...64, default: -31)
    let highest = try reader.integer("shift_max", in: -64...64, default: 30)
    guard lowest <= highest else { throw reader.failure("shift_max", "is below shift_min") }
    shiftRange = lowest...highest
    allowsNegativeMultipliers = try reader.flag("negative_multipliers", default: false)
    wide = try reader.choice("wide", default: .same)
    wideResultBits = try reader.integer("wide_result_bits", in: 8...32, default: 32)
    hasTosaConditions = try reader.flag("tosa_conditions", default: false)
    xnnpackLimit = try reader.integer("scale_limit", in: 1...256, default: 256)
    takesMultipliers = try reader.flag("takes_multipliers", default: kind != .real)
    inputTypes = try reader.types("input_types")
    outputTypes = try reader.types("output_types")
  }

  /// Whether the zero point is added before the rounding.
  var isZeroPointInside: Bool { kind == .real && level.zeroPoint == .beforeRounding }

  /// One multiplier of a case.
  enum Multiplier: Hashable, Sendable {
    /// Factors that are multiplied one after the other, each product rounded.
    case real([Rational])
    /// A multiplier and shift where the dialect works in real numbers: exact.
    case exact(Rational)
    case fixed(FixedMultiplier, isSixteenBit: Bool)
  }

  /// The multiplier that a scale means in this dialect.
  func multiplier(ofScale value: Rational, isWide: Bool) throws(CaseError) -> Multiplier {
    if kind == .real { return .real([value]) }
    let isSixteenBit = source == .tosa && isWide
    let fixed = try FixedMultiplier(
      of: value, by: source, bits: isSixteenBit ? 16 : multiplierBits,
      xnnpackLimit: Rational(xnnpackLimit))
    if source == .tosa {
      try checkShift(fixed.rightShift, "the shift of the scale")
      return .fixed(fixed, isSixteenBit: isSixteenBit)
    }
    if source == .tflite {
      let left = multiplierBits - 1 - fixed.rightShift
      if left > shiftRange.upperBound, form == .single {
        // The single-rounding build of TFLite caps the multiplier instead of shifting further.
        let cap = FixedMultiplier(
          multiplier: Integer.powerOfTwo(multiplierBits - 1) - 1,
          rightShift: multiplierBits - 1 - shiftRange.upperBound)
        return .fixed(cap, isSixteenBit: false)
      }
      try checkShift(left, "the shift of the scale")
    }
    return .fixed(fixed, isSixteenBit: false)
  }

  /// The multiplier that a case states as integer and shift.
  func multiplier(
    _ m: Int64, shift value: Int64, isSixteenBit: Bool
  ) throws(CaseError) -> Multiplier {
    guard takesMultipliers else {
      throw .unsupported("the dialect requantizes by a scale, not by multiplier and shift")
    }
    try checkShift(Int(value), "shift")
    guard IntegerFormat(bits: multiplierBits, signed: true).contains(Integer(m)) else {
      throw .precondition("multiplier \(m) does not fit \(multiplierBits) bits")
    }
    if m < 0 && !allowsNegativeMultipliers {
      throw .precondition("multiplier \(m) is negative")
    }
    let right = shift == .left ? 31 - Int(value) : Int(value)
    let fixed = FixedMultiplier(multiplier: Integer(m), rightShift: right)
    return kind == .real ? .exact(fixed.value) : .fixed(fixed, isSixteenBit: isSixteenBit)
  }

  private func checkShift(_ value: Int, _ name: String) throws(CaseError) {
    guard shiftRange.contains(value) else {
      throw .precondition(
        "\(name) is \(value), must be from \(shiftRange.lowerBound) to \(shiftRange.upperBound)")
    }
  }

  /// How levels depend on the accumulator: as steps, but for what is named here [proof §9].
  func dependence(
    _ multipliers: [Multiplier], origin: Integer, zeros: [Number], range: ClosedRange<Integer>
  ) -> Dependence {
    guard let origin = origin.int64 else { return .any("the origin is beyond 64 bits") }
    if kind == .real {
      let dependence = level.dependence(zeros: zeros, range: range)
      return dependence == .steps(origin: 0) ? .steps(origin: origin) : dependence
    }
    guard kind == .fixed else { return .steps(origin: origin) }
    if rounding == .exact || form == .double && firstRounding == .exact {
      return .any("the rounding refuses what is not an integer")
    }
    if form == .double && highOverflow == .wrap {
      let limit = Integer.powerOfTwo(multiplierBits - 1)
      for case .fixed(let fixed, _) in multipliers {
        let multiplier = highMultiplier(fixed)
        if multiplier <= -limit || multiplier > limit { return .any("the high product wraps") }
      }
    }
    return .steps(origin: origin)
  }

  /// The multiplier of the high product: the 24-bit significand of XNNPACK stands at the top of 31 bits.
  private func highMultiplier(_ fixed: FixedMultiplier) -> Integer {
    source == .xnnpack ? fixed.multiplier << 7 : fixed.multiplier
  }

  /// The levels that an accumulator may become.
  enum Result: Hashable, Sendable {
    case level(Integer)
    case interval(Integer, Integer)
    case unspecified
  }

  /// The level of an accumulator from which its zero point has been taken.
  func level(
    of accumulator: Integer, _ multiplier: Multiplier, zero: Integer, range: ClosedRange<Integer>,
    isWide: Bool, typeMinimum: Integer, events: inout LevelEvents, trace: inout Trace
  ) throws(CaseError) -> Result {
    switch multiplier {
    case .real(let factors):
      return try realLevel(
        of: accumulator, factors, isExact: false, zero, range, typeMinimum, &events, &trace)
    case .exact(let value):
      return try realLevel(
        of: accumulator, [value], isExact: true, zero, range, typeMinimum, &events, &trace)
    case .fixed(let fixed, let isSixteenBit):
      if kind == .interval {
        return interval(of: accumulator, fixed, zero, range, &trace)
      }
      guard
        let scaled = try scaled(
          accumulator, fixed, isWide: isWide, isSixteenBit: isSixteenBit, &events, &trace)
      else {
        // Nothing is checked here, so nothing counts as covered.
        events = LevelEvents()
        return .unspecified
      }
      let level = scaled + zero
      events.unclamped = Number(level)
      if zero != 0 || trace.isNumeric {
        trace.note(
          "zero point", level.description, "+ \(zero) after rounding", "requantize §26",
          from: Number(scaled), to: Number(level), by: .add(Number(zero), nil))
      }
      if hasTosaConditions && !IntegerFormat(bits: 32, signed: true).contains(level) {
        return .unspecified
      }
      let clamped = level.clamped(to: range)
      if clamped != level || trace.isNumeric {
        trace.note(
          "clamp", clamped.description, "to \(range.lowerBound)...\(range.upperBound)",
          "requantize §26", from: Number(level), to: Number(clamped),
          by: .clamp(Rational(range.lowerBound)...Rational(range.upperBound)))
      }
      return .level(clamped)
    }
  }

  private func realLevel(
    of accumulator: Integer, _ factors: [Rational], isExact: Bool, _ zero: Integer,
    _ range: ClosedRange<Integer>, _ typeMinimum: Integer, _ events: inout LevelEvents,
    _ trace: inout Trace
  ) throws(CaseError) -> Result {
    func arithmetic(_ precision: Precision) -> Arithmetic {
      isExact
        ? .exact : precision.arithmetic(scale: .float(.binary32), input: .float(.binary32))
    }
    let working = arithmetic(level.precision)
    let conversion = arithmetic(self.accumulator)
    var product = conversion.convert(Number(accumulator))
    if let format = conversion.format, trace.isNumeric || product != Number(accumulator) {
      trace.note(
        "conversion", Readable.text(product), "\(accumulator) to \(format.name)", "requantize §2",
        from: Number(accumulator), to: product, by: .convert(format, saturates: false))
    }
    for factor in factors {
      let before = product
      let multiplier = arithmetic(self.scale).convert(.finite(factor))
      product = working.multiply(product, multiplier)
      trace.note(
        "scaling", Readable.text(product),
        "\(Readable.text(before)) * \(Readable.text(multiplier)), \(working.name)",
        "requantize §2", from: before, to: product, by: .multiply(multiplier, working.format))
    }
    // The level rule divides; dividing by one leaves the product as it is.
    let result = try level.level(
      of: product, scale: .finite(1), zero: Number(zero), range: range, typeMinimum: typeMinimum,
      arithmetic: working, events: &events, trace: &trace)
    guard case .value(let value) = result else { return .unspecified }
    return .level(value.numerator)
  }

  /// The fixed-point product, rounded; nil where the dialect's contract is left.
  private func scaled(
    _ accumulator: Integer, _ fixed: FixedMultiplier, isWide: Bool, isSixteenBit: Bool,
    _ events: inout LevelEvents, _ trace: inout Trace
  ) throws(CaseError) -> Integer? {
    let int32 = IntegerFormat(bits: 32, signed: true)
    if fixed.rightShift < 1 && (hasTosaConditions || form == .tosaDouble) {
      throw .precondition("TOSA shifts to the right, not by \(fixed.rightShift)")
    }
    if isWide && wide == .sixteenBit {
      return try wideScaled(accumulator, fixed, &events, &trace)
    }
    if isWide && hasTosaConditions && !isSixteenBit {
      throw .precondition("an accumulator of more than 32 bits needs a 16-bit multiplier")
    }
    if isWide && wide == .unsupported {
      throw .unsupported("the dialect does not scale accumulators of more than 32 bits")
    }
    if !isWide && !int32.contains(accumulator) {
      trace.note(
        "accumulator", "unspecified", "\(accumulator) is beyond int32", "requantize §27")
      return nil
    }
    let product = Rational(accumulator) * fixed.value
    events.beforeRounding = product
    if form != .double {
      trace.noteStep(
        "scaling", from: Number(accumulator), to: .finite(product),
        by: .multiply(.finite(fixed.value), nil))
    }
    if hasTosaConditions && !isSixteenBit && !isWide {
      let limit = Integer.powerOfTwo(fixed.rightShift - 1)
      guard accumulator >= -limit, accumulator < limit else { return nil }
    }
    switch form {
    case .single:
      let result = try round(product, rounding, "rounding", &trace)
      return int32.contains(result) ? result : nil
    case .tosaDouble:
      guard !isSixteenBit, !isWide else {
        throw .unsupported("DOUBLE_ROUND is for 32-bit multipliers and accumulators only")
      }
      var bias = Integer.powerOfTwo(fixed.rightShift - 1)
      if fixed.rightShift > 31 {
        bias = bias + (accumulator.signum() >= 0 ? 1 : -1) * Integer.powerOfTwo(30)
      }
      let result = (accumulator * fixed.multiplier + bias) >> fixed.rightShift
      trace.note(
        "rounding", result.description,
        "\(Readable.text(product)); (value * m + \(bias)) >> \(fixed.rightShift)",
        "requantize §13", from: .finite(product), to: Number(result), by: .round(.nearestUp))
      return int32.contains(result) ? result : nil
    case .double:
      return try doubleRounded(accumulator, fixed, &trace)
    }
  }

  /// The high product and the rest of the shift, each rounded [requantize §7].
  private func doubleRounded(
    _ accumulator: Integer, _ fixed: FixedMultiplier, _ trace: inout Trace
  ) throws(CaseError) -> Integer? {
    let format = IntegerFormat(bits: 32, signed: true)
    let highShift = multiplierBits - 1
    let multiplier = highMultiplier(fixed)
    let rest = fixed.rightShift - highShift + (source == .xnnpack ? 7 : 0)
    var value = accumulator
    if rest < 0 {
      value = accumulator << -rest
      trace.note(
        "shift", value.description, "left by \(-rest)", "requantize §7",
        from: Number(accumulator), to: Number(value),
        by: .multiply(.finite(Rational(1).scaledByPowerOfTwo(-rest)), nil))
      guard format.contains(value) else { return nil }
    }
    trace.noteStep(
      "scaling", from: Number(value),
      to: .finite(Rational(value * multiplier).scaledByPowerOfTwo(-highShift)),
      by: .multiply(.finite(Rational(multiplier).scaledByPowerOfTwo(-highShift)), nil))
    var high = try round(
      Rational(value * multiplier).scaledByPowerOfTwo(-highShift), firstRounding, "high product",
      &trace)
    if !format.contains(high) || trace.isNumeric {
      let before = high
      high = highOverflow == .saturate ? format.saturated(high) : format.wrapped(high)
      trace.note(
        "high product", high.description, highOverflow.rawValue + "s", "requantize §5",
        from: Number(before), to: Number(high),
        by: highOverflow == .wrap
          ? .wrap(format) : .clamp(Rational(format.minimum)...Rational(format.maximum)))
    }
    if rest <= 0 { return high }
    let fraction = Rational(1).scaledByPowerOfTwo(-rest)
    trace.noteStep(
      "shift", from: Number(high), to: .finite(Rational(high) * fraction),
      by: .multiply(.finite(fraction), nil))
    return try round(Rational(high).scaledByPowerOfTwo(-rest), rounding, "rounding", &trace)
  }

  /// Accumulators of 48 and 64 bits: a 16-bit multiplier, one rounding half up [requantize §11].
  private func wideScaled(
    _ accumulator: Integer, _ fixed: FixedMultiplier, _ events: inout LevelEvents,
    _ trace: inout Trace
  ) throws(CaseError) -> Integer? {
    let limit = Integer.powerOfTwo(47)
    let shift = 31 - fixed.rightShift
    guard shift < 8 else {
      throw .precondition("shift is \(shift), must be below 8 for a wide accumulator")
    }
    guard accumulator >= -limit, accumulator < limit else { return nil }
    let m = fixed.multiplier
    guard m.signum() >= 0 else {
      throw .precondition("multiplier \(m) is negative, the accumulator wide")
    }
    let reduced = m < 0x7FFF_0000 ? (m + 0x8000) >> 16 : 0x7FFF
    let product = Rational(accumulator * reduced).scaledByPowerOfTwo(-(15 - shift))
    events.beforeRounding = product
    trace.note(
      "scaling", Readable.text(product), "multiplier cut to 16 bits, \(reduced)", "requantize §11",
      from: Number(accumulator), to: .finite(product),
      by: .multiply(.finite(Rational(reduced).scaledByPowerOfTwo(-(15 - shift))), nil))
    let result = try round(product, .nearestUp, "rounding", &trace)
    return IntegerFormat(bits: wideResultBits, signed: true).contains(result) ? result : nil
  }

  private func round(
    _ value: Rational, _ rule: RoundingRule, _ stage: String, _ trace: inout Trace
  ) throws(CaseError) -> Integer {
    do {
      let result = try value.rounded(rule)
      trace.note(
        stage, result.description, "\(Readable.text(value)); \(rule.phrase)", rule.clause,
        from: .finite(value), to: Number(result), by: .round(rule))
      return result
    } catch {
      throw .precondition("\(Readable.text(value)) is not an integer and the rounding is exact")
    }
  }

  /// The results that TOSA's INEXACT_ROUND accepts [requantize §14].
  private func interval(
    of accumulator: Integer, _ fixed: FixedMultiplier, _ zero: Integer,
    _ range: ClosedRange<Integer>, _ trace: inout Trace
  ) -> Result {
    let exact = Rational(accumulator) * fixed.value
    let moved = exact + Rational(zero)
    let bound =
      Rational(1) / 2
      + (3 * exact.magnitude + moved.magnitude) * Rational(1).scaledByPowerOfTwo(-24)
    let low = ((try? (moved - bound).rounded(.ceiling)) ?? 0).clamped(to: range)
    let high = ((try? (moved + bound).rounded(.floor)) ?? 0).clamped(to: range)
    trace.note(
      "interval", "\(low) to \(high)",
      "\(Readable.text(moved)) with a bound of \(Readable.text(bound))", "requantize §14")
    return low == high ? .level(low) : .interval(low, high)
  }
}

/// How the multiplier of a quantized product comes from three scales [requantize §3].
struct EffectiveScaleRule: DialectRule {
  enum Form: String, CaseIterable, Sendable {
    /// `xs * ws / ys` over the reals.
    case exact
    /// `f32(f32(xs * ws) / ys)`
    case float32
    /// `f32(f32(xs * ws) * f32(1 / ys))`
    case float32Reciprocal = "float32_reciprocal"
    /// `f64(f64(xs * ws) / ys)`
    case float64
    /// `f64(f64(f32(xs * ws)) / ys)`
    case float32Product = "float32_product"
    /// Three factors: the scales of inputs and weights, and the reciprocal of the output's.
    case factors
  }
  /// How a factor is read in the form `factors`.
  enum Factor: String, CaseIterable, Sendable {
    case plain
    /// `f32(1 / f32(1 / s))`
    case twiceInverted = "twice_inverted"
  }

  var form: Form
  var inputFactor: Factor
  var weightFactor: Factor

  init(_ reader: inout RuleReader) throws(DialectError) {
    form = try reader.choice("form", default: .exact)
    inputFactor = try reader.choice("input_factor", default: .plain)
    weightFactor = try reader.choice("weight_factor", default: .plain)
  }

  /// The factors that an accumulator is multiplied by; nil where one is not finite and positive.
  func factors(_ x: Rational, _ w: Rational, _ y: Rational) -> [Rational]? {
    let (a, b, c) = (Number.finite(x), Number.finite(w), Number.finite(y))
    let single = Arithmetic(format: .binary32)
    let double = Arithmetic(format: .binary64)
    func inverse(_ value: Number) -> Number { single.divide(.finite(1), value) }
    func factor(_ value: Number, _ kind: Factor) -> Number {
      kind == .plain ? value : inverse(inverse(value))
    }
    let result: [Number]
    switch form {
    case .exact: result = [.finite(x * w / y)]
    case .float32: result = [single.divide(single.multiply(a, b), c)]
    case .float32Reciprocal: result = [single.multiply(single.multiply(a, b), inverse(c))]
    case .float64: result = [double.divide(double.multiply(a, b), c)]
    case .float32Product: result = [double.divide(single.multiply(a, b), c)]
    case .factors: result = [factor(a, inputFactor), factor(b, weightFactor), inverse(c)]
    }
    let values = result.compactMap { value -> Rational? in
      guard case .finite(let rational) = value, rational.signum() > 0 else { return nil }
      return rational
    }
    return values.count == result.count ? values : nil
  }
}
