import CaseFormat
import NumberFormats
import Operations
import Verification

/// A probe with the steps by which each of its exact values comes about.
struct Specimen: Sendable {
  var probe: Probe
  /// The chain of each element of each output; nil where there is none.
  var chains: [[Chain?]]
  /// The stages of each element of each output, without texts.
  var stages: [[[Stage]]]

  /// Asks the reference for the steps of every element.
  init(_ probe: Probe, _ dialect: Dialect) {
    self.probe = probe
    (chains, stages) = ([], [])
    for (name, expectation) in probe.outcome.outputs {
      let tensor = expectation.tensor
      let reference = ElementReference(output: name, index: nil, numeric: true)
      let known = try? Reference.evaluate(probe.test, dialect: dialect, explaining: reference)
      var byElement = Array(repeating: [Stage](), count: tensor.count)
      for stage in known?.stages ?? [] where stage.element < tensor.count {
        byElement[stage.element].append(stage)
      }
      stages.append(byElement)
      chains.append(
        byElement.indices.map { index in
          if expectation.isUnspecified(at: index) || !expectation.upper.isEmpty { return nil }
          return Chain(byElement[index], exact: tensor.number(at: index), type: tensor.dtype)
        })
    }
  }
}

/// Something that a subject might compute instead.
struct Hypothesis: Sendable {
  /// What makes it.
  enum Kind: Sendable {
    /// Another dialect, or the same with one rule changed.
    case dialect(Dialect)
    /// A case that was understood otherwise.
    case change(CaseFault)
    /// One wrong step.
    case step(ChainFault)
  }

  var name: String
  var kind: Kind
  /// The stage that it sits in; nil for another dialect, where it depends on the element.
  var stage: String?

  /// Whether it is a dialect of its own rather than a fault.
  var isDialect: Bool { stage == nil }

  /// What it gives for each element of each output, nil where it says nothing; nil where it has no
  /// answer at all.
  func predictions(_ specimen: Specimen, _ dialect: Dialect) -> [[Int64?]]? {
    let test = specimen.probe.test
    let outputs: [Expectation]?
    switch kind {
    case .dialect(let other): outputs = Self.outputs(test, other)
    case .change(let fault): outputs = fault.apply(test).flatMap { Self.outputs($0, dialect) }
    case .step(let fault):
      return zip(specimen.chains, specimen.probe.outcome.outputs).map { chains, output in
        zip(chains, output.expectation.tensor.codes).map { chain, exact in
          chain.map { fault.prediction($0)?.code ?? exact }
        }
      }
    }
    return outputs?.map { expectation in
      expectation.tensor.codes.enumerated().map { index, code in
        expectation.isUnspecified(at: index) || !expectation.upper.isEmpty ? nil : code
      }
    }
  }

  private static func outputs(_ test: Case, _ dialect: Dialect) -> [Expectation]? {
    var test = test
    test.outputs = nil
    return (try? Reference.evaluateFast(test, dialect: dialect))?.outputs.map(\.expectation)
  }

  /// How well it explains what the subject gave; nil where it has no answer.
  func agreement(_ specimen: Specimen, _ dialect: Dialect) -> Agreement? {
    guard let given = specimen.probe.given, let predicted = predictions(specimen, dialect) else {
      return nil
    }
    var result = Agreement()
    for (place, codes) in predicted.enumerated() {
      guard place < given.count, codes.count == given[place].count else { return nil }
      let type = specimen.probe.outcome.outputs[place].expectation.tensor.dtype
      for (index, code) in codes.enumerated() {
        guard let code else { continue }
        result.add(
          agrees: type.areEqual(code, given[place][index]), specimen.probe.isWrong(place, index))
      }
    }
    return result
  }

  /// Whether it gives what the subject gave for one element.
  func explains(_ specimen: Specimen, _ output: Int, _ index: Int, _ dialect: Dialect) -> Bool {
    let tensor = specimen.probe.outcome.outputs[output].expectation.tensor
    guard let found = specimen.probe.given?[output][index],
      let predicted = predictions(specimen, dialect), output < predicted.count,
      predicted[output].count == tensor.count
    else { return false }
    if let code = predicted[output][index] { return tensor.dtype.areEqual(code, found) }
    // What is unspecified there may be anything; the probes decide.
    if case .step = kind { return false }
    return true
  }
}

/// How many elements of probes a hypothesis explains.
struct Agreement: Sendable {
  var agreed = 0
  var total = 0
  /// Elements that the subject has wrong, and those of them that the hypothesis explains.
  var wrong = 0
  var explained = 0

  mutating func add(agrees: Bool, _ isWrong: Bool) {
    agreed += agrees ? 1 : 0
    total += 1
    wrong += isWrong ? 1 : 0
    explained += agrees && isWrong ? 1 : 0
  }

  mutating func add(_ other: Agreement?) {
    guard let other else { return }
    agreed += other.agreed
    total += other.total
    wrong += other.wrong
    explained += other.explained
  }

  /// Whether nothing contradicts it.
  var isComplete: Bool { total > 0 && agreed == total }
}

/// What a failing subject really computes, tested on probes: another dialect, or a known fault.
struct Hypotheses {
  /// How much of what is wrong a hypothesis has to explain to be named.
  private static let leastShare = 0.8
  /// A hypothesis with how well it did.
  struct Finding: Sendable {
    var hypothesis: Hypothesis
    var agreement: Agreement
  }

  private static let tellingCount = 24

  /// Those that explain the failing element, the best first.
  let findings: [Finding]

