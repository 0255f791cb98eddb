public import CaseFormat
import Foundation
public import Mutants
import Verification

/// The report of a run over mutants, for people and for programs.
public struct MutantText {
  private let report: MutantReport
  /// Whether the whole catalogue was run, so that all that is known of it belongs to the report.
  private let isComplete: Bool

  /// The texts of a report.
  ///
  /// - Parameters:
  ///   - report: what came of the mutants.
  ///   - isComplete: whether every mutant was asked for, by operation and id.
  public init(report: MutantReport, isComplete: Bool) {
    (self.report, self.isComplete) = (report, isComplete)
  }

  // MARK: Text

  /// The report for people.
  public var text: String {
    var lines = table
    lines += [""] + distributions
    let historic = report.results.filter { $0.mutant.bug != nil }
    if !historic.isEmpty || isComplete { lines += [""] + self.historic(historic) }
    if isComplete { lines += [""] + equivalents }
    for result in report.survivors { lines += ["", survivor(result)] }
    let misnamed = report.results.filter { $0.isNamed == false }
    if !misnamed.isEmpty {
      lines += ["", "killed, but not called by their name:"]
      lines += misnamed.map { result in
        let words = result.mutant.fault?.expectedWords.joined(separator: ", ") ?? ""
        return "  \(result.mutant.id): expected \(words), said "
          + (result.likeness ?? result.stage ?? "nothing")
      }
    }
    for wrong in report.wrongKernels {
      lines += ["", "qverify's own fault: a kernel without any fault fails: \(wrong)"]
    }
    return (lines + [""] + summary).joined(separator: "\n")
  }

  private var table: [String] {
    var rows = [["mutator", "planted", "killed", "cases", "most", "elements", "most"]]
    func add(_ name: String, _ results: [MutantResult]) {
      guard !results.isEmpty else { return }
      let killed = results.filter { $0.verdict != nil }
      let (cases, elements) = (killed.map(\.cases), killed.map(\.elements))
      rows.append([
        name, "\(results.count)", "\(killed.count)", Self.median(cases), "\(cases.max() ?? 0)",
        Self.median(elements), "\(elements.max() ?? 0)",
      ])
    }
    for mutator in Mutator.allCases {
      add(
        mutator.rawValue,
        report.results.filter { $0.mutant.bug == nil && $0.mutant.mutator == mutator })
    }
    add("bugs that happened", report.results.filter { $0.mutant.bug != nil })
    add("all", report.results)
    return TextTable.lines(rows, rightAligned: [1, 2, 3, 4, 5, 6])
  }

  private var distributions: [String] {
    guard report.distributionCases > 0, !report.results.isEmpty else { return [] }
    var rows = [["input distribution, \(report.distributionCases) cases each", "killed"]]
    let early = report.results.count { $0.isKilledEarly }
    rows.append(["ours", "\(early) of \(report.results.count)"])
    for (index, distribution) in Distribution.allCases.enumerated() {
      let killed = report.results.count {
        $0.distributions.count > index && $0.distributions[index]
      }
      rows.append([distribution.rawValue, "\(killed) of \(report.results.count)"])
    }
    return TextTable.lines(rows)
  }

  private func historic(_ results: [MutantResult]) -> [String] {
    var rows: [[String]] = []
    for bug in HistoricBug.all {
      let found = results.filter { $0.mutant.bug == bug.id }
      if found.isEmpty && !(isComplete && bug.mutants.isEmpty) { continue }
      let fate =
        found.isEmpty
        ? "does not apply" : found.map { Self.fate($0) }.joined(separator: "; ")
      let remark = bug.remark.isEmpty ? "" : " (\(bug.remark))"
      rows.append([bug.id, fate, "\(bug.cause) [\(bug.citation)]\(remark)"])
    }
    return ["bugs that happened:"] + TextTable.lines(rows).map { "  " + $0 }
  }

  private static func fate(_ result: MutantResult) -> String {
    guard let verdict = result.verdict else { return "SURVIVED \(result.cases) cases" }
    return "\(verdict.rawValue) after \(result.cases), \(result.elements) elements"
  }

  private var equivalents: [String] {
    ["equivalent, not counted:"]
      + Equivalent.all.map { "  \($0.id): \($0.proof)" }
  }

  private func survivor(_ result: MutantResult) -> String {
    "SURVIVED: \(result.mutant.id), \(result.mutant.mutator.rawValue): \(result.cases) cases, "
      + "\(result.refused) refused, \(String(format: "%.1f", result.seconds)) s"
  }

