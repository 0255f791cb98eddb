/// A rounding to an integer, as the model kernels do it.
///
/// The argument is a float or a level in binary64, so that every step here is exact.
enum Rounding: Sendable {
  case halfEven, halfAway, halfUp, halfDown, halfToZero, truncation, floor, ceiling

  func callAsFunction(_ value: Double) -> Double {
    switch self {
    case .halfEven: return value.rounded(.toNearestOrEven)
    case .halfAway: return value.rounded(.toNearestOrAwayFromZero)
    case .truncation: return value.rounded(.towardZero)
    case .floor: return value.rounded(.down)
    case .ceiling: return value.rounded(.up)
    case .halfUp, .halfDown, .halfToZero:
      let below = value.rounded(.down)
      let rest = value - below
      let isUp = self == .halfUp || self == .halfToZero && value < 0
      return rest > 0.5 || rest == 0.5 && isUp ? below + 1 : below
    }
  }

  /// The rounding that a fault puts in the place of the right one.
  init?(_ fault: Fault) {
    switch fault {
    case .halfEven: self = .halfEven
    case .halfAway: self = .halfAway
    case .halfUp: self = .halfUp
    case .halfDown: self = .halfDown
    case .halfToZero: self = .halfToZero
    case .truncation: self = .truncation
    case .floor: self = .floor
    case .ceiling: self = .ceiling
    default: return nil
    }
  }

  /// `value >> shift` with this rounding, in integers.
  func shifted(_ value: Int64, by shift: Int) -> Int64 {
    guard shift > 0 else { return value }
    let below = value >> Int64(shift)
    let rest = value - below << Int64(shift)
    let half = Int64(1) << Int64(shift - 1)
    let isUp: Bool
    switch self {
    case .halfEven: isUp = rest > half || rest == half && below & 1 == 1
    case .halfAway: isUp = rest > half || rest == half && value > 0
    case .halfUp: isUp = rest >= half
    case .halfDown: isUp = rest > half
    case .halfToZero: isUp = rest > half || rest == half && value < 0
    case .truncation: isUp = rest > 0 && value < 0
    case .floor: isUp = false
    case .ceiling: isUp = rest > 0
    }
    return below + (isUp ? 1 : 0)
  }
}

/// The float formats of 16 bits, over binary32.
enum Half: Sendable {
  case binary16, bfloat16

  /// The value of an encoding.
  func value(_ bits: UInt16) -> Float {
    switch self {
    case .binary16: Float(Float16(bitPattern: bits))
    case .bfloat16: Float(bitPattern: UInt32(bits) << 16)
    }
  }

  /// The nearest encoding, ties to even.
  func bits(_ value: Float) -> UInt16 {
    switch self {
    case .binary16: return Float16(value).bitPattern
    case .bfloat16:
      if value.isNaN { return 0x7FC0 }
      let bits = value.bitPattern
      return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }
  }

  /// The nearest value of the format.
  func rounded(_ value: Float) -> Float { self.value(bits(value)) }
}
