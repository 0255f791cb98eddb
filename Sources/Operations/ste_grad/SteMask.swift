import CaseFormat
import ExactArithmetic
import NumberFormats

/// The mask of a case: which elements pass, and in which region they stand [gradients §5].
struct SteMask {
  typealias Kind = SteGradRule.Mask

  let masking: Masking
  /// What is known before any element is.
  private(set) var coverage = Coverage()
  private let kind: Kind
  private let arithmetic: Arithmetic
  /// The range in levels or on x; nil where an identity has none.
  private let range: (lower: Rational, upper: Rational)?
  private let isScaled: Bool
  private let parameters: AffineParameters
  private let forward: FakeQuantizeRule?
  private let input: DataType
  private let scaleType: DataType

  init(_ arguments: inout Arguments, _ rules: SteGradRules, x: Tensor) throws(CaseError) {
    kind = try Self.kind(&arguments, rules.own)
    input = x.dtype
    masking = kind == .rounded ? rules.own.roundedMasking : rules.own.masking
    let levels = try Self.ends("qmin", "qmax", &arguments)
    let ends = try Self.ends("lower", "upper", &arguments)
    if levels != nil && ends != nil {
      throw .malformed("the range is given twice, by qmin and qmax and by lower and upper")
    }
    guard kind == .identity || levels != nil || ends != nil else {
      throw .malformed(
        "the mask '\(kind.rawValue)' needs a range, by qmin and qmax or by lower and upper")
    }
    if kind == .rounded && levels == nil {
      throw .malformed("the mask 'rounded' needs a range of levels, qmin and qmax")
    }
    isScaled = levels != nil
    if !isScaled {
      try arguments.refuse("scale", "means nothing without qmin and qmax")
      try arguments.refuse("zero_point", "means nothing without qmin and qmax")
    }
    let one = Tensor(scalar: Int64(bitPattern: FloatFormat.binary32.code(of: 1)), .float32)
    let scale = arguments.optional("scale") ?? one
    guard scale.dtype.floatFormat != nil else {
      throw .malformed("scale must be a float type, not \(scale.dtype.name)")
    }
    scaleType = scale.dtype
    let zero = arguments.optional("zero_point")
    if let zero, let types = rules.forward?.base.zeroPointTypes {
      try arguments.check(zero.dtype, isOneOf: types, for: "zero_point")
    }
    parameters = try AffineParameters(
      &arguments, x: x, scale: scale, zero: zero, rule: .explicit, acceptsBlocks: false)
    arithmetic = rules.own.precision.arithmetic(scale: scale.dtype, input: x.dtype)
    let held = arithmetic
    range = (levels ?? ends).map { ends in
      func hold(_ end: Rational) -> Rational { held.convert(.finite(end)).rational ?? end }
      return (hold(ends.lower), hold(ends.upper))
    }
    forward =
      kind == .rounded
      ? rules.forward?.rule(
        for: Situation(
          operation: FakeQuantize.name, granularity: parameters.granularity, input: x.dtype,
          output: x.dtype, zeroPoint: zero?.dtype)) : nil
    if let forward, let levels {
      try forward.checkZeros(
        parameters.zeros, LevelRange(lower: levels.lower, upper: levels.upper))
    }
    coverage.insert(.perChannel, if: parameters.granularity == .perChannel)
  }

  private static func kind(
    _ arguments: inout Arguments, _ rule: SteGradRule
  ) throws(CaseError) -> Kind {
    let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
    guard let name = arguments.string("mask") else {
      throw .malformed("ste_grad needs the attribute 'mask': \(known)")
    }
    guard let kind = Kind(rawValue: name) else {
      throw .malformed("mask '\(name)' is not one of \(known)")
    }
    guard rule.masks.contains(kind) else {
      throw .unsupported("dialect '\(arguments.dialect.name)' has no mask '\(name)'")
    }
    return kind
  }

