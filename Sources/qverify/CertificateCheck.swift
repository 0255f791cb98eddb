import ArgumentParser
import CaseFormat
import Foundation
import Generation
import Operations
import Proving
import Reporting
import Verification

/// `qverify prove --verify`: the proof of a certificate again, or a random part of it.
struct CertificateCheck {
  var file: String
  /// The subject, time-out and output; the rest is in the certificate.
  var options: ProofOptions
  var part: Double?
  var seed: UInt64?

  private var format: OutputFormat { options.format }
  private var failures: ProofFailureOutput { options.failureOutput }

  func run() throws {
    let bytes = try Input.bytes(file)
    let certificate = try ProveInputsCommand.orMalformed("'\(file)'") {
      try Certificate(bytes: bytes)
    }
    let claim = certificate.claim
    let dialect = try ProveInputsCommand.orMalformed("'\(file)'") { try claim.dialect.dialect() }
    let domain = try ProveInputsCommand.orMalformed("'\(file)'") {
      try claim.describedDomain(in: dialect)
    }
    let name = options.subject ?? claim.subject.name
    let subjects = try Input.subjects(name)
    guard subjects.count == 1 else { throw ValidationError("--subject takes one subject here") }
    try checkSame(claim.subject, Claim.SubjectRecord.current(of: subjects[0].name))
    let blocks = chosen(claim.blocks)
    let rules = try Input.rules(timeout: options.timeout, for: subjects)
    let run = ProofRun(
      domain: domain, subject: subjects[0], rules: rules, blocks: blocks, jobs: options.jobs,
      journal: nil, showsProgress: options.showsProgress)
    let result = run.run()
    let text = ProofText(claim: claim, domain: domain, result: result, jobs: options.jobs)
    try finish(
      certificate, blocks, text, result,
      ProofFailure(domain: domain, subject: subjects[0], rules: rules))
  }

  /// The subject must be what it was; the CPU may be another one, which is said.
  private func checkSame(
    _ recorded: Claim.SubjectRecord, _ now: Claim.SubjectRecord
  ) throws {
    guard recorded.files.map(\.digest) == now.files.map(\.digest) else {
      StandardError.line(
        "qverify: '\(file)': \(now.name) is not what was proven: its file has another digest now")
      throw Exit.malformed
    }
    if recorded.cpu != now.cpu {
      StandardError.line(
        "qverify: '\(file)': was proven on another CPU: \(recorded.cpu); this is \(now.cpu)")
    }
  }

  /// The blocks to repeat: all, or some at random.
  private func chosen(_ blocks: Range<Int>) -> [Int] {
    guard let part, part < 100 else { return Array(blocks) }
    let seed = seed ?? UInt64.random(in: 0..<1 << 32)
    if format == .text { print("seed \(seed)") }
    var random = Randomness(seed: seed)
    let count = max(1, Int((Double(blocks.count) * part / 100).rounded(.up)))
    return Array(Array(blocks).shuffled(using: &random).prefix(count).sorted())
  }

  private func finish(
    _ certificate: Certificate, _ blocks: [Int], _ text: ProofText, _ result: ProofRun.Result,
    _ failure: ProofFailure
  ) throws {
    switch result.ending {
    case .refused(let reason):
      print("\(text.head): unsupported: \(reason)")
      throw Exit.mistrusted
    case .failed(let reason):
      StandardError.line("qverify: there is no exact answer: \(reason)")
      throw Exit.malformed
    case .fault(let judgement, let place): try failures.fault(judgement, place, text, failure)
    case .cancelled:
      StandardError.line("qverify: interrupted: \(result.reports.count) of \(blocks.count) blocks")
      throw Exit.interrupted
    case .done: break
    }
    if result.wrongCount > 0 {
      failures.show(result, text, failure)
      throw Exit.mismatch
    }
    let first = certificate.claim.blocks.lowerBound
    let wrong = blocks.filter { result.reports[$0]?.digest != certificate.digests[$0 - first] }
    if format == .json {
      print(
        JSONValue.object([
          .init("agrees", .bool(wrong.isEmpty)), .init("blocks", .number("\(blocks.count)")),
          .init("of", .number("\(certificate.digests.count)")),
          .init("other_digests", .array(wrong.map { .number("\($0)") })),
        ]))
    }
    guard wrong.isEmpty else {
      if format == .text {
        print(
          "\(text.head): block \(wrong[0]) gives another digest than '\(file)' holds, though all of "
            + "it agrees with exact: what the dialect leaves open came out otherwise, or the "
            + "certificate is not of this proof (\(wrong.count) of \(blocks.count) blocks)")
      }
      throw Exit.mismatch
    }
    if format == .text {
      let amount = blocks.reduce(0) {
        $0 + Blocks.positions(of: $1, in: certificate.claim.count).count
      }
      print(
        "\(text.head) agrees with exact and with '\(file)': \(blocks.count) of "
          + "\(certificate.digests.count) blocks, \(Quantity.count(amount)) \(certificate.claim.unit), in "
          + Quantity.time(result.seconds))
    }
  }
}
