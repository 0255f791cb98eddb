import CaseFormat
import NumberFormats
public import Operations
public import Verification

/// Asks a kernel the probes of an operation, and finds what its answers say.
public struct IdentificationRun {
  /// What is asked, and how.
  public struct Plan: Sendable {
    public var subject: any Subject
    public var rules: Judge.Rules
    /// The most calls for an operation.
    public var maximumCalls = 200
    public var jobs = 1
    public var isCancelled: @Sendable () -> Bool = { false }
    /// Dialects to compare with beside the built-in ones.
    public var dialects: [Dialect] = []

    /// Asks a subject.
    public init(subject: any Subject, rules: Judge.Rules) {
      (self.subject, self.rules) = (subject, rules)
    }
  }

  private let operation: any Operations.Operation.Type
  private let plan: Plan
  private let judge: Judge
  private let probes: [Probe]
  private let dialects: [Dialect]
  private var result: Identification
  private var hasAnswered = false
  /// After so many refusals a dialect is not asked for any more.
  private static let mostRefusals = 4
  /// After so many faults a kernel is asked no more.
  private static let patience = 3

  /// Identifies one operation of a subject.
  public static func identify(
    _ operation: any Operations.Operation.Type, _ plan: Plan
  ) -> Identification {
    var run = IdentificationRun(operation, plan)
    run.run()
    return run.result
  }

  private init(_ operation: any Operations.Operation.Type, _ plan: Plan) {
    (self.operation, self.plan) = (operation, plan)
    judge = Judge(plan.rules)
    probes = Probe.all(of: operation.name)
    dialects = (Dialect.builtInNames.compactMap { try? Dialect.named($0) } + plan.dialects)
      .filter { $0.defines(operation.name) }
    result = Identification(operation: operation.name)
  }

  // MARK: Functions

  private mutating func run() {
    var reasons: [String] = []
    var groups: [(names: [Dialect], key: FunctionKey)] = []
    for dialect in dialects where !plan.isCancelled() {
      if let reason = plan.subject.refusal(of: operation.name, dialect: dialect) {
        reasons.append(reason)
        continue
      }
      switch firstAnswers(in: dialect) {
      case .refused(let reason): reasons.append(reason)
      case .key(let key):
        if let index = groups.firstIndex(where: { $0.key.matches(key) }) {
          groups[index].names.append(dialect)
        } else {
          groups.append(([dialect], key))
        }
      }
    }
    for (index, group) in groups.enumerated() where !plan.isCancelled() {
      let budget = (plan.maximumCalls - result.calls) / (groups.count - index)
      identify(group.names, group.key, budget: budget)
    }
    if result.functions.isEmpty { result.reason = reasons.first ?? "no dialect defines it" }
  }

  /// What tells functions apart: the answers to the same first probe, or the fault there.
  private struct FunctionKey {
    var probe: Int
    var outputs: [[Int64]] = []
    var fault: String?

    /// Whether it is the same function; whether it repeats itself is another matter.
    func matches(_ other: FunctionKey) -> Bool {
      probe == other.probe && outputs == other.outputs && (!outputs.isEmpty || fault == other.fault)
    }
  }

  private enum FirstAnswers {
    case refused(String)
    case key(FunctionKey)
  }

  /// Asks the first probe that the dialect defines and the kernel takes; the first time under every
  /// circumstance.
  private mutating func firstAnswers(in dialect: Dialect) -> FirstAnswers {
    var reason = "'\(dialect.name)' defines none of the probes"
    var refusedFacets: Set<String> = []
    var refusals: Set<String> = []
    for (index, probe) in probes.enumerated() where !refusedFacets.contains(probe.facet) {
      guard refusals.count < Self.mostRefusals, result.calls + 4 <= plan.maximumCalls else { break }
      guard let asked = ask(probe, dialect) else { continue }
      if let refusal = plan.subject.refusal(of: asked.test, dialect: dialect) {
        reason = refusal
        refusedFacets.insert(probe.facet)
        continue
      }
      let calls: [Circumstance] = hasAnswered ? [.first] : Circumstance.standard
      let execution = judge.executions(of: plan.subject, [asked], dialect: dialect, calls: calls)[0]
      switch execution {
      case .refused(let text):
        result.calls += 1
        reason = text
        refusedFacets.insert(probe.facet)
        // Twice the same reason: it is the dialect that the kernel does not take.
        guard refusals.insert(text).inserted else { return .refused(reason) }
      case .fault(let judgement):
        result.calls += 1
        return .key(FunctionKey(probe: index, fault: Self.text(judgement, probe)))
      case .answered(let answers):
        result.calls += calls.count
        hasAnswered = true
        guard let first = answers.first else { continue }
        var key = FunctionKey(probe: index, outputs: first.outputs)
        for answer in answers.dropFirst()
        where key.fault == nil && answer.outputs != first.outputs {
          key.fault =
            "nondeterministic: gave other answers \(answer.circumstance.phrase), "
            + "at \(probe.parameters)"
        }
        return .key(key)
      }
    }
    return .refused(reason)
  }

  private static func text(_ judgement: Judgement, _ probe: Probe) -> String {
    "\(judgement.verdict.rawValue): \(judgement.message), at \(probe.parameters)"
  }

  /// The case of a probe in a dialect, with its exact outcome there; nil where it has none.
  private func ask(_ probe: Probe, _ dialect: Dialect) -> (test: Case, outcome: Outcome)? {
    var test = probe.test
    test.dialect = dialect.path ?? dialect.name
    guard let outcome = try? Reference.evaluateFast(test, dialect: dialect) else { return nil }
    return (test, outcome)
  }

