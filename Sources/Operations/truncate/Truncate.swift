public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Drops low bits of a quantized value: a right shift with a named rounding.
///
/// Version 1 keeps the input's scale and zero point [affine §24]; version 2 takes `output_scale`,
/// shifts by `round(log2(output_scale / scale))` bits and clamps to the output's range [affine §25].
///
/// - Shapes: `x` any; the parameters broadcast to it.
/// - Errors: a scale that is not finite and positive; a missing `output_scale` in version 2.
public enum Truncate: Operation {
  public static let declaration = OperationDeclaration(
    name: "truncate", groups: ["quant"], summary: "drop low bits of a quantized value",
    inputs: [
      .required("x"), .required("scale"), .required("zero_point"), .optional("output_scale"),
    ],
    outputs: ["y"],
    attributes: [
      .init("version", .integer), .init("rounding_mode", .string), .init("signed", .integer),
      .init("narrow", .integer), .init("bit_width_in", .integer),
      .init("bit_width_out", .integer),
    ])

  public static let sweptInput: String? = "x"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("truncate", TruncateRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rules = try arguments.dialect.rule(Self.self, as: Variants<TruncateRule>.self)
    let x = try arguments.input("x")
    let rule = rules.rule(for: Situation(operation: name, input: x.dtype))
    guard let format = x.dtype.floatFormat else { throw .malformed("x must have a float type") }
    let version = try arguments.integer("version", in: 1...2, default: 1)
    let rounding = try rule.rounding(&arguments)
    guard let bitsIn = arguments.integer("bit_width_in"), (1...64).contains(bitsIn),
      let bitsOut = arguments.integer("bit_width_out"), (1...64).contains(bitsOut)
    else { throw .malformed("truncate needs 'bit_width_in' and 'bit_width_out' from 1 to 64") }
    var range: LevelRange?
    if version == 2 {
      let isSigned = try arguments.flag("signed", default: true)
      let narrow = Rational(try arguments.flag("narrow", default: false) ? 1 : 0)
      let power = Rational(1).scaledByPowerOfTwo(isSigned ? bitsOut - 1 : bitsOut)
      range =
        isSigned
        ? LevelRange(lower: narrow - power, upper: power - 1)
        : LevelRange(lower: 0, upper: power - 1 - narrow)
    } else {
      try arguments.refuse("output_scale", "means nothing in version 1")
      guard bitsIn >= bitsOut else { throw .malformed("bit_width_out is above bit_width_in") }
    }
    try arguments.finish()
    let scale = try Parameter(arguments, "scale", x, isScale: true)
    let zero = try Parameter(arguments, "zero_point", x, isScale: false)
    let outputScale =
      version == 2 ? try Parameter(arguments, "output_scale", x, isScale: true) : scale

    var trace = Trace(reference, output: "y")
    var coverage = Coverage()
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    coverage.insert(.perChannel, if: scale.map != .perTensor)
    var codes: [Int64] = []
    for index in 0..<x.count {
      trace.begin(index)
      coverage.insert(input: x.number(at: index), code: x.codes[index], x.dtype)
      let element = Element(
        x: x.number(at: index), scale: scale[index], zero: zero[index],
        outputScale: outputScale[index], bits: bitsIn - bitsOut, range: range, rounding: rounding)
      let result = try rule.value(element, &coverage, &trace)
      codes.append(Int64(bitPattern: format.encode(result)))
    }
    let y = Tensor(x.dtype, shape: x.shape, codes: codes)
    return Outcome([("y", Expectation(y))], coverage: coverage, stages: trace.stages)
  }

  /// One element with its parameters; the range is that of version 2, nil in version 1.
  struct Element {
    var x: Number
    var scale: Number
    var zero: Number
    var outputScale: Number
    var bits: Int
    var range: LevelRange?
    var rounding: LevelRounding
  }

  /// A parameter that broadcasts.
  private struct Parameter {
    let values: [Number]
    let map: ParameterMap

    init(
      _ arguments: Arguments, _ name: String, _ x: Tensor, isScale: Bool
    ) throws(CaseError) {
      let tensor = try arguments.input(name)
      guard tensor.count > 0 else { throw .malformed("\(name) is empty") }
      values =
        isScale
        ? try AffineParameters.positiveScales(tensor, named: name)
        : (0..<tensor.count).map { tensor.number(at: $0) }
      for value in values where value.rational == nil || value.isInfinite {
        throw .precondition("\(name) is \(Readable.text(value))")
      }
      map = try .broadcast(to: x, parameter: tensor, named: name)
    }

