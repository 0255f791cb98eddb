import Foundation
import Testing

/// Kernels of others, as libraries and processes, the misbehaving ones among them.
@Suite struct ForeignKernelTests {
  private static let kernels = here.appendingPathComponent("kernels")
  private static let header = here.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/QVerifyKernel/include").path

  /// A C compiler: Swift's own where the system has none.
  private static let compiler =
    (try? execute("/usr/bin/env", ["cc", "--version"]).code == 0) ?? false ? "cc" : "clang"

  /// Builds `kernels/quantize.c` with options, or another text, into a library in a folder.
  private func build(_ options: [String], _ source: String? = nil, in folder: String) throws -> String {
    let path = folder + "/kernel.so"
    let file = source ?? Self.kernels.appendingPathComponent("quantize.c").path
    let run = try execute(
      "/usr/bin/env",
      [Self.compiler, "-O1", "-shared", "-fPIC", "-I" + Self.header, file, "-o", path, "-lm", "-lpthread"]
        + options)
    #expect(run.code == 0, "\(run.error)")
    return path
  }

  private func fuzz(_ subject: String, _ options: [String] = [], folder: String = "/") throws -> Run {
    try qverify(
      ["fuzz", "--ops", "quantize", "--subject", subject, "--seed", "5", "--cases", "250"] + options,
      folder: folder)
  }

  @Test func rightLibrary() throws {
    try withFolder { folder in
      let run = try fuzz("lib:" + build([], in: folder), ["--cases", "3000"])
      #expect(run.code == 0, "\(run.output)\(run.error)")
      #expect(run.output.contains("all agreed: 3000 cases"))
    }
  }

  /// Each fault with what the first line says of it.
  private static let faults: [(name: String, headline: String)] = [
    ("HALF_UP", "disagrees with exact"), ("CRASH", "crashed: raised SIGSEGV at address 0x8"),
    ("DIVIDE_BY_ZERO", "crashed: raised SIGFPE"), ("EXIT", "crashed: called exit()"),
    ("ABORT", "crashed: raised SIGABRT"),
    ("WRITE_AFTER", "overran: touched memory 1 byte after the end of 'y'"),
    ("WRITE_BEFORE", "overran: wrote memory 1 byte before the start of 'y'"),
    ("READ_AFTER", "overran: touched memory 1 byte after the end of 'x'"),
    ("READ_BEFORE", "overran: touched memory 1 byte before the start of 'x'"),
    ("WRITE_INPUT", "overran: wrote into its input 'x'"),
    ("WRITE_DIMS", "overran: wrote into the description of its call"),
    ("UNWRITTEN", "unwritten: left "),
    ("SECOND_CALL", "nondeterministic: gave "),
    ("PAGE_START", "depends on alignment: gave "),
    ("INVALID", "malformed answer: holds a valid case for invalid: too long"),
    ("STATUS", "malformed answer: returned status 17, which is none"),
    ("THREAD_CRASH", "crashed: its process was ended by SIGSEGV"),
    ("STACK_OVERFLOW", "crashed: raised SIGSEGV"),
    ("HALF_UNSUPPORTED", "nondeterministic: returned status 0 and, on another call, 1"),
  ]

  /// Each fault is found, named and shrunk to the six elements that it needs, and replays.
  @Test(arguments: faults) func fault(name: String, headline: String) throws {
    try withFolder { folder in
      let library = try build(["-DFAULT=" + name], in: folder)
      let run = try fuzz("lib:" + library)
      #expect(run.code == 1, "\(name): \(run.output)\(run.error)")
      #expect(run.line(0).contains("quantize/onnx: lib:\(library) \(headline)"), "\(run.line(0))")
      let elements = name == "HALF_UP" ? "to [23];" : "to [78];"
      #expect(run.output.firstMatch(of: try Regex(elements)) != nil, "\(name): \(run.output)")
      let choices = try #require(run.output.firstMatch(of: #/replay '(.*)' --subject/#))
      let replayed = try qverify(["replay", String(choices.1), "--subject", "lib:" + library])
      #expect(replayed.code == 1 && replayed.output.contains(headline), "\(replayed.output)")
    }
  }

