public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Quantizes and dequantizes at once: `y = (clamp(round(x / s) + z) - z) * s`, and its gradient's mask.
///
/// - Shapes: `x` any; `scale` and `zero_point` one element, or one an axis slice (`axis`), or
///   broadcast where the dialect is by `bit_width`.
/// - `mask`: whether a straight-through gradient passes an element [affine §19].
/// - Rounding and order: the dialect's section `fake_quantize` [affine §18 to §21].
/// - Errors: a scale that is not finite and positive, a missing `qmin` or `qmax`, shapes.
public enum FakeQuantize: Operation {
  public static let declaration = OperationDeclaration(
    name: "fake_quantize", groups: ["quant"], summary: "quantize, dequantize, gradient mask",
    inputs: [.required("x"), .required("scale"), .required("zero_point")],
    outputs: ["y", "mask"],
    attributes: [
      .init("qmin", .integer), .init("qmax", .integer), .init("axis", .integer),
      .init("learnable", .integer), .init("bit_width", .number), .init("signed", .integer),
      .init("narrow", .integer), .init("rounding_mode", .string), .init("clamp", .string),
    ])

  public static let sweptInput: String? = "x"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("fake_quantize", FakeQuantizeRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    try evaluate(&arguments, reference, isBulk: false)
  }

  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    try evaluate(&arguments, nil, isBulk: true)
  }

  private static func evaluate(
    _ arguments: inout Arguments, _ reference: ElementReference?, isBulk: Bool
  ) throws(CaseError) -> Outcome {
    let rules = try arguments.dialect.rule(Self.self, as: Variants<FakeQuantizeRule>.self)
    let x = try arguments.input("x")
    let scale = try arguments.input("scale")
    let zero = try arguments.input("zero_point")
    try arguments.check(x.dtype, isOneOf: rules.base.inputTypes, for: "x")
    guard let format = x.dtype.floatFormat else {
      throw .malformed("x must be a float type, not \(x.dtype.name)")
    }
    guard scale.dtype.floatFormat != nil else {
      throw .malformed("scale must be a float type, not \(scale.dtype.name)")
    }
    try arguments.check(zero.dtype, isOneOf: rules.base.zeroPointTypes, for: "zero_point")
    let isLearnable =
      rules.base.acceptsLearnable ? try arguments.flag("learnable", default: false) : false
    let parameters = try AffineParameters(
      &arguments, x: x, scale: scale, zero: zero, rule: rules.base.axis, acceptsBlocks: false)
    let rule = rules.rule(
      for: Situation(
        operation: name, granularity: parameters.granularity, input: x.dtype, output: x.dtype,
        zeroPoint: zero.dtype, learnable: isLearnable))
    let range = try rule.range(&arguments)
    let rounding = try rule.rounding(&arguments)
    let masksAll = try rule.masksAll(&arguments)
    try arguments.finish()
    try rule.checkZeros(parameters.zeros, range)

    var trace = Trace(reference, output: reference?.output ?? "y")
    var coverage = Coverage()
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    coverage.insert(.perChannel, if: parameters.granularity == .perChannel)
    coverage.insert(scales: scale, zeros: zero, range: range.integers)
    var y = Expectation(
      Tensor(x.dtype, shape: x.shape, codes: Array(repeating: 0, count: x.count)))
    var mask = Expectation(
      Tensor(.bool, shape: x.shape, codes: Array(repeating: 0, count: x.count)))
    let working = rule.level.precision.arithmetic(scale: scale.dtype, input: x.dtype)
    if isBulk, x.dtype == .float32, rule.kind == .affine, rule.maskSource == .level, !masksAll,
      rule.preparation == .none, rule.roundingModes.isEmpty,
      let numbers = parameters.machineNumbers(scale), let values = FastValue(rule.output),
      let fast = FastLevel(rule.level, working, range: range.integers)
    {
      let (low, high) = (range.lower.approximate, range.upper.approximate)
      for (index, code) in x.codes.enumerated() {
        let value = Float(bitPattern: UInt32(truncatingIfNeeded: code))
        let scale = numbers.scales[parameters.scaleMap.index(of: index)]
        let zero = numbers.zeros[parameters.zeroMap.index(of: index)]
        coverage.insert(input: value)
        let result = fast.level(of: value, scale: scale, zero: zero, &coverage)
        y.set(
          result.level.flatMap { values.value(of: $0, scale: scale, zero: zero) }
            .map { Int64($0.bitPattern) }, at: index)
        let passes =
          result.unclamped.isNaN
          ? rule.nanPasses : result.unclamped >= low && result.unclamped <= high
        mask.set(result.level == nil ? nil : (passes ? 1 : 0), at: index)
      }
      return Outcome([("y", y), ("mask", mask)], coverage: coverage).fromBulkOracle
    }
    for index in 0..<x.count {
      trace.begin(index)
      let element = Element(
        x: x.number(at: index), scale: parameters.scale(of: index),
        zero: parameters.zero(of: index), range: range, rounding: rounding, input: x.dtype,
        scaleType: scale.dtype)
      var events = LevelEvents()
      let level = try rule.level(element, &events, &trace)
      switch level {
      case .unspecified: y.leaveUnspecified(at: index)
      case .nan: y.tensor.codes[index] = Int64(bitPattern: format.encode(.nan))
      case .value, .minusZero:
        let number: Number =
          if case .value(let value) = level { .finite(value) } else { .negativeZero }
        let real = rule.output.value(
          of: number, scale: element.scale, zero: rule.preparation.apply(element),
          scaleType: scale.dtype, output: format, trace: &trace)
        if let real {
          y.tensor.codes[index] = Int64(bitPattern: format.encode(real))
        } else {
          y.leaveUnspecified(at: index)
        }
      }
      if rule.hasMask {
        let passes = masksAll ? true : try rule.passes(element, level, events, &trace)
        if let passes {
          mask.tensor.codes[index] = passes ? 1 : 0
        } else {
          mask.leaveUnspecified(at: index)
        }
      }
      coverage.insert(input: element.x, code: x.codes[index], x.dtype)
      coverage.insert(
        events, level: level, zero: element.zero, range: range.integers,
        isZeroPointInside: rule.level.zeroPoint == .beforeRounding)
    }
    var outputs = [(name: "y", expectation: y)]
    if rule.hasMask { outputs.append((name: "mask", expectation: mask)) }
    let isOne = parameters.scales.count == 1 && parameters.zeros.count == 1
    let origin = Element(
      x: .zero, scale: parameters.scales[0], zero: parameters.zeros[0], range: range,
      rounding: rounding, input: x.dtype, scaleType: scale.dtype)
    return Outcome(
      outputs, coverage: coverage, stages: trace.stages,
      dependence: try rule.dependence(at: origin, isOne: isOne, masksAll: masksAll))
  }

  /// One element with its parameters.
  struct Element {
    var x: Number
    var scale: Number
    var zero: Number
    var range: LevelRange
    var rounding: LevelRounding
    var input: DataType
    var scaleType: DataType
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    guard let rules = try? dialect.rule(Self.self, as: Variants<FakeQuantizeRule>.self) else {
      return []
    }
    var optional: Set<LevelBin> = [.scaleSubnormal, .blocked]
    if rules.base.kind == .bitWidth {
      optional.formUnion([.oddZeroPointTie, .zeroPointLowest, .zeroPointHighest])
    }
    if rules.base.level.clamp == .beforeRounding {
      optional.formUnion([.oneBelow, .oneAbove, .saturatedLow, .saturatedHigh, .beyondInt32])
    }
    return LevelBin.bins(optional: optional)
  }
}

