public import CaseFormat
public import Generation
import NumberFormats
public import Operations
public import Verification

/// A failure of a subject: the smallest case that shows it, what is right, and how to see it again.
public struct Failure: Sendable {
  public var operation: String
  public var dialect: String
  /// The file of a dialect that is not built in.
  public var dialectPath: String?
  public var subject: String
  public var verdict: Verdict
  /// The shrunk case, with its exact outputs.
  public var test: Case
  /// The choices that make it; nil where it came by value.
  public var choices: ChoiceSequence?
  /// Where it was found, such as `seed 7, case 123`.
  public var origin: String
  /// The index of that case in its campaign; nil where it came by value.
  public var caseIndex: Int?
  /// The file in which the case was saved.
  public var file: String?
  /// How often shrinking replaced the case, and how many elements it had before.
  public var steps: Int
  public var elementsBefore: Int
  public var judgement: Judgement
  /// How the exact value of the first wrong element comes about.
  public var stages: [Stage]
  /// What other subjects give for that element.
  public var others: [(subject: String, code: Int64)]
  /// Other subjects that fail in the same way on the same case.
  public var alsoFailing: [String] = []
  /// What the subject's behaviour looks like; nil where nothing known fits.
  public var likeness: String?
  /// The stage of a mismatch that decides: accumulation, scaling, rounding, zero point, clamp, ...
  public var stage: String?
  /// What that stage does and what the subject has instead, with exact values.
  public var decides: String?
  /// Where the subject is wrong, as `where it is the last element (all 341 wrong of ...)`; nil where
  /// no condition is sure.
  public var pattern: String?
  /// A short key that is the same wherever the same bug shows itself: operation, dialect, verdict, the
  /// stage that decides, and what tells causes apart that share these.
  public var cause: String
  /// How far the subject is off over many cases, in steps of the output; empty where not measured.
  ///
  /// How many elements there are for each difference, found minus exact, those that agree included;
  /// by powers of two where there are very many different ones.
  public var errors: [ErrorCount] = []
  /// Exact and found values around the failure, where one input was varied.
  public var staircase: Staircase?

  /// How many elements are off by so many steps of the output.
  public struct ErrorCount: Hashable, Sendable {
    public var difference: Int64
    public var count: Int

    /// So many elements with this difference.
    public init(difference: Int64, count: Int) {
      (self.difference, self.count) = (difference, count)
    }
  }

  /// One output element as a function of one input element, all else as in the failing case.
  public struct Staircase: Hashable, Sendable {
    public var input: String
    public var inputIndex: Int
    public var output: String
    public var outputIndex: Int
    /// In ascending order of the input; `found` is nil where the subject gave nothing.
    public var points: [Point]

    /// An output element over an input element.
    public init(
      input: String, inputIndex: Int, output: String, outputIndex: Int, points: [Point]
    ) {
      (self.input, self.inputIndex) = (input, inputIndex)
      (self.output, self.outputIndex) = (output, outputIndex)
      self.points = points
    }

    /// One value of the input, with what came out.
    public struct Point: Hashable, Sendable {
      public var input: Double
      public var exact: Double?
      public var found: Double?

      /// What came out for an input value.
      public init(input: Double, exact: Double?, found: Double?) {
        (self.input, self.exact, self.found) = (input, exact, found)
      }
    }
  }

  /// How many cases shrinking may run.
  private static let shrinkTrials = 10_000
  /// How long it may take: only subjects that are slow or hang come to that.
  private static let shrinkTime = Duration.seconds(20)