    subscript(element: Int) -> Number { values[map.index(of: element)] }
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    let required: [LevelBin] = [
      .tieDown, .tieUp, .onLevel, .betweenLevels, .perChannel, .empty, .minusZero,
    ]
    return required.map { CoverageBin($0.rawValue, $0.name, required: true) }
  }
}

/// What a dialect says about `truncate`.
struct TruncateRule: DialectRule {
  var precision: Precision
  var roundingModes: [(name: String, rounding: LevelRounding)] = []

  init(_ reader: inout RuleReader) throws(DialectError) {
    precision = try reader.choice("precision", default: .exact)
    guard var modes = try reader.section("rounding_modes") else {
      throw reader.failure("rounding_modes", "is missing")
    }
    for name in modes.keys {
      roundingModes.append((name, try modes.rounding(name, default: .rule(.floor))))
    }
  }

  func rounding(_ arguments: inout Arguments) throws(CaseError) -> LevelRounding {
    let name = arguments.string("rounding_mode") ?? "FLOOR"
    guard let mode = roundingModes.first(where: { $0.name == name.uppercased() }) else {
      let known = roundingModes.map(\.name).joined(separator: ", ")
      throw .malformed("rounding_mode '\(name)' is not one of \(known)")
    }
    return mode.rounding
  }

  /// The truncated value of an element.
  func value(
    _ element: Truncate.Element, _ coverage: inout Coverage, _ trace: inout Trace
  ) throws(CaseError) -> Number {
    let single = DataType.float(.binary32)
    let arithmetic = precision.arithmetic(scale: single, input: single)
    let nearest = LevelRounding.rule(.nearestEven)
    do {
      let sum = arithmetic.add(arithmetic.divide(element.x, element.scale), element.zero)
      let level = try nearest.round(sum, arithmetic)
      trace.note("level", Readable.text(level), "round(x / scale + zero point)", "affine §24")
      var shift = element.bits
      if element.range != nil, let ratio = ratio(element) {
        shift = try nearestLog2(ratio, arithmetic)
      }
      let power = Number.finite(Rational(1).scaledByPowerOfTwo(shift))
      var shifted = arithmetic.divide(level, power)
      trace.note("shift", Readable.text(shifted), "right by \(shift) bits", "affine §25")
      if let range = element.range { shifted = clamped(shifted, range) }
      if let exact = shifted.rational, !shifted.isInfinite {
        coverage.insert(.onLevel, if: exact.isInteger)
        let isTie = !exact.isInteger && (exact * 2).isInteger
        coverage.insert(.betweenLevels, if: !exact.isInteger)
        if isTie, let rounded = try element.rounding.round(shifted, arithmetic).rational {
          coverage.insert(rounded > exact ? .tieUp : .tieDown)
        }
      }
      let rounded = try element.rounding.round(shifted, arithmetic)
      trace.note(
        "rounding", Readable.text(rounded), element.rounding.phrase, element.rounding.clause)
      let zero = element.range == nil ? element.zero : arithmetic.divide(element.zero, power)
      let difference = arithmetic.add(rounded, -zero)
      let result = arithmetic.multiply(difference, element.outputScale)
      // Real numbers have one zero.
      return precision == .exact && result.isZero ? .zero : result
    } catch {
      throw .precondition("the value is not an integer and the rounding is exact")
    }
  }

  private func ratio(_ element: Truncate.Element) -> Rational? {
    guard let output = element.outputScale.rational, let input = element.scale.rational else {
      return nil
    }
    return output / input
  }

  /// `round(log2 ratio)`: a ratio lies above a half step where its square exceeds 2^(2k + 1).
  ///
  /// In a binary format both the ratio and its logarithm are rounded first.
  private func nearestLog2(
    _ ratio: Rational, _ arithmetic: Arithmetic
  ) throws(InexactResult) -> Int {
    if arithmetic.format != nil, let rounded = arithmetic.convert(.finite(ratio)).rational {
      let bits = 192
      let logarithm = Real.divide(
        Real.log(Real(rounded, precision: bits, .nearest), .nearest),
        Real.log(Real(2, precision: bits, .nearest), .nearest), .nearest)
      let value = arithmetic.convert(.finite(logarithm.rational ?? 0)).rational ?? 0
      return Int(try value.rounded(.nearestEven).int64 ?? 0)
    }
    let floor = ratio.floorLog2
    let threshold = Rational(1).scaledByPowerOfTwo(2 * floor + 1)
    return ratio * ratio > threshold ? floor + 1 : floor
  }

  private func clamped(_ value: Number, _ range: LevelRange) -> Number {
    switch value {
    case .nan: value
    case .infinity(let negative): .finite(negative ? range.lower : range.upper)
    case .negativeZero, .finite:
      .finite(min(max(value.rational ?? 0, range.lower), range.upper))
    }
  }
}
