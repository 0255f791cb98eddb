import ExactArithmetic
import Testing

@Suite struct RationalTests {
  @Test func isCanonical() {
    let x = Rational(Integer(6), Integer(-4))
    #expect(x.description == "-3/2" && x.numerator == -3 && x.denominator == 2)
    #expect(x == Rational(Integer(-9), Integer(6)))
    #expect(x.hashValue == Rational(Integer(-9), Integer(6)).hashValue)
    #expect(Rational(0, 7) == 0 && Rational(8, 4).isInteger && Rational(8, 4).description == "2")
  }

  @Test func powersOfTwoScaleExactly() {
    #expect(Rational(3, 8).scaledByPowerOfTwo(2) == Rational(3, 2))
    #expect(Rational(3, 8).scaledByPowerOfTwo(-2) == Rational(3, 32))
    #expect(Rational(0).scaledByPowerOfTwo(-5) == 0 && Rational(0).scaledByPowerOfTwo(5) == 0)
    #expect(Rational(1, 4).scaledByPowerOfTwo(2).isInteger)
  }

  @Test func copiesAreIndependent() {
    var a = Rational(1, 3)
    let b = a
    a += b
    a /= 2
    a *= 3
    #expect(a == 1 && b == Rational(1, 3))
    a -= a
    #expect(a == 0)
  }

  @Test func fieldLaws() throws {
    let samples = (-4...4).flatMap { n in (1...3).map { Rational(Integer(n), Integer($0)) } }
    for a in samples {
      for b in samples {
        try #require(a + b == b + a && a - b == -(b - a) && a * b == b * a)
        try #require((a < b) == ((a - b).signum() < 0))
        if !b.isZero { try #require(a / b * b == a) }
        for c in samples { try #require(a * (b + c) == a * b + a * c) }
      }
    }
  }

  @Test func binaryLogarithmIsExact() throws {
    for n in -70...70 {
      let power = Rational(1).scaledByPowerOfTwo(n)
      let tiny = power.scaledByPowerOfTwo(-90)
      try #require(power.floorLog2 == n && (-power).floorLog2 == n)
      try #require((power - tiny).floorLog2 == n - 1 && (power + tiny).floorLog2 == n)
      try #require((power * Rational(2, 3)).floorLog2 == n - 1)
    }
  }

  @Test func doublesAreExactBothWays() throws {
    let values: [Double] = [
      0, 1, -2.5, 0.1, .pi, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude,
      -.leastNonzeroMagnitude * 3, .leastNormalMagnitude.nextDown,
    ]
    for value in values { try #require(Rational(value).approximate == value) }
    #expect(Rational(0.1).denominator == .powerOfTwo(55))
  }

  @Test func approximationRoundsOnce() {
    let (one, tiny) = (Rational(1), Rational(1).scaledByPowerOfTwo(-200))
    let tie = one + one.scaledByPowerOfTwo(-53)
    #expect(tie.approximate == 1 && (tie + tiny).approximate == 1.0.nextUp)
    let half = one.scaledByPowerOfTwo(-1075)
    #expect(half.approximate == 0 && (half + tiny * half).approximate == .leastNonzeroMagnitude)
    let limit = one.scaledByPowerOfTwo(1024) - one.scaledByPowerOfTwo(970)
    #expect(limit.approximate == .infinity)
    #expect((limit - 1).approximate == .greatestFiniteMagnitude)
    #expect((-limit).approximate == -.infinity)
  }

  @Test func parsesDecimals() {
    let cases: [(String, Rational)] = [
      ("0", 0), ("-0", 0), ("-0.0", 0), ("5", 5), ("5.0", 5), ("1e2", 100), ("1E+2", 100),
      ("1e-3", Rational(1, 1000)), ("-0.25", Rational(-1, 4)), ("12.50e-1", Rational(5, 4)),
      ("0.1", Rational(1, 10)), ("0e5", 0),
      ("1e0020", Rational(Integer(100_000_000_000)) * 1_000_000_000),
    ]
    for (text, value) in cases { #expect(Rational.parse(text) == value, "\(text)") }
    #expect(Rational.parse("1e-20000") != nil)
  }

  @Test func parsesHexFloats() {
    let cases: [(String, Rational)] = [
      ("-0x1.8p+1", -3), ("0x1p-2", Rational(1, 4)), ("0X.8P1", 1), ("0x1.", 1), ("0xff", 255),
      ("0x0p+0", 0), ("0x1.fffffep+127", Rational(Double(Float.greatestFiniteMagnitude))),
    ]
    for (text, value) in cases { #expect(Rational.parse(text) == value, "\(text)") }
    #expect(Rational.parse("0x1p-100000")?.floorLog2 == -100_000)
  }

  @Test func refusesEverythingElse() {
    let texts = [
      "", "-", "+1", " 1", "1 ", "01", "-01", ".5", "5.", "1e", "1e+", "e5", "1.e5", "0x", "0x.",
      "0xp1", "0x1p", "0x1.8p1.0", "1e20001", "1e-20001", "0x1p100001", "1e99999999999999999999",
      "nan", "inf", "1,5", "1_000", "--1", "0x-1", "１", "1e٣",
    ]
    for text in texts { #expect(Rational.parse(text) == nil, "\(text)") }
  }
}
