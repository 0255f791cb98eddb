import ExactArithmetic
import NumberFormats
import Testing

@testable import Operations

/// The checks of `specs/requantize.md`.
@Suite struct RequantizeTests {
  /// Requantizes to int32 with a zero point of 0 by multiplier and shift.
  private func fixed(
    _ dialect: String, _ acc: String, _ m: Int, _ shift: Int, acc type: String = "int32"
  ) -> String {
    answer(
      """
      requantize \(dialect) | acc \(type) \(acc) | multiplier int32 \(m) | shift int8 \(shift) \
      | zero_point int32 0
      """)
  }

  /// Requantizes to int8 with a zero point of 0 by a float32 scale.
  private func scaled(_ dialect: String, _ acc: String, _ scale: String) -> String {
    answer("requantize \(dialect) | acc int32 \(acc) | scale float32 \(scale) | zero_point int8 0")
  }

  /// [requantize §4]: QuantizeMultiplier.
  @Test func quantizeMultiplier() throws {
    let pairs: [(scale: String, m: Int, shift: Int)] = [
      ("1", 1 << 30, 1), ("0.5", 1 << 30, 0), ("0.75", 1_610_612_736, 0),
      ("0.0003", 1_319_413_953, -11), ("0x1p-31", 1 << 30, -30), ("0x1p-32", 1 << 30, -31),
      ("0x1p-33", 0, 0), ("0x1.fffffffffp-1", 1 << 30, 1), ("1e-10", 0, 0),
      ("6.123", 1_643_630_297, 3), ("0x1.ffffffep-1", (1 << 31) - 8, 0),
    ]
    for pair in pairs {
      let double = Double(pair.scale) ?? 0
      let fixed = try FixedMultiplier(
        of: Rational(double), by: .tflite, bits: 32, xnnpackLimit: 256)
      #expect(
        fixed.multiplier == Integer(pair.m) && 31 - fixed.rightShift == pair.shift,
        "\(pair.scale): \(fixed.multiplier), \(31 - fixed.rightShift)")
      for dialect in ["tflite", "tflite-single", "tflite-opt", "cmsis-nn"] {
        let acc = "| acc int32 1 -1 1000003 -1000003 268435455 | zero_point int32 0"
        #expect(
          answer("requantize \(dialect) \(acc) | scale float64 \(pair.scale)")
            == answer(
              "requantize \(dialect) \(acc) | multiplier int32 \(pair.m) | shift int8 \(pair.shift)"
            ),
          "\(dialect) \(pair.scale)")
      }
    }
  }

  /// A fraction that is a tie rounds away from zero: 2^31 * (1/2 + 2^-33).
  @Test func quantizeMultiplierTies() throws {
    let up = try FixedMultiplier(
      of: Rational(0x1.00000002p-1), by: .tflite, bits: 32, xnnpackLimit: 256)
    #expect(up.multiplier == Integer((1 << 30) + 1))
    let down = try FixedMultiplier(
      of: Rational(0x1.00000001fffffp-1), by: .tflite, bits: 32, xnnpackLimit: 256)
    #expect(down.multiplier == Integer(1 << 30))
  }

  /// [requantize §17].
  @Test func xnnpackMultiplier() throws {
    let rows: [(Float, Int, Int)] = [
      (0.5, 8_388_608, 24), (0.125, 8_388_608, 26), (1.8872236751121818e-06, 16_600_195, 43),
    ]
    for (scale, m, shift) in rows {
      let fixed = try FixedMultiplier(
        of: Rational(Double(scale)), by: .xnnpack, bits: 32, xnnpackLimit: 256)
      #expect(fixed.multiplier == Integer(m) && fixed.rightShift == shift, "\(scale)")
    }
  }

  /// SRDHM by a multiplier with shift 0 and int32 output.
  @Test func highMultiply() {
    let (low, high) = (Int(Int32.min), Int(Int32.max))
    let rows: [(a: Int, b: Int, y: Int)] = [
      (1 << 30, 1 << 30, 1 << 29), (low, low, high), (low, high, -2_147_483_647),
      (high, high, 2_147_483_646), (1, 1 << 30, 1), (-1, 1 << 30, 0), (3, 1 << 30, 2),
      (-3, 1 << 30, -1), (5, 1 << 30, 3), (-5, 1 << 30, -2),
    ]
    for row in rows {
      #expect(fixed("tflite", "\(row.a)", row.b, 0) == "\(row.y)", "\(row)")
      #expect(fixed("tflite-opt", "\(row.a)", row.b, 0) == "\(row.y)", "\(row)")
    }
    // CMSIS-NN does not saturate: 2^31 becomes -2^31.
    #expect(fixed("cmsis-nn", "\(low)", low, 0) == "\(low)")
  }

  /// RoundingDivideByPOT, behind a multiplier of -2^31 that only changes the sign.
  @Test func roundingDivide() {
    let rows: [(x: Int, exponent: Int, y: Int)] = [
      (5, 1, 3), (-5, 1, -3), (6, 2, 2), (-6, 2, -2), (2, 2, 1), (-2, 2, -1), (10, 2, 3),
      (-10, 2, -3), (Int(Int32.max), 31, 1), (-Int(Int32.max), 31, -1), (7, 0, 7), (1, 31, 0),
    ]
    for row in rows {
      let y = fixed("tflite", "\(-row.x)", Int(Int32.min), -row.exponent)
      #expect(y == "\(row.y)", "\(row)")
    }
    // The optimized kernels round the second time half up: VRSHL on NEON, ruy on x86.
    #expect(fixed("tflite-opt", "5 -5 2 -2", Int(Int32.min), -1) == "-2 3 -1 1")
  }

  /// where the families disagree, m = 2^30.
  @Test func counterExamples() {
    let dialects = [
      "tflite", "tflite-single", "tflite-opt", "tosa-double", "tosa-single", "tflite-away",
    ]
    let rows: [(shift: Int, x: Int, y: [Int])] = [
      (-1, -39, [-10, -10, -9, -10, -10, -10]), (-1, -38, [-10, -9, -9, -10, -9, -10]),
      (-2, -4, [-1, 0, 0, -1, 0, -1]), (-2, -5, [-1, -1, 0, -1, -1, -1]),
      (-3, 7, [1, 0, 1, 1, 0, 0]), (-3, -8, [-1, 0, 0, -1, 0, -1]),
      (0, -127, [-63, -63, -63, -63, -63, -64]),
      (0, -5, [-2, -2, -2, -2, -2, -3]), (0, 5, [3, 3, 3, 3, 3, 3]), (-1, 1, [1, 0, 1, 1, 0, 0]),
    ]
    for row in rows {
      let found = dialects.map { dialect in
        fixed(dialect, "\(row.x)", 1 << 30, dialect.hasPrefix("tosa") ? 31 - row.shift : row.shift)
      }
      #expect(found == row.y.map(String.init), "shift \(row.shift), x \(row.x)")
    }
  }

  /// A known bug (tensorflow#25087): x = 7984, m = 1583594044, shift = -9: 12 by two roundings, 11 by one; exact 11.499.
  @Test func twoRoundingsAgainstOne() {
    #expect(fixed("tflite", "7984", 1_583_594_044, -9) == "12")
    #expect(fixed("tflite-single", "7984", 1_583_594_044, -9) == "11")
    #expect(fixed("tosa-double", "7984", 1_583_594_044, 40) == "12")
    #expect(fixed("ideal", "7984", 1_583_594_044, -9) == "11")
    // Observed: M = 0.25, acc = 1, exactly 0.25; and acc = -5213, exactly -51.4949.
    for (dialect, y) in [
      ("tflite", "1"), ("tflite-opt", "1"), ("tflite-single", "0"), ("tflite-away", "0"),
      ("xnnpack-fp32", "0"), ("ideal", "0"),
    ] {
      #expect(scaled(dialect, "1", "0.25") == y, "\(dialect)")
    }
    #expect(scaled("tflite", "-5213", "0.0098781746") == "-52")
    #expect(scaled("xnnpack-fp32", "-5213", "0.0098781746") == "-51")
  }

  /// [requantize §2], observed behaviour: binary32, not binary64; the zero point before or after.
  @Test func floatMultiplier() {
    func y(_ dialect: String, _ acc: String, _ scale: String, _ zero: Int) -> String {
      answer(
        "requantize \(dialect) | acc int32 \(acc) | scale float32 \(scale) | zero_point int8 \(zero)"
      )
    }
    #expect(y("onnx", "49365999", "5.165498464521079e-07", 3) == "29")
    #expect(y("onnx-reference", "49365999", "5.165498464521079e-07", 3) == "28")
    #expect(y("ideal", "49365999", "5.165498464521079e-07", 3) == "28")
    #expect(y("onnx", "11", "0.5", 77) == "83")
    #expect(y("onnx-reference", "11", "0.5", 77) == "82")
    // [requantize §23], [requantize §24]
    for dialect in ["fbgemm", "qnnpack"] {
      #expect(y(dialect, "5 1", "0.5", 3) == "5 3", "\(dialect)")
    }
    #expect(y("onednn", "5 1", "0.5", 3) == "6 4")
    #expect(y("onednn", "5", "0.5", 4) == "6")
    #expect(y("fbgemm", "5", "0.5", 4) == "6")
  }

  /// XNNPACK's four, scale 1/2 and 1/8.
  @Test func xnnpack() {
    let dialects = ["xnnpack-fp32", "xnnpack-rndnu", "xnnpack-rndna", "xnnpack-gemmlowp"]
    let rows: [(scale: String, acc: Int, y: [Int])] = [
      ("0.5", -5, [-2, -2, -3, -2]), ("0.5", -3, [-2, -1, -2, -1]), ("0.5", -1, [0, 0, -1, 0]),
      ("0.5", 1, [0, 1, 1, 1]), ("0.5", 3, [2, 2, 2, 2]), ("0.5", 5, [2, 3, 3, 3]),
      ("0.125", -12, [-2, -1, -2, -2]), ("0.125", -4, [0, 0, -1, -1]), ("0.125", 3, [0, 0, 0, 1]),
      ("0.125", 4, [0, 1, 1, 1]), ("0.125", 12, [2, 2, 2, 2]),
      ("1.8872236751121818e-06", 18_810_700, [36, 35, 35, 35]),
    ]
    for row in rows {
      let found = dialects.map { scaled($0, "\(row.acc)", row.scale) }
      #expect(found == row.y.map(String.init), "\(row.scale) * \(row.acc)")
    }
    for (dialect, scale) in [
      ("xnnpack-rndnu", "256"), ("xnnpack-rndnu", "0x1p-33"), ("xnnpack-rndna", "1"),
      ("xnnpack-gemmlowp", "1.5"),
    ] {
      let found = scaled(dialect, "1", scale)
      #expect(found.hasPrefix("unsupported: scale"), "\(dialect) \(scale)")
    }
    #expect(scaled("xnnpack-rndnu", "1 -1", "255") == "127 -128")
    #expect(scaled("xnnpack-rndnu", "1", "0x1p-32") == "0")
  }

  /// [requantize §22].
  @Test func cmsis() {
    #expect(fixed("cmsis-nn", "-38", 1 << 30, -1) == "-10")
    #expect(fixed("cmsis-nn-single", "-38", 1 << 30, -1) == "-9")
    for shift in [-20, -7, -1, 0, 3] {
      let acc = "-100001 -38 -39 -1 0 1 7 38 39 100001 8388607"
      #expect(
        fixed("cmsis-nn", acc, 1_610_612_737, shift) == fixed("tflite", acc, 1_610_612_737, shift))
      #expect(
        fixed("cmsis-nn-single", acc, 1_610_612_737, shift)
          == fixed("tflite-single", acc, 1_610_612_737, shift))
    }
  }

  /// [requantize §11]: accumulators of 48 and 64 bits take a multiplier of 16 bits.
  @Test(arguments: ["tflite", "tflite-opt", "tflite-single", "cmsis-nn", "cmsis-nn-single"])
  func wideAccumulators(dialect: String) {
    for type in ["int48", "int64"] {
      let rows: [(m: Int, shift: Int, acc: String, y: String)] = [
        (1 << 30, 0, "100001 -100001 3 -3", "50001 -50000 2 -1"),
        (1_610_612_736, 0, "100001", "75001"),
        (2_147_483_433, 0, "100001", "99998"), (0x7FFE_FFFF, 0, "32768", "32767"),
        (0x7FFF_0000, 0, "32768", "32767"), (0x3FFF_8000, 0, "32769", "16385"),
        (0x3FFF_7FFF, 0, "32768", "16383"), (1 << 30, 7, "5", "320"),
        (1 << 30, -31, "\(1 << 46)", "16384"),
        (1 << 30, -31, "-140737488355328", "-32768"),
      ]
      for row in rows {
        #expect(fixed(dialect, row.acc, row.m, row.shift, acc: type) == row.y, "\(type) \(row)")
      }
    }
    // From 2^47 on the contract is left; so it is beyond int32 in the result, and from shift 8 on.
    #expect(fixed(dialect, "140737488355328", 1, -31, acc: "int64") == "null")
    #expect(fixed(dialect, "-140737488355329", 1, -31, acc: "int64") == "null")
    #expect(fixed(dialect, "140737488355327", 1 << 30, 7, acc: "int64") == "null")
    #expect(fixed(dialect, "1", 1 << 30, 8, acc: "int48").hasPrefix("precondition: shift"))
  }

  /// Positive shifts shift left first; what leaves int32 there is undefined in C.
  @Test func leftShift() {
    #expect(fixed("tflite", "1073741824 1073741823", 1 << 30, 1) == "null 1073741823")
    #expect(fixed("tflite", "3 -3", 1 << 30, 4) == "24 -24")
    #expect(fixed("tflite-single", "3 -3", 1 << 30, 4) == "24 -24")
    #expect(fixed("tflite-single", "2147483647", 1 << 30, 4) == "null")
    #expect(fixed("ideal", "1073741824", 1 << 30, 1) == "1073741824")
  }

  /// [requantize §12] to [requantize §16].
  @Test func tosa() {
    #expect(fixed("tosa-single", "-5 5", 1 << 30, 31) == "-2 3")
    #expect(fixed("tosa-single", "-39 -38 1", 1 << 30, 32) == "-10 -9 0")
    #expect(fixed("tosa-double", "-39 -38 1", 1 << 30, 32) == "-10 -10 1")
    #expect(fixed("tosa-single", "10000 -10000", 1 << 30, 30) == "10000 -10000")
    // -2^(s-1) <= v < 2^(s-1), else unpredictable.
    #expect(fixed("tosa-single", "-2 -1 0 1 2 -3", 1, 2) == "0 0 0 0 null null")
    #expect(fixed("tosa-single", "8191 8192 -8192 -8193", 1 << 14, 14) == "8191 null -8192 null")
    // There is no such condition with a 16-bit multiplier.
    func sixteen(_ acc: String, _ m: Int, _ shift: Int, _ dialect: String = "tosa-single") -> String {
      answer(
        """
        requantize \(dialect) | acc int48 \(acc) | multiplier int16 \(m) | shift int8 \(shift) \
        | zero_point int32 0
        """)
    }
    #expect(sixteen("10000", 1 << 14, 14) == "10000")
    #expect(sixteen("-100001 100001", 1 << 14, 15) == "-50000 50001")
    #expect(sixteen("140737488355327", 1 << 14, 14) == "null")
    #expect(sixteen("1", 1 << 14, 14, "tosa-double").hasPrefix("unsupported"))
    for shift in [0, 1, 63] {
      #expect(fixed("tosa-single", "1", 1, shift).hasPrefix("precondition: shift is \(shift)"))
    }
    for shift in [2, 62] { #expect(fixed("tosa-single", "1", 1, shift) == "0") }
    #expect(fixed("tosa-single", "1", -1, 30).hasPrefix("precondition: multiplier -1"))
    // r + z must fit in int32.
    #expect(
      answer(
        """
        requantize tosa-single | acc int32 2147483647 5 | multiplier int32 1073741824 \
        | shift int8 30 | zero_point int8 1
        """) == "null 6")
  }

  /// [requantize §29]: a scale as TOSA's multiplier and shift.
  @Test func tosaMultiplier() throws {
    let rows: [(scale: Double, m: Int, shift: Int)] = [
      (0.5, 1 << 30, 31), (1, 1 << 30, 30), (0x1p28, 1 << 30, 2), (0x1.8p-33, 805_306_368, 62),
      (0x1p-62, 1, 62), (0x1p-63, 0, 62), (1 - 0x1p-33, 1 << 30, 30),
    ]
    for row in rows {
      let fixed = try FixedMultiplier(
        of: Rational(row.scale), by: .tosa, bits: 32, xnnpackLimit: 256)
      #expect(fixed.multiplier == Integer(row.m) && fixed.rightShift == row.shift, "\(row)")
    }
    #expect(scaled("tosa-single", "1", "0x1p29").hasPrefix("precondition: the shift of the scale"))
    #expect(scaled("tosa-single", "1 -2 2 -3", "0x1p28") == "127 -128 null null")
    #expect(fixed("tosa-single", "5 1", 1 << 30, 2) == "null 268435456")
  }

  /// [requantize §4]: a scale that no shift can hold is capped or refused.
  @Test func largeScales() {
    func y(_ dialect: String, _ scale: String) -> String {
      answer("requantize \(dialect) | acc int32 1 | scale float64 \(scale) | zero_point int32 0")
    }
    for scale in ["0x1p30", "0x1p40"] {
      #expect(y("tflite-single", scale) == "1073741824")
      #expect(y("tflite", scale).hasPrefix("precondition: the shift of the scale"))
    }
    for dialect in ["tflite", "tflite-single"] { #expect(y(dialect, "0x1p29") == "536870912") }
  }

  /// [requantize §11], [requantize §22], [requantize §23], [requantize §24]: the numbers of the clauses.
  @Test func clauses() {
    #expect(
      fixed("cmsis-nn", "2147483646 2147483648 -2147483648", 1 << 30, 0, acc: "int64")
        == "1073741823 null -1073741824")
    #expect(fixed("tflite", "2147483648", 1 << 30, 0, acc: "int64") == "1073741824")
    #expect(scaled("fbgemm", "2147483647", "2") == "null")
    #expect(scaled("fbgemm", "2147483647", "0.5") == "127")
    func product(
      _ dialect: String, _ a: String, _ b: String, _ scales: (String, String, String),
      zero: String = "int16 0"
    ) -> String {
      answer(
        """
        qmatmul \(dialect) | a \(a) | b \(b) | a_scale float32 \(scales.0) | b_scale float32 \(scales.1) \
        | y_scale float32 \(scales.2) | a_zero_point \(a.prefix { $0 != "[" }) 0 \
        | b_zero_point \(b.prefix { $0 != "[" }) 0 | y_zero_point \(zero)
        """)
    }
    let fine = ("0.0013597512152045965", "5", "5")
    #expect(product("qnnpack", "uint8[1,1] 33", "int8[1,1] 78", fine) == "4")
    #expect(product("fbgemm", "uint8[1,1] 33", "int8[1,1] 78", fine) == "3")
    #expect(product("ideal", "uint8[1,1] 33", "int8[1,1] 78", fine) == "3")
    let inverted = ("0.1190476194024086", "1", "1")
    #expect(product("onednn", "uint8[1,1] 21", "int8[1,1] 1", inverted) == "3")
    #expect(product("fbgemm", "uint8[1,1] 21", "int8[1,1] 1", inverted) == "2")
    // int16 inputs take the 16-bit multiplier, but with one rounding half away.
    let large = ("0.9999999", "1", "1")
    #expect(product("tflite", "int16[1,1] 30001", "int8[1,1] 1", large) == "30000")
    #expect(product("tflite-away", "int16[1,1] 30001", "int8[1,1] 1", large) == "30001")
    // [requantize §3]: a multiplier that underflows.
    let tiny = ("1e-30", "1e-30", "1")
    #expect(product("onnx", "uint8[1,1] 1", "int8[1,1] 1", tiny) == "null")
    #expect(product("ideal", "uint8[1,1] 1", "int8[1,1] 1", tiny, zero: "int8 3") == "3")
  }

  /// TOSA's DOUBLE_ROUND equals gemmlowp's, SINGLE_ROUND equals single rounding.
  @Test func tosaEqualsTflite() {
    var numbers = SplitMix64(state: 13)
    for _ in 0..<60 {
      let m = (1 << 30) + Int(numbers.next() >> 34)
      let shift = -1 - Int(numbers.next() % 20)
      let acc = (0..<20).map { _ in "\(Int(numbers.next() >> 39) - (1 << 24))" }
        .joined(separator: " ")
      #expect(fixed("tflite", acc, m, shift) == fixed("tosa-double", acc, m, 31 - shift))
      #expect(fixed("tflite-single", acc, m, shift) == fixed("tosa-single", acc, m, 31 - shift))
    }
  }

  /// [requantize §14]: ref = 2.5 accepts 2 and 3; ref = 2 only 2.
  @Test func tosaInexact() {
    #expect(fixed("tosa-inexact", "5 4 -5", 1 << 30, 31) == "2...3 2 -3...-2")
    // The bound grows with the value: 3 * 2^24 * 2^-24 = 3 and more.
    #expect(fixed("tosa-inexact", "16777216", 1 << 30, 30) == "16777212...16777220")
  }

  /// [requantize §26]: r = 130, z = -10: 120, not clamped before.
  @Test func zeroPointAndClamp() {
    for dialect in ["onnx", "ideal", "tflite", "tflite-single", "xnnpack-fp32", "fbgemm"] {
      let found = answer(
        "requantize \(dialect) | acc int32 260 | scale float32 0.5 | zero_point int8 -10")
      #expect(found == "120", "\(dialect)")
    }
    check([
      (
        "requantize onnx axis=0 | acc int32[2,2] 4 4 4 4 | scale float32 1 0.5 | zero_point int8 1 2",
        "5 5 4 4"
      ),
      (
        "requantize onnx | acc int32[2,2] 4 4 4 4 | scale float32 1 0.5 | zero_point int8 1 2",
        "5 4 5 4"
      ),
      (
        "requantize onnx | acc int8 100 | acc_zero_point int8 -100 | scale float32 0.5 | zero_point int8 0",
        "100"
      ),
    ])
  }

  /// Neither, or both, or half of scale and multiplier.
  @Test func errors() {
    let acc = "acc int32 1 | zero_point int8 0"
    checkErrors([
      ("requantize tflite | \(acc)", "malformed: needs 'scale', or 'multiplier' and 'shift'"),
      ("requantize tflite | \(acc) | multiplier int32 1", "malformed: needs 'scale'"),
      (
        "requantize tflite | \(acc) | multiplier int32 1 | shift int8 0 | scale float32 1",
        "malformed: scale and multiplier exclude"
      ),
      ("requantize tflite | \(acc) | scale int32 1", "malformed: scale must have a float type"),
      (
        "requantize tflite | \(acc) | multiplier float32 1 | shift int8 0",
        "malformed: multiplier must have an integer type"
      ),
      ("requantize tflite | \(acc) | multiplier int32[0] | shift int8 0", "malformed: multiplier"),
      ("requantize tflite | \(acc) | scale float32[0]", "malformed: "),
      (
        "requantize tflite | \(acc) | multiplier int32 1 | shift int8 -32",
        "precondition: shift is -32"
      ),
      (
        "requantize tflite | \(acc) | multiplier int32 1 | shift int8 31",
        "precondition: shift is 31"
      ),
      (
        "requantize tflite-single | \(acc) | multiplier int32 -1 | shift int8 0",
        "precondition: multiplier"
      ),
      ("requantize onnx | \(acc) | multiplier int32 1 | shift int8 0", "unsupported: "),
      ("requantize xnnpack-rndnu | \(acc) | multiplier int32 1 | shift int8 0", "unsupported: "),
      (
        "requantize onnx | \(acc) | scale float32 1 | acc_zero_point int8 0",
        "malformed: acc_zero_point is int8"
      ),
      (
        "requantize onnx | \(acc) | scale float32 1 | acc_zero_point int32 0 0",
        "malformed: acc_zero_point has 2"
      ),
      ("requantize onnx | acc float32 1 | scale float32 1 | zero_point int8 0", "malformed: acc"),
      (
        "requantize onnx output_dtype=int8 | acc int32 1 | scale float32 1 | zero_point uint8 0",
        "malformed: output_dtype"
      ),
      ("requantize onnx | acc int32 1 | scale float32 1 | zero_point int8[0]", "malformed: "),
      (
        "requantize onnx | acc int32 1 | scale float32 0 | zero_point int8 0", "precondition: scale"
      ),
      ("requantize pytorch | \(acc) | scale float32 1", "unsupported: "),
    ])
  }
}