/// A range of levels, which a fractional bit width may leave off the grid.
struct LevelRange {
  var lower: Rational
  var upper: Rational
  /// One signed bit: the levels are -1 and +1, and the sign decides.
  var isBipolar = false

  /// The integers of the range, for dialects whose ends are integers.
  var integers: ClosedRange<Integer> {
    let low = (try? lower.rounded(.floor)) ?? 0
    let high = (try? upper.rounded(.floor)) ?? 0
    return low...max(low, high)
  }
}

/// What a dialect says about `fake_quantize`.
struct FakeQuantizeRule: DialectRule {
  /// How the range is given.
  enum Kind: String, CaseIterable, Sendable {
    /// By `qmin` and `qmax`.
    case affine
    /// By `bit_width`, `signed` and `narrow`.
    case bitWidth = "bit_width"
  }
  /// What is done to a zero point before it is used.
  enum Preparation: String, CaseIterable, Sendable {
    case none
    /// Rounded to nearest even, then clamped.
    case roundAndClamp = "round_and_clamp"
    /// Half added in binary32, clamped, truncated.
    case addHalfAndTruncate = "add_half_and_truncate"

    func apply(_ element: FakeQuantize.Element) -> Number {
      guard self != .none, let zero = element.zero.rational else { return element.zero }
      let range = element.range
      func clamp(_ value: Rational) -> Rational { min(max(value, range.lower), range.upper) }
      if self == .roundAndClamp {
        return Number((try? clamp(zero).rounded(.nearestEven)) ?? 0)
      }
      let sum = FloatFormat.binary32.add(element.zero, .finite(Rational(1) / 2))
      return Number((try? clamp(sum.rational ?? 0).rounded(.towardZero)) ?? 0)
    }
  }
  /// What decides the mask.
  enum MaskSource: String, CaseIterable, Sendable {
    /// The forward's own level before its clamp.
    case level
    /// A level that the backward computes anew, by the section `mask`.
    case recomputed
    /// There is no mask.
    case none
  }

