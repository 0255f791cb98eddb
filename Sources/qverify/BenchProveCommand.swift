import ArgumentParser
import CaseFormat
import Dispatch
import Foundation
import NumberFormats
import Operations
import Proving
import Reporting
import Subjects
import Verification

/// `qverify bench prove`: what a proof costs, against the kernel that it is about.
struct BenchProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove",
    abstract: "Time proofs of 2^32 inputs against the kernel alone on as many.",
    discussion: """
      "kernel" calls the kernel on the same 8192 elements from all over the domain, in cache, until \
      2^32 have gone through, on as many threads as the proof has; "proof" is all of qverify prove: \
      exact answers, inputs, calls, comparison, digests. Both are times on the wall, measured one \
      after the other in each repeat; the ratio is taken within a repeat.
      """)

  @Option(help: "Built-in tiers such as builtin:avx2, by commas. Default: the fastest of this CPU.")
  var subject: String?

  @Option(help: "How often each measurement is repeated.")
  var repeats = 3

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    guard repeats > 0 else { throw ValidationError("--repeats must be at least 1") }
  }

  /// A measured workload.
  private struct Row {
    var workload: String
    var subject: String
    var kernel: BenchSummary
    var proof: BenchSummary
    var ratio: BenchSummary
  }

  func run() throws {
    Interruption.catchSignals()
    let named = try Input.subjects(subject ?? SubjectList.fastest.name)
    let machine = BenchMachine(clock: "ContinuousClock, the time on the wall")
    var rows: [Row] = []
    for subject in named {
      guard let subject = subject as? BuiltinSubject else {
        throw ValidationError(
          "'\(subject.name)' is no built-in tier: its kernel cannot be called here")
      }
      for workload in ProofWorkload.all where !Interruption.isRequested {
        if !quiet && StandardError.isTerminal {
          BenchProgress.show("\(workload.name), \(subject.name)")
        }
        rows.append(try row(workload, subject))
      }
    }
    if !quiet && StandardError.isTerminal { ProgressLine.clear() }
    switch format {
    case .text:
      machine.lines(threads: jobs).forEach { print($0) }
      print("method   median (min .. max) of \(repeats) repeats; ratios within a repeat\n")
      let header = ["workload", "subject", "kernel s", "proof s", "ratio", "min", "max"]
      let cells = rows.map { row in
        [
          row.workload, row.subject, BenchNumber.text(row.kernel.median),
          BenchNumber.text(row.proof.median), BenchNumber.text(row.ratio.median),
          BenchNumber.text(row.ratio.min), BenchNumber.text(row.ratio.max),
        ]
      }
      print(TextTable.lines([header] + cells).joined(separator: "\n"))
    case .json:
      print(
        JSONValue.object([
          .init("machine", machine.json(threads: jobs)),
          .init(
            "proofs",
            .array(
              rows.map { row in
                .object([
                  .init("workload", .string(row.workload)), .init("subject", .string(row.subject)),
                  .init("inputs", .number("\(1 << 32)")),
                  .init("kernel_seconds", row.kernel.json), .init("proof_seconds", row.proof.json),
                  .init("ratio", row.ratio.json),
                ])
              })),
        ]))
    }
    if Interruption.isRequested { throw Exit.interrupted }
  }

  private func row(_ workload: ProofWorkload, _ subject: BuiltinSubject) throws -> Row {
    let dialect = try Input.dialects([workload.dialect])[0]
    let question = try ProveInputsCommand.orMalformed { try workload.question(dialect) }
    let domain = LaneDomain([.init(question, codes: question.codes)], provesTails: false)
    var (kernels, proofs, ratios): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<repeats where !Interruption.isRequested {
      let kernel = try stream(question, dialect, subject)
      let prover = Prover(
        domain: domain, subject: subject, rules: Judge.Rules(),
        blocks: Array(0..<Blocks.count(of: domain.count)), jobs: jobs)
      let start = ContinuousClock().now
      guard case .done = prover.run() else {
        StandardError.line("qverify: \(workload.name): \(subject.name) cannot be proven")
        throw Exit.internalFault
      }
      let proof = start.duration(to: ContinuousClock().now) / .seconds(1)
      kernels.append(kernel)
      proofs.append(proof)
      ratios.append(proof / kernel)
    }
    guard let kernel = BenchSummary(kernels), let proof = BenchSummary(proofs),
      let ratio = BenchSummary(ratios)
    else { throw Exit.interrupted }
    return Row(
      workload: workload.name, subject: subject.name, kernel: kernel, proof: proof, ratio: ratio)
  }

  /// The seconds that the kernel alone takes for 2^32 elements, 8192 at a time, on all threads.
  private func stream(
    _ question: Question, _ dialect: Dialect, _ subject: BuiltinSubject
  ) throws -> Double {
    let count = CallLengths.body
    // From all over the domain, as the proof has them: subnormals alone would slow a kernel down.
    let step = (question.codes.upperBound - question.codes.lowerBound) / Int64(count) + 1
    let test = question.test((0..<Int64(count)).map { question.codes.lowerBound + $0 * step })
    guard case .ready = subject.prepare(test, dialect: dialect) else {
      throw ValidationError("\(subject.name) does not take \(question.operation.name)")
    }
    let calls = (1 << 32) / count / jobs
    let start = ContinuousClock().now
    DispatchQueue.concurrentPerform(iterations: jobs) { _ in
      guard case .ready(let call) = subject.prepare(test, dialect: dialect) else { return }
      var buffers = KernelBuffers()
      var memory: [UnsafeMutableRawBufferPointer] = []
      func buffer(_ bytes: Int) -> UnsafeMutableRawBufferPointer {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 4096)
        memory.append(buffer)
        return buffer
      }
      for (name, tensor) in test.inputs {
        let bytes = ElementBytes.bytes(of: tensor.codes, as: tensor.dtype)
        let target = buffer(bytes.count)
        target.copyBytes(from: bytes)
        buffers.inputs[name] = UnsafeRawBufferPointer(target)
      }
      for output in question.outputs {
        buffers.outputs[output.name] = buffer(count * output.dtype.storageBytes)
      }
      for _ in 0..<calls { call(buffers) }
      for block in memory { block.deallocate() }
    }
    return start.duration(to: ContinuousClock().now) / .seconds(1)
  }
}

/// An operation with parameters that a proof is timed on.
private struct ProofWorkload {
  var name: String
  var operation: String
  var dialect: String
  var parameters: QuestionParameters

  static let all: [ProofWorkload] = [
    .init("quantize onnx f32->s8", "quantize", "onnx", scale: "0.1", zeroPoint: "3"),
    .init("quantize tflite f32->s8", "quantize", "tflite", scale: "0.1", zeroPoint: "3"),
    .init("requantize onnx s32->s8", "requantize", "onnx", scale: "0.001", zeroPoint: "3"),
    .init("requantize tflite s32->s8", "requantize", "tflite", scale: "0.001", zeroPoint: "3"),
    .init("fake_quantize pytorch f32", "fake_quantize", "pytorch", scale: "0.1", zeroPoint: "3"),
  ]

  private init(
    _ name: String, _ operation: String, _ dialect: String, scale: String, zeroPoint: String
  ) {
    (self.name, self.operation, self.dialect) = (name, operation, dialect)
    parameters = QuestionParameters()
    parameters.scale = scale
    parameters.zeroPoint = zeroPoint
    parameters.type = .int8
  }

  func question(_ dialect: Dialect) throws(CaseError) -> Question {
    try Question(try parameters.template(of: operation), dialect: dialect)
  }
}
