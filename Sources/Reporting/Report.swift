public import Foundation
public import Fuzzing
import Operations
import Verification

/// A campaign as reports tell it: what was asked, what was found, how it ended.
///
/// Every form of report (text, JSON, JUnit, SARIF, HTML) is written from this one value, and JSON is
/// read back into it.
public struct Report: Sendable {
  /// What was asked.
  public var setting: Setting
  /// What was found.
  public var campaign: CampaignReport
  /// When the campaign began.
  public var started: Date
  /// Whether shards were joined: then one that is missing is a reason for mistrust.
  public var isMerged = false
  /// What shards did not do alike, as reasons to mistrust the whole.
  public var gaps: [String] = []

  /// What a campaign was asked to do: enough to repeat it, and to know its shards from others.
  public struct Setting: Hashable, Sendable {
    /// The version of qverify.
    public var version: String
    /// The command that ran, in words.
    public var command: [String]
    public var operations: [String]
    /// The dialects, with the file of each that is not built in.
    public var dialects: [DialectReference]
    public var subjects: [String]
    public var seed: UInt64
    public var budget: Budget
    public var maximumFailures: Int
    public var jobs: Int
    /// How many shards the campaign has; 1 where it is whole.
    public var shardCount: Int
    /// Which of them this report covers, in ascending order.
    public var shards: [Int]

    /// A dialect as a campaign names it.
    public struct DialectReference: Hashable, Sendable {
      public var name: String
      /// The file of one that is not built in.
      public var path: String?

      /// Refers to a dialect.
      public init(name: String, path: String?) { (self.name, self.path) = (name, path) }
    }

    /// How long a campaign goes on.
    public enum Budget: Hashable, Sendable {
      /// So many cases for each operation in each dialect.
      case cases(Int)
      /// About so many seconds.
      case seconds(Double)
    }

    /// A setting of its parts.
    public init(
      version: String, command: [String], operations: [String], dialects: [DialectReference],
      subjects: [String], seed: UInt64, budget: Budget, maximumFailures: Int, jobs: Int,
      shardCount: Int, shards: [Int]
    ) {
      (self.version, self.command) = (version, command)
      (self.operations, self.dialects, self.subjects) = (operations, dialects, subjects)
      (self.seed, self.budget, self.maximumFailures) = (seed, budget, maximumFailures)
      (self.jobs, self.shardCount, self.shards) = (jobs, shardCount, shards)
    }

    /// Shards that none of the joined reports covers.
    public var missingShards: [Int] { (0..<shardCount).filter { !shards.contains($0) } }
  }

  /// A report of its parts.
  public init(setting: Setting, campaign: CampaignReport, started: Date) {
    (self.setting, self.campaign, self.started) = (setting, campaign, started)
  }

  /// The report of a campaign that has just ended.
  ///
  /// - Parameters:
  ///   - campaign: what it found.
  ///   - plan: what it was asked.
  ///   - version: the version of qverify.
  ///   - command: the words of the command line.
  public init(
    _ campaign: CampaignReport, of plan: CampaignPlan, version: String, command: [String]
  ) {
    let budget: Setting.Budget =
      switch plan.budget {
      case .cases(let count): .cases(count)
      case .time(let duration): .seconds(duration / .seconds(1))
      }
    let setting = Setting(
      version: version, command: command, operations: plan.operations.map { $0.name },
      dialects: plan.dialects.map { .init(name: $0.name, path: $0.path) },
      subjects: plan.subjects.map(\.name), seed: plan.seed, budget: budget,
      maximumFailures: plan.maximumFailures, jobs: plan.jobs, shardCount: plan.shard.count,
      shards: [plan.shard.index])
    self.init(
      setting: setting, campaign: campaign,
      started: Date(timeIntervalSinceNow: -(campaign.elapsed / .seconds(1))))
  }
}

// MARK: How it ended

/// How a campaign ended, worst first: the exit codes of `fuzz` and `merge`.
public enum Conclusion: String, CaseIterable, Sendable {
  /// The oracles contradict each other.
  case faulty = "qverify's own fault"
  case interrupted
  case failed
  case mistrusted
  case agreed

