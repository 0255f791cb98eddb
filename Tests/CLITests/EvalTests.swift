import Foundation
import Testing

/// `qverify eval`, by the sentences of the case format.
@Suite struct EvalTests {
  static let ties = """
    {"id": "ties", "op": "quantize", "dialect": "onnx", "attributes": {"axis": 1}, "inputs": \
    {"scale": {"dtype": "float32", "shape": [], "data": [0.25]}, "x": {"dtype": "float32", "shape": \
    [4], "data": [0.5, "nan", "-inf", "0x1.8p+1"]}, "zero_point": {"dtype": "int8", "shape": [], \
    "data": [3]}}}
    """

  private func eval(_ input: String, _ options: [String] = []) throws -> Run {
    try qverify(["eval", "-"] + options, input: input)
  }

  @Test func answer() throws {
    let run = try eval(Self.ties)
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(
      run.output == """
        {"id": "ties", "op": "quantize", "dialect": "onnx", "attributes": {"axis": 1}, "inputs": \
        {"scale": {"dtype": "float32", "shape": [], "data": [0.25]}, "x": {"dtype": "float32", \
        "shape": [4], "data": [0.5, "nan", "-inf", 3.0]}, "zero_point": {"dtype": "int8", "shape": \
        [], "data": [3]}}, "outputs": {"y": {"dtype": "int8", "shape": [4], "data": [5, null, -128, \
        15]}}}\n
        """)
    // What was given as outputs is replaced, and the answer can be asked again.
    #expect(try eval(run.output).output == run.output)
    #expect(try qverify(["check", "-"], input: run.output).code == 0)
  }

  /// Standard input is the default; no cases are no error.
  @Test func standardInput() throws {
    #expect(try qverify(["eval"], input: Self.ties).output == eval(Self.ties).output)
    let empty = try eval("")
    #expect(empty.code == 0 && empty.output.isEmpty && empty.error.isEmpty)
    let blank = try eval("\n  \n")
    #expect(blank.code == 0 && blank.output.isEmpty)
  }

