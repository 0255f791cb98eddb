import CaseFormat
import Foundation
import Fuzzing
import Operations
import Reporting
import Synchronization
import Testing
import Verification

/// A kernel that computes as the reference does, in a dialect that may have been changed.
private struct Planted: InProcessSubject {
  var name: String
  var changes: [(key: String, value: String)] = []

  func refusal(of operation: String, dialect: Dialect) -> String? { nil }

  func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    let mine = changes.isEmpty ? dialect : dialect.changed(name: dialect.name, "quantize", changes)
    guard let mine, let outcome = try? Reference.evaluateFast(test, dialect: mine) else {
      return .refused("no answer")
    }
    let outputs = outcome.outputs.map { name, expectation in
      (name, ElementBytes.bytes(of: expectation.tensor.codes, as: expectation.tensor.dtype))
    }
    return .ready { buffers in
      for (name, bytes) in outputs { buffers.outputs[name]?.copyBytes(from: bytes) }
    }
  }
}

/// The shards of a campaign, joined, are the campaign.
@Suite struct MergeTests {
  private func plan(
    _ subjects: [any Subject], cases: Int, shard: (Int, Int) = (0, 1)
  ) throws -> CampaignPlan {
    var plan = CampaignPlan(
      operations: try Registry.operations(named: ["quantize", "requantize"]),
      dialects: try ["onnx", "cmsis-nn"].map { try Dialect.named($0) },
      subjects: subjects, budget: .cases(cases), seed: 5, jobs: 2)
    plan.shard = shard
    return plan
  }

  private func run(_ plan: CampaignPlan) throws -> Report {
    var campaign = Campaign(plan)
    let report = Report(
      campaign.run(), of: plan, version: "0.1.0",
      command: ["qverify", "fuzz", "--shard", "\(plan.shard.index)/\(plan.shard.count)"])
    // As a file and back.
    return try Report(bytes: Array(report.json.description.utf8))
  }

  private func shards(_ subjects: [any Subject], cases: Int) throws -> [(String, Report)] {
    try (0..<3).map { ("\($0).json", try run(plan(subjects, cases: cases, shard: ($0, 3)))) }
  }

  /// A report without what depends on time, on the machine, and on how the work was split.
  private func timeless(_ report: Report) -> Report {
    var report = report
    report.started = Samples.date
    report.isMerged = false
    (report.setting.jobs, report.setting.command) = (1, [])
    (report.setting.shardCount, report.setting.shards) = (1, [0])
    (report.campaign.elapsed, report.campaign.times) = (.zero, CampaignTimes())
    report.campaign.chased = 0
    for lane in report.campaign.lanes.indices { report.campaign.lanes[lane].time = .zero }
    return report
  }

