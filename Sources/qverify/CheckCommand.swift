import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import NumberFormats
import Operations
import Verification

/// `qverify check`: compare a subject, or the outputs in a file, with the exact reference.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Compare a subject with the exact reference on the cases of a file.",
    discussion: """
      With --subject file the outputs in the cases themselves are compared. A case that the subject \
      does not claim is listed as unsupported; a malformed case is an error (exit code 65), and the \
      rest is checked all the same.
      """)

  @Argument(help: "A case file, or - for standard input.")
  var file: String

  @Option(help: "What to compare: file, or a subject: builtin:TIER, lib:PATH or cmd:COMMAND.")
  var subject = "file"

  @Option(help: "Evaluate in this dialect, whatever the cases say: a name or a .yaml file.")
  var dialect: String?

  @Option(help: "How long a kernel may take for one call, such as 500ms. Default: 2s; cmd: 10s.")
  var timeout: String?

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Flag(help: "Print only what disagrees and the summary.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    _ = try timeout.map { try TimeSpan.parse($0, option: "--timeout") }
  }

  func run() throws {
    let dialect = try dialect.map { try Input.dialects([$0])[0] }
    let chosen = subject == "file" ? nil : try Input.subjects(subject)[0]
    let rules = try Input.rules(timeout: timeout, for: chosen.map { [$0] } ?? [])
    let records = try Input.records(file)
    let checks = ExitGuard.run {
      Parallel.map(records, jobs: jobs) { record in
        CaseCheck(record, dialect: dialect, subject: chosen, rules: rules)
      }
    }
    var counts: [CaseCheck.Status: Int] = [:]
    for (record, check) in zip(records, checks) {
      counts[check.status, default: 0] += 1
      if check.status == .malformed {
        let id = record.id.map { " case '\($0)':" } ?? ""
        StandardError.line("\(file):\(record.line):\(id) \(check.text)")
      }
    }
    switch format {
    case .text:
      for check in checks where check.isWorthPrinting || !quiet && check.status == .unsupported {
        print(check.text)
      }
      let summary = CaseCheck.Status.allCases.compactMap { status in
        counts[status].map { "\($0) \(status.rawValue)" }
      }
      print(summary.isEmpty ? "no cases" : summary.joined(separator: ", "))
    case .json:
      for (record, check) in zip(records, checks) {
        print(
          JSONValue.object([
            .init("id", record.id.map { .string($0) } ?? .null),
            .init("line", .number("\(record.line)")),
            .init("status", .string(check.status.rawValue)),
            .init("detail", .string(check.text)),
          ]))
      }
    }
    if counts[.malformed] ?? 0 > 0 { throw Exit.malformed }
    if counts[.failed] ?? 0 > 0 { throw Exit.mismatch }
    if counts[.agreed] ?? 0 == 0 { throw Exit.mistrusted }
  }
}

/// One case of `check`.
private struct CaseCheck: Sendable {
  enum Status: String, CaseIterable, Sendable {
    case agreed, failed, unsupported, malformed
  }

  var status: Status
  var text: String

  var isWorthPrinting: Bool { status == .failed }

  init(_ record: CaseRecord, dialect: Dialect?, subject: (any Subject)?, rules: Judge.Rules) {
    do throws(CaseError) {
      var test = try record.result.get()
      if let dialect { test.dialect = dialect.name }
      let outcome = try Reference.evaluateFast(test, dialect: dialect)
      if let subject {
        self = try Self.run(subject, test, dialect, outcome, rules)
      } else {
        self = try Self.compare(test, outcome, dialect)
      }
    } catch {
      let id = record.id ?? "?"
      self.init(
        error.kind == .unsupported ? .unsupported : .malformed,
        error.kind == .unsupported ? "\(id): \(error)" : "\(error)")
    }
  }

  private init(_ status: Status, _ text: String) { (self.status, self.text) = (status, text) }

  private static func run(
    _ subject: any Subject, _ test: Case, _ dialect: Dialect?, _ outcome: Outcome,
    _ rules: Judge.Rules
  ) throws(CaseError) -> CaseCheck {
    let resolved: Dialect
    do throws(DialectError) {
      if let dialect { resolved = dialect } else { resolved = try Dialect.named(test.dialect) }
    } catch {
      throw .malformed("\(error)")
    }
    let judgement = Judge(rules).judge(
      test, dialect: resolved, subject: subject, outcome: outcome)
    switch judgement.verdict {
    case .passed: return CaseCheck(.agreed, "\(test.id): agreed")
    case .unsupported:
      return CaseCheck(.unsupported, "\(test.id): unsupported: \(judgement.message)")
    default:
      guard let operation = Registry.operation(named: test.operation) else {
        throw .malformed("unknown op '\(test.operation)'")
      }
      let failure = Failure.regression(
        test, operation: operation, dialect: resolved, subject: subject, judgement: judgement,
        outcome: outcome, others: [], rules: rules)
      return CaseCheck(.failed, failure.text(replayFile: nil))
    }
  }

  /// Compares the outputs that a case states.
  private static func compare(
    _ test: Case, _ outcome: Outcome, _ dialect: Dialect?
  ) throws(CaseError) -> CaseCheck {
    guard let given = test.outputs else {
      throw .malformed("has no outputs to check; name a subject")
    }
    for name in given.keys.sorted() where outcome[name] == nil {
      throw .malformed("unknown output '\(name)' for \(test.operation)")
    }
    var problems: [String] = []
    for (name, expected) in outcome.outputs {
      guard let actual = given[name] else {
        problems.append("  output '\(name)' is missing")
        continue
      }
      let tensor = expected.tensor
      guard actual.tensor.dtype == tensor.dtype, actual.tensor.shape == tensor.shape else {
        problems.append(
          "  \(name) is \(actual.tensor.dtype.name) \(actual.tensor.shape), exact is "
            + "\(tensor.dtype.name) \(tensor.shape)")
        continue
      }
      let wrong = (0..<tensor.count).filter {
        !actual.isUnspecified(at: $0) && !expected.agrees(actual.tensor.codes[$0], at: $0)
      }
      guard let first = wrong.first else { continue }
      let place = tensor.coordinates(of: first).map(String.init).joined(separator: ", ")
      problems.append(
        "  \(name)[\(place)] is \(Readable.text(ofCode: actual.tensor.codes[first], tensor.dtype)), "
          + "exact is \(Readable.text(ofCode: tensor.codes[first], tensor.dtype)); "
          + "\(wrong.count) of \(tensor.count) elements disagree")
      let reference = ElementReference(output: name, index: first)
      let explained = try Reference.evaluate(test, dialect: dialect, explaining: reference)
      for stage in explained.stages {
        problems.append("    \(stage.name): \(stage.value)    \(stage.detail) [\(stage.clause)]")
      }
    }
    if problems.isEmpty { return CaseCheck(.agreed, "\(test.id): agreed") }
    let head = "\(test.id): \(test.operation)/\(test.dialect): the file disagrees with exact"
    return CaseCheck(.failed, ([head] + problems).joined(separator: "\n"))
  }
}
