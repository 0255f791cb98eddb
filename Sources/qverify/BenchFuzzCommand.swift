import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import Generation
import Operations
import Reporting
import Verification

/// `qverify bench fuzz`: how many cases a second, and where the time goes.
struct BenchFuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz",
    abstract: "Time campaigns: cases per second, and what each stage of a case costs.",
    discussion: """
      Three parts of --seconds each: a campaign over all operations and dialects, which gives the \
      total; a campaign for each of them by itself; and the definition against the bulk oracle on \
      the same cases, one thread. Microseconds per case are those of a thread, for each generated \
      case: "oracle" holds the definition too, which checks the bulk oracle on some cases; \
      "subjects" is guarded memory, two runs and the comparison, for all subjects together; "shrink" \
      is zero unless a case fails. Failures are counted only: qverify fuzz shows them.
      """)

  @Option(
    name: .customLong("ops"), help: "Operations and groups (quant, conv, matmul, all), by commas.")
  var operations = "all"

  @Option(help: "Dialects by commas: names, or .yaml files. Default: every built-in one.")
  var dialect: String?

  @Option(help: "What to test, such as builtin:avx2; by commas. Default: every tier of this CPU.")
  var subject: String?

  @Option(help: "How long each of the three parts takes, in seconds.")
  var seconds = 5.0

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Option(help: "The seed of the cases; drawn and printed if not given.")
  var seed: UInt64?

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    guard seconds > 0, seconds <= 86_400 else {
      throw ValidationError("--seconds must be above 0 and at most 86400")
    }
    _ = try Input.operations(operations)
  }

  func run() throws {
    let operations = try Input.operations(operations)
    let dialects = try Input.dialects(
      dialect?.split(separator: ",").map(String.init) ?? Dialect.builtInNames)
    let subjects = try Input.subjects(subject)
    let seed = seed ?? UInt64.random(in: 0..<1 << 32)
    let showsProgress = !quiet && StandardError.isTerminal
    Interruption.catchSignals()
    func progress(_ text: String) { if showsProgress { BenchProgress.show(text) } }

    let plan = CampaignPlan(
      operations: operations, dialects: dialects, subjects: subjects,
      budget: .time(.seconds(seconds)), seed: seed, jobs: jobs)
    progress("the whole campaign")
    let machine = BenchMachine(
      clock: "ContinuousClock, the time on the wall; for the oracles \(BenchClock.name)")
    var report = BenchFuzzReport(
      machine: machine, seed: seed, jobs: jobs, subjects: subjects.map(\.name),
      total: Self.campaign(plan, for: seconds))
    let pairs = Self.pairs(plan, report.total)
    if pairs.isEmpty {
      if showsProgress { ProgressLine.clear() }
      throw ValidationError("no subject claims these operations in these dialects")
    }
    for (operation, dialect) in pairs where !Interruption.isRequested {
      progress("\(operation.name)/\(dialect.name)")
      var part = plan
      (part.operations, part.dialects) = ([operation], [dialect])
      let share = seconds / Double(pairs.count)
      report.lanes.append(
        BenchFuzzLane(
          operation: operation.name, dialect: dialect.name, report: Self.campaign(part, for: share),
          oracles: OracleTimes(operation, dialect, seed: seed, seconds: share)))
    }
    if showsProgress { ProgressLine.clear() }
    report.interrupted = Interruption.isRequested
    print(format == .text ? report.text : report.json.description)
    let faults = ([report.total] + report.lanes.map(\.report)).flatMap(\.oracleFaults)
    for fault in faults { StandardError.line("qverify: the oracles disagree: \(fault)") }
    if !faults.isEmpty { throw Exit.internalFault }
    if report.interrupted { throw Exit.interrupted }
  }

  /// The operations and dialects that some subject claims, as the campaign found them.
  private static func pairs(
    _ plan: CampaignPlan, _ report: CampaignReport
  ) -> [(any Operations.Operation.Type, Dialect)] {
    plan.operations.flatMap { operation in
      plan.dialects.filter { dialect in
        report.lanes.contains { $0.operation == operation.name && $0.dialect == dialect.name }
      }.map { (operation, $0) }
    }
  }

  /// Runs a campaign that ends after the first round beyond the time, and without the chase after
  /// empty bins that would follow: that is no part of the rate.
  private static func campaign(_ given: CampaignPlan, for seconds: Double) -> CampaignReport {
    var plan = given
    plan.budget = .time(.seconds(1 << 30))
    let end = ContinuousClock.now + .seconds(seconds)
    plan.isCancelled = { Interruption.isRequested || ContinuousClock.now >= end }
    var campaign = Campaign(plan)
    return campaign.run()
  }
}

