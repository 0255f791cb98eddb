import CMPFR

/// An exact integer of any size, with value semantics.
///
/// No operation rounds, wraps or overflows. Copies are independent: storage is shared until one of
/// them changes.
///
/// - Source: GMP's `mpz` does the arithmetic.
public struct Integer: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
  private var box: Box

  private init(box: Box) {
    self.box = box
  }

  /// Converts any machine integer exactly.
  ///
  /// - Parameter value: the value; at most 64 bits is fastest.
  public init<T: BinaryInteger>(_ value: T) {
    box = Box()
    if let value = Int64(exactly: value) {
      qv_z_set_signed(box.raw, Int(value))
    } else if let value = UInt64(exactly: value) {
      qv_z_set_unsigned(box.raw, UInt(value))
    } else {
      let words = value.magnitude.words.map(UInt64.init)
      qv_z_set_words(box.raw, words, words.count)
      if value < 0 { qv_z_negate(box.raw, box.raw) }
    }
  }

  /// Converts an integer literal that fits `Int`.
  ///
  /// - Parameter value: the literal.
  public init(integerLiteral value: Int) {
    self.init(value)
  }

  /// Reads an integer written in digits, with `-` in front if it is negative; `nil` for other text.
  ///
  /// - Parameters:
  ///   - text: digits and letters, either case; nothing else: no `+`, spaces, or prefix.
  ///   - radix: 2 to 36.
  public init?(_ text: String, radix: Int = 10) {
    precondition((2...36).contains(radix), "a radix is 2 to 36, not \(radix)")
    let digits = text.hasPrefix("-") ? text.dropFirst() : Substring(text)
    // Checked here because GMP would skip white space.
    guard !digits.isEmpty, digits.utf8.allSatisfy({ digitValue(of: $0) < radix }) else {
      return nil
    }
    box = Box()
    guard qv_z_set_text(box.raw, text, Int32(radix)) == 0 else { return nil }
  }

  /// 2ⁿ.
  ///
  /// - Parameter n: at least 0.
  /// - Returns: the power.
  public static func powerOfTwo(_ n: Int) -> Integer {
    precondition(n >= 0, "2^\(n) is not an integer")
    return 1 << n
  }
}

// MARK: - Arithmetic

extension Integer {
  public static func + (a: Integer, b: Integer) -> Integer { binary(a, b, qv_z_add) }
  public static func - (a: Integer, b: Integer) -> Integer { binary(a, b, qv_z_sub) }
  public static func * (a: Integer, b: Integer) -> Integer { binary(a, b, qv_z_mul) }
  public static prefix func - (a: Integer) -> Integer { unary(a, qv_z_negate) }

  public static func += (a: inout Integer, b: Integer) { update(&a, b, qv_z_add) }
  public static func -= (a: inout Integer, b: Integer) { update(&a, b, qv_z_sub) }
  public static func *= (a: inout Integer, b: Integer) { update(&a, b, qv_z_mul) }

  /// The absolute value.
  public var magnitude: Integer { Self.unary(self, qv_z_absolute) }

  /// -1, 0 or 1: the sign.
  ///
  /// - Returns: the sign.
  public func signum() -> Int { reading { Int(qv_z_sign($0)) } }

  /// `self · 2ⁿ`; for negative n `self >> -n`.
  public static func << (a: Integer, n: Int) -> Integer {
    n < 0 ? a >> -n : unary(a) { qv_z_shift_left($0, $1, UInt(n)) }
  }

  /// `⌊self / 2ⁿ⌋`; for negative n `self << -n`.
  public static func >> (a: Integer, n: Int) -> Integer {
    n < 0 ? a << -n : unary(a) { qv_z_shift_right_floor($0, $1, UInt(n)) }
  }

  /// The quotient rounded toward −∞ and what is left.
  ///
  /// - Parameter divisor: not 0.
  /// - Returns: `quotient = ⌊self / divisor⌋`, `remainder = self - quotient · divisor`, which has
  ///   the sign of the divisor or is 0.
  public func quotientAndRemainder(
    flooringBy divisor: Integer
  ) -> (quotient: Integer, remainder: Integer) {
    precondition(divisor.signum() != 0, "division of \(self) by zero")
    let quotient = Box()
    let remainder = Box()
    withExtendedLifetime((box, divisor.box, quotient, remainder)) {
      qv_z_floor_divide(quotient.raw, remainder.raw, box.raw, divisor.box.raw)
    }
    return (Integer(box: quotient), Integer(box: remainder))
  }

  public static func == (a: Integer, b: Integer) -> Bool { compare(a, b) == 0 }
  public static func < (a: Integer, b: Integer) -> Bool { compare(a, b) < 0 }

  /// Hashes the sign and the limbs.
  ///
  /// - Parameter hasher: the hasher.
  public func hash(into hasher: inout Hasher) {
    reading { combineLimbs(of: $0, into: &hasher) }
  }
}

// MARK: - Bits

extension Integer {
  /// The number of bits of the magnitude, `⌊log₂ |self|⌋ + 1`; 0 for 0.
  public var bitWidth: Int { reading { Int(qv_z_bit_width($0)) } }