  private static func ends(
    _ low: String, _ high: String, _ arguments: inout Arguments
  ) throws(CaseError) -> (lower: Rational, upper: Rational)? {
    let ends = (try arguments.number(low), try arguments.number(high))
    switch ends {
    case (nil, nil): return nil
    case (let lower?, let upper?):
      guard lower <= upper else {
        throw .malformed(
          "\(low) \(Readable.text(lower)) is above \(high) \(Readable.text(upper))")
      }
      return (lower, upper)
    default: throw .malformed("\(low) and \(high) must be given together")
    }
  }

  /// Whether a value passes; nil where the dialect leaves it open.
  func passes(
    _ x: Number, at index: Int, _ trace: inout Trace, _ coverage: inout Coverage
  ) throws(CaseError) -> Bool? {
    let region = region(of: x, at: index, &trace)
    if let region { coverage.insert(region) }
    let passes: Bool?
    switch kind {
    case .identity: passes = true
    case .closed: passes = region == .inside || region?.isBoundary == true
    case .open: passes = region == .inside
    case .rounded: passes = try passesRounded(x, at: index, &trace)
    }
    let isOutside = region == .below || region == .above
    coverage.insert(.roundedInto, if: kind == .rounded && isOutside && passes == true)
    return passes
  }

  /// Where a value stands, with the exact quotient in the explanation.
  private func region(of x: Number, at index: Int, _ trace: inout Trace) -> Region? {
    guard let range else { return nil }
    guard isScaled else {
      let region = Region(of: x, lower: range.lower, upper: range.upper)
      trace.note(
        "region", region.name,
        "\(Readable.text(x)) against \(Readable.text(range.lower)) to \(Readable.text(range.upper))",
        "gradients §2")
      return region
    }
    let (scale, zero) = (parameters.scale(of: index), parameters.zero(of: index))
    let exact = Self.quotient(x, scale, zero, .exact)
    let quotient = kind == .rounded ? exact : Self.quotient(x, scale, zero, arithmetic)
    let region = Region(of: quotient, lower: range.lower, upper: range.upper)
    trace.note(
      "region", region.name,
      "the exact quotient \(Readable.text(exact))"
        + (quotient == exact ? "" : ", in \(arithmetic.name) \(Readable.text(quotient)),")
        + " against \(Readable.text(range.lower)) to \(Readable.text(range.upper))",
      "gradients §2")
    return region
  }

  /// `x / scale + zero_point`, each step in the precision.
  static func quotient(
    _ x: Number, _ scale: Number, _ zero: Number, _ arithmetic: Arithmetic
  ) -> Number {
    let quotient = arithmetic.divide(arithmetic.convert(x), arithmetic.convert(scale))
    return arithmetic.add(quotient, arithmetic.convert(zero))
  }

  /// The mask of fake quantization, on the rounded level [affine §19].
  private func passesRounded(
    _ x: Number, at index: Int, _ trace: inout Trace
  ) throws(CaseError) -> Bool? {
    guard let forward, let range else { return nil }
    let element = FakeQuantize.Element(
      x: x, scale: parameters.scale(of: index), zero: parameters.zero(of: index),
      range: LevelRange(lower: range.lower, upper: range.upper), rounding: forward.level.rounding,
      input: input, scaleType: scaleType)
    var events = LevelEvents()
    let level = try forward.level(element, &events, &trace)
    return try forward.passes(element, level, events, &trace)
  }

  /// How the gradient depends on x: the mask is set at zero, and then not, on each side [proof §2].
  func dependence() throws(CaseError) -> Dependence {
    if kind == .identity { return .steps(origin: 0) }
    if forward?.level.mayWrap == true { return .any("the sum of level and zero point wraps") }
    if forward?.level.rounding == .rule(.exact) {
      return .any("the rounding refuses what is not an integer")
    }
    guard parameters.scales.count == 1, parameters.zeros.count == 1 else {
      return .any("a mask by more than one scale or zero point")
    }
    var trace = Trace(nil, output: "")
    var coverage = Coverage()
    if try passes(.zero, at: 0, &trace, &coverage) == true { return .steps(origin: 0) }
    return .any("the mask comes and goes on one side of zero")
  }
}
