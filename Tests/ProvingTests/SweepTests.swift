import CaseFormat
import Kernels
import NumberFormats
import Operations
import Proving
import Subjects
import Testing
import Verification

/// Small domains proven completely, and kernels that are wrong in one place.
struct SweepTests {
  /// Sweeps consecutive codes of a question; all of them by default.
  private func sweep(
    _ line: String, _ subject: any Subject, codes: ClosedRange<Int64>? = nil,
    calls: CallLengths = .bodies, timeout: Duration = .seconds(10)
  ) throws -> SweepResult {
    let question = try question(line)
    let codes = codes ?? question.codes
    let count = Int(codes.upperBound - codes.lowerBound) + 1
    let isStepwise = question.dependence != .any("nothing is claimed")
    let oracle = Oracle(question, domain: isStepwise ? 1 << 32 : count)
    let sweep = Sweep(
      template: question.template, input: question.input, dtype: question.dtype,
      outputs: question.outputs, first: codes.lowerBound,
      expected: try oracle.expected(from: codes.lowerBound, count: count).runs, calls: calls)
    return subject.sweep(
      sweep, dialect: question.dialect, on: GuardedRunner(timeout: timeout))
  }

  private func report(_ result: SweepResult) throws -> SweepReport {
    guard case .compared(let report) = result else { throw BadLine(text: "\(result)") }
    return report
  }

  private func verdict(_ result: SweepResult) -> Verdict? {
    if case .fault(let judgement, _, _) = result { judgement.verdict } else { nil }
  }

  // MARK: Right kernels

  /// The built-in kernels, on every tier of this CPU: nothing is wrong, and the digests agree.
  @Test(
    arguments: [
      ("dequantize onnx x:int8 scale:float32=0.1 zero_point:int8=3", nil),
      ("dequantize tflite x:uint8 scale:float32=3e-40 zero_point:uint8=200", nil),
      ("dequantize onnx x:int16 scale:float32=0.0123 zero_point:int16=-300", nil),
      ("requantize tflite acc:int32 scale:float32=0.01 zero_point:int8=3", -32768...32767),
      ("requantize onnx acc:int32 scale:float32=0.003 zero_point:uint8=128", -32768...32767),
      ("quantize onnx x:float32 scale:float32=0.1 zero_point:int8=3", 0x3F00_0000...0x3F00_FFFF),
      (
        "fake_quantize pytorch x:float32 scale:float32=0.1 zero_point:int32=3 qmin=0 qmax=255",
        0x7F7F_8000...0x7F80_7FFF
      ),
    ] as [(String, ClosedRange<Int64>?)])
  func rightKernels(line: String, codes: ClosedRange<Int64>?) throws {
    var digests: Set<String> = []
    for subject in SubjectList.available {
      let report = try report(try sweep(line, subject, codes: codes))
      #expect(report.wrongCount == 0 && report.wrong.isEmpty, "\(subject.name)")
      digests.insert("\(report.digest)")
    }
    #expect(digests.count == 1)
  }

  /// Every conversion of twelve bits, against shifts and clamps, with all lengths of calls.
  @Test func fixedPoint() throws {
    for (rounding, bias) in [("AP_TRN", 0), ("AP_RND", 4), ("AP_RND_MIN_INF", 3)] {
      for overflow in ["AP_WRAP", "AP_SAT"] {
        let line =
          "quantize ap_fixed x:fixed<12,4> output_dtype=fixed<8,3> rounding=\(rounding) "
          + "overflow=\(overflow)"
        let kernel = FixedPointKernel(bias: bias, saturates: overflow == "AP_SAT")
        let whole = try report(try sweep(line, kernel))
        #expect(whole.wrongCount == 0, "\(rounding) \(overflow)")
        #expect(try report(try sweep(line, kernel, calls: .tails)) == whole)
        // The bias of another rounding is seen.
        let other = FixedPointKernel(bias: 2, saturates: overflow == "AP_SAT")
        #expect(try report(try sweep(line, other)).wrongCount > 0)
      }
    }
  }

  // MARK: Wrong kernels

