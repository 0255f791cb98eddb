import ExactArithmetic
import Testing

/// The table of the documentation, to be checked by eye.
private let table: [(rule: RoundingRule, results: [Integer])] = [
  //             -2.5 -1.5 -0.5  0.5  1.5  2.5  0.3 -0.3  7.0
  (.nearestEven, [-2, -2, 0, 0, 2, 2, 0, 0, 7]),
  (.nearestAway, [-3, -2, -1, 1, 2, 3, 0, 0, 7]),
  (.nearestUp, [-2, -1, 0, 1, 2, 3, 0, 0, 7]),
  (.nearestDown, [-3, -2, -1, 0, 1, 2, 0, 0, 7]),
  (.nearestZero, [-2, -1, 0, 0, 1, 2, 0, 0, 7]),
  (.nearestOdd, [-3, -1, -1, 1, 1, 3, 0, 0, 7]),
  (.floor, [-3, -2, -1, 0, 1, 2, 0, -1, 7]),
  (.ceiling, [-2, -1, 0, 1, 2, 3, 1, 0, 7]),
  (.towardZero, [-2, -1, 0, 0, 1, 2, 0, 0, 7]),
  (.awayFromZero, [-3, -2, -1, 1, 2, 3, 1, -1, 7]),
]

private let columns = [
  Rational(-5, 2), Rational(-3, 2), Rational(-1, 2), Rational(1, 2), Rational(3, 2),
  Rational(5, 2), Rational(3, 10), Rational(-3, 10), 7,
]

@Suite struct RoundingRuleTests {
  @Test func everyRuleFollowsTheTable() throws {
    #expect(table.map(\.rule) + [.exact] == RoundingRule.allCases)
    for (rule, results) in table {
      #expect(try columns.map { try $0.rounded(rule) } == results, "\(rule)")
    }
  }

  @Test func exactThrowsUnlessInteger() throws {
    #expect(try Rational(7).rounded(.exact) == 7)
    #expect(throws: InexactResult.self) { try Rational(1, 3).rounded(.exact) }
  }

  @Test func rawValuesAreThoseOfTheDialectFiles() {
    #expect(
      RoundingRule.allCases.map(\.rawValue) == [
        "nearest_even", "nearest_away", "nearest_up", "nearest_down", "nearest_zero",
        "nearest_odd", "floor", "ceiling", "toward_zero", "away_from_zero", "exact",
      ])
  }

  /// All quotients n/d with |n| ≤ 40 and d ≤ 8, in increasing order.
  private static let samples = Set(
    (-40...40).flatMap { n in (1...8).map { Rational(Integer(n), Integer($0)) } }
  ).sorted()

  @Test(arguments: table.map(\.rule))
  func staysWithinOneAndIsMonotone(rule: RoundingRule) throws {
    let bound: Rational = rule.isNearest ? Rational(1, 2) : 1
    var last: Integer?
    for x in Self.samples {
      let result = try x.rounded(rule)
      let error = (Rational(result) - x).magnitude
      try #require(error <= bound && (rule.isNearest || error < 1), "\(x) gives \(result)")
      if let last { try #require(last <= result, "not monotone at \(x)") }
      last = result
    }
  }

  /// f(-x) = -g(x): a rule is its own mirror image, or that of another.
  @Test func mirrorImages() throws {
    let pairs: [(RoundingRule, RoundingRule)] = [
      (.nearestEven, .nearestEven), (.nearestAway, .nearestAway), (.nearestZero, .nearestZero),
      (.nearestOdd, .nearestOdd), (.towardZero, .towardZero), (.awayFromZero, .awayFromZero),
      (.floor, .ceiling), (.nearestUp, .nearestDown),
    ]
    for (rule, mirror) in pairs {
      for x in Self.samples {
        try #require(try (-x).rounded(rule) == -x.rounded(mirror), "\(rule) at \(x)")
      }
    }
  }

  @Test func twoNearestRulesDifferOnlyOnTies() throws {
    for x in Self.samples where x.denominator != 2 {
      let nearest = try RoundingRule.allCases.filter(\.isNearest).map { try x.rounded($0) }
      try #require(Set(nearest).count == 1, "\(x)")
    }
  }
}
