public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Finds scale and zero point of a tensor, then quantizes it to uint8.
///
/// `y_scale = (max(0, max x) - min(0, min x)) / 255`, `y_zero_point = round(clamp(-min / y_scale))`,
/// `y = quantize(x)` [affine §17].
///
/// - Shapes: `x` any, with at least one element; `y_scale` and `y_zero_point` are scalars.
/// - Special values: an all-zero tensor has scale 1/255 and zero point 0; with a NaN or an infinity
///   every output is unspecified.
/// - Errors: an empty tensor, whose range does not exist.
public enum DynamicQuantize: Operation {
  public static let declaration = OperationDeclaration(
    name: "dynamic_quantize", groups: ["quant"],
    summary: "scale and zero point of a tensor, and its levels",
    inputs: [.required("x")], outputs: ["y", "y_scale", "y_zero_point"], attributes: [])

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("dynamic_quantize", DynamicQuantizeRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rules = try arguments.dialect.rule(Self.self, as: Variants<DynamicQuantizeRule>.self)
    let x = try arguments.input("x")
    let rule = rules.rule(for: Situation(operation: name, input: x.dtype))
    try arguments.check(x.dtype, isOneOf: rule.inputTypes, for: "x")
    try arguments.finish()
    guard x.count > 0 else { throw .precondition("the range of an empty tensor does not exist") }
    let uint8 = DataType.integer(IntegerFormat(bits: 8, signed: false))
    var trace = Trace(reference, output: reference?.output ?? "y")
    var coverage = Coverage()
    coverage.insert(length: x.count)
    let numbers = (0..<x.count).map { x.number(at: $0) }
    for (index, number) in numbers.enumerated() {
      coverage.insert(input: number, code: x.codes[index], x.dtype)
    }
    let format = FloatFormat.binary32
    var y = Expectation(Tensor(uint8, shape: x.shape, codes: Array(repeating: 0, count: x.count)))
    var scaleOutput = Expectation(Tensor(scalar: 0, .float(format)))
    var zeroOutput = Expectation(Tensor(scalar: 0, uint8))
    func outcome() -> Outcome {
      Outcome(
        [("y", y), ("y_scale", scaleOutput), ("y_zero_point", zeroOutput)], coverage: coverage,
        stages: trace.stages)
    }
    guard let parameters = parameters(numbers, rule, &trace) else {
      for index in 0..<x.count { y.leaveUnspecified(at: index) }
      scaleOutput.leaveUnspecified(at: 0)
      zeroOutput.leaveUnspecified(at: 0)
      return outcome()
    }
    let (scale, zero) = parameters
    scaleOutput.tensor.codes[0] = Int64(bitPattern: format.encode(.finite(scale)))
    zeroOutput.tensor.codes[0] = zero.int64 ?? 0
    coverage.insert(.zeroPointLowest, if: zero == 0)
    coverage.insert(.zeroPointHighest, if: zero == 255)
    let arithmetic = rule.level.precision.arithmetic(scale: .float(format), input: x.dtype)
    for (index, number) in numbers.enumerated() {
      trace.begin(index)
      var events = LevelEvents()
      let level = try rule.level.level(
        of: number, scale: .finite(scale), zero: Number(zero), range: 0...255,
        arithmetic: arithmetic, events: &events, trace: &trace)
      if case .value(let value) = level, let code = value.numerator.int64 {
        y.tensor.codes[index] = code
      } else {
        y.leaveUnspecified(at: index)
      }
      coverage.insert(events, level: level, zero: Number(zero), range: 0...255)
    }
    return outcome()
  }

  /// The scale and zero point of a range that reaches to zero; nil where they do not exist.
  private static func parameters(
    _ numbers: [Number], _ rule: DynamicQuantizeRule, _ trace: inout Trace
  ) -> (scale: Rational, zero: Integer)? {
    var (low, high) = (Rational(0), Rational(0))
    for number in numbers {
      guard let value = number.rational, !number.isInfinite else { return nil }
      (low, high) = (min(low, value), max(high, value))
    }
    let arithmetic = rule.level.precision.arithmetic(
      scale: .float(.binary32), input: .float(.binary32))
    let span = arithmetic.add(.finite(high), .finite(-low))
    let isConstantZero = low == high
    let scale = FloatFormat.binary32.rounded(
      arithmetic.divide(isConstantZero ? .finite(1) : span, .finite(255)))
    guard case .finite(let scaleValue) = scale, scaleValue.signum() > 0 else { return nil }
    let quotient = arithmetic.divide(.finite(low), scale)
    let offset = arithmetic.add(.finite(0), quotient.rational.map { .finite(-$0) } ?? quotient)
    guard let real = offset.rational, !offset.isInfinite,
      let zero = try? min(max(real, 0), 255).rounded(.nearestEven)
    else { return nil }
    trace.beginShared()
    trace.note(
      "scale", Readable.text(scale),
      "(\(Readable.text(high)) - \(Readable.text(low))) / 255, \(arithmetic.name)", "affine §17")
    trace.note(
      "zero point", zero.description, "-min / scale = \(Readable.text(real)), to nearest even",
      "affine §17")
    return (scaleValue, zero)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    let required: [LevelBin] = [
      .tieDown, .tieUp, .onLevel, .betweenLevels, .lowestLevel, .highestLevel, .nan,
      .plusInfinity, .minusInfinity, .minusZero, .subnormalInput, .zeroPointLowest,
      .zeroPointHighest,
    ]
    return required.map { CoverageBin($0.rawValue, $0.name, required: true) }
  }
}

/// What a dialect says about `dynamic_quantize`: how its levels are computed.
struct DynamicQuantizeRule: DialectRule {
  var level: LevelRule
  var inputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    level = try LevelRule(&reader)
    inputTypes = try reader.types("input_types")
  }
}