  #if arch(x86_64)
    @Test func environment() throws {
      try withFolder { folder in
        let run = try fuzz("lib:" + build(["-DFAULT=ROUNDING_MODE"], in: folder))
        #expect(run.code == 1)
        #expect(run.line(0).contains("changed the environment: rounding mode changed to toward zero"))
      }
    }
  #endif

  @Test func hang() throws {
    try withFolder { folder in
      let run = try fuzz("lib:" + build(["-DFAULT=HANG"], in: folder), ["--timeout", "200ms"])
      #expect(run.code == 1 && run.line(0).contains("hung: did not return within 0.2 seconds"))
    }
  }

  /// What it prints goes to standard error, and its case is no failure.
  @Test func printing() throws {
    try withFolder { folder in
      let run = try fuzz("lib:" + build(["-DFAULT=PRINT"], in: folder))
      #expect(run.code == 0 && !run.output.contains("a kernel prints"))
      #expect(run.error.contains("a kernel prints"))
    }
  }

  @Test func flushToZero() throws {
    try withFolder { folder in
      let run = try fuzz("lib:" + build([], in: folder), ["--flush-to-zero"])
      #expect(run.code == 1 && run.line(0).contains("depends on flush-to-zero: gave "))
    }
  }

  /// Libraries that are none, with the exit code and a part of what is said.
  @Test func unusableLibraries() throws {
    let head = "#include \"qverify_kernel.h\"\n"
    let run = "qverify_status qverify_run(const qverify_call *call) { return QVERIFY_OK; }\n"
    func describe(_ claim: String, version: String = "QVERIFY_ABI_VERSION") -> String {
      head + "static const qverify_claim claims[] = {\(claim)};\n"
        + "static const qverify_description d = {\(version), \"k\", \"1\", claims, 1};\n"
        + "const qverify_description *qverify_describe(void) { return &d; }\n" + run
    }
    let table: [(source: String, message: String)] = [
      ("int x;", "exports no qverify_describe"),
      (describe("{\"quantize\"}", version: "2"), "has ABI version 2; this qverify speaks 1"),
      (describe("{\"dance\"}"), "claims 'dance', which is no operation"),
      (describe("{\"quantize\", \"onnx\", \"x=int9\"}"), "dtypes name 'int9', which is no type"),
      (describe("{.operation = \"quantize\", .ties = \"odd\"}"), "ties 'odd', must be one of"),
      (describe("{.operation = \"conv2d\", .layouts = \"NHCW\"}"), "layouts name 'NHCW'"),
      (
        head + "const qverify_description *qverify_describe(void) { return 0; }\n" + run,
        "qverify_describe returned NULL"
      ),
      (
        head + "const qverify_description *qverify_describe(void) { __builtin_trap(); }\n" + run,
        "its process was ended by SIG"
      ),
    ]
    try withFolder(["junk.so": "not a library"]) { folder in
      for (source, message) in table {
        let file = folder + "/kernel.c"
        try source.write(toFile: file, atomically: true, encoding: .utf8)
        let run = try fuzz("lib:" + build([], file, in: folder))
        #expect(run.code == 65 && run.error.contains(message), "\(message): \(run.error)")
      }
      let junk = try fuzz("lib:\(folder)/junk.so")
      #expect(junk.code == 65 && junk.error.contains("cannot be loaded"))
      let missing = try fuzz("lib:\(folder)/nothing.so")
      #expect(missing.code == 66 && missing.error == "qverify: cannot read '\(folder)/nothing.so'\n")
    }
  }

  @Test func claims() throws {
    try withFolder { folder in
      let library = try build([], in: folder)
      let run = try qverify(["ops", "--subject", "lib:" + library])
      #expect(run.code == 0 && run.output.hasPrefix("lib:\(library): test 1\n"))
      #expect(run.output.contains("quantize   onnx      x=float32 scale=float32 y=int8,uint8"))
      let tier = try qverify(["ops", "--subject", "builtin:scalar"])
      #expect(tier.code == 64 && tier.error.contains("only a shared library says what it claims"))
    }
  }

  // MARK: Processes

  private static let python =
    ["/usr/bin/python3", "/usr/local/bin/python3"].first {
      FileManager.default.isExecutableFile(atPath: $0)
    } ?? "python3"

  private static let hasPython = (try? execute("/usr/bin/env", [python, "-c", ""]).code == 0) ?? false

