public import CaseFormat
import Foundation
public import Fuzzing
import Operations
import Verification

/// The report of a campaign, for people and for programs.
public struct CampaignText {
  private let report: CampaignReport
  private let files: [String?]
  private let jobs: Int

  /// The texts of a report.
  ///
  /// - Parameters:
  ///   - report: what a campaign found.
  ///   - files: where each failure was saved.
  ///   - jobs: how many threads ran it.
  public init(report: CampaignReport, files: [String?], jobs: Int) {
    (self.report, self.files, self.jobs) = (report, files, jobs)
  }

  /// The report for people, without the failures, which were printed when they were found.
  public var summaryText: String {
    var lines = table
    lines.append("")
    for lane in report.lanes {
      if let mistrust = lane.mistrust {
        lines.append("mistrusted: \(lane.operation)/\(lane.dialect), \(lane.subject): \(mistrust)")
      }
    }
    lines += report.contradictions.map { "contradiction: \($0)" }
    if !report.skipped.isEmpty {
      let names = report.skipped.map(\.name)
      lines.append("not run, no subject claims it: \(Self.compact(names))")
    }
    for fault in report.oracleFaults {
      lines.append("qverify's own fault: the oracles disagree: \(fault)")
    }
    lines.append(summary)
    return lines.joined(separator: "\n")
  }

  private static func compact(_ names: [String]) -> String {
    let shown = names.prefix(6).joined(separator: ", ")
    return names.count > 6
      ? "\(shown) and \(names.count - 6) more (--format json lists them)" : shown
  }

  private var summary: String {
    let seconds = report.elapsed / .seconds(1)
    let failures = report.failures.count
    let verdict =
      failures > 0
      ? "\(failures) failure\(failures == 1 ? "" : "s")"
      : report.lanes.isEmpty
        ? "nothing ran"
        : report.lanes.contains { $0.mistrust != nil } ? "mistrusted" : "all agreed"
    let rate = Int(Double(report.cases) / max(seconds, 0.001))
    return "\(verdict): \(report.cases) cases in \(Self.number(seconds)) s, \(rate) cases/s on "
      + "\(jobs) threads, \(report.rejected) without an answer, "
      + "\(report.crossChecked) checked by both oracles, seed \(report.seed)"
  }

  private static func number(_ value: Double) -> String { String(format: "%.1f", value) }

  private var table: [String] {
    var rows = [
      [
        "operation", "dialect", "subject", "verdict", "cases", "refused", "elements", "open",
        "cases/s", "coverage",
      ]
    ]
    for lane in report.lanes {
      let verdict = lane.failure?.rawValue ?? (lane.mistrust == nil ? "passed" : "mistrusted")
      let seconds = lane.time / .seconds(1)
      rows.append([
        lane.operation, lane.dialect, lane.subject, verdict, "\(lane.ran)",
        "\(lane.verdicts[.unsupported] ?? 0)", "\(lane.elements)", "\(lane.unspecified)",
        seconds > 0 ? "\(Int(Double(lane.ran) / seconds))" : "-",
        "\(lane.bins.reached)/\(lane.bins.total), \(lane.coverage.tails.nonzeroBitCount)/64 tails",
      ])
    }
    return TextTable.lines(rows, rightAligned: [4, 5, 6, 7, 8])
  }

  /// The report for programs.
  public var json: JSONValue {
    func number(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }
    func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
    let lanes = report.lanes.map { lane -> JSONValue in
      .object([
        .init("operation", .string(lane.operation)), .init("dialect", .string(lane.dialect)),
        .init("subject", .string(lane.subject)),
        .init(
          "verdict",
          .string(lane.failure?.rawValue ?? (lane.mistrust == nil ? "passed" : "mistrusted"))),
        .init("cases", number(lane.ran)),
        .init(
          "verdicts",
          .object(
            lane.verdicts.sorted { $0.key.rawValue < $1.key.rawValue }
              .map { .init($0.key.rawValue, number($0.value)) })),
        .init("elements", number(lane.elements)), .init("unspecified", number(lane.unspecified)),
        .init("bins_reached", number(lane.bins.reached)), .init("bins", number(lane.bins.total)),
        .init("empty_bins", strings(lane.emptyBins)),
        .init("refused_bins", strings(lane.refusedBins)),
        .init("tails", number(lane.coverage.tails.nonzeroBitCount)),
        .init(
          "refusals",
          .object(lane.refusals.sorted { $0.key < $1.key }.map { .init($0.key, number($0.value)) })),
      ])
    }
    let failures = zip(report.failures, files).map { failure, file -> JSONValue in
      .object([
        .init("operation", .string(failure.operation)), .init("dialect", .string(failure.dialect)),
        .init("subject", .string(failure.subject)),
        .init("verdict", .string(failure.verdict.rawValue)),
        .init("message", .string(failure.judgement.message)),
        .init("looks_like", failure.likeness.map { .string($0) } ?? .null),
        .init("replay", .string(file ?? failure.replayText)),
        .init("case", CaseFile.json(failure.test)),
        .init("text", .string(failure.text(replayFile: file))),
      ])
    }
    return .object([
      .init("seed", number(report.seed)), .init("cases", number(report.cases)),
      .init("rejected", number(report.rejected)),
      .init("seconds", .number(Self.number(report.elapsed / .seconds(1)))),
      .init("interrupted", .bool(report.wasCancelled)), .init("lanes", .array(lanes)),
      .init("failures", .array(failures)),
      .init("contradictions", strings(report.contradictions)),
      .init("oracle_faults", strings(report.oracleFaults)),
      .init(
        "skipped",
        .array(
          report.skipped.map {
            .object([.init("name", .string($0.name)), .init("reason", .string($0.reason))])
          })),
    ])
  }
}
