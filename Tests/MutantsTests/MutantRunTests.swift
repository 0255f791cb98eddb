import Mutants
import Synchronization
import Testing
import Verification

/// Runs over mutants.
@Suite struct MutantRunTests {
  private func run(_ mutants: [Mutant], budget: Duration = .seconds(600)) -> MutantReport {
    var plan = MutantPlan(mutants: mutants, seed: 7, jobs: 2, budget: budget)
    plan.distributionCases = 0
    return MutantRun.run(plan)
  }

  /// The first mutants of a mutator: enough to show that its faults are seen.
  ///
  /// `qverify mutants` runs all of them, in an optimized build.
  @Test(arguments: Mutator.allCases) func isKilled(mutator: Mutator) throws {
    #if DEBUG
      let count = 1
    #else
      let count = 4
    #endif
    let sample = GenericMutants.all.filter { $0.mutator == mutator && $0.kernel.shape != .vnni }
    let report = run(Array(sample.prefix(count)))
    #expect(report.wrongKernels == [] && report.untried.isEmpty)
    for result in report.results {
      #expect(result.verdict != nil, "\(result.mutant.id) survived")
      #expect(result.elements > 0 && result.elements <= max(result.elementsBefore, 1))
      #expect(!result.replay.isEmpty)
    }
  }

  /// The verdict says what kind of bug it was.
  @Test func verdicts() throws {
    let table: [(String, Verdict)] = [
      ("quantize/onnx/neon/tail-skipped", .unwritten), ("quantize/onnx/neon/tail-overruns", .overran),
      ("quantize/onnx/scalar/floor", .mismatch),
      ("quantize/onnx/avx2/misaligned-head", .alignment),
    ]
    for (id, verdict) in table {
      let mutant = try #require(Catalogue.all.first { $0.id == id }, "\(id)")
      #expect(run([mutant]).results.first?.verdict == verdict, "\(id)")
    }
  }

  /// A right kernel among the mutants survives, and what is not tried is counted.
  @Test func gate() throws {
    let mutant = try #require(Catalogue.all.first { $0.id == "quantize/onnx/scalar/floor" })
    let good = run([mutant])
    #expect(good.holds && good.killed.count == 1 && good.survivors.isEmpty)

    let late = run([mutant], budget: .zero)
    #expect(!late.holds && late.untried.map(\.id) == [mutant.id] && late.results.isEmpty)

    var survivor = mutant
    survivor.kernel.fault = nil
    var plan = MutantPlan(mutants: [survivor], seed: 7, jobs: 1, budget: .seconds(600))
    plan.caseLimit = 20
    plan.distributionCases = 4
    let bad = MutantRun.run(plan)
    #expect(!bad.holds && bad.survivors.count == 1 && bad.survivors.first?.cases == 20)
    #expect(bad.survivors.first?.distributions == Distribution.allCases.map { _ in false })
  }

  /// The same seed kills by the same case, whatever the number of threads.
  @Test func isDeterministic() throws {
    let mutants = Array(GenericMutants.all.filter { $0.kernel.operation == "requantize" }.prefix(6))
    let results = [1, 3].map { jobs in
      var plan = MutantPlan(mutants: mutants, seed: 11, jobs: jobs, budget: .seconds(600))
      plan.distributionCases = 0
      return MutantRun.run(plan).results.map { "\($0.mutant.id) \($0.cases) \($0.replay)" }
    }
    #expect(results[0] == results[1] && results[0].count == 6)
  }

  /// A cancelled run says so.
  @Test func cancellation() throws {
    var plan = MutantPlan(
      mutants: Array(GenericMutants.all.prefix(3)), seed: 1, jobs: 1, budget: .seconds(600))
    plan.distributionCases = 0
    plan.isCancelled = { true }
    let report = MutantRun.run(plan)
    #expect(report.wasCancelled && report.untried.count == 3)
  }
}
