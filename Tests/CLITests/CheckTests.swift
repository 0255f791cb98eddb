import Foundation
import Testing

/// `qverify check`, `replay`, `fuzz`, `ops` and `golden`: verdicts and exit codes.
@Suite struct CheckTests {
  private let answered =
    EvalTests.ties.dropLast()
    + ", \"outputs\": {\"y\": {\"dtype\": \"int8\", \"shape\": [4], \"data\": [5, 77, -128, 15]}}}"

  private func check(_ input: some StringProtocol, _ options: [String] = []) throws -> Run {
    try qverify(["check", "-"] + options, input: String(input))
  }

  /// 0: all agreed.
  ///
  /// `null` agrees with anything, and anything with what is unspecified.
  @Test func agreed() throws {
    let run = try check(answered)
    #expect(run.code == 0 && run.output == "1 agreed\n" && run.error.isEmpty)
    #expect(try check(answered.replacing("[5, 77", with: "[null, 77")).code == 0)
    let subject = try check(EvalTests.ties, ["--subject", "builtin:scalar"])
    #expect(subject.code == 0 && subject.output == "1 agreed\n")
  }

  /// 1: a mismatch, with the element, the exact value and how it comes about.
  @Test func mismatch() throws {
    let run = try check(answered.replacing("[5, 77", with: "[6, 77"))
    #expect(run.code == 1 && run.error.isEmpty)
    #expect(run.line(0) == "ties: quantize/onnx: the file disagrees with exact")
    #expect(run.line(1) == "  y[0] is 6, exact is 5; 1 of 4 elements disagree")
    #expect(run.lines.contains { $0.hasSuffix("[rounding §1]") } && run.lines.last == "1 failed")
    let shape = try check(
      answered.replacing(
        "\"int8\", \"shape\": [4], \"data\": [5", with: "\"int16\", \"shape\": [4], \"data\": [5"))
    #expect(shape.code == 1 && shape.output.contains("  y is int16 [4], exact is int8 [4]"))
    let other = try check(answered.replacing("\"y\": {", with: "\"z\": {"))
    #expect(other.code == 65 && other.error.contains("unknown output 'z' for quantize"))
    let missing = try check(EvalTests.ties.dropLast() + ", \"outputs\": {}}")
    #expect(missing.code == 1 && missing.output.contains("output 'y' is missing"))
  }

