import Foundation
import Testing

/// Kernels as public frameworks have them are identified; those with a twist fit no dialect.
@Suite struct IdentifyTests {
  private static let header = here.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/QVerifyKernel/include").path
  private static let compiler =
    (try? execute("/usr/bin/env", ["cc", "--version"]).code == 0) ?? false ? "cc" : "clang"

  /// Builds one of the kernels of a file.
  private func build(
    _ kernel: String, of file: String = "frameworks.c", in folder: String
  ) throws -> String {
    let path = folder + "/kernel.so"
    let source = here.appendingPathComponent("kernels/" + file).path
    let run = try execute(
      "/usr/bin/env",
      [
        Self.compiler, "-O2", "-shared", "-fPIC", "-ffp-contract=off", "-DKERNEL=" + kernel,
        "-DFAULT=" + kernel, "-I" + Self.header, source, "-o", path, "-lm", "-lpthread",
      ])
    #expect(run.code == 0, "\(run.error)")
    return path
  }

  /// What `identify` says of a function, as JSON.
  private struct Found: Decodable {
    struct Operation: Decodable {
      var operation: String
      var verdict: String
      var calls: Int
      var functions: [Function]
    }
    struct Function: Decodable {
      var faults: [String]
      var matches: [Named]
      var nearest: [Named]
      var properties: [Property]
    }
    struct Named: Decodable { var dialect: String }
    struct Property: Decodable {
      var name: String
      var value: String
    }
    var operations: [Operation]
  }

  private func identify(_ kernel: String, _ operation: String) throws -> (Run, Found.Operation) {
    var result: (Run, Found.Operation)?
    try withFolder { folder in
      let library = try build(kernel, in: folder)
      let run = try qverify([
        "identify", "--subject", "lib:" + library, "--op", operation, "--format", "json",
      ])
      let found = try JSONDecoder().decode(Found.self, from: Data(run.output.utf8))
      result = (run, try #require(found.operations.first))
    }
    return try #require(result)
  }

  /// The kernels of frameworks, with the dialects that must agree and must not.
  private static let known: [(kernel: String, operation: String, first: String, never: String)] = [
    ("ORT", "quantize", "onnx", "tflite"),
    ("TFLITE_REFERENCE", "quantize", "tflite", "onnx"),
    ("XNNPACK_MAGIC", "quantize", "xnnpack-fp32", "pytorch"),
    ("FBGEMM_FUSED", "quantize", "pytorch", "xnnpack-fp32"),
    // Without its nudge the rounding shift is half up: the other kernels' function.
    ("GEMMLOWP_WITHOUT_NUDGE", "requantize", "tflite-opt", "tflite"),
    ("SINGLE_ROUNDING", "requantize", "tflite-single", "tflite"),
    ("CMSIS", "requantize", "cmsis-nn", "tflite"),
    ("ONEDNN_LIKE", "requantize", "onednn", "fbgemm"),
    ("DEQUANTIZE_PRODUCTS", "dequantize", "tflite-opt", "tflite"),
  ]

  /// Those that a debug build, which takes half a minute for each, has time for.
  private static var sample: [(kernel: String, operation: String, first: String, never: String)] {
    #if DEBUG
      known.filter { ["FBGEMM_FUSED", "GEMMLOWP_WITHOUT_NUDGE"].contains($0.kernel) }
    #else
      known
    #endif
  }

  /// What some of them were seen to do: name and value of properties.
  private static let seen: [String: [(String, String)]] = [
    "XNNPACK_MAGIC": [
      ("scaling", "multiplication by the reciprocal"), ("zero point", "after the rounding"),
      ("rounding", "half to even"), ("NaN", "the highest level"),
    ],
    "FBGEMM_FUSED": [("zero point", "before the rounding, in a fused multiply-add")],
    "TFLITE_REFERENCE": [
      ("scaling", "division by the scale"), ("rounding", "half away from zero"),
      ("from 2^31 levels on", "INT_MIN plus the zero point, cut to 32 bits"),
    ],
    "GEMMLOWP_WITHOUT_NUDGE": [("roundings", "two, of a high product and of the rest")],
  ]

  @Test func frameworks() throws {
    for entry in Self.sample {
      let (run, found) = try identify(entry.kernel, entry.operation)
      #expect(run.code == 0 && found.verdict == "identified", "\(entry): \(run.output)")
      #expect(found.calls <= 200 && found.functions.count == 1, "\(entry)")
      let names = found.functions.flatMap(\.matches).map(\.dialect)
      #expect(names.contains(entry.first), "\(entry): \(names)")
      #expect(!names.contains(entry.never), "\(entry): \(names)")
      let properties = found.functions.flatMap(\.properties)
      for (name, value) in Self.seen[entry.kernel] ?? [] {
        let text = properties.first { $0.name == name }?.value ?? "is missing"
        #expect(text == value, "\(entry.kernel): \(name) \(text)")
      }
    }
  }

  /// A kernel with a twist fits no dialect; the nearest is named, with what speaks against it.
  @Test func twists() throws {
    for (kernel, operation, nearest) in [
      ("ORT_HALF_UP", "quantize", "tflite"), ("GEMMLOWP_ODD", "requantize", "tflite"),
    ] {
      let (run, found) = try identify(kernel, operation)
      #expect(run.code == 1 && found.verdict == "no dialect", "\(kernel): \(run.output)")
      let first = found.functions.first?.nearest.first?.dialect
      #expect(first == nearest, "\(kernel): \(first ?? "none")")
    }
  }

  /// A vector body and a tail that round differently are no function of their inputs.
  @Test func twoFaced() throws {
    let (run, found) = try identify("TWO_FACED", "quantize")
    #expect(run.code == 1)
    let faults = found.functions.flatMap(\.faults)
    #expect(faults.contains { $0.hasPrefix("depends on the length of the call") }, "\(faults)")
  }

  /// A kernel that misbehaves is said to, and not for its dialect.
  @Test func misbehaving() throws {
    for (fault, text) in [
      ("CRASH", "crashed: raised SIGSEGV"), ("HANG", "hung: did not return"),
      ("SECOND_CALL", "nondeterministic: gave other answers on a second call"),
      ("PAGE_START", "nondeterministic: gave other answers at the start of a page"),
      ("INVALID", "malformed answer: holds a valid case for invalid"),
    ] {
      try withFolder { folder in
        let library = try build(fault, of: "quantize.c", in: folder)
        let run = try qverify([
          "identify", "--subject", "lib:" + library, "--op", "quantize", "--calls", "40",
          "--timeout", "300ms",
        ])
        #expect(run.code == 1 && run.output.contains("misbehaves  \(text)"), "\(run.output)")
      }
    }
  }

  /// The built-in kernels of two dialects are two functions.
  @Test func builtin() throws {
    let run = try qverify(["identify", "--subject", "builtin:scalar", "--op", "requantize"])
    #expect(run.code == 0, "\(run.output)\(run.error)")
    #expect(run.output.contains("requantize: builtin:scalar computes onnx\n"))
    #expect(run.output.contains("requantize: builtin:scalar computes tflite\n"))
  }

  @Test func misuse() throws {
    #expect(try qverify(["identify"]).code == 64)
    #expect(try qverify(["identify", "--subject", "builtin:warp"]).code == 64)
    #expect(try qverify(["identify", "--subject", "lib:/nowhere.so"]).code == 66)
    #expect(
      try qverify(["identify", "--subject", "builtin:scalar", "--calls", "500"]).code == 64)
    let run = try qverify(["identify", "--subject", "builtin:scalar", "--op", "truncate"])
    #expect(run.code == 2 && run.output.contains("not probed"))
  }
}
