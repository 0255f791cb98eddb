import Kernels
import Testing

/// What contradicts itself is refused before anything is read or written.
@Suite struct ValidationTests {
  @Test func elementwiseParametersAreChecked() {
    func expectInvalid(_ affine: AffineParameters, _ output: OutputRange, bytes: Int = 8) {
      let memory = Memory()
      defer { memory.release() }
      let x = memory.guarded(count: bytes, poison: 0)
      let y = memory.guarded(count: 2 * output.type.size, poison: 0)
      #expect(throws: KernelError.self) {
        try quantize(
          tier: .scalar,
          parameters: QuantizeParameters(rule: .onnx, affine: affine, output: output),
          x: x.read, y: y.bytes)
      }
    }
    let good = AffineParameters(scales: [1])
    let int8 = OutputRange(.int8)
    expectInvalid(good, int8, bytes: 9)
    expectInvalid(good, OutputRange(.int32))
    expectInvalid(good, OutputRange(.int8, qmin: 3, qmax: 2))
    expectInvalid(good, OutputRange(.int8, qmin: -129))
    expectInvalid(AffineParameters(scales: []), int8)
    expectInvalid(AffineParameters(scales: [0]), int8)
    expectInvalid(AffineParameters(scales: [.nan]), int8)
    expectInvalid(AffineParameters(scales: [-1]), int8)
    expectInvalid(AffineParameters(scales: [1], zeroPoints: [.max]), int8)
    expectInvalid(AffineParameters(scales: [1, 2], channels: Channels(count: 3, inner: 1)), int8)
    expectInvalid(AffineParameters(scales: [1], channels: Channels(count: 1, inner: 0)), int8)
  }

  @Test func errorsSayWhatIsWrong() {
    let memory = Memory()
    defer { memory.release() }
    let x = memory.guarded(count: 12, poison: 0)
    let y = memory.guarded(count: 2, poison: 0)
    let parameters = QuantizeParameters(
      rule: .onnx, affine: AffineParameters(scales: [1]), output: OutputRange(.int8))
    #expect(throws: KernelError.invalid("x has 12 bytes, not 8")) {
      try quantize(tier: .scalar, parameters: parameters, x: x.read, y: y.bytes)
    }
    #expect(
      KernelError.invalid("x has 12 bytes, not 8").description == "invalid: x has 12 bytes, not 8")
  }

  @Test func productParametersAreChecked() {
    func expectInvalid(
      _ change: (inout Conv2DParameters) -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      var p = Conv2DParameters(
        xType: .int8, wType: .int8, layout: .nchw, inChannels: 4, height: 3, width: 3,
        outChannels: 4, kernelHeight: 2, kernelWidth: 2)
      change(&p)
      let parameters = p
      let memory = Memory()
      defer { memory.release() }
      let (x, w) = (memory.guarded(count: 36, poison: 0), memory.guarded(count: 64, poison: 0))
      let y = memory.guarded(count: 64, poison: 0)
      #expect(throws: KernelError.self, sourceLocation: sourceLocation) {
        try conv2d(
          tier: .scalar, parameters: parameters, x: x.read, w: w.read, bias: nil, y: y.bytes)
      }
    }
    expectInvalid { $0.batch = 2 }
    expectInvalid { $0.batch = -1 }
    expectInvalid { $0.height = .max }
    expectInvalid { $0.groups = 3 }
    expectInvalid { $0.groups = 0 }
    expectInvalid { $0.strideWidth = 0 }
    expectInvalid { $0.padLeft = -1 }
    expectInvalid { $0.dilationHeight = 0 }
    expectInvalid { $0.xType = .int16 }
    expectInvalid { $0.xZeroPoint = 128 }
    expectInvalid { $0.wZeroPoints = [1, 2] }
    expectInvalid { $0.weightLayout = .hwo }
    expectInvalid {
      $0.requantization = Requantization(
        scaling: .fixedPoint(multipliers: [1], shifts: [-32]), output: OutputRange(.int8))
    }

    let memory = Memory()
    defer { memory.release() }
    let empty = memory.guarded(count: 0)
    let y = memory.guarded(count: 4, poison: 0)
    #expect(throws: KernelError.self) {
      try matmul(
        tier: .scalar, parameters: MatMulParameters(aType: .int8, bType: .int8, m: 1, n: 1, k: 0),
        a: empty.read, b: empty.read, bias: nil, y: y.bytes)
    }
  }
}
