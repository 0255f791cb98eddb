import CMPFR

/// Which way an operation on ``Real`` rounds its last bit.
public enum Direction: String, CaseIterable, Sendable {
  /// Toward −∞: the result is not above the exact value.
  case down
  /// Toward +∞: the result is not below the exact value.
  case up
  /// To the nearest, ties to even.
  case nearest
  /// Toward zero.
  case zero
  /// Away from zero.
  case away

  fileprivate var code: Int32 {
    switch self {
    case .down: Int32(QV_DOWN)
    case .up: Int32(QV_UP)
    case .nearest: Int32(QV_NEAREST)
    case .zero: Int32(QV_ZERO)
    case .away: Int32(QV_AWAY)
    }
  }
}

/// A binary floating-point number of any precision, with value semantics.
///
/// Every operation is correctly rounded in the ``Direction`` given, to the larger precision of its
/// operands. Exponents reach from -2²⁰ to 2²⁰; beyond, results over- and underflow as the direction
/// demands: `exp(10⁹)` is infinite upward, the largest number downward.
///
/// Thread-safe: MPFR keeps its flags and its exponent range per thread, and each operation sets and
/// restores the range.
///
/// - Source: MPFR, which rounds all the functions used here correctly.
public struct Real: Sendable {
  private var box: Box

  /// A rational number rounded to a precision.
  ///
  /// - Parameters:
  ///   - value: the number.
  ///   - precision: bits of the significand, at least 2.
  ///   - direction: how it is rounded.
  public init(_ value: Rational, precision: Int, _ direction: Direction) {
    box = Box(precision: precision)
    let raw = box.raw
    value.reading { value in
      Self.withinExponentRange { qv_r_set_rational(raw, value, direction.code) }
    }
  }

  /// A real number rounded to another precision.
  ///
  /// - Parameters:
  ///   - value: the number.
  ///   - precision: bits of the significand, at least 2.
  ///   - direction: how it is rounded.
  public init(_ value: Real, precision: Int, _ direction: Direction) {
    box = Box(precision: precision)
    let raw = box.raw
    value.reading { value in Self.withinExponentRange { qv_r_set(raw, value, direction.code) } }
  }

  /// An infinity.
  ///
  /// - Parameters:
  ///   - negative: whether it is −∞.
  ///   - precision: bits of the significand, at least 2.
  /// - Returns: the infinity.
  public static func infinity(negative: Bool, precision: Int) -> Real {
    Real(box: Box(precision: precision)) { qv_r_set_infinity($0, negative ? -1 : 1) }
  }
}

// MARK: - Value

extension Real {
  /// Bits of the significand.
  public var precision: Int { reading { qv_r_precision($0) } }

  /// Whether this is neither infinite nor NaN.
  public var isFinite: Bool { reading { qv_r_is_finite($0) } }

  /// Whether this is no number: the result of an operation outside its domain.
  public var isNaN: Bool { reading { qv_r_is_nan($0) } }

  /// -1, 0 or 1: the sign; 0 for NaN.
  ///
  /// - Returns: the sign.
  public func signum() -> Int { reading { Int(qv_r_sign($0)) } }

  /// The exact value; `nil` for infinities and NaN.
  public var rational: Rational? {
    guard isFinite else { return nil }
    return reading { raw in Rational.make { qv_r_get_rational($0, raw) } }
  }

  /// The nearest binary64 number, for display.
  public var approximate: Double { reading { qv_r_double($0) } }
}

extension Real: Comparable {
  /// Whether two numbers are equal; NaN equals nothing, -0 equals 0.
  public static func == (a: Real, b: Real) -> Bool {
    a.reading { a in b.reading { b in qv_r_equal(a, b) } }
  }

  /// Whether `a` is smaller; false if one is NaN.
  public static func < (a: Real, b: Real) -> Bool {
    a.reading { a in b.reading { b in qv_r_less(a, b) } }
  }
}

// MARK: - Operations

extension Real {
  /// `a + b`, rounded in a direction.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the sum.
  public static func add(_ a: Real, _ b: Real, _ direction: Direction) -> Real {
    binary(a, b, direction, qv_r_add)
  }

  /// `a - b`, rounded in a direction.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the difference.
  public static func subtract(_ a: Real, _ b: Real, _ direction: Direction) -> Real {
    binary(a, b, direction, qv_r_sub)
  }

