import CaseFormat
import ExactArithmetic
import Generation
import NumberFormats
import Operations
import Testing

/// The checks that `specs/gradients.md` states for LSQ.
@Suite struct LsqGradTests {
  private let x = "| x float32 -3 -2 -1.875 -0.25 0.25 0.75 1.25 1.5 1.625 | scale float32 0.5"
  private let head = "lsq_grad ideal qmin=-4 qmax=3"

  /// [gradients §8]: every region, ties and both ends.
  @Test func regions() {
    let y = "-2 -2 -2 0 0 1 1 1.5 1.5"
    let open = "0 0 1 1 1 1 1 0 0"
    let closed = "0 1 1 1 1 1 1 1 0"
    check([
      (
        "\(head) reduction=none \(x) | grad_output float32 1",
        "\(y) / \(open) / -4 -4 -0.25 0.5 -0.5 0.5 -0.5 3 3"
      ),
      (
        "\(head) reduction=none boundary=closed \(x) | grad_output float32 1",
        "\(y) / \(closed) / -4 0 -0.25 0.5 -0.5 0.5 -0.5 0 3"
      ),
      ("\(head) \(x) | grad_output float32 1", "\(y) / \(open) / -2.25"),
      ("\(head) boundary=closed \(x) | grad_output float32 1", "\(y) / \(closed) / -1.25"),
      ("\(head) grad_factor=0.125 \(x) | grad_output float32 1", "\(y) / \(open) / -0.28125"),
      ("\(head) \(x) | grad_output float32 -2", "\(y) / \(open.replacing("1", with: "-2")) / 4.5"),
    ])
  }

  /// One ulp beside the upper end.
  @Test func besideTheEnd() {
    let x = "| x float32 bits:0x3fbfffff 1.5 bits:0x3fc00001 | scale float32 0.5"
    check([
      (
        "\(head) reduction=none \(x) | grad_output float32 1",
        "1.5 1.5 1.5 / 1 0 0 / 2.3841858e-07 3 3"
      ),
      (
        "\(head) reduction=none boundary=closed \(x) | grad_output float32 1",
        "1.5 1.5 1.5 / 1 1 0 / 2.3841858e-07 0 3"
      ),
    ])
  }

  /// The zero point moves the range, and has a gradient where an element is outside.
  @Test func zeroPoint() {
    let x = "| x float32 -1 0.25 9 | scale float32 0.5 | zero_point int8 1 | grad_output float32 1 2 4"
    check([
      // t = -1, 1.5, 19 in 0...7: outside, in range, outside.
      ("lsq_grad ideal qmin=0 qmax=7 \(x)", "-0.5 0 3 / 0 2 0 / 22 / -2.5"),
      (
        "lsq_grad ideal qmin=0 qmax=7 reduction=none \(x)",
        "-0.5 0 3 / 0 2 0 / -1 -1 24 / -0.5 0 -2"
      ),
    ])
  }

  /// One sum a channel; the factor is the channel's own.
  @Test func perChannel() {
    check([
      (
        "lsq_grad ideal axis=0 qmin=-4 qmax=3 | x float32[2,2] 9 0.25 9 0.5 | scale float32 0.5 1 | grad_output float32[2,2] 1 2 4 8",
        "1.5 0 3 0 / 0 2 0 8 / 2 8"
      )
    ])
  }

  /// [gradients §4]: specials, and sums that cancel.
  @Test func specials() {
    let scale = "| scale float32 1"
    check([
      (
        "\(head) | x float32 nan 9 \(scale) | grad_output float32 1", "null 3 / 0 0 / null"
      ),
      (
        "\(head) reduction=none | x float32 nan inf -inf -0 \(scale) | grad_output float32 1",
        "null 3 -4 0 / 0 0 0 1 / null 3 -4 0"
      ),
      (
        "\(head) | x float32 1 9 \(scale) | grad_output float32 inf 1", "1 3 / inf 0 / 3"
      ),
      ("\(head) | x float32 9 9 \(scale) | grad_output float32 inf -inf", "3 3 / 0 0 / nan"),
      ("\(head) | x float32 9 9 9 \(scale) | grad_output float32 1e30 1 -1e30", "3 3 3 / 0 0 0 / 3"),
      ("\(head) | x float32 9 9 9 \(scale) | grad_output float32 1 1e30 -1e30", "3 3 3 / 0 0 0 / 3"),
      (
        "\(head) reduction=none | x float32[0] \(scale) | grad_output float32[0]", " /  / "
      ),
      (
        "\(head) | x float32 bits:0x1 bits:0x7 | scale float32 bits:0x2 | grad_output float32 2",
        "0 bits:0x6 / 2 0 / 5".replacing("bits:0x6", with: "8e-45")
      ),
    ])
  }