  /// 2: nothing was compared.
  @Test func mistrusted() throws {
    let unsupported = EvalTests.ties.replacing("onnx", with: "tosa-single")
    let run = try check(unsupported, ["--subject", "builtin:scalar"])
    #expect(run.code == 2 && run.lines.last == "1 unsupported")
    let unclaimed = try check(
      EvalTests.ties.replacing("onnx", with: "ideal"), ["--subject", "builtin:scalar"])
    #expect(
      unclaimed.code == 2
        && unclaimed.output.contains(
          "unsupported: no built-in kernel for quantize in dialect 'ideal'")
    )
    let empty = try check("")
    #expect(empty.code == 2 && empty.output == "no cases\n")
  }

  /// 65: a case is none; the others are checked all the same.
  @Test func malformed() throws {
    let run = try check("oops\n\(answered)")
    #expect(run.code == 65 && run.output == "1 agreed, 1 malformed\n")
    #expect(run.error == "-:1: malformed: expected a value (column 1)\n")
    let bare = try check(EvalTests.ties)
    #expect(bare.code == 65 && bare.error.contains("has no outputs to check; name a subject"))
    let json = try check("oops\n\(answered)", ["--format", "json"])
    #expect(
      json.lines.count == 2
        && json.line(1)
          == "{\"id\": \"ties\", \"line\": 2, \"status\": \"agreed\", \"detail\": \"ties: agreed\"}"
    )
  }

  /// 69: a subject that this machine does not have.
  @Test func unavailable() throws {
    #if arch(x86_64)
      let run = try check(EvalTests.ties, ["--subject", "builtin:neon"])
      #expect(run.code == 69 && run.error.contains("neon"))
    #endif
  }

  /// A dialect of one's own that the kernels do not compute: found, shrunk, saved, replayed.
  @Test func fuzzSaveReplay() throws {
    let mine = "name: mine\nextends: onnx\nquantize: {rounding: nearest_away}\n"
    try withFolder(["mine.yaml": mine]) { folder in
      let arguments = [
        "fuzz", "--ops", "quantize", "--dialect", "mine.yaml", "--subject", "builtin:scalar",
        "--cases",
        "96", "--seed", "3", "--corpus", "found", "--quiet",
      ]
      let run = try qverify(arguments, folder: folder)
      #expect(run.code == 1)
      #expect(run.output.contains("quantize/mine: builtin:scalar disagrees with exact"))
      let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/found")
      #expect(files.count == 1)
      let file = "found/\(files.first ?? "")"
      #expect(
        run.output.contains("qverify replay \(file) --subject builtin:scalar --dialect mine.yaml"))

      let replay = try qverify(
        ["replay", file, "--subject", "builtin:scalar", "--dialect", "mine.yaml"], folder: folder)
      #expect(
        replay.code == 1 && replay.output.contains("nearest, ties away from zero [rounding §2]"))
      // In the dialect that the kernel claims, it is right.
      let onnx = try qverify(
        ["replay", file, "--subject", "builtin:scalar", "--dialect", "onnx"], folder: folder)
      #expect(onnx.code == 0 && onnx.output.contains("builtin:scalar agrees with exact"))

      // The regression runs first, and is not saved a second time.
      let again = try qverify(arguments, folder: folder)
      #expect(again.code == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/found") == files)
    }
  }

  /// Choices as `fuzz` prints them.
  @Test func replayChoices() throws {
    let run = try qverify([
      "replay", "quantize/onnx:0*2,1,0*4;0;0;1119420651", "--subject", "builtin:scalar",
    ])
    #expect(run.code == 0 && run.output == "quantize/onnx: builtin:scalar agrees with exact\n")
    let all = try qverify(["replay", "quantize/onnx:0"])
    #expect(all.code == 0 && all.output.contains("builtin:scalar agrees with exact"))
    let unclaimed = try qverify(["replay", "quantize/ideal:0", "--subject", "builtin:scalar"])
    #expect(unclaimed.code == 2 && unclaimed.output.contains("unsupported: no built-in kernel"))
    try withFolder(["case.json": EvalTests.ties, "bad.json": "oops"]) { folder in
      let codes = try ["case.json", "bad.json"].map {
        try qverify(["replay", $0], folder: folder).code
      }
      #expect(codes == [0, 65])
    }
  }

  /// 0 and the same words for the same seed, whatever the number of threads; 2 where nobody claims it.
  @Test func fuzz() throws {
    func lines(_ jobs: String) throws -> [String] {
      let run = try qverify([
        "fuzz", "--ops", "dynamic_quantize", "--dialect", "onnx", "--subject", "builtin:scalar",
        "--cases",
        "60", "--seed", "1", "--jobs", jobs, "--quiet",
      ])
      #expect(run.code == 0, "\(run.output)\(run.error)")
      // Times and rates differ.
      return run.output.split(separator: " ").map(String.init).filter {
        Double($0) == nil || Int($0) == 60
      }
    }
    let one = try lines("1")
    #expect(one.contains { $0.contains("dynamic_quantize") })
    let none = try qverify([
      "fuzz", "--ops", "quantize", "--dialect", "qonnx", "--cases", "1", "--quiet",
    ])
    #expect(none.code == 2)
    let json = try qverify([
      "fuzz", "--ops", "dynamic_quantize", "--dialect", "onnx", "--subject", "builtin:scalar",
      "--cases",
      "20", "--seed", "1", "--format", "json", "--quiet",
    ])
    let parsed = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(json.code == 0 && parsed?["seed"] as? Int == 1)
  }

  /// 130: interrupted, with what was found.
  @Test func interrupted() throws {
    let run = try qverify(
      [
        "fuzz", "--ops", "dequantize", "--dialect", "onnx", "--subject", "builtin:scalar", "--time",
        "60s",
        "--seed", "1", "--quiet",
      ], interruptAfter: 1.5)
    #expect(run.code == 130 && run.output.contains("dequantize"))
  }

  @Test func ops() throws {
    let run = try qverify(["ops"])
    #expect(run.code == 0 && run.error.isEmpty)
    for word in [
      "quantize", "depthwise_conv2d", "onnx-reference", "ap_fixed", "builtin:scalar", "quant",
    ] {
      #expect(run.output.contains(word), "\(word)")
    }
    let json = try qverify(["ops", "--format", "json"])
    let parsed = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(json.code == 0 && (parsed?["operations"] as? [Any])?.count ?? 0 >= 12)
    #expect((parsed?["dialects"] as? [Any])?.count ?? 0 >= 26)
  }

  /// The binary works from any directory, and reads nothing of the checkout.
  @Test func anyDirectory() throws {
    try withFolder { folder in
      let copy = folder + "/elsewhere"
      try FileManager.default.copyItem(atPath: binary.path, toPath: copy)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: copy)
      process.arguments = ["replay", "quantize/onnx:0", "--subject", "builtin:scalar"]
      process.currentDirectoryURL = URL(fileURLWithPath: folder)
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
  }
}
