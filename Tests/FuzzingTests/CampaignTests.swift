import CaseFormat
import Foundation
import Fuzzing
import Generation
import NumberFormats
import Operations
import Synchronization
import Testing
import Verification

/// Campaigns as a whole: reproducibility, evidence, shards, regressions.
@Suite struct CampaignTests {
  private func plan(
    _ operations: [String], _ dialects: [String], _ subjects: [any Subject], cases: Int,
    seed: UInt64 = 1, jobs: Int = 2
  ) throws -> CampaignPlan {
    CampaignPlan(
      operations: try Registry.operations(named: operations),
      dialects: try dialects.map { try Dialect.named($0) }, subjects: subjects,
      budget: .cases(cases), seed: seed, jobs: jobs)
  }

  private func run(_ plan: CampaignPlan) -> CampaignReport {
    var campaign = Campaign(plan)
    return campaign.run()
  }

  /// All of a report but its times.
  private func summary(_ report: CampaignReport) -> [String] {
    let lanes = report.lanes.map { lane in
      let verdicts = lane.verdicts.map { "\($0.key) \($0.value)" }.sorted()
      return """
        \(lane.operation)/\(lane.dialect) \(lane.subject) \(verdicts) \(lane.elements) \
        \(lane.unspecified) \(lane.coverage) \(lane.emptyBins) \(lane.refusedBins) \(lane.bins) \
        \(lane.refusals.sorted { $0.key < $1.key })
        """
    }
    let failures = report.failures.map { failure in
      // A canary distance and a count of elements are part of the text.
      failure.text(replayFile: nil) + CaseFile.json(failure.test).description
    }
    return lanes + failures + [
      "\(report.cases) \(report.rejected) \(report.crossChecked) \(report.oracleFaults)",
      "\(report.skipped)",
    ]
  }

  private static let wrong: [any Subject] = {
    var away = PlantedSubject.changed("quantize", [("rounding", "nearest_away")])
    away.name = "away"
    var tail = PlantedSubject.writing { buffers, output, bytes in
      buffers.outputs[output]?.copyBytes(from: bytes.prefix(bytes.count / 16 * 16))
    }
    tail.name = "tail"
    var right = PlantedSubject()
    right.name = "right"
    return [away, tail, right]
  }()

  /// The one that leaves its tail unwritten, and the right one.
  private static let tail = Array(wrong.dropFirst())

