public import CaseFormat
public import Verification

extension Failure {
  /// A failure as it was recorded; what was found out about it beyond this is set afterwards.
  ///
  /// - Parameters:
  ///   - test: the shrunk case, with its exact outputs.
  ///   - subject: who failed.
  ///   - judgement: what the judge said.
  ///   - origin: where it was found.
  public init(recorded test: Case, subject: String, judgement: Judgement, origin: String) {
    operation = test.operation
    dialect = test.dialect
    self.subject = subject
    verdict = judgement.verdict
    self.test = test
    self.judgement = judgement
    self.origin = origin
    steps = 0
    elementsBefore = Failure.elements(of: test)
    stages = []
    cause = ""
    others = []
  }
}
