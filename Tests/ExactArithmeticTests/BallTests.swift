import ExactArithmetic
import Testing

@Suite struct BallTests {
  @Test func everyDirectionRoundsItsWay() {
    let third = Rational(1, 3)
    func round(_ direction: Direction) -> Rational? {
      Real(third, precision: 4, direction).rational
    }
    // 1/3 is 0.01010101..., so with 4 bits 10/32 or 11/32, and 11/32 is nearer.
    #expect(round(.down) == Rational(10, 32) && round(.zero) == Rational(10, 32))
    #expect(round(.up) == Rational(11, 32) && round(.away) == Rational(11, 32))
    #expect(round(.nearest) == Rational(11, 32))
    #expect(Real(-third, precision: 4, .zero).rational == Rational(-10, 32))
  }

  /// Bounds of well-known constants, to 30 digits and rounded outward.
  @Test func knownConstants() throws {
    let one = Ball(1, precision: 110)
    let two = Ball(2, precision: 110)
    let known: [(String, Ball, String)] = [
      ("exp 1", .exp(one), "2.71828182845904523536028747135"),
      ("log 2", .log(two), "0.693147180559945309417232121458"),
      ("log1p 1", .log1p(one), "0.693147180559945309417232121458"),
      ("sqrt 2", .sqrt(two), "1.41421356237309504880168872421"),
      ("expm1 1", .expm1(one), "1.71828182845904523536028747135"),
      ("tanh 1", .tanh(one), "0.761594155955764888119458282605"),
      ("pow2 1/2", .pow2(one / two), "1.41421356237309504880168872421"),
    ]
    let slack = Rational(1) / Rational(Integer(10).tenPower(28))
    for (name, ball, digits) in known {
      let value = try #require(Rational.parse(digits))
      let (lower, upper) = (try #require(ball.lower.rational), try #require(ball.upper.rational))
      #expect(lower < upper && upper - lower < slack, "\(name)")
      #expect((lower - value).magnitude < slack, "\(name)")
    }
  }

  /// The exact result of rational operations lies in the interval.
  @Test func containsTheExactResult() throws {
    let samples = [-7, -2, -1, 1, 3, 10].flatMap { n in
      [1, 3, 7].map { Rational(Integer(n), Integer($0)) }
    }
    for precision in [2, 5, 24] {
      for a in samples {
        for b in samples {
          let (x, y) = (Ball(a, precision: precision), Ball(b, precision: precision))
          try #require((x + y).contains(a + b) && (x - y).contains(a - b))
          try #require((x * y).contains(a * b) && (-x).contains(-a))
          if !y.contains(0) { try #require((x / y).contains(a / b), "\(a) / \(b)") }
        }
      }
    }
  }

  @Test func outsideTheDomainNothingIsKnown() {
    let zero = Ball(0, precision: 10)
    let third = Ball(Rational(1, 3), precision: 10)
    let quotient = third / (third - third)
    #expect(quotient.contains(1_000_000) && quotient.contains(-1_000_000))
    #expect(!(Ball(1, precision: 10) / zero).lower.isFinite)
    #expect(!Ball.log(Ball(-1, precision: 10)).upper.isFinite)
    #expect(!(zero / zero).isExact && Ball.sqrt(Ball(4, precision: 10)).isExact)
  }

  @Test func zivsLoopDecides() throws {
    let third = Rational(1, 3)
    // 3 · (1/3) straddles 1 at every precision, so its floor is never decided.
    #expect(throws: Undecided.self) {
      try Ball.decide(startingAt: 16, limit: 64) { bits in
        Ball(third, precision: bits) * Ball(3, precision: bits)
      } _: {
        $0.floor
      }
    }
    // log 2 · 2^200 needs more than the first 64 bits.
    var tried: [Int] = []
    let digits = try Ball.decide { bits in
      tried.append(bits)
      return Ball.log(Ball(2, precision: bits))
        * Ball(Rational(Integer.powerOfTwo(200)), precision: bits)
    } _: {
      $0.floor
    }
    #expect(tried == [64, 128, 256] && digits.bitWidth == 200)
    #expect(try Ball.decide({ .exp(Ball(0, precision: $0)) }, { try $0.rounded(.exact) }) == 1)
  }

  @Test func overflowAndUnderflowStayBounded() throws {
    let far = Ball(Rational(Integer.powerOfTwo(40)), precision: 32)
    #expect(Ball.exp(far).lower.isFinite && !Ball.exp(far).upper.isFinite)
    #expect(Ball.exp(-far).lower.rational == 0)
    #expect(try Ball.decide({ _ in .exp(-far) }, { $0.floor }) == 0)
  }

  @Test func threadsDoNotDisturbEachOther() async {
    let results = await withTaskGroup(of: Rational?.self) { group in
      for _ in 0..<8 {
        group.addTask {
          (1...200).map { Real.exp(Real(Rational($0), precision: 60, .down), .down) }
            .reduce(Real(0, precision: 60, .down)) { Real.add($0, $1, .down) }.rational
        }
      }
      return await group.reduce(into: Set<Rational?>()) { $0.insert($1) }
    }
    #expect(results.count == 1)
  }
}

extension Integer {
  fileprivate func tenPower(_ n: Int) -> Integer { (1..<n).reduce(self) { power, _ in power * 10 } }
}
