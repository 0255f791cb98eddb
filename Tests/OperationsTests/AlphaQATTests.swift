import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations
import Testing

/// The checks that `specs/gradients.md` states for alpha-blending.
@Suite struct AlphaQATTests {
  private func ask(_ alpha: String, _ w: String, _ gradient: String = "1") -> String {
    "alpha_qat ideal qmin=-8 qmax=7 | w float32 \(w) | scale float32 0.25 | alpha float32 \(alpha) | grad_output float32 \(gradient)"
  }

  /// [gradients §9]: the published example.
  @Test func blend() {
    check([
      (ask("0", "0.37"), "0.37 / 1"), (ask("0.25", "0.37"), "0.34 / 0.75"),
      (ask("0.5", "0.37"), "0.31 / 0.5"), (ask("1", "0.37"), "0.25 / 0"),
      (ask("0.5", "0.34375"), "0.296875 / 0.5"),
    ])
  }

  /// Both ends of alpha are identities; ties and ends of the range.
  @Test func identities() {
    let w = "-3 -2 0.125 0.375 1.75 1.875 9"
    check([
      (ask("0", w), "\(w) / 1 1 1 1 1 1 1"),
      (ask("1", w), "-2 -2 0 0.5 1.75 1.75 1.75 / 0 0 0 0 0 0 0"),
      (ask("0.5", w), "-2.5 -2 0.0625 0.4375 1.75 1.8125 5.375 / 0.5 0.5 0.5 0.5 0.5 0.5 0.5"),
    ])
  }

  /// [gradients §9]: each rounding at a tie of either sign.
  @Test func roundings() {
    let rows = [
      ("RNE", "0 0 0.5"), ("RHA", "-0.25 0.25 0.5"), ("RHU", "0 0.25 0.5"),
      ("RHD", "-0.25 0 0.25"), ("RHZ", "0 0 0.25"), ("FLR", "-0.25 0 0.25"),
      ("CEL", "0 0.25 0.5"), ("TRZ", "0 0 0.25"), ("AWZ", "-0.25 0.25 0.5"),
    ]
    for (name, y) in rows {
      let question =
        "alpha_qat ideal rounding=\(name) qmin=-8 qmax=7 | w float32 -0.125 0.125 0.375 | scale float32 0.25 | alpha float32 1 | grad_output float32 1"
      #expect(answer(question) == "\(y) / 0 0 0", "\(name)")
    }
  }

  /// NaN, infinities and zeros, of weights and of gradients.
  @Test func specials() {
    check([
      (ask("0", "nan inf -inf -0"), "nan inf -inf 0 / 1 1 1 1"),
      (ask("0.5", "nan inf -inf -0"), "null inf -inf 0 / 0.5 0.5 0.5 0.5"),
      (ask("1", "nan inf -inf -0"), "null 1.75 -2 0 / 0 0 0 0"),
      (ask("0.5", "0 0 0 0", "nan inf -inf -0"), "0 0 0 0 / nan inf -inf 0"),
      (ask("1", "0 0 0 0", "nan inf -inf -0"), "0 0 0 0 / 0 0 0 0"),
    ])
  }

  /// Zero points and channels.
  @Test func parameters() {
    check([
      (
        "alpha_qat ideal axis=0 qmin=0 qmax=15 | w float32[2,2] -1 0.3 1 5 | scale float32 0.25 0.5 | zero_point uint8 1 8 | alpha float32 1 | grad_output float32 1",
        "-0.25 0.25 1 3.5 / 0 0 0 0"
      )
    ])
  }

  /// What is refused, with a reason.
  @Test func refusals() {
    checkErrors([
      (ask("-0.5", "1"), "precondition: alpha is -1/2"), (ask("1.5", "1"), "precondition: alpha is"),
      (ask("nan", "1"), "precondition: alpha is NaN"),
      (ask("0 1", "1"), "malformed: alpha must be one element"),
      (
        "alpha_qat ideal qmin=0 qmax=1 | w float32 1 | scale float32 0 | alpha float32 0 | grad_output float32 1",
        "precondition: scale is 0"
      ),
      (
        "alpha_qat ideal rounding=nearest qmin=0 qmax=1 | w float32 1 | scale float32 1 | alpha float32 0 | grad_output float32 1",
        "malformed: rounding 'nearest'"
      ),
    ])
  }

  /// [gradients §9]: between ties the gradient is the true derivative, by exact finite differences.
  @Test func gradientIsTheDerivative() throws {
    // 2^-20 beside each point no tie is crossed, and every value here is exact in binary64.
    let step = 0x1p-20
    for alpha in [0, 0.25, 0.5, 0.75, 1] {
      for w in [-1.9375, -0.3125, 0.0625, 0.40625, 1.6875] {
        func y(_ w: Double) throws -> Double {
          let test = try parse(
            "alpha_qat ideal qmin=-8 qmax=7 | w float64 \(w) | scale float32 0.25 | alpha float32 \(alpha) | grad_output float64 1"
          )
          return try #require(try Reference.evaluate(test)["y"]).tensor.number(at: 0).approximate
        }
        #expect(try (y(w + step) - y(w)) / step == 1 - alpha, "alpha \(alpha), w \(w)")
      }
    }
  }
}
