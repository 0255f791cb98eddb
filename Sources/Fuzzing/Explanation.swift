import CaseFormat
import Generation
import NumberFormats
import Operations
import Verification

/// What is found out of a failure by running the subject on further cases.
struct Explanation: Sendable {
  /// The stage that decides, and the sentence that says so.
  var decision: Decision?
  var likeness: String?
  var pattern: String?
  var errors: [Failure.ErrorCount] = []
  var staircase: Failure.Staircase?
  /// What tells the cause apart from others of the same stage.
  var trait = ""
}

/// Explains failures of a subject: probes, hypotheses, patterns.
struct Explainer {
  let operation: any Operations.Operation.Type
  let dialect: Dialect
  let subject: any Subject
  let judge: Judge
  /// The choices that make the failing case, as it was found and as it was shrunk.
  var sequences: [ChoiceSequence] = []

  /// How long a slow subject is asked.
  private static let limit = Duration.seconds(20)
  /// How many elements and products are looked at step by step.
  private static let elementLimit = 12_000 / Prober.economy
  private static let productLimit = 300_000 / Prober.economy
  /// A case with more pairs of an input and an output element than this shows too little for its work.
  private static let caseLimit = 400_000
  /// How many cases a subject is given that may hang or crash.
  private static let riskyCount = 240 / Prober.economy

  /// Explains the failure of a case.
  func explanation(
    of test: Case, _ outcome: Outcome, _ judgement: Judgement, stages: [Stage]
  ) -> Explanation {
    let prober = Prober(
      operation: operation, dialect: dialect, subject: subject, judge: judge,
      deadline: ContinuousClock().now + Self.limit)
    switch judgement.verdict {
    case .mismatch, .unwritten:
      return explanation(of: test, outcome, judgement, stages, prober)
    case .passed, .unsupported: return Explanation()
    default: return explanation(ofCases: test, judgement, prober)
    }
  }

  // MARK: Wrong elements

  private func explanation(
    of test: Case, _ outcome: Outcome, _ judgement: Judgement, _ stages: [Stage], _ prober: Prober
  ) -> Explanation {
    var result = Explanation()
    guard let element = judgement.element,
      let output = outcome.outputs.firstIndex(where: { $0.name == element.output }),
      let failing = prober.run([test]).first, failing.given != nil
    else { return result }
    let probes = prober.run(shuffled(prober.cases(around: test, sequences: sequences)))
    let specimens = specimens(probes)
    let table = table(specimens, output: output) { _, _ in true }
    let pattern = PatternMiner(table).pattern()
    result.pattern = pattern.map { Self.text($0, unit: "elements") + errorText(probes, output) }
    result.errors = ErrorHistogram.counts(probes, output: output)
    result.trait = pattern?.key ?? necessaryBins(probes)
    if judgement.verdict == .unwritten {
      result.decision = Decision(
        "write", "\(element.output)\(place(element, outcome)) is left as it was")
      return result
    }
    let specimen = Specimen(failing, dialect)
    let hypotheses = Hypotheses(
      operation, dialect, failing: specimen, output: output, index: element.index,
      probes: specimens)
    let evidence = Decision.Evidence(
      subject: subject.name, dialect: dialect, specimen: specimen, output: output,
      index: element.index, stages: stages)
    var isLimited = pattern != nil
    if let best = hypotheses.best, !best.agreement.isComplete, best.agreement.share >= 0.95,
      let limit = self.pattern(specimens, output: output, limiting: best.hypothesis)
    {
      // Where a fault that is known acts says more than where something is wrong.
      result.pattern = Self.text(limit, unit: "elements that this would change")
      isLimited = true
    }
    result.likeness = hypotheses.likeness(isLimited: isLimited)
    let special = Reasoning(evidence).specialValue()
    if let best = hypotheses.best, special == nil || best.agreement.isComplete {
      result.decision = Decision(best.hypothesis, evidence)
      result.trait = best.hypothesis.name
    } else {
      result.decision = special ?? Reasoning(evidence).decision(pattern)
    }
    result.staircase = StaircaseProbe(
      prober: prober, operation: operation, test: test, output: output, index: element.index,
      chain: specimen.chains[output][element.index]
    ).staircase()
    return result
  }

