public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Real values to levels: `y = clamp(round(x / scale) + zero_point)`, in the dialect's own order.
///
/// - Shapes: `x` any; `scale` and `zero_point` one element, one an axis slice, or one a block.
/// - Rounding, order and special values: the dialect's section `quantize`; stages [affine §2] to
///   [affine §9], granularity [affine §10 to §12], float outputs [affine §26].
/// - Errors: a scale that is not finite and positive, a non-zero zero point of a float output, shapes
///   that do not fit.
public enum Quantize: Operation {
  public static let declaration = OperationDeclaration(
    name: "quantize", groups: ["quant"], summary: "real values to levels",
    inputs: [.required("x"), .optional("scale"), .optional("zero_point")], outputs: ["y"],
    attributes: [
      .init("axis", .integer), .init("block_size", .integer), .init("output_dtype", .string),
      .init("qmin", .integer), .init("qmax", .integer), .init("saturate", .integer),
      .init("precision", .string), .init("rounding", .string), .init("overflow", .string),
      .init("saturation_bits", .integer),
    ])

  public static let sweptInput: String? = "x"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("quantize", QuantizeRule.self)
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
    let rules = try arguments.dialect.rule(Self.self, as: Variants<QuantizeRule>.self)
    var trace = Trace(reference, output: "y")
    if rules.base.kind == .fixedPoint {
      return try fixedPoint(&arguments, isBulk: isBulk, &trace)
    }
    let x = try arguments.input("x")
    let scale = try arguments.input("scale")
    let zero = arguments.optional("zero_point")
    try arguments.check(x.dtype, isOneOf: rules.base.inputTypes, for: "x")
    try arguments.check(scale.dtype, isOneOf: rules.base.scaleTypes, for: "scale")
    let output = try outputType(&arguments, zero, rules.base)
    let parameters = try AffineParameters(
      &arguments, x: x, scale: scale, zero: zero, rule: rules.base.axis,
      acceptsBlocks: rules.base.accepts.contains("block_size"))
    let rule = rules.rule(
      for: Situation(
        operation: name, granularity: parameters.granularity, input: x.dtype, output: output))
    let arithmetic = try self.arithmetic(&arguments, rule, scale: scale.dtype, input: x.dtype)
    let saturates =
      rule.accepts.contains("saturate") ? try arguments.flag("saturate", default: true) : true

    var y = Expectation(
      Tensor(output, shape: x.shape, codes: Array(repeating: 0, count: x.count)))
    var coverage = Coverage()
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    coverage.insert(.perChannel, if: parameters.granularity == .perChannel)
    if case .blocked = parameters.scaleMap { coverage.insert(.blocked) }

    if let format = output.floatFormat {
      try checkZero(parameters)
      try arguments.finish()
      for index in 0..<x.count {
        trace.begin(index)
        quantize(
          x.number(at: index), parameters.scale(of: index), to: format, saturates: saturates,
          addsZero: zero != nil && rule.addsZeroPointTo.contains(output), rule, arithmetic,
          into: &y, at: index, &trace)
        coverage.insert(input: x.number(at: index), code: x.codes[index], x.dtype)
      }
      coverage.insert(scales: scale, zeros: nil, range: nil)
      return Outcome(
        [("y", y)], coverage: coverage, stages: trace.stages, dependence: .steps(origin: 0))
    }