/// The definition and the bulk oracle on the same cases, in microseconds per case.
struct OracleTimes {
  /// Cases that have an answer.
  private(set) var cases = 0
  private(set) var definition: Double?
  /// Nil where the operation has no bulk oracle.
  private(set) var bulk: Double?
  /// Cases are drawn until this many are timed, however long it takes.
  private static let fewest = 5

  var ratio: Double? { definition.flatMap { definition in bulk.map { definition / $0 } } }

  /// Times the two in turn, case by case.
  init(
    _ operation: any Operations.Operation.Type, _ dialect: Dialect, seed: UInt64, seconds: Double
  ) {
    let end = ContinuousClock.now + .seconds(seconds)
    var (slow, fast) = (0.0, 0.0)
    var hasBulk = false
    var stream: UInt64 = 0
    while ContinuousClock.now < end || (cases < Self.fewest && stream < 100) {
      if Interruption.isRequested { break }
      var choices = Choices(randomness: Randomness(seed: seed, stream: stream))
      stream += 1
      let test = operation.generate(from: &choices, dialect: dialect)
      do throws(CaseError) {
        let start = BenchClock.now
        var arguments = try Arguments(test, declaration: operation.declaration, dialect: dialect)
        let outcome = try operation.evaluateFast(&arguments)
        let middle = BenchClock.now
        arguments = try Arguments(test, declaration: operation.declaration, dialect: dialect)
        _ = try operation.evaluate(&arguments, explaining: nil)
        let stop = BenchClock.now
        slow += stop - middle
        // Where the bulk oracle has no answer, the definition gives it.
        fast += (outcome == nil ? stop : middle) - start
        hasBulk = hasBulk || outcome != nil
        cases += 1
      } catch {
        continue  // A case that has no answer in its dialect.
      }
    }
    guard cases > 0 else { return }
    definition = slow * 1e6 / Double(cases)
    bulk = hasBulk ? fast * 1e6 / Double(cases) : nil
  }

  /// The mean of those that have both: as many cases of each.
  init(mean all: [OracleTimes]) {
    let both = all.filter { $0.bulk != nil }
    guard !both.isEmpty else { return }
    cases = both.map(\.cases).reduce(0, +)
    definition = both.compactMap(\.definition).reduce(0, +) / Double(both.count)
    bulk = both.compactMap(\.bulk).reduce(0, +) / Double(both.count)
  }

  var json: JSONValue {
    .object([
      .init("cases", .number("\(cases)")), .init("definition_us_per_case", .rounded(definition)),
      .init("bulk_us_per_case", .rounded(bulk)), .init("definition_to_bulk", .rounded(ratio)),
    ])
  }
}

/// An operation in a dialect, measured by itself.
struct BenchFuzzLane {
  var operation: String
  var dialect: String
  var report: CampaignReport
  var oracles: OracleTimes
}

/// The results of `bench fuzz`, for people and for programs.
struct BenchFuzzReport {
  let machine: BenchMachine
  let seed: UInt64
  let jobs: Int
  let subjects: [String]
  let total: CampaignReport
  var lanes: [BenchFuzzLane] = []
  var interrupted = false

  private static func stages(_ times: CampaignTimes) -> [(name: String, time: Duration)] {
    [
      ("generate", times.generate), ("oracle", times.oracle), ("subjects", times.subject),
      ("shrink", times.shrink),
    ]
  }

