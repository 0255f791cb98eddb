import CaseFormat
import Dispatch
import Fuzzing
import Generation
import Operations
import Synchronization
import Verification

/// Runs mutants against the ordinary generators, judge and shrinker.
///
/// Case `i` of an operation in a dialect is the one that a campaign with the same seed has, so that a
/// result depends on the seed only, whatever the number of threads.
public struct MutantRun: Sendable {
  private let plan: MutantPlan
  private let lanes: [Lane]
  private let clock = ContinuousClock()
  /// How many cases of a lane are kept for all its mutants.
  private static let kept = 128

  /// An operation in a dialect, with its first cases and their exact outcomes.
  private struct Lane: Sendable {
    var operation: any Operations.Operation.Type
    var dialect: Dialect
    var seed: UInt64
    var cases: [Item?] = []
    /// Cases redrawn under the distributions of other suites.
    var redrawn: [[Item]] = []
  }

  private struct Item: Sendable {
    var test: Case
    var outcome: Outcome
  }

  /// Runs the right kernels, then every mutant until the budget of the plan ends.
  public static func run(_ plan: MutantPlan) -> MutantReport {
    let start = ContinuousClock().now
    return MutantRun(plan).run(since: start)
  }

  /// Draws the first cases of each operation and dialect.
  private init(_ plan: MutantPlan) {
    self.plan = plan
    var names: [(String, String)] = []
    for mutant in plan.mutants {
      let name = (mutant.kernel.operation, mutant.kernel.dialect)
      if !names.contains(where: { $0 == name }) { names.append(name) }
    }
    let empty = names.compactMap { operation, dialect -> Lane? in
      guard let type = Registry.operation(named: operation),
        let dialect = try? Dialect.named(dialect)
      else { return nil }
      let seed = Campaign.laneSeed(plan.seed, operation: operation, dialect: dialect.name)
      return Lane(operation: type, dialect: dialect, seed: seed)
    }
    lanes = Self.parallel(empty, jobs: plan.jobs) { lane in
      var lane = lane
      lane.cases = (0..<Self.kept).map { Self.item(lane, $0) }
      if plan.distributionCases > 0 {
        lane.redrawn = Distribution.allCases.map { distribution in
          (0..<plan.distributionCases).compactMap { index in
            guard let item = lane.cases[index % Self.kept] else { return nil }
            var randomness = Randomness(seed: lane.seed, stream: UInt64(index) | 1 << 50)
            let test = distribution.redrawn(item.test, &randomness)
            let outcome = try? Reference.evaluateFast(test, dialect: lane.dialect)
            return outcome.map { Item(test: test, outcome: $0) }
          }
        }
      }
      return lane
    }
  }