    let range = try arguments.levelRange(of: output)
    try arguments.finish()
    let typeMinimum = output.integerRange?.lowerBound ?? 0
    coverage.insert(scales: scale, zeros: zero, range: range)
    if isBulk, x.dtype == .float32, let numbers = parameters.machineNumbers(scale),
      let fast = FastLevel(rule.level, arithmetic, range: range)
    {
      for (index, code) in x.codes.enumerated() {
        let value = Float(bitPattern: UInt32(truncatingIfNeeded: code))
        coverage.insert(input: value)
        let result = fast.level(
          of: value, scale: numbers.scales[parameters.scaleMap.index(of: index)],
          zero: numbers.zeros[parameters.zeroMap.index(of: index)], &coverage)
        y.set(result.level, at: index)
      }
      return Outcome([("y", y)], coverage: coverage).fromBulkOracle
    }
    for index in 0..<x.count {
      trace.begin(index)
      var events = LevelEvents()
      let value = x.number(at: index)
      let zero = parameters.zero(of: index)
      let level = try rule.level.level(
        of: value, scale: parameters.scale(of: index), zero: zero, range: range,
        typeMinimum: typeMinimum, arithmetic: arithmetic, events: &events, trace: &trace)
      if case .value(let integer) = level, let code = integer.numerator.int64 {
        y.tensor.codes[index] = code
      } else {
        y.leaveUnspecified(at: index)
      }
      coverage.insert(input: value, code: x.codes[index], x.dtype)
      coverage.insert(
        events, level: level, zero: zero, range: range,
        isZeroPointInside: rule.level.zeroPoint == .beforeRounding)
    }
    return Outcome(
      [("y", y)], coverage: coverage, stages: trace.stages,
      dependence: rule.level.dependence(zeros: parameters.zeros, range: range))
  }

  /// The type of `y`: that of the zero point, else `output_dtype`, else uint8.
  private static func outputType(
    _ arguments: inout Arguments, _ zero: Tensor?, _ rule: QuantizeRule
  ) throws(CaseError) -> DataType {
    let named = try arguments.dataType("output_dtype")
    if let zero, let named, zero.dtype != named {
      throw .malformed("output_dtype is \(named.name), but zero_point is \(zero.dtype.name)")
    }
    let output = zero?.dtype ?? named ?? .integer(IntegerFormat(bits: 8, signed: false))
    try arguments.check(output, isOneOf: rule.outputTypes, for: "y")
    switch output {
    case .integer, .float: return output
    case .fixed, .bool:
      throw .unsupported("quantize has no \(output.name) for y in '\(arguments.dialect.name)'")
    }
  }

  /// The arithmetic of the division: the attribute `precision` where the dialect has it.
  private static func arithmetic(
    _ arguments: inout Arguments, _ rule: QuantizeRule, scale: DataType, input: DataType
  ) throws(CaseError) -> Arithmetic {
    if rule.accepts.contains("precision"), let type = try arguments.dataType("precision") {
      guard let format = type.floatFormat, format.bits >= 16 else {
        throw .malformed("precision must be float16, bfloat16, float32 or float64")
      }
      return Arithmetic(format: format)
    }
    return rule.level.precision.arithmetic(scale: scale, input: input)
  }

  private static func checkZero(_ parameters: AffineParameters) throws(CaseError) {
    for zero in parameters.zeros where !zero.isZero {
      throw .precondition("the zero point of a float output must be zero")
    }
  }

  /// Scales a value and casts it to a float of at most 8 bits [affine §26].
  private static func quantize(
    _ x: Number, _ scale: Number, to format: FloatFormat, saturates: Bool, addsZero: Bool,
    _ rule: QuantizeRule, _ arithmetic: Arithmetic, into y: inout Expectation, at index: Int,
    _ trace: inout Trace
  ) {
    var value = arithmetic.divide(arithmetic.convert(x), arithmetic.convert(scale))
    // Real numbers have one zero.
    if arithmetic == .exact && value == .negativeZero { value = .zero }
    if addsZero { value = arithmetic.add(value, .zero) }
    trace.note(
      "scaling", Readable.text(value),
      "\(Readable.text(x)) / \(Readable.text(scale)), \(arithmetic.name)", "affine §2",
      from: arithmetic.convert(x), to: value,
      by: .divide(arithmetic.convert(scale), arithmetic.format))
    if value.isInfinite && saturates && format.specials == .unsignedZero
      && rule.infinityToUnsignedZero == .unspecified
    {
      trace.note("cast", "unspecified", "an infinity, saturated, to \(format.name)", "affine §26")
      return y.leaveUnspecified(at: index)
    }
    let code = format.encode(value, overflow: saturates ? .saturate : .ieee)
    trace.note(
      "cast", Readable.text(format.decode(code)),
      "to \(format.name), \(saturates ? "saturating" : "not saturating")", "affine §26",
      from: value, to: format.decode(code), by: .convert(format, saturates: saturates))
    y.tensor.codes[index] = Int64(bitPattern: code)
  }

  /// The vendor's fixed-point assignment: quantize to the fraction bits, then overflow [affine §22].
  private static func fixedPoint(
    _ arguments: inout Arguments, isBulk: Bool, _ trace: inout Trace
  ) throws(CaseError) -> Outcome {
    let x = try arguments.input("x")
    try arguments.refuse("scale", "means nothing in dialect '\(arguments.dialect.name)'")
    try arguments.refuse("zero_point", "means nothing in dialect '\(arguments.dialect.name)'")
    guard case .fixed(let format)? = try arguments.dataType("output_dtype") else {
      throw .malformed("output_dtype must be fixed<W,I> or ufixed<W,I>")
    }
    let roundingName = arguments.string("rounding") ?? "AP_TRN"
    let overflowName = arguments.string("overflow") ?? "AP_WRAP"
    guard let rounding = FixedPointFormat.Rounding(rawValue: roundingName) else {
      throw .malformed("rounding '\(roundingName)' is not one of the seven of ap_fixed")
    }
    guard let overflow = FixedPointFormat.Overflow(rawValue: overflowName) else {
      throw .malformed("overflow '\(overflowName)' is not one of the five of ap_fixed")
    }
    let bits = try arguments.integer("saturation_bits", in: 0...format.width, default: 0)
    try arguments.finish()
    var codes: [Int64] = []
    var coverage = Coverage()
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    if isBulk,
      let fast = FastFixedPoint(
        from: x.dtype, to: format, rounding: rounding, overflow: overflow, saturationBits: bits)
    {
      let codes = x.codes.map { fast.raw(of: $0, &coverage) }
      let y = Tensor(.fixed(format), shape: x.shape, codes: codes)
      return Outcome([("y", Expectation(y))], coverage: coverage).fromBulkOracle
    }
    for index in 0..<x.count {
      trace.begin(index)
      let number = x.number(at: index)
      guard let value = number.rational, !number.isInfinite else {
        throw .precondition("x[\(index)] is \(Readable.text(number)), which ap_fixed cannot hold")
      }
      let raw: Integer
      do {
        raw = try format.convert(
          value, rounding: rounding, overflow: overflow, saturationBits: bits)
      } catch {
        throw .precondition("\(error)")
      }
      codes.append(Int64(bitPattern: raw.low64))
      fixedPointCoverage(value, format, rounding, &coverage)
      coverage.insert(input: number, code: x.codes[index], x.dtype)
      trace.note(
        "rounding", Readable.text(value.scaledByPowerOfTwo(format.width - format.integerBits)),
        "in units of the last place, \(roundingName)", rounding.rule.clause)
      trace.note(
        "overflow", Readable.text(format.value(ofRaw: raw)),
        "\(overflowName) with \(bits) saturation bits", "formats §13")
    }
    let y = Tensor(.fixed(format), shape: x.shape, codes: codes)
    return Outcome(
      [("y", Expectation(y))], coverage: coverage, stages: trace.stages,
      dependence: .any("ap_fixed is enumerated"))
  }

  private static func fixedPointCoverage(
    _ value: Rational, _ format: FixedPointFormat, _ rounding: FixedPointFormat.Rounding,
    _ coverage: inout Coverage
  ) {
    let scaled = value.scaledByPowerOfTwo(format.width - format.integerBits)
    let integers = IntegerFormat(bits: format.width, signed: format.isSigned)
    guard let rounded = try? scaled.rounded(rounding.rule) else { return }
    var events = LevelEvents()
    events.beforeRounding = scaled
    events.unclamped = Number(rounded)
    let level = Level.value(Rational(integers.saturated(rounded)))
    coverage.insert(
      events, level: level, zero: .finite(0), range: integers.minimum...integers.maximum)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    var optional: Set<LevelBin> = [.scaleSubnormal]
    guard let rules = try? dialect.rule(Self.self, as: Variants<QuantizeRule>.self) else {
      return []
    }
    if rules.base.kind == .fixedPoint {
      optional.formUnion([
        .nan, .plusInfinity, .minusInfinity, .oddZeroPointTie, .zeroPointLowest,
        .zeroPointHighest, .scalePowerOfTwo, .scaleReciprocalInexact, .perChannel, .blocked,
      ])
    }
    if !rules.base.accepts.contains("block_size") { optional.insert(.blocked) }
    return LevelBin.bins(optional: optional)
  }
}

