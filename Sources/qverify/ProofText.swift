import CaseFormat
import Foundation
import Fuzzing
import NumberFormats
import Operations
import Proving
import Verification

/// A proof in words.
struct ProofText {
  var claim: Claim
  var domain: any DescribedDomain
  var result: ProofRun.Result
  var jobs: Int

  /// What was asked, as the head of a report.
  var head: String { "\(claim.operation)/\(claim.dialect.name): \(claim.subject.name)" }

  /// How many of what were run through.
  var amount: String { domain.amount(claim.positions, isWhole: claim.isWhole) }

  /// The evidence of a proof that found nothing wrong.
  var certificate: Certificate {
    let reports = claim.blocks.compactMap { result.reports[$0] }
    return Certificate(
      version: QVerify.version, claim: claim, digests: reports.map(\.digest),
      openCount: result.openCount, evidence: result.evidence,
      date: ISO8601DateFormatter().string(from: Date()),
      seconds: (result.seconds * 1000).rounded() / 1000)
  }

  func success(file: String?) -> String {
    var lines = ["\(head) agrees with exact on \(amount)"]
    lines += domain.parameterLines
    lines.append(Self.line("exact", domain.text(result.evidence)))
    if result.openCount > 0 {
      lines.append(
        Self.line(
          "left open", "\(Quantity.count(result.openCount)) elements, by the dialect: any answer"))
    }
    lines.append(Self.line("calls", domain.callText))
    lines.append(Self.line("digest", "\(certificate.digest)"))
    let rate = Double(claim.positions) / max(result.seconds, 1e-6)
    lines.append(
      Self.line(
        "time",
        "\(Quantity.time(result.seconds)), \(Quantity.rate(rate)) \(claim.unit)/s with \(jobs) threads"
      ))
    if let file { lines.append(Self.line("certificate", file)) }
    return lines.joined(separator: "\n")
  }

  static func line(_ label: String, _ text: String) -> String {
    "  " + label + String(repeating: " ", count: max(1, 13 - label.count)) + text
  }
}

/// Prints what is wrong, and saves the cases that show it.
struct ProofFailureOutput {
  var corpus: String?
  var most: Int
  var isPrinting: Bool

  /// Prints the first places that are wrong.
  func show(_ result: ProofRun.Result, _ text: ProofText, _ failure: ProofFailure) {
    var seen: Set<Int> = []
    let places = result.places.filter { seen.insert($0.position).inserted }
    var shown = 0
    let count = result.wrongCount
    let head =
      "\(text.head) disagrees with exact in \(Quantity.count(count)) element"
      + (count == 1 ? "" : "s") + " of \(text.amount)"
    guard isPrinting else {
      var cases: [Case] = []
      failure.failures(at: places.prefix(most), explains: false) { _, found in
        if let found { cases.append(found.test) }
      }
      print(
        JSONValue.object([
          .init("agrees", .bool(false)), .init("wrong", .number("\(count)")),
          .init("positions", .number("\(text.claim.positions)")),
          .init("cases", .array(cases.map(CaseFile.json))),
        ]))
      return
    }
    print(head)
    for line in text.domain.parameterLines { print(line) }
    failure.failures(at: places.prefix(most), explains: true) { place, found in
      print("\n" + (found.map(self.text) ?? failure.text(of: place)))
      shown += 1
    }
    if count > shown { print("\n\(Quantity.count(count - shown)) more") }
  }

  /// Prints what a subject did that no kernel may do, and ends with exit code 1.
  func fault(
    _ judgement: Judgement, _ place: Counterexample, _ text: ProofText, _ failure: ProofFailure
  ) throws {
    guard isPrinting else {
      print(
        JSONValue.object([
          .init("agrees", .bool(false)), .init("verdict", .string(judgement.verdict.rawValue)),
          .init("message", .string(judgement.message)),
        ]))
      throw Exit.mismatch
    }
    print("\(text.head) \(judgement.verdict.rawValue): \(judgement.message)")
    print(ProofText.line("call", text.domain.callText(of: place)))
    if let found = failure.failure(at: place, explains: false) {
      print("")
      print(self.text(of: found))
    }
    throw Exit.mismatch
  }

  private func text(of failure: Failure) -> String {
    let store = Corpus(directory: corpus ?? "golden/regressions")
    guard corpus != nil || store.exists else {
      let json = CaseFile.json(failure.test).description
      let text = failure.text(replayFile: "-")
      return json.utf8.count > 2000 ? text : text + "\n  case        \(json)"
    }
    do {
      return failure.text(replayFile: try store.save(failure))
    } catch {
      StandardError.line("qverify: cannot save a failure in '\(store.directory)': \(error)")
      return failure.text(replayFile: nil)
    }
  }
}