  /// Shrinks a failing case and explains it, unless that is not wanted: it takes a second or so.
  package static func shrunk(
    from sequence: ChoiceSequence, operation: any Operations.Operation.Type, dialect: Dialect,
    subject: any Subject, verdict: Verdict, others: [any Subject], origin: String,
    rules: Judge.Rules = Judge.Rules(), explains: Bool = true
  ) -> Failure {
    // A hang costs its whole time-out at every trial, so it gets less of it.
    var trialRules = rules
    if verdict == .hung { trialRules.timeout = max(rules.timeout / 20, .milliseconds(50)) }
    let judge = Judge(trialRules)
    let clock = ContinuousClock()
    let deadline = clock.now + shrinkTime
    func attempt(_ choices: inout Choices, _ judge: Judge) -> (Case, Outcome, Judgement)? {
      let test = operation.generate(from: &choices, dialect: dialect)
      // What is no simpler, and what the subject refuses, need not be evaluated.
      guard !choices.exceedsLimit, subject.refusal(of: test, dialect: dialect) == nil,
        let outcome = try? Reference.evaluateFast(test, dialect: dialect)
      else { return nil }
      return (
        test, outcome,
        judge.judge(test, dialect: dialect, subject: subject, outcome: outcome)
      )
    }
    var shrinker = Shrinker(sequence, trials: shrinkTrials) { choices in
      clock.now < deadline && attempt(&choices, judge)?.2.verdict == verdict
    }
    var original = Choices(replaying: sequence)
    let before = Self.elements(of: operation.generate(from: &original, dialect: dialect))
    shrinker.run()
    var best = shrinker.best
    var choices = Choices(replaying: best)
    let fullJudge = Judge(rules)
    var last = attempt(&choices, fullJudge)
    if verdict == .hung, last?.2.verdict != .hung {
      // Only slow, not hung: back to what hung.
      best = sequence
      choices = Choices(replaying: best)
      last = attempt(&choices, fullJudge)
    }
    guard let (test, outcome, judgement) = last else {
      // It failed once and now has no answer: the generator did not repeat itself.
      let empty = Case(id: "", operation: operation.name, dialect: dialect.name)
      return Failure(
        empty, nil, operation, dialect, subject, Judgement(verdict, "did not fail again"),
        Outcome([]), others: [], origin: origin, steps: 0, elementsBefore: before, judge, nil)
    }
    let explainer = Explainer(
      operation: operation, dialect: dialect, subject: subject, judge: judge,
      sequences: [sequence, best])
    return Failure(
      test, best, operation, dialect, subject,
      judgement.verdict.isFailure ? judgement : Judgement(verdict, "did not fail again"), outcome,
      others: others, origin: origin, steps: shrinker.steps, elementsBefore: before, judge,
      explains ? explainer : nil)
  }

  /// Explains a failure of a case that came by value, unless that is not wanted.
  public static func regression(
    _ test: Case, operation: any Operations.Operation.Type, dialect: Dialect,
    subject: any Subject, judgement: Judgement, outcome: Outcome, others: [any Subject],
    rules: Judge.Rules = Judge.Rules(), explains: Bool = true
  ) -> Failure {
    let judge = Judge(rules)
    return Failure(
      test, nil, operation, dialect, subject, judgement, outcome, others: others,
      origin: "case '\(test.id)'", steps: 0, elementsBefore: elements(of: test), judge,
      explains
        ? Explainer(operation: operation, dialect: dialect, subject: subject, judge: judge) : nil)
  }

  private init(
    _ test: Case, _ choices: ChoiceSequence?, _ operation: any Operations.Operation.Type,
    _ dialect: Dialect, _ subject: any Subject, _ judgement: Judgement, _ outcome: Outcome,
    others: [any Subject], origin: String, steps: Int, elementsBefore: Int, _ judge: Judge,
    _ explainer: Explainer?
  ) {
    self.operation = operation.name
    self.dialect = dialect.name
    dialectPath = dialect.path
    self.subject = subject.name
    verdict = judgement.verdict
    var test = test
    test.outputs = Dictionary(
      uniqueKeysWithValues: outcome.outputs.map { ($0.name, $0.expectation) })
    self.choices = choices
    self.origin = origin
    self.steps = steps
    self.elementsBefore = elementsBefore
    self.judgement = judgement
    cause = ""
    stages = []
    self.others = []
    likeness = nil
    if let element = judgement.element {
      let reference = ElementReference(output: element.output, index: element.index)
      let exact = try? Reference.evaluate(test, dialect: dialect, explaining: reference)
      stages = exact?.stages ?? []
      let place = outcome.outputs.firstIndex { $0.name == element.output } ?? 0
      for other in others where other.name != subject.name {
        if let codes = judge.outputs(of: other, test, dialect: dialect, like: outcome) {
          self.others.append((other.name, codes[place][element.index]))
        }
      }
    }
    let explanation =
      explainer?.explanation(of: test, outcome, judgement, stages: stages) ?? Explanation()
    likeness = explanation.likeness
    stage = explanation.decision?.stage
    decides = explanation.decision?.text
    pattern = explanation.pattern
    errors = explanation.errors
    staircase = explanation.staircase
    cause = Self.cause(operation, dialect, verdict, explanation)
    if choices != nil {
      // Named by its cause: a corpus keeps one case of each.
      let hash = String(Failure.hash(cause), radix: 16).suffix(8)
      test.id = "\(operation.name)-\(hash)"
      test.note = "\(subject.name): \(judgement.verdict.rawValue); found with \(origin)"
    }
    self.test = test
  }

  /// What the same bug has in common wherever it shows itself.
  private static func cause(
    _ operation: any Operations.Operation.Type, _ dialect: Dialect, _ verdict: Verdict,
    _ explanation: Explanation
  ) -> String {
    var parts = ["\(operation.name)/\(dialect.name)", verdict.rawValue]
    if let decision = explanation.decision { parts.append(decision.stage) }
    if !explanation.trait.isEmpty { parts.append(explanation.trait) }
    return parts.joined(separator: ": ")
  }

  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// How many elements the inputs of a case have.
  static func elements(of test: Case) -> Int { test.inputs.values.reduce(0) { $0 + $1.count } }

