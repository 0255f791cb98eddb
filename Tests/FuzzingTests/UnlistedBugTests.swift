import CaseFormat
import ExactArithmetic
import Fuzzing
import Generation
import NumberFormats
import Operations
import Testing
import Verification

/// A bug that no list of faults has, with what an explanation should say of it.
struct UnlistedBug: Sendable, CustomTestStringConvertible {
  var name: String
  var operation: String
  var dialect: String
  var subject: any Subject
  var verdict = Verdict.mismatch
  /// The stages that are right to be named; any where there is none.
  var stages: [String] = []
  /// What the line `decides` should contain.
  var decides: String?
  /// What the line `looks like` should contain.
  var likeness: String?
  /// What the line `wrong only` should contain, one of them.
  var pattern: [String] = []

  var testDescription: String { name }

  /// Probing takes long without optimization: then only a few.
  #if DEBUG
    static let all: [UnlistedBug] = Array(rounding.prefix(1) + memory.suffix(2))
  #else
    static let all: [UnlistedBug] = rounding + ranges + sums + places + memory
  #endif
}

// MARK: How they are planted

extension PlantedSubject {
  /// Computes right, then changes codes of the first output.
  fileprivate static func altering(
    _ change: @escaping @Sendable (_ test: Case, _ exact: Tensor, inout [Int64]) -> Void
  ) -> PlantedSubject {
    PlantedSubject(answer: { test, dialect in
      guard var outcome = try? Reference.evaluateFast(test, dialect: dialect) else { return nil }
      let exact = outcome.outputs[0].expectation.tensor
      var codes = exact.codes
      change(test, exact, &codes)
      outcome.outputs[0].expectation.tensor.codes = codes
      return outcome
    })
  }

  /// Adds to the codes of the first output, within its range.
  fileprivate func adding(
    _ summand: @escaping @Sendable (_ test: Case, _ exact: Tensor, _ index: Int) -> Int64
  ) -> PlantedSubject {
    let other = answer
    return PlantedSubject(answer: { test, dialect in
      guard var outcome = other(test, dialect) else { return nil }
      var tensor = outcome.outputs[0].expectation.tensor
      guard case .integer(let format) = tensor.dtype, var low = format.minimum.int64,
        var high = format.maximum.int64
      else { return nil }
      if case .integer(let value)? = test.attributes["qmin"] { low = Int64(value) }
      if case .integer(let value)? = test.attributes["qmax"] { high = Int64(value) }
      for index in tensor.codes.indices {
        tensor.codes[index] = min(max(tensor.codes[index] + summand(test, tensor, index), low), high)
      }
      outcome.outputs[0].expectation.tensor = tensor
      return outcome
    })
  }

  /// Computes wrong as another planted subject does, where a condition holds, else right.
  fileprivate func only(
    where condition: @escaping @Sendable (_ test: Case, _ exact: Tensor, _ index: Int) -> Bool
  ) -> PlantedSubject {
    let wrong = answer
    return PlantedSubject(answer: { test, dialect in
      guard var outcome = try? Reference.evaluateFast(test, dialect: dialect),
        let other = wrong(test, dialect)
      else { return nil }
      let exact = outcome.outputs[0].expectation.tensor
      let replacement = other.outputs[0].expectation.tensor
      guard exact.shape == replacement.shape else { return other }
      for index in exact.codes.indices where condition(test, exact, index) {
        outcome.outputs[0].expectation.tensor.codes[index] = replacement.codes[index]
      }
      return outcome
    })
  }
}

/// Leaves elements as they were.
private struct SkippingSubject: InProcessSubject {
  var name = "planted"
  var skips: @Sendable (_ test: Case, _ exact: Tensor, _ index: Int) -> Bool

  func refusal(of operation: String, dialect: Dialect) -> String? { nil }

  func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    guard let outcome = try? Reference.evaluateFast(test, dialect: dialect) else {
      return .refused("no answer")
    }
    let (name, expectation) = outcome.outputs[0]
    let tensor = expectation.tensor
    let bytes = ElementBytes.bytes(of: tensor.codes, as: tensor.dtype)
    let written = tensor.codes.indices.filter { !skips(test, tensor, $0) }
    let size = tensor.dtype.storageBytes
    return .ready { buffers in
      guard let buffer = buffers.outputs[name] else { return }
      for index in written {
        for byte in index * size..<(index + 1) * size { buffer[byte] = bytes[byte] }
      }
    }
  }
}

private func number(_ test: Case, _ input: String, _ index: Int) -> Double {
  guard let tensor = test.inputs[input], index < tensor.count else { return 0 }
  return tensor.number(at: index).approximate
}