  /// Same seed, same report, on one thread and on two.
  @Test func jobs() throws {
    let operations = ["quantize", "matmul"]
    let one = summary(run(try plan(operations, ["onnx"], Self.wrong, cases: 60, jobs: 1)))
    let two = summary(run(try plan(operations, ["onnx"], Self.wrong, cases: 60, jobs: 2)))
    #expect(one.count == two.count)
    for (a, b) in zip(one, two) { #expect(a == b) }
    let right = Array(Self.wrong.suffix(1))
    let first = summary(run(try plan(["quantize"], ["onnx"], right, cases: 60)))
    let other = summary(run(try plan(["quantize"], ["onnx"], right, cases: 60, seed: 2)))
    #expect(first != other)
  }

  /// What a campaign does in one lane does not depend on the others.
  @Test func lanesAreIndependent() throws {
    let alone = run(try plan(["quantize"], ["onnx"], Self.tail, cases: 60))
    let together = run(
      try plan(["requantize", "quantize"], ["ideal", "onnx"], Self.tail, cases: 60))
    let lane = together.lanes.first {
      $0.dialect == "onnx" && $0.operation == "quantize" && $0.subject == "tail"
    }
    #expect(lane?.verdicts == alone.lanes.first { $0.subject == "tail" }?.verdicts)
  }

  /// A right subject passes, with every required bin reached.
  @Test(arguments: ["quantize", "dequantize", "requantize", "fake_quantize", "dynamic_quantize"])
  func rightSubject(operation: String) throws {
    let dialect = operation == "fake_quantize" ? "pytorch" : "onnx"
    let report = run(try plan([operation], [dialect], [PlantedSubject()], cases: 200))
    #expect(report.failures.isEmpty && report.oracleFaults == [])
    let lane = try #require(report.lanes.first)
    #expect(lane.mistrust == nil && lane.failure == nil)
    #expect(lane.ran >= 150 && lane.elements > 500)
    #expect(lane.bins.reached <= lane.bins.total)
    #expect(report.crossChecked >= 1)
  }

  /// A campaign counts what the dialect leaves open.
  @Test func unspecifiedElements() throws {
    let report = run(try plan(["quantize"], ["tflite"], [PlantedSubject()], cases: 100))
    let lane = try #require(report.lanes.first)
    #expect(lane.unspecified > 0 && lane.unspecified < lane.elements)
  }

  /// Nothing ran, or a required bin stayed empty: no failure, and no trust either.
  @Test func mistrusted() throws {
    let refusing = PlantedSubject(answer: { _, _ in nil })
    let refused = run(try plan(["quantize"], ["onnx"], [refusing], cases: 40))
    #expect(refused.failures.isEmpty && refused.lanes.first?.mistrust == "no case ran")
    #expect(refused.lanes.first?.refusals["planted refusal"] ?? 0 >= 40)

    // No chase after the bins that two cases leave empty.
    var short = try plan(["conv2d"], ["onnx"], [PlantedSubject()], cases: 2)
    short.chasesEmptyBins = false
    let thin = run(short)
    #expect(!thin.wasCancelled && thin.failures.isEmpty)
    #expect(thin.lanes.first?.mistrust?.hasPrefix("never exercised: ") ?? false)

    short.isCancelled = { true }
    let cancelled = run(short)
    #expect(cancelled.wasCancelled && cancelled.failures.isEmpty)
    #expect(cancelled.lanes.first?.mistrust == "no case ran")

    // With the chase the same few cases are trusted.
    let chased = run(try plan(["quantize"], ["onnx"], [PlantedSubject()], cases: 2))
    #expect(chased.lanes.first?.mistrust == nil)
  }

  /// A bin that only refused cases reach is named.
  @Test func refusedBins() throws {
    let scalarOnly = PlantedSubject(answer: { test, dialect in
      test.inputs["scale"]?.count == 1 ? try? Reference.evaluateFast(test, dialect: dialect) : nil
    })
    let report = run(try plan(["quantize"], ["onnx"], [scalarOnly], cases: 200))
    let lane = try #require(report.lanes.first)
    #expect(
      lane.refusedBins.contains("per channel") || lane.refusedBins.contains("blocked"),
      "\(lane.refusedBins)")
    #expect(lane.verdicts[.unsupported] ?? 0 > 0)
  }

  /// What nobody claims, or the dialect does not define, is skipped with the reason.
  @Test func skipped() throws {
    let report = run(
      try plan(
        ["quantize", "matmul"], ["cmsis-nn"], [PlantedSubject(operations: ["quantize"])], cases: 5))
    #expect(report.lanes.isEmpty && report.cases == 0)
    let reasons = Dictionary(uniqueKeysWithValues: report.skipped.map { ($0.name, $0.reason) })
    #expect(reasons["quantize/cmsis-nn"] == "CMSIS-NN has no float kernels")
    #expect(reasons["matmul/cmsis-nn"] == "not planted")
  }

  /// Shards share nothing and miss nothing.
  @Test func shards() throws {
    let counts = Mutex<[String: Int]>([:])
    let recording = PlantedSubject(answer: { test, dialect in
      counts.withLock { $0[CaseFile.json(test).description, default: 0] += 1 }
      return try? Reference.evaluateFast(test, dialect: dialect)
    })
    func cases(_ shard: (Int, Int)) throws -> [String: Int] {
      counts.withLock { $0 = [:] }
      var plan = try plan(["requantize"], ["onnx"], [recording], cases: 90)
      plan.shard = shard
      // No chase: it is not sharded by case.
      plan.chasesEmptyBins = false
      _ = run(plan)
      return counts.withLock { $0 }
    }
    let whole = try cases((0, 1))
    let parts = try (0..<3).map { try cases(($0, 3)) }
    let sum = parts.reduce(into: [String: Int]()) { $0.merge($1, uniquingKeysWith: +) }
    #expect(sum == whole && parts.allSatisfy { $0.count >= 15 })
  }

