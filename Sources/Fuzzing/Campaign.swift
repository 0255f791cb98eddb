import CaseFormat
import Foundation
import Generation
import Operations
import Synchronization
import Verification

/// A seeded run of many cases: every subject on every operation and dialect that it claims.
///
/// Case `i` of an operation in a dialect depends on the seed and on `i` only; rounds end at fixed
/// indices, and the first failure is the one of least index: so the same seed gives the same cases and
/// the same verdict whatever the number of threads.
public struct Campaign: Sendable {
  private let plan: CampaignPlan
  private var lanes: [Lane]
  private var report: CampaignReport
  private let clock = ContinuousClock()
  /// Cases of each lane in one round: few at first, so that slow subjects see every lane.
  private static func roundSize(after count: Int) -> Int { count < 96 ? 16 : 96 }
  /// One case in this many is judged by both oracles.
  private static let crossCheckInterval = 251
  /// Cases that a thread gives to a subject at a time.
  private static let batchSize = 16
  /// Cases after which an operation that was always refused counts as not claimed.
  private static let claimProbes = 24
  /// How many more cases are drawn to reach a bin that stayed empty.
  private static let chaseLimit = 4000

  /// One operation in one dialect, with the subjects that claim it.
  private struct Lane: Sendable {
    var operation: any Operations.Operation.Type
    var dialect: Dialect
    var subjects: [any Subject]
    /// Subjects that have failed here and rest.
    var isResting: [Bool]
    var results: [LaneResult]
    /// Bins that any generated case reached.
    var generated = Coverage()
    var next = 0
    var seed: UInt64
  }

  /// Prepares a campaign.
  public init(_ plan: CampaignPlan) {
    self.plan = plan
    report = CampaignReport(seed: plan.seed)
    lanes = []
    for operation in plan.operations {
      for dialect in plan.dialects {
        let name = "\(operation.name)/\(dialect.name)"
        guard dialect.defines(operation.name) else {
          report.skipped.append((name, dialect.reasonAgainst(operation.name)))
          continue
        }
        let claiming = plan.subjects.filter {
          $0.refusal(of: operation.name, dialect: dialect) == nil
        }
        if claiming.isEmpty {
          let reason = plan.subjects.first?.refusal(of: operation.name, dialect: dialect)
          report.skipped.append((name, reason ?? "no subject"))
          continue
        }
        for subject in claiming {
          report.contradictions += subject.contradictions(of: operation.name, with: dialect)
            .map { "\(name): \(subject.name) \($0)" }
        }
        lanes.append(
          Lane(
            operation: operation, dialect: dialect, subjects: claiming,
            isResting: claiming.map { _ in false },
            results: claiming.map {
              LaneResult(operation: operation.name, dialect: dialect.name, subject: $0.name)
            }, seed: Self.laneSeed(plan.seed, operation: operation.name, dialect: dialect.name)))
      }
    }
  }

  /// The seed of the cases of an operation in a dialect.
  package static func laneSeed(_ seed: UInt64, operation: String, dialect: String) -> UInt64 {
    seed ^ hash("\(operation)/\(dialect)")
  }

  /// FNV-1a: the same on every machine, unlike Swift's own hashes.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// Runs the campaign.
  public mutating func run() -> CampaignReport {
    let start = clock.now
    runRegressions()
    dropUnclaimed()
    var deadline: ContinuousClock.Instant?
    if case .time(let duration) = plan.budget { deadline = start + duration }
    while !isDone(since: start) {
      runRound(until: deadline)
      plan.progress?(progress(since: start))
      if plan.isCancelled() {
        report.wasCancelled = true
        break
      }
    }
    if plan.chasesEmptyBins && !report.wasCancelled && report.oracleFaults.isEmpty
      && report.failures.count < plan.maximumFailures
    {
      chaseEmptyBins()
    }
    settleCoverage()
    report.lanes = lanes.flatMap(\.results)
    report.elapsed = start.duration(to: clock.now)
    return report
  }

  private func isDone(since start: ContinuousClock.Instant) -> Bool {
    if report.failures.count >= plan.maximumFailures { return true }
    // An oracle that contradicts itself makes every further verdict worthless.
    if !report.oracleFaults.isEmpty { return true }
    let active = lanes.filter { $0.isResting.contains(false) }
    switch plan.budget {
    case _ where active.isEmpty: return true
    case .cases(let count): return active.allSatisfy { $0.next >= count }
    case .time(let duration): return start.duration(to: clock.now) >= duration
    }
  }