  var text: String {
    var lines = machine.lines(threads: jobs)
    lines += [
      "subjects \(subjects.joined(separator: ", "))", "seed     \(seed)", "",
    ]
    var rows = [["operation", "dialect", "cases", "cases/s", "judged/s"]]
    for stage in Self.stages(total.times) { rows[0] += ["\(stage.name) us", "%"] }
    rows += lanes.map { [$0.operation, $0.dialect] + Self.cells($0.report) }
    rows.append(["all", "in one campaign"] + Self.cells(total))
    lines += TextTable.lines(rows, rightAligned: Set(2...12))
    lines.append("")
    rows = [["operation", "dialect", "cases", "definition us", "bulk oracle us", "ratio"]]
    rows += lanes.map { [$0.operation, $0.dialect] + Self.cells($0.oracles) }
    rows.append(
      ["all with both", "as many of each"] + Self.cells(OracleTimes(mean: lanes.map(\.oracles))))
    lines += TextTable.lines(rows, rightAligned: Set(2...5))
    let failures = ([total] + lanes.map(\.report)).map(\.failures.count).reduce(0, +)
    if failures > 0 {
      lines += ["", "\(failures) failures, which 'qverify fuzz --seed \(seed)' explains"]
    }
    if interrupted { lines += ["", "interrupted"] }
    return lines.joined(separator: "\n")
  }

  private static func cells(_ report: CampaignReport) -> [String] {
    let seconds = max(report.elapsed / .seconds(1), 1e-9)
    var cells = [
      "\(report.cases)", BenchNumber.text(Double(report.cases) / seconds),
      BenchNumber.text(Double(judged(report)) / seconds),
    ]
    for stage in stages(report.times) {
      cells += [
        BenchNumber.text(perCase(stage.time, report)),
        share(stage.time, report).map { String(format: "%.1f", $0 * 100) } ?? "-",
      ]
    }
    return cells
  }

  private static func cells(_ oracles: OracleTimes) -> [String] {
    [
      "\(oracles.cases)", BenchNumber.text(oracles.definition),
      oracles.bulk == nil ? "none" : BenchNumber.text(oracles.bulk),
      BenchNumber.text(oracles.ratio),
    ]
  }

  /// Cases that subjects ran: one that three subjects ran counts three times.
  private static func judged(_ report: CampaignReport) -> Int {
    report.lanes.map(\.ran).reduce(0, +)
  }

  private static func perCase(_ duration: Duration, _ report: CampaignReport) -> Double? {
    report.cases == 0 ? nil : duration / .microseconds(1) / Double(report.cases)
  }

  private static func share(_ duration: Duration, _ report: CampaignReport) -> Double? {
    let whole = stages(report.times).map(\.time).reduce(.zero, +)
    return whole > .zero ? duration / whole : nil
  }

  var json: JSONValue {
    let oracles = OracleTimes(mean: lanes.map(\.oracles))
    return .object([
      .init("command", .string("bench fuzz")), .init("version", .string(QVerify.version)),
      .init("machine", machine.json(threads: jobs)), .init("seed", .number("\(seed)")),
      .init("subjects", .array(subjects.map { .string($0) })),
      .init("interrupted", .bool(interrupted)),
      .init("total", .object(Self.members(total) + [.init("oracles", oracles.json)])),
      .init(
        "lanes",
        .array(
          lanes.map { lane in
            .object(
              [
                .init("operation", .string(lane.operation)),
                .init("dialect", .string(lane.dialect)),
              ] + Self.members(lane.report) + [.init("oracles", lane.oracles.json)])
          })),
    ])
  }

  private static func members(_ report: CampaignReport) -> [JSONValue.Member] {
    let seconds = max(report.elapsed / .seconds(1), 1e-9)
    let judged = judged(report)
    return [
      .init("seconds", .rounded(seconds)), .init("cases", .number("\(report.cases)")),
      .init("judged", .number("\(judged)")), .init("rejected", .number("\(report.rejected)")),
      .init("failures", .number("\(report.failures.count)")),
      .init("cases_per_second", .rounded(Double(report.cases) / seconds)),
      .init("judged_per_second", .rounded(Double(judged) / seconds)),
      .init(
        "stages",
        .object(
          stages(report.times).map { stage in
            .init(
              stage.name,
              .object([
                .init("us_per_case", .rounded(perCase(stage.time, report))),
                .init("share", .rounded(share(stage.time, report))),
              ]))
          })),
    ]
  }
}
