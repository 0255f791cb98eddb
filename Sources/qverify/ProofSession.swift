import ArgumentParser
import CaseFormat
import Foundation
import Operations
import Proving
import Verification

/// A proof from the first block to the certificate: what is alike for every kind of domain.
struct ProofSession {
  var options: ProofOptions
  var domain: any DescribedDomain
  var subject: any Subject
  var claim: Claim

  private var certificate: String? { options.certificate }
  private var format: OutputFormat { options.format }
  private var failureOutput: ProofFailureOutput { options.failureOutput }

  /// Proves what is left, and prints and writes what came of it.
  func run() throws {
    let journal = try certificate.map { try openJournal($0 + ".progress", claim) }
    let rules = try Input.rules(timeout: options.timeout, for: [subject])
    let run = ProofRun(
      domain: domain, subject: subject, rules: rules, blocks: Array(claim.blocks),
      jobs: options.jobs, journal: journal, showsProgress: options.showsProgress)
    let result = run.run()
    let text = ProofText(claim: claim, domain: domain, result: result, jobs: options.jobs)
    try finish(
      claim, text, journal, result, ProofFailure(domain: domain, subject: subject, rules: rules))
  }

  // MARK: Files

  /// Finds out before the work whether a certificate can be written.
  static func checkWritable(_ certificate: String) throws {
    if FileManager.default.fileExists(atPath: certificate) {
      StandardError.line(
        "qverify: --certificate: '\(certificate)' exists; a certificate is never overwritten")
      throw Exit.missingFile
    }
    if let reason = ReportOptions.obstacle(certificate) {
      StandardError.line("qverify: --certificate: cannot write '\(certificate)': \(reason)")
      throw Exit.missingFile
    }
  }

  private func openJournal(_ path: String, _ claim: Claim) throws -> ProofJournal {
    do throws(JournalError) {
      let journal = try ProofJournal(path: path, claim: claim)
      if !journal.done.isEmpty {
        StandardError.line(
          "qverify: going on: \(journal.done.count) of \(claim.blocks.count) blocks were done "
            + "before (\(path))")
      }
      return journal
    } catch {
      StandardError.line("qverify: \(error)")
      throw error.isForeign ? Exit.malformed : Exit.missingFile
    }
  }

  // MARK: The end

  private func finish(
    _ claim: Claim, _ text: ProofText, _ journal: ProofJournal?, _ result: ProofRun.Result,
    _ failure: ProofFailure
  ) throws {
    if let error = result.journalError {
      StandardError.line(
        "qverify: \(error); what was written to it before is kept: the same command goes on")
      throw Exit.missingFile
    }
    let now = Claim.SubjectRecord.current(of: claim.subject.name)
    guard now == claim.subject else {
      StandardError.line("qverify: \(claim.subject.name) changed while it was being proven")
      journal?.remove()
      throw Exit.malformed
    }
    switch result.ending {
    case .refused(let reason):
      journal?.remove()
      print("\(text.head): unsupported: \(reason)")
      throw Exit.mistrusted
    case .failed(let reason):
      journal?.remove()
      StandardError.line("qverify: there is no exact answer: \(reason)")
      throw Exit.malformed
    case .fault(let judgement, let place):
      journal?.remove()
      try failureOutput.fault(judgement, place, text, failure)
    case .cancelled:
      if result.wrongCount > 0 { failureOutput.show(result, text, failure) }
      let kept =
        journal == nil
        ? "nothing is kept: with --certificate a proof goes on where it was"
        : "the same command goes on from here"
      StandardError.line(
        "qverify: interrupted: \(result.reports.count) of \(claim.blocks.count) blocks done; \(kept)"
      )
      throw Exit.interrupted
    case .done:
      if result.wrongCount > 0 {
        failureOutput.show(result, text, failure)
        journal?.remove()
        throw Exit.mismatch
      }
      try conclude(claim, text, journal, result)
    }
  }

  private func conclude(
    _ claim: Claim, _ text: ProofText, _ journal: ProofJournal?, _ result: ProofRun.Result
  ) throws {
    let evidence = text.certificate
    if let path = certificate {
      do {
        let data = Data((evidence.json.description + "\n").utf8)
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
      } catch {
        StandardError.line(
          "qverify: cannot write '\(path)': \(error.localizedDescription); what was proven is kept "
            + "in '\(path).progress': the same command goes on from there")
        throw Exit.missingFile
      }
      journal?.remove()
    }
    switch format {
    case .text: print(text.success(file: certificate))
    case .json: print(evidence.json)
    }
  }
}
