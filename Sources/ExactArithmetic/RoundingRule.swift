/// How a number that is not an integer becomes one.
///
/// The ties are in the name; nothing in this project says just "round".
///
/// | rule             | -2.5 | -1.5 | -0.5 | 0.5 | 1.5 | 2.5 | 0.3 | -0.3 |
/// |------------------|-----:|-----:|-----:|----:|----:|----:|----:|-----:|
/// | `nearestEven`    |   -2 |   -2 |    0 |   0 |   2 |   2 |   0 |    0 |
/// | `nearestAway`    |   -3 |   -2 |   -1 |   1 |   2 |   3 |   0 |    0 |
/// | `nearestUp`      |   -2 |   -1 |    0 |   1 |   2 |   3 |   0 |    0 |
/// | `nearestDown`    |   -3 |   -2 |   -1 |   0 |   1 |   2 |   0 |    0 |
/// | `nearestZero`    |   -2 |   -1 |    0 |   0 |   1 |   2 |   0 |    0 |
/// | `nearestOdd`     |   -3 |   -1 |   -1 |   1 |   1 |   3 |   0 |    0 |
/// | `floor`          |   -3 |   -2 |   -1 |   0 |   1 |   2 |   0 |   -1 |
/// | `ceiling`        |   -2 |   -1 |    0 |   1 |   2 |   3 |   1 |    0 |
/// | `towardZero`     |   -2 |   -1 |    0 |   0 |   1 |   2 |   0 |    0 |
/// | `awayFromZero`   |   -3 |   -2 |   -1 |   1 |   2 |   3 |   1 |   -1 |
/// | `exact`          | throws in every column                      |
///
/// An integer is its own rounding under every rule.
///
/// - Source: IEEE 754-2019 section 4.3 for the names of the first, second and the
///   directed ones.
public enum RoundingRule: String, CaseIterable, Sendable, Codable {
  /// To the nearest integer, of two the even one: `roundTiesToEven`, C's `rint` by default.
  case nearestEven = "nearest_even"

  /// To the nearest integer, of two the one farther from zero: `roundTiesToAway`, C's `round`.
  case nearestAway = "nearest_away"

  /// To the nearest integer, of two the greater: ⌊x + 1/2⌋, "add half, then shift".
  case nearestUp = "nearest_up"

  /// To the nearest integer, of two the smaller: ⌈x - 1/2⌉.
  case nearestDown = "nearest_down"

  /// To the nearest integer, of two the one nearer to zero.
  case nearestZero = "nearest_zero"

  /// To the nearest integer, of two the odd one.
  case nearestOdd = "nearest_odd"

  /// To the greatest integer that is not above: ⌊x⌋.
  case floor

  /// To the least integer that is not below: ⌈x⌉.
  case ceiling

  /// To the integer without the fraction: truncation.
  case towardZero = "toward_zero"

  /// To the next integer away from zero, whatever the fraction.
  case awayFromZero = "away_from_zero"

  /// Not at all: a number that is not an integer is an ``InexactResult``.
  case exact

  /// The rule in words, for messages.
  public var phrase: String {
    switch self {
    case .nearestEven: "nearest, ties to even"
    case .nearestAway: "nearest, ties away from zero"
    case .nearestUp: "nearest, ties up"
    case .nearestDown: "nearest, ties down"
    case .nearestZero: "nearest, ties toward zero"
    case .nearestOdd: "nearest, ties to odd"
    case .floor: "down"
    case .ceiling: "up"
    case .towardZero: "toward zero"
    case .awayFromZero: "away from zero"
    case .exact: "exact, no rounding"
    }
  }

  /// Whether the result is always a nearest integer: only ties differ between these rules.
  public var isNearest: Bool {
    switch self {
    case .nearestEven, .nearestAway, .nearestUp, .nearestDown, .nearestZero, .nearestOdd: true
    case .floor, .ceiling, .towardZero, .awayFromZero, .exact: false
    }
  }
}

/// The error of ``RoundingRule/exact`` for a number that is not an integer.
public struct InexactResult: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number that is not an integer.
  public let value: Rational

  /// One sentence with the number.
  public var description: String { "\(value) is not an integer and the rounding rule is exact" }
}

extension Rational {
  /// Rounds to an integer.
  ///
  /// - Parameter rule: how; see the table of ``RoundingRule``.
  /// - Returns: the integer; `|result - self| < 1`, and `≤ 1/2` if the rule is a nearest one.
  /// - Throws: ``InexactResult`` if the rule is `exact` and this is not an integer; no other rule
  ///   throws.
  public func rounded(_ rule: RoundingRule) throws(InexactResult) -> Integer {
    if isInteger { return numerator }
    let below = floor
    let above = below + 1
    let (towardZero, awayFromZero) = signum() < 0 ? (above, below) : (below, above)
    switch rule {
    case .floor: return below
    case .ceiling: return above
    case .towardZero: return towardZero
    case .awayFromZero: return awayFromZero
    case .exact: throw InexactResult(value: self)
    case .nearestEven, .nearestAway, .nearestUp, .nearestDown, .nearestZero, .nearestOdd: break
    }
    let half = Rational(2 * below + 1, 2)
    if self < half { return below }
    if self > half { return above }
    switch rule {
    case .nearestUp: return above
    case .nearestDown: return below
    case .nearestZero: return towardZero
    case .nearestAway: return awayFromZero
    case .nearestOdd: return below.isEven ? above : below
    default: return below.isEven ? below : above
    }
  }

  /// Rounds to an integer, for callers that know that nothing can throw.
  ///
  /// - Parameter rule: any but `exact`; `exact` only if this is an integer.
  /// - Returns: what ``rounded(_:)`` returns.
  public func roundedUnlessExact(_ rule: RoundingRule) -> Integer {
    do {
      return try rounded(rule)
    } catch {
      preconditionFailure(error.description)
    }
  }

  /// ⌊self⌋.
  public var floor: Integer { numerator.quotientAndRemainder(flooringBy: denominator).quotient }
}
