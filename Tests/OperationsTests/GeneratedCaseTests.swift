import CaseFormat
import Generation
import Operations
import Testing

/// An operation in a dialect that defines it.
struct Definition: Sendable, CustomTestStringConvertible {
  var operation: any Operations.Operation.Type
  var dialect: Dialect

  var testDescription: String { "\(operation.name) \(dialect.name)" }

  /// Every operation in every built-in dialect that defines it.
  static let all: [Definition] = Registry.all.flatMap { operation in
    Dialect.builtInNames.compactMap { try? Dialect.named($0) }
      .filter { $0.defines(operation.name) }.map { Definition(operation: operation, dialect: $0) }
  }

  /// The first cases of a seed that are not too large, each with the choices that made it.
  func cases(_ count: Int) -> [(test: Case, choices: ChoiceSequence)] {
    let all = (0..<UInt64(3 * count)).lazy.map { stream in
      var choices = Choices(randomness: Randomness(seed: 0xC0FFEE, stream: stream))
      let test = operation.generate(from: &choices, dialect: dialect)
      return (test, choices.drawn)
    }
    return Array(
      all.filter { test, _ in test.inputs.values.allSatisfy { $0.count <= 600 } }.prefix(count))
  }
}

/// What holds for whatever a generator draws.
@Suite struct GeneratedCaseTests {
  /// Cases of each operation and dialect; sums are slow by the definition, so there are fewer.
  private func count(_ definition: Definition) -> Int {
    definition.operation.declaration.groups == ["quant"] ? 12 : 4
  }

  private func evaluate(
    _ test: Case, _ evaluation: (Case) throws(CaseError) -> Outcome
  ) -> Result<Outcome, CaseError> {
    do throws(CaseError) { return .success(try evaluation(test)) } catch { return .failure(error) }
  }

  /// The bulk oracle and the definition are one function.
  ///
  /// A generator knows its operation: no case is malformed, and few lie outside a dialect's
  /// contract, such as a scale that no shift can hold.
  @Test(arguments: Definition.all) func definitionAndBulkOracle(definition: Definition) {
    var refused: [CaseError] = []
    let cases = definition.cases(count(definition))
    for (index, (test, _)) in cases.enumerated() {
      let slow = evaluate(test) { test throws(CaseError) in try Reference.evaluate(test) }
      let fast = evaluate(test) { test throws(CaseError) in try Reference.evaluateFast(test) }
      switch (slow, fast) {
      case (.success(let a), .success(let b)):
        let isEqual =
          a.outputs.map(\.name) == b.outputs.map(\.name)
          && a.outputs.map(\.expectation) == b.outputs.map(\.expectation)
        #expect(isEqual, "stream \(index): \(text(a)) and \(text(b))")
        #expect(a.coverage == b.coverage, "stream \(index): coverage")
        #expect(a.outputs.map(\.name).allSatisfy(definition.operation.declaration.outputs.contains))
      case (.failure(let a), .failure(let b)):
        #expect(a == b && a.kind != .malformed, "stream \(index): \(a) and \(b)")
        refused.append(a)
      default: Issue.record("stream \(index): \(slow) and \(fast)")
      }
    }
    #expect(refused.count * 4 <= cases.count, "\(refused)")
  }

  private func text(_ outcome: Outcome) -> String {
    outcome.outputs.map { OperationsTests.text($0.expectation) }.joined(separator: " / ")
  }

  /// What was drawn makes the same case again, which survives being written and read.
  @Test(arguments: Definition.all) func replayAndFormat(definition: Definition) {
    for (index, (test, drawn)) in definition.cases(8).enumerated() {
      var choices = Choices(replaying: drawn)
      let again = definition.operation.generate(from: &choices, dialect: definition.dialect)
      #expect(again == test && choices.drawn == drawn, "stream \(index)")
      let text = CaseFile.json(test).description
      let read = CaseFile.records(in: Array(text.utf8)).first?.result
      #expect(read == .success(test), "stream \(index): \(text.prefix(400))")
    }
  }

  /// The simplest choices make a case too; shrinking ends there.
  @Test(arguments: Definition.all) func simplestCase(definition: Definition) {
    var choices = Choices(replaying: ChoiceSequence())
    let test = definition.operation.generate(from: &choices, dialect: definition.dialect)
    #expect(throws: Never.self) { try Reference.evaluate(test) }
    let elements = test.inputs.values.map(\.count).max() ?? 0
    #expect(elements <= 8, "\(CaseFile.json(test))")
  }

  /// Bins have distinct numbers below 64 and names; the required ones are all reachable.
  @Test(arguments: Definition.all) func bins(definition: Definition) {
    let bins = definition.operation.bins(in: definition.dialect)
    #expect(!bins.isEmpty)
    #expect(
      Set(bins.map(\.number)).count == bins.count && Set(bins.map(\.name)).count == bins.count)
    #expect(bins.allSatisfy { (0..<64).contains($0.number) && !$0.name.isEmpty })
  }
}