  /// [gradients §10]: answers of PyTorch.
  @Test func learnable() {
    func ask(_ x: String) -> String {
      "lsq_grad pytorch qmin=-4 qmax=3 | x float32 \(x) | scale float32 0.5 | zero_point float32 0 | grad_output float32 1"
    }
    check([
      (ask("-3"), "-2 / 0 / -4 / -0.5"), (ask("-2"), "-2 / 1 / 0 / 0"),
      (ask("-1.9"), "-2 / 1 / -0.20000005 / 0"), (ask("0.25"), "0 / 1 / -0.5 / 0"),
      (ask("0.75"), "1 / 1 / 0.5 / 0"), (ask("1.3"), "1.5 / 1 / 0.4000001 / 0"),
      (ask("1.5"), "1.5 / 1 / 0 / 0"), (ask("1.6"), "1.5 / 1 / -0.20000005 / 0"),
      (ask("1.75"), "1.5 / 0 / 3 / -0.5"), (ask("-2.25"), "-2 / 1 / 0.5 / 0"),
      (ask("1.75 1.75"), "1.5 1.5 / 0 0 / null / null"),
    ])
    checkErrors([
      (
        "lsq_grad pytorch qmin=-4 qmax=3 boundary=open | x float32 1 | scale float32 1 | grad_output float32 1",
        "malformed: attribute 'boundary' means nothing"
      ),
      (
        "lsq_grad pytorch qmin=-4 qmax=3 | x float32 1 | scale float32 0 | grad_output float32 1",
        "precondition: scale is 0"
      ),
    ])
  }

  /// What is refused, with a reason.
  @Test func refusals() {
    let x = "| x float32 1 | grad_output float32 1 | scale float32"
    checkErrors([
      ("\(head) \(x) 0", "precondition: scale is 0"),
      ("\(head) \(x) -1", "precondition: scale is -1"),
      ("\(head) \(x) nan", "precondition: scale is NaN"),
      ("lsq_grad ideal \(x) 1", "malformed: lsq_grad needs the attributes 'qmin' and 'qmax'"),
      ("\(head) boundary=half \(x) 1", "malformed: boundary 'half'"),
      ("\(head) reduction=mean \(x) 1", "malformed: reduction 'mean'"),
      ("\(head) \(x) 1 | zero_point float32 0.5", "precondition: zero_point 1/2 is not an integer"),
      (
        "\(head) | x float32[0] | grad_output float32[0] | scale float32 1",
        "precondition: grad_scale is a sum over nothing"
      ),
    ])
  }

  /// [gradients §8]: scaling x and the scale by a power of two scales y, and leaves the slopes.
  @Test func equivariance() throws {
    let plain = answer("\(head) reduction=none \(x) | grad_output float32 1")
    let scaled = answer(
      "\(head) reduction=none | x float32 -12 -8 -7.5 -1 1 3 5 6 6.5 | scale float32 2 | grad_output float32 1"
    )
    #expect(scaled == plain.replacing("-2 -2 -2 0 0 1 1 1.5 1.5", with: "-8 -8 -8 0 0 4 4 6 6"))
  }

  /// [gradients §8]: the sum does not depend on the order of the elements.
  @Test func orderDoesNotMatter() throws {
    let dialect = try Dialect.named("ideal")
    var compared = 0
    for stream in 0..<60 {
      var choices = Choices(randomness: Randomness(seed: 17, stream: UInt64(stream)))
      var test = LsqGrad.generate(from: &choices, dialect: dialect)
      guard test.attributes["axis"] == nil, test.attributes["reduction"] == nil,
        let x = test.inputs["x"], let gradient = test.inputs["grad_output"],
        gradient.shape == x.shape
      else { continue }
      let sum = try #require(try Reference.evaluate(test)["grad_scale"])
      test.inputs["x"] = Tensor(x.dtype, shape: x.shape, codes: x.codes.reversed())
      test.inputs["grad_output"] = Tensor(
        x.dtype, shape: x.shape, codes: gradient.codes.reversed())
      #expect(try Reference.evaluate(test)["grad_scale"] == sum, "stream \(stream)")
      compared += 1
    }
    #expect(compared > 5)
  }
}
