import ExactArithmetic
import NumberFormats

/// The bulk oracle for levels: the processor's binary32 instead of rationals.
///
/// Exact because IEEE 754 arithmetic on the processor rounds as `Arithmetic` does: `x / s`, `x * r` and
/// `fma` are each rounded once, to nearest even, and `rounded(_:)` is exact. It serves the rules that
/// only need these; all others go the way of the definition. Tests and campaigns compare the two.
struct FastLevel {
  private let rule: LevelRule
  private let rounding: FloatingPointRoundingRule
  private let low: Int64
  private let high: Int64

  /// A fast way for a rule, or nil where there is none.
  init?(_ rule: LevelRule, _ arithmetic: Arithmetic, range: ClosedRange<Integer>) {
    guard arithmetic.format == .binary32, rule.scaling != .realRange,
      rule.clamp == .afterRounding, rule.offset == .none, rule.bounds == .exact,
      [nil, 32, 64].contains(rule.conversionBits), !rule.keepsMinusZero, rule.nan != .propagate,
      rule.zeroPoint == .beforeRounding || [.exact, .float32, .int32].contains(rule.addition),
      let low = range.lowerBound.int64, let high = range.upperBound.int64,
      // Every level of the range and its neighbours is a binary32 number.
      low >= -(1 << 23), high <= 1 << 23
    else { return nil }
    switch rule.rounding {
    case .rule(.nearestEven): rounding = .toNearestOrEven
    case .rule(.nearestAway): rounding = .toNearestOrAwayFromZero
    case .rule(.floor): rounding = .down
    case .rule(.ceiling): rounding = .up
    case .rule(.towardZero): rounding = .towardZero
    default: return nil
    }
    (self.rule, self.low, self.high) = (rule, low, high)
  }

  /// What a value becomes.
  struct Result {
    /// The level, or nil where the dialect leaves it open.
    var level: Int64?
    /// The level before its clamp; NaN where there is none.
    var unclamped: Double
  }

  /// The level of a value; notes what happened.
  func level(of x: Float, scale: Float, zero: Int64, _ coverage: inout Coverage) -> Result {
    let value = before(x, scale, zero)
    let rounded = value.rounded(rounding)
    note(value, rounded, zero, &coverage)
    if value.isNaN { return Result(level: nanLevel, unclamped: .nan) }
    if let bits = rule.conversionBits {
      let limit = Float(sign: .plus, exponent: bits - 1, significand: 1)
      guard rounded >= -limit, rounded < limit else { return Result(level: nil, unclamped: .nan) }
    }
    if rule.zeroPoint == .beforeRounding { return clamp(Double(rounded), &coverage) }
    switch rule.addition {
    case .float32: return clamp(Double(rounded + Float(zero)), &coverage)
    case .int32:
      guard rounded >= -0x1p31, rounded < 0x1p31 else { return Result(level: nil, unclamped: .nan) }
      let sum = Int64(rounded) + zero
      if Int32(exactly: sum) != nil { return clamp(Double(sum), &coverage) }
      guard rule.overflow == .wrap else { return Result(level: nil, unclamped: .nan) }
      return clamp(Double(Int32(truncatingIfNeeded: sum)), &coverage)
    default:
      // Exact up to 2^53; beyond it the zero point, of at most 32 bits, brings no level back.
      return clamp(Double(rounded) + Double(zero), &coverage)
    }
  }

  private var nanLevel: Int64? {
    switch rule.nan {
    case .lowest: low
    case .highest: high
    case .zero: min(max(0, low), high)
    case .unspecified, .propagate: nil
    }
  }

  /// The value that is rounded.
  private func before(_ x: Float, _ scale: Float, _ zero: Int64) -> Float {
    let offset = Float(zero)
    switch (rule.scaling, rule.zeroPoint, rule.isFused) {
    case (.reciprocal, .beforeRounding, true): return offset.addingProduct(x, 1 / scale)
    case (.reciprocal, .beforeRounding, false): return x * (1 / scale) + offset
    case (.reciprocal, .afterRounding, _): return x * (1 / scale)
    case (_, .beforeRounding, _): return x / scale + offset
    case (_, .afterRounding, _): return x / scale
    }
  }

  private func clamp(_ level: Double, _ coverage: inout Coverage) -> Result {
    let (lowest, highest) = (Double(low), Double(high))
    coverage.insert(.saturatedLow, if: level < lowest)
    coverage.insert(.saturatedHigh, if: level > highest)
    coverage.insert(.oneBelow, if: level == lowest - 1)
    coverage.insert(.oneAbove, if: level == highest + 1)
    let clamped = Int64(min(max(level, lowest), highest))
    coverage.insert(.lowestLevel, if: clamped == low)
    coverage.insert(.highestLevel, if: clamped == high)
    return Result(level: clamped, unclamped: level)
  }

  /// Notes what the definition notes in `Coverage.insert(_:level:zero:range:)`.
  private func note(_ value: Float, _ rounded: Float, _ zero: Int64, _ coverage: inout Coverage) {
    guard value.isFinite else { return }
    if rounded == value && value == value.rounded(.down) {
      coverage.insert(.onLevel)
    } else {
      let distance = abs(value - value.rounded(.down) - 0.5)
      if distance == 0 {
        coverage.insert(rounded > value ? .tieUp : .tieDown)
        coverage.insert(.oddZeroPointTie, if: zero % 2 != 0)
      } else {
        coverage.insert(.betweenLevels)
        coverage.insert(.nextToTie, if: distance < 0x1p-13)
      }
    }
    coverage.insert(.beyondInt32, if: abs(value) >= 0x1p31)
  }
}

extension Coverage {
  /// Notes what a binary32 input is.
  mutating func insert(input x: Float) {
    if x.isNaN { return insert(.nan) }
    if x.isInfinite { return insert(x < 0 ? .minusInfinity : .plusInfinity) }
    if x == 0 { return insert(.minusZero, if: x.sign == .minus) }
    insert(.subnormalInput, if: x.isSubnormal)
  }
}
