import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import NumberFormats
import Operations
import Proving
import Reporting
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

  @Flag(
    help: """
      Also run every input through calls of three elements, which are in the tail of any vector loop. \
      Takes some minutes for 2^32.
      """)
  var tails = false

  @Option(help: "Repeat the proof of this certificate and compare the digests.")
  var verify: String?

  @Option(help: "With --verify: how many percent of the blocks to repeat, drawn at random.")
  var part: Double?

  @Option(help: "The seed of --part; drawn and printed if not given.")
  var seed: UInt64?

  @OptionGroup var options: ProofOptions

  func validate() throws {
    if verify != nil {
      let others: [(String, Bool)] = [
        ("an operation", operation != nil), ("parameters", !parameters.isEmpty),
        ("--from", from != nil), ("--to", to != nil), ("--multipliers", multipliers != nil),
        ("--dialect", options.dialect != nil), ("--certificate", options.certificate != nil),
        ("--shard", options.shard != nil), ("--tails", tails),
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

  func run() throws {
    Interruption.catchSignals()
    if let verify {
      return try CertificateCheck(file: verify, options: options, part: part, seed: seed).run()
    }
    if let certificate = options.certificate { try ProofSession.checkWritable(certificate) }
    let dialect = try options.namedDialect()
    let domain = LaneDomain(try lanes(in: dialect), provesTails: tails)
    let subject = try options.oneSubject()
    let claim = try Self.orMalformed {
      try Claim(
        domain, dialect: dialect, subject: .current(of: subject.name),
        blocks: try options.blocks(of: domain))
    }
    try ProofSession(options: options, domain: domain, subject: subject, claim: claim).run()
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

  // MARK: Errors

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
}