  /// What `qverify replay` takes to run the case again.
  public var replayText: String {
    choices.map { "'\(operation)/\(dialect):\($0)'" } ?? "\(test.id).json"
  }
}

// MARK: Text

extension Failure: CustomStringConvertible {
  /// The failure as people read it; `replayFile` is named where the case was saved.
  public func text(replayFile: String?) -> String {
    var lines = ["\(operation)/\(dialect): \(subject) \(headline)"]
    if !alsoFailing.isEmpty {
      lines.append(line("so do", alsoFailing.joined(separator: ", ")))
    }
    lines.append(contentsOf: inputLines)
    if let element = judgement.element, let expectation = test.outputs?[element.output] {
      lines.append(contentsOf: valueLines(element, expectation))
    }
    if let decides { lines.append(line("decides", decides)) }
    if let likeness { lines.append(line("looks like", likeness)) }
    if let pattern { lines.append(line("wrong only", pattern)) }
    let replay = replayFile ?? replayText
    let dialectOption = dialectPath.map { " --dialect \($0)" } ?? ""
    lines.append(
      line("replay", "qverify replay \(replay) --subject \(Self.quoted(subject))\(dialectOption)"))
    return lines.joined(separator: "\n")
  }

  public var description: String { text(replayFile: nil) }

  /// A word as a shell takes it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy {
      $0 >= 0x80
        || "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-".utf8
          .contains($0)
    }
    return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }

  private var headline: String {
    switch verdict {
    case .mismatch:
      let count = judgement.element?.count ?? 0
      let of = test.outputs?[judgement.element?.output ?? ""]?.tensor.count ?? 0
      return "disagrees with exact" + (of > 1 ? " in \(count) of \(of) elements" : "")
    case .passed, .unsupported: return verdict.rawValue
    default: return "\(verdict.rawValue): \(judgement.message)"
    }
  }

  private func line(_ label: String, _ text: String) -> String {
    "  " + label + String(repeating: " ", count: max(1, 12 - label.count)) + text
  }

  private var inputLines: [String] {
    var lines: [String] = []
    for (index, (name, tensor)) in test.inputs.sorted(by: { $0.key < $1.key }).enumerated() {
      lines.append(line(index == 0 ? "input" : "", "\(name) = \(Self.text(tensor))"))
    }
    if !test.attributes.isEmpty {
      let attributes = test.attributes.sorted { $0.key < $1.key }
        .map { "\($0.key) = \($0.value)" }
      lines.append(line("", attributes.joined(separator: ", ")))
    }
    let after = Self.elements(of: test)
    lines.append(
      line(
        "shrunk", "in \(steps) steps from \(elementsBefore) elements to \(after); \(origin)"))
    return lines
  }

  private func valueLines(
    _ element: Judgement.Element, _ expectation: Expectation
  ) -> [String] {
    let tensor = expectation.tensor
    let place = tensor.coordinates(of: element.index).map(String.init).joined(separator: ", ")
    func value(_ code: Int64) -> String { Readable.text(ofCode: code, tensor.dtype) }
    var exact = value(tensor.codes[element.index])
    if !expectation.upper.isEmpty { exact += " to \(value(expectation.upper[element.index]))" }
    var lines = [line("exact", "\(element.output)[\(place)] = \(exact)")]
    for stage in stages {
      lines.append(
        line("", "  \(stage.name): \(stage.value)    \(stage.detail) [\(stage.clause)]"))
    }
    let short = subject.split(separator: ":").last.map(String.init) ?? subject
    var given = value(element.found)
    let groups = Dictionary(grouping: others) { $0.code }.sorted { $0.key < $1.key }
    for group in groups {
      let names = group.value.map { $0.subject.split(separator: ":").last.map(String.init) ?? "" }
      given +=
        "; \(names.joined(separator: ", ")) "
        + (names.count == 1 ? "gives " : "give ") + value(group.key)
    }
    lines.append(line(short, given))
    return lines
  }

  /// A tensor in a few words: its type, its shape, its elements where they are few.
  static func text(_ tensor: Tensor) -> String {
    let values = tensor.codes.prefix(24).map { Readable.text(ofCode: $0, tensor.dtype) }
    if tensor.shape.isEmpty, let value = values.first { return "\(value) \(tensor.dtype.name)" }
    let dots = tensor.count > values.count ? ", ..." : ""
    return "[\(values.joined(separator: ", "))\(dots)] \(tensor.dtype.name) \(tensor.shape)"
  }
}