  private func progress(since start: ContinuousClock.Instant) -> CampaignProgress {
    let elapsed = start.duration(to: clock.now)
    let fraction: Double =
      switch plan.budget {
      case .cases(let count): Double(lanes.map(\.next).min() ?? count) / Double(max(count, 1))
      case .time(let duration): elapsed / duration
      }
    return CampaignProgress(
      cases: report.cases, failures: report.failures.count, elapsed: elapsed,
      fraction: min(fraction, 1))
  }

  // MARK: Rounds

  private struct Item: Sendable {
    var lane: Int
    var index: Int
  }

  /// What one thread found in a round.
  private struct Harvest: Sendable {
    var lanes: [[LaneResult]]
    var generated: [Coverage]
    var failures: [(lane: Int, subject: Int, index: Int, verdict: Verdict)] = []
    var cases = 0
    var rejected = 0
    var crossChecked = 0
    var oracleFaults: [String] = []
    var times = CampaignTimes()

    /// What a chase after empty bins is for: those bins, and what failed.
    ///
    /// A chase begins where the cases of a campaign end, which is another place in each shard. As
    /// nothing else of it counts, the shards of a campaign sum up to the campaign.
    func keeping(_ aim: Coverage) -> Harvest {
      var kept = self
      (kept.cases, kept.rejected, kept.crossChecked) = (0, 0, 0)
      kept.generated = generated.map { $0.intersection(aim) }
      for (lane, results) in lanes.enumerated() {
        for (subject, result) in results.enumerated() {
          var rest = LaneResult(
            operation: result.operation, dialect: result.dialect, subject: result.subject)
          rest.verdicts = result.verdicts.filter { $0.key.isFailure }
          rest.coverage = result.coverage.intersection(aim)
          rest.time = result.time
          kept.lanes[lane][subject] = rest
        }
      }
      return kept
    }
  }

  /// Finds out what subjects take that do not say so, and forgets what they always refuse.
  private mutating func dropUnclaimed() {
    var items: [Item] = []
    for (index, lane) in lanes.enumerated()
    where lane.subjects.contains(where: { !$0.declaresClaims }) {
      items += (0..<Self.claimProbes).map { Item(lane: index, index: $0) }
    }
    if items.isEmpty { return }
    let harvests = harvest(items, until: nil)
    if plan.isCancelled() { return }
    for index in lanes.indices.reversed() {
      for subject in lanes[index].subjects.indices.reversed()
      where !lanes[index].subjects[subject].declaresClaims {
        let parts = harvests.map { $0.lanes[index][subject] }
        if parts.contains(where: { $0.ran > 0 }) { continue }
        let reason = parts.flatMap(\.refusals.keys).min() ?? "no case has an answer"
        lanes[index].subjects.remove(at: subject)
        lanes[index].results.remove(at: subject)
        lanes[index].isResting.remove(at: subject)
        if lanes[index].subjects.isEmpty {
          let lane = lanes.remove(at: index)
          report.skipped.append(("\(lane.operation.name)/\(lane.dialect.name)", reason))
        }
      }
    }
    report.skipped.sort { $0.name < $1.name }
  }

  private mutating func runRound(until deadline: ContinuousClock.Instant?) {
    var items: [Item] = []
    for lane in lanes.indices where lanes[lane].isResting.contains(false) {
      var end = lanes[lane].next + Self.roundSize(after: lanes[lane].next)
      if case .cases(let count) = plan.budget { end = min(end, count) }
      for index in lanes[lane].next..<max(end, lanes[lane].next)
      where index % plan.shard.count == plan.shard.index {
        items.append(Item(lane: lane, index: index))
      }
      lanes[lane].next = max(end, lanes[lane].next)
    }
    absorb(harvest(items, until: deadline))
  }

