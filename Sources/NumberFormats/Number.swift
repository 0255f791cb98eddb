public import ExactArithmetic

/// What an element of a tensor can be: an exact number or one of the special values of the floats.
///
/// Equality is that of values here: NaN equals NaN, and negative zero is not `finite(0)`, which is
/// positive zero.
public enum Number: Hashable, Sendable {
  /// A number; `finite(0)` is positive zero.
  case finite(Rational)
  /// The zero with the minus sign.
  case negativeZero
  /// +∞ or −∞.
  case infinity(negative: Bool)
  /// Any NaN; sign and payload are not kept.
  case nan
}

extension Number {
  /// Positive zero.
  public static let zero = Number.finite(0)

  /// The exact value of a binary64 number, which keeps the sign of zero.
  ///
  /// - Parameter double: any, NaN included.
  public init(_ double: Double) {
    if double.isNaN {
      self = .nan
    } else if double.isInfinite {
      self = .infinity(negative: double < 0)
    } else {
      self = .signed(Rational(double), negative: double.sign == .minus)
    }
  }

  /// Reads a number exactly, as ``ExactArithmetic/Rational/parse(_:)``, or a special value.
  ///
  /// - Parameter text: a decimal, a C99 hex float, `nan`, `inf` or `-inf`; `-0`, `-0.0`, `-0x0p+0`
  ///   and their like are negative zero.
  /// - Returns: `nil` for any other text.
  public static func parse(_ text: String) -> Number? {
    switch text {
    case "nan": .nan
    case "inf": .infinity(negative: false)
    case "-inf": .infinity(negative: true)
    default: Rational.parse(text).map { .signed($0, negative: text.hasPrefix("-")) }
    }
  }

  /// A number whose zero takes a sign from elsewhere.
  static func signed(_ value: Rational, negative: Bool) -> Number {
    value.isZero && negative ? .negativeZero : .finite(value)
  }
}

extension Number {
  /// Whether this is NaN.
  public var isNaN: Bool { self == .nan }

  /// Whether this is +∞ or −∞.
  public var isInfinite: Bool {
    if case .infinity = self { true } else { false }
  }

  /// Whether this is a number: neither infinite nor NaN.
  public var isFinite: Bool { rational != nil }

  /// Whether this is one of the two zeros.
  public var isZero: Bool { rational?.isZero ?? false }

  /// Whether the sign is minus, that of negative zero included; false for NaN.
  public var isNegative: Bool {
    switch self {
    case .finite(let value): value.signum() < 0
    case .negativeZero: true
    case .infinity(let negative): negative
    case .nan: false
    }
  }

  /// The value, 0 for both zeros; `nil` for infinities and NaN.
  public var rational: Rational? {
    switch self {
    case .finite(let value): value
    case .negativeZero: 0
    case .infinity, .nan: nil
    }
  }

  /// The number with the other sign; NaN stays.
  public static prefix func - (number: Number) -> Number {
    switch number {
    case .finite(let value): value.isZero ? .negativeZero : .finite(-value)
    case .negativeZero: .zero
    case .infinity(let negative): .infinity(negative: !negative)
    case .nan: .nan
    }
  }

  /// The nearest binary64 number, for display; never for a verdict.
  public var approximate: Double {
    switch self {
    case .finite(let value): value.approximate
    case .negativeZero: -0.0
    case .infinity(let negative): negative ? -.infinity : .infinity
    case .nan: .nan
    }
  }
}

extension Number: CustomStringConvertible {
  /// `5/2`, `-0`, `inf`, `-inf` or `nan`.
  public var description: String {
    switch self {
    case .finite(let value): value.description
    case .negativeZero: "-0"
    case .infinity(let negative): negative ? "-inf" : "inf"
    case .nan: "nan"
    }
  }
}
