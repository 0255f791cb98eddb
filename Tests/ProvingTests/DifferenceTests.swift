import CaseFormat
import NumberFormats
import Operations
import Proving
import Testing

/// Differences of dialects against what asking for every input gives.
@Suite struct DifferenceTests {
  private func template(
    _ operation: String, _ change: (inout QuestionParameters) -> Void
  ) throws -> Case {
    var parameters = QuestionParameters()
    change(&parameters)
    return try parameters.template(of: operation)
  }

  /// The codes on which two dialects disagree, and how many one alone leaves open, one by one.
  private func enumerated(
    _ template: Case, _ input: String, _ first: Dialect, _ second: Dialect
  ) throws -> (differing: [Int64], open: Int) {
    let dtype = try #require(template.inputs[input]?.dtype)
    let bound: Int64 = 1 << Int64(dtype.bits - 1)
    let codes = Array(dtype.isSigned ? -bound..<bound : 0..<2 * bound)
    var test = template
    test.inputs[input] = Tensor(dtype, shape: [codes.count], codes: codes)
    let left = try Reference.evaluate(test, dialect: first).outputs[0].expectation
    let right = try Reference.evaluate(test, dialect: second).outputs[0].expectation
    var differing: [Int64] = []
    var open = 0
    for (index, code) in codes.enumerated() {
      let opens = (left.isUnspecified(at: index), right.isUnspecified(at: index))
      if opens.0 != opens.1 { open += 1 }
      if !opens.0, !opens.1, left.tensor.codes[index] != right.tensor.codes[index] {
        differing.append(code)
      }
    }
    return (differing, open)
  }

  @Test func againstEnumeration() throws {
    var cases: [(test: Case, input: String, names: (String, String))] = []
    for pair in [("tflite", "tflite-opt"), ("tflite", "tflite-single"), ("tflite", "tflite-away")] {
      let test = try template("requantize") {
        $0.inputType = DataType(name: "int8")
        ($0.multiplier, $0.shift, $0.zeroPoint) = (1_518_500_250, -3, "3")
      }
      cases.append((test, "acc", pair))
    }
    for pair in [("onnx", "tflite-opt"), ("tflite-opt", "openvino"), ("onnx", "pytorch")] {
      let test = try template("dequantize") { ($0.scale, $0.zeroPoint) = ("0.0123", "-7") }
      cases.append((test, "x", pair))
    }
    var total = 0
    for entry in cases {
      let dialects = try (Dialect.named(entry.names.0), Dialect.named(entry.names.1))
      let expected = try enumerated(entry.test, entry.input, dialects.0, dialects.1)
      let found = try Difference(entry.test, dialects.0, dialects.1, limit: 1000, jobs: 2)
      #expect(found.ranges.flatMap { Array($0.codes) } == expected.differing, "\(entry.names)")
      #expect(found.count == expected.differing.count && found.rangeCount == found.ranges.count)
      #expect(found.openInFirst + found.openInSecond == expected.open)
      #expect(found.total == 256)
      total += found.count
    }
    #expect(total > 0)
  }

  /// What is not asked for is counted all the same, and one dialect never differs from itself.
  @Test func limits() throws {
    let test = try template("dequantize") { ($0.scale, $0.zeroPoint) = ("0.1", "3") }
    let (first, second) = try (Dialect.named("tflite"), Dialect.named("tflite-opt"))
    let few = try Difference(test, first, second, limit: 1)
    #expect(few.count == 72 && few.ranges.count == 1 && few.rangeCount == 72)
    #expect(try Difference(test, first, first).isEmpty)
  }

  /// Parameters name their option when they are wrong.
  @Test func parameters() throws {
    func message(_ operation: String, _ change: (inout QuestionParameters) -> Void) -> String {
      do {
        _ = try template(operation, change)
        return "none"
      } catch {
        return "\(error)"
      }
    }
    #expect(message("quantize") { _ in } == "malformed: quantize needs --scale")
    #expect(message("quantize") { $0.scale = "x" }.hasPrefix("malformed: --scale x"))
    #expect(
      message("quantize") { ($0.scale, $0.zeroPoint, $0.type) = ("1", "300", .int8) }
        .hasPrefix("malformed: --zero-point 300"))
    #expect(
      message("requantize") { $0.multiplier = 5 }
        == "malformed: --multiplier needs the other of the two")
    #expect(
      message("dequantize") { ($0.scale, $0.multiplier, $0.shift) = ("1", 1, 1) }
        == "malformed: --multiplier means nothing to dequantize")
    #expect(message("conv2d") { _ in }.hasPrefix("unsupported: conv2d is not element-wise"))
    #expect(message("quantize") { $0.type = DataType(name: "fixed<8,4>") } == "none")
  }

  /// The probes tell every two dialects apart that a full comparison tells apart.
  @Test func separation() throws {
    let names = ["onnx", "tflite", "tflite-opt", "pytorch", "xnnpack-fp32", "ideal"]
    let dialects = try names.map { try Dialect.named($0) }
    let probes = Probe.all(of: "quantize").prefix(3)
    var separated = 0
    for (index, first) in dialects.enumerated() {
      for second in dialects[(index + 1)...] {
        let differs = try probes.contains { try CaseDifference($0.test, first, second).count > 0 }
        if differs { separated += 1 }
        #expect(differs || Set([first.name, second.name]) == ["tflite-opt", "xnnpack-fp32"])
      }
    }
    #expect(separated == 14)
  }
}
