public import ExactArithmetic

/// A binary floating-point format of at most 64 bits: a sign, an exponent and a fraction.
///
/// With s, E and F the three fields of a code and p = `significandBits`:
/// - E > 0: (-1)ˢ · 2^(E - bias) · (1 + F / 2ᵖ);
/// - E = 0: (-1)ˢ · 2^(1 - bias) · F / 2ᵖ, the subnormals and zeros.
///
/// ``Specials`` says which codes are not that.
///
/// - Source: IEEE 754-2019 section 3.4; the ONNX documents on float8 and float4 for the formats of 8
///   bits and fewer.
public struct FloatFormat: Hashable, Sendable {
  /// Which codes are infinities, NaN, or nothing special.
  public enum Specials: String, Hashable, Sendable {
    /// The highest exponent holds the infinities (fraction 0) and NaN.
    case ieee
    /// No infinity; NaN has all bits but the sign set: E4M3FN.
    case finiteWithNaN
    /// No infinity and no negative zero, whose code is the one NaN: FNUZ.
    case unsignedZero
    /// Every code is a number: E2M1.
    case none
    /// No sign, no zero, no subnormals: code E is 2^(E - bias), all ones NaN: E8M0.
    case powersOfTwo
  }

  /// What becomes of a number that is too large; "too large" is decided after rounding.
  public enum Overflow: String, Hashable, Sendable {
    /// Infinity where the format has one, else NaN, else the largest number.
    ///
    /// A directed rule that rounds the other way gives the largest number, as in IEEE 754.
    case ieee
    /// The largest number, by ONNX's saturating cast.
    ///
    /// An infinity becomes the largest number too, but NaN in the formats with `unsignedZero` and
    /// `powersOfTwo`.
    case saturate
  }

  /// The width of the exponent field.
  public let exponentBits: Int
  /// The width of the fraction field, without the hidden bit.
  public let significandBits: Int
  /// What is subtracted from the exponent field.
  public let bias: Int
  /// The codes that are special.
  public let specials: Specials

  /// Any format of at most 64 bits.
  ///
  /// - Parameters:
  ///   - exponentBits: 1 to 20; at least 2 for `ieee`.
  ///   - significandBits: the stored fraction, at most 60; at least 1 for `ieee`, 0 for `powersOfTwo`.
  ///   - bias: any; at most 2²⁰ in magnitude.
  ///   - specials: the codes that are special.
  public init(exponentBits: Int, significandBits: Int, bias: Int, specials: Specials) {
    precondition((1...20).contains(exponentBits), "no format has \(exponentBits) exponent bits")
    precondition((0...60).contains(significandBits), "no format has \(significandBits) bits")
    precondition(exponentBits + significandBits <= 63, "a float format has at most 64 bits")
    precondition(bias.magnitude <= 1 << 20, "bias \(bias) is beyond 2^20")
    precondition(
      specials != .ieee || exponentBits >= 2 && significandBits >= 1,
      "an IEEE format needs 2 exponent bits and a fraction")
    precondition(
      specials != .powersOfTwo || significandBits == 0, "powers of two have no fraction")
    self.exponentBits = exponentBits
    self.significandBits = significandBits
    self.bias = bias
    self.specials = specials
  }

  public static let binary64 = FloatFormat(11, 52, 1023, .ieee)
  public static let binary32 = FloatFormat(8, 23, 127, .ieee)
  public static let binary16 = FloatFormat(5, 10, 15, .ieee)
  public static let bfloat16 = FloatFormat(8, 7, 127, .ieee)
  public static let float8E4M3FN = FloatFormat(4, 3, 7, .finiteWithNaN)
  public static let float8E4M3FNUZ = FloatFormat(4, 3, 8, .unsignedZero)
  public static let float8E5M2 = FloatFormat(5, 2, 15, .ieee)
  public static let float8E5M2FNUZ = FloatFormat(5, 2, 16, .unsignedZero)
  public static let float8E8M0FNU = FloatFormat(8, 0, 127, .powersOfTwo)
  public static let float4E2M1FN = FloatFormat(2, 1, 1, .none)

