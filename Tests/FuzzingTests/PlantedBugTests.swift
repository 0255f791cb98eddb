import CaseFormat
import Foundation
import Fuzzing
import Generation
import NumberFormats
import Operations
import Testing
import Verification

/// A bug with what a campaign should make of it.
struct PlantedBug: Sendable, CustomTestStringConvertible {
  var name: String
  var operation: String
  var dialect: String
  var subject: PlantedSubject
  var verdict = Verdict.mismatch
  /// What the likeness should contain; nil where none is expected.
  var likeness: String?
  /// How many input elements the shrunk case may have.
  var elements: Int

  var testDescription: String { name }

  static let all: [PlantedBug] = rounding + products + memory + slow

  /// Bugs whose shrinking and probing take too long without optimization.
  #if DEBUG
    private static let slow: [PlantedBug] = []
  #else
    private static let slow = [
      PlantedBug(
        name: "padding with 0, depthwise", operation: "depthwise_conv2d", dialect: "onnx",
        subject: .changed("accumulate", [("padding", "zero_level")]),
        likeness: "padding with 0 instead of the zero point", elements: 12),
      PlantedBug(
        name: "zero point before the rounding", operation: "quantize", dialect: "onnx",
        subject: .changed("quantize", [("zero_point", "before_rounding")]),
        likeness: "zero point added before the rounding", elements: 3),
      PlantedBug(
        name: "qmin and qmax ignored", operation: "quantize", dialect: "onnx",
        subject: .seeing { test in
          test.attributes["qmin"] = nil
          test.attributes["qmax"] = nil
        }, likeness: "qmin and qmax ignored", elements: 3),
      PlantedBug(
        name: "second rounding half up", operation: "requantize", dialect: "tflite",
        subject: .dialect("tflite-opt"), likeness: "tflite-opt", elements: 5),
      PlantedBug(
        name: "sum of products", operation: "dequantize", dialect: "tflite",
        subject: .dialect("tflite-opt"), likeness: "dequantize/tflite-opt ", elements: 3),
      PlantedBug(
        name: "padding with 0", operation: "conv2d", dialect: "onnx",
        subject: .changed("accumulate", [("padding", "zero_level")]),
        likeness: "padding with 0 instead of the zero point", elements: 5),
      PlantedBug(
        name: "zero point of the input ignored", operation: "conv2d", dialect: "onnx",
        subject: .seeing { $0.inputs["x_zero_point"] = nil }, likeness: "'x_zero_point' ignored",
        elements: 5),
      PlantedBug(
        name: "multiply-add not fused", operation: "quantize", dialect: "pytorch",
        subject: .changed("quantize", [("fused", "false")]), likeness: "not fused", elements: 3),
      PlantedBug(
        name: "binary64 product", operation: "requantize", dialect: "onnx",
        subject: .changed(
          "requantize",
          [("precision", "float64"), ("accumulator", "float64"), ("scale", "float64")]),
        elements: 4),
      PlantedBug(
        name: "mask on the clamped level", operation: "fake_quantize", dialect: "pytorch",
        subject: .changed("fake_quantize", [("rounding", "nearest_away")]), elements: 3),
      PlantedBug(
        name: "saturating pair sums in a convolution", operation: "conv2d", dialect: "onnx",
        subject: .changed("accumulate", [("pairs", "saturating_int16")]),
        likeness: "saturating int16 pair sums", elements: 8),
    ]
  #endif

  private static let rounding = [
    PlantedBug(
      name: "half away instead of half to even", operation: "quantize", dialect: "onnx",
      subject: .changed("quantize", [("rounding", "nearest_away")]), likeness: "quantize/tflite ",
      elements: 3),
    PlantedBug(
      name: "reciprocal instead of division", operation: "quantize", dialect: "onnx",
      subject: .changed("quantize", [("scaling", "reciprocal")]), likeness: "by the reciprocal for division",
      elements: 3),
    PlantedBug(
      name: "first scale for every channel", operation: "quantize", dialect: "onnx",
      subject: .seeing { test in
        if let scale = test.inputs["scale"], let first = scale.codes.first {
          test.inputs["scale"]?.codes = scale.codes.map { _ in first }
        }
      }, likeness: "the first 'scale' for every channel", elements: 12),
    PlantedBug(
      name: "single rounding", operation: "requantize", dialect: "tflite",
      subject: .dialect("tflite-single"), likeness: "tflite-single", elements: 4),
  ]

