import Foundation
import Testing

/// `qverify prove` as its users run it: verdicts, certificates, journals, shards, bad input.
@Suite struct ProveTests {
  private static let quantize = [
    "prove", "quantize", "--scale", "0.1", "--zero-point", "3", "--dtype", "int8",
  ]
  /// 2^22 inputs and a bit: two blocks, from below 0.5 to NaNs at the end of the second one.
  private static let part = ["--from", "0x7f700000", "--to", "0x7fb00000"]

  private static let compiler =
    (try? execute("/usr/bin/env", ["cc", "--version"]).code == 0) ?? false ? "cc" : "clang"

  /// Builds `kernels/one_wrong.c` into a library; returns the subject.
  private func kernel(_ options: [String] = [], in folder: String, name: String = "kernel") throws
    -> String
  {
    let path = folder + "/\(name).so"
    let header = here.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/QVerifyKernel/include").path
    let run = try execute(
      "/usr/bin/env",
      [
        Self.compiler, "-O2", "-shared", "-fPIC", "-I" + header,
        here.appendingPathComponent("kernels/one_wrong.c").path, "-o", path, "-lm",
      ] + options)
    #expect(run.code == 0, "\(run.error)")
    return "lib:" + path
  }

  @Test func agreement() throws {
    let run = try qverify(Self.quantize + Self.part + ["--subject", "builtin:scalar"])
    #expect(run.code == 0 && run.error.isEmpty, "\(run.error)")
    #expect(
      run.line(0)
        == "quantize/onnx: builtin:scalar agrees with exact on all 4,194,305 float32 inputs "
        + "from 0x7f700000 to 0x7fb00000")
    #expect(
      run.line(1)
        == "  parameters   scale = 0.1 (0x3dcccccd) float32; zero_point = 3 int8; y int8")
    #expect(run.line(2).contains("in steps whose two ends the definition confirmed"))
    #expect(run.line(3) == "  left open    3,145,728 elements, by the dialect: any answer")
    #expect(run.output.contains(#/\n  digest       [0-9a-f]{64}\n/#))
  }

  /// One wrong input among all: at the ends, in the middle of a stretch, at a step, a NaN payload.
  @Test(arguments: [
    (dialect: "onnx", from: "0x3f000000", to: "0x3f07ffff", wrong: "0x3f000000"),
    (dialect: "onnx", from: "0x3f000000", to: "0x3f07ffff", wrong: "0x3f07ffff"),
    (dialect: "onnx", from: "0x3f000000", to: "0x3f07ffff", wrong: "0x3f012345"),
    (dialect: "pytorch", from: "0xffc00000", to: "0xffc7ffff", wrong: "0xffc12345"),
    (dialect: "pytorch", from: "0x7f7fff00", to: "0x7f87ffff", wrong: "0x7f800001"),
    (dialect: "pytorch", from: "0x7fffff00", to: "0x800fffff", wrong: "0x80000000"),
  ]) func oneWrongInput(
    item: (dialect: String, from: String, to: String, wrong: String)
  ) throws {
    try withFolder { folder in
      let subject = try kernel(["-DWRONG=\(item.wrong)u"], in: folder)
      let options = ["--dialect", item.dialect, "--from", item.from, "--to", item.to]
      let run = try qverify(
        Self.quantize + options + ["--subject", subject, "--corpus", folder + "/corpus"])
      #expect(run.code == 1, "\(run.output)\(run.error)")
      #expect(run.line(0).contains("disagrees with exact in 1 element of all"))
      #expect(run.output.contains("(\(item.wrong))"))
      let replay = try #require(run.lines.first { $0.contains("replay  ") })
      let file = try #require(replay.firstMatch(of: #/qverify replay (\S+)/#)).1
      #expect(try qverify(["replay", String(file), "--subject", subject]).code == 1)
      let right = try kernel(in: folder, name: "right")
      #expect(try qverify(["replay", String(file), "--subject", right]).code == 0)
      #expect(try qverify(Self.quantize + options + ["--subject", right]).code == 0)
    }
  }

  /// A kernel that is wrong in short calls only: found with `--tails`, whatever the input is.
  @Test func wrongTail() throws {
    try withFolder { folder in
      let subject = try kernel(
        ["-DWRONG=0x3f012345u", "-DWHERE=i >= (x->count & ~7)"], in: folder)
      let command =
        Self.quantize + ["--from", "0x3f010000", "--to", "0x3f01ffff", "--subject", subject]
      #expect(try qverify(command).code == 0)
      let run = try qverify(command + ["--tails"])
      #expect(run.code == 1)
      #expect(run.output.contains("(0x3f012345)"))
    }
  }

  @Test func certificate() throws {
    try withFolder { folder in
      let subject = try kernel(in: folder)
      let file = folder + "/c.json"
      let command = Self.quantize + Self.part + ["--subject", subject]
      let run = try qverify(command + ["--certificate", file])
      #expect(run.code == 0, "\(run.error)")
      #expect(run.lines.last == "  certificate  \(file)")
      #expect(!FileManager.default.fileExists(atPath: file + ".progress"))
      let verified = try qverify(["prove", "--verify", file])
      #expect(verified.code == 0, "\(verified.error)")
      #expect(verified.output.contains("agrees with exact and with '\(file)': 2 of 2 blocks"))
      let partly = try qverify(["prove", "--verify", file, "--part", "50", "--seed", "7"])
      #expect(partly.code == 0 && partly.lines.first == "seed 7")
      #expect(partly.output.contains("1 of 2 blocks"))

      let again = try qverify(command + ["--certificate", file])
      #expect(again.code == 66)
      #expect(
        again.error == "qverify: --certificate: '\(file)' exists; a certificate is never "
          + "overwritten\n")
      _ = try kernel(["-DWRONG=0x3f012345u"], in: folder)
      let changed = try qverify(["prove", "--verify", file])
      #expect(changed.code == 65)
      #expect(changed.error.contains("is not what was proven: its file has another digest now"))
    }
  }

  /// Any digit of any field, one at a time.
  @Test func editedCertificate() throws {
    try withFolder { folder in
      let file = folder + "/c.json"
      let run = try qverify(
        Self.quantize + ["--from", "0", "--to", "99", "--certificate", file])
      #expect(run.code == 0, "\(run.error)")
      let text = Array(try String(contentsOfFile: file, encoding: .utf8).utf8)
      let digits = text.indices.filter { (0x30...0x39).contains(text[$0]) }
      for index in stride(from: 0, to: digits.count, by: max(1, digits.count / 40)) {
        var edited = text
        edited[digits[index]] = text[digits[index]] == 0x39 ? 0x30 : text[digits[index]] + 1
        let other = folder + "/edited.json"
        try Data(edited).write(to: URL(fileURLWithPath: other))
        let run = try qverify(["prove", "--verify", other])
        #expect(run.code == 65, "digit \(index): \(run.output)")
      }
      try Data(text.prefix(text.count / 2)).write(to: URL(fileURLWithPath: file))
      let cut = try qverify(["prove", "--verify", file])
      #expect(cut.code == 65 && cut.error == "qverify: '\(file)': the text is cut short\n")
      #expect(try qverify(["prove", "--verify", folder + "/none"]).code == 66)
    }
  }

  @Test func shards() throws {
    try withFolder { folder in
      let command = Self.quantize + ["--from", "0", "--to", "0xbfffff"]
      func certificate(_ name: String, _ options: [String]) throws -> String {
        let file = folder + "/\(name).json"
        let run = try qverify(command + options + ["--certificate", file])
        #expect(run.code == 0, "\(run.error)")
        return file
      }
      let whole = try certificate("whole", [])
      let parts = try (0..<3).map { try certificate("part\($0)", ["--shard", "\($0)/3"]) }
      let merged = folder + "/merged.json"
      let run = try qverify(["merge", parts[2], parts[0], parts[1], "--certificate", merged])
      #expect(run.code == 0, "\(run.error)")
      #expect(run.line(0).contains("agrees with exact on all 12,582,912 inputs, by 3 certificates"))
      func digest(_ file: String) throws -> String? {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        return text.firstMatch(of: #/"digest": "([0-9a-f]{64})", "blocks"/#).map { String($0.1) }
      }
      #expect(try digest(whole) == digest(merged))
      #expect(try qverify(["prove", "--verify", merged]).code == 0)
      let missing = try qverify(["merge", parts[0], parts[2]])
      #expect(missing.code == 65)
      #expect(missing.error == "qverify: positions 4194304 to 8388607 are in no certificate\n")
      let twice = try qverify(["merge", parts[0], parts[1], parts[1], parts[2]])
      #expect(twice.code == 65 && twice.error.contains("overlap: both hold"))
    }
  }

  /// Killed or interrupted, it goes on where it was; another proof's progress is refused.
  @Test func interruption() throws {
    try withFolder { folder in
      // 512 calls a block, so that a block takes a quarter of a second.
      let subject = try kernel(["-DDELAY=400"], in: folder)
      let file = folder + "/c.json"
      let command =
        Self.quantize + ["--from", "0", "--to", "0x3fffffff", "--jobs", "1", "--subject", subject]
        + ["--certificate", file]
      _ = try qverify(command, killAfter: 5)
      let journal = try String(contentsOfFile: file + ".progress", encoding: .utf8)
      let done = journal.split(separator: "\n").count - 1
      #expect(done > 0 && !FileManager.default.fileExists(atPath: file))
      let second = try qverify(command, interruptAfter: 4)
      #expect(second.code == 130)
      let known = try #require(second.error.firstMatch(of: #/going on: ([0-9]+) of 256 blocks/#))
      // The last line may have been cut by the kill.
      #expect(Int(known.1) ?? 0 >= done - 1)
      #expect(second.error.contains("the same command goes on from here"))
      let other = try qverify(command + ["--tails"])
      #expect(other.code == 65)
      #expect(other.error.contains("holds the progress of another proof"))
    }
  }

  @Test func multipliers() throws {
    let table = """
      # two channels of a convolution
      name,multiplier,shift,zero_point,acc_min,acc_max
      first,1518500250,-9,3,-40000,50000
      second,1073741824,-7,-128,-2147483648,-2147400000
      """
    try withFolder(["table.csv": table]) { folder in
      let command = [
        "prove", "requantize", "--dialect", "tflite", "--dtype", "int8", "--multipliers",
        folder + "/table.csv",
      ]
      let run = try qverify(command)
      #expect(run.code == 0, "\(run.error)")
      #expect(run.line(0).contains("on all 173,650 int32 inputs of 2 channels"))
      let single = try qverify(
        ["prove", "requantize", "--dialect", "tflite", "--dtype", "int8", "--multiplier", "1518500250"]
          + ["--shift", "-9", "--zero-point", "3", "--from", "-40000", "--to", "50000"])
      #expect(single.code == 0 && single.line(0).contains("all 90,001 int32 inputs"))
    }
    let wrong: [(text: String, message: String)] = [
      ("scale\n", "has no channel"), ("", "has no line that names the columns"),
      ("scales\n1\n", "line 1: unknown column 'scales'"),
      ("multiplier\n1\n", "line 1: needs the column scale, or the columns multiplier and shift"),
      ("scale,acc_min\n1,2\n", "line 1: acc_min and acc_max go together"),
      ("scale,acc_min,acc_max\n1,3,2\n", "line 2: acc_min 3 is above acc_max 2"),
      ("scale\n0.1,2\n", "line 2: has 2 fields for 1 columns"),
      ("multiplier,shift\n1,x\n", "line 2: shift 'x' is not an integer"),
      ("scale\n-1\n", "line 2: scale is -1; it must be finite and greater than zero"),
    ]
    for (text, message) in wrong {
      try withFolder(["table.csv": text]) { folder in
        let run = try qverify(
          ["prove", "requantize", "--dtype", "int8", "--multipliers", folder + "/table.csv"])
        #expect(run.code == 65 && run.error.contains(message), "\(text): \(run.error)")
      }
    }
  }

  @Test func badInput() throws {
    let table: [(arguments: [String], code: Int32, message: String)] = [
      (["prove"], 64, "name the operation to prove"),
      (["prove", "dance"], 64, "unknown operation 'dance'"),
      (["prove", "conv2d"], 64, "conv2d is not element-wise"),
      (["prove", "quantize"], 64, "quantize needs --scale"),
      (["prove", "quantize", "--scale", "0"], 65, "scale is 0; it must be finite and greater"),
      (["prove", "requantize", "--scale", "1", "--dialect", "pytorch"], 64, "belongs to an engine"),
      (["prove", "quantize", "--scale", "1", "--dialect", "nope"], 64, "no such dialect"),
      (Self.quantize + ["--from", "5", "--to", "4"], 64, "--from and --to must be ordered"),
      (Self.quantize + ["--from", "x"], 64, "--from takes an integer or an encoding"),
      (Self.quantize + ["--shard", "3/3"], 64, "--shard takes i/n with i from 0 to n - 1"),
      (Self.quantize + ["--part", "5"], 64, "--part and --seed go with --verify"),
      (["prove", "quantize", "--verify", "c"], 64, "--verify takes an operation from the"),
      (["prove", "--verify", "c", "--part", "101"], 64, "--part takes a percentage"),
      (Self.quantize + ["--subject", "lib:/none.so"], 66, "cannot read '/none.so'"),
      (Self.quantize + ["--certificate", "/none/c.json"], 66, "the folder '/none' does not exist"),
      (Self.quantize + ["--multipliers", "x"], 64, "--multipliers is for requantize"),
    ]
    for (arguments, code, message) in table {
      let run = try qverify(arguments)
      #expect(run.code == code && run.error.contains(message), "\(arguments): \(run.error)")
    }
    let refused = try qverify(
      ["prove", "quantize", "--scale", "1", "--dtype", "float8_e4m3fn", "--subject"]
        + ["builtin:scalar"])
    #expect(refused.code == 2 && refused.line(0).contains("unsupported: float8_e4m3fn as output"))
  }

  /// What a proof cannot write it says, and what was proven before is kept.
  @Test func fullDisk() throws {
    try withFolder { folder in
      let file = folder + "/c.json"
      let command = Self.quantize + ["--from", "0", "--to", "0x1ffffff", "--certificate", file]
      // No file may grow beyond 1 KiB, which is not a signal but an error.
      let script = "ulimit -f 1; trap '' XFSZ; exec \"$0\" \"$@\""
      let run = try execute("/usr/bin/env", ["bash", "-c", script, binary.path] + command)
      #expect(run.code == 66 && run.error.contains("cannot write '\(file).progress'"), "\(run.error)")
      #expect(run.error.contains("what was written to it before is kept"))
      #expect(!FileManager.default.fileExists(atPath: file))
      let second = try qverify(command)
      #expect(second.code == 0 && second.error.contains("blocks were done before"))
      #expect(try qverify(["prove", "--verify", file]).code == 0)
    }
  }
}
