import ExactArithmetic
import NumberFormats

/// The bulk oracle for conversions between fixed-point formats: 64-bit integers instead of rationals.
///
/// Exact because a raw value of at most 32 bits, shifted by at most 30, fits 64 bits, where a shift to
/// the right is the floor and the bits that it drops say how to round. It serves the overflow modes
/// that look at the value only; wrapping with saturated bits goes the way of the definition.
struct FastFixedPoint {
  private let shift: Int64
  private let rule: RoundingRule
  private let overflow: FixedPointFormat.Overflow
  private let width: Int
  private let isSigned: Bool
  private let low: Int64
  private let high: Int64

  /// A fast way from a type to a format, or nil where there is none.
  init?(
    from source: DataType, to format: FixedPointFormat, rounding: FixedPointFormat.Rounding,
    overflow: FixedPointFormat.Overflow, saturationBits: Int
  ) {
    let fractionBits: Int
    switch source {
    case .fixed(let source): fractionBits = source.fractionBits
    case .integer(let format) where format != .bipolar: fractionBits = 0
    default: return nil
    }
    let shift = fractionBits - format.fractionBits
    guard source.bits <= 32, format.width <= 32, shift.magnitude <= 30, saturationBits == 0,
      overflow != .AP_WRAP_SM, overflow != .AP_SAT_SYM || format.isSigned && format.width > 1,
      let low = format.rawFormat.minimum.int64, let high = format.rawFormat.maximum.int64
    else { return nil }
    self.shift = Int64(shift)
    (rule, self.overflow) = (rounding.rule, overflow)
    (width, isSigned) = (format.width, format.isSigned)
    (self.low, self.high) = (low, high)
  }

  /// The raw value that a raw value becomes; notes what happened, as the definition does.
  func raw(of code: Int64, _ coverage: inout Coverage) -> Int64 {
    let rounded = rounded(code, &coverage)
    coverage.insert(.beyondInt32, if: rounded.magnitude >= 1 << 31 && shift <= 0)
    coverage.insert(.saturatedLow, if: rounded < low)
    coverage.insert(.saturatedHigh, if: rounded > high)
    coverage.insert(.oneBelow, if: rounded == low - 1)
    coverage.insert(.oneAbove, if: rounded == high + 1)
    coverage.insert(.lowestLevel, if: rounded <= low)
    coverage.insert(.highestLevel, if: rounded >= high)
    switch overflow {
    case .AP_SAT: return min(max(rounded, low), high)
    case .AP_SAT_ZERO: return rounded >= low && rounded <= high ? rounded : 0
    case .AP_SAT_SYM: return min(max(rounded, -high), high)
    case .AP_WRAP, .AP_WRAP_SM:
      let unused = Int64(64 - width)
      let bits = rounded << unused
      return isSigned
        ? bits >> unused : Int64(bitPattern: UInt64(bitPattern: bits) >> UInt64(unused))
    }
  }

  private func rounded(_ code: Int64, _ coverage: inout Coverage) -> Int64 {
    guard shift > 0 else {
      coverage.insert(.onLevel)
      return code << -shift
    }
    let floor = code >> shift
    let rest = code - floor << shift
    let half: Int64 = 1 << (shift - 1)
    if rest == 0 {
      coverage.insert(.onLevel)
      return floor
    }
    let isUp =
      switch rule {
      case .floor: false
      case .ceiling: true
      case .towardZero: code < 0
      case .awayFromZero: code > 0
      case .nearestUp: rest >= half
      case .nearestDown: rest > half
      case .nearestZero: rest > half || rest == half && code < 0
      case .nearestAway: rest > half || rest == half && code > 0
      case .nearestEven: rest > half || rest == half && floor & 1 == 1
      case .nearestOdd: rest > half || rest == half && floor & 1 == 0
      case .exact: false
      }
    if rest == half {
      coverage.insert(isUp ? .tieUp : .tieDown)
    } else {
      coverage.insert(.betweenLevels)
      coverage.insert(.nextToTie, if: abs(rest - half) << 13 < 1 << shift)
    }
    return isUp ? floor + 1 : floor
  }
}