  /// `a · b`, rounded in a direction.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the product.
  public static func multiply(_ a: Real, _ b: Real, _ direction: Direction) -> Real {
    binary(a, b, direction, qv_r_mul)
  }

  /// `a / b`, rounded in a direction; `a / 0` is infinite, `0 / 0` NaN.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the quotient.
  public static func divide(_ a: Real, _ b: Real, _ direction: Direction) -> Real {
    binary(a, b, direction, qv_r_div)
  }

  /// √x, rounded in a direction; NaN below 0.
  ///
  /// - Parameters:
  ///   - x: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the square root.
  public static func sqrt(_ x: Real, _ direction: Direction) -> Real {
    unary(x, direction, qv_r_sqrt)
  }

  /// eˣ, rounded in a direction.
  ///
  /// - Parameters:
  ///   - x: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the exponential.
  public static func exp(_ x: Real, _ direction: Direction) -> Real {
    unary(x, direction, qv_r_exp)
  }

  /// eˣ - 1 without cancellation, rounded in a direction.
  ///
  /// - Parameters:
  ///   - x: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the exponential less one.
  public static func expm1(_ x: Real, _ direction: Direction) -> Real {
    unary(x, direction, qv_r_expm1)
  }

  /// 2ˣ, rounded in a direction.
  ///
  /// - Parameters:
  ///   - x: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the power.
  public static func pow2(_ x: Real, _ direction: Direction) -> Real {
    unary(x, direction, qv_r_exp2)
  }

  /// The natural logarithm, rounded in a direction; −∞ at 0, NaN below.
  ///
  /// - Parameters:
  ///   - x: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the logarithm.
  public static func log(_ x: Real, _ direction: Direction) -> Real {
    unary(x, direction, qv_r_log)
  }

  /// log(1 + x) without cancellation, rounded in a direction; −∞ at -1, NaN below.
  ///
  /// - Parameters:
  ///   - x: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the logarithm.
  public static func log1p(_ x: Real, _ direction: Direction) -> Real {
    unary(x, direction, qv_r_log1p)
  }

  /// The hyperbolic tangent, rounded in a direction.
  ///
  /// - Parameters:
  ///   - x: a number.
  ///   - direction: how the result is rounded.
  /// - Returns: the tangent.
  public static func tanh(_ x: Real, _ direction: Direction) -> Real {
    unary(x, direction, qv_r_tanh)
  }

  /// `-a`, exactly.
  public static prefix func - (a: Real) -> Real {
    a.reading { source in Real(box: Box(precision: a.precision)) { qv_r_negate($0, source) } }
  }
}

// MARK: - Storage

extension Real {
  /// One `mpfr_t` at a fixed address; unchecked because nothing writes it after its creation.
  private final class Box: @unchecked Sendable {
    let raw = UnsafeMutablePointer<qv_real>.allocate(capacity: 1)

    init(precision: Int) {
      precondition(precision >= 2, "a real number needs at least 2 bits, not \(precision)")
      qv_r_init(raw, precision)
    }

    deinit {
      qv_r_clear(raw)
      raw.deallocate()
    }
  }

  private init(box: Box, _ fill: (UnsafeMutablePointer<qv_real>) -> Void) {
    self.box = box
    withExtendedLifetime(box) { Self.withinExponentRange { fill(box.raw) } }
  }

  private func reading<T>(_ body: (UnsafePointer<qv_real>) -> T) -> T {
    withExtendedLifetime(box) { body(UnsafePointer(box.raw)) }
  }

  /// Runs C with our exponent range; synchronous, so it stays on one thread.
  private static func withinExponentRange(_ body: () -> Void) {
    let old = qv_r_enter()
    body()
    qv_r_leave(old)
  }

  private static func unary(
    _ a: Real, _ direction: Direction,
    _ operation: (UnsafeMutablePointer<qv_real>, UnsafePointer<qv_real>, Int32) -> Void
  ) -> Real {
    a.reading { source in
      Real(box: Box(precision: a.precision)) { operation($0, source, direction.code) }
    }
  }

  private static func binary(
    _ a: Real, _ b: Real, _ direction: Direction,
    _ operation: (
      UnsafeMutablePointer<qv_real>, UnsafePointer<qv_real>, UnsafePointer<qv_real>, Int32
    ) -> Void
  ) -> Real {
    let precision = max(a.precision, b.precision)
    return a.reading { left in
      b.reading { right in
        Real(box: Box(precision: precision)) { operation($0, left, right, direction.code) }
      }
    }
  }
}
