public import CaseFormat
import Foundation
import Fuzzing
import Operations
import Verification

/// Why a file is no report, and where in it.
public typealias ReportError = ReadingError

extension Report {
  /// Reads a report that `--json` wrote.
  ///
  /// - Parameter bytes: the text of the file.
  /// - Throws: `ReportError`, which names what is wrong and where.
  public init(bytes: [UInt8]) throws(ReportError) {
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONParser.parse(bytes)
    } catch {
      let reason = error.isTruncated ? "the text is cut short: " : ""
      throw ReportError(message: "\(reason)line \(error.line): \(error)")
    }
    try self.init(json: value)
  }

  /// Reads the JSON form of a report.
  ///
  /// - Throws: `ReportError` where it is none, or is of another version of the form.
  public init(json: JSONValue) throws(ReportError) {
    guard json["format"] == .string(ReportFormat.name) else {
      throw ReportError(message: "is not a report of qverify")
    }
    guard json["format_version"] == .integer(ReportFormat.version) else {
      throw ReportError(
        message: "has version \(json["format_version"] ?? .null) of the report's form, this "
          + "qverify reads \(ReportFormat.version)")
    }
    var reader = try ObjectReader(json, "report")
    let seed = try reader.integer("seed", as: UInt64.self)
    var campaign = CampaignReport(seed: seed)
    let setting = try reader.object("setting") { (part) throws(ReportError) in
      try Setting(&part, seed: seed)
    }
    campaign.wasCancelled = try reader.bool("interrupted")
    campaign.elapsed = try reader.seconds("seconds")
    campaign.times = try reader.object("times", CampaignTimes.read)
    campaign.cases = try reader.integer("cases")
    campaign.rejected = try reader.integer("rejected")
    campaign.chased = try reader.integer("chased")
    campaign.crossChecked = try reader.integer("cross_checked")
    campaign.contradictions = try reader.strings("contradictions")
    campaign.oracleFaults = try reader.strings("oracle_faults")
    campaign.lanes = try reader.objects("lanes", LaneResult.read)
    campaign.failures = try reader.objects("failures", Failure.read)
    campaign.skipped = try reader.objects("skipped") { (part) throws(ReportError) in
      (name: try part.string("name"), reason: try part.string("reason"))
    }
    let text = try reader.string("started")
    guard let started = Timestamp.date(text) else {
      throw ReportError(message: "report.started is not a time: '\(text)'")
    }
    self.init(setting: setting, campaign: campaign, started: started)
    isMerged = try reader.bool("merged")
    gaps = try reader.strings("gaps")
    try reader.skip("format", "format_version", "verdict", "exit_code", "sentence", "mistrust")
    try reader.finish()
  }
}

extension Report.Setting {
  fileprivate init(_ reader: inout ObjectReader, seed: UInt64) throws(ReportError) {
    version = try reader.string("version")
    command = try reader.strings("command")
    operations = try reader.strings("operations")
    dialects = try reader.objects("dialects") { (part) throws(ReportError) in
      let name = try part.string("name")
      return DialectReference(name: name, path: part.has("path") ? try part.string("path") : nil)
    }
    subjects = try reader.strings("subjects")
    budget = try reader.object("budget") { (part) throws(ReportError) in
      if part.has("cases") { return .cases(try part.integer("cases")) }
      return .seconds(try ObjectReader.real(try part.value("seconds"), "budget.seconds"))
    }
    self.seed = seed
    maximumFailures = try reader.integer("maximum_failures")
    jobs = try reader.integer("jobs")
    shardCount = try reader.integer("shard_count")
    shards = []
    for shard in try reader.array("shards") {
      shards.append(try ObjectReader.integer(shard, "shards"))
    }
    let isSound =
      shardCount >= 1 && shards.allSatisfy { (0..<max(shardCount, 1)).contains($0) }
      && Set(shards).count == shards.count && !shards.isEmpty
    guard isSound else { throw ReportError(message: "shards \(shards) of \(shardCount)") }
  }
}

extension CampaignTimes {
  fileprivate static func read(_ reader: inout ObjectReader) throws(ReportError) -> CampaignTimes {
    var times = CampaignTimes()
    times.generate = try reader.seconds("generate")
    times.oracle = try reader.seconds("oracle")
    times.subject = try reader.seconds("subject")
    times.shrink = try reader.seconds("shrink")
    return times
  }
}

extension LaneResult {
  fileprivate static func read(_ reader: inout ObjectReader) throws(ReportError) -> LaneResult {
    var lane = LaneResult(
      operation: try reader.string("operation"), dialect: try reader.string("dialect"),
      subject: try reader.string("subject"))
    lane.verdicts = try reader.object("verdicts") { (part) throws(ReportError) in
      var counts: [Verdict: Int] = [:]
      for (name, count) in part.rest() {
        guard let verdict = Verdict(rawValue: name) else {
          throw ReportError(message: "unknown verdict '\(name)'")
        }
        counts[verdict] = try ObjectReader.integer(count, "verdicts.\(name)")
      }
      return counts
    }
    lane.elements = try reader.integer("elements")
    lane.unspecified = try reader.integer("unspecified")
    lane.time = try reader.seconds("seconds")
    try reader.object("coverage") { (part) throws(ReportError) in
      lane.coverage = Coverage(
        features: try part.mask("features"), tails: try part.mask("tails"))
      lane.generated = Coverage(
        features: try part.mask("generated_features"), tails: try part.mask("generated_tails"))
      lane.declaredBins = try part.objects("bins") { (bin) throws(ReportError) in
        let number: Int = try bin.integer("number")
        guard (0..<64).contains(number) else {
          throw ReportError(message: "a bin has a number from 0 to 63, not \(number)")
        }
        try bin.skip("state")
        return CoverageBin(
          number, try bin.string("name"), required: try bin.bool("required"))
      }
      try part.skip("reached", "total")
    }
    lane.refusals = try reader.object("refusals") { (part) throws(ReportError) in
      var counts: [String: Int] = [:]
      for (reason, count) in part.rest() {
        counts[reason] = try ObjectReader.integer(count, "refusals")
      }
      return counts
    }
    try reader.skip("verdict", "mistrust", "cases")
    return lane
  }
}
