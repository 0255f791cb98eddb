import CaseFormat
import Foundation
import Fuzzing
import Operations
import Proving
import Reporting
import Verification

/// Shows a place at which a subject is wrong as `fuzz` shows a failure: a case, explained.
struct ProofFailure {
  var domain: LaneDomain
  var dialect: Dialect
  var subject: any Subject
  var rules: Judge.Rules

  /// The smallest case around a place that fails by itself, explained; nil where none does.
  ///
  /// First the input alone, then the part of its call that has it in the same place of a vector, then
  /// the whole call.
  func failure(at place: Counterexample, explains: Bool) -> Failure? {
    let question = domain.lanes[place.lane].question
    let callStart = place.input - Int64(place.callIndex)
    for size in [1, 2, 3, 4, 8, 16, 32, 64, place.callLength] where size <= place.callLength {
      let offset = place.callIndex - place.callIndex % size
      let count = min(size, place.callLength - offset)
      let first = callStart + Int64(offset)
      var test = question.test((0..<Int64(count)).map { first + $0 })
      test.id = "\(question.operation.name)-\(dialect.name)-\(Self.hexadecimal(place.input))"
      test.note = "\(subject.name): found by a proof"
      guard let outcome = try? Reference.evaluate(test, dialect: dialect) else { return nil }
      let judgement = Judge(rules).judge(
        test, dialect: dialect, subject: subject, outcome: outcome)
      if judgement.verdict.isFailure {
        return Failure.regression(
          test, operation: question.operation, dialect: dialect, subject: subject,
          judgement: judgement, outcome: outcome, others: [], rules: rules,
          explains: explains)
      }
    }
    return nil
  }

  /// A place in words, where no case shows it.
  func text(of place: Counterexample) -> String {
    let lane = domain.lanes[place.lane]
    let question = lane.question
    let name = lane.name.isEmpty ? "" : "\(lane.name): "
    var text =
      "  \(name)\(question.input) = \(Readable.text(ofCode: place.input, question.dtype)), element "
      + "\(place.callIndex) of a call of \(place.callLength)"
    if let output = question.outputs.first(where: { $0.name == place.output }),
      let found = place.found
    {
      text += ": \(output.name) = \(Readable.text(ofCode: found, output.dtype))"
    }
    return text + "; right when called again: its answers depend on what was called before"
  }

  private static func hexadecimal(_ code: Int64) -> String {
    code < 0 ? "m" + String(-code, radix: 16) : String(code, radix: 16)
  }
}
