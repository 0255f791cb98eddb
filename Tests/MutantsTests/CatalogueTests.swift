import Mutants
import Operations
import Testing

/// What the catalogue promises.
@Suite struct CatalogueTests {
  /// Every id of the list of bugs that was made from public threads and commits, and the guards.
  private static let bugs: [String] =
    [
      1, 2, 3, 4, 6, 7, 10, 12, 13, 14, 15, 17, 20, 21, 22, 24, 25, 27, 29, 30, 31, 32, 33, 34, 35,
      36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 52, 55, 56, 57, 58, 59, 60, 61, 62, 63, 65,
      66, 67, 71, 72, 73, 74, 75, 76, 79, 81, 83, 84, 85, 87, 89, 90, 92, 93, 94, 95, 98, 99, 100,
      101, 102, 103, 105, 106, 107, 108, 109, 110, 111,
    ].map { $0 < 10 ? "B0\($0)" : "B\($0)" } + (1...7).map { "G\($0)" }

  @Test func everyBugIsAccountedFor() {
    #expect(HistoricBug.all.map(\.id) == Self.bugs)
    for bug in HistoricBug.all {
      #expect(!bug.cause.isEmpty && !bug.citation.isEmpty, "\(bug.id)")
      #expect(!bug.mutants.isEmpty || !bug.remark.isEmpty, "\(bug.id) has neither mutant nor reason")
    }
  }

  @Test func idsAreUniqueAndEnough() {
    let ids = Catalogue.all.map(\.id)
    #expect(Set(ids).count == ids.count)
    #expect(GenericMutants.all.count >= 600)
    // An equivalent is one of the candidates, and no mutant.
    for equivalent in Equivalent.all {
      #expect(!ids.contains(equivalent.id) && !equivalent.proof.isEmpty, "\(equivalent.id)")
      #expect(GenericMutants.candidates.contains { $0.id == equivalent.id }, "\(equivalent.id)")
    }
  }

  /// Every fault of the enumeration is planted somewhere, and every mutator has mutants.
  @Test func everyFaultIsPlanted() {
    let planted = Set(Catalogue.all.compactMap(\.fault))
    #expect(Fault.allCases.filter { !planted.contains($0) } == [])
    let mutators = Set(Catalogue.all.map(\.mutator))
    #expect(Mutator.allCases.filter { !mutators.contains($0) } == [])
  }

  /// Every kernel speaks for an operation and a dialect that exist.
  @Test func everyKernelHasItsOperation() throws {
    for mutant in Catalogue.all {
      let kernel = mutant.kernel
      _ = try #require(Registry.operation(named: kernel.operation), "\(mutant.id)")
      let dialect = try Dialect.named(kernel.dialect)
      #expect(dialect.defines(kernel.operation), "\(mutant.id)")
      let claims = ModelKernel.claims + ModelKernel.scalarClaims
      #expect(
        claims.contains { $0.operation == kernel.operation && $0.dialects.contains(kernel.dialect) },
        "\(mutant.id)")
    }
  }
}