  private var summary: [String] {
    let killed = report.killed
    let seconds = String(format: "%.1f", report.elapsed / .seconds(1))
    let cases = Self.median(killed.map(\.cases))
    let elements = Self.median(killed.map(\.elements))
    let time = Self.median(killed.map { Int(($0.seconds + $0.shrinkSeconds) * 1000) })
    var lines = [
      "killed \(killed.count) of \(report.results.count); median \(cases) cases to the kill, "
        + "\(elements) input elements after shrinking, \(time) ms for both"
    ]
    let named = report.results.compactMap(\.isNamed)
    if !named.isEmpty {
      lines.append("called by their name: \(named.count { $0 }) of \(named.count) explained")
    }
    let gate =
      report.holds
      ? "the gate holds"
      : report.survivors.isEmpty && report.wrongKernels.isEmpty
        ? "mistrusted: \(report.untried.count) were not tried before the budget ended"
        : "the gate is broken: \(report.survivors.count) survived"
    lines.append(
      "\(gate): \(seconds) s on \(report.jobs) threads, seed \(report.seed)")
    return lines
  }

  private static func median(_ values: [Int]) -> String {
    guard !values.isEmpty else { return "-" }
    let sorted = values.sorted()
    return "\(sorted[(sorted.count - 1) / 2])"
  }

  // MARK: JSON

  /// The report for programs.
  public var json: JSONValue {
    let mutants = report.results.map { result -> JSONValue in
      var members = Self.members(result.mutant)
      members += [
        .init("killed", .bool(result.verdict != nil)),
        .init("verdict", result.verdict.map { .string($0.rawValue) } ?? .null),
        .init("cases", .number("\(result.cases)")), .init("refused", .number("\(result.refused)")),
        .init("seconds", .number(String(format: "%.4f", result.seconds))),
        .init("shrink_seconds", .number(String(format: "%.4f", result.shrinkSeconds))),
        .init("elements_before", .number("\(result.elementsBefore)")),
        .init("elements", .number("\(result.elements)")), .init("replay", .string(result.replay)),
        .init("looks_like", result.likeness.map { .string($0) } ?? .null),
        .init("stage", result.stage.map { .string($0) } ?? .null),
        .init("named", result.isNamed.map { .bool($0) } ?? .null),
        .init("killed_early", .bool(result.isKilledEarly)),
        .init("distributions", .array(result.distributions.map { .bool($0) })),
      ]
      return .object(members)
    }
    return .object([
      .init("seed", .number("\(report.seed)")),
      .init("seconds", .number(String(format: "%.1f", report.elapsed / .seconds(1)))),
      .init("jobs", .number("\(report.jobs)")), .init("gate", .bool(report.holds)),
      .init("interrupted", .bool(report.wasCancelled)),
      .init("distribution_cases", .number("\(report.distributionCases)")),
      .init("distributions", .array(Distribution.allCases.map { .string($0.rawValue) })),
      .init("mutants", .array(mutants)),
      .init("untried", .array(report.untried.map { .string($0.id) })),
      .init("wrong_kernels", .array(report.wrongKernels.map { .string($0) })),
      .init("historic", Self.historicJSON), .init("equivalents", Self.equivalentsJSON),
    ])
  }

  private static func members(_ mutant: Mutant) -> [JSONValue.Member] {
    [
      .init("id", .string(mutant.id)), .init("bug", mutant.bug.map { .string($0) } ?? .null),
      .init("mutator", .string(mutant.mutator.rawValue)),
      .init("operation", .string(mutant.kernel.operation)),
      .init("dialect", .string(mutant.kernel.dialect)),
      .init("tier", .string(mutant.kernel.shape.name)),
    ]
  }

  private static var historicJSON: JSONValue {
    .array(
      HistoricBug.all.map { bug in
        .object([
          .init("id", .string(bug.id)), .init("cause", .string(bug.cause)),
          .init("citation", .string(bug.citation)), .init("remark", .string(bug.remark)),
          .init("mutants", .array(bug.mutants.map { .string($0.id) })),
        ])
      })
  }

  private static var equivalentsJSON: JSONValue {
    .array(
      Equivalent.all.map {
        .object([.init("id", .string($0.id)), .init("proof", .string($0.proof))])
      })
  }

  // MARK: List

  /// The catalogue, without running it.
  public static func list(_ mutants: [Mutant]) -> String {
    var rows = mutants.map { [$0.id, $0.mutator.rawValue] }
    rows += HistoricBug.all.filter(\.mutants.isEmpty).map { bug in
      [bug.id, "does not apply: \(bug.remark)"]
    }
    rows += Equivalent.all.map { [$0.id, "equivalent: \($0.proof)"] }
    return TextTable.lines(rows).joined(separator: "\n")
  }

  /// The catalogue for programs.
  public static func listJSON(_ mutants: [Mutant]) -> JSONValue {
    .object([
      .init("mutants", .array(mutants.map { .object(members($0)) })),
      .init("historic", historicJSON), .init("equivalents", equivalentsJSON),
    ])
  }
}
