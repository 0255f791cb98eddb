public import CaseFormat
import Foundation
import Fuzzing
import Operations
import Verification

extension Report {
  /// The report as SARIF 2.1.0: a rule for each kind of verdict and each known fault, a result for each
  /// failure and each thin evidence.
  ///
  /// A result is located in the file of its saved case, else in the subject's library, and always by
  /// its logical name, operation/dialect. Source: OASIS SARIF 2.1.0.
  public var sarif: JSONValue {
    let rules = SARIFRule.all(campaign.failures)
    let results = campaign.failures.map { result($0, rules) } + mistrustResults(rules)
    return .object([
      .init("$schema", .string("https://json.schemastore.org/sarif-2.1.0.json")),
      .init("version", .string("2.1.0")),
      .init(
        "runs",
        .array([
          .object([
            .init(
              "tool",
              .object([
                .init(
                  "driver",
                  .object([
                    .init("name", .string("qverify")),
                    .init("version", .string(setting.version)),
                    .init("semanticVersion", .string(setting.version)),
                    .init("rules", .array(rules.map(\.json))),
                  ]))
              ])),
            .init("invocations", .array([invocation])),
            .init("columnKind", .string("unicodeCodePoints")),
            .init("results", .array(results)),
            .init(
              "properties",
              .object([
                .init("seed", .string("\(setting.seed)")),
                .init("repeat", .string(repeatCommand)),
                .init("cases", .integer(campaign.cases)),
                .init("lanes", .array(campaign.lanes.map(\.json))),
              ])),
          ])
        ])),
    ])
  }

  private var invocation: JSONValue {
    let ended = started.addingTimeInterval(campaign.elapsed / .seconds(1))
    let faults = campaign.oracleFaults.map { notification("the oracles disagree: \($0)", "error") }
    let interruption = campaign.wasCancelled ? [notification(sentence, "warning")] : []
    let claims = campaign.contradictions.map { notification("contradiction: \($0)", "warning") }
    let executed = conclusion != .faulty && conclusion != .interrupted
    return .object([
      .init("executionSuccessful", .bool(executed)),
      .init("exitCode", .integer(conclusion.exitCode)),
      .init("exitCodeDescription", .string(conclusion.rawValue)),
      .init(
        "commandLine",
        .string(setting.command.map(Self.shellQuoted).joined(separator: " "))),
      .init("startTimeUtc", .string(Timestamp.text(started))),
      .init("endTimeUtc", .string(Timestamp.text(ended))),
      .init("toolExecutionNotifications", .array(faults + interruption + claims)),
    ])
  }

  private func notification(_ text: String, _ level: String) -> JSONValue {
    .object([.init("level", .string(level)), .init("message", SARIFRule.message(text))])
  }

  private func result(_ failure: Failure, _ rules: [SARIFRule]) -> JSONValue {
    let rule = SARIFRule(failure)
    var properties: [JSONValue.Member] = [
      .init("operation", .string(failure.operation)), .init("dialect", .string(failure.dialect)),
      .init("subject", .string(failure.subject)),
      .init("alsoFailing", .strings(failure.alsoFailing)),
      .init("replay", .string(failure.replayCommand)), .init("case", CaseFile.json(failure.test)),
    ]
    if let stage = failure.stage { properties.append(.init("stage", .string(stage))) }
    if let decides = failure.decides { properties.append(.init("decides", .string(decides))) }
    if let pattern = failure.pattern { properties.append(.init("wrongOnly", .string(pattern))) }
    if let likeness = failure.likeness {
      properties.append(.init("looksLike", .string(likeness)))
    }
    var members = head(
      rule, rules, failure.text(replayFile: failure.file),
      "\(failure.operation)/\(failure.dialect)")
    members.append(.init("locations", .array([location(failure)])))
    members.append(
      .init(
        "partialFingerprints", .object([.init("qverifyFailure/v1", .string(failure.identity))])))
    members.append(.init("properties", .object(properties)))
    return .object(members)
  }

  private func head(
    _ rule: SARIFRule, _ rules: [SARIFRule], _ text: String, _ name: String
  ) -> [JSONValue.Member] {
    [
      .init("ruleId", .string(rule.id)),
      .init("ruleIndex", .integer(rules.firstIndex { $0.id == rule.id } ?? -1)),
      .init("level", .string(rule.level)),
      .init("message", SARIFRule.message(text)),
    ]
  }

  private func mistrustResults(_ rules: [SARIFRule]) -> [JSONValue] {
    let lanes = campaign.lanes.compactMap { lane in
      lane.mistrust.map { (name: lane.name, reason: "\(lane.subject): \($0)") }
    }
    let whole = mistrustOfWhole.map { (name: "campaign", reason: $0) }
    return (lanes + whole).map { name, reason in
      var members = head(.mistrusted, rules, "\(name), \(reason)", name)
      members.append(
        .init(
          "locations",
          .array([.object([.init("logicalLocations", .array([SARIFRule.logical(name)]))])])))
      return .object(members)
    }
  }

