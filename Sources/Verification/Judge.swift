public import CaseFormat
import NumberFormats
public import Operations

/// Runs a subject on cases and compares what it gives with the exact outcomes.
///
/// Every case is called several times (`Circumstance`): a result that depends on the address, on
/// what memory held or on the call before is a verdict of its own.
///
/// One judge serves one thread.
public final class Judge {
  /// How a judge puts subjects to the test.
  public struct Rules: Hashable, Sendable {
    /// How long one call may take.
    public var timeout: Duration
    /// Whether each case is also called with subnormal numbers flushed to zero.
    public var flushesToZero: Bool

    /// Rules for judges.
    public init(timeout: Duration = .seconds(2), flushesToZero: Bool = false) {
      self.timeout = timeout
      self.flushesToZero = flushesToZero
    }
  }

  private let runner: GuardedRunner
  private let calls: [Circumstance]

  /// Makes a judge.
  public init(_ rules: Rules = Rules()) {
    runner = GuardedRunner(timeout: rules.timeout)
    calls = Circumstance.standard + (rules.flushesToZero ? [.flushed] : [])
  }

  /// Judges a subject on a case whose exact outcome is known.
  public func judge(
    _ test: Case, dialect: Dialect, subject: any Subject, outcome: Outcome
  ) -> Judgement {
    judge([(test, outcome)], dialect: dialect, subject: subject)[0]
  }

  /// Judges a subject on cases whose exact outcomes are known, in order.
  public func judge(
    _ cases: [(test: Case, outcome: Outcome)], dialect: Dialect, subject: any Subject
  ) -> [Judgement] {
    let executions = subject.run(
      cases.map { Self.trial($0.test, dialect, $0.outcome, calls) }, on: runner)
    precondition(executions.count == cases.count, "\(subject.name) answers each trial")
    return zip(executions, cases).map { execution, item in
      switch execution {
      case .refused(let reason): Judgement(.unsupported, reason)
      case .fault(let judgement): judgement
      case .answered(let answers): compare(answers, with: item.outcome)
      }
    }
  }

  /// What a subject gives for a case, if it survives; for probing what it implements.
  public func outputs(
    of subject: any Subject, _ test: Case, dialect: Dialect, like outcome: Outcome
  ) -> [[Int64]]? {
    outputs(of: subject, [(test, outcome)], dialect: dialect)[0]
  }

  /// What a subject gives for each case, where it survives.
  public func outputs(
    of subject: any Subject, _ cases: [(test: Case, outcome: Outcome)], dialect: Dialect
  ) -> [[[Int64]]?] {
    let trials = cases.map { Self.trial($0.test, dialect, $0.outcome, [.first]) }
    return subject.run(trials, on: runner).map { execution in
      guard case .answered(let answers) = execution else { return nil }
      return answers.first?.outputs
    }
  }

  /// What came of running a subject on cases, each called under the given circumstances.
  public func executions(
    of subject: any Subject, _ cases: [(test: Case, outcome: Outcome)], dialect: Dialect,
    calls: [Circumstance]
  ) -> [Execution] {
    subject.run(cases.map { Self.trial($0.test, dialect, $0.outcome, calls) }, on: runner)
  }

  private static func trial(
    _ test: Case, _ dialect: Dialect, _ outcome: Outcome, _ calls: [Circumstance]
  ) -> Trial {
    let outputs = outcome.outputs.map { name, expectation in
      OutputSpecification(
        name: name, dtype: expectation.tensor.dtype, shape: expectation.tensor.shape)
    }
    return Trial(test: test, dialect: dialect, outputs: outputs, calls: calls)
  }

  // MARK: Comparison

  /// What an element holds that still is poison.
  private static func poisoned(_ poison: UInt8, _ dtype: DataType) -> Int64 {
    let bytes = Array(repeating: poison, count: dtype.storageBytes)
    return bytes.withUnsafeBytes { ElementBytes.uncheckedCodes(from: $0, as: dtype)[0] }
  }

  private func compare(_ answers: [Answer], with outcome: Outcome) -> Judgement {
    var compared = 0
    for (place, output) in outcome.outputs.enumerated() {
      let expectation = output.expectation
      compared += expectation.tensor.count
      let isExact = expectation.unspecified.isEmpty && expectation.upper.isEmpty
      if isExact, answers.allSatisfy({ $0.outputs[place] == expectation.tensor.codes }) { continue }
      if let judgement = fault(output.name, place, expectation, answers) { return judgement }
    }
    return Judgement(.passed, compared: compared)
  }

  private func fault(
    _ name: String, _ place: Int, _ expectation: Expectation, _ answers: [Answer]
  ) -> Judgement? {
    let count = expectation.tensor.count
    let given = answers.map { $0.outputs[place] }
    func element(_ indices: [Int], _ answer: Int) -> Judgement.Element? {
      indices.first.map {
        Judgement.Element(output: name, index: $0, found: given[answer][$0], count: indices.count)
      }
    }
    // Unwritten: every answer still shows what its buffer was filled with.
    let poisons = answers.map { $0.poison.map { Self.poisoned($0, expectation.tensor.dtype) } }
    if Set(answers.compactMap(\.poison)).count > 1 {
      let unwritten = (0..<count).filter { index in
        zip(given, poisons).allSatisfy { $0[index] == $1 }
      }
      if !unwritten.isEmpty {
        return Judgement(
          .unwritten, "left \(unwritten.count) of \(count) elements of '\(name)' as they were",
          element: element(unwritten, 0))
      }
    }
    let wrong = given.map { codes in
      (0..<count).filter { !expectation.agrees(codes[$0], at: $0) }
    }
    for (answer, codes) in given.enumerated().dropFirst() {
      let differing = (0..<count).filter { index in
        codes[index] != given[0][index]
          && !(expectation.agrees(codes[index], at: index)
            && expectation.agrees(given[0][index], at: index))
      }
      guard let index = differing.first else { continue }
      let circumstance = answers[answer].circumstance
      let verdict: Verdict =
        switch circumstance {
        case .first, .again: .nondeterministic
        case .pageStart, .unaligned: .alignment
        case .flushed: .flushToZero
        }
      // What is wrong anyway is said first; subnormals are another matter.
      if verdict == .flushToZero && !wrong[0].isEmpty { continue }
      func value(_ code: Int64) -> String {
        Readable.text(ofCode: code, expectation.tensor.dtype)
      }
      let isFirstRight = expectation.agrees(given[0][index], at: index)
      return Judgement(
        verdict,
        "gave \(value(given[0][index])) at first and \(value(codes[index])) "
          + "\(circumstance.phrase), for '\(name)'",
        element: element(differing, isFirstRight ? answer : 0))
    }
    return wrong[0].isEmpty ? nil : Judgement(.mismatch, element: element(wrong[0], 0))
  }
}