  private static let products = [
    PlantedBug(
      name: "saturating pair sums", operation: "matmul", dialect: "onnx",
      subject: .changed("accumulate", [("pairs", "saturating_int16")]),
      likeness: "saturating int16 pair sums", elements: 6),
    PlantedBug(
      name: "row zero point ignored", operation: "matmul", dialect: "onnx",
      subject: .seeing { $0.inputs["a_zero_point"] = nil }, likeness: "'a_zero_point' ignored",
      elements: 4),
    PlantedBug(
      name: "16-bit accumulator", operation: "depthwise_conv2d", dialect: "tflite",
      subject: .changed("accumulate", [("bits", "16"), ("overflow", "wrap")]), likeness: "16 bits",
      elements: 8),
    PlantedBug(
      name: "bias ignored", operation: "matmul", dialect: "onnx",
      subject: .seeing { $0.inputs["bias"] = nil }, likeness: "bias ignored", elements: 4),
    PlantedBug(
      name: "first weight scale for every channel", operation: "qconv2d", dialect: "onnx",
      subject: .seeing { test in
        if let scale = test.inputs["w_scale"], let first = scale.codes.first {
          test.inputs["w_scale"]?.codes = scale.codes.map { _ in first }
        }
      }, likeness: "the first 'w_scale' for every channel", elements: 24),
  ]

  private static let memory = [
    PlantedBug(
      name: "tail not written", operation: "quantize", dialect: "onnx",
      subject: .writing { buffers, output, bytes in
        buffers.outputs[output]?.copyBytes(from: bytes.prefix(bytes.count / 8 * 8))
      }, verdict: .unwritten, elements: 4),
    PlantedBug(
      name: "one byte too many", operation: "dequantize", dialect: "onnx",
      subject: .writing { buffers, output, bytes in
        PlantedSubject.copy(buffers, output, bytes)
        guard let buffer = buffers.outputs[output], let base = buffer.baseAddress else { return }
        base.storeBytes(of: 7, toByteOffset: buffer.count, as: UInt8.self)
      }, verdict: .overran, elements: 4),
    PlantedBug(
      name: "reads beyond its input", operation: "fake_quantize", dialect: "pytorch",
      subject: .writing { buffers, output, bytes in
        PlantedSubject.copy(buffers, output, bytes)
        guard let x = buffers.inputs["x"], let base = x.baseAddress, x.count >= 64 else { return }
        let beyond = base.loadUnaligned(fromByteOffset: x.count, as: UInt64.self)
        if beyond == 0x1234_5678_9ABC_DEF0 { buffers.outputs[output]?.copyBytes(from: [0]) }
      }, verdict: .overran, elements: 24),
    PlantedBug(
      name: "writes into its input", operation: "requantize", dialect: "onnx",
      subject: .writing { buffers, output, bytes in
        PlantedSubject.copy(buffers, output, bytes)
        guard let acc = buffers.inputs["acc"], acc.count > 4 else { return }
        UnsafeMutableRawBufferPointer(mutating: acc)[4] ^= 0x55
      }, verdict: .overran, elements: 8),
    PlantedBug(
      name: "crashes on a NaN", operation: "quantize", dialect: "onnx",
      subject: PlantedSubject(
        operations: ["quantize"],
        answer: { try? Reference.evaluateFast($0, dialect: $1) },
        write: { buffers, output, bytes in
          PlantedSubject.copy(buffers, output, bytes)
          guard let x = buffers.inputs["x"], x.count % 4 == 0 else { return }
          for offset in stride(from: 0, to: x.count, by: 4) {
            let code = x.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            if code & 0x7FFF_FFFF > 0x7F80_0000 {
              UnsafeMutablePointer<UInt8>(bitPattern: 8)?.pointee = 1
            }
          }
        }), verdict: .crashed, elements: 5),
    PlantedBug(
      name: "depends on the address", operation: "quantize", dialect: "tflite",
      subject: .writing { buffers, output, bytes in
        PlantedSubject.copy(buffers, output, bytes)
        guard let buffer = buffers.outputs[output], let base = buffer.baseAddress, !buffer.isEmpty,
          UInt(bitPattern: base) % 4096 < 512
        else { return }
        buffer[0] ^= 1
      }, verdict: .alignment, elements: 4),
    PlantedBug(
      name: "changes the rounding mode", operation: "dequantize", dialect: "onnx",
      subject: .writing { buffers, output, bytes in
        PlantedSubject.copy(buffers, output, bytes)
        fesetround(FE_TOWARDZERO)
      }, verdict: .environment, elements: 3),
  ]
}

