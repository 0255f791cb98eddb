import ExactArithmetic
import NumberFormats
import Testing

private typealias Rounding = FixedPointFormat.Rounding
private typealias Overflow = FixedPointFormat.Overflow

/// Rows which were computed with the vendor's header.
@Suite struct FixedPointFormatTests {
  private let fixed4 = FixedPointFormat(width: 4, integerBits: 4, signed: true)
  private let ufixed4 = FixedPointFormat(width: 4, integerBits: 4, signed: false)

  @Test func roundingToIntegers() throws {
    let inputs = [10, 6, 2, -2, -6, -10, 5, 7, -5, -7, -1, 3].map { Rational(Integer($0), 4) }
    let table: [(Rounding, [Integer])] = [
      //              2.5 1.5 .5 -.5 -1.5 -2.5 1.25 1.75 -1.25 -1.75 -.25 .75
      (.AP_RND, [3, 2, 1, 0, -1, -2, 1, 2, -1, -2, 0, 1]),
      (.AP_RND_ZERO, [2, 1, 0, 0, -1, -2, 1, 2, -1, -2, 0, 1]),
      (.AP_RND_MIN_INF, [2, 1, 0, -1, -2, -3, 1, 2, -1, -2, 0, 1]),
      (.AP_RND_INF, [3, 2, 1, -1, -2, -3, 1, 2, -1, -2, 0, 1]),
      (.AP_RND_CONV, [2, 2, 0, 0, -2, -2, 1, 2, -1, -2, 0, 1]),
      (.AP_TRN, [2, 1, 0, -1, -2, -3, 1, 1, -2, -2, -1, 0]),
      (.AP_TRN_ZERO, [2, 1, 0, 0, -1, -2, 1, 1, -1, -1, 0, 0]),
    ]
    #expect(table.map(\.0) == Rounding.allCases)
    for (rounding, results) in table {
      let got = try inputs.map { try fixed4.convert($0, rounding: rounding, overflow: .AP_SAT) }
      #expect(got == results, "\(rounding)")
    }
  }

  @Test func overflowOfFourBits() throws {
    let table: [(Overflow, bits: Int, above: [Integer], below: [Integer])] = [
      //                8 9 10 11 12  -9 -10 -11 -12 -13
      (.AP_WRAP, 0, [-8, -7, -6, -5, -4], [7, 6, 5, 4, 3]),
      (.AP_WRAP, 1, [0, 1, 2, 3, 4], [-1, -2, -3, -4, -5]),
      (.AP_WRAP, 2, [4, 5, 6, 7, 4], [-5, -6, -7, -8, -5]),
      (.AP_WRAP_SM, 0, [7, 6, 5, 4, 3], [-8, -7, -6, -5, -4]),
      (.AP_WRAP_SM, 1, [7, 6, 5, 4, 3], [-8, -7, -6, -5, -4]),
      (.AP_WRAP_SM, 2, [7, 6, 5, 4, 4], [-8, -7, -6, -5, -5]),
      (.AP_SAT, 0, [7, 7, 7, 7, 7], [-8, -8, -8, -8, -8]),
      (.AP_SAT_ZERO, 0, [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
      (.AP_SAT_SYM, 0, [7, 7, 7, 7, 7], [-7, -7, -7, -7, -7]),
    ]
    for (overflow, bits, above, below) in table {
      func convert(_ value: Int) throws -> Integer {
        try fixed4.convert(Rational(value), overflow: overflow, saturationBits: bits)
      }
      #expect(try (8...12).map(convert) == above, "\(overflow) \(bits)")
      #expect(try (-13 ... -9).reversed().map(convert) == below, "\(overflow) \(bits)")
    }
  }

  @Test func unsignedWrap() throws {
    let got = try [16, -1, -20].map {
      try ufixed4.convert(Rational($0), overflow: .AP_WRAP, saturationBits: 1)
    }
    #expect(got == [8, 15, 12])
    #expect(try [19, -19].map { try ufixed4.convert(Rational($0)) } == [3, 13])
    #expect(try [31, -19].map { try fixed4.convert(Rational($0)) } == [-1, -3])
  }

  @Test func roundingIntoOverflow() throws {
    func convert(_ value: Rational, _ overflow: Overflow) throws -> Integer {
      try fixed4.convert(value, rounding: .AP_RND, overflow: overflow)
    }
    let order: [Overflow] = [.AP_SAT, .AP_SAT_SYM, .AP_WRAP, .AP_WRAP_SM, .AP_SAT_ZERO]
    #expect(try order.map { try convert(Rational(15, 2), $0) } == [7, 7, -8, 7, 0])
    #expect(try convert(Rational(-17, 2), .AP_SAT_SYM) == -7)
    #expect(try convert(Rational(-17, 2), .AP_SAT_ZERO) == -8)
    #expect(try convert(Rational(-35, 4), .AP_WRAP) == 7)
    #expect(try convert(Rational(-35, 4), .AP_SAT_ZERO) == 0)
  }

  /// Where the vendor's header differs from the closed forms.
  @Test func headerQuirks() throws {
    let fixed1 = FixedPointFormat(width: 1, integerBits: 1, signed: true)
    #expect(try fixed1.convert(Rational(3, 2), rounding: .AP_RND, overflow: .AP_WRAP_SM) == 0)
    #expect(try fixed1.convert(-32, overflow: .AP_SAT_SYM) == -1)
    #expect(try fixed1.convert(-1, overflow: .AP_SAT_SYM) == -1)
    #expect(try fixed1.convert(5, overflow: .AP_SAT_SYM) == 0)
  }

  @Test func refusesModesThatDoNotFit() {
    #expect(throws: FixedPointFormat.ConversionError.signMagnitudeOfUnsigned("ufixed<4,4>")) {
      try ufixed4.convert(1, overflow: .AP_WRAP_SM)
    }
    for bits in [-1, 5] {
      #expect(throws: FixedPointFormat.ConversionError.saturationBits(bits, width: 4)) {
        try fixed4.convert(1, saturationBits: bits)
      }
    }
  }

  @Test func pointMayLieAnywhere() throws {
    let small = FixedPointFormat(width: 4, integerBits: -2, signed: true)
    #expect(small.name == "fixed<4,-2>" && small.fractionBits == 6)
    #expect(small.range == Rational(-1, 8)...Rational(7, 64))
    let big = FixedPointFormat(width: 4, integerBits: 7, signed: false)
    #expect(big.name == "ufixed<4,7>" && big.range == 0...120 && big.value(ofRaw: 3) == 24)
    #expect(big.raw(exactly: 24) == 3 && big.raw(exactly: 4) == nil && big.raw(exactly: 128) == nil)
    #expect(try big.convert(20, rounding: .AP_RND) == 3)
  }
}