  private init(_ exponentBits: Int, _ significandBits: Int, _ bias: Int, _ specials: Specials) {
    self.init(
      exponentBits: exponentBits, significandBits: significandBits, bias: bias, specials: specials)
  }
}

// MARK: - Properties

extension FloatFormat {
  /// The width of a code.
  public var bits: Int { exponentBits + significandBits + (isSigned ? 1 : 0) }

  /// The dtype name, `float8_e4m3fn`; `float_e3m4_bias3_ieee` for a format without one.
  public var name: String {
    switch self {
    case .binary64: "float64"
    case .binary32: "float32"
    case .binary16: "float16"
    case .bfloat16: "bfloat16"
    case .float8E4M3FN: "float8_e4m3fn"
    case .float8E4M3FNUZ: "float8_e4m3fnuz"
    case .float8E5M2: "float8_e5m2"
    case .float8E5M2FNUZ: "float8_e5m2fnuz"
    case .float8E8M0FNU: "float8_e8m0fnu"
    case .float4E2M1FN: "float4_e2m1fn"
    default: "float_e\(exponentBits)m\(significandBits)_bias\(bias)_\(specials.rawValue)"
    }
  }

  /// Whether the format has a sign bit.
  public var isSigned: Bool { specials != .powersOfTwo }

  /// Whether the format has infinities.
  public var hasInfinity: Bool { specials == .ieee }

  /// Whether the format has a NaN.
  public var hasNaN: Bool { specials != .none }

  /// Whether the format has a zero with a sign.
  public var hasNegativeZero: Bool { isSigned && specials != .unsignedZero }

  /// The greatest number.
  public var largestFinite: Rational { magnitude(ofCode: largestFiniteCode) }

  /// The least number above zero; the least normal one in a format without subnormals.
  public var smallestSubnormal: Rational { magnitude(ofCode: isSigned ? 1 : 0) }

  /// The least normal number, 2^(1 - bias); 2^-bias for powers of two.
  public var smallestNormal: Rational {
    Rational(1).scaledByPowerOfTwo((isSigned ? 1 : 0) - bias)
  }

  /// The sign bit, 0 if there is none.
  var signMask: UInt64 { isSigned ? 1 << UInt64(bits - 1) : 0 }

  /// The fields without the sign, all ones.
  private var magnitudeMask: UInt64 { (1 << UInt64(exponentBits + significandBits)) - 1 }

  /// The code of ``largestFinite``.
  var largestFiniteCode: UInt64 {
    switch specials {
    case .ieee: infinityCode - 1
    case .finiteWithNaN, .powersOfTwo: magnitudeMask - 1
    case .unsignedZero, .none: magnitudeMask
    }
  }

  /// All ones in the exponent, fraction 0: infinity where the format has one.
  private var infinityCode: UInt64 { magnitudeMask & ~((1 << UInt64(significandBits)) - 1) }

  /// The NaN that operations return: quiet, positive, payload 0; the largest number in a format
  /// without NaN.
  public var nanCode: UInt64 {
    switch specials {
    case .ieee: infinityCode | 1 << UInt64(significandBits - 1)
    case .finiteWithNaN, .powersOfTwo: magnitudeMask
    case .unsignedZero: signMask
    case .none: largestFiniteCode
    }
  }
}

// MARK: - Codes to numbers

extension FloatFormat {
  /// The value of a code.
  ///
  /// - Parameter code: the encoding, in the low ``bits`` bits; the others are 0.
  /// - Returns: its exact value.
  public func decode(_ code: UInt64) -> Number {
    if isNaN(code: code) { return .nan }
    let isNegative = code & signMask != 0
    let magnitudeCode = code & magnitudeMask
    if magnitudeCode > largestFiniteCode { return .infinity(negative: isNegative) }
    let value = magnitude(ofCode: magnitudeCode)
    return .signed(isNegative ? -value : value, negative: isNegative)
  }

