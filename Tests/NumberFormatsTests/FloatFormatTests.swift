import ExactArithmetic
import NumberFormats
import Testing

@Suite struct FloatFormatTests {
  /// The ONNX table, and IEEE 754's for the wide formats.
  @Test func characteristics() {
    let table: [(FloatFormat, bits: Int, largest: Rational, least: Int, leastNormal: Int)] = [
      (.float8E4M3FN, 8, 448, -9, -6),
      (.float8E4M3FNUZ, 8, 240, -10, -7),
      (.float8E5M2, 8, 57344, -16, -14),
      (.float8E5M2FNUZ, 8, 57344, -17, -15),
      (.float4E2M1FN, 4, 6, -1, 0),
      (.float8E8M0FNU, 8, .pow2(127), -127, -127),
      (.binary16, 16, 65504, -24, -14),
      (.bfloat16, 16, .pow2(128) - .pow2(120), -133, -126),
      (.binary32, 32, Rational(Double(Float.greatestFiniteMagnitude)), -149, -126),
      (.binary64, 64, Rational(Double.greatestFiniteMagnitude), -1074, -1022),
    ]
    for (format, bits, largest, least, leastNormal) in table {
      #expect(format.bits == bits, "\(format.name)")
      #expect(format.largestFinite == largest, "\(format.name)")
      #expect(format.smallestSubnormal == .pow2(least), "\(format.name)")
      #expect(format.smallestNormal == .pow2(leastNormal), "\(format.name)")
    }
  }

