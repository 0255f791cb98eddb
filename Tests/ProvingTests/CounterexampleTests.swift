import CaseFormat
import NumberFormats
import Operations
import Testing

@testable import Proving

/// Where no steps are claimed, codes that show why [proof §9].
struct CounterexampleTests {
  /// Whether no steps are claimed, and the answer of the last code was that of the first, not of those
  /// between.
  private func comesBack(
    _ line: String, _ codes: [Int64], dialect: Dialect? = nil
  ) throws -> Bool {
    let question = try question(line, dialect: dialect)
    let answers = try question.answers(codes)
    return question.origin == nil && answers.first == answers.last
      && answers.dropFirst().dropLast().allSatisfy { $0 != answers.first }
  }

  private func float32(_ values: Float...) -> [Int64] { values.map { Int64($0.bitPattern) } }
  private func float16(_ values: Float16...) -> [Int64] { values.map { Int64($0.bitPattern) } }

  @Test func sumsThatWrap() throws {
    #expect(
      try comesBack(
        "quantize onnx-reference x:float32 scale:float32=1 zero_point:uint8=200 qmin=201",
        float32(1, 1000, 2_147_483_520)))
    // With the zero point within the range the level that wraps is one that was not there before.
    let within = try question(
      "quantize onnx-reference x:float32 scale:float32=1 zero_point:uint8=200 qmin=199 qmax=203")
    #expect(within.origin == 0)
    #expect(try within.objection(isComplete: false) == nil)
    let fake = try dialect(
      "ideal", "fake_quantize", ["addition": "int32", "overflow": "wrap"])
    #expect(
      try comesBack(
        "fake_quantize ideal x:float32 scale:float32=1 zero_point:int32=200 qmin=201 qmax=255",
        float32(0.25, 10, 1000, 2_147_483_520), dialect: fake))
  }

  @Test func highProductsThatWrap() throws {
    #expect(
      try comesBack(
        "requantize cmsis-nn acc:int32 multiplier:int32=-2147483648 shift:int32=1 "
          + "zero_point:int8=-128 qmin=-100", [-1 << 30, -1000, -1]))
    let short = try dialect(
      "xnnpack-gemmlowp", "requantize", ["multiplier_bits": "16", "high_overflow": "wrap"])
    #expect(
      try comesBack(
        "requantize xnnpack-gemmlowp acc:int32 scale:float32=0.5 zero_point:int8=-128 qmin=-100",
        [1, 300, 65536], dialect: short))
  }

  @Test func fixedPointThatWraps() throws {
    #expect(
      try comesBack(
        "quantize ap_fixed x:float16 output_dtype=fixed<4,4>", float16(1, 2, 17)))
  }

  /// An exact rounding refuses what lies between, so equal ends say nothing about the middle.
  @Test func exactRounding() throws {
    let exact = try dialect("onnx", "quantize", ["rounding": "exact"])
    let question = try question(
      "quantize onnx x:float32 scale:float32=4 zero_point:int8=0 qmin=0 qmax=0", dialect: exact)
    #expect(question.origin == nil)
    let ends = try question.answers([1, 0x7F80_0000])
    #expect(ends[0] == ends[1])
    #expect(throws: CaseError.self) { try question.answers([0x3F80_0000]) }
  }

  /// -0 and +0 are two answers, and which one a level of zero is may change twice.
  @Test func signsOfZero() throws {
    let tiny = -Float.leastNonzeroMagnitude
    #expect(
      try comesBack(
        "fake_quantize qonnx-python x:float32 scale:float32=4 zero_point:float32=0 bit_width=3 "
          + "rounding_mode=HALF_DOWN", float32(tiny, -1, -2)))
    let unsigned = "fake_quantize brevitas x:float32 scale:float32=4 zero_point:float32=0 qmin=0 qmax=7"
    #expect(
      try comesBack("\(unsigned) clamp=TensorClampSte", float32(tiny, -0.5, -100)))
    // The mask tells the two apart.
    let masked = try question(unsigned)
    #expect(masked.origin == 0)
    #expect(try masked.objection(isComplete: false) == nil)
  }

  /// Outputs that overflow on both sides of the mask's range.
  @Test func masksThatComeBack() throws {
    #expect(
      try comesBack(
        "fake_quantize ideal x:float16 scale:float32=40000 zero_point:int32=-2 qmin=0 qmax=5",
        float16(49984, 65504, .infinity)))
    // The mask is set at zero: it goes away once.
    let set = try question(
      "fake_quantize ideal x:float16 scale:float32=40000 zero_point:int32=2 qmin=0 qmax=5")
    #expect(set.origin == 0)
    // It is not, but the outputs on its two sides differ.
    let apart = try question(
      "fake_quantize ideal x:float32 scale:float32=40000 zero_point:int32=-2 qmin=0 qmax=5")
    #expect(apart.origin == 0)
    #expect(try apart.objection(isComplete: false) == nil)
  }
}
