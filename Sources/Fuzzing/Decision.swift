import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations
import Verification

/// The stage of a mismatch that decides, with exact numbers.
struct Decision: Sendable {
  var stage: String
  var text: String

  /// A wrong element, with what is known of it.
  struct Evidence {
    var subject: String
    var dialect: Dialect
    var specimen: Specimen
    var output: Int
    var index: Int
    /// The stages with their texts.
    var stages: [Stage]

    var expectation: Expectation { specimen.probe.outcome.outputs[output].expectation }
    var chain: Chain? { specimen.chains[output][index] }
    var found: Int64 { specimen.probe.given?[output][index] ?? 0 }

    func value(_ code: Int64) -> String { Readable.text(ofCode: code, expectation.tensor.dtype) }
  }

  init(_ stage: String, _ text: String) {
    self.stage = stage
    self.text = "\(stage): \(text)"
  }

  /// What a hypothesis that explains the subject says of the element.
  init(_ hypothesis: Hypothesis, _ evidence: Evidence) {
    let exact = evidence.value(evidence.expectation.tensor.codes[evidence.index])
    let found = evidence.value(evidence.found)
    let plain = "exact is \(exact), \(evidence.subject) has \(found)"
    switch hypothesis.kind {
    case .step(let fault):
      self =
        Self.wrongStep(fault, hypothesis.stage ?? fault.stage, evidence)
        ?? Decision(hypothesis.stage ?? fault.stage, "\(plain), as with \(fault.name)")
    case .change(let fault):
      self.init(fault.stage, "\(plain), as with \(fault.name)")
    case .dialect(let other):
      let name = hypothesis.name.split(separator: "/").last.map(String.init) ?? hypothesis.name
      let wording = hypothesis.isDialect ? "as \(name) has it" : Self.wording(name)
      guard let pair = Self.difference(evidence, other) else {
        self.init(hypothesis.stage ?? "scaling", "\(plain), \(wording)")
        return
      }
      self.init(
        hypothesis.stage ?? StageName.of(pair.exact.name),
        "\(pair.exact.value) (\(pair.exact.detail)); \(evidence.subject) has it at "
          + "\(pair.other.value), \(wording) (\(pair.other.detail))")
    }
  }

  /// The first stage in which another dialect computes otherwise.
  private static func difference(
    _ evidence: Evidence, _ other: Dialect
  ) -> (exact: Stage, other: Stage)? {
    let name = evidence.specimen.probe.outcome.outputs[evidence.output].name
    let reference = ElementReference(output: name, index: evidence.index)
    let stages =
      (try? Reference.evaluate(
        evidence.specimen.probe.test, dialect: other, explaining: reference))?.stages ?? []
    // Where both have a stage of a name, that one is compared; each name once.
    for stage in evidence.stages {
      if let same = stages.first(where: { $0.name == stage.name }), same.value != stage.value {
        return (stage, same)
      }
    }
    return nil
  }

  /// What a wrong step makes of the value.
  private static func wrongStep(
    _ fault: ChainFault, _ stage: String, _ evidence: Evidence
  ) -> Decision? {
    guard let chain = evidence.chain, let (_, value) = fault.prediction(chain),
      let step = chain.steps.first(where: { step in
        guard step.name == fault.stage, let index = chain.steps.firstIndex(of: step) else {
          return false
        }
        return fault.value(ChainStep(chain: chain, index: index)) != nil
      })
    else { return nil }
    return Decision(
      stage,
      "\(doing(step)); \(evidence.subject) has it at \(Readable.text(value)), \(wording(fault.name))"
    )
  }

  private static func wording(_ fault: String) -> String {
    if fault.hasPrefix("rounding by ") { return "as by " + fault.dropFirst(12) }
    return "as with " + fault
  }

  /// What a step does, with its numbers.
  static func doing(_ step: Stage) -> String {
    func text(_ number: Number?) -> String { number.map { Readable.text($0) } ?? "unspecified" }
    let (before, after) = (text(step.before), text(step.after))
    func rounding(_ format: FloatFormat?) -> String { format.map { " in \($0.name)" } ?? "" }
    switch step.effect {
    case .sum(let terms)?:
      let count = terms.weights.count
      let bias = terms.bias == 0 ? "" : " and the bias \(terms.bias)"
      return
        "\(count) product\(count == 1 ? "" : "s")\(bias) \(count == 1 && bias.isEmpty ? "gives" : "give") \(after)"
    case .multiply(let factor, let format)?:
      return "\(before) * \(text(factor)) gives \(after)\(rounding(format))"
    case .divide(let divisor, let format)?:
      return "\(before) / \(text(divisor)) gives \(after)\(rounding(format))"
    case .add(let summand, let format)?:
      return "\(before) + \(text(summand)) gives \(after)\(rounding(format))"
    case .multiplyAdd(let factor, let summand, let format)?:
      return "\(before) * \(text(factor)) + \(text(summand)) gives \(after)\(rounding(format))"
    case .round(let rule)?: return "\(before) goes to \(after) by \"\(rule.phrase)\""
    case .clamp(let range)?:
      let ends = "\(Readable.text(range.lowerBound))...\(Readable.text(range.upperBound))"
      return before == after
        ? "\(before) is within \(ends)" : "\(before) is cut to \(after) by \(ends)"
    case .wrap(let format)?: return "\(before) wraps to \(after) in \(format.name)"
    case .convert(let format, _)?: return "\(before) becomes \(after) in \(format.name)"
    case nil: return "\(before) gives \(after)"
    }
  }
}
