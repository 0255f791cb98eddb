import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import NumberFormats
import Operations
import Proving
import Reporting
import Subjects
import Verification

/// `qverify prove inputs`: every value of the one input that an element-wise operation is about.
struct ProveInputsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inputs",
    abstract: "Prove an element-wise operation for every value of its input (the default).",
    discussion: """
      Every bit pattern of the input type (NaNs, infinities and subnormals too) goes through the \
      subject, in calls of 8192 elements and of every tail length, and each output is compared with \
      the exact answer. Inputs around every step of the answer also go through calls of 1 to 67 \
      elements, at every alignment, twice. With --certificate the evidence is written to a file, and a \
      proof that was interrupted goes on where it was when the same command is given again. Shards \
      are put together by qverify merge. --verify repeats a certificate, or a random part of it.
      """)

  @Argument(help: "The operation: one of those with one input to run through (qverify ops).")
  var operation: String?

  @OptionGroup(title: "Parameters") var parameters: QuestionOptions

  @Option(
    parsing: .unconditional,
    help: "The first input: an integer, for floats the encoding, such as 0x3f800000.")
  var from: String?

  @Option(parsing: .unconditional, help: "The last input.")
  var to: String?

  @Option(
    help: """
      Prove requantize for every channel of a model: a table with the columns scale, or multiplier \
      and shift, then zero_point, acc_min, acc_max (what the channel can reach) and name.
      """)
  var multipliers: String?

  @Option(help: "The dialect: a name, or a .yaml file of your own.")
  var dialect = "onnx"

  @Option(
    help: """
      What to prove: builtin:TIER, lib:PATH or cmd:COMMAND. Default: the fastest tier of this CPU.
      """)
  var subject: String?

  @Flag(
    help: """
      Also run every input through calls of three elements, which are in the tail of any vector loop. \
      Takes some minutes for 2^32.
      """)
  var tails = false

  @Option(help: "Write the evidence to this file, which must not exist.")
  var certificate: String?

  @Option(help: "Prove part i of n of the inputs, counted from 0, as i/n.")
  var shard: String?

  @Option(help: "Repeat the proof of this certificate and compare the digests.")
  var verify: String?

  @Option(help: "With --verify: how many percent of the blocks to repeat, drawn at random.")
  var part: Double?

  @Option(help: "The seed of --part; drawn and printed if not given.")
  var seed: UInt64?

  @Option(
    help: """
      The folder where failing cases are saved. Default: golden/regressions, where it exists.
      """)
  var corpus: String?

  @Option(help: "How many failures to print.")
  var maxFailures = 10

  @Option(help: "How long a kernel may take for one call, such as 500ms. Default: 2s; cmd: 10s.")
  var timeout: String?

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Option(help: "How to print the result.")
  var format = OutputFormat.text

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    guard maxFailures > 0 else { throw ValidationError("--max-failures must be at least 1") }
    _ = try timeout.map { try TimeSpan.parse($0, option: "--timeout") }
    _ = try parsedShard()
    if verify != nil {
      let others: [(String, Bool)] = [
        ("an operation", operation != nil), ("parameters", !parameters.isEmpty),
        ("--from", from != nil), ("--to", to != nil), ("--multipliers", multipliers != nil),
        ("--certificate", certificate != nil), ("--shard", shard != nil), ("--tails", tails),
      ]
      if let other = others.first(where: \.1) {
        throw ValidationError("--verify takes \(other.0) from the certificate")
      }
      if let part, !(part > 0 && part <= 100) {
        throw ValidationError("--part takes a percentage above 0, up to 100")
      }
      return
    }
    guard part == nil, seed == nil else {
      throw ValidationError("--part and --seed go with --verify")
    }
    guard let operation else { throw ValidationError("name the operation to prove") }
    guard let known = Registry.operation(named: operation) else {
      throw ValidationError("unknown operation '\(operation)'")
    }
    if multipliers != nil, operation != "requantize" || from != nil || to != nil {
      throw ValidationError("--multipliers is for requantize, and has the accumulators' range")
    }
    if known.sweptInput == nil {
      throw ValidationError(
        "\(operation) is not element-wise, so no one input can run through all its values")
    }
  }

  private func parsedShard() throws -> (index: Int, count: Int) {
    try FuzzCommand.parsedShard(shard)
  }

  func run() throws {
    Interruption.catchSignals()
    if let verify {
      try CertificateCheck(
        file: verify, subject: subject, part: part, seed: seed, timeout: timeout, jobs: jobs,
        showsProgress: showsProgress, format: format, failures: failureOutput
      ).run()
      return
    }
    if let certificate { try Self.checkWritable(certificate) }
    let dialect = try Input.dialects([dialect])[0]
    let domain = LaneDomain(try lanes(in: dialect), provesTails: tails)
    let subjects = try Input.subjects(subject ?? SubjectList.fastest.name)
    guard subjects.count == 1 else { throw ValidationError("--subject takes one subject here") }
    let record = Claim.SubjectRecord.current(of: subjects[0].name)
    let all = Blocks.count(of: domain.count)
    let (index, count) = try parsedShard()
    let blocks = index * all / count..<(index + 1) * all / count
    let claim = try Self.orMalformed {
      try Claim(domain, dialect: dialect, subject: record, blocks: blocks)
    }
    let journal = try certificate.map { try openJournal($0 + ".progress", claim) }
    let rules = try Input.rules(timeout: timeout, for: subjects)
    let run = ProofRun(
      domain: domain, subject: subjects[0], rules: rules, blocks: Array(blocks), jobs: jobs,
      journal: journal, showsProgress: showsProgress)
    let result = run.run()
    let text = ProofText(claim: claim, domain: domain, result: result, jobs: jobs)
    try finish(
      claim, text, journal, result,
      ProofFailure(domain: domain, dialect: dialect, subject: subjects[0], rules: rules))
  }

  private var showsProgress: Bool { !quiet && StandardError.isTerminal }

  private var failureOutput: ProofFailureOutput {
    ProofFailureOutput(corpus: corpus, most: maxFailures, isPrinting: format == .text)
  }

  // MARK: What to prove

  private func lanes(in dialect: Dialect) throws -> [LaneDomain.Lane] {
    guard let operation, let known = Registry.operation(named: operation) else { return [] }
    guard let multipliers else {
      let question = try Self.question(try parameters.template(of: known), dialect)
      return [LaneDomain.Lane(question, codes: try codes(of: question))]
    }
    let table = try Self.orMalformed(multipliers) {
      try MultiplierTable(try Input.bytes(multipliers))
    }
    let shared = try parameters.parameters()
    guard shared.scale == nil, shared.multiplier == nil, shared.shift == nil else {
      throw ValidationError(
        "--multipliers has the scales: --scale, --multiplier, --shift do not go")
    }
    return try table.rows.map { row in
      var parameters = shared
      (parameters.scale, parameters.multiplier) = (row.scale, row.multiplier)
      parameters.shift = row.shift
      parameters.zeroPoint = row.zeroPoint ?? shared.zeroPoint
      do throws(CaseError) {
        let question = try Question(
          try parameters.template(of: operation), dialect: dialect)
        guard question.isEnumerable else {
          throw .malformed("accumulators of type \(question.dtype.name) are too many")
        }
        let all = question.codes
        let codes = row.accumulators ?? all
        guard all.contains(codes.lowerBound), all.contains(codes.upperBound) else {
          throw .malformed("accumulators beyond \(question.dtype.name)")
        }
        return LaneDomain.Lane(question, codes: codes, name: row.name)
      } catch {
        StandardError.line("qverify: \(multipliers): line \(row.line): \(error.message)")
        throw Exit.malformed
      }
    }
  }

  private static func question(_ test: Case, _ dialect: Dialect) throws -> Question {
    do throws(CaseError) {
      let question = try Question(test, dialect: dialect)
      return question
    } catch {
      StandardError.line("qverify: \(error)")
      throw error.kind == .unsupported ? ExitCode.validationFailure : Exit.malformed
    }
  }

  private func codes(of question: Question) throws -> ClosedRange<Int64> {
    let all = question.codes
    let low = try from.map { try Self.code($0, "--from") } ?? all.lowerBound
    let high = try to.map { try Self.code($0, "--to") } ?? all.upperBound
    guard all.contains(low), all.contains(high), low <= high else {
      throw ValidationError(
        "--from and --to must be ordered and within \(all.lowerBound) to \(all.upperBound)")
    }
    guard question.isEnumerable || from != nil && to != nil else {
      throw ValidationError(
        "\(question.dtype.name) has too many values: name a range with --from and --to")
    }
    guard high - low < 1 << 48 else { throw ValidationError("too many inputs: 2^48 at most") }
    return low...high
  }

  private static func code(_ text: String, _ option: String) throws -> Int64 {
    let value =
      text.hasPrefix("0x") ? Int64(text.dropFirst(2), radix: 16) : Int64(text)
    guard let value else {
      throw ValidationError("\(option) takes an integer or an encoding such as 0x3f800000")
    }
    return value
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

  static func orMalformed<T>(_ file: String? = nil, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as ExitCode {
      throw error
    } catch {
      StandardError.line("qverify: \(file.map { "\($0): " } ?? "")\(error)")
      throw Exit.malformed
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
    let certificate = text.certificate
    if let path = self.certificate {
      do {
        let data = Data((certificate.json.description + "\n").utf8)
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
    case .text: print(text.success(file: self.certificate))
    case .json: print(certificate.json)
    }
  }
}