  var kind: Kind
  var level: LevelRule
  var output: DequantizeRule
  var preparation: Preparation
  var maskSource: MaskSource
  var maskLevel: LevelRule
  var maskPreparation: Preparation
  /// In what the ends of the range are held when the mask compares with them.
  var maskBounds: Precision
  /// Whether a NaN passes the mask.
  var nanPasses: Bool
  var axis: AffineParameters.AxisRule
  var zeroPointMustBeInRange: Bool
  var acceptsLearnable: Bool
  var inputTypes: [DataType]?
  var zeroPointTypes: [DataType]?
  /// Names of the attribute `rounding_mode`; empty where the dialect has no such attribute.
  var roundingModes: [(name: String, rounding: LevelRounding)]
  /// Clamps that the attribute `clamp` names, and whether they let every gradient pass.
  var clampModes: [(name: String, passesAll: Bool)]
  /// The precision in which a fractional bit width's range is computed.
  var rangePrecision: Precision

  var hasMask: Bool { maskSource != .none }

  init(_ reader: inout RuleReader) throws(DialectError) {
    kind = try reader.choice("kind", default: .affine)
    level = try LevelRule(&reader)
    preparation = try reader.choice("zero_point_preparation", default: .none)
    maskSource = try reader.choice("mask_from", default: .level)
    maskBounds = try reader.choice("mask_bounds", default: .exact)
    nanPasses = try reader.flag("nan_passes", default: false)
    if var mask = try reader.section("mask") {
      maskPreparation = try mask.choice("zero_point_preparation", default: .none)
      maskLevel = try LevelRule(&mask)
      try mask.finish()
    } else {
      (maskLevel, maskPreparation) = (level, preparation)
    }
    guard var outputReader = try reader.section("output") else {
      throw reader.failure("output", "is missing: how the level becomes a real value")
    }
    output = try DequantizeRule(&outputReader)
    try outputReader.finish()
    axis = try reader.choice("axis", default: .explicit)
    zeroPointMustBeInRange = try reader.flag("zero_point_in_range", default: false)
    acceptsLearnable = try reader.words("accepts", among: ["learnable"]).contains("learnable")
    inputTypes = try reader.types("input_types")
    zeroPointTypes = try reader.types("zero_point_types")
    rangePrecision = try reader.choice("range_precision", default: .exact)
    roundingModes = []
    if var modes = try reader.section("rounding_modes") {
      for name in modes.keys {
        roundingModes.append((name, try modes.rounding(name, default: .rule(.nearestEven))))
      }
    }
    clampModes = []
    if var modes = try reader.section("clamp_modes") {
      for name in modes.keys {
        let kind = try modes.string(name) ?? ""
        guard ["masks", "passes_all"].contains(kind) else {
          throw modes.failure(name, "'\(kind)' is not one of masks, passes_all")
        }
        clampModes.append((name, kind == "passes_all"))
      }
    }
  }