  /// Whether a code is a NaN, of any sign and payload.
  ///
  /// - Parameter code: the encoding.
  /// - Returns: whether it is.
  public func isNaN(code: UInt64) -> Bool {
    precondition(bits == 64 || code >> UInt64(bits) == 0, "\(name) has no code \(code)")
    switch specials {
    case .ieee: return code & magnitudeMask > infinityCode
    case .finiteWithNaN, .powersOfTwo: return code & magnitudeMask == magnitudeMask
    case .unsignedZero: return code == signMask
    case .none: return false
    }
  }

  /// The number of a code without sign that is no infinity and no NaN.
  private func magnitude(ofCode code: UInt64) -> Rational {
    let hidden: UInt64 = 1 << UInt64(significandBits)
    let field = Int(code >> UInt64(significandBits))
    let fraction = code & (hidden - 1)
    if specials == .powersOfTwo { return Rational(1).scaledByPowerOfTwo(field - bias) }
    let significand = field == 0 ? fraction : fraction | hidden
    return Rational(significand).scaledByPowerOfTwo(max(field, 1) - bias - significandBits)
  }

  /// The next code toward +∞, in the order of the numbers.
  ///
  /// - Parameter code: the encoding of any value.
  /// - Returns: NaN stays, and so does the last code: +∞, or the largest number in a format without
  ///   infinities. The zeros go to the least positive number, the greatest negative number goes to
  ///   negative zero where there is one.
  public func nextUp(_ code: UInt64) -> UInt64 {
    if isNaN(code: code) { return code }
    if code & signMask != 0 {
      if code == signMask { return 1 }
      return code - 1 == signMask && !hasNegativeZero ? 0 : code - 1
    }
    return code == (hasInfinity ? infinityCode : largestFiniteCode) ? code : code + 1
  }

  /// The next code toward −∞, in the order of the numbers.
  ///
  /// - Parameter code: the encoding of any value.
  /// - Returns: NaN stays, and so does the last code: −∞, the most negative number, or the least
  ///   power of two. The zeros go to the greatest negative number, the least positive number goes to
  ///   positive zero.
  public func nextDown(_ code: UInt64) -> UInt64 {
    if isNaN(code: code) { return code }
    guard isSigned else { return code == 0 ? 0 : code - 1 }
    if code & signMask == 0 { return code == 0 ? signMask + 1 : code - 1 }
    let last = signMask | (hasInfinity ? infinityCode : largestFiniteCode)
    return code == last ? code : code + 1
  }
}

// MARK: - Numbers to codes

extension FloatFormat {
  /// The code of a number, rounded once.
  ///
  /// The number is rounded to the precision of its binade, or to the spacing of the subnormals
  /// below, as if the exponent had no upper end; only then overflow is decided.
  ///
  /// `nearestEven` in a format without fraction, where no significand is even, gives the larger of
  /// two as IEEE 754-2019 section 4.3.1 prescribes: it is ONNX's "nearest, ties up" for E8M0.
  ///
  /// - Parameters:
  ///   - number: any. Zeros keep their sign where the format has it. In `powersOfTwo`, negative
  ///     numbers are NaN, and zeros and all numbers below the least are the least.
  ///   - rounding: the rule; `exact` only if the number is one of the format's
  ///     (see ``code(exactly:)``).
  ///   - overflow: what becomes of a number that is too large.
  /// - Returns: the encoding; of NaN ``nanCode``.
  public func encode(
    _ number: Number, rounding: RoundingRule = .nearestEven, overflow: Overflow = .ieee
  ) -> UInt64 {
    switch number {
    case .nan:
      return nanCode
    case .infinity(let negative):
      return infinity(negative: negative, overflow)
    case .negativeZero:
      return hasNegativeZero ? signMask : 0
    case .finite(let value):
      if value.isZero { return 0 }
      if !isSigned { return powerOfTwo(value, rounding, overflow) }
      return encode(nonzero: value, rounding, overflow)
    }
  }

