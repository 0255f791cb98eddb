import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import Generation
import Operations
import Verification

/// `qverify bench fuzz`: how many cases a second, and where does the time go?
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

  @Option(help: "Dialects by commas: names, or .yaml files of your own. Default: every built-in one.")
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
    let machine = BenchMachine()
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

/// The definition and the bulk oracle on the same cases.
struct OracleTimes {
  /// Cases that both answered.
  private(set) var cases = 0
  /// Cases that only the definition answered: there is no bulk oracle for them.
  private(set) var withoutBulk = 0
  private(set) var definition: Duration = .zero
  private(set) var bulk: Duration = .zero
  /// Cases are drawn until this many are timed, however long it takes.
  private static let fewest = 5

  init() {}

  /// Times the two in turn, case by case.
  init(
    _ operation: any Operations.Operation.Type, _ dialect: Dialect, seed: UInt64, seconds: Double
  ) {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var stream: UInt64 = 0
    while clock.now < end || (cases + withoutBulk < Self.fewest && stream < 100) {
      if Interruption.isRequested { return }
      var choices = Choices(randomness: Randomness(seed: seed, stream: stream))
      stream += 1
      let test = operation.generate(from: &choices, dialect: dialect)
      do throws(CaseError) {
        let start = clock.now
        var arguments = try Arguments(
          test, declaration: operation.declaration, dialect: dialect)
        let fast = try operation.evaluateFast(&arguments)
        let middle = clock.now
        var fresh = try Arguments(test, declaration: operation.declaration, dialect: dialect)
        _ = try operation.evaluate(&fresh, explaining: nil)
        let stop = clock.now
        if fast == nil {
          withoutBulk += 1
        } else {
          cases += 1
          bulk += start.duration(to: middle)
          definition += middle.duration(to: stop)
        }
      } catch {
        continue  // A case that has no answer in its dialect.
      }
    }
  }

  mutating func add(_ other: OracleTimes) {
    cases += other.cases
    withoutBulk += other.withoutBulk
    definition += other.definition
    bulk += other.bulk
  }

  private func microseconds(_ duration: Duration) -> Double? {
    cases == 0 ? nil : duration / .microseconds(1) / Double(cases)
  }

  var definitionMicroseconds: Double? { microseconds(definition) }
  var bulkMicroseconds: Double? { microseconds(bulk) }
  var ratio: Double? { bulk > .zero ? definition / bulk : nil }

  var json: JSONValue {
    .object([
      .init("cases", .number("\(cases)")),
      .init("cases_without_bulk_oracle", .number("\(withoutBulk)")),
      .init("definition_us_per_case", .rounded(definitionMicroseconds)),
      .init("bulk_us_per_case", .rounded(bulkMicroseconds)),
      .init("definition_to_bulk", .rounded(ratio)),
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

  private static let stages: [(name: String, time: KeyPath<CampaignTimes, Duration> & Sendable)] = [
    ("generate", \.generate), ("oracle", \.oracle), ("subjects", \.subject), ("shrink", \.shrink),
  ]

  var text: String {
    var lines = machine.lines(threads: jobs)
    lines += [
      "subjects \(subjects.joined(separator: ", "))", "seed     \(seed)", "",
    ]
    var rows = [["operation", "dialect", "cases", "cases/s", "judged/s"]]
    for stage in Self.stages { rows[0] += ["\(stage.name) us", "%"] }
    rows += lanes.map { [$0.operation, $0.dialect] + Self.cells($0.report) }
    rows.append(["all", "in one campaign"] + Self.cells(total))
    lines += TextTable.lines(rows, rightAligned: Set(2...12))
    lines.append("")
    rows = [["operation", "dialect", "cases", "definition us", "bulk oracle us", "ratio"]]
    var all = OracleTimes()
    for lane in lanes {
      all.add(lane.oracles)
      rows.append([lane.operation, lane.dialect] + Self.cells(lane.oracles))
    }
    rows.append(["all", ""] + Self.cells(all))
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
    for stage in stages {
      let duration = report.times[keyPath: stage.time]
      cells += [
        BenchNumber.text(perCase(duration, report)),
        BenchNumber.text(share(duration, report).map { $0 * 100 }),
      ]
    }
    return cells
  }

  private static func cells(_ oracles: OracleTimes) -> [String] {
    if oracles.cases == 0 {
      let reason = oracles.withoutBulk > 0 ? "no bulk oracle" : "no case has an answer"
      return ["\(oracles.withoutBulk)", "-", reason, "-"]
    }
    return [
      "\(oracles.cases)", BenchNumber.text(oracles.definitionMicroseconds),
      BenchNumber.text(oracles.bulkMicroseconds), BenchNumber.text(oracles.ratio),
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
    let whole = stages.map { report.times[keyPath: $0.time] }.reduce(.zero, +)
    return whole > .zero ? duration / whole : nil
  }

  var json: JSONValue {
    var all = OracleTimes()
    for lane in lanes { all.add(lane.oracles) }
    return .object([
      .init("command", .string("bench fuzz")), .init("version", .string(QVerify.version)),
      .init("machine", machine.json(threads: jobs)), .init("seed", .number("\(seed)")),
      .init("subjects", .array(subjects.map { .string($0) })),
      .init("interrupted", .bool(interrupted)),
      .init("total", .object(Self.members(total) + [.init("oracles", all.json)])),
      .init(
        "lanes",
        .array(
          lanes.map { lane in
            .object(
              [
                .init("operation", .string(lane.operation)), .init("dialect", .string(lane.dialect)),
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
          stages.map { stage in
            let duration = report.times[keyPath: stage.time]
            return .init(
              stage.name,
              .object([
                .init("us_per_case", .rounded(perCase(duration, report))),
                .init("share", .rounded(share(duration, report))),
              ]))
          })),
    ]
  }
}