  /// A kernel that is wrong on one input, wherever that is.
  @Test(arguments: [
    ("quantize onnx x:float32 scale:float32=0.1 zero_point:int8=3 qmax=9", 0, 0xFFFF),
    ("quantize onnx x:float32 scale:float32=0.1 zero_point:int8=3 qmax=9", 0x3EE6_0000, 0x3EE6_FFFF),
    (
      "quantize tflite x:float32 scale:float32=0.1 zero_point:int8=3 qmax=9", 0xBF80_0000,
      0xBF80_FFFF
    ),
    (
      "fake_quantize pytorch x:float32 scale:float32=0.1 zero_point:int32=3 qmin=0 qmax=9",
      0x7F7F_C000, 0x7F80_BFFF
    ),
    (
      "fake_quantize pytorch x:float32 scale:float32=0.1 zero_point:int32=3 qmin=0 qmax=9",
      0xFFFF_0000, 0xFFFF_FFFF
    ),
    ("requantize tflite acc:int32 scale:float32=0.01 zero_point:int8=3", -32768, 32767),
  ])
  func oneWrongInput(line: String, first: Int64, last: Int64) throws {
    let question = try question(line)
    let runs = try Oracle(question, domain: 1 << 32)
      .expected(from: first, count: Int(last - first) + 1).runs
    // The ends, the middle, both sides of each step, and the middle of each stretch.
    var places: Set<Int64> = [first, last, first + (last - first) / 2 + 1]
    var start = first
    for count in runs.counts.prefix(12) {
      places.formUnion([start, start + Int64(count) / 2, start + Int64(count) - 1])
      start += Int64(count)
    }
    for place in places {
      for output in question.outputs {
        let kernel = FaultyKernel(question) { buffers, index in
          buffers.outputs[output.name]?[index * output.dtype.storageBytes] ^= 1
        } at: {
          $0 == place
        }
        let report = try report(try sweep(line, kernel, codes: first...last))
        #expect(report.wrongCount == 1, "\(place)")
        #expect(report.wrong.map(\.input) == [place])
        #expect(report.wrong.map { question.outputs[$0.output].name } == [output.name])
      }
    }
  }

  /// What no kernel may do, done at one input in the middle of a sweep.
  @Test func faults() throws {
    let line = "quantize onnx x:float32 scale:float32=0.1 zero_point:int8=3"
    let question = try question(line)
    let codes: ClosedRange<Int64> = 0x3F80_0000...0x3F80_FFFF
    let middle: Int64 = 0x3F80_9ABC
    func verdict(_ fault: @escaping FaultyKernel.Fault) throws -> Verdict? {
      let kernel = FaultyKernel(question, fault) { $0 == middle }
      return self.verdict(
        try sweep(line, kernel, codes: codes, timeout: .milliseconds(300)))
    }
    let crash = try verdict { _, _ in
      UnsafeMutableRawPointer(bitPattern: 64)?.storeBytes(of: 1, as: UInt8.self)
    }
    #expect(crash == .crashed)
    let hang = try verdict { _, _ in while true {} }
    #expect(hang == .hung)
    let overrun = try verdict { buffers, _ in
      guard let y = buffers.outputs["y"] else { return }
      y.baseAddress?.storeBytes(of: 1, toByteOffset: y.count, as: UInt8.self)
    }
    #expect(overrun == .overran)
    let written = try verdict { buffers, _ in
      let scale = buffers.inputs["scale"]?.baseAddress.map(UnsafeMutableRawPointer.init(mutating:))
      scale?.storeBytes(of: 0, as: UInt8.self)
    }
    #expect(written == .overran)
    // What it writes into the input that runs is written over before the next call, and looked at
    // after each eighth only [proof §5].
    let always = FaultyKernel(question) { buffers, index in
      let x = buffers.inputs["x"]?.baseAddress.map(UnsafeMutableRawPointer.init(mutating:))
      x?.storeBytes(of: 0xFF, toByteOffset: 4 * index, as: UInt8.self)
    } at: {
      $0 % 1000 == 0
    }
    #expect(self.verdict(try sweep(line, always, codes: codes)) == .overran)
  }

  /// An element that a kernel leaves as it was is wrong, whatever is expected there.
  @Test func unwrittenElement() throws {
    let line = "quantize onnx x:float32 scale:float32=0.1 zero_point:int8=3"
    let question = try question(line)
    for place in [0x3F80_0000, 0x3F80_9ABC, 0x3F80_FFFF] as [Int64] {
      let kernel = FaultyKernel(question, leavesUnwritten: { $0 == place })
      let report = try report(try sweep(line, kernel, codes: 0x3F80_0000...0x3F80_FFFF))
      #expect(report.wrong.map(\.input) == [place])
    }
  }

