import Kernels
import Testing

/// Convolutions and matrix products: every tier equals `scalar` on every byte.
@Suite struct ProductAgreementTests {
  /// The portable Swift tier is too slow in debug builds for the larger ones.
  static let largestInSwift = 40_000

  func compareMatMul(
    _ tier: Tier, m: Int, n: Int, k: Int, _ random: inout SplitMix64
  ) throws {
    var p = MatMulParameters(
      aType: random.pick([.int8, .uint8]), bType: random.pick([.int8, .uint8]), m: m, n: n, k: k)
    p.aZeroPoints = random.zeroPoints(p.aType, channels: m)
    p.bZeroPoints = random.zeroPoints(p.bType, channels: n)
    p.requantization = random.coin() ? random.requantization(channels: n) : nil
    let memory = Memory()
    defer { memory.release() }
    let place = random.pick(Guarded.Place.allCases)
    let a = memory.guarded(random.bytes(m * k), at: place)
    let b = memory.guarded(random.bytes(k * n), at: place)
    let bias = random.coin() ? memory.guarded(random.bytes(n * 4), at: place) : nil
    let parameters = p
    try expectEqualToScalar(
      tier, yBytes: m * n * p.outputType.size, place: place, "\(parameters)"
    ) {
      try matmul(
        tier: $0, parameters: parameters, a: a.read, b: b.read, bias: bias?.read, y: $1)
    }
  }

  @Test(arguments: fastTiers)
  func matmulAroundEveryTile(tier: Tier) throws {
    var random = SplitMix64(state: 6)
    for size in counts where size > 0 && size < 200 {
      try compareMatMul(tier, m: size, n: 1 + random.below(9), k: 1 + random.below(9), &random)
      try compareMatMul(tier, m: 1 + random.below(9), n: size, k: 1 + random.below(9), &random)
      try compareMatMul(tier, m: 1 + random.below(9), n: 1 + random.below(40), k: size, &random)
    }
    try compareMatMul(tier, m: 0, n: 3, k: 3, &random)
    try compareMatMul(tier, m: 3, n: 0, k: 3, &random)
  }

  /// More rows than are staged at a time, and sums that wrap.
  @Test(arguments: fastTiers.filter { $0 != .swift })
  func matmulOfLongRows(tier: Tier) throws {
    var random = SplitMix64(state: 7)
    try compareMatMul(tier, m: 20, n: 1, k: 20_000, &random)
    for k in [33_025, 33_026, 33_027] { try compareMatMul(tier, m: 2, n: 2, k: k, &random) }
  }

  func compareConv2D(
    _ tier: Tier, _ parameters: Conv2DParameters, _ random: inout SplitMix64
  ) throws {
    var p = parameters
    p.xZeroPoint = random.pick([p.xType.min, p.xType.max, 5])
    p.wZeroPoints = random.zeroPoints(p.wType, channels: p.outChannels)
    p.requantization = random.coin() ? random.requantization(channels: p.outChannels) : nil
    let products = p.yCount * p.inChannels / p.groups * p.kernelHeight * p.kernelWidth
    if tier == .swift && products > Self.largestInSwift { return }
    let memory = Memory()
    defer { memory.release() }
    let place = random.pick(Guarded.Place.allCases)
    let x = memory.guarded(random.bytes(p.xCount), at: place)
    let w = memory.guarded(random.bytes(p.wCount), at: place)
    let bias = random.coin() ? memory.guarded(random.bytes(p.outChannels * 4), at: place) : nil
    let complete = p
    try expectEqualToScalar(
      tier, yBytes: p.yCount * p.outputType.size, place: place, "\(complete)"
    ) {
      try conv2d(
        tier: $0, parameters: complete, x: x.read, w: w.read, bias: bias?.read, y: $1)
    }
  }

  /// Random strides, pads, dilations, kernels and layouts; the caller chooses the channels.
  func randomConv2D(
    inChannels: Int, outChannels: Int, groups: Int, _ random: inout SplitMix64
  ) -> Conv2DParameters {
    var p = Conv2DParameters(
      xType: random.pick([.int8, .uint8]), wType: random.pick([.int8, .uint8]),
      layout: random.pick(Layout.allCases),
      weightLayout: random.pick(
        inChannels == groups ? WeightLayout.allCases : [WeightLayout.oihw, .ohwi]),
      inChannels: inChannels, height: 1 + random.below(8), width: 1 + random.below(14),
      outChannels: outChannels, kernelHeight: 1 + random.below(3),
      kernelWidth: 1 + random.below(4))
    p.groups = groups
    p.batch = 1 + random.below(2)
    (p.strideHeight, p.strideWidth) = (1 + random.below(2), 1 + random.below(3))
    (p.padTop, p.padLeft) = (random.below(3), random.below(3))
    (p.padBottom, p.padRight) = (random.below(3), random.below(3))
    (p.dilationHeight, p.dilationWidth) = (1 + random.below(2), random.pick([1, 1, 2, 3]))
    return p
  }

