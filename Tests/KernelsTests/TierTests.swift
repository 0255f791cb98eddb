import Kernels
import Testing

@Suite struct TierTests {
  @Test func portableTiersAreAlwaysAvailable() {
    #expect(Tier.available.starts(with: [.scalar, .swift]))
  }

  @Test(arguments: Tier.allCases)
  func unavailableTiersSayWhyAndRefuse(tier: Tier) throws {
    guard let reason = tier.unavailabilityReason else {
      #expect(tier.isAvailable)
      return
    }
    #expect(reason.hasPrefix("\(tier.rawValue) needs "))
    let memory = Memory()
    defer { memory.release() }
    let x = memory.guarded([Float](repeating: 1, count: 3))
    let y = memory.guarded(count: 3, poison: 0)
    #expect(throws: KernelError.unsupported(reason)) {
      try quantize(
        tier: tier,
        parameters: QuantizeParameters(
          rule: .onnx, affine: AffineParameters(scales: [1]), output: OutputRange(.int8)),
        x: x.read, y: y.bytes)
    }
  }

  @Test func noTierIsBothForX86AndForArm() {
    #expect(!(Tier.neon.isAvailable && Tier.avx2.isAvailable))
  }
}
