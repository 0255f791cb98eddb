import ArgumentParser
import Operations
import Proving
import Subjects
import Verification

/// What every command that proves takes: the subject, where the evidence goes, how to work.
struct ProofOptions: ParsableArguments {
  @Option(help: "The dialect: a name, or a .yaml file of your own. Default: onnx.")
  var dialect: String?

  @Option(
    help: """
      What to prove: builtin:TIER, lib:PATH or cmd:COMMAND. Default: the fastest tier of this CPU.
      """)
  var subject: String?

  @Option(help: "Write the evidence to this file, which must not exist.")
  var certificate: String?

  @Option(help: "Prove part i of n of the inputs, counted from 0, as i/n.")
  var shard: String?

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
    _ = try FuzzCommand.parsedShard(shard)
  }

  /// Whether progress is shown.
  var showsProgress: Bool { !quiet && StandardError.isTerminal }

  /// Where failures go.
  var failureOutput: ProofFailureOutput {
    ProofFailureOutput(corpus: corpus, most: maxFailures, isPrinting: format == .text)
  }

  /// The dialect that is named.
  func namedDialect() throws -> Dialect { try Input.dialects([dialect ?? "onnx"])[0] }

  /// The one subject of a proof.
  func oneSubject() throws -> any Subject {
    let subjects = try Input.subjects(subject ?? SubjectList.fastest.name)
    guard subjects.count == 1 else { throw ValidationError("--subject takes one subject here") }
    return subjects[0]
  }

  /// The blocks of a domain that the shard has.
  func blocks(of domain: any Domain) throws -> Range<Int> {
    let all = Blocks.count(of: domain.count)
    let (index, count) = try FuzzCommand.parsedShard(shard)
    return index * all / count..<(index + 1) * all / count
  }
}
