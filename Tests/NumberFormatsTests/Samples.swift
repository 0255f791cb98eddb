import ExactArithmetic
import NumberFormats

/// SplitMix64: the same seed gives the same numbers, so that every failure replays.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

extension FloatFormat {
  /// The dtypes of the case format that have at most 16 bits.
  static let small: [FloatFormat] = [
    .binary16, .bfloat16, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ,
    .float8E8M0FNU, .float4E2M1FN,
  ]

  static let eightBitsAndFewer = small.filter { $0.bits <= 8 }

  var allCodes: ClosedRange<UInt64> { 0...(1 << UInt64(bits) - 1) }

  /// The finite values without a minus sign, in the order of their codes.
  var positiveValues: [Rational] {
    allCodes.compactMap { code in
      let number = decode(code)
      return number.isNegative ? nil : number.rational
    }
  }
}

extension Rational {
  /// 2ⁿ.
  static func pow2(_ n: Int) -> Rational { Rational(1).scaledByPowerOfTwo(n) }
}
