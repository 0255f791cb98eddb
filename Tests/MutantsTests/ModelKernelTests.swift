import Generation
import Mutants
import Operations
import Testing
import Verification

/// The kernels that faults are planted in are right.
@Suite struct ModelKernelTests {
  #if DEBUG
    private static let cases = 60
  #else
    private static let cases = 3000
  #endif

  /// Runs a right kernel on fresh cases; returns how many it took.
  private func taken(_ kernel: ModelKernel) throws -> Int {
    let operation = try #require(Registry.operation(named: kernel.operation))
    let dialect = try Dialect.named(kernel.dialect)
    let judge = Judge()
    var taken = 0
    for index in 0..<Self.cases {
      var choices = Choices(randomness: Randomness(seed: 0xC0FFEE, stream: UInt64(index)))
      let test = operation.generate(from: &choices, dialect: dialect)
      guard kernel.refusal(of: test, dialect: dialect) == nil,
        let outcome = try? Reference.evaluateFast(test, dialect: dialect)
      else { continue }
      let judgement = judge.judge(test, dialect: dialect, subject: kernel, outcome: outcome)
      if judgement.verdict != .unsupported { taken += 1 }
      #expect(
        !judgement.verdict.isFailure,
        "\(kernel.operation)/\(kernel.dialect) \(kernel.name), case \(index): \(judgement)")
    }
    return taken
  }

  @Test(arguments: ModelKernel.claims.map(\.operation)) func isRight(operation: String) throws {
    let dialects = try #require(ModelKernel.claims.first { $0.operation == operation }).dialects
    for dialect in dialects {
      for shape in TierShape.all {
        let kernel = ModelKernel(operation, dialect: dialect, shape: shape)
        // It must not hide behind refusals.
        #expect(try taken(kernel) * 5 >= Self.cases, "\(operation)/\(dialect) \(shape.name)")
      }
    }
  }

  @Test(arguments: ModelKernel.scalarClaims.map(\.operation))
  func scalarIsRight(operation: String) throws {
    let claims = ModelKernel.scalarClaims.filter { $0.operation == operation }
    for dialect in claims.flatMap(\.dialects) {
      let kernel = ModelKernel(operation, dialect: dialect, shape: .scalar)
      #expect(try taken(kernel) * 12 >= Self.cases, "\(operation)/\(dialect)")
    }
  }

  /// What a model kernel is not asked for it refuses.
  @Test func refusesOthers() throws {
    let kernel = ModelKernel("quantize", dialect: "onnx", shape: .scalar)
    #expect(kernel.refusal(of: "quantize", dialect: try Dialect.named("onnx")) == nil)
    #expect(kernel.refusal(of: "dequantize", dialect: try Dialect.named("onnx")) != nil)
    #expect(kernel.refusal(of: "quantize", dialect: try Dialect.named("tflite")) != nil)
    #expect(kernel.name == "model:scalar")
    let wrong = ModelKernel("quantize", dialect: "onnx", shape: .avx2, fault: .floor, place: .tail)
    #expect(wrong.name == "model:avx2+floor-in-tail")
  }
}
