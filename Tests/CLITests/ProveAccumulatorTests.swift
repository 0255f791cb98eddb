import Foundation
import Testing

/// `qverify prove accumulator`: from files of weights to kernels that overflow.
@Suite struct ProveAccumulatorTests {
  /// Three channels of a convolution: 3 * 3 products of one input channel.
  private static let weights = """
    {"id": "conv", "dtype": "int8", "shape": [3, 1, 3, 3], "data": [127, 127, 127, 127, 127, 127, 127, \
    127, 127, 1, -1, 2, -2, 3, -3, 4, -4, 0, -128, -128, -128, -128, -128, -128, -128, -128, -128]}
    """

  private func prove(
    _ options: [String], _ files: [String: String] = ["w.jsonl": weights]
  ) throws -> Run {
    var run = Run(code: -1, output: "", error: "")
    try withFolder(files) { folder in
      run = try qverify(["prove", "accumulator"] + options, folder: folder)
    }
    return run
  }

  @Test func text() throws {
    let run = try prove(["--weights", "w.jsonl"])
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(
      run.output == """
        layer  operation  channels  products  least sum  greatest  bits  any order  by type
        conv   conv2d            3         9    -146304    147456    19         19       19

        3 channels, 27 weights; inputs int8 from -128 to 127, zero point 0; the bias first
        width of the sums: 13 bits 1 channel, 19 bits 2 channels; the types alone ask for 19
        16 bits: 2 channels can overflow
        24 bits: nothing can overflow
        32 bits: nothing can overflow

        """)
    let channels = try prove(["--weights", "w.jsonl", "--channels", "--accumulator-bits", "19"])
    #expect(channels.code == 0)
    #expect(
      channels.line(2)
        == "conv/1  conv2d            1         9      -2550      2550    13         13       19")
    #expect(channels.output.hasSuffix("\ndeclared: 19 bits: nothing can overflow\n"))
  }

  @Test func json() throws {
    let run = try prove([
      "--weights", "w.jsonl", "--accumulator-bits", "16", "--format", "json", "--pairs",
      "--input-dtype", "uint8",
    ])
    #expect(run.code == 1)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    #expect(object["can_overflow"] as? Bool == true && object["sum_bits"] as? Int == 20)
    #expect(object["data_type_bits"] as? Int == 20)
    let layers = try #require(object["layers"] as? [[String: Any]])
    let channels = try #require(layers[0]["channels"] as? [[String: Any]])
    let least = channels.map { $0["least"] as? Int }
    let greatest = channels.map { $0["greatest"] as? Int }
    #expect(least == [0, -2550, -293_760] && greatest == [291_465, 2550, 0])
    #expect(channels[2]["least_pair"] as? Int == -65280)
    let overflows = try #require(object["overflows"] as? [[String: Int]])
    #expect(overflows[0] == ["bits": 16, "sum": 2, "partial": 2])
    let witness = try #require(object["witness"] as? [String: Any])
    #expect(witness["id"] as? String == "conv/2/least")
    let pairs = try #require(object["pairs"] as? [String: Any])
    #expect(pairs["neighbours"] as? Int == 2 && pairs["any_two"] as? Int == 2)
  }

  /// The example kernel of `qverify adapter c` with accumulators of 16 bits fails on the witness; as
  /// it stands, with 32, it agrees.
  @Test func kernels() throws {
    try withFolder(["w.jsonl": Self.weights]) { folder in
      let proof = try qverify(
        [
          "prove", "accumulator", "--weights", "w.jsonl", "--accumulator-bits", "16",
          "--input-dtype", "uint8", "--input-zero-point", "7", "--witnesses", "overflow.jsonl",
        ], folder: folder)
      #expect(proof.code == 1 && proof.error.isEmpty)
      #expect(
        proof.output.hasSuffix(
          """
          declared: 16 bits: 2 channels can overflow
          witness: conv, channel 2: the least sum, -285696; 16 bits end at -32768
            2 cases in 'overflow.jsonl'

          replay: qverify replay overflow.jsonl --subject S

          """), "\(proof.output)")
      #expect(try qverify(["check", "overflow.jsonl"], folder: folder).code == 0)
      let source = try qverify(["adapter", "c"]).output
      let narrow = source.replacing("uint32_t sum = 0", with: "uint16_t sum = 0")
        .replacing("(int32_t)sum", with: "(int16_t)sum")
      #expect(narrow != source)
      try qverify(["adapter", "header"]).output
        .write(toFile: folder + "/qverify_kernel.h", atomically: true, encoding: .utf8)
      for (name, text, code) in [("wide", source, 0), ("narrow", narrow, 1)] as [(String, String, Int32)] {
        try text.write(toFile: "\(folder)/\(name).c", atomically: true, encoding: .utf8)
        let built = try execute(
          "/usr/bin/env",
          [Self.compiler, "-O1", "-shared", "-fPIC", name + ".c", "-o", name + ".so", "-lm"],
          folder: folder)
        #expect(built.code == 0, "\(built.error)")
        for command in ["check", "replay"] {
          let run = try qverify(
            [command, "overflow.jsonl", "--subject", "lib:\(folder)/\(name).so"], folder: folder)
          #expect(run.code == code, "\(command) \(name): \(run.output)\(run.error)")
          #expect(code == 0 || run.output.contains("disagrees with exact"))
        }
      }
    }
  }

  /// A C compiler: Swift's own where the system has none.
  private static let compiler =
    (try? execute("/usr/bin/env", ["cc", "--version"]).code == 0) ?? false ? "cc" : "clang"

  /// Whole models: cases with biases and zero points of their own, beside plain tensors.
  @Test func model() throws {
    let cases = """
      {"id": "a", "op": "conv2d", "dialect": "onnx", "attributes": {"layout": "NHWC", "group": 2}, \
      "inputs": {"w": {"dtype": "int8", "shape": [2, 1, 1, 1], "data": [10, -10]}, "bias": {"dtype": \
      "int32", "shape": [2], "data": [5, -5]}, "x_zero_point": {"dtype": "uint8", "shape": [], "data": \
      [100]}}}
      {"id": "b", "op": "qmatmul", "dialect": "onnx", "inputs": {"b": {"dtype": "uint8", "shape": [2, 3], \
      "data": [1, 2, 3, 4, 5, 6]}, "b_zero_point": {"dtype": "uint8", "shape": [3], "data": [0, 5, 6]}}}
      {"id": "c", "op": "depthwise_conv2d", "dialect": "onnx", "attributes": {"layout": "NHWC"}, \
      "inputs": {"w": {"dtype": "int4", "shape": [1, 1, 2, 2], "data": [1, -8, 3, 7]}}}
      {"dtype": "int8", "shape": [1, 2], "data": [1, 1]}
      """
    let run = try prove(["--weights", "m.jsonl", "--channels"], ["m.jsonl": cases])
    #expect(run.code == 0, "\(run.error)")
    #expect(
      run.lines[1...9].map { $0.split(separator: " ").map(String.init).joined(separator: " ") } == [
        "a/0 conv2d 1 1 -995 1555 12 12 17", "a/1 conv2d 1 1 -1555 995 12 12 17",
        "b/0 matmul 1 2 -640 635 11 11 18", "b/1 matmul 1 2 -381 384 10 10 18",
        "b/2 matmul 1 2 -381 384 10 10 18", "c/0 depthwise_conv2d 1 2 -512 508 10 10 13",
        "c/1 depthwise_conv2d 1 2 -1912 1913 12 12 13", "m:4/0 matmul 1 2 -256 254 9 9 17",
        "8 channels, 14 weights; inputs int8 from -128 to 127, zero point 0; uint8 from 0 to 255, zero point 100; the bias first",
      ], "\(run.output)")
  }

  /// A .npy file as numpy writes it.
  private func npy(_ type: String, _ shape: String, _ bytes: [UInt8]) -> Data {
    let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n"
    let prefix = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
    return Data(prefix + Array(header.utf8) + bytes)
  }

  @Test func numpy() throws {
    try withFolder { folder in
      func write(_ name: String, _ data: Data) throws {
        try data.write(to: URL(fileURLWithPath: folder + "/" + name))
      }
      try write("w.npy", npy("|i1", "(2, 2)", [7, 0xF8, 1, 2]))
      try write("wide.npy", npy("<i8", "(1,)", [0xFE] + Array(repeating: 0xFF, count: 7)))
      try write("bias.npy", npy("<i4", "(2,)", [100, 0, 0, 0, 0x9C, 0xFF, 0xFF, 0xFF]))
      try write("zero.npy", npy("|i1", "(2,)", [1, 0xFF]))
      try write("short.npy", npy("|i1", "(2, 2)", [7, 0xF8, 1]))
      try write("float.npy", npy("<f4", "(1,)", [0, 0, 0x80, 0x3F]))
      try write("empty.npy", npy("|i1", "(2, 0)", []))
      try write("none.npy", npy("|i1", "(0, 2)", []))
      try write("big.npy", npy(">i2", "(1,)", [0, 1]))
      func run(_ options: String) throws -> Run {
        try qverify(
          ["prove", "accumulator", "--weights"]
            + options.split(separator: " ").map(String.init), folder: folder)
      }
      let rows: [(options: String, rows: [String])] = [
        ("w.npy", ["w matmul 2 2 -1912 1913 12 12 17"]),
        ("w.npy --channel-axis -1", ["w matmul 2 2 -1272 1278 12 12 17"]),
        (
          "w.npy --weight-dtype int4 --input-dtype uint4 --channels",
          ["w/0 matmul 1 2 -120 105 8 8 10", "w/1 matmul 1 2 0 45 7 7 10"]
        ),
        (
          "w.npy --bias bias.npy --weight-zero-point zero.npy --channels",
          ["w/0 matmul 1 2 -1811 2014 12 12 18", "w/1 matmul 1 2 -740 535 11 11 18"]
        ),
        (
          "w.npy --input-dtype uint8 --input-min 10 --input-max 20 --input-zero-point 5 --channels",
          ["w/0 matmul 1 2 -85 65 8 8 18", "w/1 matmul 1 2 15 45 7 7 18"]
        ),
        ("wide.npy --weight-dtype int2", ["wide matmul 1 1 -254 256 10 10 10"]),
        (
          "w.npy wide.npy --weight-dtype int8 --weight-zero-point -1",
          ["w matmul 2 2 -1913 1912 12 12 18", "wide matmul 1 1 -127 128 9 9 17"]
        ),
      ]
      for (options, expected) in rows {
        let result = try run(options)
        #expect(result.code == 0, "\(options): \(result.error)")
        let found = result.lines.dropFirst().prefix(expected.count).map {
          $0.split(separator: " ").joined(separator: " ")
        }
        #expect(found == expected, "\(options)")
      }
      let failures: [(options: String, code: Int32, message: String)] = [
        ("nothing.npy", 66, "cannot read 'nothing.npy'"),
        ("w.npy --bias nothing.npy", 66, "cannot read 'nothing.npy'"),
        ("short.npy", 65, "'short.npy' holds 3 elements, its shape says otherwise"),
        ("float.npy", 65, "'float.npy' holds float32; integer weights are needed"),
        ("empty.npy", 65, "empty: the channels of weights [2, 0] are empty"),
        ("none.npy", 65, "none: weights [0, 2] have no channel"),
        ("big.npy", 65, "'big.npy' holds >i2, must hold one of <f2, <f4, "),
        ("wide.npy", 65, "wide: weights are integers of at most 32 bits, not int64; --weight-dtype"),
        ("w.npy --weight-dtype int2", 65, "'w.npy': the weight 7 is none of int2"),
        ("w.npy --bias float.npy", 65, "float.npy: integers are needed, not float32"),
        ("w.npy --bias w.npy", 65, "w: 4 biases for 2 channels"),
        ("w.npy --op conv2d", 65, "w: weights of conv2d have 4 dimensions, not [2, 2]"),
        ("w.npy --weight-zero-point 128", 64, "w: the weight zero point 128 is no level of int8"),
        ("w.npy --weight-zero-point w.npy", 65, "w: 4 weight zero points for 2 channels"),
        ("w.npy --input-zero-point 128", 64, "the input zero point 128 is no level of int8"),
        ("w.npy --input-min -129", 64, "the input level -129 is none of int8"),
        ("w.npy --input-min 5 --input-max 4", 64, "the inputs from 5 to 4 are none"),
        ("w.npy --input-dtype float32", 64, "inputs are of an integer type of at most 32 bits"),
        ("w.npy --input-dtype int9", 64, "--input-dtype: unknown dtype 'int9'"),
        ("w.npy --channel-axis 2", 64, "w: weights [2, 2] have no axis 2"),
        ("w.npy w.npy --bias bias.npy", 64, "--bias is of one layer, and there are 2"),
        ("w.npy --accumulator-bits 1", 64, "--accumulator-bits must be from 2 to 64"),
        ("w.npy --witnesses x", 64, "--witnesses needs --accumulator-bits or --pairs"),
        ("w.npy --accumulator-bits 8 --witnesses w.npy", 64, "'w.npy' exists; --force overwrites it"),
        ("w.npy --accumulator-bits 8 --witnesses no/x", 66, "cannot write 'no/x'"),
        ("w.npy --accumulator-bits 8 --dialect numpy", 64, "numpy"),
        ("w.npy --accumulator-bits 8 --dialect brevitas", 64, "has no answer to w/0/greatest"),
      ]
      for (options, code, message) in failures {
        let result = try run(options)
        #expect(result.code == code, "\(options): \(result.code) \(result.error)")
        #expect(result.error.contains(message), "\(options): \(result.error)")
        #expect(result.output.isEmpty, "\(options)")
      }
    }
  }

  /// What a line of JSON can do wrong, and options that it answers itself.
  @Test func lines() throws {
    func test(_ inputs: String, _ op: String = "conv2d") -> String {
      "{\"id\": \"a\", \"op\": \"\(op)\", \"dialect\": \"onnx\", \"inputs\": {\(inputs)}}"
    }
    let w = "\"w\": {\"dtype\": \"int8\", \"shape\": [2, 1, 1, 1], \"data\": [1, 2]}"
    let zero = "\"x_zero_point\": {\"dtype\": \"uint8\", \"shape\": [], \"data\": [9]}"
    let table: [(line: String, options: [String], code: Int32, message: String)] = [
      ("", [], 65, "'w.jsonl': there are no weights"),
      ("{", [], 65, "w.jsonl:1: "), ("[1]", [], 65, "w.jsonl:1: 'tensor' must be an object"),
      ("{\"dtype\": \"int8\"}", [], 65, "w.jsonl:1: missing key 'shape'"),
      (test(w, "quantize"), [], 65, "w.jsonl:1: op 'quantize' has no weights"),
      (test(""), [], 65, "w.jsonl:1: missing input 'w'"),
      (test(w + ", " + w.replacing("w", with: "v")), [], 65, "unknown input 'v' for conv2d"),
      (test(w + ", " + zero.replacing("x_", with: "w_")), [], 65, "w_zero_point is uint8, must be int8"),
      (test(w), ["--op", "matmul"], 64, "--op: the case of w.jsonl:1 says that itself"),
      (test(w + ", " + zero), ["--input-zero-point", "1"], 64, "--input-zero-point: the case of"),
      (test(w + ", " + zero), ["--input-dtype", "int8"], 64, "the inputs are uint8, --input-dtype"),
      (test(w + ", " + zero), ["--input-min", "10"], 64, "a: the input zero point 9 is not in"),
      (test(w), ["--weight-dtype", "int4"], 64, "--weight-dtype is for .npy files"),
    ]
    for (line, options, code, message) in table {
      let run = try prove(["--weights", "w.jsonl"] + options, ["w.jsonl": line + "\n"])
      #expect(run.code == code && run.error.contains(message), "\(line) \(options): \(run.error)")
    }
  }

  /// Pairs: neighbours decide the exit code; without the option nobody is asked.
  @Test func pairs() throws {
    let apart = "{\"id\": \"l\", \"dtype\": \"int8\", \"shape\": [1, 4], \"data\": [100, 0, 100, 0]}"
    let run = try prove(
      ["--weights", "w.jsonl", "--pairs", "--witnesses", "p.jsonl"], ["w.jsonl": apart])
    #expect(run.code == 0)
    #expect(
      run.output.hasSuffix(
        """
        pairs: neighbouring products of 0 channels can leave int16, any two products of 1 channel
        witness: l, channel 0: as bytes, products 0 and 2 add up to 51000; int16 ends at 32767
          1 case in 'p.jsonl'

        replay: qverify replay p.jsonl --subject S

        """), "\(run.output)")
    let together = try prove(
      ["--weights", "w.jsonl", "--pairs"], ["w.jsonl": apart.replacing("0, 100", with: "100, 0")])
    #expect(together.code == 1, "\(together.output)")
  }
}