private func integers(_ test: Case, _ attribute: String) -> [Int] {
  guard case .integers(let values)? = test.attributes[attribute] else { return [] }
  return values
}

// MARK: The bugs

extension UnlistedBug {
  private static let rounding = [
    UnlistedBug(
      name: "ties of negative numbers go away from zero", operation: "quantize", dialect: "onnx",
      subject: PlantedSubject.changed("quantize", [("rounding", "nearest_away")])
        .only { test, _, index in number(test, "x", index) < 0 },
      stages: ["rounding"], decides: "ties to even",
      likeness: "half away from zero where it is negative", pattern: ["negative tie", "tie"]),
    UnlistedBug(
      name: "every seventh tie away from zero", operation: "quantize", dialect: "tflite",
      subject: PlantedSubject.changed("quantize", [("rounding", "nearest_even")])
        .only { _, _, index in index % 8 == 5 },
      stages: ["rounding"], likeness: "rounding by half to even, where it is wrong",
      pattern: ["mod 8 is 5"]),
    UnlistedBug(
      name: "one step too low beyond 100", operation: "requantize", dialect: "onnx",
      subject: PlantedSubject.altering { _, exact, codes in
        for index in codes.indices where exact.codes[index] > 100 { codes[index] -= 1 }
      }, stages: ["rounding", "scaling"], pattern: ["the exact output is at least 101"]),
  ]

  private static let ranges = [
    UnlistedBug(
      name: "clamp before the zero point, then wrapping", operation: "quantize", dialect: "onnx",
      subject: PlantedSubject.altering { test, exact, codes in
        guard case .integer(let format) = exact.dtype, let low = format.minimum.int64,
          let high = format.maximum.int64, let scale = test.inputs["scale"], scale.count == 1,
          let zero = test.inputs["zero_point"], zero.count == 1, test.attributes["qmin"] == nil,
          test.inputs["x"]?.dtype == .float32, scale.dtype == .float32
        else { return }
        for index in codes.indices {
          let value = (Float(number(test, "x", index)) / Float(number(test, "scale", 0)))
            .rounded(.toNearestOrEven)
          guard value.isFinite, value.magnitude < 0x1p40 else { continue }
          let sum = min(max(Int64(value), low), high) + zero.codes[0]
          let span = high - low + 1
          codes[index] = sum > high ? sum - span : sum < low ? sum + span : sum
        }
      }, stages: ["clamp"], decides: "clamp", likeness: "clamp before the zero point, then wrapping"),
    UnlistedBug(
      name: "the highest level never reached", operation: "quantize", dialect: "tflite",
      subject: PlantedSubject.altering { _, exact, codes in
        guard case .integer(let format) = exact.dtype, let high = format.maximum.int64 else {
          return
        }
        for index in codes.indices where codes[index] == high { codes[index] = high - 1 }
      }, stages: ["clamp"], decides: "clamp"),
    UnlistedBug(
      name: "a zero point beyond 127 taken for a negative one", operation: "requantize",
      dialect: "tflite",
      subject: PlantedSubject.altering { test, exact, codes in
        guard exact.dtype == .uint8, let zero = test.inputs["zero_point"], zero.count == 1,
          zero.codes[0] >= 128, test.attributes["qmin"] == nil, test.attributes["qmax"] == nil
        else { return }
        for index in codes.indices {
          // Only where the range does not hide what came before.
          if codes[index] > 0 && codes[index] < 255 { codes[index] = max(codes[index] - 256, 0) }
        }
      }, stages: ["zero point"]),
    UnlistedBug(
      name: "NaN to the lowest level", operation: "quantize", dialect: "xnnpack-fp32",
      subject: PlantedSubject.altering { test, exact, codes in
        guard case .integer(let format) = exact.dtype else { return }
        for index in codes.indices where number(test, "x", index).isNaN {
          codes[index] = format.minimum.int64 ?? 0
        }
      }, stages: ["special values"], decides: "NaN", pattern: ["the input is NaN"]),
  ]