  // MARK: Answers

  private mutating func identify(_ names: [Dialect], _ key: FunctionKey, budget: Int) {
    var function = Identification.Function(askedAs: names.map(\.name))
    if let fault = key.fault { function.faults.append(fault) }
    var observations: [Observation] = []
    let start = result.calls
    var refused: Set<String> = []
    // What failed at once is not asked again.
    var faultyFacets: Set<String> = key.outputs.isEmpty ? [probes[key.probe].facet] : []
    // A third of the calls is kept for what the first answers leave in question.
    let first = budget * 2 / 3
    for probe in probes where !plan.isCancelled() {
      guard result.calls - start < first, function.faults.count < Self.patience else { break }
      guard !refused.contains(probe.facet), !faultyFacets.contains(probe.facet) else { continue }
      observe(probe, names, &function, &observations, &refused, &faultyFacets)
    }
    guard !observations.isEmpty || !function.faults.isEmpty else { return }
    checkPieces(observations, names, &function, limit: budget - (result.calls - start))
    var analysis = IdentificationAnalysis(
      operation, dialects, observations, jobs: plan.jobs, isCancelled: plan.isCancelled)
    while result.calls - start < budget, function.faults.count < Self.patience,
      !plan.isCancelled(), let probe = analysis.nextProbe()
    {
      let before = observations.count
      observe(probe, names, &function, &observations, &refused, &faultyFacets)
      if observations.count > before { analysis.add(observations[observations.count - 1]) }
    }
    function.calls = result.calls - start
    function.inputs = observations.reduce(0) { $0 + $1.probe.count }
    function.types = Self.types(observations)
    analysis.conclude(&function)
    result.functions.append(function)
  }

  /// Asks one probe.
  private mutating func observe(
    _ probe: Probe, _ names: [Dialect], _ function: inout Identification.Function,
    _ observations: inout [Observation], _ refused: inout Set<String>, _ faulty: inout Set<String>
  ) {
    for dialect in names {
      guard let asked = ask(probe, dialect),
        plan.subject.refusal(of: asked.test, dialect: dialect) == nil
      else { continue }
      result.calls += 1
      let execution = judge.executions(
        of: plan.subject, [asked], dialect: dialect, calls: [.first])[0]
      switch execution {
      case .refused: refused.insert(probe.facet)
      case .fault(let judgement):
        function.faults.append(Self.text(judgement, probe))
        faulty.insert(probe.facet)
      case .answered(let answers):
        guard let answer = answers.first else { return }
        let outputs = asked.outcome.outputs.map { ($0.name, $0.expectation.tensor.dtype) }
        observations.append(
          Observation(probe: probe, outputs: outputs, given: answer.outputs))
      }
      return
    }
  }

  /// Asks some elements again, three in a call: a tail must give what a body gives.
  private mutating func checkPieces(
    _ observations: [Observation], _ names: [Dialect], _ function: inout Identification.Function,
    limit: Int
  ) {
    var facets: Set<String> = []
    var left = min(limit, 6)
    for observation in observations where facets.insert(observation.probe.facet).inserted {
      guard left > 0, function.faults.isEmpty, observation.probe.count > 8 else { continue }
      let elements = telling(observation)
      guard let part = observation.probe.restricted(to: elements) else { continue }
      var (given, refused, faulty): ([Observation], Set<String>, Set<String>) = ([], [], [])
      observe(part, names, &function, &given, &refused, &faulty)
      left -= 1
      guard let answer = given.first else { continue }
      let whole = observation.restricted(to: elements)
      for (output, type) in whole.outputs.enumerated()
      where answer.given[output] != whole.given[output] {
        let text = { (codes: [Int64]) in
          codes.map { Readable.text(ofCode: $0, type.dtype) }.joined(separator: ", ")
        }
        function.faults.append(
          "depends on the length of the call: \(type.name) is \(text(whole.given[output])) among "
            + "\(observation.probe.count) elements, \(text(answer.given[output])) alone, from "
            + "\(part.text(of: 0)) on, at \(part.parameters)")
      }
    }
  }

  /// Three elements of a probe on which dialects differ, or the middle ones.
  private func telling(_ observation: Observation) -> [Int] {
    let output = observation.outputs[0].name
    let answers = dialects.compactMap {
      Candidate(name: $0.name, dialect: $0).expectations(observation.probe.test)?[output]
    }
    let middle = observation.probe.count / 2
    let differing = (0..<observation.probe.count).filter { element in
      Set(answers.filter { !$0.isUnspecified(at: element) }.map { $0.tensor.codes[element] }).count
        > 1
    }
    guard differing.count >= 3 else { return [middle - 1, middle, middle + 1] }
    return [differing[0], differing[differing.count / 2], differing[differing.count - 1]]
  }

  /// The types that were answered: of the swept or first input, and of the outputs.
  private static func types(_ observations: [Observation]) -> [String] {
    var found: [String] = []
    for observation in observations {
      let test = observation.probe.test
      let names =
        observation.probe.input.map { [$0] }
        ?? ["a", "b", "x", "w"].filter { test.inputs[$0] != nil }
      let inputs = names.compactMap { test.inputs[$0]?.dtype.name }.joined(separator: " and ")
      var text = "\(inputs) to \(observation.outputs.first?.dtype.name ?? "")"
      if test.attributes["axis"] != nil { text += " per channel" }
      if !found.contains(text) { found.append(text) }
    }
    return found
  }
}
