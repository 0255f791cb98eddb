import ExactArithmetic
import NumberFormats

/// The bulk oracle for requantization: 64-bit integers and binary32 instead of rationals.
///
/// Exact because a 32-bit accumulator times a 32-bit multiplier fits 64 bits, where shifts with a bias
/// round as the rules say, and because the processor's binary32 rounds as `Arithmetic` does. It serves
/// the rules that only need these.
struct FastRequantization {
  private enum Scaling {
    case real(factors: [Float], FastLevel)
    case double(multiplier: Int64, left: Int, right: Int, isAway: Bool, saturates: Bool)
    case single(multiplier: Int64, right: Int, isAway: Bool)
  }

  private let scaling: Scaling
  private let low: Int64
  private let high: Int64

  /// A fast way for a rule and a multiplier, or nil where there is none.
  init?(
    _ rule: RequantizationRule, _ multiplier: RequantizationRule.Multiplier, isWide: Bool,
    range: ClosedRange<Integer>
  ) {
    guard let low = range.lowerBound.int64, let high = range.upperBound.int64, !isWide else {
      return nil
    }
    (self.low, self.high) = (low, high)
    switch multiplier {
    case .real(let factors):
      guard rule.accumulator == .float32, rule.scale == .float32,
        rule.level.precision == .float32, rule.level.scaling == .division,
        let level = FastLevel(rule.level, Arithmetic(format: .binary32), range: range)
      else { return nil }
      scaling = .real(factors: factors.map { Float($0.approximate) }, level)
      // A factor of more than 24 bits would be rounded twice.
      for factor in factors where FloatFormat.binary32.rounded(.finite(factor)) != .finite(factor) {
        return nil
      }
    case .exact: return nil
    case .fixed(let fixed, let isSixteenBit):
      guard rule.kind == .fixed, !isSixteenBit, !rule.hasTosaConditions,
        rule.source == .tflite, rule.multiplierBits == 32, let m = fixed.multiplier.int64
      else { return nil }
      let isAway: Bool
      switch rule.rounding {
      case .nearestAway: isAway = true
      case .nearestUp: isAway = false
      default: return nil
      }
      let shift = 31 - fixed.rightShift
      switch rule.form {
      case .double:
        guard rule.firstRounding == .nearestUp, (-31...30).contains(shift) else { return nil }
        scaling = .double(
          multiplier: m, left: max(shift, 0), right: max(-shift, 0), isAway: isAway,
          saturates: rule.highOverflow == .saturate)
      case .single:
        guard (1...62).contains(fixed.rightShift) else { return nil }
        scaling = .single(multiplier: m, right: fixed.rightShift, isAway: isAway)
      case .tosaDouble: return nil
      }
    }
  }

  /// The level of an accumulator, or nil where the dialect leaves it open.
  func level(of accumulator: Int64, zero: Int64, _ coverage: inout Coverage) -> Int64? {
    switch scaling {
    case .real(let factors, let level):
      let product = factors.reduce(Float(accumulator)) { $0 * $1 }
      return level.level(of: product, scale: 1, zero: zero, &coverage).level
    case .double(let multiplier, let left, let right, let isAway, let saturates):
      guard Int32(exactly: accumulator) != nil, Int32(exactly: accumulator << left) != nil else {
        return nil
      }
      var high = Self.shifted((accumulator << left) * multiplier, by: 31, isAway: false)
      if high > Int64(Int32.max) {
        high = saturates ? Int64(Int32.max) : Int64(Int32(truncatingIfNeeded: high))
      }
      let result = right == 0 ? high : Self.shifted(high, by: right, isAway: isAway)
      note(accumulator * multiplier, 31 + right - left, result, zero, &coverage)
      return finish(result, zero, &coverage)
    case .single(let multiplier, let right, let isAway):
      guard Int32(exactly: accumulator) != nil else { return nil }
      let product = accumulator * multiplier
      let result = Self.shifted(product, by: right, isAway: isAway)
      guard Int32(exactly: result) != nil else { return nil }
      note(product, right, result, zero, &coverage)
      return finish(result, zero, &coverage)
    }
  }

  /// `value / 2^shift` to nearest, ties up or away from zero; |value| is at most 2^62.
  private static func shifted(_ value: Int64, by shift: Int, isAway: Bool) -> Int64 {
    let half = Int64(1) << Int64(shift - 1)
    if isAway && value < 0 { return -((-value + half) >> Int64(shift)) }
    return (value + half) >> Int64(shift)
  }

  /// Notes how `product / 2^shift` lies to its level, as the definition does.
  private func note(
    _ product: Int64, _ shift: Int, _ result: Int64, _ zero: Int64, _ coverage: inout Coverage
  ) {
    let unit = Int64(1) << Int64(shift)
    let floor = product >> Int64(shift)
    let rest = product & (unit - 1)
    let limit = Int64(1) << 31
    coverage.insert(
      .beyondInt32, if: floor >= limit || floor < -limit || floor == -limit && rest == 0)
    if rest == 0 { return coverage.insert(.onLevel) }
    let distance = (rest - unit / 2).magnitude
    if rest == unit / 2 && shift > 0 {
      coverage.insert(result > floor ? .tieUp : .tieDown)
      coverage.insert(.oddZeroPointTie, if: zero % 2 != 0)
    } else {
      coverage.insert(.betweenLevels)
      coverage.insert(.nextToTie, if: distance < UInt64(unit) >> 13 || distance == 0)
    }
  }

  private func finish(_ scaled: Int64, _ zero: Int64, _ coverage: inout Coverage) -> Int64 {
    let level = scaled + zero
    coverage.insert(.saturatedLow, if: level < low)
    coverage.insert(.saturatedHigh, if: level > high)
    coverage.insert(.oneBelow, if: level == low - 1)
    coverage.insert(.oneAbove, if: level == high + 1)
    let clamped = min(max(level, low), high)
    coverage.insert(.lowestLevel, if: clamped == low)
    coverage.insert(.highestLevel, if: clamped == high)
    return clamped
  }
}
