public import CaseFormat
import Foundation
import Fuzzing
import Operations
import Verification

extension Report {
  /// Joins the reports of shards into the one that a single run would have given.
  ///
  /// Counts are added, coverage is united, mistrust follows from what is united. Failures of the same
  /// cause are one, the one of least case index. A shard that is missing, and a subject that not every
  /// shard ran, are reasons for mistrust.
  ///
  /// - Parameter parts: reports with the names of their files.
  /// - Returns: the report of the whole.
  /// - Throws: `ReportError` where they are not shards of one campaign.
  public static func merging(
    _ parts: [(name: String, report: Report)]
  ) throws(ReportError) -> Report {
    guard let first = parts.first else { throw ReportError(message: "there is nothing to merge") }
    for part in parts.dropFirst() {
      try checkSameCampaign(first.report, first.name, part.report, part.name)
    }
    try checkDistinctShards(parts)
    var merged = first.report
    for part in parts.dropFirst() { merged.add(part.report) }
    merged.isMerged = true
    merged.setting.shards.sort()
    let order = merged.order
    merged.campaign.lanes.sort {
      order($0.operation, $0.dialect, $0.subject) < order($1.operation, $1.dialect, $1.subject)
    }
    merged.campaign.failures = unique(parts.flatMap(\.report.campaign.failures)).sorted {
      order($0.operation, $0.dialect, $0.subject) < order($1.operation, $1.dialect, $1.subject)
    }
    let names = Set(merged.campaign.lanes.map(\.name))
    merged.campaign.skipped.removeAll { names.contains($0.name) }
    merged.gaps += partialLanes(merged, parts)
    return merged
  }

  // MARK: What must agree

  private static func checkSameCampaign(
    _ one: Report, _ oneName: String, _ other: Report, _ otherName: String
  ) throws(ReportError) {
    func text(_ budget: Setting.Budget) -> String {
      switch budget {
      case .cases(let count): "--cases \(count)"
      case .seconds(let seconds): "--time \(Markup.short(seconds))s"
      }
    }
    func dialects(_ setting: Setting) -> String {
      setting.dialects.map { $0.path ?? $0.name }.joined(separator: ",")
    }
    let (a, b) = (one.setting, other.setting)
    let facts = [
      ("version of qverify", a.version, b.version), ("seed", "\(a.seed)", "\(b.seed)"),
      ("operations", a.operations.joined(separator: ","), b.operations.joined(separator: ",")),
      ("dialects", dialects(a), dialects(b)), ("budget", text(a.budget), text(b.budget)),
      ("number of shards", "\(a.shardCount)", "\(b.shardCount)"),
      ("number of failures to stop at", "\(a.maximumFailures)", "\(b.maximumFailures)"),
    ]
    for (fact, mine, theirs) in facts where mine != theirs {
      throw ReportError(
        message: "'\(otherName)' is of another campaign than '\(oneName)': its \(fact) is "
          + "\(theirs), not \(mine)")
    }
    for lane in one.campaign.lanes {
      let twin = other.campaign.lanes.first {
        $0.name == lane.name && $0.subject == lane.subject
      }
      if let twin, twin.declaredBins != lane.declaredBins {
        throw ReportError(
          message: "'\(otherName)' and '\(oneName)' declare other coverage for \(lane.name)")
      }
    }
  }

  private static func checkDistinctShards(
    _ parts: [(name: String, report: Report)]
  ) throws(ReportError) {
    var owners: [Int: String] = [:]
    for part in parts {
      for shard in part.report.setting.shards {
        if let owner = owners[shard] {
          throw ReportError(
            message: "shard \(shard)/\(part.report.setting.shardCount) is in '\(owner)' and in "
              + "'\(part.name)'")
        }
        owners[shard] = part.name
      }
    }
  }

  // MARK: Joining

  /// Adds the counts and the coverage of another shard.
  private mutating func add(_ other: Report) {
    setting.shards += other.setting.shards
    setting.jobs += other.setting.jobs
    setting.subjects += other.setting.subjects.filter { !setting.subjects.contains($0) }
    started = min(started, other.started)
    gaps += other.gaps.filter { !gaps.contains($0) }
    for lane in other.campaign.lanes {
      let index = campaign.lanes.firstIndex {
        $0.name == lane.name && $0.subject == lane.subject
      }
      if let index {
        campaign.lanes[index].merge(lane)
      } else {
        campaign.lanes.append(lane)
      }
    }
    for skipped in other.campaign.skipped
    where !campaign.skipped.contains(where: { $0.name == skipped.name }) {
      campaign.skipped.append(skipped)
    }
    campaign.cases += other.campaign.cases
    campaign.rejected += other.campaign.rejected
    campaign.chased += other.campaign.chased
    campaign.crossChecked += other.campaign.crossChecked
    for claim in other.campaign.contradictions where !campaign.contradictions.contains(claim) {
      campaign.contradictions.append(claim)
    }
    for fault in other.campaign.oracleFaults where !campaign.oracleFaults.contains(fault) {
      campaign.oracleFaults.append(fault)
    }
    campaign.times.add(other.campaign.times)
    // Shards run side by side.
    campaign.elapsed = max(campaign.elapsed, other.campaign.elapsed)
    campaign.wasCancelled = campaign.wasCancelled || other.campaign.wasCancelled
  }

  /// The place of an operation, dialect and subject in the order of a campaign.
  private var order: (_ operation: String, _ dialect: String, _ subject: String) -> LanePlace {
    let operations = setting.operations
    let dialects = setting.dialects.map(\.name)
    let subjects = setting.subjects
    return { operation, dialect, subject in
      LanePlace(
        operation: operations.firstIndex(of: operation) ?? operations.count,
        dialect: dialects.firstIndex(of: dialect) ?? dialects.count,
        subject: subjects.firstIndex(of: subject) ?? subjects.count)
    }
  }

  /// One failure for each cause and subject, that of least case index, regressions first.
  private static func unique(_ failures: [Failure]) -> [Failure] {
    var result: [Failure] = []
    for failure in failures.sorted(by: { ($0.caseIndex ?? -1) < ($1.caseIndex ?? -1) }) {
      let index = result.firstIndex {
        $0.operation == failure.operation && $0.dialect == failure.dialect
          && $0.verdict == failure.verdict && $0.subject == failure.subject
          && $0.identity == failure.identity
      }
      guard let index else {
        result.append(failure)
        continue
      }
      for name in failure.alsoFailing where !result[index].alsoFailing.contains(name) {
        result[index].alsoFailing.append(name)
      }
    }
    return result
  }

  /// Lanes that some of the shards did not run.
  private static func partialLanes(
    _ merged: Report, _ parts: [(name: String, report: Report)]
  ) -> [String] {
    merged.campaign.lanes.compactMap { lane in
      let absent = parts.filter { part in
        !part.report.campaign.lanes.contains {
          $0.name == lane.name && $0.subject == lane.subject
        }
      }
      if absent.isEmpty { return nil }
      let shards = absent.flatMap(\.report.setting.shards).sorted()
        .map { "\($0)/\(merged.setting.shardCount)" }
      return "\(lane.name), \(lane.subject): not run by shard \(shards.joined(separator: ", "))"
    }
  }
}

/// Where a lane stands in the order of a campaign.
private struct LanePlace: Comparable {
  var operation: Int
  var dialect: Int
  var subject: Int

  static func < (left: LanePlace, right: LanePlace) -> Bool {
    (left.operation, left.dialect, left.subject) < (right.operation, right.dialect, right.subject)
  }
}
