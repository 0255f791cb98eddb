import CaseFormat
import Generation
import NumberFormats
import Operations
import Testing

/// The checks that `specs/gradients.md` states for the straight-through estimator.
@Suite struct SteGradTests {
  /// [gradients §5]: the ends of a range on x.
  @Test func masksAtTheEnds() {
    let x = "| x float32 -1.5 -1 0 1 1.5 | grad_output float32 1"
    check([
      ("ste_grad ideal mask=identity \(x)", "1 1 1 1 1"),
      ("ste_grad ideal mask=identity lower=-1 upper=1 \(x)", "1 1 1 1 1"),
      ("ste_grad ideal mask=closed lower=-1 upper=1 \(x)", "0 1 1 1 0"),
      ("ste_grad ideal mask=open lower=-1 upper=1 \(x)", "0 0 1 0 0"),
      ("ste_grad pytorch mask=closed lower=-1 upper=1 \(x)", "0 1 1 1 0"),
      ("ste_grad pytorch mask=open lower=-1 upper=1 \(x)", "0 0 1 0 0"),
    ])
  }

  /// [gradients §5]: one ulp beside each end.
  @Test func oneUlpBesideTheEnds() {
    let x =
      "| x float32 bits:0xbf800001 -1 bits:0xbf7fffff bits:0x3f7fffff 1 bits:0x3f800001 | grad_output float32 2"
    check([
      ("ste_grad ideal mask=closed lower=-1 upper=1 \(x)", "0 2 2 2 2 0"),
      ("ste_grad ideal mask=open lower=-1 upper=1 \(x)", "0 0 2 2 0 0"),
    ])
  }

  /// [gradients §5]: the mask on the rounded level, and on the quotient.
  @Test func roundedIsWider() {
    let x = "| x float32 127 127.3 127.5 -128.5 -128.75 | grad_output float32 1"
    check([
      ("ste_grad ideal mask=rounded qmin=-128 qmax=127 \(x)", "1 1 0 1 0"),
      ("ste_grad pytorch mask=rounded qmin=-128 qmax=127 \(x)", "1 1 0 1 0"),
      ("ste_grad pytorch-export mask=rounded qmin=-128 qmax=127 \(x)", "1 1 0 1 0"),
      ("ste_grad ideal mask=closed qmin=-128 qmax=127 \(x)", "1 0 0 0 0"),
      ("ste_grad ideal mask=open qmin=-128 qmax=127 \(x)", "0 0 0 0 0"),
      (
        "ste_grad ideal mask=rounded qmin=-127 qmax=127 | x float32 -127.5 | grad_output float32 1",
        "0"
      ),
    ])
  }

  /// [gradients §2]: the exact quotient, and that of binary32.
  @Test func quotientOfTheDialect() {
    let x = "qmin=0 qmax=3 | x float32 0.3 | scale float32 0.1 | grad_output float32 1"
    check([
      ("ste_grad ideal mask=closed \(x)", "0"), ("ste_grad pytorch mask=closed \(x)", "1"),
      (
        "ste_grad ideal mask=closed qmin=-4 qmax=3 | x float32 -2.5 -2 -1.9 1.5 1.6 | scale float32 0.5 | grad_output float32 1",
        "0 1 1 1 0"
      ),
      (
        "ste_grad ideal mask=open qmin=-4 qmax=3 | x float32 -2.5 -2 -1.9 1.5 1.6 | scale float32 0.5 | grad_output float32 1",
        "0 0 1 0 0"
      ),
    ])
  }

  /// [gradients §3]: what masks make of special gradients.
  @Test func specialGradients() {
    let gradients = "grad_output float32 1 -1 -0 inf nan"
    let outside = "| x float32 5 5 5 5 5 | \(gradients)"
    let inside = "| x float32 0 0 0 0 0 | \(gradients)"
    check([
      ("ste_grad ideal mask=rounded qmin=-1 qmax=1 \(outside)", "0 0 0 0 0"),
      ("ste_grad pytorch mask=rounded qmin=-1 qmax=1 \(outside)", "0 -0 -0 nan nan"),
      ("ste_grad pytorch mask=closed qmin=-1 qmax=1 \(outside)", "0 0 0 0 0"),
      ("ste_grad ideal mask=rounded qmin=-1 qmax=1 \(inside)", "1 -1 0 inf nan"),
      ("ste_grad pytorch mask=rounded qmin=-1 qmax=1 \(inside)", "1 -1 -0 inf nan"),
      ("ste_grad pytorch mask=open qmin=-1 qmax=1 \(inside)", "1 -1 -0 inf nan"),
    ])
  }

  /// A NaN passes the identity alone; infinities stand outside.
  @Test func specialInputs() {
    let x = "| x float32 nan inf -inf -0 | grad_output float32 1"
    check([
      ("ste_grad ideal mask=identity \(x)", "1 1 1 1"),
      ("ste_grad ideal mask=closed lower=-1 upper=1 \(x)", "0 0 0 1"),
      ("ste_grad ideal mask=open lower=0 upper=1 \(x)", "0 0 0 0"),
      ("ste_grad pytorch mask=rounded qmin=-1 qmax=1 \(x)", "0 0 0 1"),
      (
        "ste_grad pytorch mask=rounded axis=0 qmin=-1 qmax=1 | x float32 nan 1 | scale float32[1] 1 | grad_output float32 1",
        "null 1"
      ),
    ])
  }