  private func command(_ fault: String) -> String {
    "cmd:\(Self.python) \(Self.kernels.appendingPathComponent("process.py").path) \(fault)"
  }

  @Test(.enabled(if: hasPython, "there is no python3")) func rightProcess() throws {
    let run = try fuzz(command(""), ["--cases", "500"])
    #expect(run.code == 0 || run.code == 2, "\(run.output)\(run.error)")
    #expect(run.output.firstMatch(of: #/quantize +onnx +cmd:.* (passed|mistrusted) /#) != nil)
    // Dialects that it never takes are none of its claims.
    #expect(run.output.contains("not run, no subject claims it: quantize/ap_fixed"))
  }

  private static let processFaults: [(name: String, headline: String)] = [
    ("half-up", "disagrees with exact"),
    ("garbage", "malformed answer: answered what is not JSON: 'hello'"),
    (
      "banner",
      "malformed answer: answered what is not JSON: 'loading weights': expected a value (column 1), "
        + "when it was started"
    ),
    ("shape", "malformed answer: answered 'y' as "),
    ("dtype", "malformed answer: answered 'y' as int32 "),
    ("crash", "crashed: was ended by SIGSEGV before it had answered"),
    ("exit", "crashed: exited with code 3 before it had answered"),
    ("order", "malformed answer: answered out of order: case '2' where '1' was due"),
    ("wrong", "malformed answer: answered case 'nobody', which it was not given; '1' was due"),
    ("twice", "malformed answer: answered case '1' twice"),
    ("close", "crashed: closed its output before it had answered"),
    ("null", "malformed answer: outputs.y: data[0] cannot be null"),
    ("nothing", "malformed answer: answered neither 'outputs' nor 'error'"),
    ("surplus", "malformed answer: answered the output 'z', which quantize does not have"),
    ("error", "crashed: answered the error 'exception: ValueError'"),
    ("hang", "hung: did not answer within 0.5 seconds"),
  ]

  @Test(.enabled(if: hasPython, "there is no python3"), arguments: processFaults)
  func processFault(name: String, headline: String) throws {
    let run = try fuzz(command(name), ["--timeout", "500ms", "--dialect", "onnx"])
    #expect(run.code == 1, "\(name): \(run.output)\(run.error)")
    #expect(run.line(0).contains(headline), "\(name): \(run.line(0))")
  }

  @Test func missingCommand() throws {
    let run = try fuzz("cmd:no-such-program --fast")
    #expect(run.code == 69 && run.error.contains("'no-such-program --fast' cannot be run"))
  }

  // MARK: Killed

  /// Whatever moment the process is killed at, every failure that it printed is in the corpus, and
  /// every file there is whole.
  @Test func killed() throws {
    try withFolder { folder in
      let library = try build(["-DFAULT=HALF_UP"], in: folder)
      for milliseconds in [150, 300, 500, 800] {
        let corpus = folder + "/corpus-\(milliseconds)"
        let run = try qverify(
          [
            "fuzz", "--subject", "lib:\(library),builtin:scalar", "--time", "20s", "--seed", "5",
            "--corpus", corpus,
          ], killAfter: Double(milliseconds) / 1000)
        #expect(run.code == SIGKILL)
        let files = (try? FileManager.default.contentsOfDirectory(atPath: corpus)) ?? []
        for match in run.output.matches(of: #/replay (\S+\.json) --subject/#) {
          #expect(FileManager.default.fileExists(atPath: String(match.1)), "\(match.1)")
        }
        for file in files where file.hasSuffix(".json") {
          let check = try qverify(["check", corpus + "/" + file])
          #expect(check.code == 0, "\(file): \(check.output)\(check.error)")
        }
      }
    }
  }

  /// No worker stays behind.
  @Test func noOrphans() throws {
    try withFolder { folder in
      let library = try build(["-DFAULT=HANG"], in: folder)
      _ = try qverify(
        ["fuzz", "--subject", "lib:\(library)", "--timeout", "100s", "--seed", "5"], killAfter: 1)
      Thread.sleep(forTimeInterval: 0.5)
      let left = try execute("/usr/bin/env", ["pgrep", "-f", library])
      #expect(left.output.isEmpty, "\(left.output)")
    }
  }
}
