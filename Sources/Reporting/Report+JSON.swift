public import CaseFormat
import Foundation
import Fuzzing
import Operations
import Verification

/// The name and the version of the JSON form, which `qverify merge` reads.
enum ReportFormat {
  static let name = "qverify-report"
  static let version = 1
}

extension Report {
  /// The whole report for programs; `init(json:)` reads it back.
  public var json: JSONValue {
    .object([
      .init("format", .string(ReportFormat.name)),
      .init("format_version", .integer(ReportFormat.version)),
      .init("verdict", .string(conclusion.rawValue)),
      .init("exit_code", .integer(conclusion.exitCode)),
      .init("sentence", .string(sentence)),
      .init("seed", .integer(campaign.seed)),
      .init("setting", setting.json),
      .init("merged", .bool(isMerged)),
      .init("gaps", .strings(gaps)),
      .init("mistrust", .strings(mistrust)),
      .init("interrupted", .bool(campaign.wasCancelled)),
      .init("started", .string(Timestamp.text(started))),
      .init("seconds", .seconds(campaign.elapsed)),
      .init("times", campaign.times.json),
      .init("cases", .integer(campaign.cases)),
      .init("rejected", .integer(campaign.rejected)),
      .init("chased", .integer(campaign.chased)),
      .init("cross_checked", .integer(campaign.crossChecked)),
      .init("contradictions", .strings(campaign.contradictions)),
      .init("oracle_faults", .strings(campaign.oracleFaults)),
      .init("lanes", .array(campaign.lanes.map(\.json))),
      .init("failures", .array(campaign.failures.map(\.json))),
      .init(
        "skipped",
        .array(
          campaign.skipped.map {
            .object([.init("name", .string($0.name)), .init("reason", .string($0.reason))])
          })),
    ])
  }
}

extension Report.Setting {
  var json: JSONValue {
    let allowance: JSONValue.Member =
      switch budget {
      case .cases(let count): .init("cases", .integer(count))
      case .seconds(let seconds): .init("seconds", .real(seconds))
      }
    return .object([
      .init("version", .string(version)),
      .init("command", .strings(command)),
      .init("operations", .strings(operations)),
      .init(
        "dialects",
        .array(
          dialects.map { dialect in
            .object(
              [.init("name", .string(dialect.name))]
                + (dialect.path.map { [.init("path", .string($0))] } ?? []))
          })),
      .init("subjects", .strings(subjects)),
      .init("budget", .object([allowance])),
      .init("maximum_failures", .integer(maximumFailures)),
      .init("jobs", .integer(jobs)),
      .init("shard_count", .integer(shardCount)),
      .init("shards", .array(shards.map { .integer($0) })),
    ])
  }
}

extension CampaignTimes {
  var json: JSONValue {
    .object([
      .init("generate", .seconds(generate)), .init("oracle", .seconds(oracle)),
      .init("subject", .seconds(subject)), .init("shrink", .seconds(shrink)),
    ])
  }
}

extension LaneResult {
  /// A lane with its sets of bins, so that those of several shards can be united.
  var json: JSONValue {
    .object([
      .init("operation", .string(operation)),
      .init("dialect", .string(dialect)),
      .init("subject", .string(subject)),
      .init("verdict", .string(verdictName)),
      .init("mistrust", mistrust.map { .string($0) } ?? .null),
      .init("cases", .integer(ran)),
      .init(
        "verdicts",
        .object(
          verdicts.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { .init($0.key.rawValue, .integer($0.value)) })),
      .init("elements", .integer(elements)),
      .init("unspecified", .integer(unspecified)),
      .init("seconds", .seconds(time)),
      .init(
        "coverage",
        .object([
          .init("reached", .integer(bins.reached)),
          .init("total", .integer(bins.total)),
          .init("features", .mask(coverage.features)),
          .init("tails", .mask(coverage.tails)),
          .init("generated_features", .mask(generated.features)),
          .init("generated_tails", .mask(generated.tails)),
          .init("bins", .array(declaredBins.map(json))),
        ])),
      .init(
        "refusals",
        .object(
          refusals.sorted { $0.key < $1.key }.map { .init($0.key, .integer($0.value)) })),
    ])
  }

  private func json(_ bin: CoverageBin) -> JSONValue {
    .object([
      .init("number", .integer(bin.number)), .init("name", .string(bin.name)),
      .init("required", .bool(bin.isRequired)), .init("state", .string(state(of: bin).rawValue)),
    ])
  }

  /// What became of a bin.
  enum BinState: String {
    case reached
    /// Only cases that the subject refused reached it.
    case refused
    case empty
  }

  /// What became of a bin.
  func state(of bin: CoverageBin) -> BinState {
    if coverage.contains(bin.number) { return .reached }
    return generated.contains(bin.number) ? .refused : .empty
  }
}

extension JSONValue {
  static func integer(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }

  static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// A duration in seconds, to the microsecond.
  static func seconds(_ duration: Duration) -> JSONValue {
    .number(String(format: "%.6f", duration / .seconds(1)))
  }

  /// A number in the fewest digits that give it back; infinities and NaN as strings.
  static func real(_ value: Double) -> JSONValue {
    value.isFinite ? .number("\(value)") : .string("\(value)")
  }

  /// A set of 64 bins, which a JSON number may be too narrow for.
  static func mask(_ bits: UInt64) -> JSONValue { .string("0x" + String(bits, radix: 16)) }
}

/// Points in time as reports write them: ISO 8601, UTC, whole seconds.
enum Timestamp {
  static func text(_ date: Date) -> String { date.formatted(.iso8601) }

  static func date(_ text: String) -> Date? { try? Date(text, strategy: .iso8601) }
}