  /// With enough cases, and with so few that bins have to be chased.
  @Test(arguments: [90, 12]) func passing(cases: Int) throws {
    let subjects = [Planted(name: "right"), Planted(name: "also right")]
    let whole = try run(plan(subjects, cases: cases))
    let parts = try shards(subjects, cases: cases)
    let merged = try Report.merging(parts.map { (name: $0.0, report: $0.1) })
    #expect(timeless(merged).json == timeless(whole).json)
    #expect(merged.conclusion == .agreed && merged.campaign.cases == whole.campaign.cases)
    #expect(merged.setting.shards == [0, 1, 2] && merged.isMerged)
    if cases == 12 { #expect(parts.allSatisfy { $0.1.campaign.chased > 0 }) }
    // In whatever order, and in steps.
    let two = try Report.merging(parts.suffix(2).map { (name: $0.0, report: $0.1) })
    #expect(two.conclusion == .mistrusted && two.mistrust == ["missing shard: 0/3"])
    let stepwise = try Report.merging([("b", two), ("a", parts[0].1)])
    #expect(timeless(stepwise).json == timeless(whole).json)
  }

  /// What fails in one run fails in the shards, with the same smallest case first.
  @Test func failing() throws {
    let subjects = [
      Planted(name: "right"), Planted(name: "away", changes: [("rounding", "nearest_away")]),
    ]
    let whole = try run(plan(subjects, cases: 96))
    let parts = try shards(subjects, cases: 96)
    let merged = try Report.merging(parts.map { (name: $0.0, report: $0.1) })
    #expect(merged.conclusion == .failed && merged.campaign.cases == whole.campaign.cases)
    let found = try #require(whole.campaign.failures.first)
    let same = try #require(merged.campaign.failures.first { $0.dialect == found.dialect })
    #expect(same.test == found.test && same.caseIndex == found.caseIndex)
    #expect(same.replayText == found.replayText)
    // One failure for each cause.
    let names = merged.campaign.failures.map {
      "\($0.dialect) \($0.subject) \(CaseFile.json($0.test))"
    }
    #expect(Set(names).count == names.count)
    // What does not fail is counted as in one run.
    func right(_ report: Report) -> [JSONValue] {
      let lanes = timeless(report).json["lanes"]
      guard case .array(let values)? = lanes else { return [] }
      return values.filter { $0["subject"] == .string("right") }
    }
    #expect(right(merged) == right(whole) && right(whole).count == 3)
  }

  /// What are not the shards of one campaign is refused, with the reason.
  @Test func refusals() throws {
    var first = Samples.passing
    (first.setting.shardCount, first.setting.shards) = (3, [0])
    func message(_ change: (inout Report) -> Void) -> String {
      var second = first
      second.setting.shards = [1]
      change(&second)
      do throws(ReportError) {
        return try Report.merging([("a", first), ("b", second)]).mistrust.joined()
      } catch {
        return error.message
      }
    }
    #expect(message { _ in } == "missing shard: 2/3")
    let other = "'b' is of another campaign than 'a': its "
    #expect(message { $0.setting.seed = 8 } == other + "seed is 8, not 7")
    #expect(
      message { $0.setting.operations = ["conv2d"] }
        == other + "operations is conv2d, not requantize,conv2d,dequantize")
    #expect(message { $0.setting.dialects = [] }.hasPrefix(other + "dialects is "))
    #expect(
      message { $0.setting.budget = .cases(299) }
        == other + "budget is --cases 299, not --cases 300")
    #expect(
      message { $0.setting.budget = .seconds(60) }
        == other + "budget is --time 60s, not --cases 300")
    #expect(
      message { $0.setting.version = "0.2.0" }
        == other + "version of qverify is 0.2.0, not 0.1.0")
    #expect(message { $0.setting.shardCount = 4 } == other + "number of shards is 4, not 3")
    #expect(message { $0.setting.shards = [0] } == "shard 0/3 is in 'a' and in 'b'")
    #expect(
      message { $0.campaign.lanes.removeLast() }
        == "missing shard: 2/3conv2d/onnx, builtin:scalar: not run by shard 1/3")
    #expect(throws: ReportError.self) { try Report.merging([]) }
  }

  /// Coverage is united, and what was mistrusted alone is trusted together.
  @Test func coverage() throws {
    var (first, second) = (Samples.passing, Samples.passing)
    (first.setting.shardCount, second.setting.shardCount) = (2, 2)
    second.setting.shards = [1]
    for (index, features) in [(0, 0b0001 as UInt64), (1, 0b0110)] {
      var lane = Samples.lane(
        "conv2d", "onnx", "builtin:scalar", [.passed: 10], features: features, generated: features,
        tails: index == 0 ? 0xF : 0xF0)
      lane.refusals = ["no": index + 1]
      if index == 0 { first.campaign.lanes = [lane] } else { second.campaign.lanes = [lane] }
    }
    first.campaign.skipped = [("matmul/onnx", "nobody"), ("conv2d/onnx", "not here")]
    #expect(first.conclusion == .mistrusted && second.conclusion == .mistrusted)
    let merged = try Report.merging([("a", first), ("b", second)])
    #expect(merged.conclusion == .agreed)
    let lane = try #require(merged.campaign.lanes.first)
    #expect(lane.bins.reached == 3 && lane.emptyBins == [] && lane.coverage.tails == 0xFF)
    #expect(lane.verdicts == [.passed: 20] && lane.elements == 2468 && lane.refusals == ["no": 3])
    // What one shard skipped and another ran was not skipped.
    #expect(merged.campaign.skipped.map(\.name) == ["matmul/onnx"])
    second.campaign.wasCancelled = true
    #expect(try Report.merging([("a", first), ("b", second)]).conclusion == .interrupted)
  }
}
