import Kernels
import Testing

/// Cases worked by hand or published with the operator, on every tier that runs here.
@Suite struct HandCheckedTests {
  func quantized<T: BitwiseCopyable>(
    _ tier: Tier, _ rule: Rule, _ x: [Float], scales: [Float], zeroPoints: [Int32] = [],
    channels: Channels = .one, _ output: OutputRange, as type: T.Type
  ) throws -> [T] {
    let memory = Memory()
    defer { memory.release() }
    let y = memory.guarded(count: x.count * output.type.size, poison: 0x55)
    let parameters = QuantizeParameters(
      rule: rule,
      affine: AffineParameters(scales: scales, zeroPoints: zeroPoints, channels: channels),
      output: output)
    try quantize(tier: tier, parameters: parameters, x: memory.guarded(x).read, y: y.bytes)
    return y.values(as: T.self)
  }

  @Test(arguments: Tier.available)
  func quantizeOfTheOnnxOperator(tier: Tier) throws {
    #expect(
      try quantized(
        tier, .onnx, [0, 2, 3, 1000, -254, -1000], scales: [2], zeroPoints: [128],
        OutputRange(.uint8), as: UInt8.self) == [128, 129, 130, 255, 1, 0])
    #expect(
      try quantized(
        tier, .onnx,
        [
          0, -514, 3, -3, 2.9, -2.9, 3.1, -3.1, 65022, -66046, 65023, -66047, 65024, -66048, 7e4,
          -7e4,
        ],
        scales: [2], zeroPoints: [256], OutputRange(.int16), as: Int16.self)
        == [
          256, -1, 258, 254, 257, 255, 258, 254, 32767, -32767, 32767, -32768, 32767, -32768, 32767,
          -32768,
        ])
    #expect(
      try quantized(
        tier, .onnx, [0, 2.5, 4.8, 8.6, -30, -20, 6, 9, 12, 15, 16, 40], scales: [2, 3, 4],
        zeroPoints: [1], channels: Channels(count: 3, inner: 4),
        OutputRange(.int8, qmin: -8, qmax: 7), as: Int8.self)
        == [1, 2, 3, 5, -8, -6, 3, 4, 4, 5, 5, 7])
    #expect(
      try quantized(
        tier, .onnx, [.infinity, -.infinity, 1e10, -1e10, 0x1p31, -0x1p31], scales: [1],
        zeroPoints: [-128], OutputRange(.int8), as: Int8.self)
        == [127, -128, 127, -128, 127, -128])
  }

  @Test(arguments: Tier.available)
  func tiesAreEvenInOnnxAndAwayInTflite(tier: Tier) throws {
    let halves: [Float] = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    #expect(
      try quantized(
        tier, .onnx, halves, scales: [1], zeroPoints: [3], OutputRange(.int8), as: Int8.self)
        == [1, 1, 3, 3, 5, 5])
    #expect(
      try quantized(
        tier, .tflite, halves, scales: [1], zeroPoints: [3], OutputRange(.int8), as: Int8.self)
        == [0, 1, 2, 4, 5, 6])
    // floor(x + 0.5) in float would give 1.
    #expect(
      try quantized(
        tier, .tflite, [0.49999997, -0.49999997, 32766.5, -32767.5], scales: [1],
        OutputRange(.int16), as: Int16.self) == [0, 0, 32767, -32768])
    // x / s is 127.49999; x * (1 / s) would be the tie 127.5.
    #expect(
      try quantized(
        tier, .onnx, [0.273939937], scales: [0.00214854861], OutputRange(.uint8), as: UInt8.self)
        == [127])
  }

  @Test(arguments: Tier.available)
  func dequantizeDifferencesAreExact(tier: Tier) throws {
    func dequantized<T: BitwiseCopyable>(_ x: [T], _ type: IntegerType, _ zeroPoint: Int32) throws
      -> [Float]
    {
      let memory = Memory()
      defer { memory.release() }
      let y = memory.guarded(count: x.count * 4, poison: 0x55)
      try dequantize(
        tier: tier,
        parameters: DequantizeParameters(
          inputType: type, affine: AffineParameters(scales: [2], zeroPoints: [zeroPoint])),
        x: memory.guarded(x).read, y: y.bytes)
      return y.values(as: Float.self)
    }
    #expect(try dequantized([0, 3, 128, 255] as [UInt8], .uint8, 128) == [-256, -250, 0, 254])
    #expect(
      try dequantized([Int32.max, Int32.min, 0], .int32, Int32.min)
        == [0x1p33, 0, 0x1p32])  // 2^32 - 1 rounds to 2^32
    #expect(try dequantized([16_777_219] as [Int32], .int32, 1) == [33_554_436])  // not 33554440
  }

  @Test(arguments: Tier.available)
  func requantizeRoundsOnceInOnnxAndTwiceInTflite(tier: Tier) throws {
    func requantized(
      _ acc: [Int32], _ scaling: Requantization.Scaling, zeroPoint: Int32 = 0, accZero: Int32 = 0
    ) throws -> [Int8] {
      let memory = Memory()
      defer { memory.release() }
      let y = memory.guarded(count: acc.count, poison: 0x55)
      try requantize(
        tier: tier,
        parameters: RequantizeParameters(
          requantization: Requantization(
            scaling: scaling, zeroPoints: [zeroPoint], output: OutputRange(.int8)),
          accumulatorZeroPoint: accZero),
        acc: memory.guarded(acc).read, y: y.bytes)
      return y.values(as: Int8.self)
    }
    let ties: [Int32] = [-5, -3, -1, 1, 3, 5]
    #expect(try requantized(ties, .float(scales: [0.5]), zeroPoint: 1) == [-1, -1, 1, 1, 3, 3])
    #expect(try requantized([49_365_999], .float(scales: [5.165498464521079e-07])) == [26])
    #expect(
      try requantized([Int32.max, Int32.min], .float(scales: [0x1p-26]), accZero: Int32.min)
        == [64, 0])
    func fixed(_ multiplier: Int32, _ shift: Int32) -> Requantization.Scaling {
      .fixedPoint(multipliers: [multiplier], shifts: [shift])
    }
    #expect(try requantized(ties, fixed(1 << 30, 1)) == [-5, -3, -1, 1, 3, 5])
    #expect(try requantized([-39, -38], fixed(1 << 30, -1)) == [-10, -10])
    #expect(try requantized([-4, -5], fixed(1 << 30, -2)) == [-1, -1])
    #expect(try requantized([7, -8], fixed(1 << 30, -3)) == [1, -1])  // 7/16 rounds up, twice
    #expect(try requantized([Int32.min, Int32.max], fixed(.min, -24)) == [127, -128])
    #expect(try requantized([Int32.min, Int32.max], fixed(.max, -31)) == [-1, 1])
  }

  @Test(arguments: Tier.available)
  func fakeQuantizeMasksWhatSaturates(tier: Tier) throws {
    let x: [Float] = [0.5, 1.5, 127.3, 127.6, -128.5, -129.5, .nan, .infinity, -.infinity, 1e30]
    let memory = Memory()
    defer { memory.release() }
    let y = memory.guarded(count: x.count * 4, poison: 0x55)
    let mask = memory.guarded(count: x.count, poison: 0x55)
    try fakeQuantize(
      tier: tier,
      parameters: FakeQuantizeParameters(
        affine: AffineParameters(scales: [1], zeroPoints: [0]), qmin: -128, qmax: 127),
      x: memory.guarded(x).read, y: y.bytes, mask: mask.bytes)
    #expect(y.values(as: Float.self) == [0, 2, 127, 127, -128, -128, -128, 127, -128, 127])
    #expect(mask.values(as: UInt8.self) == [1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
  }

  @Test(arguments: Tier.available)
  func dynamicQuantizeOfTheOnnxOperator(tier: Tier) throws {
    func dynamic(_ x: [Float]) throws -> (Float, UInt8, [UInt8]) {
      let memory = Memory()
      defer { memory.release() }
      let y = memory.guarded(count: x.count, poison: 0x55)
      let (scale, zeroPoint) = try dynamicQuantize(
        tier: tier, x: memory.guarded(x).read, y: y.bytes)
      return (scale, zeroPoint, y.values(as: UInt8.self))
    }
    #expect(
      try dynamic([0, 2, -3, -2.5, 1.34, 0.5])
        == (0.019607844, 153, [153, 255, 0, 26, 221, 179]))
    #expect(
      try dynamic([-1, -2.1, -1.3, -2.5, -3.34, -4])
        == (0.015686275, 255, [191, 121, 172, 96, 42, 0]))
    #expect(try dynamic([0, -0.0]) == (1 / 255, 0, [0, 0]))
  }

  @Test(arguments: Tier.available)
  func matmulOfTheOnnxOperators(tier: Tier) throws {
    var p = MatMulParameters(aType: .uint8, bType: .uint8, m: 4, n: 2, k: 3)
    p.aZeroPoints = [12]
    let a: [UInt8] = [11, 7, 3, 10, 6, 2, 9, 5, 1, 8, 4, 0]
    let b: [UInt8] = [1, 4, 2, 5, 3, 6]
    let memory = Memory()
    defer { memory.release() }
    let y = memory.guarded(count: 4 * 2 * 4, poison: 0x55)
    try matmul(
      tier: tier, parameters: p, a: memory.guarded(a).read, b: memory.guarded(b).read, bias: nil,
      y: y.bytes)
    #expect(y.values(as: Int32.self) == [-38, -83, -44, -98, -50, -113, -56, -128])

    var q = MatMulParameters(aType: .uint8, bType: .uint8, m: 2, n: 3, k: 4)
    (q.aZeroPoints, q.bZeroPoints) = ([113], [114])
    let scale: Float = (0.0066 * 0.00705 as Float) / 0.0107
    q.requantization = Requantization(
      scaling: .float(scales: [scale]), zeroPoints: [118], output: OutputRange(.uint8))
    let quantized = memory.guarded(count: 6, poison: 0x55)
    try matmul(
      tier: tier, parameters: q,
      a: memory.guarded([208, 236, 0, 238, 3, 214, 255, 29] as [UInt8]).read,
      b: memory.guarded([152, 51, 244, 60, 26, 255, 0, 127, 246, 127, 254, 247] as [UInt8]).read,
      bias: nil, y: quantized.bytes)
    #expect(quantized.values(as: UInt8.self) == [168, 115, 255, 1, 66, 151])
  }

  /// One product of constant rows: a saturating pair sum, or an accumulator that does not wrap,
  /// gives something else.
  @Test(arguments: Tier.available)
  func sumsNeitherSaturateNorWiden(tier: Tier) throws {
    for (aType, a, bType, b, k) in [
      (IntegerType.int8, Int32(-128), IntegerType.int8, Int32(-128), 2),
      (.int8, -128, .int8, -128, 4),
      (.uint8, 255, .int8, 127, 2), (.uint8, 255, .int8, -128, 4), (.uint8, 255, .uint8, 255, 5),
      (.int8, -128, .uint8, 255, 64), (.uint8, 255, .uint8, 255, 40_000),
      (.int8, -128, .int8, -128, 131_073),
    ] {
      let memory = Memory()
      defer { memory.release() }
      let y = memory.guarded(count: 4, poison: 0x55)
      try matmul(
        tier: tier, parameters: MatMulParameters(aType: aType, bType: bType, m: 1, n: 1, k: k),
        a: memory.guarded([UInt8](repeating: UInt8(truncatingIfNeeded: a), count: k)).read,
        b: memory.guarded([UInt8](repeating: UInt8(truncatingIfNeeded: b), count: k)).read,
        bias: nil,
        y: y.bytes)
      let exact = Int64(a) * Int64(b) * Int64(k)
      #expect(y.values(as: Int32.self) == [Int32(truncatingIfNeeded: exact)], "\(a) * \(b) * \(k)")
    }
  }

  @Test(arguments: Tier.available, Layout.allCases)
  func convolutionOfTheOnnxOperator(tier: Tier, layout: Layout) throws {
    var p = Conv2DParameters(
      xType: .uint8, wType: .uint8, layout: layout, inChannels: 1, height: 3, width: 3,
      outChannels: 1, kernelHeight: 2, kernelWidth: 2)
    p.xZeroPoint = 1
    let memory = Memory()
    defer { memory.release() }
    let x = memory.guarded([2, 3, 4, 5, 6, 7, 8, 9, 10] as [UInt8])
    let w = memory.guarded([1, 1, 1, 1] as [UInt8])
    let y = memory.guarded(count: 4 * 4, poison: 0x55)
    try conv2d(tier: tier, parameters: p, x: x.read, w: w.read, bias: nil, y: y.bytes)
    #expect(y.values(as: Int32.self) == [12, 16, 24, 28])
    (p.padTop, p.padLeft, p.padBottom, p.padRight) = (1, 1, 1, 1)
    let padded = memory.guarded(count: 16 * 4, poison: 0x55)
    try conv2d(tier: tier, parameters: p, x: x.read, w: w.read, bias: nil, y: padded.bytes)
    #expect(
      padded.values(as: Int32.self)
        == [1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9])
  }

  /// Two channels with multiplier 2: output o reads input o / 2.
  @Test(arguments: Tier.available, WeightLayout.allCases)
  func depthwiseChannelsAndBias(tier: Tier, weights: WeightLayout) throws {
    var p = Conv2DParameters(
      xType: .int8, wType: .int8, layout: .nhwc, weightLayout: weights, inChannels: 2, height: 1,
      width: 2, outChannels: 4, kernelHeight: 1, kernelWidth: 2)
    p.groups = 2
    let x: [Int8] = [1, 2, 3, 4]  // pixels (1, 2) and (3, 4)
    // Filters (1, 10), (2, 20), (3, 30), (4, 40).
    let w: [Int8] =
      weights == .hwo ? [1, 2, 3, 4, 10, 20, 30, 40] : [1, 10, 2, 20, 3, 30, 4, 40]
    let bias: [Int32] = [0, 100, 0, Int32.max]
    let memory = Memory()
    defer { memory.release() }
    let y = memory.guarded(count: 4 * 4, poison: 0x55)
    try conv2d(
      tier: tier, parameters: p, x: memory.guarded(x).read, w: memory.guarded(w).read,
      bias: memory.guarded(bias).read,
      y: y.bytes)
    #expect(y.values(as: Int32.self) == [31, 162, 126, .max &+ 168])
  }
}