  @Test(arguments: fastTiers)
  func convolutions(tier: Tier) throws {
    var random = SplitMix64(state: 8)
    for channels in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65] {
      for _ in 0..<3 {
        let few = 1 + random.below(5)
        let into = randomConv2D(inChannels: channels, outChannels: few, groups: 1, &random)
        try compareConv2D(tier, into, &random)
        let outOf = randomConv2D(inChannels: few, outChannels: channels, groups: 1, &random)
        try compareConv2D(tier, outOf, &random)
      }
    }
  }

  @Test(arguments: fastTiers)
  func groupedAndDepthwiseConvolutions(tier: Tier) throws {
    var random = SplitMix64(state: 9)
    for groups in [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 65] {
      for _ in 0..<3 {
        let depthwise = randomConv2D(
          inChannels: groups, outChannels: groups * random.pick([1, 1, 2, 3]), groups: groups,
          &random)
        try compareConv2D(tier, depthwise, &random)
        let grouped = randomConv2D(
          inChannels: groups * (2 + random.below(3)), outChannels: groups * (1 + random.below(3)),
          groups: groups, &random)
        try compareConv2D(tier, grouped, &random)
      }
    }
  }

  /// More image rows than are staged at a time.
  @Test(arguments: fastTiers.filter { $0 != .swift })
  func convolutionsInSeveralBands(tier: Tier) throws {
    var random = SplitMix64(state: 10)
    for layout in Layout.allCases {
      var p = Conv2DParameters(
        xType: .uint8, wType: .int8, layout: layout, inChannels: 16, height: 5, width: 5000,
        outChannels: 1, kernelHeight: 2, kernelWidth: 1)
      (p.padTop, p.padBottom) = (1, 1)
      try compareConv2D(tier, p, &random)
    }
  }

  @Test(arguments: Tier.available)
  func preparedWeightsGiveTheSame(tier: Tier) throws {
    var random = SplitMix64(state: 11)
    let memory = Memory()
    defer { memory.release() }
    let conv = randomConv2D(inChannels: 5, outChannels: 18, groups: 1, &random)
    let x = memory.guarded(random.bytes(conv.xCount))
    let w = memory.guarded(random.bytes(conv.wCount))
    let bias = memory.guarded(random.bytes(conv.outChannels * 4))
    let y = [UInt8(0x55), 0xAA].map { memory.guarded(count: conv.yCount * 4, poison: $0) }
    try conv2d(tier: tier, parameters: conv, x: x.read, w: w.read, bias: bias.read, y: y[0].bytes)
    let preparedConv = try PreparedConv2D(
      tier: tier, parameters: conv, w: w.read, bias: bias.read)
    try preparedConv.run(x: x.read, y: y[1].bytes)
    #expect(y[0].read.elementsEqual(y[1].read))

    // The same product three times, a and y moving on, b shared or not.
    for shared in [true, false] {
      var p = MatMulParameters(aType: .uint8, bType: .int8, m: 5, n: 7, k: 9)
      (p.aZeroPoints, p.bZeroPoints) = ([3], [4])
      let single = p
      p.batch = 3
      if shared { p.bBatchStride = 0 }
      let a = memory.guarded(random.bytes(3 * 45))
      let b = memory.guarded(random.bytes(shared ? 63 : 3 * 63))
      let batched = memory.guarded(count: 3 * 35 * 4, poison: 0x55)
      try matmul(
        tier: tier, parameters: p, a: a.read, b: b.read, bias: nil, y: batched.bytes)
      for i in 0..<3 {
        let bPart = shared ? 0..<63 : (i * 63)..<(i + 1) * 63
        let prepared = try PreparedMatMul(
          tier: tier, parameters: single,
          b: UnsafeRawBufferPointer(rebasing: b.read[bPart]), bias: nil)
        let one = memory.guarded(count: 35 * 4, poison: 0xAA)
        try prepared.run(
          a: UnsafeRawBufferPointer(rebasing: a.read[(i * 45)..<(i + 1) * 45]), y: one.bytes)
        #expect(one.read.elementsEqual(batched.read[(i * 140)..<(i + 1) * 140]))
      }
    }
  }
}
