import Foundation
import Testing

/// The files that `fuzz` writes, and `merge`.
@Suite struct ReportTests {
  private let fuzz = [
    "fuzz", "--ops", "dynamic_quantize", "--dialect", "onnx", "--subject", "builtin:scalar",
    "--seed", "3", "--quiet", "--jobs", "1",
  ]
  private static let wrong = "name: mine\nextends: onnx\nquantize: {rounding: nearest_away}\n"
  private let failing = [
    "fuzz", "--ops", "quantize", "--dialect", "mine.yaml", "--subject", "builtin:scalar",
    "--seed", "3", "--quiet", "--jobs", "1", "--cases", "60",
  ]

  private func read(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  /// A JSON value whose keys have one order.
  private func canonical(_ value: Any) throws -> String {
    let data = try JSONSerialization.data(
      withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    return String(decoding: data, as: UTF8.self)
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// One run writes all four, and `--json` is what `--format json` prints.
  @Test func files() throws {
    try withFolder(["mine.yaml": Self.wrong]) { folder in
      let run = try qverify(
        failing + [
          "--format", "json", "--json", "r.json", "--junit", "r.xml", "--sarif", "r.sarif", "--html",
          "r.html", "--corpus", "found",
        ], folder: folder)
      #expect(run.code == 1 && run.error.isEmpty)
      #expect(try read(folder + "/r.json") == run.output)
      let report = try object(run.output)
      let failures = try #require(report["failures"] as? [[String: Any]])
      let file = try #require(failures.first?["file"] as? String)
      #expect(report["exit_code"] as? Int == 1 && file.hasPrefix("found/quantize-"))
      #expect(try read(folder + "/r.xml").contains("<failure type=\"mismatch\""))
      #expect(try read(folder + "/r.sarif").contains("\"uri\": \"\(file)\""))
      let page = try read(folder + "/r.html")
      #expect(page.contains("qverify replay \(file) --subject builtin:scalar --dialect mine.yaml"))
      // Nothing else is left behind.
      let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(left == ["found", "mine.yaml", "r.html", "r.json", "r.sarif", "r.xml"])
    }
  }

  /// 66, before any case runs.
  @Test func unwritable() throws {
    try withFolder(["file": ""]) { folder in
      let table = [
        ("--json", "no/r.json", "the folder 'no' does not exist"),
        ("--junit", "file/r.xml", "'file' is not a folder"), ("--html", ".", "it is a folder"),
        ("--sarif", "", "the name is empty"),
      ]
      for (option, path, reason) in table {
        let run = try qverify(fuzz + ["--time", "60s", option, path], folder: folder)
        #expect(run.code == 66 && run.output.isEmpty)
        #expect(run.error == "qverify: \(option): cannot write '\(path)': \(reason)\n")
      }
      let twice = try qverify(
        fuzz + ["--cases", "1", "--json", "a", "--html", "a"], folder: folder)
      #expect(twice.code == 64)
    }
  }

  /// An interrupted campaign writes what it found.
  @Test func interrupted() throws {
    try withFolder { folder in
      let run = try qverify(
        fuzz + ["--time", "60s", "--json", "r.json", "--junit", "r.xml"], folder: folder,
        interruptAfter: 1.5)
      #expect(run.code == 130)
      let report = try object(try read(folder + "/r.json"))
      #expect(report["interrupted"] as? Bool == true && report["exit_code"] as? Int == 130)
      #expect(try read(folder + "/r.xml").contains("<error type=\"interrupted\""))
    }
  }

  /// A report to a link is written through it: `--json /dev/stdout` must not replace the device.
  @Test func link() throws {
    try withFolder(["target.json": "old"]) { folder in
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link.json", withDestinationPath: "target.json")
      let run = try qverify(fuzz + ["--cases", "5", "--json", "link.json"], folder: folder)
      #expect(run.code == 0)
      let target = try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link.json")
      #expect(target == "target.json")
      #expect(try read(folder + "/target.json").hasPrefix("{\"format\": \"qverify-report\""))
    }
  }

  // MARK: merge

  private func shards(_ folder: String, _ arguments: [String]) throws {
    for shard in 0..<3 {
      let run = try qverify(
        arguments + ["--shard", "\(shard)/3", "--json", "\(shard).json"], folder: folder)
      #expect([0, 1, 2].contains(run.code), "\(run.error)")
    }
  }

  /// What a report says, but for times, the machine and how the work was split.
  private func essence(_ path: String) throws -> [String] {
    let report = try object(try read(path))
    let lanes = try #require(report["lanes"] as? [[String: Any]]).map { lane in
      try canonical(lane.filter { $0.key != "seconds" })
    }
    let keys = ["cases", "rejected", "cross_checked", "verdict", "mistrust", "skipped", "exit_code"]
    return try keys.map { "\($0) \(try canonical(report[$0] ?? ""))" } + lanes
  }

  /// Three shards are one run.
  @Test func merge() throws {
    try withFolder { folder in
      let arguments = fuzz + ["--cases", "90"]
      #expect(try qverify(arguments + ["--json", "whole.json"], folder: folder).code == 0)
      try shards(folder, arguments)
      let run = try qverify(
        ["merge", "2.json", "0.json", "1.json", "--json", "merged.json", "--html", "m.html"],
        folder: folder)
      #expect(run.code == 0 && run.error.isEmpty && run.output.contains("all agreed: 90 cases"))
      let (merged, whole) = (
        try essence(folder + "/merged.json"), try essence(folder + "/whole.json")
      )
      #expect(merged.count == whole.count)
      for (mine, theirs) in zip(merged, whole) { #expect(mine == theirs) }
      #expect(try read(folder + "/m.html").contains("Bit-exact on all 90 cases"))

      let missing = try qverify(["merge", "0.json", "2.json"], folder: folder)
      #expect(missing.code == 2 && missing.output.contains("mistrusted: missing shard: 1/3"))
      let twice = try qverify(["merge", "0.json", "0.json"], folder: folder)
      #expect(
        twice.code == 65
          && twice.error == "qverify: shard 0/3 is in '0.json' and in '0.json'\n")
      let other = try qverify(
        fuzz.map { $0 == "3" ? "4" : $0 } + [
          "--cases", "90", "--shard", "1/3", "--json", "other.json",
        ], folder: folder)
      #expect(other.code == 0)
      let mixed = try qverify(["merge", "0.json", "other.json"], folder: folder)
      #expect(mixed.code == 65 && mixed.output.isEmpty)
      #expect(mixed.error.contains("is of another campaign than '0.json': its seed is 4, not 3"))
    }
  }

  /// Failures of shards, and their corpora.
  @Test func mergeFailures() throws {
    try withFolder(["mine.yaml": Self.wrong]) { folder in
      for shard in 0..<2 {
        let run = try qverify(
          failing + [
            "--shard", "\(shard)/2", "--json", "\(shard).json", "--corpus", "found\(shard)",
          ], folder: folder)
        #expect(run.code == 1)
      }
      let run = try qverify(
        [
          "merge", "0.json", "1.json", "--format", "json", "--corpus", "found", "--from", "found0",
          "found1",
        ], folder: folder)
      #expect(run.code == 1 && run.error.isEmpty && run.lines.count == 2)
      #expect(run.line(0).hasPrefix("{\"corpus\": \"found\", \"added\": "))
      let report = try object(run.line(1))
      #expect(report["verdict"] as? String == "failed")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/found")
      #expect(!files.isEmpty)
      let replay = try qverify(
        ["replay", "found/\(files[0])", "--subject", "builtin:scalar", "--dialect", "mine.yaml"],
        folder: folder)
      #expect(replay.code == 1)
    }
  }

  /// 65: what is no report; 66: what is not there.
  @Test func badReports() throws {
    try withFolder(["empty.json": "", "other.json": "{\"seed\": 1}"]) { folder in
      let good = try qverify(fuzz + ["--cases", "5", "--format", "json"]).output
      try String(good.prefix(good.count / 2)).write(
        toFile: folder + "/half.json", atomically: true, encoding: .utf8)
      try good.write(toFile: folder + "/good.json", atomically: true, encoding: .utf8)
      let table: [(String, Int32, String)] = [
        ("good.json", 0, ""), ("half.json", 65, "'half.json': the text is cut short: "),
        ("empty.json", 65, "'empty.json': the text is cut short: "),
        ("other.json", 65, "'other.json': is not a report of qverify"),
        ("none.json", 66, "cannot read 'none.json'"),
      ]
      for (file, code, message) in table {
        let run = try qverify(["merge", file], folder: folder)
        #expect(run.code == code && (run.error.contains(message) || message.isEmpty), "\(file): \(run.error)")
        #expect(code == 0 || run.output.isEmpty)
      }
      let none = try qverify(["merge", "--corpus", "c", "--from", "nowhere"], folder: folder)
      #expect(none.code == 66 && none.error == "qverify: there is no folder 'nowhere'\n")
    }
  }

  /// A malformed file of a corpus is reported, and the rest is joined.
  @Test func badCorpus() throws {
    let good = EvalTests.ties
    try withFolder(["good.json": String(good), "bad.json": "oops\n"]) { folder in
      let run = try qverify(["merge", "--corpus", "new", "--from", "."], folder: folder)
      #expect(run.code == 65)
      #expect(run.error == "qverify: ./bad.json:1: malformed: expected a value (column 1)\n")
      #expect(run.output == "new: 1 cases added, 0 replaced by simpler ones, 0 there already\n")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder + "/new") == ["good.json"])
      #expect(FileManager.default.fileExists(atPath: folder + "/bad.json"))
    }
  }
}
