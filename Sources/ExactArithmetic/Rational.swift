import CMPFR

/// An exact rational number, always in lowest terms with a positive denominator.
///
/// Every finite value of every number format is one. No operation rounds. Zero has no sign here;
/// the signed zeros of the float formats are NumberFormats' concern.
///
/// - Source: GMP's `mpq` does the arithmetic.
public struct Rational: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
  private var box: Box

  private init(box: Box) {
    self.box = box
  }

  /// An integer as a rational.
  ///
  /// - Parameter value: the integer.
  public init(_ value: Integer) {
    self = .make { result in value.reading { qv_q_set_integer(result, $0) } }
  }

  /// A machine integer as a rational.
  ///
  /// - Parameter value: the integer.
  public init<T: BinaryInteger>(_ value: T) {
    if let value = Int64(exactly: value) {
      self = .make { qv_q_set_signed($0, Int(value)) }
    } else {
      self.init(Integer(value))
    }
  }

  /// Converts an integer literal that fits `Int`.
  ///
  /// - Parameter value: the literal.
  public init(integerLiteral value: Int) {
    self.init(value)
  }

  /// The quotient of two integers, in lowest terms.
  ///
  /// - Parameters:
  ///   - numerator: any integer.
  ///   - denominator: not 0; may be negative.
  public init(_ numerator: Integer, _ denominator: Integer) {
    precondition(!denominator.isZero, "division of \(numerator) by zero")
    self = .make { result in
      numerator.reading { n in denominator.reading { d in qv_q_set_quotient(result, n, d) } }
    }
  }

  /// The exact value of a binary64 number; both zeros give 0.
  ///
  /// - Parameter double: finite.
  public init(_ double: Double) {
    precondition(double.isFinite, "\(double) is not a rational number")
    self = .make { qv_q_set_double($0, double) }
  }
}

// MARK: - Parts

extension Rational {
  /// The numerator in lowest terms; it carries the sign.
  public var numerator: Integer {
    reading { raw in Integer.make { qv_z_set($0, qv_q_numerator(raw)) } }
  }

  /// The denominator in lowest terms; at least 1.
  public var denominator: Integer {
    reading { raw in Integer.make { qv_z_set($0, qv_q_denominator(raw)) } }
  }

  /// -1, 0 or 1: the sign.
  ///
  /// - Returns: the sign.
  public func signum() -> Int { reading { Int(qv_q_sign($0)) } }

  /// Whether the denominator is 1.
  public var isInteger: Bool { reading { qv_q_is_integer($0) } }

  /// Whether the number is 0.
  public var isZero: Bool { signum() == 0 }

  /// The absolute value.
  public var magnitude: Rational { Self.unary(self, qv_q_absolute) }

  /// ⌊log₂ |self|⌋, exactly: the `e` of `2^e ≤ |self| < 2^(e+1)`.
  ///
  /// The number must not be 0.
  public var floorLog2: Int {
    precondition(!isZero, "zero has no logarithm")
    let (n, d) = (numerator.magnitude, denominator)
    // n is in 2^(bits-1)..<2^bits, and so is d: the quotient is in 2^(e-1)<..<2^(e+1).
    let e = n.bitWidth - d.bitWidth
    let reaches = e >= 0 ? n >= d << e : n << -e >= d
    return reaches ? e : e - 1
  }
}

// MARK: - Arithmetic

extension Rational {
  public static func + (a: Rational, b: Rational) -> Rational { binary(a, b, qv_q_add) }
  public static func - (a: Rational, b: Rational) -> Rational { binary(a, b, qv_q_sub) }
  public static func * (a: Rational, b: Rational) -> Rational { binary(a, b, qv_q_mul) }
  public static prefix func - (a: Rational) -> Rational { unary(a, qv_q_negate) }

  /// The quotient; `b` must not be 0.
  public static func / (a: Rational, b: Rational) -> Rational {
    precondition(!b.isZero, "division of \(a) by zero")
    return binary(a, b, qv_q_div)
  }

