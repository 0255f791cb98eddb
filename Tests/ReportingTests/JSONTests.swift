import CaseFormat
import Foundation
import Fuzzing
import Reporting
import Testing
import Verification

/// The JSON form holds everything, and is read back into the same value.
@Suite struct JSONTests {
  private func bytes(_ report: Report) -> [UInt8] { Array(report.json.description.utf8) }

  @Test func roundTrip() throws {
    for report in [Samples.failing, Samples.passing] {
      let again = try Report(bytes: bytes(report))
      #expect(again.json == report.json)
      #expect(again.text == report.text)
      #expect(again.junit == report.junit)
      #expect(again.sarif == report.sarif)
      #expect(again.html == report.html)
      #expect(again.setting == report.setting && again.started == report.started)
      for (mine, theirs) in zip(again.campaign.failures, report.campaign.failures) {
        #expect(mine.test.inputs == theirs.test.inputs && mine.choices == theirs.choices)
        #expect(mine.judgement.element == theirs.judgement.element)
        #expect(mine.test.outputs?["y"]?.upper == theirs.test.outputs?["y"]?.upper)
        #expect(mine.stages == theirs.stages && mine.errors == theirs.errors)
        #expect(mine.file == theirs.file && mine.caseIndex == theirs.caseIndex)
      }
      for (mine, theirs) in zip(again.campaign.lanes, report.campaign.lanes) {
        #expect(mine.coverage == theirs.coverage && mine.generated == theirs.generated)
        #expect(mine.declaredBins == theirs.declaredBins && mine.verdicts == theirs.verdicts)
        #expect(mine.refusals == theirs.refusals && mine.time == theirs.time)
      }
    }
    let failures = try Report(bytes: bytes(Samples.failing)).campaign.failures
    #expect(failures.count == 3)
    #expect(failures.first?.staircase == Samples.mismatch.staircase)
  }

  /// The JSON is JSON to another reader, with the keys that scripts use.
  @Test func otherReaders() throws {
    let value = try JSONSerialization.jsonObject(with: Data(bytes(Samples.failing)))
    let report = try #require(value as? [String: Any])
    #expect(report["format"] as? String == "qverify-report")
    #expect(report["format_version"] as? Int == 1)
    #expect(report["exit_code"] as? Int == 1 && report["verdict"] as? String == "failed")
    #expect(report["seed"] as? Int == 7)
    let lanes = try #require(report["lanes"] as? [[String: Any]])
    #expect(
      lanes.map { $0["verdict"] as? String } == [
        "passed", "mismatch", "mismatch", "passed", "mistrusted", "crashed", "mismatch",
      ])
    let coverage = try #require(lanes[4]["coverage"] as? [String: Any])
    #expect(coverage["features"] as? String == "0x3")
    let bins = try #require(coverage["bins"] as? [[String: Any]])
    #expect(bins.map { $0["state"] as? String } == ["reached", "reached", "empty", "refused"])
  }

  /// What is no report is refused, with what is wrong and where.
  @Test func refusals() throws {
    let text = Samples.failing.json.description
    func message(_ text: String) -> String {
      do throws(ReportError) {
        _ = try Report(bytes: Array(text.utf8))
        return "read"
      } catch {
        return error.message
      }
    }
    #expect(message(text) == "read")
    #expect(message(String(text.prefix(text.count / 2))).hasPrefix("the text is cut short: line 1: "))
    #expect(message("").hasPrefix("the text is cut short: "))
    #expect(message("{}") == "is not a report of qverify")
    #expect(message("[1]") == "is not a report of qverify")
    let table = [
      (
        "\"format_version\": 1", "\"format_version\": 9",
        "has version 9 of the report's form, this qverify reads 1"
      ),
      ("\"cases\": 900", "\"cases\": \"many\"", "report.cases must be an integer, not \"many\""),
      ("\"cases\": 900", "\"case\": 900", "report has no 'cases'"),
      ("\"chased\": 64", "\"chased\": 64, \"x\": 1", "report has an unknown key 'x'"),
      ("\"features\": \"0x3\"", "\"features\": 3", "report.lanes[4].coverage.features must be"),
      ("\"mismatch\": 3", "\"dented\": 3", "unknown verdict 'dented'"),
      ("\"shards\": [0]", "\"shards\": [1]", "shards [1] of 1"),
      ("\"index\": 0", "\"index\": 3", "element 3 of 'y', which has 3"),
      ("\"choices\": \"0*3", "\"choices\": \"x*3", "are no choices"),
      ("\"dtype\": \"int32\"", "\"dtype\": \"int33\"", "the case of a failure: malformed: "),
    ]
    for (old, new, expected) in table {
      let changed = text.replacingOccurrences(
        of: old, with: new, range: text.range(of: old))
      #expect(changed != text, "\(old)")
      let found = message(changed)
      #expect(found.contains(expected), "\(old) -> \(new): \(found)")
    }
  }

  /// The exit code is that of the worst that happened.
  @Test func conclusions() {
    var report = Samples.passing
    #expect(report.conclusion == .agreed && report.conclusion.exitCode == 0)
    #expect(report.mistrust.isEmpty)
    report.gaps = ["a lane was not run by shard 1"]
    #expect(report.conclusion == .mistrusted && report.conclusion.exitCode == 2)
    report.campaign.lanes = []
    #expect(report.mistrust == ["nothing ran", "a lane was not run by shard 1"])
    report.campaign.failures = [Samples.crash]
    #expect(report.conclusion == .failed && report.conclusion.exitCode == 1)
    report.campaign.wasCancelled = true
    #expect(report.conclusion == .interrupted && report.conclusion.exitCode == 130)
    report.campaign.oracleFaults = ["two oracles, two answers"]
    #expect(report.conclusion == .faulty && report.conclusion.exitCode == 70)
  }

  /// The command to repeat has the seed, does not write reports, and is safe in a shell.
  @Test func repeatCommand() {
    var report = Samples.passing
    report.setting.command = [
      "qverify", "fuzz", "--ops", "conv", "--subject", "lib:./bad kernel's.so", "--json", "a.json",
      "--html=b.html", "--quiet", "--shard", "1/3",
    ]
    let command = "qverify fuzz --ops conv --subject 'lib:./bad kernel'\\''s.so'"
    #expect(report.repeatCommand == command + " --shard 1/3 --seed 7")
    report.isMerged = true
    #expect(report.repeatCommand == command + " --seed 7")
    report.setting.command += ["--seed=7"]
    #expect(report.repeatCommand == command + " --seed=7")
  }
}
