import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import Operations
import Reporting
import Subjects
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

  @Option(help: "What to test, such as builtin:avx2; by commas. Default: every tier of this CPU.")
  var subject: String?

  @Option(help: "Cases for each operation in each dialect.")
  var cases: Int?

  @Option(help: "How long to go on, such as 60s, 5m or 1h.")
  var time: String?

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
    _ = try parsedTime()
    _ = try parsedShard()
    _ = try Input.operations(operations)
  }

  private func parsedTime() throws -> Duration? {
    guard let time else { return nil }
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = time.last.flatMap { units[$0] }
    let number = unit == nil ? time : String(time.dropLast())
    guard let value = Double(number), value > 0, value < 1e6 else {
      throw ValidationError("--time takes a number of seconds, or one with s, m or h")
    }
    return .seconds(value * (unit ?? 1))
  }

  private func parsedShard() throws -> (index: Int, count: Int) {
    guard let shard else { return (0, 1) }
    let parts = shard.split(separator: "/").map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1], count > 0,
      (0..<count).contains(index)
    else { throw ValidationError("--shard takes i/n with i from 0 to n - 1") }
    return (index, count)
  }

  func run() throws {
    let dialects = try Input.dialects(
      dialect?.split(separator: ",").map(String.init) ?? Dialect.builtInNames)
    let subjects = try Input.subjects(subject)
    let budget: CampaignPlan.Budget =
      try cases.map { .cases($0) } ?? .time(parsedTime() ?? .seconds(55))
    let seed = seed ?? UInt64.random(in: 0..<1 << 32)
    var plan = CampaignPlan(
      operations: try Input.operations(operations), dialects: dialects, subjects: subjects,
      budget: budget, seed: seed, jobs: jobs)
    plan.shard = try parsedShard()
    plan.maximumFailures = maxFailures
    let store = Corpus(directory: corpus ?? "golden/regressions")
    if corpus != nil || store.exists {
      let (cases, problems) = store.cases()
      plan.regressions = cases
      for problem in problems { StandardError.line("qverify: \(problem)") }
    }
    Interruption.catchSignals()
    plan.isCancelled = { Interruption.isRequested }
    if !quiet && StandardError.isTerminal { plan.progress = ProgressLine.show }

    var campaign = Campaign(plan)
    let report = ExitGuard.run { campaign.run() }
    if !quiet && StandardError.isTerminal { ProgressLine.clear() }
    var files: [String?] = []
    let keeps = corpus != nil || store.exists
    for failure in report.failures {
      do {
        files.append(keeps ? try store.path(of: failure) : nil)
      } catch {
        StandardError.line("qverify: cannot save a failure in '\(store.directory)': \(error)")
        files.append(nil)
      }
    }
    let printed = CampaignText(report: report, files: files, jobs: jobs)
    print(format == .text ? printed.text : printed.json.description)
    if report.oracleFaults.count > 0 { throw Exit.internalFault }
    if report.wasCancelled { throw Exit.interrupted }
    if !report.failures.isEmpty { throw Exit.mismatch }
    if report.lanes.isEmpty || report.lanes.contains(where: { $0.mistrust != nil }) {
      throw Exit.mistrusted
    }
  }
}
