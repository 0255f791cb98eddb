public import ExactArithmetic
public import NumberFormats

/// What a stage does to the value on its way: enough to do it again with another value.
public enum StageEffect: Hashable, Sendable {
  /// Adds up products; the value starts here.
  case sum(ProductSum)
  /// Multiplies by a factor, rounded to a format where there is one.
  case multiply(Number, FloatFormat?)
  /// Divides by a divisor, rounded to a format where there is one.
  case divide(Number, FloatFormat?)
  /// Adds, rounded to a format where there is one.
  case add(Number, FloatFormat?)
  /// Multiplies and adds with one rounding to a format where there is one.
  case multiplyAdd(Number, Number, FloatFormat?)
  /// Rounds to an integer.
  case round(RoundingRule)
  /// Cuts to a range.
  case clamp(ClosedRange<Rational>)
  /// Keeps the low bits.
  case wrap(IntegerFormat)
  /// Rounds to a float format.
  case convert(FloatFormat, saturates: Bool)

  /// The value after the step; nil where it has none.
  public func apply(_ value: Number) -> Number? {
    func arithmetic(_ format: FloatFormat?) -> Arithmetic { Arithmetic(format: format) }
    switch self {
    case .sum: return value
    case .multiply(let factor, let format): return arithmetic(format).multiply(value, factor)
    case .divide(let divisor, let format): return arithmetic(format).divide(value, divisor)
    case .add(let summand, let format): return arithmetic(format).add(value, summand)
    case .multiplyAdd(let factor, let summand, let format):
      return arithmetic(format).fusedMultiplyAdd(value, factor, summand)
    case .round(let rule):
      guard let rational = value.rational else { return value }
      guard let rounded = try? rational.rounded(rule) else { return nil }
      return rounded == 0 && value.isNegative ? .negativeZero : .finite(Rational(rounded))
    case .clamp(let range):
      switch value {
      case .nan: return nil
      case .infinity(let negative): return .finite(negative ? range.lowerBound : range.upperBound)
      case .negativeZero where range.contains(0): return value
      case .negativeZero, .finite:
        return .finite(min(max(value.rational ?? 0, range.lowerBound), range.upperBound))
      }
    case .wrap(let format):
      guard let rational = value.rational, rational.isInteger else { return nil }
      return .finite(Rational(format.wrapped(rational.numerator)))
    case .convert(let format, let saturates):
      return format.decode(format.encode(value, overflow: saturates ? .saturate : .ieee))
    }
  }
}

/// A sum of products with all that went into it, as codes: `bias + sum (x - x0) * (w - w0)`.
public struct ProductSum: Hashable, Sendable {
  /// The inputs in the order of the weights; nil in the padding.
  public var inputs: [Int64?]
  public var weights: [Int64]
  public var inputZero: Int64
  public var weightZero: Int64
  public var bias: Int64
  public var inputType: DataType
  public var weightType: DataType

  /// The products, each with its zero points taken off; what stands in the padding is a real zero.
  public var products: [Int128] {
    zip(inputs, weights).map { input, weight in
      input.map { (Int128($0) - Int128(inputZero)) * (Int128(weight) - Int128(weightZero)) } ?? 0
    }
  }
}
