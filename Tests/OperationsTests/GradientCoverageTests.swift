import CaseFormat
import Generation
import Operations
import Testing

/// What the generators of gradients reach.
@Suite struct GradientCoverageTests {
  /// Every bin that a campaign must fill is filled by a few hundred cases.
  @Test func everyRequiredBin() throws {
    for definition in Definition.all where definition.operation.declaration.groups == ["grad"] {
      var reached = Coverage()
      for (test, _) in definition.cases(400) {
        guard let outcome = try? Reference.evaluate(test) else { continue }
        reached.formUnion(outcome.coverage)
      }
      let missing = definition.operation.bins(in: definition.dialect)
        .filter { $0.isRequired && !reached.contains($0.number) }.map(\.name)
      #expect(missing.isEmpty, "\(definition.testDescription): \(missing)")
    }
  }
}
