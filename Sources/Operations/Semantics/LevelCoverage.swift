import CaseFormat
import ExactArithmetic
import NumberFormats

/// The bins of operations that turn real values into levels.
enum LevelBin: Int, CaseIterable {
  case tieDown, tieUp, onLevel, betweenLevels, saturatedLow, saturatedHigh, lowestLevel
  case highestLevel, oneBelow, oneAbove, nextToTie, beyondInt32, oddZeroPointTie
  case nan, plusInfinity, minusInfinity, minusZero, subnormalInput
  case zeroPointLowest, zeroPointHighest, scalePowerOfTwo, scaleSubnormal, scaleReciprocalInexact
  case perChannel, blocked, empty

  var name: String {
    switch self {
    case .tieDown: "tie down"
    case .tieUp: "tie up"
    case .onLevel: "on a level"
    case .betweenLevels: "between levels"
    case .saturatedLow: "saturated low"
    case .saturatedHigh: "saturated high"
    case .lowestLevel: "lowest level"
    case .highestLevel: "highest level"
    case .oneBelow: "one below the range"
    case .oneAbove: "one above the range"
    case .nextToTie: "next to a tie"
    case .beyondInt32: "beyond int32"
    case .oddZeroPointTie: "tie, odd zero point"
    case .nan: "NaN"
    case .plusInfinity: "inf"
    case .minusInfinity: "-inf"
    case .minusZero: "-0"
    case .subnormalInput: "subnormal input"
    case .zeroPointLowest: "zero point lowest"
    case .zeroPointHighest: "zero point highest"
    case .scalePowerOfTwo: "scale a power of two"
    case .scaleSubnormal: "scale subnormal"
    case .scaleReciprocalInexact: "reciprocal of scale inexact"
    case .perChannel: "per channel"
    case .blocked: "blocked"
    case .empty: "empty tensor"
    }
  }

  /// The bins of an operation, all required but those named.
  static func bins(optional: Set<LevelBin>) -> [CoverageBin] {
    allCases.map { CoverageBin($0.rawValue, $0.name, required: !optional.contains($0)) }
  }
}

extension Coverage {
  /// Adds a bin of an operation on levels.
  mutating func insert(_ bin: LevelBin, if condition: Bool = true) {
    insert(bin.rawValue, if: condition)
  }

  /// Notes what an input value is.
  mutating func insert(input: Number, code: Int64, _ dtype: DataType) {
    switch input {
    case .nan: insert(.nan)
    case .infinity(let negative): insert(negative ? .minusInfinity : .plusInfinity)
    case .negativeZero: insert(.minusZero)
    case .finite(let value):
      if case .float(let format) = dtype, !value.isZero {
        let exponent = UInt64(bitPattern: code) >> UInt64(format.significandBits)
        let mask = (UInt64(1) << UInt64(format.exponentBits)) - 1
        insert(.subnormalInput, if: exponent & mask == 0 && format.specials != .powersOfTwo)
      }
    }
  }

  /// Notes how a level came about.
  mutating func insert(
    _ events: LevelEvents, level: Level, zero: Number, range: ClosedRange<Integer>,
    isZeroPointInside: Bool = false
  ) {
    if let before = events.beforeRounding {
      let doubled = before * 2
      let isOnLevel = before.isInteger
      let isTie = !isOnLevel && doubled.isInteger
      insert(.onLevel, if: isOnLevel)
      insert(.betweenLevels, if: !isOnLevel && !isTie)
      if isTie, let unclamped = events.unclamped.rational, let zero = zero.rational {
        // Where the zero point came after the rounding, the level without it tells the way.
        let wentUp = isZeroPointInside ? unclamped > before : unclamped - zero > before
        insert(wentUp ? .tieUp : .tieDown)
        insert(.oddZeroPointTie, if: !(zero / 2).isInteger)
      } else if !isOnLevel {
        let distance = (doubled - Rational(nearestOdd(doubled))).magnitude
        insert(.nextToTie, if: distance < Rational(1).scaledByPowerOfTwo(-12))
      }
      insert(.beyondInt32, if: before.magnitude >= Rational(1).scaledByPowerOfTwo(31))
    }
    guard case .value(let value) = level == .minusZero ? .value(0) : level else { return }
    let (low, high) = (Rational(range.lowerBound), Rational(range.upperBound))
    insert(.lowestLevel, if: value == low)
    insert(.highestLevel, if: value == high)
    switch events.unclamped {
    case .infinity(let negative): insert(negative ? .saturatedLow : .saturatedHigh)
    case .nan: break
    case .finite, .negativeZero:
      let unclamped = events.unclamped.rational ?? 0
      insert(.saturatedLow, if: unclamped < low)
      insert(.saturatedHigh, if: unclamped > high)
      insert(.oneBelow, if: unclamped == low - 1)
      insert(.oneAbove, if: unclamped == high + 1)
    }
  }

  private func nearestOdd(_ value: Rational) -> Integer {
    let half = ((value - 1) / 2)
    guard let rounded = try? half.rounded(.nearestEven) else { return 0 }
    return rounded * 2 + 1
  }

  /// Notes the scales and zero points of a case.
  mutating func insert(scales: Tensor, zeros: Tensor?, range: ClosedRange<Integer>?) {
    for index in 0..<min(scales.count, 8) {
      guard let scale = scales.number(at: index).rational, scale.signum() > 0 else { continue }
      let exponent = scale.floorLog2
      let isPower = scale == Rational(1).scaledByPowerOfTwo(exponent)
      insert(.scalePowerOfTwo, if: isPower)
      insert(.scaleReciprocalInexact, if: !isPower)
      if case .float(let format) = scales.dtype {
        insert(.scaleSubnormal, if: exponent < 1 - format.bias)
      }
    }
    guard let zeros, let range else { return }
    for index in 0..<min(zeros.count, 8) {
      guard let zero = zeros.number(at: index).rational else { continue }
      insert(.zeroPointLowest, if: zero == Rational(range.lowerBound))
      insert(.zeroPointHighest, if: zero == Rational(range.upperBound))
    }
  }
}
