import CaseFormat
import Foundation
import NumberFormats
import Operations
import Testing

@testable import Proving

/// The claims of [proof §6] to [proof §10], for every built-in dialect.
///
/// With `QVERIFY_COMPLETE` in the environment every code of 16 bits is evaluated by the definition.
struct MonotonicityTests {
  /// Parameters that reach every clause: levels on both sides, zero points outside the range, scales
  /// whose reciprocal overflows or that are lost in a narrower type, sums beyond the integer types.
  static let parameters: [(operation: String, inputs: [String], parameters: [String])] = [
    (
      "quantize", ["x:float32", "x:float16", "x:bfloat16", "x:int32"],
      [
        "scale:float32=0.1 zero_point:int8=3 qmin=-4 qmax=9",
        "scale:float32=0.37 zero_point:uint8=250 qmin=247",
        "scale:float32=1e-44 zero_point:int8=-1 qmin=-3 qmax=3",
        "scale:float32=3e38 zero_point:int8=0 qmin=-2 qmax=2",
        "scale:float32=1e-6 zero_point:int8=127 qmin=-5 qmax=5",
        "scale:float32=1000 zero_point:int16=-300 qmin=-305 qmax=-295",
        "scale:float32=0.001 zero_point:int32=2147483647 qmin=2147483600 qmax=2147483647",
        "scale:float16=0.1 zero_point:uint8=3 qmin=0 qmax=9",
        "scale:bfloat16=3 zero_point:uint4=15",
        "scale:float8_e8m0fnu=0.25 zero_point:int2=-1",
        "scale:float32=1e-30 zero_point:int8=3 qmin=-4 qmax=9 precision=float16",
        "scale:float32=1e30 zero_point:int8=3 qmin=-4 qmax=9 precision=float16",
        "scale:float32=0.3 output_dtype=float4_e2m1fn",
        "scale:float32=2 output_dtype=float8_e4m3fn saturate=0",
        "scale:float32=1e-30 output_dtype=float8_e5m2fnuz precision=float16",
      ]
    ),
    (
      "fake_quantize", ["x:float32", "x:float16", "x:bfloat16"],
      [
        "scale:float32=0.1 zero_point:int32=3 qmin=0 qmax=9",
        "scale:float32=0.1 zero_point:int32=-20 qmin=0 qmax=15",
        "scale:float32=1e-44 zero_point:int32=0 qmin=-1 qmax=1",
        "scale:float32=3 zero_point:int32=5 qmin=5 qmax=5",
        "scale:float32=0.1 zero_point:float32=0.5 qmin=0 qmax=1 learnable=1",
        "scale:float32=0.1 zero_point:float32=-2.5 qmin=-3 qmax=4 learnable=1 axis=0",
        "scale:float32=0.1 zero_point:float32=2.5 qmin=0 qmax=7 axis=0",
        "scale:float32=0.1 zero_point:float16=300 qmin=-3 qmax=4 axis=0",
        "scale:float32=4 zero_point:float32=0 qmin=0 qmax=7 rounding_mode=CEIL",
        "scale:float32=4 zero_point:float32=0.25 qmin=-4 qmax=3 rounding_mode=DPU",
        "scale:float32=0.3 zero_point:float32=0 qmin=-4 qmax=3 clamp=TensorClampSte",
        "scale:float32=0.3 zero_point:float32=1.5 bit_width=3 rounding_mode=HALF_UP",
        "scale:float32=0.3 zero_point:float32=0 bit_width=2.5 rounding_mode=FLOOR",
        "scale:float32=0.3 zero_point:float32=0 bit_width=1.5 narrow=1 rounding_mode=UP",
        "scale:float32=0.3 zero_point:float32=-1 bit_width=1",
        "scale:float32=4 zero_point:float32=0 bit_width=3 signed=0",
      ]
    ),
    (
      "requantize", ["acc:int8", "acc:int32"] + (isComplete ? ["acc:int16"] : []),
      [
        "scale:float32=0.05 zero_point:int8=3 qmin=-4 qmax=9",
        "scale:float32=0.7 zero_point:uint8=255 qmin=240",
        "scale:float32=1e-9 zero_point:int8=-128 qmin=-100",
        "scale:float32=0.3 zero_point:int8=0 qmin=-3 qmax=3 acc_zero_point:int8=-128",
        "scale:float32=0.3 zero_point:int8=0 qmin=-3 qmax=3 acc_zero_point:int32=-2147483648",
        "scale:float32=0.3 zero_point:int8=0 qmin=-3 qmax=3 acc_zero_point:int32=1000000007",
        "multiplier:int32=1518500250 shift:int32=-3 zero_point:int8=3 qmin=-4 qmax=9",
        "multiplier:int32=-1518500250 shift:int32=-3 zero_point:int8=3 qmin=-4 qmax=9",
        "multiplier:int32=2147483647 shift:int32=20 zero_point:int8=0 qmin=-4 qmax=9",
        "multiplier:int32=1073741824 shift:int32=35 zero_point:int8=1 qmin=-4 qmax=9",
        "multiplier:int32=0 shift:int32=3 zero_point:uint4=15",
      ]
    ),
    (
      "bipolar_quantize", ["x:float32", "x:float16"], ["scale:float32=0.1", "scale:float32=1e30"]
    ),
  ]

  static var isComplete: Bool {
    ProcessInfo.processInfo.environment["QVERIFY_COMPLETE"] != nil
  }

  /// The oracle by steps against the definition, at every step, within every stretch and elsewhere.
  @Test(arguments: parameters.indices)
  func everyDialect(row: Int) throws {
    let (operation, inputs, parameters) = Self.parameters[row]
    for name in Dialect.builtInNames where try Dialect.named(name).defines(operation) {
      if name == "ap_fixed" { continue }
      var asked = 0
      for input in inputs {
        for rest in parameters {
          let line = "\(operation) \(name) \(input) \(rest)"
          guard let question = try? question(line) else { continue }
          asked += 1
          #expect(question.origin != nil, "\(line)")
          // Such a question is enumerated: too long here for 32 bits.
          if try question.isOpenAtOrigin() { continue }
          let isSmall = question.dtype.bits <= (Self.isComplete ? 16 : 8)
          #expect(try question.objection(isComplete: isSmall) == nil, "\(line)")
        }
      }
      #expect(asked > 0, "no parameters suit \(operation) of \(name)")
    }
  }

  /// Every code of 16 bits, by the definition.
  @Test(arguments: [
    "quantize onnx x:float16 scale:float16=0.1 zero_point:int8=3",
    "requantize tflite acc:int16 scale:float32=0.01 zero_point:int8=3",
  ])
  func everyCode(line: String) throws {
    #expect(try question(line).objection(isComplete: true) == nil)
  }

  /// A rule that wraps and is said to go in steps: these tests must object.
  @Test func falseClaim() throws {
    let line = "quantize onnx-reference x:float32 scale:float32=1 zero_point:uint8=200 qmin=201"
    var planted = try question(line)
    #expect(planted.origin == nil)
    planted.dependence = .steps(origin: 0)
    #expect(try planted.objection(isComplete: false)?.contains("comes back") == true)
    // One that wraps within 12 bits, every code of them.
    var fixed = try question("quantize ap_fixed x:fixed<12,8> output_dtype=fixed<4,4>")
    #expect(fixed.origin == nil)
    fixed.dependence = .steps(origin: 0)
    #expect(try fixed.objection(isComplete: true) != nil)
  }
}
