import CaseFormat
import ExactArithmetic
import Generation
import NumberFormats
import Operations
import Testing

/// The checks that `specs/gradients.md` states for PACT.
@Suite struct PactGradTests {
  private let x = "| x float32 -1 0 3 6 7 | alpha float32 6 | grad_output float32 1 2 4 8 16"

  /// [gradients §6]: x = alpha belongs to alpha, to x, or to both.
  @Test func boundary() {
    check([
      ("pact_grad ideal bits=2 \(x)", "0 0 4 6 6 / 0 2 4 0 0 / 24"),
      ("pact_grad ideal bits=2 boundary=alpha \(x)", "0 0 4 6 6 / 0 2 4 0 0 / 24"),
      ("pact_grad ideal bits=2 boundary=x \(x)", "0 0 4 6 6 / 0 2 4 8 0 / 16"),
      ("pact_grad ideal bits=2 boundary=both \(x)", "0 0 4 6 6 / 0 2 4 8 0 / 24"),
    ])
  }

  /// One ulp beside alpha.
  @Test func besideAlpha() {
    let x = "| x float32 bits:0x40bfffff 6 bits:0x40c00001 | alpha float32 6 | grad_output float32 1 2 4"
    check([
      ("pact_grad ideal bits=1 \(x)", "6 6 6 / 1 0 0 / 6"),
      ("pact_grad ideal bits=1 boundary=x \(x)", "6 6 6 / 1 2 0 / 4"),
    ])
  }

  /// [gradients §7]: the rounding error goes to alpha, q - r below it.
  @Test func calibrated() {
    // x = 2.5: r = 2.5/6, 3r = 1.25, q = 1/3, q - r = -1/12; x = 3: 3r = 1.5, q = 2/3, q - r = 1/6.
    check([
      (
        "pact_grad ideal bits=2 calibrated=1 | x float32 2.5 | alpha float32 6 | grad_output float32 12",
        "2 / 12 / -1"
      ),
      (
        "pact_grad ideal bits=2 calibrated=1 | x float32 3 | alpha float32 6 | grad_output float32 12",
        "4 / 12 / 2"
      ),
      (
        "pact_grad ideal bits=2 calibrated=1 boundary=x | x float32 -1 0 6 | alpha float32 6 | grad_output float32 12",
        "0 0 6 / 0 12 12 / 0"
      ),
      (
        "pact_grad ideal bits=2 calibrated=1 boundary=alpha | x float32 -1 0 6 | alpha float32 6 | grad_output float32 12",
        "0 0 6 / 0 12 0 / 12"
      ),
    ])
  }

  /// Special inputs and gradients; what is blocked is no summand.
  @Test func specials() {
    let special = "| x float32 nan inf -inf -0 | alpha float32 6"
    check([
      ("pact_grad ideal bits=4 \(special) | grad_output float32 1", "nan 6 0 0 / 0 0 0 1 / 1"),
      (
        "pact_grad ideal bits=4 | x float32 1 7 | alpha float32 6 | grad_output float32 inf 3",
        "0.8 6 / inf 0 / 3"
      ),
      (
        "pact_grad ideal bits=4 | x float32 7 7 | alpha float32 6 | grad_output float32 inf -inf",
        "6 6 / 0 0 / nan"
      ),
      (
        "pact_grad ideal bits=4 | x float32 7 7 | alpha float32 6 | grad_output float32 1 -1",
        "6 6 / 0 0 / 0"
      ),
    ])
  }

  /// [gradients §4]: one rounding of the exact sum, in any order.
  @Test func sumIsRoundedOnce() {
    let x = "| x float32 7 7 7 | alpha float32 6 | grad_output float32"
    check([
      ("pact_grad ideal bits=1 \(x) 1e30 1 -1e30", "6 6 6 / 0 0 0 / 1"),
      ("pact_grad ideal bits=1 \(x) 1 1e30 -1e30", "6 6 6 / 0 0 0 / 1"),
      // 2^24 + 1 is a tie, and the third summand is what decides.
      ("pact_grad ideal bits=1 \(x) 16777216 1 0x1p-60", "6 6 6 / 0 0 0 / 1.6777218e+07"),
      ("pact_grad ideal bits=1 \(x) 16777216 1 0", "6 6 6 / 0 0 0 / 16777216"),
    ])
  }

  /// What is refused, with a reason.
  @Test func refusals() {
    let x = "| x float32 1 | grad_output float32 1 | alpha float32"
    checkErrors([
      ("pact_grad ideal bits=4 \(x) 0", "precondition: alpha is 0"),
      ("pact_grad ideal bits=4 \(x) -6", "precondition: alpha is -6"),
      ("pact_grad ideal bits=4 \(x) nan", "precondition: alpha is NaN"),
      ("pact_grad ideal bits=4 \(x) 1 2", "malformed: alpha must have one element"),
      ("pact_grad ideal \(x) 6", "malformed: pact_grad needs the attribute 'bits'"),
      ("pact_grad ideal bits=0 \(x) 6", "malformed: attribute 'bits' is 0"),
      ("pact_grad ideal bits=4 boundary=left \(x) 6", "malformed: boundary 'left'"),
      (
        "pact_grad ideal bits=4 | x float32[0] | grad_output float32[0] | alpha float32 6",
        "precondition: grad_alpha is a sum over nothing"
      ),
    ])
  }

  /// [gradients §6]: beyond alpha the gradient of alpha is the true derivative, d alpha / d alpha = 1; the
  /// two gradients share the gradients of x >= 0 between them.
  @Test func gradientsAreShared() throws {
    let dialect = try Dialect.named("ideal")
    for stream in 0..<40 {
      var choices = Choices(randomness: Randomness(seed: 3, stream: UInt64(stream)))
      var test = PactGrad.generate(from: &choices, dialect: dialect)
      test.attributes["calibrated"] = nil
      test.attributes["boundary"] = .string(stream % 2 == 0 ? "alpha" : "x")
      let x = try #require(test.inputs["x"])
      let ones = (0..<x.count).map { _ in "1" }.joined(separator: " ")
      test.inputs["grad_output"] = try tensor("\(x.dtype.name)[\(x.count)] \(ones)")
      let outcome = try Reference.evaluate(test)
      let passed = try #require(outcome["grad_x"]).tensor
      let total = try #require(outcome["grad_alpha"]).tensor.number(at: 0).approximate
      let inX = (0..<x.count).reduce(0.0) { $0 + passed.number(at: $1).approximate }
      let expected = (0..<x.count).count {
        let value = x.number(at: $0)
        return !value.isNaN && (!value.isNegative || value.isZero)
      }
      #expect(inX + total == Double(expected), "stream \(stream)")
    }
  }
}
