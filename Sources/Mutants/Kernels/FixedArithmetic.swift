import Foundation

/// How a model kernel scales an accumulator by an integer multiplier and a shift.
struct FixedArithmetic: Sendable {
  /// One rounding of the whole shift, or a rounded high product and a rounded rest.
  enum Form: Sendable { case single, double }

  var form: Form
  /// Of the single shift, or of the rest behind a high product.
  var rounding: Rounding
  private var fault: Fault?

  /// gemmlowp's double rounding, or the single rounding half up.
  init(_ form: Form) {
    self.form = form
    rounding = form == .double ? .halfAway : .halfUp
  }

  /// Plants a fault; false where it means nothing here.
  mutating func plant(_ fault: Fault) -> Bool {
    if let rounding = Rounding(fault) {
      self.rounding = rounding
      return true
    }
    switch fault {
    case .merged: (form, rounding) = (.single, .halfUp)
    case .split: (form, rounding) = (.double, .halfAway)
    case .nudgeDropped, .nudgeUnsigned, .highFloor, .minimumGuardDropped, .productIn32Bits,
      .shiftPlusOne, .shiftMinusOne, .shiftIgnored, .shift31, .leftShiftIgnored,
      .leftShiftReversed, .logicalShift, .multiplierIn16Bits, .multiplierInFloat,
      .roundingConstantAtZero, .roundingConstantAt31:
      self.fault = fault
    default: return false
    }
    return true
  }

  /// `value * m * 2^(shift - 31)`, rounded.
  func scaled(_ value: Int32, _ m: Int32, _ given: Int) -> Int64 {
    var shift = given
    switch fault {
    case .shiftPlusOne: shift -= 1
    case .shiftMinusOne: shift += 1
    case .shiftIgnored: shift = 0
    case .shift31: shift = -31
    case .leftShiftIgnored: shift = min(shift, 0)
    case .leftShiftReversed: shift = shift > 0 ? -shift : shift
    default: break
    }
    var multiplier = m
    if fault == .multiplierIn16Bits { multiplier = m & ~0xFFFF }
    if fault == .multiplierInFloat {
      let power = Float(sign: .plus, exponent: shift - 31, significand: 1)
      let real = (Float(value) * Float(multiplier) * power).rounded(.toNearestOrEven)
      return Int64(min(max(real, -0x1p31), 0x1p31))
    }
    return form == .single
      ? single(value, multiplier, 31 - shift) : double(value, multiplier, shift)
  }

  private func single(_ value: Int32, _ m: Int32, _ total: Int) -> Int64 {
    let product =
      fault == .productIn32Bits ? Int64(value &* m) : Int64(value) * Int64(m)
    if total <= 0 { return product }
    if total > 62 { return rounding.shifted(product >> 1, by: 62) }
    switch fault {
    case .logicalShift:
      let moved = UInt64(bitPattern: product + Int64(1) << Int64(total - 1)) >> UInt64(total)
      return Int64(Int32(truncatingIfNeeded: moved))
    case .roundingConstantAt31 where total == 62: return (product - 1 << 61) >> 62
    default: return rounding.shifted(product, by: total)
    }
  }

  private func double(_ value: Int32, _ m: Int32, _ shift: Int) -> Int64 {
    let left = min(max(shift, 0), 31)
    let right = min(max(-shift, 0), 31)
    let high = highProduct(value &<< Int32(left), m)
    switch fault {
    case .logicalShift where right > 0:
      let mask = UInt32(1) << UInt32(right) - 1
      let bits = UInt32(bitPattern: high)
      let threshold = mask >> 1 + (high < 0 ? 1 : 0)
      return Int64(bits >> UInt32(right)) + (bits & mask > threshold ? 1 : 0)
    case .roundingConstantAtZero where right == 0: return Int64(high &+ Int32.min)
    case .roundingConstantAt31 where right == 31: return (Int64(high) - 1 << 30) >> 31
    default: return rounding.shifted(Int64(high), by: right)
    }
  }

  /// gemmlowp's SaturatingRoundingDoublingHighMul, as it is written.
  private func highProduct(_ a: Int32, _ b: Int32) -> Int32 {
    if a == b && a == .min && fault != .minimumGuardDropped { return .max }
    if fault == .productIn32Bits { return Int32(truncatingIfNeeded: Int64(a &* b) >> 31) }
    let product = Int64(a) * Int64(b)
    var nudge = product >= 0 ? Int64(1) << 30 : 1 - Int64(1) << 30
    switch fault {
    case .nudgeDropped: nudge = 0
    case .nudgeUnsigned: nudge = 1 << 30
    case .highFloor: return Int32(truncatingIfNeeded: product >> 31)
    default: break
    }
    return Int32(truncatingIfNeeded: (product + nudge) / (1 << 31))
  }

  /// The path of accumulators beyond 32 bits: a 16-bit multiplier, one rounding half up.
  func wideScaled(_ value: Int64, _ m: Int32, _ shift: Int) -> Int64 {
    let reduced = m < 0x7FFF_0000 ? (Int64(m) + 0x8000) >> 16 : 0x7FFF
    return Rounding.halfUp.shifted(value &* reduced, by: 15 - shift)
  }

  /// The multiplier and shift of a scale: the fraction of frexp times 2^31, half away.
  static func multiplier(
    of scale: Double, isTruncated: Bool = false, forgetsStep: Bool = false
  ) -> (multiplier: Int32, shift: Int) {
    var exponent = Int(scale.exponent) + 1
    let fraction = scale.significand * 0x1p30
    var multiplier = Int64(fraction.rounded(isTruncated ? .towardZero : .toNearestOrAwayFromZero))
    if multiplier == 1 << 31 && !forgetsStep {
      multiplier /= 2
      exponent += 1
    }
    if exponent < -31 { return (0, 0) }
    return (Int32(truncatingIfNeeded: multiplier), exponent)
  }
}