  /// The code of a number that the format has.
  ///
  /// - Parameter number: any.
  /// - Returns: `nil` if the format lacks it.
  public func code(exactly number: Number) -> UInt64? {
    let code = encode(number, rounding: .towardZero)
    return decode(code) == number ? code : nil
  }

  /// The number that a number becomes in this format.
  ///
  /// - Parameters:
  ///   - number: any.
  ///   - rounding: the rule, as in ``encode(_:rounding:overflow:)``.
  ///   - overflow: what becomes of a number that is too large.
  /// - Returns: `decode(encode(number))`.
  public func rounded(
    _ number: Number, rounding: RoundingRule = .nearestEven, overflow: Overflow = .ieee
  ) -> Number {
    decode(encode(number, rounding: rounding, overflow: overflow))
  }

  private func encode(
    nonzero value: Rational, _ rounding: RoundingRule, _ overflow: Overflow
  ) -> UInt64 {
    let isNegative = value.signum() < 0
    let exponent = max(value.floorLog2, 1 - bias)
    // With the sign, because some rules distinguish up from away.
    let multiple = value.scaledByPowerOfTwo(significandBits - exponent)
      .roundedUnlessExact(rounding).magnitude
    guard let significand = multiple.int64 else {
      preconditionFailure("a significand of \(bits) bits is below 2^63")
    }
    if significand == 0 { return isNegative && hasNegativeZero ? signMask : 0 }
    // The hidden bit of a normal number adds 1 to the field, and so does a carry out of it. Beyond
    // 2^exponentBits the field would not fit, but then it is an overflow anyway.
    let field = min(exponent + bias - 1, 1 << exponentBits)
    let code = UInt64(field) << UInt64(significandBits) + UInt64(significand)
    if code > largestFiniteCode {
      return finiteOverflow(negative: isNegative, rounding, overflow)
    }
    return isNegative ? code | signMask : code
  }

  /// The code in a format of powers of two.
  private func powerOfTwo(
    _ value: Rational, _ rounding: RoundingRule, _ overflow: Overflow
  ) -> UInt64 {
    if value.signum() < 0 { return nanCode }
    if value <= smallestNormal {
      precondition(rounding != .exact || value == smallestNormal, "\(name) has no \(value)")
      return 0
    }
    let exponent = value.floorLog2
    let isNextPower = value.scaledByPowerOfTwo(-exponent).roundedUnlessExact(rounding) == 2
    let code = UInt64(exponent + bias) + (isNextPower ? 1 : 0)
    return code > largestFiniteCode ? finiteOverflow(negative: false, rounding, overflow) : code
  }

  private func finiteOverflow(
    negative: Bool, _ rounding: RoundingRule, _ overflow: Overflow
  ) -> UInt64 {
    let staysFinite =
      switch rounding {
      case .towardZero: true
      case .floor: !negative
      case .ceiling: negative
      case .exact: preconditionFailure("\(name) has no number that large")
      default: false
      }
    return overflow == .saturate || staysFinite
      ? largestFiniteCode | (negative ? signMask : 0)
      : infinity(negative: negative, .ieee)
  }

  private func infinity(negative: Bool, _ overflow: Overflow) -> UInt64 {
    let sign = negative ? signMask : 0
    switch (overflow, specials) {
    case (.ieee, .ieee): return infinityCode | sign
    case (.ieee, .none), (.saturate, .none), (.saturate, .ieee), (.saturate, .finiteWithNaN):
      return largestFiniteCode | sign
    case (_, .finiteWithNaN), (_, .unsignedZero), (_, .powersOfTwo): return nanCode
    }
  }
}
