import Kernels
import Testing

/// Every tier equals `scalar` on every byte, with buffers against inaccessible pages.
@Suite struct AgreementTests {
  /// Per tensor, channels last, and channels with runs shorter and longer than a vector.
  static let channels = [
    Channels.one, Channels(count: 3, inner: 1), Channels(count: 70, inner: 1),
    Channels(count: 5, inner: 7), Channels(count: 2, inner: 65), Channels(count: 100, inner: 3),
  ]

  @Test(arguments: fastTiers)
  func quantize(tier: Tier) throws {
    var random = SplitMix64(state: 1)
    for count in counts {
      for channels in Self.channels {
        let memory = Memory()
        defer { memory.release() }
        let type = random.pick([IntegerType.int8, .uint8, .int16, .uint16])
        let bound = type.max / 8
        let output = random.coin() ? OutputRange(type) : OutputRange(type, qmin: 0, qmax: bound)
        let scales = random.scales(random.pick([1, channels.count]))
        let parameters = QuantizeParameters(
          rule: random.pick(Rule.allCases),
          affine: AffineParameters(
            scales: scales, zeroPoints: random.zeroPoints(type, channels: channels.count),
            channels: channels),
          output: output)
        let place = random.pick(Guarded.Place.allCases)
        let x = memory.guarded(random.floats(count, scale: scales[0]), at: place)
        try expectEqualToScalar(
          tier, yBytes: count * type.size, place: place, "\(count) elements, \(parameters)"
        ) {
          try Kernels.quantize(tier: $0, parameters: parameters, x: x.read, y: $1)
        }
      }
    }
  }

  @Test(arguments: fastTiers)
  func dequantize(tier: Tier) throws {
    var random = SplitMix64(state: 2)
    for count in counts {
      for channels in Self.channels {
        let memory = Memory()
        defer { memory.release() }
        let type = random.pick(IntegerType.allCases)
        let parameters = DequantizeParameters(
          inputType: type,
          affine: AffineParameters(
            scales: random.scales(random.pick([1, channels.count])),
            zeroPoints: random.zeroPoints(type, channels: channels.count), channels: channels))
        let place = random.pick(Guarded.Place.allCases)
        let x = memory.guarded(random.bytes(count * type.size), at: place)
        try expectEqualToScalar(
          tier, yBytes: count * 4, place: place, "\(count) elements, \(parameters)"
        ) {
          try Kernels.dequantize(tier: $0, parameters: parameters, x: x.read, y: $1)
        }
      }
    }
  }

  @Test(arguments: fastTiers)
  func requantize(tier: Tier) throws {
    var random = SplitMix64(state: 3)
    for count in counts {
      for channels in Self.channels {
        let memory = Memory()
        defer { memory.release() }
        let parameters = RequantizeParameters(
          requantization: random.requantization(channels: channels.count), channels: channels,
          accumulatorZeroPoint: random.pick([0, 5, .min, .max]))
        let acc = (0..<count).map { _ in
          random.pick([
            Int32.min, Int32.max, Int32.random(in: -9999...9999, using: &random),
            Int32(truncatingIfNeeded: random.next()),
          ])
        }
        let place = random.pick(Guarded.Place.allCases)
        let x = memory.guarded(acc, at: place)
        let size = parameters.requantization.output.type.size
        try expectEqualToScalar(
          tier, yBytes: count * size, place: place, "\(count) elements, \(parameters)"
        ) {
          try Kernels.requantize(
            tier: $0, parameters: parameters, acc: x.read, y: $1)
        }
      }
    }
  }

  @Test(arguments: fastTiers)
  func fakeQuantize(tier: Tier) throws {
    var random = SplitMix64(state: 4)
    for count in counts {
      for channels in Self.channels {
        let memory = Memory()
        defer { memory.release() }
        let type = random.pick([IntegerType.int8, .uint8, .int16, .uint16])
        let scales = random.scales(random.pick([1, channels.count]))
        let parameters = FakeQuantizeParameters(
          affine: AffineParameters(
            scales: scales, zeroPoints: random.zeroPoints(type, channels: channels.count),
            channels: channels),
          qmin: type.min, qmax: type.max)
        let place = random.pick(Guarded.Place.allCases)
        var values = random.floats(count, scale: scales[0])
        if let last = values.indices.last { values[last] = .nan }
        let x = memory.guarded(values, at: place)
        let both = count * 5  // y, then mask
        try expectEqualToScalar(tier, yBytes: both, place: place, "\(count), \(parameters)") {
          try Kernels.fakeQuantize(
            tier: $0, parameters: parameters, x: x.read,
            y: UnsafeMutableRawBufferPointer(rebasing: $1[..<(count * 4)]),
            mask: UnsafeMutableRawBufferPointer(rebasing: $1[(count * 4)...]))
        }
      }
    }
  }

  @Test(arguments: fastTiers)
  func dynamicQuantize(tier: Tier) throws {
    var random = SplitMix64(state: 5)
    for count in counts where count > 0 {
      let memory = Memory()
      defer { memory.release() }
      let values = random.floats(count, scale: 0.5).map { $0.isFinite ? $0 : -3 }
      let x = memory.guarded(values, at: random.pick(Guarded.Place.allCases))
      var parameters: [(Float, UInt8)] = []
      try expectEqualToScalar(tier, yBytes: count, "\(values)") {
        parameters.append(try Kernels.dynamicQuantize(tier: $0, x: x.read, y: $1))
      }
      #expect(parameters[0] == parameters[1], "\(values)")
    }
  }
}