  /// Refuses a zero point outside the range, where the dialect does.
  func checkZeros(_ zeros: [Number], _ range: LevelRange) throws(CaseError) {
    guard zeroPointMustBeInRange else { return }
    for value in zeros {
      guard let level = value.rational, level >= range.lower, level <= range.upper else {
        throw .precondition("zero_point \(Readable.text(value)) is outside qmin to qmax")
      }
    }
  }

  /// The range of levels that the attributes ask for.
  func range(_ arguments: inout Arguments) throws(CaseError) -> LevelRange {
    guard kind == .bitWidth else {
      guard let low = arguments.integer("qmin"), let high = arguments.integer("qmax") else {
        throw .malformed("fake_quantize needs the attributes 'qmin' and 'qmax'")
      }
      guard low <= high else { throw .malformed("qmin \(low) is above qmax \(high)") }
      return LevelRange(lower: Rational(low), upper: Rational(high))
    }
    guard let bits = try arguments.number("bit_width") else {
      throw .malformed("fake_quantize needs the attribute 'bit_width' in this dialect")
    }
    guard bits >= 1, bits <= 64 else {
      throw .malformed("bit_width \(Readable.text(bits)) must be from 1 to 64")
    }
    let isSigned = try arguments.flag("signed", default: true)
    let isNarrow = try arguments.flag("narrow", default: false)
    return range(bits: bits, isSigned: isSigned, isNarrow: isNarrow)
  }

  private func range(bits: Rational, isSigned: Bool, isNarrow: Bool) -> LevelRange {
    let narrow = Rational(isNarrow ? 1 : 0)
    let power = Self.powerOfTwo(isSigned ? bits - 1 : bits)
    var range =
      isSigned
      ? LevelRange(lower: narrow - power, upper: power - 1)
      : LevelRange(lower: 0, upper: power - 1 - narrow)
    if isSigned && bits == 1 { return LevelRange(lower: -1, upper: 1, isBipolar: true) }
    let arithmetic = rangePrecision.arithmetic(scale: .float(.binary32), input: .float(.binary32))
    range.lower = arithmetic.convert(.finite(range.lower)).rational ?? range.lower
    range.upper = arithmetic.convert(.finite(range.upper)).rational ?? range.upper
    return range
  }

  /// `2^exponent`: exact for an integer, else to 192 bits, which no value of a format can equal.
  private static func powerOfTwo(_ exponent: Rational) -> Rational {
    if exponent.isInteger, let power = exponent.numerator.int64 {
      return Rational(1).scaledByPowerOfTwo(Int(power))
    }
    let real = Real.pow2(Real(exponent, precision: 192, .nearest), .nearest)
    return real.rational ?? 1
  }

  func rounding(_ arguments: inout Arguments) throws(CaseError) -> LevelRounding {
    guard !roundingModes.isEmpty, let name = arguments.string("rounding_mode") else {
      return level.rounding
    }
    guard let mode = roundingModes.first(where: { $0.name == name.uppercased() }) else {
      let known = roundingModes.map(\.name).joined(separator: ", ")
      throw .malformed("rounding_mode '\(name)' is not one of \(known)")
    }
    return mode.rounding
  }