  /// Runs items on all threads, in batches; stops early when the time is up or somebody wants out.
  private func harvest(_ items: [Item], until deadline: ContinuousClock.Instant?) -> [Harvest] {
    let empty = Harvest(
      lanes: lanes.map { lane in
        lane.results.map {
          LaneResult(operation: $0.operation, dialect: $0.dialect, subject: $0.subject)
        }
      }, generated: lanes.map { _ in Coverage() })
    let harvests = Mutex<[Harvest]>([])
    let cursor = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: plan.jobs) { _ in
      let judge = Judge(plan.rules)
      var mine = empty
      while !plan.isCancelled(), deadline.map({ clock.now < $0 }) ?? true {
        let first = cursor.wrappingAdd(Self.batchSize, ordering: .relaxed).oldValue
        if first >= items.count { break }
        run(items[first..<min(first + Self.batchSize, items.count)], judge, &mine)
      }
      harvests.withLock { $0.append(mine) }
    }
    return harvests.withLock { $0 }
  }

  /// A case that is ready to be judged.
  private struct Prepared {
    var item: Item
    var test: Case
    var outcome: Outcome
  }

  private func run(_ items: ArraySlice<Item>, _ judge: Judge, _ harvest: inout Harvest) {
    var prepared: [Prepared] = []
    for item in items {
      if let last = prepared.last, last.item.lane != item.lane {
        self.judge(prepared, judge, &harvest)
        prepared = []
      }
      if let next = prepare(item, &harvest) { prepared.append(next) }
    }
    self.judge(prepared, judge, &harvest)
  }

  /// Generates a case and its answer; nil where nobody takes it or it has none.
  private func prepare(_ item: Item, _ harvest: inout Harvest) -> Prepared? {
    let lane = lanes[item.lane]
    let start = clock.now
    var choices = Choices(randomness: Randomness(seed: lane.seed, stream: UInt64(item.index)))
    let test = lane.operation.generate(from: &choices, dialect: lane.dialect)
    let generated = clock.now
    harvest.times.generate += start.duration(to: generated)
    harvest.cases += 1
    // A case that nobody takes is only worth its coverage, and only now and then.
    let refusals = lane.subjects.map { $0.refusal(of: test, dialect: lane.dialect) }
    if !refusals.contains(nil) && item.index % 8 != 0 {
      for (index, reason) in refusals.enumerated() where !lane.isResting[index] {
        harvest.lanes[item.lane][index].add(
          Judgement(.unsupported, reason ?? ""), Outcome([]), time: .zero)
      }
      return nil
    }
    defer { harvest.times.oracle += generated.duration(to: clock.now) }
    do throws(CaseError) {
      let outcome = try Reference.evaluateFast(test, dialect: lane.dialect)
      if item.index % Self.crossCheckInterval == 0 {
        harvest.crossChecked += 1
        let exact = try Reference.evaluate(test, dialect: lane.dialect)
        if !zip(exact.outputs, outcome.outputs).allSatisfy({ $0.expectation == $1.expectation }) {
          harvest.oracleFaults.append(
            "\(lane.operation.name)/\(lane.dialect.name) case \(item.index): \(CaseFile.json(test))"
          )
        }
      }
      harvest.generated[item.lane].formUnion(outcome.coverage)
      return Prepared(item: item, test: test, outcome: outcome)
    } catch {
      if error.kind == .malformed {
        harvest.oracleFaults.append(
          "\(lane.operation.name)/\(lane.dialect.name) case \(item.index) is \(error)")
      }
      harvest.rejected += 1
      return nil
    }
  }

  /// Lets every subject of a lane that does not rest run the same cases.
  private func judge(_ prepared: [Prepared], _ judge: Judge, _ harvest: inout Harvest) {
    guard let lane = prepared.first?.item.lane else { return }
    let cases = prepared.map { ($0.test, $0.outcome) }
    for (index, subject) in lanes[lane].subjects.enumerated() where !lanes[lane].isResting[index] {
      let start = clock.now
      let judgements = judge.judge(cases, dialect: lanes[lane].dialect, subject: subject)
      let time = start.duration(to: clock.now)
      harvest.times.subject += time
      for (judgement, one) in zip(judgements, prepared) {
        harvest.lanes[lane][index].add(judgement, one.outcome, time: time / prepared.count)
        if judgement.verdict.isFailure {
          harvest.failures.append((lane, index, one.item.index, judgement.verdict))
        }
      }
    }
  }

  /// Adds what the threads found; the first failure of each subject is shrunk and explained.
  private mutating func absorb(_ harvests: [Harvest]) {
    for harvest in harvests {
      for (lane, results) in harvest.lanes.enumerated() {
        lanes[lane].generated.formUnion(harvest.generated[lane])
        for (subject, result) in results.enumerated() {
          lanes[lane].results[subject].merge(result)
        }
      }
      report.cases += harvest.cases
      report.rejected += harvest.rejected
      report.crossChecked += harvest.crossChecked
      report.oracleFaults += harvest.oracleFaults
      report.times.add(harvest.times)
    }
    let failures = harvests.flatMap(\.failures).sorted {
      ($0.lane, $0.subject, $0.index) < ($1.lane, $1.subject, $1.index)
    }
    let start = clock.now
    for failure in failures
    where !lanes[failure.lane].isResting[failure.subject]
      && report.failures.count < plan.maximumFailures
    {
      lanes[failure.lane].isResting[failure.subject] = true
      let lane = lanes[failure.lane]
      if isKnown(lane, lane.subjects[failure.subject], failure.verdict) { continue }
      var choices = Choices(
        randomness: Randomness(seed: lane.seed, stream: UInt64(failure.index)))
      _ = lane.operation.generate(from: &choices, dialect: lane.dialect)
      var shrunk = Failure.shrunk(
        from: choices.drawn, operation: lane.operation, dialect: lane.dialect,
        subject: lane.subjects[failure.subject], verdict: failure.verdict,
        others: lane.subjects, origin: "seed \(plan.seed), case \(failure.index)",
        rules: plan.rules)
      shrunk.caseIndex = failure.index
      note(shrunk)
    }
    report.times.shrink += start.duration(to: clock.now)
  }

  private mutating func note(_ failure: Failure) {
    report.failures.append(failure)
    plan.found?(failure)
  }

  /// Whether a failure that was shrunk already shows itself in another subject too.
  private mutating func isKnown(_ lane: Lane, _ subject: any Subject, _ verdict: Verdict) -> Bool {
    for (index, known) in report.failures.enumerated()
    where known.operation == lane.operation.name && known.dialect == lane.dialect.name
      && known.verdict == verdict && verdict != .hung
    {
      guard let outcome = try? Reference.evaluateFast(known.test, dialect: lane.dialect) else {
        continue
      }
      let judgement = Judge(plan.rules).judge(
        known.test, dialect: lane.dialect, subject: subject, outcome: outcome)
      if judgement.verdict == verdict && judgement.element == known.judgement.element {
        report.failures[index].alsoFailing.append(subject.name)
        return true
      }
    }
    return false
  }

  // MARK: Regressions

  private mutating func runRegressions() {
    // One shard runs them for all.
    guard plan.shard.index == 0 else { return }
    let judge = Judge(plan.rules)
    for test in plan.regressions {
      for lane in lanes.indices
      where lanes[lane].operation.name == test.operation
        && lanes[lane].dialect.name == test.dialect
      {
        guard let outcome = try? Reference.evaluateFast(test, dialect: lanes[lane].dialect) else {
          continue
        }
        for (index, subject) in lanes[lane].subjects.enumerated()
        where !lanes[lane].isResting[index] {
          let judgement = judge.judge(
            test, dialect: lanes[lane].dialect, subject: subject, outcome: outcome)
          lanes[lane].results[index].add(judgement, outcome, time: .zero)
          guard judgement.verdict.isFailure else { continue }
          lanes[lane].isResting[index] = true
          note(
            Failure.regression(
              test, operation: lanes[lane].operation, dialect: lanes[lane].dialect,
              subject: subject, judgement: judgement, outcome: outcome,
              others: lanes[lane].subjects, rules: plan.rules))
        }
      }
    }
  }

  // MARK: Coverage

  /// Draws more cases where a required bin stayed empty, and runs those that reach one.
  private mutating func chaseEmptyBins() {
    for lane in lanes.indices {
      let required = lanes[lane].operation.bins(in: lanes[lane].dialect).filter(\.isRequired)
      func isComplete() -> Bool {
        required.allSatisfy { lanes[lane].generated.contains($0.number) }
      }
      var aim = Coverage()
      for bin in required where !lanes[lane].generated.contains(bin.number) {
        aim.insert(bin.number)
      }
      var index = 0
      // The streams of the chase lie apart from those of the campaign.
      let first = 1 << 40
      while !isComplete() && index < Self.chaseLimit && !plan.isCancelled() {
        let items = (index..<index + 64).map { Item(lane: lane, index: first + $0) }
        absorb(harvest(items, until: nil).map { $0.keeping(aim) })
        report.chased += items.count
        index += 64
      }
    }
  }

  private mutating func settleCoverage() {
    for lane in lanes.indices {
      let bins = lanes[lane].operation.bins(in: lanes[lane].dialect)
      for subject in lanes[lane].results.indices {
        lanes[lane].results[subject].declaredBins = bins
        lanes[lane].results[subject].generated = lanes[lane].generated
      }
    }
  }
}

extension LaneResult {
  /// Counts one judgement.
  mutating func add(_ judgement: Judgement, _ outcome: Outcome, time: Duration) {
    verdicts[judgement.verdict, default: 0] += 1
    self.time += time
    if judgement.verdict == .unsupported {
      refusals[judgement.message, default: 0] += 1
      return
    }
    elements += judgement.compared
    unspecified += outcome.outputs.reduce(0) { $0 + $1.expectation.unspecifiedCount }
    coverage.formUnion(outcome.coverage)
  }

  /// Adds the counts of another part of the same campaign.
  public mutating func merge(_ other: LaneResult) {
    verdicts.merge(other.verdicts, uniquingKeysWith: +)
    refusals.merge(other.refusals, uniquingKeysWith: +)
    elements += other.elements
    unspecified += other.unspecified
    coverage.formUnion(other.coverage)
    generated.formUnion(other.generated)
    time += other.time
  }
}