  /// Where a fault acts, among the elements that it would change.
  private func pattern(
    _ specimens: [Specimen], output: Int, limiting hypothesis: Hypothesis
  ) -> Pattern? {
    let changed = specimens.map { specimen -> Set<Int> in
      let exact = specimen.probe.outcome.outputs[output].expectation
      guard let codes = hypothesis.predictions(specimen, dialect)?[output],
        codes.count == exact.tensor.count
      else { return [] }
      return Set(
        codes.indices.filter { index in
          codes[index].map { !exact.agrees($0, at: index) } ?? false
        })
    }
    return PatternMiner(table(specimens, output: output) { changed[$0].contains($1) }).pattern()
  }

  private func place(_ element: Judgement.Element, _ outcome: Outcome) -> String {
    "\(outcome[element.output]?.tensor.coordinates(of: element.index) ?? [])"
  }

  /// Cases in an order that mixes their kinds, the same every time.
  private func shuffled(_ cases: [Case]) -> [Case] {
    var randomness = Randomness(seed: 0x5_4FF1E)
    return cases.shuffled(using: &randomness)
  }

  /// The probes whose exact values are known step by step, as many as the work allows.
  private func specimens(_ probes: [Probe]) -> [Specimen] {
    var specimens: [Specimen] = []
    var (elements, products) = (0, 0)
    for probe in probes where probe.given != nil {
      guard elements < Self.elementLimit, products < Self.productLimit else { break }
      let inputs = Failure.elements(of: probe.test)
      let outputs = probe.outcome.outputs.reduce(0) { $0 + $1.expectation.tensor.count }
      if inputs * outputs > Self.caseLimit { continue }
      let specimen = Specimen(probe, dialect)
      for chains in specimen.chains {
        elements += chains.count
        // What is a sum in one element is one in each.
        products += chains.count * (chains.first??.sum?.terms.weights.count ?? 1)
      }
      specimens.append(specimen)
    }
    return specimens
  }

  /// The elements of an output as rows of features.
  private func table(
    _ specimens: [Specimen], output: Int,
    where isWanted: (_ specimen: Int, _ index: Int) -> Bool
  ) -> PatternMiner.Table {
    var table = PatternMiner.Table()
    var names: [String: Int] = [:]
    var rows: [[Double]] = []
    for (place, specimen) in specimens.enumerated() {
      let outcome = specimen.probe.outcome
      let expectation = outcome.outputs[output].expectation
      let first = table.isWrong.count
      for index in 0..<expectation.tensor.count
      where !expectation.isUnspecified(at: index) && isWanted(place, index) {
        rows.append(Observation(specimen: specimen, output: output, index: index).values)
        table.isWrong.append(specimen.probe.isWrong(output, index))
        table.probe.append(place)
      }
      table.add(CaseFeatures.values(of: specimen.probe.test, outcome), from: first, &names)
    }
    table.add(Observation.features, rows)
    return table
  }

  /// The bins that nearly every failing case reaches and that right ones often do not.
  ///
  /// They are what the failure needs, whichever case shows it.
  private func necessaryBins(_ probes: [Probe]) -> String {
    var (failing, passing): ([Coverage], [Coverage]) = ([], [])
    for probe in probes {
      guard let given = probe.given else { continue }
      let isWrong = given.indices.contains { output in
        given[output].indices.contains { probe.isWrong(output, $0) }
      }
      if isWrong {
        failing.append(probe.outcome.coverage)
      } else {
        passing.append(probe.outcome.coverage)
      }
    }
    let bins = operation.bins(in: dialect).filter { bin in
      let reached = failing.count { $0.contains(bin.number) }
      let elsewhere = passing.count { $0.contains(bin.number) }
      return Double(reached) >= 0.98 * Double(failing.count)
        && Double(elsewhere) <= 0.6 * Double(passing.count)
    }
    return bins.map(\.name).joined(separator: ", ")
  }

