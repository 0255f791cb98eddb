import ArgumentParser
import CaseFormat
import Foundation
import NumberFormats
import Operations
import Proving
import Verification

struct ProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "prove", abstract: "Prove.")
  @Argument var operation: String
  @Option var scale = "0.1"
  @Option var zeroPoint = 3
  @Option var dtype = "int8"
  @Option var dialect = "onnx"
  @Option var subject = "builtin:avx2"
  @Option var jobs = Parallel.defaultJobs
  @Flag var tails = false

  func run() throws {
    let dialect = try Input.dialects([dialect])[0]
    let subject = try Input.subjects(subject)[0]
    let type = DataType(name: dtype) ?? .int8
    var test = Case(id: "", operation: operation, dialect: dialect.name)
    let scaleCode = Int64(Float(scale)!.bitPattern)
    test.inputs["scale"] = Tensor(scalar: scaleCode, .float32)
    test.inputs["zero_point"] = Tensor(scalar: Int64(zeroPoint), type)
    test.inputs[operation == "requantize" ? "acc" : "x"] = Tensor(
      operation == "requantize" ? .int32 : .float32, shape: [0], codes: [])
    let question = try Question(test, dialect: dialect)
    let domain = LaneDomain([.init(question, codes: question.codes)], provesTails: tails)
    let clock = ContinuousClock()
    let start = clock.now
    let prover = Prover(
      domain: domain, subject: subject, rules: Judge.Rules(),
      blocks: Array(0..<Blocks.count(of: domain.count)), jobs: jobs)
    print(prover.run())
    print(start.duration(to: clock.now), domain.count)
  }
}