  /// The exit code of the command line.
  public var exitCode: Int32 {
    switch self {
    case .faulty: 70
    case .interrupted: 130
    case .failed: 1
    case .mistrusted: 2
    case .agreed: 0
    }
  }
}

extension Report {
  /// How the campaign ended.
  public var conclusion: Conclusion {
    if !campaign.oracleFaults.isEmpty { return .faulty }
    if campaign.wasCancelled { return .interrupted }
    if !campaign.failures.isEmpty || campaign.lanes.contains(where: { $0.failure != nil }) {
      return .failed
    }
    return mistrust.isEmpty ? .agreed : .mistrusted
  }

  /// Why the evidence is too thin, one reason a line; empty where it is not.
  public var mistrust: [String] {
    campaign.lanes.compactMap { lane in
      lane.mistrust.map { "\(lane.name), \(lane.subject): \($0)" }
    } + mistrustOfWhole
  }

  /// Why the campaign as a whole is not to be trusted, whatever its parts say.
  var mistrustOfWhole: [String] {
    var reasons = campaign.lanes.isEmpty ? ["nothing ran"] : []
    let missing = isMerged ? setting.missingShards : []
    if !missing.isEmpty {
      let names = missing.map { "\($0)/\(setting.shardCount)" }.joined(separator: ", ")
      reasons.append("missing shard\(missing.count == 1 ? "" : "s"): \(names)")
    }
    return reasons + gaps
  }

  /// The result in one sentence.
  public var sentence: String {
    let failures = campaign.failures.count
    let lanes = campaign.lanes
    let subjects = Set(lanes.map(\.subject)).count
    switch conclusion {
    case .faulty: return "The two oracles of qverify contradict each other: no verdict holds."
    case .interrupted:
      return failures == 0
        ? "Interrupted before the end; nothing had failed until then."
        : "Interrupted before the end, with \(Self.count(failures, "failure")) until then."
    case .failed:
      let failing = lanes.count { $0.failure != nil }
      return "\(Self.count(failures, "failure")): \(failing) of \(lanes.count) combinations of "
        + "operation, dialect and subject are not bit-exact."
    case .mistrusted:
      return lanes.isEmpty
        ? "Nothing ran: no subject claims what was asked."
        : "Nothing failed, but the evidence is too thin to trust \(Self.count(mistrust.count, "result"))."
    case .agreed:
      return "Bit-exact on all \(campaign.cases) cases: \(Self.count(subjects, "subject")), "
        + "\(Self.count(lanes.count, "combination")) with operations and dialects."
    }
  }

  static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  /// The command that repeats the campaign, with the seed that it drew and without where it wrote.
  public var repeatCommand: String {
    let withValue =
      ["--junit", "--sarif", "--json", "--html", "--format"] + (isMerged ? ["--shard"] : [])
    var words: [String] = []
    var hasSeed = false
    var rest = setting.command[...]
    while let word = rest.popFirst() {
      let option = String(word.prefix { $0 != "=" })
      if withValue.contains(option) {
        if option == word { rest = rest.dropFirst() }
      } else if word != "--quiet" {
        words.append(word)
        if option == "--seed" { hasSeed = true }
      }
    }
    if !hasSeed { words += ["--seed", "\(setting.seed)"] }
    return words.map(Self.shellQuoted).joined(separator: " ")
  }

  /// A word that a POSIX shell takes as it stands.
  public static func shellQuoted(_ word: String) -> String {
    let isPlain =
      !word.isEmpty
      && word.allSatisfy {
        $0.isASCII && ($0.isLetter || $0.isNumber || "_-./:,=+@%".contains($0))
      }
    return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

extension LaneResult {
  /// The verdict that tables show: the worst failure, else whether the evidence is enough.
  public var verdictName: String {
    failure?.rawValue ?? (mistrust == nil ? Verdict.passed.rawValue : "mistrusted")
  }

  /// What it is about, such as `conv2d/onnx`.
  var name: String { "\(operation)/\(dialect)" }
}

extension Failure {
  /// The replay command, for anybody's shell.
  var replayCommand: String {
    let saved = file.map(Report.shellQuoted) ?? replayText
    let own = dialectPath.map { " --dialect \(Report.shellQuoted($0))" } ?? ""
    return "qverify replay \(saved) --subject \(Report.shellQuoted(subject))\(own)"
  }
}
