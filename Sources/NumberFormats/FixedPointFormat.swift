public import ExactArithmetic

/// A fixed-point number of the vendor's `ap_fixed<W, I>` and `ap_ufixed<W, I>`.
///
/// The raw integer V of W bits has the value V · 2^(I-W).
///
/// - Source: AMD UG1399 and `ap_fixed_base.h` of Xilinx/HLS_arbitrary_Precision_Types where that
///   differs from closed forms.
public struct FixedPointFormat: Hashable, Sendable {
  /// What becomes of the bits below the last one: the vendor's `ap_q_mode`.
  public enum Rounding: String, CaseIterable, Sendable {
    case AP_RND
    case AP_RND_ZERO
    case AP_RND_MIN_INF
    case AP_RND_INF
    case AP_RND_CONV
    case AP_TRN
    case AP_TRN_ZERO

    /// Our name for it: beware, `AP_RND` rounds ties up, and `AP_RND_INF` away from zero.
    public var rule: RoundingRule {
      switch self {
      case .AP_RND: .nearestUp
      case .AP_RND_ZERO: .nearestZero
      case .AP_RND_MIN_INF: .nearestDown
      case .AP_RND_INF: .nearestAway
      case .AP_RND_CONV: .nearestEven
      case .AP_TRN: .floor
      case .AP_TRN_ZERO: .towardZero
      }
    }
  }

  /// What becomes of a number out of range: the vendor's `ap_o_mode`.
  public enum Overflow: String, CaseIterable, Sendable {
    /// Modulo 2^W; with saturation bits, those are saturated and only the others wrap.
    case AP_WRAP
    /// The nearest end of the range.
    case AP_SAT
    /// Zero.
    case AP_SAT_ZERO
    /// The nearest end of the range from -max to max; in range, only the least value changes.
    case AP_SAT_SYM
    /// Sign-magnitude wrap, signed formats only: the values run up and down like a triangle wave.
    case AP_WRAP_SM
  }

  /// Why a conversion has no answer.
  public enum ConversionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// AP_WRAP_SM of an unsigned format, of that name.
    case signMagnitudeOfUnsigned(String)
    /// A number of saturation bits outside 0 ... W.
    case saturationBits(Int, width: Int)

    /// One sentence.
    public var description: String {
      switch self {
      case .signMagnitudeOfUnsigned(let name):
        "AP_WRAP_SM wraps sign and magnitude, and \(name) has no sign"
      case .saturationBits(let bits, let width):
        "saturation_bits is \(bits), but must be 0 to \(width), the width"
      }
    }
  }

  /// W: the bits in all, 1 to 64.
  public let width: Int
  /// I: the bits before the point, the sign included; may be negative or exceed W.
  public let integerBits: Int
  /// Whether V is two's complement.
  public let isSigned: Bool

  /// The largest `integerBits` in magnitude, a guard against numbers that fill the memory.
  public static let largestIntegerBits = 65_536

  /// The format `ap_fixed<width, integerBits>`, or `ap_ufixed` if not signed.
  ///
  /// - Parameters:
  ///   - width: 1 to 64.
  ///   - integerBits: at most ``largestIntegerBits`` in magnitude.
  ///   - signed: whether V is two's complement.
  public init(width: Int, integerBits: Int, signed: Bool) {
    precondition((1...64).contains(width), "a fixed-point format has 1 to 64 bits, not \(width)")
    precondition(
      integerBits.magnitude <= Self.largestIntegerBits, "\(integerBits) integer bits are too many")
    self.width = width
    self.integerBits = integerBits
    isSigned = signed
  }

  /// `fixed<8,3>` or `ufixed<8,3>`.
  public var name: String { "\(isSigned ? "fixed" : "ufixed")<\(width),\(integerBits)>" }

  /// W - I: the bits behind the point.
  public var fractionBits: Int { width - integerBits }

  /// The raw values.
  public var rawFormat: IntegerFormat { IntegerFormat(bits: width, signed: isSigned) }

  /// The bytes of one element in a tensor: ⌈W / 8⌉.
  public var storageBytes: Int { rawFormat.storageBytes }

  /// The least and the greatest value.
  public var range: ClosedRange<Rational> {
    value(ofRaw: rawFormat.minimum)...value(ofRaw: rawFormat.maximum)
  }

  /// V · 2^(I-W).
  ///
  /// - Parameter raw: V.
  /// - Returns: the value.
  public func value(ofRaw raw: Integer) -> Rational {
    Rational(raw).scaledByPowerOfTwo(-fractionBits)
  }

  /// The raw integer of a value that the format has.
  ///
  /// - Parameter value: any number.
  /// - Returns: `nil` if the format lacks it.
  public func raw(exactly value: Rational) -> Integer? {
    let raw = value.scaledByPowerOfTwo(fractionBits)
    return raw.isInteger && rawFormat.contains(raw.numerator) ? raw.numerator : nil
  }
}