  /// The campaign ends with the failures that it may find, and a failing subject rests.
  @Test func maximumFailures() throws {
    var plan = try plan(["quantize", "dequantize"], ["onnx", "ideal"], Self.tail, cases: 96)
    plan.maximumFailures = 2
    #expect(run(plan).failures.count == 2)
    plan.maximumFailures = 100
    let report = run(plan)
    #expect(report.failures.count == 4 && report.failures.allSatisfy { $0.subject == "tail" })
    #expect(Set(report.failures.map { "\($0.operation) \($0.dialect)" }).count == 4)
    #expect(report.lanes.filter { $0.subject == "tail" }.allSatisfy { $0.ran <= 96 })
  }

  /// Saved failures are read again and run first.
  @Test func corpus() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("qverify-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let corpus = Corpus(directory: folder)
    #expect(!corpus.exists && corpus.cases().cases.isEmpty && corpus.cases().problems.isEmpty)

    var first = try plan(["quantize"], ["onnx"], Self.tail, cases: 200)
    first.maximumFailures = 1
    let failure = try #require(run(first).failures.first)
    let path = try corpus.save(failure)
    #expect(corpus.exists && path == "\(folder)/\(failure.test.id).json")
    #expect(failure.test.id.hasPrefix("quantize-"))
    let (cases, problems) = corpus.cases()
    #expect(problems.isEmpty && cases == [failure.test])
    // The same failure has the same name.
    #expect(try corpus.save(failure) == path)

    try "{}\n".write(toFile: folder + "/bad.jsonl", atomically: true, encoding: .utf8)
    try "ignored".write(toFile: folder + "/notes.txt", atomically: true, encoding: .utf8)
    #expect(corpus.cases().problems == ["\(folder)/bad.jsonl:1: malformed: missing key 'id'"])

    var second = try plan(["quantize"], ["onnx"], Self.tail, cases: 0)
    second.regressions = cases
    second.isCancelled = { true }
    let report = run(second)
    #expect(report.cases == 0 && report.failures.count == 1)
    let found = try #require(report.failures.first)
    #expect(found.origin == "case '\(failure.test.id)'" && found.verdict == .unwritten)
    #expect(found.choices == nil && found.replayText == "\(failure.test.id).json")
    // A subject that was mended passes.
    second.subjects = [PlantedSubject()]
    let mended = run(second)
    #expect(mended.failures.isEmpty && mended.lanes.first?.verdicts == [.passed: 1])
  }

  /// The text of a failure: what was asked, what is right and why, what came, how to see it again.
  @Test func failureText() throws {
    var plan = try plan(["quantize"], ["onnx"], Self.wrong, cases: 200)
    plan.maximumFailures = 2
    let report = run(plan)
    let failure = try #require(report.failures.first { $0.subject == "away" })
    let text = failure.text(replayFile: "golden/regressions/a.json")
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("quantize/onnx: away disagrees with exact"))
    #expect(lines[1].hasPrefix("  input       scale = ") || lines[1].hasPrefix("  input       "))
    #expect(text.contains("  shrunk      in ") && text.contains("; seed 1, case "))
    #expect(
      text.contains("  exact       y[") && text.contains("nearest, ties to even [rounding §1]"))
    #expect(text.contains("  away        ") && text.contains("right gives "))
    #expect(lines.last == "  replay      qverify replay golden/regressions/a.json --subject away")
  }

  /// Progress is reported, and grows.
  @Test func progress() throws {
    let fractions = Mutex<[Double]>([])
    var plan = try plan(["bipolar_quantize"], ["qonnx"], [PlantedSubject()], cases: 300)
    plan.progress = { progress in fractions.withLock { $0.append(progress.fraction) } }
    _ = run(plan)
    let seen = fractions.withLock { $0 }
    #expect(seen.count >= 3 && seen == seen.sorted() && seen.last == 1)
  }

  /// A budget of time ends.
  @Test func time() throws {
    var plan = try plan(["bipolar_quantize"], ["qonnx"], [PlantedSubject()], cases: 0)
    plan.budget = .time(.milliseconds(50))
    let report = run(plan)
    #expect(report.cases > 0 && report.elapsed < .seconds(20))
  }
}