  private static let sums = [
    UnlistedBug(
      name: "the lowest bit lost beyond 2^22", operation: "matmul", dialect: "onnx",
      subject: PlantedSubject.altering { _, exact, codes in
        for index in codes.indices where exact.codes[index].magnitude >= 1 << 20 {
          codes[index] &= ~15
        }
      }, stages: ["accumulation"], decides: "accumulation", pattern: ["|accumulator|"]),
    UnlistedBug(
      name: "-128 taken for -127", operation: "matmul", dialect: "tflite",
      subject: .seeing(PlantedSubject()) { test in
        if let a = test.inputs["a"], a.dtype == .int8 {
          test.inputs["a"]?.codes = a.codes.map { max($0, -127) }
        }
      }, stages: ["accumulation"], decides: "accumulation",
      likeness: "the lowest input taken for the one above it"),
    UnlistedBug(
      name: "the last product of an odd number left out", operation: "matmul", dialect: "onnx",
      subject: PlantedSubject.altering { test, exact, codes in
        // Without zero points the last product shows as it is.
        guard let a = test.inputs["a"], let b = test.inputs["b"], a.shape.count == 2,
          b.shape.count == 2, a.shape[1] % 2 == 1, test.inputs["a_zero_point"] == nil,
          test.inputs["b_zero_point"] == nil
        else { return }
        let (depth, columns) = (a.shape[1], b.shape[1])
        for index in codes.indices {
          let (row, column) = (index / columns, index % columns)
          codes[index] -= a.codes[row * depth + depth - 1] * b.codes[(depth - 1) * columns + column]
        }
      }, stages: ["accumulation"], decides: "product",
      likeness: "left out"),
    UnlistedBug(
      name: "bias of the next channel in every channel but the first", operation: "conv2d",
      dialect: "onnx",
      subject: .seeing(PlantedSubject()) { test in
        if let bias = test.inputs["bias"], bias.count > 2 {
          test.inputs["bias"]?.codes = [bias.codes[0]] + bias.codes.dropFirst(2) + [bias.codes[1]]
        }
      }, pattern: []),
    UnlistedBug(
      name: "kernels read backwards in groups", operation: "conv2d", dialect: "tflite",
      subject: .seeing(PlantedSubject()) { test in
        guard test.attributes["group"] != nil, let w = test.inputs["w"] else { return }
        let width = w.shape[3]
        test.inputs["w"]?.codes = w.codes.indices.map {
          w.codes[$0 - $0 % width + width - 1 - $0 % width]
        }
      }, stages: ["indexing"], likeness: "'w' read backwards along its last axis, where it is wrong",
      pattern: ["group"]),
  ]

  private static let places = [
    UnlistedBug(
      name: "bias added after the requantization", operation: "qconv2d", dialect: "onnx",
      subject: PlantedSubject.seeing { $0.inputs["bias"] = nil }.adding { test, exact, index in
        guard let bias = test.inputs["bias"] else { return 0 }
        let isLast = test.attributes["layout"] == .string("NHWC")
        let size = isLast ? 1 : exact.shape[2] * exact.shape[3]
        let channels = isLast ? exact.shape[3] : exact.shape[1]
        return bias.codes[bias.count == 1 ? 0 : index / size % channels]
      }, stages: ["accumulation"]),
    UnlistedBug(
      name: "a tail that uses the scale of the channel before", operation: "quantize",
      dialect: "onnx",
      subject: PlantedSubject.seeing { test in
        if let scale = test.inputs["scale"], scale.count > 1, scale.shape.count == 1 {
          test.inputs["scale"]?.codes = scale.codes.indices.map { scale.codes[max($0 - 1, 0)] }
        }
      }.only { _, exact, index in index >= exact.count - exact.count % 8 },
      stages: ["scaling"], likeness: "'scale' of the channel before", pattern: ["last n mod 8"]),
    UnlistedBug(
      name: "every sixteenth element repeats the one before", operation: "dequantize",
      dialect: "onnx",
      subject: PlantedSubject.altering { _, exact, codes in
        for index in codes.indices where index % 8 == 7 { codes[index] = exact.codes[index - 1] }
      }, stages: ["indexing"], pattern: ["mod 8 is 7"]),
    UnlistedBug(
      name: "later images repeat the first", operation: "conv2d", dialect: "onnx",
      subject: PlantedSubject.altering { _, exact, codes in
        guard let batch = exact.shape.first, batch > 1 else { return }
        let size = exact.count / batch
        for index in codes.indices { codes[index] = exact.codes[index % max(size, 1)] }
      }, likeness: "the first slice of 'x' for every one"),
    UnlistedBug(
      name: "border windows lack the bias", operation: "depthwise_conv2d", dialect: "onnx",
      subject: PlantedSubject.seeing { test in
        if integers(test, "pads").contains(where: { $0 > 0 }) { test.inputs["bias"] = nil }
      }.only { test, _, _ in integers(test, "pads").contains { $0 > 0 } },
      stages: ["accumulation"], decides: "bias"),
  ]

