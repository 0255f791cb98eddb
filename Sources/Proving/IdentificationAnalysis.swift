import CaseFormat
import Dispatch
import NumberFormats
import Operations
import Synchronization
import Verification

/// What the answers of a kernel say of dialects: which agree, what is left to ask, what speaks against.
struct IdentificationAnalysis {
  private let operation: any Operations.Operation.Type
  private let candidates: [Candidate]
  private var observations: [Observation]
  /// By candidate and observation.
  private var scores: [[Score]]
  private let jobs: Int
  private let isCancelled: @Sendable () -> Bool
  /// What is still to be asked; nil before that is known.
  private var pending: [Probe]?
  /// At so many parameters of each type the agreeing dialects are compared over all inputs.
  private static let settingsPerFacet = 2
  private static let mostSettings = 8
  /// Steps of a question up to which both sides of each are asked.
  private static let mostSteps = 2048

  init(
    _ operation: any Operations.Operation.Type, _ dialects: [Dialect],
    _ observations: [Observation], jobs: Int, isCancelled: @escaping @Sendable () -> Bool
  ) {
    (self.operation, self.observations) = (operation, observations)
    (self.jobs, self.isCancelled) = (jobs, isCancelled)
    let candidates = dialects.map { Candidate(name: $0.name, dialect: $0) }
    self.candidates = candidates
    let pairs = candidates.indices.flatMap { c in observations.indices.map { (c, $0) } }
    let flat = WorkerPool.map(pairs, jobs: jobs) { observations[$0.1].score(candidates[$0.0]) }
    scores = candidates.indices.map { c in
      Array(flat[(c * observations.count)..<((c + 1) * observations.count)])
    }
  }

  /// Adds the answers to a further probe.
  mutating func add(_ observation: Observation) {
    observations.append(observation)
    let found = WorkerPool.map(candidates, jobs: jobs) { observation.score($0) }
    for (index, score) in found.enumerated() { scores[index].append(score) }
  }

  private func sum(_ candidate: Int) -> Score { scores[candidate].reduce(Score(), +) }

  /// The candidates that contradict no answer, those that state most of them first.
  private var matching: [Int] {
    let sums = candidates.indices.map { ($0, sum($0)) }
    return sums.filter { $0.1.disagreed == 0 && $0.1.agreed > 0 }
      .sorted { a, b in
        a.1.agreed != b.1.agreed ? a.1.agreed > b.1.agreed : a.0 < b.0
      }.map(\.0)
  }

  // MARK: What is left to ask

  /// A probe that puts the agreeing dialects to a further test; nil where there is none left.
  ///
  /// Both sides of every exact step of the best one, and every input on which another differs.
  mutating func nextProbe() -> Probe? {
    if pending == nil { pending = questions() }
    guard pending?.isEmpty == false else { return nil }
    return pending?.removeFirst()
  }

  private mutating func questions() -> [Probe] {
    guard operation.sweptInput != nil, let best = matching.first else { return [] }
    let others = matching.dropFirst()
    var probes: [Probe] = []
    for observation in settings {
      guard !isCancelled(), let template = observation.probe.template,
        let input = observation.probe.input
      else { continue }
      let dialect = candidates[best].dialect
      if let codes = Self.steps(of: template, dialect), !codes.isEmpty {
        probes.append(
          Probe(template, input: input, codes: codes, facet: observation.probe.facet))
      }
      for other in others
      where Difference.isQuick(template, dialect, candidates[other].dialect) {
        let difference = try? Difference(
          template, dialect, candidates[other].dialect, limit: Self.mostSteps, jobs: jobs,
          isCancelled: isCancelled)
        guard let difference else { continue }
        relate(candidates[other].name, difference)
        let codes = difference.ranges.flatMap { [$0.codes.lowerBound, $0.codes.upperBound] }
        guard !codes.isEmpty else { continue }
        probes.append(
          Probe(
            template, input: input, codes: Set(codes).sorted(), facet: observation.probe.facet))
      }
    }
    return probes
  }

  /// A few observations of each type.
  private var settings: [Observation] {
    var counts: [String: Int] = [:]
    let chosen = observations.filter { observation in
      counts[observation.probe.facet, default: 0] += 1
      return counts[observation.probe.facet, default: 0] <= Self.settingsPerFacet
    }
    return Array(chosen.prefix(Self.mostSettings))
  }

  /// The codes on both sides of every step of a question; nil where it has too many.
  private static func steps(of template: Case, _ dialect: Dialect) -> [Int64]? {
    guard let question = try? Question(template, dialect: dialect), question.isEnumerable,
      case .steps = question.dependence
    else { return nil }
    let domain = question.codes
    let count = Int(domain.upperBound - domain.lowerBound) + 1
    // Types of many levels have as many steps.
    guard question.outputs.allSatisfy({ $0.dtype.bits <= 8 }), count > Oracle.enumerable,
      let runs = try? Oracle(question, domain: count).expected(
        from: domain.lowerBound, count: count
      ).runs, runs.counts.count <= mostSteps
    else { return nil }
    var codes: [Int64] = []
    var position = domain.lowerBound
    for count in runs.counts {
      codes += [position, position + Int64(count) - 1]
      position += Int64(count)
    }
    return Set(codes).sorted()
  }