  /// Where an interval is allowed, what memory held before lies outside it.
  @Test func unwrittenInterval() throws {
    let line =
      "requantize tosa-inexact acc:int32 multiplier:int32=1073741824 shift:int32=31 "
      + "zero_point:int8=0"
    for place in [-5, -1, 0, 1, 100] as [Int64] {
      let right = try report(try sweep(line, HalvingKernel(skipped: nil), codes: -128...127))
      #expect(right.wrongCount == 0)
      let report = try report(try sweep(line, HalvingKernel(skipped: place), codes: -128...127))
      #expect(report.wrong.map(\.input) == [place])
    }
  }
}

/// A built-in kernel with a fault at some codes of the input.
private struct FaultyKernel: InProcessSubject {
  typealias Fault = @Sendable (_ buffers: KernelBuffers, _ index: Int) -> Void

  let name = "faulty"
  private let base = BuiltinSubject(.scalar)
  private let input: String
  private let leavesUnwritten: Bool
  private let fault: Fault
  private let isFaulty: @Sendable (Int64) -> Bool
  private let isSigned: Bool

  /// The fault is done after the right answer.
  init(
    _ question: Question, _ fault: @escaping Fault, at isFaulty: @escaping @Sendable (Int64) -> Bool
  ) {
    (input, isSigned) = (question.input, question.dtype.isSigned && question.dtype == .int32)
    (self.fault, self.isFaulty, leavesUnwritten) = (fault, isFaulty, false)
  }

  /// The element is as if nobody had written it.
  init(_ question: Question, leavesUnwritten isFaulty: @escaping @Sendable (Int64) -> Bool) {
    (input, isSigned) = (question.input, question.dtype == .int32)
    (fault, self.isFaulty, leavesUnwritten) = ({ _, _ in }, isFaulty, true)
  }

  func refusal(of operation: String, dialect: Dialect) -> String? {
    base.refusal(of: operation, dialect: dialect)
  }

  func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    guard case .ready(let call) = base.prepare(test, dialect: dialect) else {
      return .refused("not for this kernel")
    }
    return .ready { buffers in
      guard let codes = buffers.inputs[input] else { return }
      var found: Int?
      for index in 0..<(codes.count / 4) {
        let bits = codes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
        if isFaulty(isSigned ? Int64(Int32(bitPattern: bits)) : Int64(bits)) { found = index }
      }
      let before = found.flatMap { buffers.outputs["y"]?[$0] }
      call(buffers)
      guard let found else { return }
      if leavesUnwritten, let before { buffers.outputs["y"]?[found] = before }
      fault(buffers, found)
    }
  }
}

/// `ap_fixed<12,4>` to `ap_fixed<8,3>`: a bias, a shift by three, a clamp or the low eight bits.
private struct FixedPointKernel: InProcessSubject {
  let name = "model"
  let bias: Int
  let saturates: Bool

  func refusal(of operation: String, dialect: Dialect) -> String? { nil }

  func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    .ready { [bias, saturates] buffers in
      guard let x = buffers.inputs["x"], let y = buffers.outputs["y"] else { return }
      for index in 0..<y.count {
        let raw = Int(x.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self))
        let shifted = (raw + bias) >> 3
        let level = saturates ? min(max(shifted, -128), 127) : Int(Int8(truncatingIfNeeded: shifted))
        y.storeBytes(of: Int8(level), toByteOffset: index, as: Int8.self)
      }
    }
  }
}

/// Halves an accumulator, rounding down; leaves out one.
private struct HalvingKernel: InProcessSubject {
  let name = "halving"
  let skipped: Int64?

  func refusal(of operation: String, dialect: Dialect) -> String? { nil }

  func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    .ready { [skipped] buffers in
      guard let acc = buffers.inputs["acc"], let y = buffers.outputs["y"] else { return }
      for index in 0..<y.count {
        let value = acc.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)
        if Int64(value) == skipped { continue }
        y.storeBytes(of: Int8(value >> 1), toByteOffset: index, as: Int8.self)
      }
    }
  }
}