  public static func += (a: inout Rational, b: Rational) { update(&a, b, qv_q_add) }
  public static func -= (a: inout Rational, b: Rational) { update(&a, b, qv_q_sub) }
  public static func *= (a: inout Rational, b: Rational) { update(&a, b, qv_q_mul) }

  /// Divides in place; `b` must not be 0.
  public static func /= (a: inout Rational, b: Rational) {
    precondition(!b.isZero, "division of \(a) by zero")
    update(&a, b, qv_q_div)
  }

  /// `self · 2ⁿ`.
  ///
  /// - Parameter n: any sign.
  /// - Returns: the product.
  public func scaledByPowerOfTwo(_ n: Int) -> Rational {
    Self.unary(self) {
      n < 0 ? qv_q_shift_right($0, $1, n.magnitude) : qv_q_shift_left($0, $1, n.magnitude)
    }
  }

  public static func == (a: Rational, b: Rational) -> Bool {
    a.reading { a in b.reading { b in qv_q_equal(a, b) } }
  }

  public static func < (a: Rational, b: Rational) -> Bool {
    a.reading { a in b.reading { b in qv_q_compare(a, b) } } < 0
  }

  /// Hashes numerator and denominator.
  ///
  /// - Parameter hasher: the hasher.
  public func hash(into hasher: inout Hasher) {
    reading { raw in
      combineLimbs(of: qv_q_numerator(raw), into: &hasher)
      combineLimbs(of: qv_q_denominator(raw), into: &hasher)
    }
  }

  /// The nearest binary64 number, ties to even, for display; never for a verdict.
  ///
  /// Overflow gives an infinity, underflow a zero with the sign of this number.
  public var approximate: Double {
    if isZero { return 0 }
    let sign: FloatingPointSign = signum() < 0 ? .minus : .plus
    let e = floorLog2
    if e > 1023 { return sign == .minus ? -.infinity : .infinity }
    if e < -1100 { return sign == .minus ? -0.0 : 0.0 }
    let quantum = max(e, -1022) - 52
    let significand = magnitude.scaledByPowerOfTwo(-quantum).roundedUnlessExact(.nearestEven)
    // At most 2^53 and a multiple of the quantum: both steps are exact, or overflow to infinity.
    return Double(sign: sign, exponent: quantum, significand: Double(significand.low64))
  }
}

// MARK: - Storage

extension Rational {
  /// One `mpq_t` at a fixed address; unchecked as `Integer`'s.
  private final class Box: @unchecked Sendable {
    let raw = UnsafeMutablePointer<qv_rational>.allocate(capacity: 1)

    init() {
      qv_q_init(raw)
    }

    deinit {
      qv_q_clear(raw)
      raw.deallocate()
    }
  }

  /// A new rational that C fills in; it must leave it canonical.
  static func make(_ fill: (UnsafeMutablePointer<qv_rational>) -> Void) -> Rational {
    let result = Box()
    withExtendedLifetime(result) { fill(result.raw) }
    return Rational(box: result)
  }

  /// Keeps the storage alive while C reads it.
  func reading<T>(_ body: (UnsafePointer<qv_rational>) -> T) -> T {
    withExtendedLifetime(box) { body(UnsafePointer(box.raw)) }
  }

  private static func unary(
    _ a: Rational,
    _ operation: (UnsafeMutablePointer<qv_rational>, UnsafePointer<qv_rational>) -> Void
  ) -> Rational {
    make { result in a.reading { operation(result, $0) } }
  }

  private typealias Binary = (
    UnsafeMutablePointer<qv_rational>, UnsafePointer<qv_rational>, UnsafePointer<qv_rational>
  ) -> Void

  private static func binary(_ a: Rational, _ b: Rational, _ operation: Binary) -> Rational {
    make { result in a.reading { a in b.reading { b in operation(result, a, b) } } }
  }

  /// In place if nobody else shares the storage of `a`.
  private static func update(_ a: inout Rational, _ b: Rational, _ operation: Binary) {
    guard isKnownUniquelyReferenced(&a.box) else {
      a = binary(a, b, operation)
      return
    }
    let raw = a.box.raw
    a.reading { current in b.reading { b in operation(raw, current, b) } }
  }
}