  /// Whether the attribute `clamp` asks for a mask that lets everything pass.
  func masksAll(_ arguments: inout Arguments) throws(CaseError) -> Bool {
    guard !clampModes.isEmpty, let name = arguments.string("clamp") else { return false }
    guard let mode = clampModes.first(where: { $0.name == name }) else {
      let known = clampModes.map(\.name).joined(separator: ", ")
      throw .malformed("clamp '\(name)' is not one of \(known)")
    }
    return mode.passesAll
  }

  /// The level of an element.
  func level(
    _ element: FakeQuantize.Element, _ events: inout LevelEvents, _ trace: inout Trace
  ) throws(CaseError) -> Level {
    var element = element
    element.zero = preparation.apply(element)
    if kind == .bitWidth {
      return try bitWidthLevel(element, &events, &trace)
    }
    return try level.level(
      of: element.x, scale: element.scale, zero: element.zero,
      range: element.range.integers, arithmetic: arithmetic(level, element),
      rounding: element.rounding, events: &events, trace: &trace)
  }

  private func arithmetic(_ level: LevelRule, _ element: FakeQuantize.Element) -> Arithmetic {
    level.precision.arithmetic(scale: element.scaleType, input: element.input)
  }

  /// The level where the range may be off the grid: the real clamp, then the rounding [affine §21].
  private func bitWidthLevel(
    _ element: FakeQuantize.Element, _ events: inout LevelEvents, _ trace: inout Trace
  ) throws(CaseError) -> Level {
    let arithmetic = arithmetic(level, element)
    let quotient = arithmetic.divide(
      arithmetic.convert(element.x), arithmetic.convert(element.scale))
    let value = arithmetic.add(quotient, arithmetic.convert(element.zero))
    trace.note(
      "scaling", Readable.text(value),
      "\(Readable.text(element.x)) / \(Readable.text(element.scale)) "
        + "+ \(Readable.text(element.zero)), \(arithmetic.name)", "affine §21")
    let range = element.range
    if range.isBipolar {
      let isNonNegative = value != .nan && (!value.isNegative || value.isZero)
      let sign: Rational = isNonNegative ? 1 : -1
      trace.note("sign", Readable.text(sign), "one signed bit is -1 or +1", "affine §21")
      events.unclamped = .finite(sign)
      return .value(sign)
    }
    if case .nan = value { return level.nan == .propagate ? .nan : .unspecified }
    func clamp(_ value: Number) -> Rational {
      switch value {
      case .infinity(let negative): negative ? range.lower : range.upper
      default: min(max(value.rational ?? 0, range.lower), range.upper)
      }
    }
    do {
      events.beforeRounding = value.isInfinite ? nil : value.rational
      if level.clamp == .beforeRounding {
        let clamped = clamp(value)
        let rounded = try element.rounding.round(.finite(clamped), arithmetic)
        trace.note(
          "clamp", Readable.text(clamped),
          "to \(Readable.text(range.lower))...\(Readable.text(range.upper)) before rounding",
          "affine §7")
        trace.note(
          "rounding", Readable.text(rounded), element.rounding.phrase, element.rounding.clause)
        events.unclamped = rounded
        if level.keepsMinusZero && rounded == .negativeZero { return .minusZero }
        return .value(rounded.rational ?? 0)
      }
      let rounded = try element.rounding.round(value, arithmetic)
      events.unclamped = rounded
      trace.note(
        "rounding", Readable.text(rounded), element.rounding.phrase, element.rounding.clause)
      let clamped = clamp(rounded)
      let isMinusZero = level.keepsMinusZero && rounded == .negativeZero && clamped.isZero
      return isMinusZero ? .minusZero : .value(clamped)
    } catch {
      throw .precondition("\(Readable.text(value)) is not an integer and the rounding is exact")
    }
  }

