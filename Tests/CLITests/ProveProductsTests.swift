import Foundation
import Testing

/// `qverify prove products` from the outside: texts, exit codes, certificates.
@Suite struct ProveProductsTests {
  private static let header = here.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/QVerifyKernel/include").path

  /// A C compiler: Swift's own where the system has none.
  private static let compiler =
    (try? execute("/usr/bin/env", ["cc", "--version"]).code == 0) ?? false ? "cc" : "clang"

  private func prove(_ options: String, subject: String = "builtin:scalar", folder: String = "/") throws
    -> Run
  {
    try qverify(
      ["prove", "products", "--op", "matmul", "--subject", subject, "--length", "3"]
        + options.split(separator: " ").map(String.init), folder: folder)
  }

  /// A library from `kernels/matmul.c` with a fault.
  private func library(_ fault: String, in folder: String) throws -> String {
    let path = folder + "/\(fault).so"
    let source = here.appendingPathComponent("kernels/matmul.c").path
    let run = try execute(
      "/usr/bin/env",
      [Self.compiler, "-O1", "-shared", "-fPIC", "-I" + Self.header, "-DFAULT=\(fault)", source, "-o", path])
    #expect(run.code == 0, "\(run.error)")
    return "lib:" + path
  }

  @Test func bytes() throws {
    let run = try prove("--a-dtype int8 --b-dtype int8 --b-zero-point -3 --jobs 1")
    #expect(run.code == 0 && run.error.isEmpty, "\(run.output)\(run.error)")
    #expect(
      run.line(0) == "matmul/onnx: builtin:scalar agrees with exact on all 65,536 dot products of "
        + "depth 1, int8 x int8")
    #expect(run.line(1) == "  parameters   b_zero_point = -3 int8; y int32; a int8, b int8")
    #expect(
      run.line(2).hasPrefix(
        "  exact        sums of exact products in 64-bit integers, which cannot overflow; the "
          + "definition confirmed "))
    #expect(
      run.line(3) == "  calls        of up to 256 x 256 dot products and every tail below 64; of 1 to "
        + "3 terms, those that are not free zero; each dot product at all 5 placements of its terms")
  }

  @Test func oneWrongPair() throws {
    try withFolder { folder in
      let subject = try library("ONE_PAIR", in: folder)
      let run = try prove("--a-dtype int8 --b-dtype int8", subject: subject, folder: folder)
      #expect(run.code == 1, "\(run.error)")
      #expect(
        run.line(0) == "matmul/onnx: \(subject) disagrees with exact in 1 element of all 65,536 dot "
          + "products of depth 1, int8 x int8")
      #expect(run.output.contains("input       a = [-77] int8 [1, 1]\n"))
      #expect(run.output.contains("b = [113] int8 [1, 1]\n"))
      #expect(run.output.contains("exact       y[0, 0] = -8701\n"))
      let json = try prove(
        "--a-dtype int8 --b-dtype int8 --format json", subject: subject, folder: folder)
      #expect(json.code == 1 && json.output.hasPrefix("{\"agrees\": false, \"wrong\": 1, "))
    }
  }

  /// What a kernel may not do, found in the call of a whole tile.
  @Test func faults() throws {
    try withFolder { folder in
      for (fault, headline) in [
        ("CRASH", "crashed: raised SIGSEGV at address 0x8"),
        ("HANG", "hung: did not return within 0.2 seconds"),
        ("WRITE_AFTER", "overran: touched memory 1 byte after the end of 'y'"),
      ] {
        let run = try prove(
          "--a-dtype int8 --b-dtype int8 --timeout 200ms", subject: library(fault, in: folder))
        #expect(run.code == 1, "\(fault) \(run.error)")
        #expect(run.line(0).hasSuffix(headline), "\(run.line(0))")
        #expect(
          run.line(1) == "  call         256 rows x 256 columns from a = [-128], b = [-128]",
          "\(fault)")
      }
      let run = try prove("--a-dtype int8 --b-dtype int8 --max-failures 1", subject: library("UNWRITTEN", in: folder))
      #expect(run.code == 1 && run.output.contains(" unwritten: left "), "\(run.output)")
    }
  }

  /// A certificate is verified; an edited one, one of another subject, or one that exists is refused.
  @Test func certificate() throws {
    try withFolder { folder in
      let subject = try library("RIGHT", in: folder)
      func prove() throws -> Run {
        try self.prove(
          "--a-dtype int4 --b-dtype int4 --depth 2 --dialect tflite --certificate c.json",
          subject: subject, folder: folder)
      }
      let run = try prove()
      #expect(run.code == 0, "\(run.output)\(run.error)")
      #expect(run.line(5).hasPrefix("  time ") && run.line(6) == "  certificate  c.json")
      let verified = try qverify(["prove", "--verify", "c.json"], folder: folder)
      #expect(verified.code == 0, "\(verified.output)\(verified.error)")
      #expect(verified.output.contains("1 of 1 blocks, 65,536 dot products, in "))
      let text = try String(contentsOfFile: folder + "/c.json", encoding: .utf8)
      try text.replacing("\"depth\": 2", with: "\"depth\": 1")
        .write(toFile: folder + "/edited.json", atomically: true, encoding: .utf8)
      let edited = try qverify(["prove", "--verify", "edited.json"], folder: folder)
      #expect(edited.code == 65 && edited.error.contains("was edited"), "\(edited.error)")
      #expect(try prove().code == 66)
      let merged = try qverify(["merge", "c.json", "--certificate", "all.json"], folder: folder)
      #expect(
        merged.line(0).hasSuffix("agrees with exact on all 65,536 dot products, by 1 certificates"))
      _ = try library("PAIRS_SATURATE", in: folder)
      try FileManager.default.removeItem(atPath: folder + "/RIGHT.so")
      try FileManager.default.moveItem(
        atPath: folder + "/PAIRS_SATURATE.so", toPath: folder + "/RIGHT.so")
      let changed = try qverify(["prove", "--verify", "c.json"], folder: folder)
      #expect(changed.code == 65 && changed.error.contains("has another digest now"))
    }
  }

  #if !DEBUG
    /// Shards of more than one block give certificates that merge into that of the whole.
    @Test func shards() throws {
      try withFolder { folder in
        let subject = try library("RIGHT", in: folder)
        for shard in 0..<2 {
          let run = try prove(
            "--a-dtype int4 --b-dtype int4 --depth 3 --dialect tflite --shard \(shard)/2 "
              + "--certificate \(shard).json", subject: subject, folder: folder)
          #expect(run.code == 0, "\(run.output)\(run.error)")
          #expect(
            run.line(0).hasSuffix("8,388,608 dot products of depth 3, int4 x int4, a part"))
        }
        let merged = try qverify(
          ["merge", "1.json", "0.json", "--certificate", "all.json"], folder: folder)
        #expect(merged.code == 0, "\(merged.error)")
        #expect(merged.line(0).hasSuffix("all 16,777,216 dot products, by 2 certificates"))
        let verified = try qverify(
          ["prove", "--verify", "all.json", "--part", "20", "--seed", "3"], folder: folder)
        #expect(verified.code == 0, "\(verified.output)\(verified.error)")
        #expect(verified.output.contains("1 of 4 blocks, 4,194,304 dot products, in "))
      }
    }
  #endif

  @Test func exitCodes() throws {
    let table: [(options: String, code: Int32)] = [
      ("--a-dtype int8", 64), ("--a-dtype int8 --b-dtype word", 64),
      ("--a-dtype int8 --b-dtype int8 --depth 3", 64),
      ("--a-dtype int8 --b-dtype int8 --depth 0", 64),
      ("--a-dtype int8 --b-dtype int8 --length 0", 64),
      ("--a-dtype int8 --b-dtype int8 --layout NHWC", 64),
      ("--a-dtype int8 --b-dtype int8 --a-zero-point 128", 64),
      ("--a-dtype float32 --b-dtype int8", 64),
      ("--a-dtype int8 --b-dtype int8 --dialect nobody.yaml", 66),
      // No tier has kernels of four bits.
      ("--a-dtype int4 --b-dtype int4 --dialect tflite", 2),
      ("--a-dtype int4 --b-dtype int4", 64),
    ]
    for (options, code) in table {
      let run = try prove(options)
      #expect(run.code == code, "\(options): \(run.code) \(run.error)")
      #expect(code == 2 || run.output.isEmpty && !run.error.isEmpty, "\(options)")
    }
  }
}