  /// Bit `n` of the endless two's complement, in which negative numbers begin with ones.
  ///
  /// - Parameter n: at least 0; bit 0 is the lowest.
  /// - Returns: whether it is set.
  public func bit(_ n: Int) -> Bool {
    precondition(n >= 0, "bit \(n) does not exist")
    return reading { qv_z_bit($0, UInt(n)) }
  }

  /// Whether 2 divides the number.
  public var isEven: Bool { !bit(0) }

  /// Whether the number is 0.
  public var isZero: Bool { signum() == 0 }

  /// The number modulo `2^bits`, read as unsigned or as two's complement.
  ///
  /// - Parameters:
  ///   - bits: at least 1.
  ///   - signed: the result is in `-2^(bits-1) ..< 2^(bits-1)`; else in `0 ..< 2^bits`.
  /// - Returns: the one number of that range that is congruent to `self`.
  public func wrapped(bits: Int, signed: Bool) -> Integer {
    precondition(bits >= 1, "no number has \(bits) bits")
    let low = Self.unary(self) { qv_z_low_bits($0, $1, UInt(bits)) }
    return signed && low.bit(bits - 1) ? low - .powerOfTwo(bits) : low
  }

  /// The nearest number of the range.
  ///
  /// - Parameter range: the range.
  /// - Returns: `self`, or the end of the range on its side.
  public func clamped(to range: ClosedRange<Integer>) -> Integer {
    min(max(self, range.lowerBound), range.upperBound)
  }

  /// The value, `nil` if it does not fit.
  public var int64: Int64? {
    reading { qv_z_fits_signed($0) ? Int64(qv_z_get_signed($0)) : nil }
  }

  /// The low 64 bits of the two's complement.
  public var low64: UInt64 {
    reading { raw in
      let limb = UInt64(qv_z_low_limb(raw))
      return qv_z_sign(raw) < 0 ? 0 &- limb : limb
    }
  }
}

// MARK: - Text

extension Integer: CustomStringConvertible {
  /// The decimal digits, with `-` in front if negative.
  public var description: String { text(radix: 10) }

  /// The digits in another radix, letters in lower case.
  ///
  /// - Parameter radix: 2 to 36.
  /// - Returns: what `init(_:radix:)` reads back.
  public func text(radix: Int) -> String {
    precondition((2...36).contains(radix), "a radix is 2 to 36, not \(radix)")
    return reading { raw in
      let size = Int(qv_z_text_size(raw, Int32(radix)))
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
        qv_z_text(buffer.baseAddress, raw, Int32(radix))
        return buffer.baseAddress.map { String(cString: $0) } ?? ""
      }
    }
  }
}

/// The value of an ASCII digit or letter, a = 10 to z = 35 in either case; else too large.
private func digitValue(of byte: UInt8) -> Int {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte - UInt8(ascii: "A")) + 10
  case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 10
  default: .max
  }
}

// MARK: - Storage

extension Integer {
  /// One `mpz_t` at a fixed address, so that C may read and write it in one call.
  ///
  /// Unchecked, because it is only written while a single `Integer` refers to it.
  private final class Box: @unchecked Sendable {
    let raw = UnsafeMutablePointer<qv_integer>.allocate(capacity: 1)

    init() {
      qv_z_init(raw)
    }

    deinit {
      qv_z_clear(raw)
      raw.deallocate()
    }
  }

  /// A new integer that C fills in.
  static func make(_ fill: (UnsafeMutablePointer<qv_integer>) -> Void) -> Integer {
    let result = Box()
    withExtendedLifetime(result) { fill(result.raw) }
    return Integer(box: result)
  }

  /// Keeps the storage alive while C reads it.
  func reading<T>(_ body: (UnsafePointer<qv_integer>) -> T) -> T {
    withExtendedLifetime(box) { body(UnsafePointer(box.raw)) }
  }

  private static func unary(
    _ a: Integer,
    _ operation: (UnsafeMutablePointer<qv_integer>, UnsafePointer<qv_integer>) -> Void
  ) -> Integer {
    make { result in a.reading { operation(result, $0) } }
  }

  private typealias Binary = (
    UnsafeMutablePointer<qv_integer>, UnsafePointer<qv_integer>, UnsafePointer<qv_integer>
  ) -> Void

  private static func binary(_ a: Integer, _ b: Integer, _ operation: Binary) -> Integer {
    make { result in a.reading { a in b.reading { b in operation(result, a, b) } } }
  }

  /// In place if nobody else shares the storage of `a`.
  private static func update(_ a: inout Integer, _ b: Integer, _ operation: Binary) {
    guard isKnownUniquelyReferenced(&a.box) else {
      a = binary(a, b, operation)
      return
    }
    let raw = a.box.raw
    a.reading { current in b.reading { b in operation(raw, current, b) } }
  }

  private static func compare(_ a: Integer, _ b: Integer) -> Int32 {
    a.reading { a in b.reading { b in qv_z_compare(a, b) } }
  }
}

/// Hashes the value of an `mpz_t`.
func combineLimbs(of raw: UnsafePointer<qv_integer>, into hasher: inout Hasher) {
  hasher.combine(qv_z_sign(raw))
  for index in 0..<qv_z_limb_count(raw) {
    hasher.combine(qv_z_limb(raw, index))
  }
}
