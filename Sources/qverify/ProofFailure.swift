import CaseFormat
import Foundation
import Fuzzing
import Operations
import Proving
import Reporting
import Verification

/// Shows a place at which a subject is wrong as `fuzz` shows a failure: a case, explained.
struct ProofFailure {
  var domain: any DescribedDomain
  var subject: any Subject
  var rules: Judge.Rules

  /// The smallest case around a place that fails by itself, explained; nil where none does.
  func failure(at place: Counterexample, explains: Bool) -> Failure? {
    for var test in domain.cases(at: place) {
      test.note = "\(subject.name): found by a proof"
      // Most cases pass, and the definition takes seconds for the largest.
      guard let bulk = try? Reference.evaluateFast(test, dialect: domain.dialect) else {
        return nil
      }
      let judge = Judge(rules)
      var judgement = judge.judge(
        test, dialect: domain.dialect, subject: subject, outcome: bulk)
      guard judgement.verdict.isFailure else { continue }
      guard let outcome = try? Reference.evaluate(test, dialect: domain.dialect) else { return nil }
      judgement = judge.judge(test, dialect: domain.dialect, subject: subject, outcome: outcome)
      if judgement.verdict.isFailure {
        return Failure.regression(
          test, operation: domain.operation, dialect: domain.dialect, subject: subject,
          judgement: judgement, outcome: outcome, others: [], rules: rules,
          explains: explains)
      }
    }
    return nil
  }

  /// The failures at some places, the first one explained; nil where no case shows one.
  ///
  /// A case that takes a whole call of a matrix is the last: the others are much like it.
  func failures(
    at places: some Sequence<Counterexample>, explains: Bool,
    _ body: (Counterexample, Failure?) -> Void
  ) {
    for (index, place) in places.enumerated() {
      let failure = failure(at: place, explains: explains && index == 0)
      body(place, failure)
      let elements = failure?.test.outputs?.values.reduce(0) { $0 + $1.tensor.count } ?? 0
      if elements > 1 << 14 { return }
    }
  }

  /// A place in words, where no case shows it.
  func text(of place: Counterexample) -> String {
    "  \(domain.text(of: place)); right when called again: its answers depend on what was called "
      + "before"
  }
}