// MARK: - Conversion

extension FixedPointFormat {
  /// Assigns a number: rounds to W - I fraction bits in unlimited range, then handles overflow.
  ///
  /// - Parameters:
  ///   - value: any number.
  ///   - rounding: the vendor's Q.
  ///   - overflow: the vendor's O.
  ///   - saturationBits: the vendor's N, 0 to W; only `AP_WRAP` and `AP_WRAP_SM` look at it.
  /// - Returns: the raw integer, in the range of ``rawFormat``.
  /// - Throws: ``ConversionError`` if the modes do not go with the format.
  public func convert(
    _ value: Rational,
    rounding: Rounding = .AP_TRN,
    overflow: Overflow = .AP_WRAP,
    saturationBits: Int = 0
  ) throws(ConversionError) -> Integer {
    guard (0...width).contains(saturationBits) else {
      throw .saturationBits(saturationBits, width: width)
    }
    if overflow == .AP_WRAP_SM && !isSigned { throw .signMagnitudeOfUnsigned(name) }
    let scaled = value.scaledByPowerOfTwo(fractionBits)
    let rounded = scaled.roundedUnlessExact(rounding.rule)
    switch overflow {
    case .AP_SAT: return rawFormat.saturated(rounded)
    case .AP_SAT_ZERO: return rawFormat.contains(rounded) ? rounded : 0
    case .AP_SAT_SYM: return symmetric(rounded)
    case .AP_WRAP: return wrap(rounded, saturationBits)
    case .AP_WRAP_SM: return signMagnitudeWrap(rounded, of: scaled, saturationBits)
    }
  }

  /// The clamp to the range from -max to max; with one bit, where max is 0, all negative numbers give -1.
  private func symmetric(_ value: Integer) -> Integer {
    guard isSigned else { return rawFormat.saturated(value) }
    if width == 1 { return value < 0 ? -1 : 0 }
    return value.clamped(to: -rawFormat.maximum...rawFormat.maximum)
  }

  private func wrap(_ value: Integer, _ saturationBits: Int) -> Integer {
    if saturationBits == 0 || rawFormat.contains(value) { return rawFormat.wrapped(value) }
    let wrapping = value.wrapped(bits: width, signed: false)
    if !isSigned { return setting(width - saturationBits..<width, in: wrapping, to: true) }
    return setSign(of: wrapping, negative: value < 0, saturationBits)
  }

  /// Inverts all bits when the sign would change, so that the values turn back instead of jumping.
  private func signMagnitudeWrap(
    _ value: Integer, of scaled: Rational, _ saturationBits: Int
  ) -> Integer {
    if rawFormat.contains(value) { return value }
    let wrapping = value.wrapped(bits: width, signed: false)
    let inverted = Integer.powerOfTwo(width) - 1 - wrapping
    let isNegative = value < 0
    switch saturationBits {
    case 0:
      // The first deleted bit is that of the number before rounding: the header reads the source.
      let firstDeletedBit = scaled.floor.bit(width)
      let bits = firstDeletedBit == wrapping.bit(width - 1) ? wrapping : inverted
      return setSign(of: bits, negative: firstDeletedBit, 1)
    case 1:
      let bits = isNegative == wrapping.bit(width - 1) ? wrapping : inverted
      return setSign(of: bits, negative: isNegative, 1)
    default:
      let bits = isNegative == wrapping.bit(width - saturationBits) ? inverted : wrapping
      return setSign(of: bits, negative: isNegative, saturationBits)
    }
  }

  /// Sets the sign bit, and the bits saturated behind it to its contrary; W bits in, signed out.
  private func setSign(of bits: Integer, negative: Bool, _ saturationBits: Int) -> Integer {
    let saturated = setting(width - saturationBits..<width - 1, in: bits, to: !negative)
    let whole = setting(width - 1..<width, in: saturated, to: negative)
    return whole.wrapped(bits: width, signed: true)
  }

  /// A number that is not negative, with some of its bits replaced.
  private func setting(_ range: Range<Int>, in bits: Integer, to value: Bool) -> Integer {
    range.reduce(bits) { bits, index in
      if bits.bit(index) == value { return bits }
      return value ? bits + .powerOfTwo(index) : bits - .powerOfTwo(index)
    }
  }
}
