import CaseFormat
import Foundation
import Fuzzing
import Reporting
import Testing

/// SARIF 2.1.0, checked against what OASIS' specification requires; clauses are cited.
@Suite struct SARIFTests {
  private func value(_ report: Report) throws -> [String: Any] {
    let data = Data(report.sarif.description.utf8)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func object(_ value: Any?) throws -> [String: Any] {
    try #require(value as? [String: Any])
  }

  private func objects(_ value: Any?) throws -> [[String: Any]] {
    try #require(value as? [[String: Any]])
  }

  private func text(_ message: Any?) throws -> String {
    // §3.11.2: a message has a text or an id; without ids of its own a tool gives the text.
    try #require(try object(message)["text"] as? String)
  }

  private static let levels = ["none", "note", "warning", "error"]

  private func checkResult(_ result: [String: Any], _ rules: [[String: Any]]) throws {
    // §3.27.11: a result has a message.
    #expect(try !text(result["message"]).isEmpty)
    // §3.27.10: level is one of four words.
    #expect(Self.levels.contains(result["level"] as? String ?? ""))
    // §3.27.5 and §3.27.6: ruleId and ruleIndex name the same rule.
    let index = try #require(result["ruleIndex"] as? Int)
    #expect(rules.indices.contains(index))
    #expect(rules[index]["id"] as? String == result["ruleId"] as? String)
    for location in try objects(result["locations"]) {
      if let physical = location["physicalLocation"] {
        // §3.29.2: a physical location has an artifact location (or an address).
        let artifact = try object(try object(physical)["artifactLocation"])
        // §3.4.3: uri is a valid URI reference.
        let uri = try #require(artifact["uri"] as? String)
        #expect(URL(string: uri) != nil && !uri.contains(" "), "\(uri)")
        if let region = try object(physical)["region"] {
          // §3.30.5: startLine is at least 1.
          #expect(try object(region)["startLine"] as? Int ?? 0 >= 1)
        }
      }
      for logical in try objects(location["logicalLocations"]) {
        // §3.33.5: where there is no index, a name or a fully qualified name.
        #expect((logical["fullyQualifiedName"] as? String)?.isEmpty == false)
      }
    }
  }

  @Test func requiredProperties() throws {
    var broken = Samples.failing
    broken.campaign.wasCancelled = true
    broken.campaign.oracleFaults = ["case 5"]
    for report in [Samples.failing, Samples.passing, broken] {
      let log = try value(report)
      // §3.13.2: version is "2.1.0"; §3.13.4: runs is an array.
      #expect(log["version"] as? String == "2.1.0")
      #expect((log["$schema"] as? String)?.hasSuffix("sarif-2.1.0.json") == true)
      let run = try #require(try objects(log["runs"]).first)
      // §3.14.6: a run has a tool; §3.18.2: a tool has a driver; §3.19.8: a driver has a name.
      let driver = try object(try object(run["tool"])["driver"])
      #expect(driver["name"] as? String == "qverify")
      // §3.19.23: rules are unique by id; §3.49.3: each has one.
      let rules = try objects(driver["rules"])
      let ids = rules.compactMap { $0["id"] as? String }
      #expect(ids.count == rules.count && Set(ids).count == ids.count)
      for rule in rules {
        // §3.49.9: shortDescription is a message; §3.50.3: a configuration has a level.
        #expect(try !text(rule["shortDescription"]).isEmpty)
        let configuration = try object(rule["defaultConfiguration"])
        #expect(Self.levels.contains(configuration["level"] as? String ?? ""))
      }
      // §3.14.27: columnKind is one of two words.
      #expect(run["columnKind"] as? String == "unicodeCodePoints")
      for invocation in try objects(run["invocations"]) {
        // §3.20.14: executionSuccessful is required.
        #expect(invocation["executionSuccessful"] as? Bool != nil)
        #expect(invocation["exitCode"] as? Int == Int(report.conclusion.exitCode))
        for time in ["startTimeUtc", "endTimeUtc"] {
          // §3.9: a date-time ends in Z.
          let stamp = try #require(invocation[time] as? String)
          #expect(stamp.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(stamp)")
        }
        for notification in try objects(invocation["toolExecutionNotifications"]) {
          // §3.58.5: a notification has a message.
          #expect(try !text(notification["message"]).isEmpty)
        }
      }
      for result in try objects(run["results"]) { try checkResult(result, rules) }
    }
  }

  @Test func content() throws {
    let run = try #require(try objects(try value(Samples.failing)["runs"]).first)
    let results = try objects(run["results"])
    #expect(
      results.map { $0["ruleId"] as? String } == [
        "mismatch/rounding-by-half-up", "crashed", "mismatch", "mistrusted",
      ])
    #expect(results.map { $0["level"] as? String } == ["error", "error", "error", "warning"])
    func uri(_ result: [String: Any]) throws -> String? {
      let location = try #require(try objects(result["locations"]).first)
      guard let physical = location["physicalLocation"] else { return nil }
      return try object(try object(physical)["artifactLocation"])["uri"] as? String
    }
    #expect(try uri(results[0]) == "golden/regressions/requantize-7f3a00.json")
    #expect(try uri(results[1]) == "./bad%20kernel%27s.so")
    #expect(try uri(results[2]) == nil)
    let properties = try object(results[0]["properties"])
    #expect(properties["stage"] as? String == "rounding")
    #expect((properties["looksLike"] as? String)?.hasPrefix("rounding by half up") == true)
    // The same failure has the same fingerprint, whatever its id and note.
    let fingerprint = try object(results[0]["partialFingerprints"])["qverifyFailure/v1"] as? String
    #expect(fingerprint?.isEmpty == false)
    let others = try results[1...2].map {
      try object($0["partialFingerprints"])["qverifyFailure/v1"] as? String
    }
    #expect(!others.contains(fingerprint))
    let invocation = try #require(try objects(run["invocations"]).first)
    #expect(invocation["executionSuccessful"] as? Bool == true)
    #expect(try objects(invocation["toolExecutionNotifications"]).count == 1)
    #expect(
      invocation["commandLine"] as? String == "qverify fuzz --seed 7 --subject 'cmd:a b'")
  }

  /// An interrupted run did not succeed, and says so.
  @Test func interrupted() throws {
    var report = Samples.passing
    report.campaign.wasCancelled = true
    let run = try #require(try objects(try value(report)["runs"]).first)
    let invocation = try #require(try objects(run["invocations"]).first)
    #expect(invocation["executionSuccessful"] as? Bool == false)
    #expect(invocation["exitCode"] as? Int == 130)
    #expect(try objects(invocation["toolExecutionNotifications"]).count == 1)
    #expect(try objects(run["results"]).isEmpty)
  }
}
