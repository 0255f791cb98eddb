import Foundation
import Fuzzing
import Operations
import Verification

extension Report {
  /// The report as JUnit XML: a test suite for each operation and dialect, a test case for each subject.
  ///
  /// The file is red exactly where the exit code is not 0. A subject that failed, or whose evidence is
  /// too thin (type `mistrusted`), has a `<failure>`; what nobody claims is `<skipped>`; what is wrong
  /// with the campaign as a whole (interrupted, oracles that disagree, a missing shard) is an
  /// `<error>` or a `<failure>` of the suite `campaign`. Times are seconds in the subject, summed over
  /// threads.
  public var junit: String {
    var suites = laneSuites
    if let suite = campaignSuite { suites.append(suite) }
    let all = suites.flatMap(\.cases)
    let root = XMLElement(
      "testsuites",
      [("name", "qverify fuzz")] + JUnitSuite.counts(all)
        + [("time", JUnitSuite.seconds(campaign.elapsed / .seconds(1)))],
      children: suites.map { $0.element(timestamp: timestamp) })
    return root.document
  }

  /// The start in the form of the JUnit schema: no fraction, no zone.
  private var timestamp: String { String(Timestamp.text(started).prefix(19)) }

  private var laneSuites: [JUnitSuite] {
    var suites: [JUnitSuite] = []
    func add(_ test: JUnitCase, to name: String) {
      if let index = suites.firstIndex(where: { $0.name == name }) {
        suites[index].cases.append(test)
      } else {
        suites.append(JUnitSuite(name: name, properties: properties, cases: [test]))
      }
    }
    for lane in campaign.lanes { add(junitCase(lane), to: lane.name) }
    for skipped in campaign.skipped {
      var test = JUnitCase(suite: skipped.name, name: "no subject")
      test.result = .skipped(skipped.reason)
      add(test, to: skipped.name)
    }
    return suites
  }

  private var properties: [(String, String)] {
    [("version", setting.version), ("seed", "\(setting.seed)"), ("repeat", repeatCommand)]
      + campaign.contradictions.map { ("contradiction", $0) }
  }

  private func junitCase(_ lane: LaneResult) -> JUnitCase {
    var test = JUnitCase(suite: lane.name, name: lane.subject)
    test.seconds = lane.time / .seconds(1)
    test.properties = [
      ("cases", "\(lane.ran)"), ("refused", "\(lane.verdicts[.unsupported] ?? 0)"),
      ("elements", "\(lane.elements)"), ("unspecified", "\(lane.unspecified)"),
      ("coverage", "\(lane.bins.reached)/\(lane.bins.total)"),
      ("tails", "\(lane.coverage.tails.nonzeroBitCount)/64"),
      ("empty bins", lane.emptyBins.joined(separator: ", ")),
      ("refused bins", lane.refusedBins.joined(separator: ", ")),
    ]
    if let verdict = lane.failure {
      let own = failures(of: lane)
      test.result = .failure(
        type: verdict.rawValue,
        message: own.first.map(\.firstLine) ?? "\(verdict.rawValue), not shrunk",
        text: own.isEmpty
          ? "The campaign ended before the failure was shrunk; raise --max-failures."
          : own.map { $0.text(replayFile: $0.file) }.joined(separator: "\n\n"))
    } else if let mistrust = lane.mistrust {
      test.result = .failure(
        type: "mistrusted", message: mistrust,
        text: "Nothing failed, but the evidence is too thin: \(mistrust).")
    }
    return test
  }

  /// The failures that a lane's subject shows, its own and those that it shares with others.
  func failures(of lane: LaneResult) -> [Failure] {
    campaign.failures.filter {
      $0.operation == lane.operation && $0.dialect == lane.dialect
        && ($0.subject == lane.subject || $0.alsoFailing.contains(lane.subject))
    }
  }

  /// What is wrong with the campaign as a whole.
  private var campaignSuite: JUnitSuite? {
    var cases: [JUnitCase] = []
    func add(_ name: String, _ result: JUnitCase.Result) {
      var test = JUnitCase(suite: "campaign", name: name)
      test.result = result
      cases.append(test)
    }
    for (index, fault) in campaign.oracleFaults.enumerated() {
      add(
        "oracles \(index + 1)",
        .error(type: "fault of qverify", message: "the oracles disagree", text: fault))
    }
    if campaign.wasCancelled {
      add(
        "interrupted",
        .error(type: "interrupted", message: "the campaign was interrupted", text: sentence))
    }
    for reason in mistrustOfWhole {
      add("evidence", .failure(type: "mistrusted", message: reason, text: reason))
    }
    return cases.isEmpty
      ? nil : JUnitSuite(name: "campaign", properties: properties, cases: cases)
  }
}

extension Failure {
  /// What failed, in one line.
  var firstLine: String {
    String(text(replayFile: file).prefix { $0 != "\n" })
  }
}

/// A test suite of JUnit XML.
struct JUnitSuite {
  var name: String
  var properties: [(String, String)]
  var cases: [JUnitCase]

  static func seconds(_ value: Double) -> String { String(format: "%.3f", value) }

  /// The attributes that count test cases.
  static func counts(_ cases: [JUnitCase]) -> [(String, String)] {
    func count(_ matches: (JUnitCase.Result) -> Bool) -> String {
      "\(cases.count { matches($0.result) })"
    }
    return [
      ("tests", "\(cases.count)"),
      ("failures", count { if case .failure = $0 { true } else { false } }),
      ("errors", count { if case .error = $0 { true } else { false } }),
      ("skipped", count { if case .skipped = $0 { true } else { false } }),
    ]
  }

  /// The suite; the schema wants a host, and `localhost` where it is of no importance.
  func element(timestamp: String) -> XMLElement {
    XMLElement(
      "testsuite",
      [("name", name)] + Self.counts(cases) + [
        ("time", Self.seconds(cases.reduce(0) { $0 + $1.seconds })), ("timestamp", timestamp),
        ("hostname", "localhost"),
      ],
      children: [JUnitCase.element(properties)] + cases.map(\.element))
  }
}

/// A test case of JUnit XML.
struct JUnitCase {
  /// How a test case ended.
  enum Result {
    case passed
    case skipped(String)
    case failure(type: String, message: String, text: String)
    case error(type: String, message: String, text: String)
  }

  var suite: String
  var name: String
  var seconds = 0.0
  var properties: [(String, String)] = []
  var result = Result.passed

  init(suite: String, name: String) { (self.suite, self.name) = (suite, name) }

  static func element(_ properties: [(String, String)]) -> XMLElement {
    XMLElement(
      "properties",
      children: properties.map { XMLElement("property", [("name", $0.0), ("value", $0.1)]) })
  }

  var element: XMLElement {
    var children = properties.isEmpty ? [] : [Self.element(properties)]
    switch result {
    case .passed: break
    case .skipped(let reason): children.append(XMLElement("skipped", [("message", reason)]))
    case .failure(let type, let message, let text):
      children.append(
        XMLElement("failure", [("type", type), ("message", message)], text: text))
    case .error(let type, let message, let text):
      children.append(XMLElement("error", [("type", type), ("message", message)], text: text))
    }
    return XMLElement(
      "testcase",
      [("name", name), ("classname", suite), ("time", JUnitSuite.seconds(seconds))],
      children: children)
  }
}
