public import Verification

/// What a run over mutants is to do.
public struct MutantPlan: Sendable {
  public var mutants: [Mutant]
  public var seed: UInt64
  public var jobs: Int
  /// When the run stops trying mutants.
  public var budget: Duration
  /// How many cases a mutant gets before it counts as a survivor.
  public var caseLimit = 6000
  /// Whether failures are explained, which takes much longer than to find them.
  public var explains = false
  /// How many cases each input distribution of other suites gets; 0: they are not run.
  public var distributionCases = 64
  /// Called now and then, on any thread, with how many mutants are done.
  public var progress: (@Sendable (Int) -> Void)?
  /// Asked between mutants; true ends the run with what it has.
  public var isCancelled: @Sendable () -> Bool = { false }

  /// A plan over mutants; the rest has defaults.
  public init(mutants: [Mutant], seed: UInt64, jobs: Int, budget: Duration) {
    self.mutants = mutants
    self.seed = seed
    self.jobs = jobs
    self.budget = budget
  }
}

/// What came of one mutant.
public struct MutantResult: Sendable {
  public var mutant: Mutant
  /// The verdict that killed it; nil where it survived.
  public var verdict: Verdict?
  /// How many cases were generated up to the kill, or in all.
  public var cases: Int
  /// Seconds to the kill, and for shrinking.
  public var seconds: Double
  public var shrinkSeconds = 0.0
  /// Input elements of the case that killed it, and after shrinking.
  public var elementsBefore = 0
  public var elements = 0
  /// What `qverify replay` takes to make the shrunk case.
  public var replay = ""
  /// What the failure is said to look like, and the stage that decides, where that was asked for.
  public var likeness: String?
  public var stage: String?
  public var wasExplained = false
  /// How many of the cases it refused.
  public var refused = 0
  /// Which input distributions kill it, by their places in `Distribution.allCases`.
  public var distributions: [Bool] = []
  /// Whether our own generator kills it within as many cases as those get.
  public var isKilledEarly = false
}

/// What came of all mutants.
public struct MutantReport: Sendable {
  public var seed: UInt64
  public var results: [MutantResult] = []
  /// Mutants that were not tried before the budget ended.
  public var untried: [Mutant] = []
  /// Right kernels that failed: nothing that their mutants say can be trusted.
  public var wrongKernels: [String] = []
  public var distributionCases = 0
  public var elapsed: Duration = .zero
  public var jobs = 1
  public var wasCancelled = false

  /// Whether every mutant was tried and killed, and every right kernel passed.
  public var holds: Bool { survivors.isEmpty && untried.isEmpty && wrongKernels.isEmpty }
  /// The mutants that nothing killed.
  public var survivors: [MutantResult] { results.filter { $0.verdict == nil } }
  /// The mutants that were killed.
  public var killed: [MutantResult] { results.filter { $0.verdict != nil } }
}
