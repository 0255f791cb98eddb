/// How a model kernel turns a real value into a level: what a dialect says, or a fault of it.
struct LevelArithmetic: Sendable {
  enum NaN: Sendable { case lowest, highest, zero }
  enum Zero: Sendable { case right, dropped, subtracted, asByte }

  var divides = true
  /// Whether the quotient or product is computed in binary64.
  var isDouble = false
  /// The 16-bit format that the quotient is rounded to, if it is not binary32.
  var format: Half?
  var isZeroInside = false
  var isFused = false
  var rounding = Rounding.halfEven
  var nan = NaN.lowest
  var zero = Zero.right
  var clampsLow = true
  var clampsHigh = true
  var clampsBeforeZero = false
  var castsFirst = false
  var flushes = false
  /// Added to the lower end of the clamp.
  var lowOffset = 0.0
  var isRangeIgnored = false
  var isMaskOnReal = false
  var isClampInFloat = false
  /// Whether narrow types are cut from a saturated byte.
  var masksByte = false

  /// Plants a fault; false where it means nothing here.
  mutating func plant(_ fault: Fault) -> Bool {
    if let rounding = Rounding(fault) {
      self.rounding = rounding
      return true
    }
    switch fault {
    case .reciprocal: divides = false
    case .division: divides = true
    case .double: isDouble = true
    case .flushToZero: flushes = true
    case .zeroInside: isZeroInside = true
    case .zeroOutside: (isZeroInside, isFused) = (false, false)
    case .fused: (divides, isZeroInside, isFused) = (false, true, true)
    case .unfused: isFused = false
    case .zeroDropped: zero = .dropped
    case .zeroSubtracted: zero = .subtracted
    case .zeroAsByte: zero = .asByte
    case .clampLowDropped: clampsLow = false
    case .clampHighDropped: clampsHigh = false
    case .clampBeforeZero: clampsBeforeZero = true
    case .clampNarrow: lowOffset = 1
    case .rangeIgnored: isRangeIgnored = true
    case .castBeforeClamp: castsFirst = true
    case .nanLowest: nan = .lowest
    case .nanHighest: nan = .highest
    case .nanZero: nan = .zero
    case .maskOnReal: isMaskOnReal = true
    case .rangeInFloat: isClampInFloat = true
    case .narrowByMask: masksByte = true
    default: return false
    }
    return true
  }

  private func flushed(_ value: Float) -> Float {
    flushes && value.isSubnormal ? 0 : value
  }

  /// The value that is rounded: scaled, with the zero point where that stands inside.
  private func scaled(_ x: Float, _ scale: Float, _ zero: Double) -> Double {
    let x = flushed(x)
    let scale = flushed(scale)
    if isDouble {
      let value = divides ? Double(x) / Double(scale) : Double(x) * (1 / Double(scale))
      return isZeroInside ? value + zero : value
    }
    var value: Float
    if divides {
      value = x / scale
    } else {
      let inverse = flushed(1 / scale)
      if isFused { return Double(Float(zero).addingProduct(x, inverse)) }
      value = x * inverse
    }
    if let format { value = format.rounded(value) }
    value = flushed(value)
    return Double(isZeroInside ? value + Float(zero) : value)
  }

  /// The level of a value, and what it was before the clamp.
  func level(
    of x: Float, scale: Float, zero given: Int64, in range: ClosedRange<Int64>
  ) -> (level: Int64, unclamped: Double) {
    let zero: Double =
      switch self.zero {
      case .right: Double(given)
      case .dropped: 0
      case .subtracted: -Double(given)
      case .asByte: Double(Int8(truncatingIfNeeded: given))
      }
    let value = scaled(x, scale, zero)
    return finish(value, zero, range)
  }

  /// Rounds a scaled value, adds the zero point and clamps.
  func finish(
    _ value: Double, _ zero: Double, _ range: ClosedRange<Int64>
  ) -> (level: Int64, unclamped: Double) {
    let (low, high) = (Double(range.lowerBound) + lowOffset, Double(range.upperBound))
    if value.isNaN {
      let level =
        switch nan {
        case .lowest: range.lowerBound
        case .highest: range.upperBound
        case .zero: min(max(0, range.lowerBound), range.upperBound)
        }
      return (level, value)
    }
    var rounded = rounding(value)
    if castsFirst {
      let isInside = rounded >= -0x1p31 && rounded < 0x1p31
      let cast = isInside ? Int32(rounded) : Int32.min
      rounded = Double(isZeroInside ? cast : cast &+ Int32(zero))
    } else if !isZeroInside {
      if clampsBeforeZero { rounded = min(max(rounded, low), high) }
      rounded += zero
    }
    let unclamped = isMaskOnReal ? value + (isZeroInside ? 0 : zero) : rounded
    if clampsBeforeZero && !isZeroInside { return (Int64(rounded), unclamped) }
    if isClampInFloat {
      let held = min(max(rounded, low), Double(Float(high)))
      return (held < 0x1p31 ? Int64(held) : Int64(Int32.min), unclamped)
    }
    if masksByte {
      return (Int64(min(max(rounded, low < 0 ? -128 : 0), low < 0 ? 127 : 255)), unclamped)
    }
    if clampsLow { rounded = max(rounded, low) }
    if clampsHigh { rounded = min(rounded, high) }
    return (Int64(min(max(rounded, -0x1p62), 0x1p62)), unclamped)
  }
}
