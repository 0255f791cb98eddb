import CaseFormat
import ExactArithmetic
import NumberFormats

/// The blend of a case: a quantizer, and how much of it.
struct AlphaBlend {
  let alpha: Rational
  private(set) var coverage = Coverage()
  private let range: ClosedRange<Integer>
  private let parameters: AffineParameters
  private let rounding: RoundingRule

  /// The names of roundings that the attribute `rounding` takes.
  static let roundings: [(name: String, rule: RoundingRule)] = [
    ("RNE", .nearestEven), ("RHA", .nearestAway), ("RHU", .nearestUp), ("RHD", .nearestDown),
    ("RHZ", .nearestZero), ("FLR", .floor), ("CEL", .ceiling), ("TRZ", .towardZero),
    ("AWZ", .awayFromZero),
  ]

  init(_ arguments: inout Arguments, w: Tensor) throws(CaseError) {
    let alpha = try arguments.input("alpha")
    guard alpha.dtype.floatFormat != nil, alpha.count == 1 else {
      throw .malformed("alpha must be one element of a float type")
    }
    let value = alpha.number(at: 0)
    guard let rational = value.rational, rational >= 0, rational <= 1 else {
      throw .precondition("alpha is \(Readable.text(value)); it must be from 0 to 1")
    }
    self.alpha = rational
    let scale = try arguments.input("scale")
    guard scale.dtype.floatFormat != nil else {
      throw .malformed("scale must be a float type, not \(scale.dtype.name)")
    }
    guard let low = arguments.integer("qmin"), let high = arguments.integer("qmax") else {
      throw .malformed("alpha_qat needs the attributes 'qmin' and 'qmax'")
    }
    guard low <= high else { throw .malformed("qmin \(low) is above qmax \(high)") }
    range = Integer(low)...Integer(high)
    parameters = try AffineParameters(
      &arguments, x: w, scale: scale, zero: arguments.optional("zero_point"), rule: .explicit,
      acceptsBlocks: false)
    for value in parameters.zeros where value.rational?.isInteger != true {
      throw .precondition("zero_point \(Readable.text(value)) is not an integer")
    }
    let name = arguments.string("rounding") ?? "RNE"
    guard let known = Self.roundings.first(where: { $0.name == name }) else {
      let names = Self.roundings.map(\.name).joined(separator: ", ")
      throw .malformed("rounding '\(name)' is not one of \(names)")
    }
    rounding = known.rule
    coverage.insert(.perChannel, if: parameters.granularity == .perChannel)
  }

  /// The blended value; nil for a NaN, of which Q is open, unless alpha is 0.
  func value(
    of w: Number, at index: Int, _ trace: inout Trace, _ coverage: inout Coverage
  ) throws(CaseError) -> Number? {
    guard !alpha.isZero else { return w.isZero ? .zero : w }
    guard let s = parameters.scale(of: index).rational,
      let z = parameters.zero(of: index).rational, w != .nan
    else { return nil }
    let (low, high) = (Rational(range.lowerBound), Rational(range.upperBound))
    var level: Rational
    if let exact = w.rational {
      let quotient = exact / s
      let rounded = Rational((try? quotient.rounded(rounding)) ?? 0)
      note(quotient, rounded, &coverage)
      trace.note(
        "rounding", Readable.text(rounded),
        "the exact quotient \(Readable.text(quotient)); \(rounding.phrase)", rounding.clause)
      level = rounded + z
    } else {
      level = w.isNegative ? low - 1 : high + 1
    }
    coverage.insert(.saturatedLow, if: level < low)
    coverage.insert(.saturatedHigh, if: level > high)
    level = min(max(level, low), high)
    let quantized = (level - z) * s
    trace.note(
      "quantized", Readable.text(quantized),
      "level \(Readable.text(level)) of \(range.lowerBound) to \(range.upperBound)", "affine §9")
    guard alpha != 1, let exact = w.rational else { return alpha == 1 ? .finite(quantized) : w }
    let blended = alpha * quantized + (1 - alpha) * exact
    trace.note(
      "blend", Readable.text(blended), "alpha = \(Readable.text(alpha))", "gradients §9")
    return .finite(blended)
  }

  /// The gradient of w; nothing at alpha = 1, whatever the gradient of the output is.
  func gradient(of gradient: Number) -> Number {
    guard alpha != 1, !gradient.isZero else { return .zero }
    return Arithmetic.exact.multiply(.finite(1 - alpha), gradient)
  }

  private func note(_ quotient: Rational, _ level: Rational, _ coverage: inout Coverage) {
    let isTie = !quotient.isInteger && (quotient * 2).isInteger
    coverage.insert(.onLevel, if: quotient.isInteger)
    coverage.insert(.betweenLevels, if: !quotient.isInteger && !isTie)
    coverage.insert(level > quotient ? .tieUp : .tieDown, if: isTie)
  }
}