  // MARK: Failing cases

  /// Which cases fail, where no value shows it: crashes, hangs, what depends on memory.
  private func explanation(
    ofCases test: Case, _ judgement: Judgement, _ prober: Prober
  ) -> Explanation {
    var result = Explanation()
    // A hang costs its whole time-out each time.
    let count = judgement.verdict == .hung ? 24 : Self.riskyCount
    let cases = shuffled(prober.cases(around: test, sequences: sequences)).prefix(count)
    var table = PatternMiner.Table()
    var names: [String: Int] = [:]
    for (place, (probe, verdict)) in prober.judgements(Array(cases)).enumerated()
    where verdict.verdict != .unsupported {
      let row = table.isWrong.count
      table.isWrong.append(verdict.verdict == judgement.verdict)
      table.probe.append(place)
      table.add(CaseFeatures.values(of: probe.test, probe.outcome), from: row, &names)
    }
    table.finish()
    let pattern = PatternMiner(table).pattern()
    result.pattern = pattern.map { Self.text($0, unit: "cases") }
    result.trait = Self.withoutNumbers(judgement.message)
    return result
  }

  /// A message without what differs between two shows of one cause.
  private static func withoutNumbers(_ message: String) -> String {
    let words = message.split(separator: " ").filter { word in
      !word.contains(where: \.isNumber) && word != "at" && word != "address"
    }
    return words.prefix(12).joined(separator: " ")
  }

  // MARK: Texts

  private static func text(_ pattern: Pattern, unit: String) -> String {
    let share =
      pattern.explained == pattern.wrong
      ? "all \(pattern.wrong)" : "\(pattern.explained) of \(pattern.wrong)"
    let total = pattern.wrong + pattern.rightInside + pattern.rightOutside
    let inside =
      pattern.rightInside == 0 ? "none there is right" : "\(pattern.rightInside) there are right"
    return "where \(pattern.text) (\(share) wrong of \(total) probed \(unit); \(inside), "
      + "\(pattern.rightOutside) elsewhere)"
  }

  /// What all errors have in common, as an ending of a sentence.
  private func errorText(_ probes: [Probe], _ output: Int) -> String {
    ErrorHistogram.commonality(probes, output: output).map { "; \($0)" } ?? ""
  }
}

extension PatternMiner.Table {
  /// Adds what holds for a whole case to its rows, which end at the last one.
  mutating func add(
    _ values: [String: (Feature, Double)], from first: Int, _ names: inout [String: Int]
  ) {
    for (name, (feature, value)) in values.sorted(by: { $0.key < $1.key }) {
      let column = names[name] ?? features.count
      if column == features.count {
        names[name] = column
        features.append(feature)
        columns.append([])
      }
      columns[column] += Array(
        repeating: .nan, count: max(0, first - columns[column].count))
      columns[column] += Array(repeating: value, count: isWrong.count - first)
    }
  }

  /// Adds the features of elements, a row for each, and fills what cases lack.
  mutating func add(_ elementFeatures: [Feature], _ rows: [[Double]]) {
    for (place, feature) in elementFeatures.enumerated() {
      features.append(feature)
      columns.append(rows.map { $0[place] })
    }
    finish()
  }

  /// Fills what the last cases lack.
  mutating func finish() {
    for column in columns.indices {
      // A flag that a case does not have does not hold.
      columns[column] += Array(
        repeating: .nan, count: max(0, isWrong.count - columns[column].count))
    }
    for (column, feature) in features.enumerated()
    where feature.isFlag && [.parameter, .attribute, .output].contains(feature.family) {
      columns[column] = columns[column].map { $0.isNaN ? 0 : $0 }
    }
  }
}
