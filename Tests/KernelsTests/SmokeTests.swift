import Kernels
import Testing

@Test func smoke() throws {
  #expect(Tier.available.contains(.scalar))
}