  private func location(_ failure: Failure) -> JSONValue {
    var members: [JSONValue.Member] = []
    let library = failure.subject.hasPrefix("lib:") ? String(failure.subject.dropFirst(4)) : nil
    if let path = failure.file ?? library {
      var physical: [JSONValue.Member] = [
        .init("artifactLocation", .object([.init("uri", .string(SARIFRule.uri(path)))]))
      ]
      if failure.file != nil {
        // A saved case is one line.
        physical.append(.init("region", .object([.init("startLine", .integer(1))])))
      }
      members.append(.init("physicalLocation", .object(physical)))
    }
    members.append(
      .init(
        "logicalLocations",
        .array([
          SARIFRule.logical("\(failure.operation)/\(failure.dialect)/\(failure.subject)")
        ])))
    return .object(members)
  }
}

extension Failure {
  /// What makes two failures the same one: their cause, else the verdict on the same case.
  var identity: String {
    var plain = test
    (plain.id, plain.note) = ("", nil)
    let text = cause.isEmpty ? "\(verdict.rawValue) \(CaseFile.json(plain))" : cause
    let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return String(hash, radix: 16)
  }
}

/// A rule of SARIF: a kind of verdict, or a known fault that a mismatch looks like.
struct SARIFRule: Hashable {
  var id: String
  var title: String
  var level: String

  static let mistrusted = SARIFRule(
    id: "mistrusted", title: "Nothing failed, but the evidence is too thin.", level: "warning")

  private init(id: String, title: String, level: String) {
    (self.id, self.title, self.level) = (id, title, level)
  }

  private init(_ verdict: Verdict) {
    self.init(id: Self.slug(verdict.rawValue), title: verdict.explanation, level: "error")
  }

  /// The rule that a failure breaks.
  init(_ failure: Failure) {
    self.init(failure.verdict)
    if let likeness = failure.likeness {
      // What stands before the evidence, such as `rounding by half up (agrees on all 12 probes)`.
      let name = String(likeness.prefix { $0 != "(" })
        .components(separatedBy: ", or ")[0].components(separatedBy: ", in part")[0]
        .trimmingCharacters(in: .whitespaces)
      id += "/" + Self.slug(name)
      title = "The subject computes as with \(name)."
    }
  }

  /// Every kind of verdict, and the faults that failures look like.
  static func all(_ failures: [Failure]) -> [SARIFRule] {
    var rules = Verdict.allCases.filter(\.isFailure).map { SARIFRule($0) } + [mistrusted]
    for failure in failures {
      let rule = SARIFRule(failure)
      if !rules.contains(where: { $0.id == rule.id }) { rules.append(rule) }
    }
    return rules
  }

  var json: JSONValue {
    .object([
      .init("id", .string(id)),
      .init("shortDescription", Self.message(title)),
      .init("defaultConfiguration", .object([.init("level", .string(level))])),
    ])
  }

  static func message(_ text: String) -> JSONValue { .object([.init("text", .string(text))]) }

  static func logical(_ name: String) -> JSONValue {
    .object([.init("fullyQualifiedName", .string(name)), .init("kind", .string("function"))])
  }

  /// A name as an identifier: lower-case letters, digits and hyphens.
  static func slug(_ text: String) -> String {
    text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
      .joined(separator: "-")
  }

  /// A path as a URI reference: relative ones stay relative (RFC 3986).
  static func uri(_ path: String) -> String {
    let encoded = path.utf8.map { byte -> String in
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        byte < 0x80
        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
          || "-._~/".unicodeScalars.contains(scalar))
      let hex = String(byte, radix: 16, uppercase: true)
      return isPlain ? String(scalar) : "%" + (hex.count < 2 ? "0" : "") + hex
    }.joined()
    return path.hasPrefix("/") ? "file://" + encoded : encoded
  }
}

extension Verdict {
  /// What a verdict says, in a sentence.
  var explanation: String {
    switch self {
    case .passed: "Every element that the dialect specifies is exact."
    case .mismatch: "An output element differs from the exact value."
    case .crashed: "The subject crashed."
    case .hung: "The subject did not return in time."
    case .overran: "The subject touched memory that is not its own."
    case .unwritten: "The subject left output elements as they were."
    case .nondeterministic: "The subject gave something else on a second call."
    case .alignment: "The subject's result depends on the alignment of its tensors."
    case .flushToZero: "The subject's result depends on flush-to-zero."
    case .environment: "The subject changed the floating-point environment."
    case .malformed: "The subject's answer is not an answer to the case."
    case .unsupported: "The subject refused the case."
    }
  }
}
