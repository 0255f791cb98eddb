import ExactArithmetic
import NumberFormats
import Testing

@Suite struct IntegerFormatTests {
  @Test func rangesAndNames() {
    let table: [(bits: Int, signed: Bool, name: String, Integer, Integer, bytes: Int)] = [
      (2, true, "int2", -2, 1, 1), (4, false, "uint4", 0, 15, 1), (8, true, "int8", -128, 127, 1),
      (8, false, "uint8", 0, 255, 1), (16, true, "int16", -32768, 32767, 2),
      (32, false, "uint32", 0, 4_294_967_295, 4),
      (48, true, "int48", -140_737_488_355_328, 140_737_488_355_327, 6),
      (64, true, "int64", Integer(Int64.min), Integer(Int64.max), 8),
      (64, false, "uint64", 0, Integer(UInt64.max), 8),
      (1, false, "uint1", 0, 1, 1), (1, true, "int1_twos_complement", -1, 0, 1),
    ]
    for (bits, signed, name, minimum, maximum, bytes) in table {
      let format = IntegerFormat(bits: bits, signed: signed)
      #expect(format.name == name && format.range == minimum...maximum)
      #expect(format.storageBytes == bytes)
      #expect(format.contains(minimum) && !format.contains(maximum + 1))
      #expect(format.saturated(maximum + 5) == maximum && format.saturated(minimum - 5) == minimum)
      #expect(format.wrapped(maximum + 1) == minimum && format.wrapped(minimum - 1) == maximum)
    }
  }

  @Test func bipolarHasTwoValues() {
    let format = IntegerFormat.bipolar
    #expect(format.name == "int1" && format.range == -1...1 && format.storageBytes == 1)
    #expect([-1, 0, 1].map { format.contains(Integer($0)) } == [true, false, true])
    #expect([-7, 0, 7].map { format.saturated(Integer($0)) } == [-1, 1, 1])
  }
}