  /// Scales at the end of their range, per channel, and nothing at all.
  @Test func shapes() {
    check([
      (
        "ste_grad ideal mask=closed qmin=0 qmax=1 | x float32 bits:0x1 bits:0x2 | scale float32 bits:0x1 | grad_output float32 1 2",
        "1 0"
      ),
      (
        "ste_grad ideal mask=closed axis=0 qmin=0 qmax=3 | x float32[2,2] 3 4 3 4 | scale float32 1 2 | grad_output float32[2,2] 1 2 3 4",
        "1 0 3 4"
      ),
      ("ste_grad ideal mask=closed lower=0 upper=1 | x float32[0] | grad_output float32[0]", ""),
      (
        "ste_grad ideal mask=closed qmin=0 qmax=3 | x float16 3 4 | zero_point int8 -1 | grad_output float16 1",
        "1 1"
      ),
    ])
  }

  /// What is refused, with a reason.
  @Test func refusals() {
    let x = "| x float32 1 | grad_output float32 1"
    let range = "mask=closed qmin=0 qmax=3 | x float32 1 | grad_output float32 1 | scale float32"
    checkErrors([
      ("ste_grad ideal lower=0 upper=1 \(x)", "malformed: ste_grad needs the attribute 'mask'"),
      ("ste_grad ideal mask=half lower=0 upper=1 \(x)", "malformed: mask 'half'"),
      ("ste_grad ideal mask=closed \(x)", "malformed: the mask 'closed' needs a range"),
      ("ste_grad ideal mask=rounded lower=0 upper=1 \(x)", "malformed: the mask 'rounded' needs"),
      ("ste_grad ideal mask=open lower=1 upper=0 \(x)", "malformed: lower 1 is above upper 0"),
      ("ste_grad ideal mask=open lower=1 \(x)", "malformed: lower and upper must be given together"),
      (
        "ste_grad ideal mask=open lower=0 upper=1 qmin=0 qmax=1 \(x)",
        "malformed: the range is given twice"
      ),
      ("ste_grad ideal \(range) 0", "precondition: scale is 0"),
      ("ste_grad ideal \(range) -1", "precondition: scale is -1"),
      ("ste_grad ideal \(range) nan", "precondition: scale is NaN"),
      ("ste_grad ideal \(range) inf", "precondition: scale is inf"),
      (
        "ste_grad ideal mask=open lower=0 upper=1 \(x) | scale float32 1",
        "malformed: input 'scale' means nothing"
      ),
      (
        "ste_grad ideal mask=identity | x float32 1 | grad_output float16 1",
        "malformed: grad_output is float16"
      ),
      (
        "ste_grad ideal mask=identity | x float32 1 2 3 | grad_output float32 1 2",
        "malformed: grad_output of shape [2]"
      ),
      ("ste_grad pytorch-export mask=open lower=0 upper=1 \(x)", "unsupported: dialect"),
      (
        "ste_grad pytorch mask=rounded qmin=0 qmax=3 | x float32 1 | zero_point int32 9 | grad_output float32 1",
        "precondition: zero_point 9"
      ),
      ("ste_grad onnx mask=identity \(x)", "unsupported: dialect 'onnx' does not define ste_grad"),
    ])
  }

  /// The explanation names the region and the exact quotient.
  @Test func explanation() throws {
    let test = try parse(
      "ste_grad pytorch mask=open qmin=0 qmax=3 | x float32 0.3 | scale float32 0.1 | grad_output float32 1"
    )
    let stages = try Reference.evaluate(test, explaining: .init(output: "grad_x", index: 0)).stages
    #expect(stages.map(\.name) == ["region", "gradient"])
    #expect(stages.first?.value == "on the upper boundary")
    #expect(stages.first?.detail.contains("in binary32 3") == true, "\(stages)")
  }

  /// Masks contain each other, and the gradient is a choice of the upstream one.
  @Test func laws() throws {
    let dialect = try Dialect.named("ideal")
    var compared = 0
    for stream in 0..<60 {
      var choices = Choices(randomness: Randomness(seed: 11, stream: UInt64(stream)))
      var test = SteGrad.generate(from: &choices, dialect: dialect)
      guard test.attributes["qmin"] != nil, let x = test.inputs["x"] else { continue }
      let one = Tensor(scalar: try ElementText.code(of: "1", as: x.dtype), x.dtype)
      test.inputs["grad_output"] = one
      var masks: [String: [Int64]] = [:]
      for mask in ["identity", "closed", "open", "rounded"] {
        test.attributes["mask"] = .string(mask)
        let codes = try #require(try Reference.evaluate(test)["grad_x"]).tensor.codes
        masks[mask] = codes.map { $0 == 0 ? 0 : 1 }
        #expect(codes.allSatisfy { $0 == 0 || $0 == one.codes[0] }, "stream \(stream)")
      }
      func isWithin(_ a: String, _ b: String) -> Bool {
        zip(masks[a] ?? [], masks[b] ?? []).allSatisfy { $0 <= $1 }
      }
      #expect(isWithin("open", "closed") && isWithin("closed", "rounded"), "stream \(stream)")
      #expect(isWithin("rounded", "identity"), "stream \(stream)")
      compared += x.count
    }
    #expect(compared > 300)
  }
}
