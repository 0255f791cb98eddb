import Mutants
import Testing

/// What can be run of the proofs that mutants are equivalent.
@Suite struct EquivalentTests {
  /// No case tells an equivalent from the right kernel.
  @Test func survive() throws {
    #if DEBUG
      let cases = 40
    #else
      let cases = 3000
    #endif
    let mutants = try Equivalent.all.map { equivalent in
      try #require(GenericMutants.candidates.first { $0.id == equivalent.id })
    }
    var plan = MutantPlan(mutants: mutants, seed: 5, jobs: 2, budget: .seconds(3600))
    plan.caseLimit = cases
    plan.distributionCases = 0
    let report = MutantRun.run(plan)
    #expect(report.killed.map(\.mutant.id) == [] && report.survivors.count == mutants.count)
  }

  /// A subnormal product rounds to the level that zero rounds to: every one of them.
  @Test func subnormalsRoundToZero() {
    #if DEBUG
      let step: UInt32 = 61
    #else
      let step: UInt32 = 1
    #endif
    var wrong = 0
    for bits in stride(from: UInt32(0), through: 0x007F_FFFF, by: UInt32.Stride(step)) {
      for sign in [UInt32(0), 0x8000_0000] {
        let value = Float(bitPattern: bits | sign)
        if value.rounded(.toNearestOrEven) != 0 { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  /// The quotient by a dynamic scale stays far within int32: the scale is worst where it is
  /// subnormal, and there every range is tried; elsewhere rounding moves it by 2^-24 at most.
  @Test func dynamicQuotientsAreSmall() {
    let unit = Float.leastNonzeroMagnitude
    var largest: Float = 0
    for span in 1...100_000 {
      let range = Float(span) * unit
      let scale = range / 255
      if scale > 0 { largest = max(largest, range / scale) }
    }
    #expect(largest <= 383)
    #expect((1 + 0x1p-23) * 255 < 383.0)
  }
}
