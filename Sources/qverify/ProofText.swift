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
  var domain: LaneDomain
  var result: ProofRun.Result
  var jobs: Int

  /// What was asked, as the head of a report.
  var head: String { "\(claim.operation)/\(claim.dialect.name): \(claim.subject.name)" }

  /// How many of what were run through.
  var amount: String {
    let type = domain.lanes[0].question.dtype.name
    let lanes = domain.lanes.count
    let noun = "\(Quantity.count(claim.positions)) \(type) inputs"
    let of = lanes == 1 ? "" : " of \(Quantity.count(lanes)) channels"
    return claim.isWhole ? "all \(noun)\(of)" : "\(noun)\(of), a part"
  }

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
    lines += parameterLines
    lines.append(Self.line("exact", evidence))
    if result.openCount > 0 {
      lines.append(
        Self.line(
          "left open", "\(Quantity.count(result.openCount)) elements, by the dialect: any answer"))
    }
    lines.append(
      Self.line(
        "calls",
        claim.provesTails
          ? "of 8192 elements and every tail, and of 3 elements only"
          : "of 8192 elements and every tail; of 1 to 67 elements for inputs around steps"))
    lines.append(Self.line("digest", "\(certificate.digest)"))
    let rate = Double(claim.positions) / max(result.seconds, 1e-6)
    lines.append(
      Self.line(
        "time",
        "\(Quantity.time(result.seconds)), \(Quantity.rate(rate)) inputs/s with \(jobs) threads"))
    if let file { lines.append(Self.line("certificate", file)) }
    return lines.joined(separator: "\n")
  }

  /// The parameters of the one lane, or that there are many.
  var parameterLines: [String] {
    guard domain.lanes.count == 1 else { return [] }
    let template = domain.lanes[0].question.template
    var parts = template.inputs.sorted { $0.key < $1.key }.map { name, tensor in
      let values = tensor.codes.prefix(8).map { Readable.text(ofCode: $0, tensor.dtype) }
      return "\(name) = \(values.joined(separator: ", ")) \(tensor.dtype.name)"
    }
    parts += template.attributes.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
    let outputs = domain.lanes[0].question.outputs.map { "\($0.name) \($0.dtype.name)" }
    return [Self.line("parameters", (parts + outputs).joined(separator: "; "))]
  }

  /// How the exact answers were had.
  private var evidence: String {
    let evidence = result.evidence
    var parts: [String] = []
    if evidence.steps > 0 {
      parts.append(
        "\(Quantity.count(evidence.steps)) in steps whose two ends the definition confirmed")
    }
    if evidence.definition > 0 {
      parts.append("\(Quantity.count(evidence.definition)) by the definition, one by one")
    }
    if evidence.bulk > 0 {
      parts.append(
        "\(Quantity.count(evidence.bulk)) by the bulk oracle, one in \(Oracle.sampled) by the "
          + "definition too")
    }
    return parts.joined(separator: "; ")
      + " (\(Quantity.count(evidence.evaluations)) exact evaluations)"
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
    let shown = places.prefix(most)
    let count = result.wrongCount
    let head =
      "\(text.head) disagrees with exact in \(Quantity.count(count)) element"
      + (count == 1 ? "" : "s") + " of \(text.amount)"
    guard isPrinting else {
      let cases = shown.compactMap { failure.failure(at: $0, explains: false)?.test }
      print(
        JSONValue.object([
          .init("agrees", .bool(false)), .init("wrong", .number("\(count)")),
          .init("positions", .number("\(text.claim.positions)")),
          .init("cases", .array(cases.map(CaseFile.json))),
        ]))
      return
    }
    print(head)
    for line in text.parameterLines { print(line) }
    for (index, place) in shown.enumerated() {
      print("")
      // The first one is explained; the others are shown.
      if let found = failure.failure(at: place, explains: index == 0) {
        print(self.text(of: found))
      } else {
        print(failure.text(of: place))
      }
    }
    if count > shown.count { print("\n\(Quantity.count(count - shown.count)) more") }
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
    let lane = text.domain.lanes[place.lane]
    let first = Readable.text(
      ofCode: place.input - Int64(place.callIndex), lane.question.dtype)
    print(
      ProofText.line("call", "\(place.callLength) elements from \(lane.question.input) = \(first)"))
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