  /// Notes how a dialect relates to the best one at one more set of parameters.
  private mutating func relate(_ name: String, _ difference: Difference) {
    var known = related[name] ?? Relation()
    known.settings += 1
    known.total += difference.total
    known.differing += difference.count
    known.opens += difference.openInSecond
    known.answers += difference.openInFirst
    related[name] = known
  }

  private struct Relation {
    var settings = 0
    var total = 0
    var differing = 0
    var opens = 0
    var answers = 0

    /// The relation to the best dialect, for people.
    var text: String {
      let place = "at \(settings) sets of parameters"
      if differing > 0 { return "differs on \(differing) of \(total) inputs \(place)" }
      if opens == 0 && answers == 0 { return "the same on all \(total) inputs \(place)" }
      let open = "the same \(place), but of \(total) inputs"
      return answers == 0
        ? "\(open) it leaves \(opens) open"
        : "\(open) it leaves \(opens) open and answers \(answers)"
    }
  }

  private var related: [String: Relation] = [:]

  // MARK: Conclusion

  /// Fills in what was found.
  func conclude(_ function: inout Identification.Function) {
    function.matches = matching.map { index in
      let sum = sum(index)
      return Identification.Match(
        dialect: candidates[index].name, agreed: sum.agreed, open: sum.open,
        undefined: sum.undefined, relation: related[candidates[index].name]?.text)
    }
    if function.matches.isEmpty { function.nearest = nearest }
    IdentificationProperties(operation, observations, candidates, jobs: jobs).describe(&function)
  }

  private var nearest: [Identification.Mismatch] {
    let sums = candidates.indices.map { ($0, sum($0)) }
    let most = sums.map { $0.1.agreed + $0.1.disagreed }.max() ?? 0
    func share(_ score: Score) -> Double {
      Double(score.disagreed) / Double(max(1, score.agreed + score.disagreed))
    }
    // A dialect that states little contradicts little.
    let ranked = sums.filter { ($0.1.agreed + $0.1.disagreed) * 2 >= max(1, most) }
      .sorted { a, b in
        share(a.1) != share(b.1) ? share(a.1) < share(b.1) : a.0 < b.0
      }
    return ranked.prefix(3).enumerated().map { place, entry in
      Identification.Mismatch(
        dialect: candidates[entry.0].name, agreed: entry.1.agreed, disagreed: entry.1.disagreed,
        open: entry.1.open, undefined: entry.1.undefined,
        against: place == 0 ? evidence(against: entry.0) : [])
    }
  }

  /// Some answers that speak against a candidate: few of each set of parameters.
  private func evidence(against candidate: Int) -> [Identification.Evidence] {
    var result: [Identification.Evidence] = []
    for perSetting in [1, 2] {
      for (observation, score) in zip(observations, scores[candidate]) {
        for place in score.against.prefix(perSetting).dropFirst(perSetting - 1)
        where result.count < 6 {
          if let found = observation.evidence(
            place.output, place.element, against: candidates[candidate])
          {
            result.append(found)
          }
        }
      }
    }
    return result
  }
}

extension Observation {
  /// An answer of the kernel beside what a candidate says, and why it says so.
  func evidence(
    _ output: Int, _ element: Int, against candidate: Candidate
  ) -> Identification.Evidence? {
    let (name, dtype) = outputs[output]
    guard let expectation = candidate.expectations(probe.test)?[name],
      given[output].indices.contains(element)
    else { return nil }
    let alone = probe.restricted(to: [element])
    let reference = ElementReference(output: name, index: alone == nil ? element : 0)
    var test = alone?.test ?? probe.test
    test.dialect = candidate.dialect.name
    let stages =
      (try? Reference.evaluate(test, dialect: candidate.dialect, explaining: reference))?.stages
      ?? []
    let prefix = outputs.count > 1 ? "\(name) = " : ""
    return Identification.Evidence(
      parameters: probe.parameters, input: probe.text(of: element),
      found: prefix + Readable.text(ofCode: given[output][element], dtype),
      expected: Readable.text(ofCode: expectation.tensor.codes[element], dtype),
      reason: Self.reason(stages))
  }

  /// The stages in one line: `scaling 1/2, rounding 0: nearest, ties to even [rounding §1]`.
  private static func reason(_ stages: [Stage]) -> String {
    guard let last = stages.last(where: { $0.name == "rounding" }) ?? stages.last else { return "" }
    let values = stages.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
    return "\(values) [\(last.clause)]"
  }
}

/// Runs work on several threads and hands the results over in order.
enum WorkerPool {
  static func map<T: Sendable, R: Sendable>(
    _ elements: [T], jobs: Int, _ transform: @Sendable (T) -> R
  ) -> [R] {
    let results = Mutex<[R?]>(Array(repeating: nil, count: elements.count))
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, elements.count))) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if index >= elements.count { return }
        let result = transform(elements[index])
        results.withLock { $0[index] = result }
      }
    }
    return results.withLock { $0.compactMap { $0 } }
  }
}
