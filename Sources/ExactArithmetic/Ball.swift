/// A closed interval that contains a real number: what is known about one that is not rational.
///
/// Every operation rounds outward, so the result contains every value that the operation takes on
/// its operands. Outside its domain an operation gives the whole line.
///
/// - Source: interval arithmetic as in IEEE 1788, without decorations.
public struct Ball: Sendable, CustomStringConvertible {
  /// The end that is not above the number; may be −∞.
  public let lower: Real
  /// The end that is not below the number; may be +∞.
  public let upper: Real

  /// The smallest interval of that precision around a rational number.
  ///
  /// - Parameters:
  ///   - value: the number.
  ///   - precision: bits of the ends, at least 2.
  public init(_ value: Rational, precision: Int) {
    lower = Real(value, precision: precision, .down)
    upper = Real(value, precision: precision, .up)
  }

  /// The interval between two ends, or the whole line if one is NaN.
  private init(_ lower: Real, _ upper: Real) {
    if lower.isNaN || upper.isNaN {
      self.lower = .infinity(negative: true, precision: lower.precision)
      self.upper = .infinity(negative: false, precision: upper.precision)
    } else {
      self.lower = lower
      self.upper = upper
    }
  }

  /// Bits of the ends.
  public var precision: Int { max(lower.precision, upper.precision) }

  /// Whether the interval is one number, which is then known exactly.
  public var isExact: Bool { lower.isFinite && lower == upper }

  /// Whether a number lies in the interval.
  ///
  /// - Parameter value: the number.
  /// - Returns: whether it does.
  public func contains(_ value: Rational) -> Bool {
    let isAbove = lower.rational.map { $0 <= value } ?? (lower.signum() < 0)
    let isBelow = upper.rational.map { value <= $0 } ?? (upper.signum() > 0)
    return isAbove && isBelow
  }

  /// The ends, approximately.
  public var description: String { "[\(lower.approximate), \(upper.approximate)]" }
}

// MARK: - Operations

extension Ball {
  public static func + (a: Ball, b: Ball) -> Ball {
    Ball(.add(a.lower, b.lower, .down), .add(a.upper, b.upper, .up))
  }

  public static func - (a: Ball, b: Ball) -> Ball {
    Ball(.subtract(a.lower, b.upper, .down), .subtract(a.upper, b.lower, .up))
  }

  public static prefix func - (a: Ball) -> Ball { Ball(-a.upper, -a.lower) }

  public static func * (a: Ball, b: Ball) -> Ball { hull(a, b, Real.multiply) }

  /// The quotient; the whole line if `b` contains 0.
  public static func / (a: Ball, b: Ball) -> Ball {
    if b.contains(0) {
      let precision = max(a.precision, b.precision)
      return Ball(
        .infinity(negative: true, precision: precision),
        .infinity(negative: false, precision: precision))
    }
    return hull(a, b, Real.divide)
  }

  /// √x; the whole line if the interval reaches below 0.
  ///
  /// - Parameter x: the operand.
  /// - Returns: an interval around every value.
  public static func sqrt(_ x: Ball) -> Ball { increasing(x, Real.sqrt) }

  /// eˣ.
  ///
  /// - Parameter x: the operand.
  /// - Returns: an interval around every value.
  public static func exp(_ x: Ball) -> Ball { increasing(x, Real.exp) }

  /// eˣ - 1.
  ///
  /// - Parameter x: the operand.
  /// - Returns: an interval around every value.
  public static func expm1(_ x: Ball) -> Ball { increasing(x, Real.expm1) }

  /// 2ˣ.
  ///
  /// - Parameter x: the operand.
  /// - Returns: an interval around every value.
  public static func pow2(_ x: Ball) -> Ball { increasing(x, Real.pow2) }

  /// The natural logarithm; the whole line if the interval reaches below 0.
  ///
  /// - Parameter x: the operand.
  /// - Returns: an interval around every value.
  public static func log(_ x: Ball) -> Ball { increasing(x, Real.log) }

  /// log(1 + x); the whole line if the interval reaches below -1.
  ///
  /// - Parameter x: the operand.
  /// - Returns: an interval around every value.
  public static func log1p(_ x: Ball) -> Ball { increasing(x, Real.log1p) }

  /// The hyperbolic tangent.
  ///
  /// - Parameter x: the operand.
  /// - Returns: an interval around every value.
  public static func tanh(_ x: Ball) -> Ball { increasing(x, Real.tanh) }

  /// An increasing function takes its extremes at the ends.
  private static func increasing(_ x: Ball, _ function: (Real, Direction) -> Real) -> Ball {
    Ball(function(x.lower, .down), function(x.upper, .up))
  }

  /// A product or quotient takes its extremes at two of the four corners.
  private static func hull(
    _ a: Ball, _ b: Ball, _ operation: (Real, Real, Direction) -> Real
  ) -> Ball {
    func corners(_ direction: Direction) -> [Real] {
      [a.lower, a.upper].flatMap { left in
        [b.lower, b.upper].map { operation(left, $0, direction) }
      }
    }
    let (lows, highs) = (corners(.down), corners(.up))
    let undefined = (lows + highs).first(where: \.isNaN)
    if let undefined { return Ball(undefined, undefined) }
    return Ball(lows.dropFirst().reduce(lows[0], min), highs.dropFirst().reduce(highs[0], max))
  }
}

// MARK: - Ziv's loop

/// The error of ``Ball/decide(startingAt:limit:_:_:)``: the precision limit did not suffice.
public struct Undecided: Error, Sendable, CustomStringConvertible {
  /// The interval at the highest precision tried.
  public let interval: Ball
  /// That precision in bits.
  public let precision: Int

  /// One sentence with the interval.
  public var description: String {
    "undecided at \(precision) bits: the value lies in \(interval), whose ends round differently"
  }
}

extension Ball {
  /// Rounds a real number that can only be approximated, by Ziv's strategy.
  ///
  /// The precision doubles until both ends of the interval round to the same result. If `round` is
  /// monotone, the real number, which lies between them, rounds to it too.
  ///
  /// - Parameters:
  ///   - startingAt: the first precision in bits.
  ///   - limit: the last precision tried; it is reached exactly.
  ///   - evaluate: the interval of the number at a precision.
  ///   - round: the rounding; must be monotone.
  /// - Returns: what both ends round to.
  /// - Throws: ``Undecided`` if they still differ at the limit: the number may be exactly on a
  ///   boundary, outside the domain, or beyond the exponents of ``Real``. Also what `evaluate` and
  ///   `round` throw.
  public static func decide<T: Equatable>(
    startingAt: Int = 64,
    limit: Int = 4096,
    _ evaluate: (Int) throws -> Ball,
    _ round: (Rational) throws -> T
  ) throws -> T {
    precondition(2 <= startingAt && startingAt <= limit, "precision \(startingAt) to \(limit)")
    var precision = startingAt
    while true {
      let interval = try evaluate(precision)
      if let lower = interval.lower.rational, let upper = interval.upper.rational {
        let result = try round(lower)
        if try result == round(upper) { return result }
      }
      guard precision < limit else {
        throw Undecided(interval: interval, precision: precision)
      }
      precision = min(2 * precision, limit)
    }
  }
}
