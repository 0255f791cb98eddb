import ExactArithmetic
import Testing

@Suite struct IntegerTests {
  @Test func copiesAreIndependent() {
    var a: Integer = 5
    let b = a
    a += 1
    #expect(a == 6 && b == 5)
    a *= a
    #expect(a == 36)
    a -= a
    #expect(a == 0 && b == 5)
  }

  @Test func agreesWithMachineArithmetic() throws {
    let values: [Int64] = [
      .min, .min + 1, -1 << 33, -257, -256, -17, -2, -1, 0, 1, 2, 3, 16, 255, 1 << 33, .max,
    ]
    for a in values {
      let x = Integer(a)
      try #require(x.int64 == a && x.low64 == UInt64(bitPattern: a) && x.description == "\(a)")
      try #require(x.magnitude == Integer(a.magnitude) && x.signum() == Int(a.signum()))
      try #require(x.bitWidth == 64 - a.magnitude.leadingZeroBitCount)
      for n in 0..<64 {
        try #require(x >> n == Integer(a >> n) && x << n == x * .powerOfTwo(n))
        try #require(x.bit(n) == (a >> n & 1 == 1))
      }
      for b in values {
        let y = Integer(b)
        try #require((x + y).low64 == UInt64(bitPattern: a &+ b))
        try #require((x - y).low64 == UInt64(bitPattern: a &- b))
        try #require((x * y).low64 == UInt64(bitPattern: a &* b))
        try #require((x * y).description == "\(Int128(a) * Int128(b))")
        try #require((x < y) == (a < b) && (x == y) == (a == b))
        guard b != 0 else { continue }
        let (quotient, remainder) = x.quotientAndRemainder(flooringBy: y)
        try #require(quotient * y + remainder == x)
        try #require(remainder == 0 || remainder.signum() == y.signum())
        try #require(remainder.magnitude < y.magnitude)
      }
    }
  }

  @Test func convertsWideIntegers() {
    #expect(Integer(UInt64.max).description == "18446744073709551615")
    #expect(Integer(Int128.min) == -Integer.powerOfTwo(127))
    #expect(Integer(UInt128.max) == Integer.powerOfTwo(128) - 1)
    #expect(Integer(UInt64.max).int64 == nil)
    #expect(Integer.powerOfTwo(200).hashValue == (Integer(1) << 200).hashValue)
  }

  @Test func wrapsAndClamps() {
    #expect(
      [127, 128, 255, 256, -129].map { Integer($0).wrapped(bits: 8, signed: true) }
        == [127, -128, -1, 0, 127])
    #expect([-1, 256, 300].map { Integer($0).wrapped(bits: 8, signed: false) } == [255, 0, 44])
    #expect([-9, 3, 9].map { Integer($0).clamped(to: -8...7) } == [-8, 3, 7])
  }

  @Test func readsDigitsAndNothingElse() {
    #expect(
      Integer("-123456789012345678901234567890")?.description
        == "-123456789012345678901234567890")
    #expect(Integer("-fF", radix: 16) == -255)
    #expect(Integer("-fF", radix: 16)?.text(radix: 16) == "-ff")
    for text in ["", "-", "+1", " 1", "1 ", "0x1", "--1", "1_0", "2é", "１"] {
      #expect(Integer(text) == nil, "\(text)")
    }
    #expect(Integer("2", radix: 2) == nil)
  }

  @Test func zeroDivisorTraps() async {
    await #expect(processExitsWith: .failure) {
      _ = Integer(1).quotientAndRemainder(flooringBy: 0)
    }
  }
}
