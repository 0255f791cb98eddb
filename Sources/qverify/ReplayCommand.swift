import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import Generation
import Operations
import Verification

/// `qverify replay`: run a saved failure again and explain it.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run a saved failure again and explain it.",
    discussion: """
      Takes a case file that fuzz saved, or the choices that it printed, as \
      'operation/dialect:choices'. Exits with 1 if a case still fails, with 0 if none does.
      """)

  @Argument(help: "A case file, or choices.")
  var failure: String

  @Option(
    help: """
      What to run, by commas: builtin:TIER, lib:PATH or cmd:COMMAND. Default: every tier of this CPU.
      """)
  var subject: String?

  @Option(help: "How long a kernel may take for one call, such as 500ms. Default: 2s; cmd: 10s.")
  var timeout: String?

  @Option(help: "The dialect, where it is a .yaml file of your own.")
  var dialect: String?

  func validate() throws {
    _ = try timeout.map { try TimeSpan.parse($0, option: "--timeout") }
  }

  func run() throws {
    let subjects = try Input.subjects(subject)
    let rules = try Input.rules(timeout: timeout, for: subjects)
    let own = try dialect.map { try Input.dialects([$0])[0] }
    var isFailing = false
    var hasRun = false
    for test in try cases(own) {
      guard let operation = Registry.operation(named: test.operation) else {
        StandardError.line("qverify: unknown op '\(test.operation)'")
        throw Exit.malformed
      }
      let dialect = try own ?? Input.dialects([test.dialect])[0]
      let outcome: Outcome
      do throws(CaseError) {
        outcome = try Reference.evaluate(test, dialect: dialect)
      } catch {
        StandardError.line("qverify: \(test.id): \(error)")
        throw Exit.malformed
      }
      for subject in subjects {
        let judgement = ExitGuard.run {
          Judge(rules).judge(test, dialect: dialect, subject: subject, outcome: outcome)
        }
        if judgement.verdict == .unsupported {
          print("\(test.id): \(subject.name): unsupported: \(judgement.message)")
          continue
        }
        hasRun = true
        guard judgement.verdict.isFailure else {
          print("\(test.id): \(subject.name) agrees with exact")
          continue
        }
        isFailing = true
        let failure = Failure.regression(
          test, operation: operation, dialect: dialect, subject: subject, judgement: judgement,
          outcome: outcome, others: subjects, rules: rules)
        print(
          failure.text(replayFile: self.failure.contains(":") ? "'\(self.failure)'" : self.failure))
      }
    }
    if isFailing { throw Exit.mismatch }
    if !hasRun { throw Exit.mistrusted }
  }

  /// The cases of the file, or the one that the choices make.
  private func cases(_ own: Dialect?) throws -> [Case] {
    let parts = failure.split(separator: ":", maxSplits: 1).map(String.init)
    if parts.count == 2, !FileManager.default.fileExists(atPath: failure) {
      let names = parts[0].split(separator: "/", maxSplits: 1).map(String.init)
      guard names.count == 2, let operation = Registry.operation(named: names[0]),
        let choices = ChoiceSequence(parts[1])
      else {
        throw ValidationError("'\(failure)' is neither a file nor operation/dialect:choices")
      }
      let dialect = try own ?? Input.dialects([names[1]])[0]
      var source = Choices(replaying: choices)
      var test = operation.generate(from: &source, dialect: dialect)
      test.id = "\(operation.name)/\(dialect.name)"
      return [test]
    }
    return try Input.records(failure).map { record in
      do throws(CaseError) {
        return try record.result.get()
      } catch {
        StandardError.line("\(failure):\(record.line): \(error)")
        throw Exit.malformed
      }
    }
  }
}