  /// non-negative finite codes, and where NaN and infinity are.
  @Test func specialCodes() {
    let table: [(FloatFormat, finite: Int, nan: [UInt64], infinities: [UInt64])] = [
      (.float8E4M3FN, 127, [0x7F, 0xFF], []),
      (.float8E4M3FNUZ, 128, [0x80], []),
      (.float8E5M2, 124, [0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF], [0x7C, 0xFC]),
      (.float8E5M2FNUZ, 128, [0x80], []),
      (.float4E2M1FN, 8, [], []),
      (.float8E8M0FNU, 255, [0xFF], []),
    ]
    for (format, finite, nan, infinities) in table {
      #expect(format.positiveValues.count == finite, "\(format.name)")
      #expect(format.allCodes.filter(format.isNaN) == nan, "\(format.name)")
      #expect(format.allCodes.filter { format.decode($0).isInfinite } == infinities)
    }
    #expect(
      FloatFormat.float4E2M1FN.positiveValues
        == [0, Rational(1, 2), 1, Rational(3, 2), 2, 3, 4, 6])
    #expect(FloatFormat.float8E4M3FN.decode(0x80) == .negativeZero)
    #expect(FloatFormat.float8E8M0FNU.decode(0x7F) == .finite(1))
    #expect(FloatFormat.binary32.nanCode == 0x7FC0_0000)
    #expect(FloatFormat.float8E5M2.nanCode == 0x7E)
  }

  @Test(arguments: FloatFormat.small.map(\.name))
  func everyValueRoundTrips(name: String) throws {
    let format = try #require(FloatFormat.small.first { $0.name == name })
    for code in format.allCodes {
      let number = format.decode(code)
      let expected = format.isNaN(code: code) ? format.nanCode : code
      try #require(format.encode(number) == expected, "code \(code)")
      try #require(format.encode(number, rounding: .exact) == expected, "code \(code)")
      if !number.isNaN { try #require(format.code(exactly: number) == code, "code \(code)") }
    }
  }

  /// Positive codes are in the order of their values, the midpoint of two goes to the even code
  /// (IEEE 754-2019 4.3.1: the larger where there is no fraction), and anything off it to its side.
  @Test(arguments: FloatFormat.small.map(\.name))
  func midpointsTieToEven(name: String) throws {
    let format = try #require(FloatFormat.small.first { $0.name == name })
    var values = format.positiveValues
    // Where the value after the largest would be: overflow is decided after rounding.
    values.append(values[values.count - 1] * 2 - values[values.count - 2])
    if format == .float8E8M0FNU { values[values.count - 1] = .pow2(128) }
    let overflow = format.encode(.infinity(negative: false))
    for (index, (low, high)) in zip(values, values.dropFirst()).enumerated() {
      try #require(low < high)
      let lowCode = UInt64(index)
      let highCode = index == values.count - 2 ? overflow : lowCode + 1
      let isLowEven = index % 2 == 0 && format != .float8E8M0FNU
      let middle = (low + high) / 2
      let tiny = (high - low) / 1000
      let tie = isLowEven ? lowCode : highCode
      try #require(format.encode(.finite(middle)) == tie, "midpoint above code \(index)")
      try #require(format.encode(.finite(middle - tiny)) == lowCode)
      try #require(format.encode(.finite(middle + tiny)) == highCode)
      if format.hasNegativeZero && highCode != overflow {
        try #require(format.encode(.finite(-middle)) == tie | 1 << UInt64(format.bits - 1))
      }
    }
  }

  /// Every rule against a search for the neighbours among all values of the format.
  @Test(arguments: FloatFormat.eightBitsAndFewer.map(\.name))
  func everyRuleAgainstSearch(name: String) throws {
    let format = try #require(FloatFormat.small.first { $0.name == name })
    let values = format.positiveValues
    let fractions = [Rational(1, 7), Rational(1, 2), Rational(6, 7)]
    for (low, high) in zip(values, values.dropFirst()) {
      for fraction in fractions {
        let x = low + (high - low) * fraction
        for rule in RoundingRule.allCases where rule != .exact {
          // In units of the gap the lower neighbour is an even or odd integer, as its code is.
          let isLowEven = format.isSigned && (format.code(exactly: .finite(low)) ?? 1) % 2 == 0
          let units: Rational = (isLowEven ? 0 : 1) + fraction
          func nearer(_ result: Integer) -> Rational {
            result.magnitude == units.floor ? low : high
          }
          let above = nearer(units.roundedUnlessExact(rule))
          let below = -nearer((-units).roundedUnlessExact(rule))
          try #require(format.rounded(.finite(x), rounding: rule) == .finite(above), "\(rule) \(x)")
          guard format.isSigned else { continue }
          let negative = try #require(format.rounded(.finite(-x), rounding: rule).rational)
          try #require(negative == below, "\(rule) \(-x)")
        }
      }
    }
  }

  @Test func overflowByIEEE() {
    let huge = Number.finite(.pow2(200))
    func code(_ format: FloatFormat, _ rule: RoundingRule, _ number: Number) -> UInt64 {
      format.encode(number, rounding: rule)
    }
    for rule in RoundingRule.allCases where rule != .exact {
      let staysAbove = [.floor, .towardZero].contains(rule)
      let staysBelow = [.ceiling, .towardZero].contains(rule)
      #expect(code(.binary16, rule, huge) == (staysAbove ? 0x7BFF : 0x7C00), "\(rule)")
      #expect(code(.binary16, rule, -huge) == (staysBelow ? 0xFBFF : 0xFC00), "\(rule)")
      #expect(code(.float8E4M3FN, rule, huge) == (staysAbove ? 0x7E : 0x7F), "\(rule)")
      #expect(code(.float8E4M3FNUZ, rule, -huge) == (staysBelow ? 0xFF : 0x80), "\(rule)")
      #expect(code(.float4E2M1FN, rule, -huge) == 0xF, "\(rule)")
      #expect(code(.float8E8M0FNU, rule, huge) == (staysAbove ? 0xFE : 0xFF), "\(rule)")
    }
  }

  /// The ONNX cast tables: `[x]` is rounded first, so 464 (a tie) is still 448.
  @Test func overflowOfEightBitFormats() {
    let e4m3 = FloatFormat.float8E4M3FN
    #expect(e4m3.encode(.finite(464)) == 0x7E && e4m3.encode(.finite(465)) == 0x7F)
    #expect(e4m3.encode(.finite(465), overflow: .saturate) == 0x7E)
    let e5m2 = FloatFormat.float8E5M2
    #expect(e5m2.encode(.finite(61439)) == 0x7B && e5m2.encode(.finite(61440)) == 0x7C)
    let plus = Number.infinity(negative: false)
    let table: [(FloatFormat, ieee: [UInt64], saturating: [UInt64])] = [
      // +inf, -inf, NaN, 10^6, -10^6, -0
      (.float8E4M3FN, [0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x80], [0x7E, 0xFE, 0x7F, 0x7E, 0xFE, 0x80]),
      (.float8E4M3FNUZ, [0x80, 0x80, 0x80, 0x80, 0x80, 0], [0x80, 0x80, 0x80, 0x7F, 0xFF, 0]),
      (.float8E5M2, [0x7C, 0xFC, 0x7E, 0x7C, 0xFC, 0x80], [0x7B, 0xFB, 0x7E, 0x7B, 0xFB, 0x80]),
      (.float8E5M2FNUZ, [0x80, 0x80, 0x80, 0x80, 0x80, 0], [0x80, 0x80, 0x80, 0x7F, 0xFF, 0]),
      (.float4E2M1FN, [7, 15, 7, 7, 15, 8], [7, 15, 7, 7, 15, 8]),
    ]
    let inputs = [plus, -plus, .nan, .finite(1_000_000), .finite(-1_000_000), .negativeZero]
    for (format, ieee, saturating) in table {
      #expect(inputs.map { format.encode($0) } == ieee, "\(format.name)")
      #expect(inputs.map { format.encode($0, overflow: .saturate) } == saturating, "\(format.name)")
    }
  }

  /// ONNX QuantizeLinear goldens of the float8 and float4 types, divided beforehand.
  @Test func onnxGoldens() {
    let inputs: [Rational] = [0, Rational(1, 2), 1, 50000, 100]
    func cast(_ format: FloatFormat, _ values: [Rational]) -> [Rational?] {
      values.map { format.rounded(.finite($0), overflow: .saturate).rational }
    }
    #expect(cast(.float8E4M3FN, inputs) == [0, Rational(1, 2), 1, 448, 96])
    #expect(cast(.float8E5M2, inputs) == [0, Rational(1, 2), 1, 49152, 96])
    let row = [Rational(5, 4), Rational(12, 5), Rational(43, 10), -10, Rational(-20, 3), 2, 3]
    #expect(cast(.float4E2M1FN, row) == [1, 2, 4, -6, -6, 2, 3])
  }

  @Test func powersOfTwo() {
    let e8m0 = FloatFormat.float8E8M0FNU
    let oneAndAHalf = Number.finite(Rational(3, 2))
    #expect(e8m0.encode(oneAndAHalf) == 128 && e8m0.encode(oneAndAHalf, rounding: .floor) == 127)
    #expect(e8m0.encode(oneAndAHalf, rounding: .nearestUp) == 128)
    #expect(e8m0.encode(.finite(3)) == 129, "a tie, with an odd code as the result")
    #expect(e8m0.encode(.finite(.pow2(-200))) == 0 && e8m0.encode(.zero) == 0)
    #expect(e8m0.encode(.finite(-1)) == 0xFF)
    #expect(e8m0.encode(.finite(.pow2(128)), overflow: .saturate) == 0xFE)
    #expect(e8m0.code(exactly: .zero) == nil && e8m0.code(exactly: oneAndAHalf) == nil)
  }

  @Test(arguments: FloatFormat.small.map(\.name))
  func neighboursAreNeighbours(name: String) throws {
    let format = try #require(FloatFormat.small.first { $0.name == name })
    for code in format.allCodes {
      let (up, down) = (format.nextUp(code), format.nextDown(code))
      guard !format.isNaN(code: code) else {
        try #require(up == code && down == code)
        continue
      }
      let number = format.decode(code)
      if up == code {
        try #require(number == .finite(format.largestFinite) || number.isInfinite)
      } else if let high = format.decode(up).rational, let low = number.rational {
        try #require(low < high || low == 0 && high == 0, "code \(code)")
        if !low.isZero && !high.isZero { try #require(format.nextDown(up) == code) }
      }
      if let low = format.decode(down).rational, let high = number.rational, down != code {
        try #require(low < high, "code \(code)")
      }
    }
  }

  @Test func neighboursOfTheZeros() {
    let e4m3 = FloatFormat.float8E4M3FN
    #expect([0x81, 0x80, 0x00].map(e4m3.nextUp) == [0x80, 0x01, 0x01])
    #expect([0x01, 0x00, 0x80].map(e4m3.nextDown) == [0x00, 0x81, 0x81])
    let fnuz = FloatFormat.float8E4M3FNUZ
    #expect(fnuz.nextUp(0x81) == 0 && fnuz.nextDown(0) == 0x81)
    #expect(FloatFormat.binary16.nextUp(0xFC00) == 0xFBFF)
    #expect(FloatFormat.float4E2M1FN.nextDown(0xF) == 0xF)
  }

  /// A decimal is rounded once: just above a tie, binary64 in between would fall back on the tie.
  @Test func decimalsDoNotPassThroughBinary64() throws {
    // 1 + 2^-24 is the midpoint of 1 and the next binary32.
    let tie = "1.000000059604644775390625"
    let above = tie + String(repeating: "0", count: 40) + "1"
    let numbers = try [tie, above].map { try #require(Number.parse($0)) }
    #expect(numbers.map { FloatFormat.binary32.encode($0) } == [0x3F80_0000, 0x3F80_0001])
    let through = Number(try #require(Double(above)))
    #expect(FloatFormat.binary32.encode(through) == 0x3F80_0000, "the trap this test is about")
  }

  @Test func numbersReadAndPrint() throws {
    let texts = ["nan", "inf", "-inf", "-0", "5/2", "-3"]
    let numbers: [Number] = [
      .nan, .infinity(negative: false), .infinity(negative: true), .negativeZero,
      .finite(Rational(5, 2)), .finite(-3),
    ]
    #expect(numbers.map(\.description) == texts)
    #expect(
      ["-0", "-0.0", "-0x0p+0", "-0e5"].map(Number.parse)
        == Array(repeating: .negativeZero, count: 4))
    #expect(Number.parse("0") == .zero && Number.parse("Inf") == nil && Number.parse("+1") == nil)
    #expect(Number(-0.0) == .negativeZero && Number(.nan) == .nan && Number(2.5) == numbers[4])
    #expect(Number.negativeZero != .zero && -Number.zero == .negativeZero)
  }
}
