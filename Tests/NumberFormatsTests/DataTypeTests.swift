import ExactArithmetic
import NumberFormats
import Testing

@Suite struct DataTypeTests {
  @Test func namesInTheOrderOfTheCaseFormat() {
    let names = """
      float64 float32 float16 bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz \
      float8_e8m0fnu float4_e2m1fn int1 int2 int4 int8 int16 int32 int48 int64 uint2 uint4 uint8 \
      uint16 uint32 bool
      """
    #expect(DataType.named.map(\.name).joined(separator: " ") == names)
    for type in DataType.named { #expect(DataType(name: type.name) == type) }
  }

  @Test func fixedPointNames() {
    for name in ["fixed<8,3>", "ufixed<64,-7>", "fixed<1,100>"] {
      #expect(DataType(name: name)?.name == name)
    }
    let wrong = [
      "fixed<0,0>", "fixed<65,1>", "fixed<8>", "fixed<8,3", "fixed<8, 3>", "fixed<08,3>",
      "fixed<+8,3>", "xfixed<8,3>", "fixed<8,3>>", "fixed<8,9999999999999>", "fixed", "uint64",
      "int3", "Int8", "", "fixed<8,3,1>", "fixed<8,-0>",
    ]
    for name in wrong { #expect(DataType(name: name) == nil, "\(name)") }
  }

  @Test func storage() {
    let bytes = ["int1", "int4", "bool", "int48", "float4_e2m1fn", "bfloat16", "fixed<9,1>"]
      .map { DataType(name: $0)?.storageBytes }
    #expect(bytes == [1, 1, 1, 6, 1, 2, 2])
  }

  @Test func codesRoundTrip() throws {
    let samples: [(DataType, codes: [Int64])] = [
      (.int8, [-128, -1, 0, 127]), (.integer(.bipolar), [-1, 1]), (.bool, [0, 1]),
      (.integer(IntegerFormat(bits: 64, signed: false)), [0, 1, .max, .min, -1]),
      (.int64, [.min, -1, .max]), (.float32, [0, 0x3F80_0000, 0xBF80_0000]),
      (.float64, [0, Int64(bitPattern: (-1.5).bitPattern)]),
      (.fixed(FixedPointFormat(width: 8, integerBits: 3, signed: true)), [-128, -1, 127]),
    ]
    for (type, codes) in samples {
      for code in codes {
        let value = try #require(type.number(fromCode: code).rational)
        #expect(type.code(for: value) == code && type.isValid(code: code), "\(type.name) \(code)")
      }
    }
    #expect(DataType.float32.number(fromCode: 0x8000_0000) == .negativeZero)
    #expect(DataType(name: "fixed<8,3>")?.number(fromCode: -1) == .finite(Rational(-1, 32)))
  }

  @Test func refusesWhatATypeLacks() {
    #expect(DataType.int8.code(for: 128) == nil && DataType.int8.code(for: Rational(1, 2)) == nil)
    #expect(DataType.integer(.bipolar).code(for: 0) == nil && DataType.bool.code(for: 2) == nil)
    #expect(DataType.float32.code(for: Rational(1, 3)) == nil)
    #expect(!DataType.int8.isValid(code: 200) && !DataType.integer(.bipolar).isValid(code: 0))
    #expect(!DataType.float16.isValid(code: 0x10000) && !DataType.float16.isValid(code: -1))
  }
}