  /// A bad line is answered by its id and the error; the rest goes on, in order; then 65.
  @Test func badLines() throws {
    let zero = Self.ties.replacing("[0.25]", with: "[0]").replacing("ties", with: "zero")
    let unknown = Self.ties.replacing("\"note\"", with: "").replacing(
      "\"attributes\"", with: "\"surprise\": 1, \"attributes\""
    ).replacing("ties", with: "unknown")
    let unsupported = Self.ties.replacing("onnx", with: "tosa-single").replacing("ties", with: "no")
    try withFolder([
      "cases.jsonl": [zero, Self.ties, "oops", unknown, unsupported].joined(separator: "\n")
    ]) { folder in
      let run = try qverify(["eval", "cases.jsonl"], folder: folder)
      #expect(run.code == 65)
      #expect(run.lines.count == 5)
      #expect(
        run.line(0)
          == "{\"id\": \"zero\", \"error\": \"precondition: scale is 0; it must be finite and greater than zero\"}"
      )
      #expect(run.line(1).hasPrefix("{\"id\": \"ties\", \"op\""))
      #expect(
        run.line(2) == "{\"id\": null, \"error\": \"malformed: expected a value (column 1)\"}")
      #expect(
        run.line(3) == "{\"id\": \"unknown\", \"error\": \"malformed: unknown key 'surprise'\"}")
      #expect(run.line(4).hasPrefix("{\"id\": \"no\", \"error\": \"unsupported: TOSA has no"))
      // Standard error names file, line, case id and key.
      #expect(
        run.error.split(separator: "\n").map(String.init) == [
          "cases.jsonl:1: case 'zero': precondition: scale is 0; it must be finite and greater than zero",
          "cases.jsonl:3: malformed: expected a value (column 1)",
          "cases.jsonl:4: case 'unknown': malformed: unknown key 'surprise'",
        ])
    }
    // Only unsupported: no error.
    #expect(try eval(unsupported).code == 0)
    #expect(try eval("nonsense").code == 65)
    #expect(try eval("{\"id\": \"a\"").code == 65)
  }

  @Test func missingFiles() throws {
    let run = try qverify(["eval", "nowhere.jsonl"])
    #expect(
      run.code == 66 && run.output.isEmpty && run.error == "qverify: cannot read 'nowhere.jsonl'\n")
    #expect(try qverify(["eval", "-", "--dialect", "./nowhere.yaml"]).code == 66)
    #expect(try qverify(["check", "nowhere.jsonl"]).code == 66)
    #expect(try qverify(["replay", "nowhere.json"]).code == 66)
    #expect(try qverify(["golden", "check", "nowhere.yaml"]).code == 66)
    #expect(try qverify(["fuzz", "--dialect", "./nowhere.yaml", "--cases", "1"]).code == 66)
  }

  /// Another dialect for all cases, by name or by file.
  @Test func dialect() throws {
    let half = Self.ties.replacing("\"0x1.8p+1\"", with: "0.125")
    #expect(try eval(half).output.contains("[5, null, -128, 3]"))
    let away = try eval(half, ["--dialect", "tflite"])
    #expect(away.code == 65 || away.output.contains("\"dialect\": \"tflite\""))
    let files = [
      "mine.yaml": "name: mine\nextends: onnx\nquantize: {rounding: nearest_away}\n",
      "bad.yaml": "name: mine\nquantize: {rounding: up}\n",
    ]
    try withFolder(files) { folder in
      let run = try qverify(["eval", "--dialect", "mine.yaml"], input: half, folder: folder)
      #expect(run.code == 0 && run.output.contains("[5, null, -128, 4]"))
      let bad = try qverify(["eval", "--dialect", "bad.yaml"], input: half, folder: folder)
      #expect(
        bad.code == 65
          && bad.error.hasPrefix("qverify: bad.yaml:2: quantize.rounding: 'up' is not one of"))
      // A case may name the file too.
      let named = half.replacing("\"onnx\"", with: "\"mine.yaml\"")
      #expect(
        try qverify(["eval"], input: named, folder: folder).output.contains("[5, null, -128, 4]"))
    }
  }

  /// The stages: exact value, each rounding, what decided.
  @Test func explain() throws {
    let run = try eval(Self.ties, ["--explain"])
    #expect(run.code == 0)
    #expect(
      run.output.contains(
        "{\"element\": 0, \"stage\": \"rounding\", \"value\": \"2\", \"detail\": \"2; nearest, ties to even\", \"clause\": \"rounding §1\"}"
      ))
    let text = try eval(Self.ties, ["--format", "text"])
    #expect(text.lines.first == "ties: quantize/onnx")
    #expect(text.lines.contains("  y[0] = 5") && text.lines.contains("  y[1] = unspecified"))
    #expect(text.lines.contains { $0.hasSuffix("[rounding §1]") })
    let error = try eval("oops", ["--format", "text"])
    #expect(error.code == 65 && error.output == "?: malformed: expected a value (column 1)\n")
  }

  /// The order is that of the file, whatever the number of threads.
  @Test func order() throws {
    let lines = (0..<200).map { Self.ties.replacing("\"ties\"", with: "\"case \($0)\"") }
    let input = lines.joined(separator: "\n")
    let one = try eval(input, ["--jobs", "1"])
    #expect(one.lines.count == 200 && one.line(123).hasPrefix("{\"id\": \"case 123\""))
    #expect(try eval(input, ["--jobs", "7"]).output == one.output)
  }

  /// More than 4096 elements come back as base64.
  @Test func long() throws {
    let data = Array(repeating: "1", count: 5000).joined(separator: ", ")
    let input = """
      {"id": "a", "op": "quantize", "dialect": "onnx", "inputs": {"x": {"dtype": "float32", "shape": \
      [5000], "data": [\(data)]}, "scale": {"dtype": "float32", "shape": [], "data": [0.5]}}}
      """
    let run = try eval(input)
    #expect(
      run.code == 0
        && run.output.contains(
          "\"outputs\": {\"y\": {\"dtype\": \"uint8\", \"shape\": [5000], \"base64\": \"AgIC")
    )
    #expect(try qverify(["check", "-"], input: run.output).code == 0)
  }

  /// A .npy file is found beside the case file.
  @Test func npy() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/sub", withIntermediateDirectories: true)
      let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"
      let bytes: [UInt8] =
        [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + [
          0, 0, 0x40, 0x40,
        ]
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/sub/x.npy"))
      let test = """
        {"id": "a", "op": "quantize", "dialect": "onnx", "inputs": {"x": {"dtype": "float32", \
        "shape": [1], "npy": "x.npy"}, "scale": {"dtype": "float32", "shape": [], "data": [1]}}}
        """
      try test.write(toFile: folder + "/sub/case.json", atomically: true, encoding: .utf8)
      let run = try qverify(["eval", "sub/case.json"], folder: folder)
      #expect(run.code == 0 && run.output.contains("\"data\": [3]"))
    }
  }
}
