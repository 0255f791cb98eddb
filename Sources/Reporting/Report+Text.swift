import Foundation
import Fuzzing
import Operations
import Verification

extension Report {
  /// The report for people.
  public var text: String {
    let failures = campaign.failures.map { $0.text(replayFile: $0.file) + "\n\n" }
    return failures.joined() + summaryText
  }

  /// The report for people, without the failures, which a campaign prints when it finds them.
  public var summaryText: String {
    var lines = table
    lines.append("")
    for reason in mistrust where reason != "nothing ran" { lines.append("mistrusted: \(reason)") }
    lines += campaign.contradictions.map { "contradiction: \($0)" }
    if !campaign.skipped.isEmpty {
      let names = campaign.skipped.map(\.name)
      lines.append("not run, no subject claims it: \(Self.compact(names))")
    }
    for fault in campaign.oracleFaults {
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
    let seconds = campaign.elapsed / .seconds(1)
    let failures = campaign.failures.count
    let verdict =
      failures > 0
      ? "\(failures) failure\(failures == 1 ? "" : "s")"
      : campaign.lanes.isEmpty ? "nothing ran" : mistrust.isEmpty ? "all agreed" : "mistrusted"
    let rate = Int(Double(campaign.cases) / max(seconds, 0.001))
    let beginning = campaign.wasCancelled ? "interrupted, so far " : ""
    return beginning
      + "\(verdict): \(campaign.cases) cases in \(Self.number(seconds)) s, \(rate) cases/s on "
      + "\(setting.jobs) threads, \(campaign.rejected) without an answer, "
      + (campaign.chased > 0 ? "\(campaign.chased) more to reach empty bins, " : "")
      + "\(campaign.crossChecked) checked by both oracles, seed \(campaign.seed)"
  }

  private static func number(_ value: Double) -> String { String(format: "%.1f", value) }

  private var table: [String] {
    var rows = [
      [
        "operation", "dialect", "subject", "verdict", "cases", "refused", "elements", "open",
        "cases/s", "coverage",
      ]
    ]
    for lane in campaign.lanes {
      let seconds = lane.time / .seconds(1)
      rows.append([
        lane.operation, lane.dialect, lane.subject, lane.verdictName, "\(lane.ran)",
        "\(lane.verdicts[.unsupported] ?? 0)", "\(lane.elements)", "\(lane.unspecified)",
        seconds > 0 ? "\(Int(Double(lane.ran) / seconds))" : "-",
        "\(lane.bins.reached)/\(lane.bins.total), \(lane.coverage.tails.nonzeroBitCount)/64 tails",
      ])
    }
    return TextTable.lines(rows, rightAligned: [4, 5, 6, 7, 8])
  }
}
