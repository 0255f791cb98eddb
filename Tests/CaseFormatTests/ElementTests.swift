import CaseFormat
import ExactArithmetic
import NumberFormats
import Testing

/// Numbers of `data`: read exactly and rounded once, written so that they come back.
@Suite struct ElementTests {
  /// One rounding to nearest even, never through binary64.
  @Test func decimalsAreRoundedOnce() {
    // Halfway between 1 and 1 + 2^-23, and a hair above: binary64 would lose the hair.
    #expect(encodings("float32", "1.000000059604644775390625") == "3f800000")
    #expect(encodings("float32", "1.000000059604644775390625000000000000000000001") == "3f800001")
    #expect(encodings("float32", "1.00000017881393432617187499999999999999999999") == "3f800001")
    #expect(encodings("float32", "1.00000017881393432617187500") == "3f800002")
    // 2049 is halfway in binary16; 2049 and a 2^-60 is not.
    #expect(
      encodings("float16", "2049, 2051, 2049.0000000000000000008673617379884") == "6800 6802 6801")
    #expect(
      encodings("bfloat16", "1.00390625, 1.003906250000000000000000001, 1.01171875")
        == "3f80 3f81 3f82")
    // Halfway between two float8 values, and just above in the 30th digit.
    #expect(
      encodings("float8_e4m3fn", "1.0625, 1.06250000000000000000000000001, 1.1875") == "38 39 3a")
    #expect(
      encodings("float64", "9007199254740993, 9007199254740993.0000000000000000000000001")
        == "4340000000000000 4340000000000001")
    #expect(
      encodings("float64", "5e-324, 2.4703282292062327e-324, 2.4703282292062328e-324") == "1 0 1")
    #expect(
      encodings("float32", "1.401298464324817e-45, 7.006492321624085e-46, 7.0064923216240854e-46")
        == "1 0 1")
  }

  @Test func hexFloats() {
    #expect(
      encodings("float32", "\"0x1.8p+1\", \"0x1p-149\", \"-0x1.fffffep+127\", \"0X.8P1\"")
        == "40400000 1 ff7fffff 3f800000")
    #expect(
      encodings("float32", "\"0x1.000001p+0\", \"0x1.0000010000000001p0\"") == "3f800000 3f800001")
    #expect(encodings("float16", "\"0x1.8p1\"") == "4200")
    #expect(codes("int8", "\"0x1.8p+1\", \"0x7fp0\", \"-0x80p0\"") == "3 127 -128")
  }

  @Test func specialValues() {
    #expect(encodings("float32", "\"nan\", \"inf\", \"-inf\"") == "7fc00000 7f800000 ff800000")
    #expect(encodings("float64", "\"nan\", \"-inf\"") == "7ff8000000000000 fff0000000000000")
    #expect(encodings("float16", "\"nan\", \"inf\"") == "7e00 7c00")
    #expect(encodings("bfloat16", "\"nan\", \"inf\"") == "7fc0 7f80")
    #expect(encodings("float8_e5m2", "\"nan\", \"inf\"") == "7e 7c")
    #expect(encodings("float8_e4m3fn", "\"nan\"") == "7f")
    #expect(encodings("float8_e4m3fnuz", "\"nan\"") == "80")
    #expect(encodings("float8_e8m0fnu", "\"nan\", 1, 0.5") == "ff 7f 7e")
    for (dtype, text) in [
      ("float8_e4m3fn", "\"inf\""), ("float8_e4m3fnuz", "\"-inf\""), ("float4_e2m1fn", "\"nan\""),
      ("float4_e2m1fn", "\"inf\""), ("float8_e8m0fnu", "\"inf\""),
      ("float8_e8m0fnu", "-0"), ("float8_e8m0fnu", "0"), ("float8_e8m0fnu", "-1"),
      ("int8", "\"+1\""), ("int8", "\"01\""), ("int8", "\"nan\""),
      ("int32", "\"inf\""), ("fixed<8,3>", "\"nan\""), ("bool", "\"inf\""),
    ] {
      #expect(codes(dtype, text).hasPrefix("malformed: inputs.t: data[0]: "), "\(dtype) \(text)")
    }
    for text in [
      "NaN", "Inf", "+inf", "infinity", "-nan", "", " 1", "1 ", "0x", "0x1", "1f", "e5", "--1",
      "1_000", "0x1p", "0x1.gp0", "٣",
    ] {
      let found = codes("float32", "\"\(text)\"")
      #expect(found.hasPrefix("malformed: ") || text == "0x1", "\(text): \(found)")
    }
  }

  @Test func negativeZero() {
    #expect(
      encodings("float32", "-0, -0.0, \"-0x0p+0\", -0e5, 0, 0.0")
        == "80000000 80000000 80000000 80000000 0 0")
    #expect(encodings("float16", "-0, 0") == "8000 0")
    #expect(encodings("float8_e4m3fn", "-0") == "80")
    // A type without a negative zero has the one zero.
    #expect(encodings("float8_e4m3fnuz", "-0, -0.0001") == "0 0")
    #expect(codes("int8", "-0, -0.0, \"-0x0p+0\"") == "0 0 0")
    #expect(codes("fixed<8,3>", "-0") == "0")
    #expect(codes("bool", "-0") == "0")
    // A nonzero value that underflows keeps its sign.
    #expect(encodings("float32", "-1e-60, 1e-60, -1e-99999") == "80000000 0 80000000")
  }

  @Test func overflow() {
    #expect(
      encodings("float32", "1e39, -1e39, 3.4028235677973367e38, 3.4028235677973365e38, 1e99999")
        == "7f800000 ff800000 7f800000 7f7fffff 7f800000")
    #expect(encodings("float16", "65519.99, 65520") == "7bff 7c00")
    #expect(encodings("float8_e5m2", "61439.9, 61440") == "7b 7c")
    #expect(encodings("float8_e4m3fn", "448, 464") == "7e 7e")
    #expect(encodings("float4_e2m1fn", "6, 6.9, -7") == "7 7 f")
    for (dtype, text) in [
      ("float8_e4m3fn", "464.1"), ("float8_e4m3fnuz", "248"), ("float4_e2m1fn", "7.1"),
      ("float4_e2m1fn", "-100"), ("float8_e4m3fn", "1e99999"),
    ] {
      #expect(
        codes(dtype, text).contains("overflows \(dtype)"), "\(dtype) \(text): \(codes(dtype, text))"
      )
    }
  }

  @Test func integers() {
    #expect(codes("int8", "5.0, 1e2, -128, 127, 12.70e1") == "5 100 -128 127 127")
    #expect(
      codes("int64", "9223372036854775807, -9223372036854775808, 9007199254740993")
        == "9223372036854775807 -9223372036854775808 9007199254740993")
    #expect(
      codes("int48", "140737488355327, -140737488355328") == "140737488355327 -140737488355328")
    #expect(codes("uint32", "4294967295, 4294967295.000") == "4294967295 4294967295")
    #expect(codes("int1", "-1, 1") == "-1 1")
    #expect(codes("uint2", "0, 3") == "0 3")
    #expect(codes("bool", "0, 1, true, false") == "0 1 1 0")
    for (dtype, text) in [
      ("int8", "128"), ("int8", "-129"), ("int8", "0.5"), ("int8", "1e-1"), ("uint8", "-1"),
      ("uint8", "256"),
      ("int4", "8"), ("int2", "2"), ("uint4", "16"), ("uint2", "4"), ("int1", "0"), ("int1", "2"),
      ("int48", "140737488355328"), ("int64", "9223372036854775808"), ("uint32", "4294967296"),
      ("uint16", "65536"), ("bool", "2"), ("bool", "-1"), ("int64", "1e30"), ("int8", "1e99999"),
      ("int8", "1e-99999"),
    ] {
      #expect(
        codes(dtype, text).contains("representable"), "\(dtype) \(text): \(codes(dtype, text))")
    }
  }

  @Test func fixedPoint() {
    #expect(codes("fixed<8,3>", "-4, 3.96875, 0.03125, -0.03125") == "-128 127 1 -1")
    #expect(codes("ufixed<4,-1>", "0.03125, 0.46875") == "1 15")
    #expect(codes("fixed<4,8>", "16, -128, 112") == "1 -8 7")
    #expect(codes("fixed<64,64>", "9223372036854775807") == "9223372036854775807")
    #expect(codes("ufixed<64,64>", "18446744073709551615") == "-1")
    for (dtype, text) in [
      ("fixed<8,3>", "4"), ("fixed<8,3>", "0.01"), ("ufixed<4,4>", "-1"), ("fixed<4,8>", "8"),
    ] {
      #expect(codes(dtype, text).contains("not representable in \(dtype)"), "\(dtype) \(text)")
    }
  }

  /// Every value of every small type, and edges of the wide ones, is written and read back.
  @Test(
    arguments: DataType.named.map(\.name) + [
      "fixed<8,3>", "ufixed<6,-2>", "fixed<7,12>", "fixed<64,1>", "ufixed<64,64>",
    ])
  func roundTrip(name: String) throws {
    let dtype = try #require(DataType(name: name))
    var codes: [Int64]
    if dtype.bits <= 16, case .float = dtype {
      codes = (0..<(1 << Int64(dtype.bits))).map { $0 }
      if dtype.bits == 16 {
        codes = codes.filter { $0 % 7 == 0 || $0 & 0x3FF < 4 || $0 & 0x3FF > 0x3FB }
      }
    } else if dtype.bits <= 8 {
      codes = (-256..<256).filter { dtype.isValid(code: $0) }
    } else if case .float(let format) = dtype {
      let top: Int64 = format.bits == 64 ? .min : 0x8000_0000
      let edges: [Int64] = [
        0, 1, 2, 3, 0x7F_FFFF, 0x80_0000, 0x3F80_0000, 0x3F80_0001, 0x7F7F_FFFF, 0x7F80_0000,
      ]
      let wide: [Int64] = [
        0x3FF0_0000_0000_0000, 0x3FB9_9999_9999_999A, 0x7FEF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000,
        0x000F_FFFF_FFFF_FFFF,
      ]
      codes = edges + (format.bits == 64 ? wide : [])
      codes += codes.map { $0 | top }
      codes += (0..<200).map {
        ($0 &* 0x5851_F42D_4C95_7F2D) & (format.bits == 64 ? .max : 0x7FFF_FFFF)
      }
    } else {
      codes = [
        .min, .min + 1, -1, 0, 1, .max - 1, .max, -140_737_488_355_328, 140_737_488_355_327, 65535,
        -32768, 4_294_967_295,
      ]
      .filter { dtype.isValid(code: $0) }
    }
    for code in codes {
      guard let json = ElementText.json(ofCode: code, dtype) else {
        // Only a NaN that is not the quiet, positive one without payload has no text.
        #expect(dtype.number(fromCode: code) == .nan)
        continue
      }
      let text: String
      switch json {
      case .number(let number): text = number
      case .string(let string): text = string
      default: text = "?"
      }
      guard try ElementText.code(of: text, as: dtype) != code else { continue }
      Issue.record("\(name) \(code): \(text)")
      return
    }
  }

  /// Floats are written in the fewest digits that read back.
  @Test func shortest() throws {
    func text(_ code: Int64, _ name: String) throws -> String? {
      let dtype = try #require(DataType(name: name))
      guard case .number(let text)? = ElementText.json(ofCode: code, dtype) else { return nil }
      return text
    }
    #expect(try text(0x3DCC_CCCD, "float32") == "0.1")
    #expect(try text(0x3FB9_9999_9999_999A, "float64") == "0.1")
    #expect(try text(0x2E66, "float16") == "0.1")
    #expect(try text(0x3DCD, "bfloat16") == "0.1")
    #expect(try text(1, "float32") == "1e-45")
    #expect(try text(0x7E, "float8_e4m3fn") == "450.0")
    #expect(try text(0, "float32") == "0.0")
    #expect(try text(-128, "fixed<8,3>") == "-4")
    #expect(try text(1, "fixed<8,3>") == "0.03125")
    #expect(try text(-1, "ufixed<64,64>") == "18446744073709551615")
  }
}
