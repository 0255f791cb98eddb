import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import Operations
import Reporting
import Subjects
import Synchronization
import Verification

/// `qverify fuzz`: whether a kernel is bit-exact.
struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz",
    abstract: "Compare kernels with the exact reference on many cases; shrink what fails.",
    discussion: """
      Without --subject every built-in tier that this CPU runs is tested, without --dialect every \
      dialect, without --cases or --time for about a minute. The same seed gives the same cases and \
      the same verdict, whatever --jobs is. Failures are shrunk, explained, and printed with the \
      command that replays them.
      """)

  @Option(
    name: .customLong("ops"), help: "Operations and groups (quant, conv, matmul, all), by commas.")
  var operations = "all"

  @Option(
    help: "Dialects by commas: names, or .yaml files of your own. Default: every built-in one.")
  var dialect: String?

  @Option(
    help: """
      What to test, by commas: builtin:TIER, lib:PATH (a shared library, see qverify_kernel.h) or \
      cmd:COMMAND (a process that answers cases). Default: every tier of this CPU.
      """)
  var subject: String?

  @Option(help: "Cases for each operation in each dialect.")
  var cases: Int?

  @Option(help: "How long to go on, such as 60s, 5m or 1h.")
  var time: String?

  @Option(
    help: """
      How long a kernel may take for one call, such as 500ms or 2s. Default: 2s, with a cmd: subject \
      10s; the first answer of a process may take a minute more.
      """)
  var timeout: String?

  @Flag(
    help: "Also call each kernel with subnormals flushed to zero; it must give the same.")
  var flushToZero = false

  @Option(help: "The seed of the cases; drawn and printed if not given.")
  var seed: UInt64?

  @Option(help: "Run part i of n of the cases, counted from 0, as i/n.")
  var shard: String?

  @Option(help: "Stop after this many failures.")
  var maxFailures = 10

  @Option(
    help: """
      The folder of failing cases: they run first, and new ones are saved there. Default: \
      golden/regressions, where it exists.
      """)
  var corpus: String?

  @OptionGroup(title: "Reports") var reports: ReportOptions

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    guard maxFailures > 0 else { throw ValidationError("--max-failures must be at least 1") }
    guard cases == nil || time == nil else {
      throw ValidationError("--cases and --time exclude each other")
    }
    if let cases, cases < 1 { throw ValidationError("--cases must be at least 1") }
    _ = try time.map { try TimeSpan.parse($0, option: "--time") }
    _ = try timeout.map { try TimeSpan.parse($0, option: "--timeout") }
    _ = try parsedShard()
    _ = try Input.operations(operations)
  }

  private func parsedShard() throws -> (index: Int, count: Int) { try Self.parsedShard(shard) }

  /// Which part of how many, of `i/n`; the whole where nothing is given.
  static func parsedShard(_ shard: String?) throws -> (index: Int, count: Int) {
    guard let shard else { return (0, 1) }
    let parts = shard.split(separator: "/").map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1], count > 0,
      (0..<count).contains(index)
    else { throw ValidationError("--shard takes i/n with i from 0 to n - 1") }
    return (index, count)
  }

  func run() throws {
    try reports.checkWritable()
    var plan = try plan()
    let store = Corpus(directory: corpus ?? "golden/regressions")
    let keeps = corpus != nil || store.exists
    if keeps {
      let (cases, problems) = store.cases()
      plan.regressions = cases
      for problem in problems { StandardError.line("qverify: \(problem)") }
    }
    let output = FailureOutput(store: keeps ? store : nil, isPrinting: format == .text)
    plan.found = { output.take($0) }
    Interruption.catchSignals()
    plan.isCancelled = { Interruption.isRequested }
    if !quiet && StandardError.isTerminal { plan.progress = ProgressLine.show }

    var campaign = Campaign(plan)
    var found = ExitGuard.run { campaign.run() }
    if !quiet && StandardError.isTerminal { ProgressLine.clear() }
    for (index, file) in output.files.enumerated() { found.failures[index].file = file }
    let report = Report(
      found, of: plan, version: QVerify.version,
      command: ["qverify"] + CommandLine.arguments.dropFirst())
    print(format == .text ? report.summaryText : report.json.description)
    try reports.write(report)
    try Exit.end(report.conclusion)
  }

  /// What the options ask for; opens the subjects.
  private func plan() throws -> CampaignPlan {
    let dialects = try Input.dialects(
      dialect?.split(separator: ",").map(String.init) ?? Dialect.builtInNames)
    let subjects = try Input.subjects(subject)
    let time = try time.map { try TimeSpan.parse($0, option: "--time") }
    var plan = CampaignPlan(
      operations: try Input.operations(operations), dialects: dialects, subjects: subjects,
      budget: cases.map { .cases($0) } ?? .time(time ?? .seconds(55)),
      seed: seed ?? UInt64.random(in: 0..<1 << 32), jobs: jobs)
    plan.shard = try parsedShard()
    plan.maximumFailures = maxFailures
    plan.rules = try Input.rules(timeout: timeout, flushToZero: flushToZero, for: subjects)
    return plan
  }
}

/// Saves and prints failures as they are found, so that nothing that was reported can be lost.
private final class FailureOutput: Sendable {
  private let store: Corpus?
  private let isPrinting: Bool
  private let saved = Mutex<[String?]>([])

  /// Failures go to a corpus, if there is one, and to standard output, if they are printed.
  init(store: Corpus?, isPrinting: Bool) {
    self.store = store
    self.isPrinting = isPrinting
  }

  /// Where each failure was saved, in the order in which they came.
  var files: [String?] { saved.withLock { $0 } }

  /// Saves a failure, then prints it.
  func take(_ failure: Failure) {
    var file: String?
    do {
      file = try store?.save(failure)
    } catch {
      let folder = store?.directory ?? ""
      StandardError.line("qverify: cannot save a failure in '\(folder)': \(error)")
    }
    saved.withLock { [file] in $0.append(file) }
    guard isPrinting else { return }
    if StandardError.isTerminal { ProgressLine.clear() }
    print(failure.text(replayFile: file) + "\n")
    fflush(nil)
  }
}