  /// Whether a straight-through gradient passes; nil where the dialect leaves it open.
  func passes(
    _ element: FakeQuantize.Element, _ level: Level, _ events: LevelEvents, _ trace: inout Trace
  ) throws(CaseError) -> Bool? {
    var unclamped = events.unclamped
    var level = level
    if maskSource == .recomputed {
      var backward = element
      backward.zero = maskPreparation.apply(element)
      var backwardEvents = LevelEvents()
      level = try maskLevel.level(
        of: backward.x, scale: backward.scale, zero: backward.zero,
        range: backward.range.integers, arithmetic: arithmetic(maskLevel, backward),
        events: &backwardEvents, trace: &trace)
      unclamped = backwardEvents.unclamped
    }
    if level == .unspecified { return nil }
    let passes: Bool
    switch unclamped {
    case .nan: passes = nanPasses
    case .infinity: passes = false
    case .negativeZero, .finite:
      let value = unclamped.rational ?? 0
      let (lower, upper) = maskEnds(element)
      passes = value >= lower && value <= upper
    }
    trace.note(
      "mask", passes ? "1" : "0",
      "level \(Readable.text(unclamped)) against \(Readable.text(element.range.lower))..."
        + Readable.text(element.range.upper), "affine §19")
    return passes
  }

  /// The ends of the range as the mask compares with them.
  private func maskEnds(_ element: FakeQuantize.Element) -> (lower: Rational, upper: Rational) {
    let arithmetic = maskBounds.arithmetic(scale: element.scaleType, input: element.input)
    func end(_ value: Rational) -> Rational { arithmetic.convert(.finite(value)).rational ?? 0 }
    return (end(element.range.lower), end(element.range.upper))
  }
}

// MARK: - Dependence

extension FakeQuantizeRule {
  /// How the outputs depend on the input, by the element at x = 0 [proof §8].
  func dependence(
    at origin: FakeQuantize.Element, isOne: Bool, masksAll: Bool
  ) throws(CaseError) -> Dependence {
    let isMasked = hasMask && !masksAll
    let rules =
      isMasked && maskSource == .recomputed
      ? [(level, origin.rounding), (maskLevel, maskLevel.rounding)] : [(level, origin.rounding)]
    for (rule, rounding) in rules {
      if rule.mayWrap { return .any("the sum of level and zero point wraps") }
      let dependence = rule.dependence(
        zeros: [], range: origin.range.integers, rounding: rounding,
        isMasked: isMasked && maskSource == .level)
      guard dependence == .steps(origin: 0) else { return dependence }
    }
    guard isMasked else { return .steps(origin: 0) }
    guard isOne else { return .any("a mask by more than one scale or zero point") }
    if try passesAtZero(origin) || separates(origin) { return .steps(origin: 0) }
    return .any("the mask may come back to what it was while the output stays")
  }

  /// Whether the mask is set at zero, so that it is set and then not on each side of it.
  private func passesAtZero(_ origin: FakeQuantize.Element) throws(CaseError) -> Bool {
    var events = LevelEvents()
    var trace = Trace(nil, output: "")
    let level = try level(origin, &events, &trace)
    return try passes(origin, level, events, &trace) ?? false
  }

  /// Whether outputs below the range of the mask differ from those above it.
  private func separates(_ origin: FakeQuantize.Element) -> Bool {
    guard maskSource == .level, let format = origin.input.floatFormat else { return false }
    let (lower, upper) = maskEnds(origin)
    let held = level.bounds.rounded(origin.range.integers)
    let low = max(lower, origin.range.lower, Rational(held.lowerBound))
    let high = min(upper, origin.range.upper, Rational(held.upperBound))
    func code(_ level: Rational) -> UInt64? {
      var trace = Trace(nil, output: "")
      return output.value(
        of: .finite(level), scale: origin.scale, zero: preparation.apply(origin),
        scaleType: origin.scaleType, output: format, trace: &trace
      ).map { format.encode($0) }
    }
    return low < high && code(low) != code(high)
  }
}