/// What a dialect says about `quantize`.
struct QuantizeRule: DialectRule {
  /// Scale and zero point, or the vendor's fixed point.
  enum Kind: String, CaseIterable, Sendable {
    case affine
    case fixedPoint = "fixed_point"
  }
  /// What a saturated infinity becomes in a type without infinity or negative zero.
  enum InfinityRule: String, CaseIterable, Sendable { case unspecified, table }

  var kind: Kind
  var level: LevelRule
  var axis: AffineParameters.AxisRule
  var inputTypes: [DataType]?
  var scaleTypes: [DataType]?
  var outputTypes: [DataType]?
  var infinityToUnsignedZero: InfinityRule
  /// The float types whose zero point, which is zero, is really added: -0 becomes +0.
  var addsZeroPointTo: [DataType]
  /// Which of the attributes that not every dialect has are legal.
  var accepts: Set<String>

  init(_ reader: inout RuleReader) throws(DialectError) {
    kind = try reader.choice("kind", default: .affine)
    level = try LevelRule(&reader)
    axis = try reader.choice("axis", default: .defaultsToOne)
    inputTypes = try reader.types("input_types")
    scaleTypes = try reader.types("scale_types")
    outputTypes = try reader.types("output_types")
    infinityToUnsignedZero = try reader.choice("infinity_to_fnuz", default: .table)
    addsZeroPointTo = try reader.types("adds_zero_point_to") ?? []
    accepts = Set(
      try reader.words("accepts", among: ["block_size", "precision", "saturate"]))
  }
}