/// Each planted bug is found soon, shrunk to a few elements, and called by its name.
@Suite struct PlantedBugTests {
  private func report(_ bug: PlantedBug, seed: UInt64) throws -> CampaignReport {
    var subject = bug.subject
    subject.operations = [bug.operation]
    var plan = CampaignPlan(
      operations: [try #require(Registry.operation(named: bug.operation))],
      dialects: [try Dialect.named(bug.dialect)], subjects: [subject], budget: .cases(400),
      seed: seed,
      jobs: 2)
    plan.maximumFailures = 1
    var campaign = Campaign(plan)
    return campaign.run()
  }

  @Test(arguments: PlantedBug.all) func isFound(bug: PlantedBug) throws {
    let report = try report(bug, seed: 1)
    #expect(report.oracleFaults == [])
    let failure = try #require(report.failures.first, "not found in \(report.cases) cases")
    #expect(failure.verdict == bug.verdict, "\(failure)")
    let elements = failure.test.inputs.values.reduce(0) { $0 + $1.count }
    #expect(elements <= bug.elements, "\(failure)")
    if let likeness = bug.likeness {
      #expect(failure.likeness?.contains(likeness) ?? false, "\(failure)")
    }
    #expect(report.lanes.first?.failure == bug.verdict)

    // What is said can be replayed: the choices make the case, and the outputs are exact.
    let operation = try #require(Registry.operation(named: bug.operation))
    let dialect = try Dialect.named(bug.dialect)
    var choices = Choices(replaying: try #require(failure.choices))
    var again = operation.generate(from: &choices, dialect: dialect)
    (again.id, again.note) = (failure.test.id, failure.test.note)
    again.outputs = failure.test.outputs
    #expect(again == failure.test)
    let exact = try Reference.evaluate(again, dialect: dialect)
    #expect(exact.outputs.allSatisfy { failure.test.outputs?[$0.name] == $0.expectation })
    let text = failure.text(replayFile: nil)
    #expect(text.hasPrefix("\(bug.operation)/\(bug.dialect): planted "))
    #expect(text.contains("qverify replay '\(bug.operation)/\(bug.dialect):"))
  }

  /// A hang ends at the time-out; a campaign with its longer one would take too long here.
  @Test func hang() throws {
    let dialect = try Dialect.named("onnx")
    var choices = Choices(randomness: Randomness(seed: 1))
    let test = Quantize.generate(from: &choices, dialect: dialect)
    let subject = PlantedSubject.writing { buffers, output, bytes in
      var spins: UInt64 = 0
      while bytes.count < Int.max { spins &+= 1 }
      buffers.outputs[output]?.copyBytes(from: [UInt8(truncatingIfNeeded: spins)])
    }
    let outcome = try Reference.evaluate(test)
    let judge = Judge(Judge.Rules(timeout: .milliseconds(60)))
    let judgement = judge.judge(test, dialect: dialect, subject: subject, outcome: outcome)
    #expect(judgement.verdict == .hung && judgement.message.hasPrefix("did not return within"))
    // The judge goes on.
    let good = judge.judge(test, dialect: dialect, subject: PlantedSubject(), outcome: outcome)
    #expect(good.verdict == .passed)
  }
}