  /// Maps a list on several threads, in order.
  private static func parallel<T: Sendable, R: Sendable>(
    _ elements: [T], jobs: Int, _ transform: @Sendable (T) -> R
  ) -> [R] {
    let results = Mutex<[Int: R]>([:])
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, elements.count))) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if index >= elements.count { break }
        let result = transform(elements[index])
        results.withLock { $0[index] = result }
      }
    }
    return results.withLock { found in elements.indices.compactMap { found[$0] } }
  }

  private static func choices(_ lane: Lane, _ index: Int) -> Choices {
    Choices(randomness: Randomness(seed: lane.seed, stream: UInt64(index)))
  }

  /// A case with its outcome; nil where the dialect has no answer to it.
  private static func item(_ lane: Lane, _ index: Int) -> Item? {
    var choices = choices(lane, index)
    let test = lane.operation.generate(from: &choices, dialect: lane.dialect)
    let outcome = try? Reference.evaluateFast(test, dialect: lane.dialect)
    return outcome.map { Item(test: test, outcome: $0) }
  }

  private func lane(of kernel: ModelKernel) -> Lane? {
    lanes.first { $0.operation.name == kernel.operation && $0.dialect.name == kernel.dialect }
  }

  private func run(since start: ContinuousClock.Instant) -> MutantReport {
    var report = MutantReport(seed: plan.seed)
    report.jobs = plan.jobs
    report.distributionCases = plan.distributionCases
    report.wrongKernels = wrongKernels()
    let done = Atomic<Int>(0)
    let found = Self.parallel(plan.mutants, jobs: plan.jobs) { mutant -> MutantResult? in
      if start.duration(to: clock.now) >= plan.budget || plan.isCancelled() { return nil }
      guard let lane = lane(of: mutant.kernel) else { return nil }
      let result = result(mutant, lane)
      plan.progress?(done.wrappingAdd(1, ordering: .relaxed).newValue)
      return result
    }
    report.results = found.compactMap { $0 }
    report.untried = zip(plan.mutants, found).compactMap { $1 == nil ? $0 : nil }
    report.wasCancelled = plan.isCancelled()
    report.elapsed = start.duration(to: clock.now)
    return report
  }

  /// The right kernels behind the mutants that fail one of the first cases.
  private func wrongKernels() -> [String] {
    var kernels: [ModelKernel] = []
    for mutant in plan.mutants {
      var kernel = mutant.kernel
      (kernel.fault, kernel.place) = (nil, .everywhere)
      let isNew = !kernels.contains {
        $0.operation == kernel.operation && $0.dialect == kernel.dialect
          && $0.shape == kernel.shape
      }
      if isNew { kernels.append(kernel) }
    }
    return Self.parallel(kernels, jobs: plan.jobs) { kernel -> String? in
      guard let lane = lane(of: kernel) else { return nil }
      let judge = Judge()
      for (index, item) in lane.cases.enumerated() {
        guard let item else { continue }
        let judgement = judge.judge(
          item.test, dialect: lane.dialect, subject: kernel, outcome: item.outcome)
        if judgement.verdict.isFailure {
          return "\(kernel.operation)/\(kernel.dialect) \(kernel.name), case \(index): "
            + "\(judgement.verdict.rawValue) \(judgement.message) \(CaseFile.json(item.test))"
        }
      }
      return nil
    }.compactMap { $0 }
  }

  // MARK: One mutant

  private func result(_ mutant: Mutant, _ lane: Lane) -> MutantResult {
    let start = clock.now
    let judge = Judge()
    var result = MutantResult(mutant: mutant, cases: 0, seconds: 0)
    func seconds() -> Double { start.duration(to: clock.now) / .seconds(1) }
    for index in 0..<plan.caseLimit {
      result.cases = index + 1
      let item = index < lane.cases.count ? lane.cases[index] : Self.item(lane, index)
      guard let item else { continue }
      let judgement = judge.judge(
        item.test, dialect: lane.dialect, subject: mutant.kernel, outcome: item.outcome)
      if judgement.verdict == .unsupported { result.refused += 1 }
      guard judgement.verdict.isFailure else { continue }
      result.verdict = judgement.verdict
      result.seconds = seconds()
      shrink(&result, lane, index)
      result.shrinkSeconds = seconds() - result.seconds
      break
    }
    if result.verdict == nil { result.seconds = seconds() }
    result.isKilledEarly = result.verdict != nil && result.cases <= plan.distributionCases
    result.distributions = lane.redrawn.map { cases in
      cases.contains {
        judge.judge($0.test, dialect: lane.dialect, subject: mutant.kernel, outcome: $0.outcome)
          .verdict.isFailure
      }
    }
    return result
  }

  private func shrink(_ result: inout MutantResult, _ lane: Lane, _ index: Int) {
    guard let verdict = result.verdict else { return }
    var choices = Self.choices(lane, index)
    _ = lane.operation.generate(from: &choices, dialect: lane.dialect)
    let failure = Failure.shrunk(
      from: choices.drawn, operation: lane.operation, dialect: lane.dialect,
      subject: result.mutant.kernel, verdict: verdict, others: [],
      origin: "seed \(plan.seed), case \(index)", explains: plan.explains)
    result.elementsBefore = failure.elementsBefore
    result.elements = failure.test.inputs.values.reduce(0) { $0 + $1.count }
    result.replay = failure.replayText
    result.wasExplained = plan.explains
    result.likeness = failure.likeness
    result.stage = failure.stage ?? failure.stages.last?.name
  }
}