  private static let memory = [
    UnlistedBug(
      name: "the last row unwritten where pads are no multiple of the stride", operation: "conv2d",
      dialect: "onnx",
      subject: SkippingSubject { test, exact, index in
        let (pads, strides) = (integers(test, "pads"), integers(test, "strides"))
        guard pads.count == 4, strides.count == 2, pads[0] % strides[0] != 0,
          test.attributes["layout"] == nil
        else { return false }
        return exact.coordinates(of: index)[2] == exact.shape[2] - 1
      }, verdict: .unwritten, stages: ["write"],
      pattern: [
        "pads[0] is no multiple of strides[0] and it is last along the second last axis",
        "it is last along the second last axis and pads[0] is no multiple of strides[0]",
      ]),
    UnlistedBug(
      name: "a tail of one element unwritten", operation: "quantize", dialect: "onnx",
      subject: SkippingSubject { _, exact, index in
        exact.count % 8 == 1 && index == exact.count - 1
      }, verdict: .unwritten, stages: ["write"], pattern: ["last"]),
    UnlistedBug(
      name: "crashes on lengths of 8 n + 3", operation: "dequantize", dialect: "onnx",
      subject: PlantedSubject.writing { buffers, output, bytes in
        PlantedSubject.copy(buffers, output, bytes)
        if let x = buffers.inputs["x"], x.count % 8 == 3 {
          UnsafeMutablePointer<UInt8>(bitPattern: 8)?.pointee = 1
        }
      }, verdict: .crashed),
  ]
}

extension Subject where Self == PlantedSubject {
  /// Sees another case.
  fileprivate static func seeing(
    _ subject: PlantedSubject, _ change: @escaping @Sendable (inout Case) -> Void
  ) -> PlantedSubject { PlantedSubject.seeing(change) }
}

/// Bugs that are in no list are explained: the stage, where it is wrong, and the same cause again.
@Suite struct UnlistedBugTests {
  private func failure(_ bug: UnlistedBug, seed: UInt64) throws -> Failure {
    var plan = CampaignPlan(
      operations: [try #require(Registry.operation(named: bug.operation))],
      dialects: [try Dialect.named(bug.dialect)], subjects: [bug.subject], budget: .cases(1200),
      seed: seed, jobs: 2)
    plan.maximumFailures = 1
    var campaign = Campaign(plan)
    return try #require(campaign.run().failures.first)
  }

  @Test(arguments: UnlistedBug.all) func isExplained(bug: UnlistedBug) throws {
    let failure = try failure(bug, seed: 1)
    #expect(failure.verdict == bug.verdict, "\(failure)")
    if !bug.stages.isEmpty {
      #expect(bug.stages.contains(failure.stage ?? "none"), "\(failure)")
    }
    if let decides = bug.decides {
      #expect(failure.decides?.contains(decides) ?? false, "\(failure)")
    }
    if let likeness = bug.likeness {
      #expect(failure.likeness?.contains(likeness) ?? false, "\(failure)")
    }
    if !bug.pattern.isEmpty {
      #expect(bug.pattern.contains { failure.pattern?.contains($0) ?? false }, "\(failure)")
    }
    let again = try self.failure(bug, seed: 2)
    #expect(again.cause == failure.cause)
  }

  /// The stairs stand around the failing input, and show the subject beside the exact values.
  @Test func staircaseAndErrors() throws {
    let bug = try #require(UnlistedBug.all.first { $0.operation == "quantize" })
    let failure = try failure(bug, seed: 1)
    let staircase = try #require(failure.staircase)
    #expect(staircase.points.count == 97 && staircase.input == "x" && staircase.output == "y")
    #expect(staircase.points.map(\.input) == staircase.points.map(\.input).sorted())
    let element = try #require(failure.judgement.element)
    let input = try #require(failure.test.inputs["x"])
    let value = input.number(at: staircase.inputIndex).approximate
    let point = try #require(staircase.points.first { $0.input == value })
    let type = try #require(failure.test.outputs?["y"]?.tensor.dtype)
    #expect(point.found == type.number(fromCode: element.found).approximate)
    #expect(point.exact != point.found)
    #expect(Set(staircase.points.map(\.exact)).count >= 4)

    let wrong = failure.errors.filter { $0.difference != 0 }
    #expect(wrong.contains { $0.count > 0 } && failure.errors.contains { $0.difference == 0 })
    // Ties that go away from zero are one step too low where they are negative.
    #expect(wrong.map(\.difference) == [-1])
  }

  /// Different bugs of one operation have different causes; the same bug has the same one again.
  @Test func causesDiffer() throws {
    let bugs = UnlistedBug.all.filter { $0.operation == "quantize" && $0.dialect == "onnx" }
    let causes = try bugs.map { try failure($0, seed: 3).cause }
    #expect(Set(causes).count == bugs.count, "\(causes)")
    #expect(causes.allSatisfy { $0.hasPrefix("quantize/onnx: ") })
  }
}
