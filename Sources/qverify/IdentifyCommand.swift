import ArgumentParser
import CaseFormat
import Foundation
import Operations
import Proving
import Reporting
import Verification

/// `qverify identify`: which dialect a kernel implements.
struct IdentifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identify",
    abstract: "Tell which dialect a kernel implements, by probes that tell dialects apart.",
    discussion: """
      The probes are constructed: parameters at which dialects differ, inputs at their exact \
      thresholds and beside them, special values. Printed are the dialects that agree with every \
      answer, or the nearest one and the answers that speak against it, and what the kernel was seen \
      to do, each with a witness. The kernel is asked in the dialects that it claims, but judged by \
      its answers alone. Exits with 0 if every operation was identified, with 1 if some fits no \
      dialect, with 2 if nothing could be probed.
      """)

  @Option(help: "What to identify: builtin:TIER, lib:PATH or cmd:COMMAND.")
  var subject: String

  @Option(
    name: .customLong("op"),
    help: "Operations and groups (quant, conv, matmul, all), by commas. Default: all.")
  var operations = "all"

  @Option(help: "Dialects of your own to compare with too, by commas: .yaml files.")
  var dialect: String?

  @Option(help: "The most calls for each operation.")
  var calls = 200

  @Option(help: "How long a kernel may take for one call, such as 500ms. Default: 2s; cmd: 10s.")
  var timeout: String?

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    guard (40...200).contains(calls) else {
      throw ValidationError("--calls must be from 40 to 200")
    }
    _ = try timeout.map { try TimeSpan.parse($0, option: "--timeout") }
    _ = try Input.operations(operations)
  }

  func run() throws {
    let operations = try Input.operations(operations)
    let subjects = try Input.subjects(subject)
    guard subjects.count == 1 else { throw ValidationError("--subject takes one subject") }
    var plan = IdentificationRun.Plan(
      subject: subjects[0], rules: try Input.rules(timeout: timeout, for: subjects))
    plan.dialects = try Input.dialects(dialect?.split(separator: ",").map(String.init) ?? [])
    (plan.maximumCalls, plan.jobs) = (calls, jobs)
    plan.isCancelled = { Interruption.isRequested }
    Interruption.catchSignals()
    let shows = !quiet && StandardError.isTerminal
    var results: [Identification] = []
    for operation in operations where !Interruption.isRequested {
      if shows {
        FileHandle.standardError.write(Data("\r\u{1B}[K\(operation.name) ".utf8))
      }
      let plan = plan
      let result = ExitGuard.run { IdentificationRun.identify(operation, plan) }
      if shows { ProgressLine.clear() }
      results.append(result)
      if format == .text {
        print(IdentificationReport(result, subject: subjects[0].name).text + "\n")
        fflush(nil)
      }
    }
    finish(results, subjects[0].name)
    if Interruption.isRequested { throw Exit.interrupted }
    let probed = results.filter { $0.verdict != .notProbed }
    if probed.isEmpty { throw Exit.mistrusted }
    if probed.contains(where: { $0.verdict == .noDialect }) { throw Exit.mismatch }
  }

  private func finish(_ results: [Identification], _ subject: String) {
    switch format {
    case .text:
      var rows = [["operation", "asked as", "dialect", "inputs", "calls"]]
      for result in results { rows += IdentificationReport(result, subject: subject).rows }
      for line in TextTable.lines(rows, rightAligned: [3, 4]) { print(line) }
    case .json:
      print(
        JSONValue.object([
          .init("command", .string("identify")), .init("version", .string(QVerify.version)),
          .init("subject", .string(subject)),
          .init("interrupted", .bool(Interruption.isRequested)),
          .init(
            "operations",
            .array(results.map { IdentificationReport($0, subject: subject).json })),
        ]))
    }
  }
}
