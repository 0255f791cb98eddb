public import CaseFormat
public import Operations
public import Verification

/// What a campaign is to do.
public struct CampaignPlan: Sendable {
  /// How long a campaign goes on.
  public enum Budget: Sendable {
    /// This many cases for each operation in each dialect.
    case cases(Int)
    /// About this long in all.
    case time(Duration)
  }

  public var operations: [any Operations.Operation.Type]
  public var dialects: [Dialect]
  public var subjects: [any Subject]
  public var budget: Budget
  public var seed: UInt64
  public var jobs: Int
  /// The part of the cases to run: those whose index leaves `shard.index` modulo `shard.count`.
  public var shard: (index: Int, count: Int)
  /// The campaign ends when it has found this many failures.
  public var maximumFailures: Int
  /// Cases that failed before; they run first.
  public var regressions: [Case]
  /// Whether more cases are drawn where required bins stayed empty.
  public var chasesEmptyBins: Bool
  /// How subjects are put to the test.
  public var rules: Judge.Rules
  /// Told of each failure as soon as it is shrunk and explained, on the campaign's own thread.
  public var found: (@Sendable (Failure) -> Void)?
  /// Called now and then, on the campaign's own thread.
  public var progress: (@Sendable (CampaignProgress) -> Void)?
  /// Asked between rounds; true ends the campaign with what it has.
  public var isCancelled: @Sendable () -> Bool

  /// A plan over operations, dialects and subjects; the rest has defaults.
  public init(
    operations: [any Operations.Operation.Type], dialects: [Dialect], subjects: [any Subject],
    budget: Budget, seed: UInt64, jobs: Int
  ) {
    self.operations = operations
    self.dialects = dialects
    self.subjects = subjects
    self.budget = budget
    self.seed = seed
    self.jobs = jobs
    shard = (0, 1)
    maximumFailures = 10
    regressions = []
    chasesEmptyBins = true
    rules = Judge.Rules()
    isCancelled = { false }
  }
}

/// How far a campaign is.
public struct CampaignProgress: Sendable {
  public var cases: Int
  public var failures: Int
  public var elapsed: Duration
  /// The part of the budget that is spent, from 0 to 1.
  public var fraction: Double
}

/// What a campaign found for one operation, dialect and subject.
public struct LaneResult: Sendable {
  public var operation: String
  public var dialect: String
  public var subject: String
  /// How many cases ended in each verdict.
  public var verdicts: [Verdict: Int] = [:]
  /// How many output elements were compared.
  public var elements = 0
  /// How many of them the dialect leaves unspecified.
  public var unspecified = 0
  /// What the cases that the subject ran exercised.
  public var coverage = Coverage()
  /// What all generated cases exercised, those that the subject refused included.
  public var generated = Coverage()
  /// What a campaign of this operation in this dialect should exercise.
  public var declaredBins: [CoverageBin] = []
  /// Why cases were refused, with how many.
  public var refusals: [String: Int] = [:]
  /// Time in the subject and its comparison, summed over threads.
  public var time: Duration = .zero

  /// The result of a subject that has not run yet.
  public init(operation: String, dialect: String, subject: String) {
    (self.operation, self.dialect, self.subject) = (operation, dialect, subject)
  }

  /// How many bins the operation has in this dialect, and how many were reached.
  public var bins: (reached: Int, total: Int) {
    (declaredBins.count { coverage.contains($0.number) }, declaredBins.count)
  }

  /// Required bins that no case of the campaign reached.
  public var emptyBins: [String] {
    declaredBins.filter {
      $0.isRequired && !coverage.contains($0.number) && !generated.contains($0.number)
    }.map(\.name)
  }

  /// Bins that only cases reached which the subject refused.
  public var refusedBins: [String] {
    declaredBins.filter { !coverage.contains($0.number) && generated.contains($0.number) }
      .map(\.name)
  }

  /// How many cases the subject ran.
  public var ran: Int { verdicts.filter { $0.key != .unsupported }.values.reduce(0, +) }

  /// The worst verdict, or nil where nothing failed.
  public var failure: Verdict? {
    Verdict.allCases.first { $0.isFailure && (verdicts[$0] ?? 0) > 0 }
  }

  /// Why the evidence is too thin, if it is.
  public var mistrust: String? {
    if failure != nil { return nil }
    if ran == 0 { return "no case ran" }
    if !emptyBins.isEmpty { return "never exercised: " + emptyBins.joined(separator: ", ") }
    return nil
  }
}

/// Where the time of a campaign went, summed over threads.
public struct CampaignTimes: Sendable {
  public var generate: Duration = .zero
  public var oracle: Duration = .zero
  public var subject: Duration = .zero
  public var shrink: Duration = .zero

  /// No time yet.
  public init() {}

  /// Adds the times of another part of the campaign.
  public mutating func add(_ other: CampaignTimes) {
    generate += other.generate
    oracle += other.oracle
    subject += other.subject
    shrink += other.shrink
  }
}

/// What a campaign found.
public struct CampaignReport: Sendable {
  public var seed: UInt64
  public var lanes: [LaneResult] = []
  public var failures: [Failure] = []
  /// Operations and dialects that nobody claims, with the reason.
  public var skipped: [(name: String, reason: String)] = []
  /// What subjects claim that a dialect contradicts.
  public var contradictions: [String] = []
  /// Generated cases, and those that have no answer in their dialect.
  public var cases = 0
  public var rejected = 0
  /// Further cases that were drawn to reach empty bins.
  ///
  /// They count only with the bins that they were
  /// drawn for and with what failed.
  public var chased = 0
  /// Cases on which the two oracles were compared, and where they differed.
  public var crossChecked = 0
  public var oracleFaults: [String] = []
  public var times = CampaignTimes()
  public var elapsed: Duration = .zero
  public var wasCancelled = false

  /// The report of a campaign that has not run yet.
  public init(seed: UInt64) { self.seed = seed }
}
