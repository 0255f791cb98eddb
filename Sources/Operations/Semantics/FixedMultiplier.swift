import CaseFormat
import ExactArithmetic
import NumberFormats

/// A scale as an integer and a right shift: `value = multiplier * 2^-rightShift`.
struct FixedMultiplier: Hashable, Sendable {
  var multiplier: Integer
  var rightShift: Int

  /// How a dialect turns a scale into multiplier and shift [requantize §4].
  enum Source: String, CaseIterable, Sendable {
    /// The fraction of frexp times 2^(n-1), half away; below 2^-32: zero.
    case tflite
    /// As tflite; a right shift beyond 62 moves the multiplier instead.
    case tosa
    /// The 24-bit significand of the scale as binary32.
    case xnnpack
    /// There is none: the dialect only takes multiplier and shift.
    case none
  }

  var value: Rational { Rational(multiplier).scaledByPowerOfTwo(-rightShift) }

  /// The multiplier of a scale, with `bits` bits including a sign.
  ///
  /// - Throws: `precondition` outside the dialect's domain.
  init(
    of scale: Rational, by source: Source, bits: Int, xnnpackLimit: Rational
  ) throws(CaseError) {
    switch source {
    case .none: throw .unsupported("the dialect has no rule that turns a scale into a multiplier")
    case .tflite, .tosa:
      let exponent = scale.floorLog2 + 1
      let fraction = scale.scaledByPowerOfTwo(bits - 1 - exponent)
      var quantized = (try? fraction.rounded(.nearestAway)) ?? 0
      var shift = exponent
      if quantized == Integer.powerOfTwo(bits - 1) {
        quantized = quantized >> 1
        shift += 1
      }
      if source == .tflite {
        if shift < -31 { (quantized, shift) = (0, 0) }
        self.init(multiplier: quantized, rightShift: bits - 1 - shift)
      } else {
        var right = bits - 1 - shift
        if right > 62 {
          quantized = quantized >> min(31, right - 62)
          right = 62
        }
        self.init(multiplier: quantized, rightShift: right)
      }
    case .xnnpack:
      guard let single = FloatFormat.binary32.rounded(.finite(scale)).rational,
        single >= Rational(1).scaledByPowerOfTwo(-32), single < xnnpackLimit
      else {
        throw .unsupported(
          "scale \(Readable.text(scale)) is outside 2^-32 to \(Readable.text(xnnpackLimit))")
      }
      let right = 23 - single.floorLog2
      self.init(
        multiplier: single.scaledByPowerOfTwo(right).numerator, rightShift: right)
    }
  }

  init(multiplier: Integer, rightShift: Int) {
    self.multiplier = multiplier
    self.rightShift = rightShift
  }
}
