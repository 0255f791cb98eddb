import CaseFormat
import Generation
import NumberFormats
import Operations
import Verification

/// A case that a subject ran, with what is exact and what it gave.
struct Probe: Sendable {
  var test: Case
  var outcome: Outcome
  /// The codes of each output; nil where the subject gave none.
  var given: [[Int64]]?

  /// Whether an output element is wrong.
  func isWrong(_ output: Int, _ index: Int) -> Bool {
    guard let given else { return false }
    return !outcome.outputs[output].expectation.agrees(given[output][index], at: index)
  }
}

/// Makes cases that show what a subject does, and runs them, all in one batch.
struct Prober {
  let operation: any Operations.Operation.Type
  let dialect: Dialect
  let subject: any Subject
  let judge: Judge
  /// When to stop, whatever is left.
  let deadline: ContinuousClock.Instant

  /// Without optimization a probe takes ten times as long, so there are fewer.
  #if DEBUG
    static let economy = 5
  #else
    static let economy = 1
  #endif

  /// How many cases of each kind there are.
  private static let freshCount = 200 / economy
  private static let structureCount = 96 / economy
  private static let redrawnCount = 48 / economy
  private static let mutatedCount = 48 / economy
  /// A case with more output elements takes more time than it tells.
  private static let largestOutput = 4096
  private static let batch = 64

  var isOutOfTime: Bool { ContinuousClock().now >= deadline }

  /// Runs cases, as many as there is time for.
  func run(_ cases: [Case]) -> [Probe] {
    var probes: [Probe] = []
    for start in stride(from: 0, to: cases.count, by: Self.batch) where !isOutOfTime {
      let known = cases[start..<min(start + Self.batch, cases.count)].compactMap(evaluated)
      let given = judge.outputs(of: subject, known, dialect: dialect)
      probes += zip(known, given).map { Probe(test: $0.test, outcome: $0.outcome, given: $1) }
    }
    return probes
  }

  /// Runs cases for their verdicts.
  func judgements(_ cases: [Case]) -> [(probe: Probe, judgement: Judgement)] {
    var results: [(probe: Probe, judgement: Judgement)] = []
    for start in stride(from: 0, to: cases.count, by: Self.batch / 4) where !isOutOfTime {
      let known = cases[start..<min(start + Self.batch / 4, cases.count)].compactMap(evaluated)
      let judged = judge.judge(known, dialect: dialect, subject: subject)
      results += zip(known, judged).map {
        (Probe(test: $0.test, outcome: $0.outcome, given: nil), $1)
      }
    }
    return results
  }

  private func evaluated(_ test: Case) -> (test: Case, outcome: Outcome)? {
    guard let outcome = try? Reference.evaluateFast(test, dialect: dialect),
      outcome.outputs.allSatisfy({ $0.expectation.tensor.count <= Self.largestOutput })
    else { return nil }
    return (test, outcome)
  }

  // MARK: Cases

  /// Fresh cases, and variations of the failing one: its shapes, its parameters, its values.
  ///
  /// They are made from the choices of failing cases, or from the case itself where there are none.
  func cases(around test: Case, sequences: [ChoiceSequence]) -> [Case] {
    var cases = (0..<Self.freshCount).map { stream in
      made(Choices(randomness: Randomness(seed: 0x9806E, stream: UInt64(stream))))
    }
    for (place, sequence) in sequences.enumerated() {
      var randomness = Randomness(seed: 0x0DD5, stream: UInt64(place))
      for _ in 0..<Self.structureCount { cases.append(restructured(sequence, &randomness)) }
      for _ in 0..<Self.redrawnCount { cases.append(redrawn(sequence, &randomness)) }
      for _ in 0..<Self.mutatedCount { cases.append(mutated(sequence, &randomness)) }
    }
    if sequences.isEmpty {
      var randomness = Randomness(seed: 0x0DD5)
      for _ in 0..<Self.mutatedCount { cases.append(Self.mutated(test, &randomness)) }
    }
    return cases
  }

  private func made(_ choices: Choices) -> Case {
    var choices = choices
    return operation.generate(from: &choices, dialect: dialect)
  }

  /// Another shape or flag, and what follows from it drawn anew.
  private func restructured(
    _ sequence: ChoiceSequence, _ randomness: inout Randomness
  ) -> Case {
    var structure = sequence.blocks.first ?? []
    for _ in 0...randomness.below(2) where !structure.isEmpty {
      let index = randomness.below(structure.count)
      let value = structure[index]
      structure[index] =
        switch randomness.below(4) {
        case 0: value &+ 1
        case 1: value == 0 ? 1 : value - 1
        case 2: UInt64(randomness.below(20))
        default: UInt64(randomness.below(72))
        }
    }
    return made(
      Choices(
        keeping: ChoiceSequence(blocks: [structure]),
        randomness: Randomness(seed: randomness.next())))
  }

  /// The same shapes, with the later tensors drawn anew.
  private func redrawn(_ sequence: ChoiceSequence, _ randomness: inout Randomness) -> Case {
    let kept = 1 + randomness.below(max(1, sequence.blocks.count - 1))
    return made(
      Choices(
        keeping: ChoiceSequence(blocks: Array(sequence.blocks.prefix(kept))),
        randomness: Randomness(seed: randomness.next())))
  }

  /// The same case but for one or two elements, which move to a neighbour.
  private func mutated(_ sequence: ChoiceSequence, _ randomness: inout Randomness) -> Case {
    var sequence = sequence
    let blocks = sequence.blocks.indices.dropFirst().filter { !sequence.blocks[$0].isEmpty }
    for _ in 0...randomness.below(2) where !blocks.isEmpty {
      let block = randomness.pick(blocks)
      let index = randomness.below(sequence.blocks[block].count)
      let value = sequence.blocks[block][index]
      // The order of integers alternates the signs: two steps keep the sign, one changes it.
      let step = UInt64(randomness.pick([1, 2, 2, 4]))
      sequence.blocks[block][index] =
        randomness.oneIn(2) ? value &+ step : value >= step ? value - step : value &+ step
    }
    return made(Choices(replaying: sequence))
  }

  /// A case by value with a few elements moved.
  private static func mutated(_ test: Case, _ randomness: inout Randomness) -> Case {
    var test = test
    test.outputs = nil
    let names = test.inputs.filter { $0.value.count > 0 }.keys.sorted()
    for _ in 0...randomness.below(2) where !names.isEmpty {
      let name = randomness.pick(names)
      guard var tensor = test.inputs[name] else { continue }
      let index = randomness.below(tensor.count)
      let moved = tensor.codes[index] &+ Int64(randomness.pick([-2, -1, 1, 2]))
      if tensor.dtype.isValid(code: moved) { tensor.codes[index] = moved }
      test.inputs[name] = tensor
    }
    return test
  }
}