  /// Tests every hypothesis on the failing element, and those that explain it on the probes.
  init(
    _ operation: any Operations.Operation.Type, _ dialect: Dialect, failing: Specimen,
    output: Int, index: Int, probes: [Specimen]
  ) {
    var findings: [Finding] = []
    var names: Set<String> = []
    // Most of what explains one element by chance fails on the next ones.
    let telling = probes.filter { probe in
      probe.probe.given?[output].indices.contains { probe.probe.isWrong(output, $0) } ?? false
    }.prefix(Self.tellingCount)
    for hypothesis in Self.all(operation, dialect)
    where hypothesis.explains(failing, output, index, dialect) {
      if !telling.isEmpty {
        var first = Agreement()
        for probe in telling { first.add(hypothesis.agreement(probe, dialect)) }
        if first.share < 0.5 { continue }
      }
      var sum = Agreement()
      for probe in probes { sum.add(hypothesis.agreement(probe, dialect)) }
      // The same fault may be known as a change of the dialect and as a wrong step.
      if names.insert(hypothesis.name).inserted {
        findings.append(Finding(hypothesis: hypothesis, agreement: sum))
      }
    }
    // Stable: among equals, the order of the lists.
    self.findings = findings.enumerated().sorted { a, b in
      let (x, y) = (a.element, b.element)
      if x.agreement.isComplete != y.agreement.isComplete { return x.agreement.isComplete }
      if x.agreement.isComplete {
        if x.hypothesis.isDialect != y.hypothesis.isDialect { return y.hypothesis.isDialect }
        return a.offset < b.offset
      }
      if x.agreement.share != y.agreement.share { return x.agreement.share > y.agreement.share }
      if x.agreement.contradicted != y.agreement.contradicted {
        return x.agreement.contradicted < y.agreement.contradicted
      }
      return a.offset < b.offset
    }.map(\.element)
  }

  /// What is said of the likeness, limited where a pattern says where the subject is wrong.
  func likeness(isLimited: Bool) -> String? {
    let complete = findings.filter { $0.agreement.isComplete && $0.agreement.wrong > 0 }
    if !complete.isEmpty {
      // Faults stand before dialects: they say what to look for.
      // A fault that acts on one sign only says less than the same fault on both.
      let faults = complete.filter { finding in
        !finding.hypothesis.isDialect
          && !complete.contains {
            finding.hypothesis.name.hasPrefix($0.hypothesis.name + " where")
          }
      }.prefix(2)
      let dialects = complete.filter(\.hypothesis.isDialect).prefix(faults.isEmpty ? 2 : 1)
      let names = (faults + dialects).map(\.hypothesis.name)
      let compared = complete.map(\.agreement.total).min() ?? 0
      return names.joined(separator: ", or ") + " (agrees on all \(compared) probes)"
    }
    guard let best = findings.first else { return nil }
    let agreement = best.agreement
    guard agreement.wrong >= 3, agreement.share >= Self.leastShare else { return nil }
    let counts = "explains \(agreement.explained) of \(agreement.wrong) wrong elements"
    if isLimited && agreement.explained == agreement.wrong {
      return "\(best.hypothesis.name), where it is wrong (\(counts))"
    }
    return "\(best.hypothesis.name), in part (\(counts))"
  }

  /// The hypothesis that says which stage decides; nil where none explains most of the wrong elements.
  var best: Finding? {
    findings.first { $0.agreement.wrong > 0 && $0.agreement.share >= Self.leastShare }
  }

  // MARK: All of them

  private static func all(
    _ operation: any Operations.Operation.Type, _ dialect: Dialect
  ) -> [Hypothesis] {
    var result: [Hypothesis] = []
    for fault in Fault.all {
      for section in fault.sections {
        if let changed = dialect.changed(name: dialect.name, section, fault.changes) {
          result.append(
            Hypothesis(name: fault.name, kind: .dialect(changed), stage: fault.stage))
        }
      }
    }
    result += CaseFault.all.map { Hypothesis(name: $0.name, kind: .change($0), stage: $0.stage) }
    result += ChainFault.all.map {
      Hypothesis(name: $0.name, kind: .step($0), stage: $0.reported ?? StageName.of($0.stage))
    }
    for name in Dialect.builtInNames where name != dialect.name {
      if let other = try? Dialect.named(name), other.defines(operation.name) {
        result.append(
          Hypothesis(name: "\(operation.name)/\(name)", kind: .dialect(other), stage: nil))
      }
    }
    return result
  }
}

extension DataType {
  /// Whether two codes mean the same: every NaN is one.
  fileprivate func areEqual(_ a: Int64, _ b: Int64) -> Bool {
    if a == b { return true }
    guard case .float(let format) = self, isValid(code: a), isValid(code: b) else { return false }
    return format.isNaN(code: UInt64(bitPattern: a)) && format.isNaN(code: UInt64(bitPattern: b))
  }
}

extension Agreement {
  /// The part of the wrong elements that is explained.
  var share: Double { wrong == 0 ? 0 : Double(explained) / Double(wrong) }
  /// How many elements are otherwise than predicted.
  var contradicted: Int { total - agreed }
}

/// The names of stages that a failure is sorted by: few, whatever an explanation calls its steps.
enum StageName {
  /// The stage that a step belongs to.
  static func of(_ step: String) -> String {
    switch step {
    case "high product", "output", "cast", "level": "rounding"
    case "shift", "conversion", "products", "scale": "scaling"
    case "accumulator zero point": "zero point"
    case "terms", "accumulator": "accumulation"
    default: step
    }
  }
}
