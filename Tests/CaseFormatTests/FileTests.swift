import CaseFormat
import Foundation
import NumberFormats
import Testing

/// Lines of a case file: keys, shapes, sources of elements, errors, and JSON itself.
@Suite struct FileTests {
  private let minimal =
    "{\"id\": \"a\", \"op\": \"quantize\", \"dialect\": \"onnx\", \"inputs\": {}}"

  private func error(_ text: String) -> String {
    switch read(text) {
    case .success(let test): "read as \(CaseFile.json(test))"
    case .failure(let error): error.description
    }
  }

  @Test func everyKey() throws {
    let text = """
      {"id": "ties-1", "op": "quantize", "dialect": "onnx", "attributes": {"axis": 1, "a": -2.50, \
      "pads": [1, 2, 3, 4], "auto_pad": "VALID", "big": 1e3, "t": true, "empty": []}, \
      "inputs": {"scale": {"dtype": "float32", "shape": [], "data": [0.25]}, "x": {"dtype": \
      "float32", "shape": [4], "data": [0.5, "nan", "-inf", "0x1.8p+1"]}}, \
      "outputs": {"y": {"dtype": "int8", "shape": [4], "data": [5, null, -128, 15]}}, \
      "note": "free \\"text\\" \\u00e9\\ud83d\\ude00\\n"}
      """
    let test = try read(text).get()
    #expect(test.id == "ties-1" && test.operation == "quantize" && test.dialect == "onnx")
    let attributes: [String: AttributeValue] = [
      "axis": .integer(1), "a": .decimal("-2.50"), "pads": .integers([1, 2, 3, 4]),
      "auto_pad": .string("VALID"), "big": .integer(1000), "t": .integer(1), "empty": .integers([]),
    ]
    #expect(test.attributes == attributes)
    #expect(test.inputs["x"]?.codes == [0x3F00_0000, 0x7FC0_0000, 0xFF80_0000, 0x4040_0000])
    #expect(test.inputs["scale"]?.shape == [])
    let y = try #require(test.outputs?["y"])
    #expect(
      y.unspecifiedCount == 1 && y.isUnspecified(at: 1) && y.tensor.codes == [5, 0, -128, 15])
    #expect(test.note == "free \"text\" é😀\n")
    let written = CaseFile.json(test).description
    #expect(try read(written).get() == test && !written.contains("\n"))
    #expect(
      try CaseFile.json(read(minimal).get()).description == minimal.replacing("}}", with: "}}"))
  }

  @Test func wrongKeys() {
    let table: [(text: String, error: String)] = [
      ("[]", "malformed: a case is a JSON object, this is an array"),
      ("5", "malformed: a case is a JSON object, this is a number"),
      ("{}", "malformed: missing key 'id'"), ("{\"id\": \"a\"}", "malformed: missing key 'op'"),
      ("{\"id\": \"a\", \"op\": \"b\"}", "malformed: missing key 'dialect'"),
      ("{\"id\": \"a\", \"op\": \"b\", \"dialect\": \"c\"}", "malformed: missing key 'inputs'"),
      ("{\"id\": 5}", "malformed: 'id' must be a string, not a number"),
      (
        minimal.replacing("\"inputs\": {}", with: "\"inputs\": []"),
        "malformed: 'inputs' must be an object, not an array"
      ),
      (
        minimal.replacing("\"inputs\"", with: "\"surprise\": 1, \"inputs\""),
        "malformed: unknown key 'surprise'"
      ),
      (
        minimal.replacing("\"inputs\"", with: "\"note\": null, \"inputs\""),
        "malformed: 'note' must be a string, not null"
      ),
      (
        minimal.replacing("\"inputs\"", with: "\"outputs\": null, \"inputs\""),
        "malformed: 'outputs' must be an object, not null"
      ),
      (
        minimal.replacing("\"inputs\"", with: "\"attributes\": {\"a\": null}, \"inputs\""),
        "malformed: attribute 'a' cannot be null"
      ),
      (
        minimal.replacing("\"inputs\"", with: "\"attributes\": {\"a\": {}}, \"inputs\""),
        "malformed: attribute 'a' cannot be an object"
      ),
      (
        minimal.replacing("\"inputs\"", with: "\"attributes\": {\"a\": [1, 2.5]}, \"inputs\""),
        "malformed: attribute 'a' must be a list of integers"
      ),
      (
        minimal.replacing("\"inputs\"", with: "\"attributes\": {\"a\": [1, \"b\"]}, \"inputs\""),
        "malformed: attribute 'a' must be a list of integers"
      ),
      (
        minimal.replacing("\"inputs\": {}", with: "\"inputs\": {\"x\": 5}"),
        "malformed: inputs.x: 'x' must be an object, not a number"
      ),
    ]
    for row in table { #expect(error(row.text) == row.error) }
  }

  @Test func wrongTensors() {
    let table: [(tensor: String, error: String)] = [
      ("\"shape\": [1], \"data\": [1]", "missing key 'dtype'"),
      ("\"dtype\": \"int8\", \"data\": [1]", "missing key 'shape'"),
      ("\"dtype\": \"int8\", \"shape\": [1]", "needs one of 'data', 'base64' and 'npy'"),
      (
        "\"dtype\": \"int8\", \"shape\": [1], \"data\": [1], \"base64\": \"AQ==\"",
        "has both 'data' and 'base64'; exactly one is allowed"
      ),
      ("\"dtype\": \"int8\", \"shape\": [1], \"data\": [1], \"layout\": 1", "unknown key 'layout'"),
      ("\"dtype\": \"int9\", \"shape\": [1], \"data\": [1]", "unknown dtype 'int9'"),
      ("\"dtype\": 8, \"shape\": [1], \"data\": [1]", "'dtype' must be a string, not a number"),
      ("\"dtype\": \"int8\", \"shape\": 1, \"data\": [1]", "'shape' must be a list, not a number"),
      (
        "\"dtype\": \"int8\", \"shape\": [-1], \"data\": [1]",
        "a dimension must be a non-negative integer, not -1"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [1.5], \"data\": [1]",
        "a dimension must be a non-negative integer, not 1.5"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [\"1\"], \"data\": [1]",
        "a dimension must be a non-negative integer, not \"1\""
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [9223372036854775807, 2], \"data\": [1]",
        "shape [9223372036854775807, 2] has more elements than can be counted"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [1e30], \"data\": [1]",
        "a dimension must be a non-negative integer, not 1e30"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [\(Array(repeating: "1", count: 33).joined(separator: ", "))], \"data\": [1]",
        "more than 32 dimensions"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [2], \"data\": [1]",
        "1 elements do not fill shape [2], which has 2"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [0], \"data\": [1]",
        "1 elements do not fill shape [0], which has 0"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [1, 2], \"data\": [[1, 2]]",
        "1 elements do not fill shape [1, 2], which has 2"
      ),
      ("\"dtype\": \"int8\", \"shape\": [1], \"data\": [[1]]", "data[0] cannot be an array"),
      (
        "\"dtype\": \"int8\", \"shape\": [1], \"data\": 1",
        "'data' must be a flat list, not a number"
      ),
      ("\"dtype\": \"int8\", \"shape\": [1], \"data\": [true]", "data[0] cannot be a boolean"),
      ("\"dtype\": \"int8\", \"shape\": [1], \"data\": [null]", "data[0] cannot be null"),
      (
        "\"dtype\": \"int8\", \"shape\": [2], \"data\": [1, 128]",
        "data[1]: 128 is not representable in int8"
      ),
      (
        "\"dtype\": \"float32\", \"shape\": [1], \"data\": [\"one\"]",
        "data[0]: 'one' is not a number"
      ),
      ("\"dtype\": \"int8\", \"shape\": [1], \"base64\": \"A\"", "invalid base64"),
      (
        "\"dtype\": \"int8\", \"shape\": [1], \"base64\": 5",
        "'base64' must be a string, not a number"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [1], \"base64\": \"AQI=\"",
        "2 elements do not fill shape [1], which has 1"
      ),
      (
        "\"dtype\": \"int16\", \"shape\": [1], \"base64\": \"AQID\"",
        "3 bytes are not a whole number of int16 elements"
      ),
      ("\"dtype\": \"int4\", \"shape\": [1], \"base64\": \"CA==\"", "0x8 is not a value of int4"),
      (
        "\"dtype\": \"uint4\", \"shape\": [1], \"base64\": \"EA==\"", "0x10 is not a value of uint4"
      ),
      ("\"dtype\": \"int1\", \"shape\": [1], \"base64\": \"AA==\"", "0x0 is not a value of int1"),
      ("\"dtype\": \"bool\", \"shape\": [1], \"base64\": \"Ag==\"", "0x2 is not a value of bool"),
      (
        "\"dtype\": \"float4_e2m1fn\", \"shape\": [1], \"base64\": \"EA==\"",
        "0x10 is not a value of float4_e2m1fn"
      ),
      (
        "\"dtype\": \"fixed<6,6>\", \"shape\": [1], \"base64\": \"IA==\"",
        "0x20 is not a value of fixed<6,6>"
      ),
      (
        "\"dtype\": \"int8\", \"shape\": [1], \"npy\": \"nowhere.npy\"",
        "cannot read './nowhere.npy'"
      ),
    ]
    for row in table { #expect(error(line(row.tensor)) == "malformed: inputs.t: \(row.error)") }
    #expect(
      error(line("\"dtype\": \"int9\", \"shape\": [], \"data\": [1]", section: "outputs"))
        == "malformed: outputs.t: unknown dtype 'int9'")
  }

  /// `null` means something in outputs only.
  @Test func null() throws {
    let tensor = "\"dtype\": \"float32\", \"shape\": [3], \"data\": [null, 1, null]"
    #expect(error(line(tensor)) == "malformed: inputs.t: data[0] cannot be null")
    let y = try #require(read(line(tensor, section: "outputs")).get().outputs?["t"])
    #expect(y.unspecified == [true, false, true])
    #expect(y.agrees(123, at: 0) && !y.agrees(123, at: 1) && y.agrees(0x3F80_0000, at: 1))
  }

  /// Scalars, empty tensors, and dimensions written as 2.0.
  @Test func shapes() throws {
    for (tensor, shape) in [
      ("\"dtype\": \"int8\", \"shape\": [], \"data\": [1]", []),
      ("\"dtype\": \"int8\", \"shape\": [0], \"data\": []", [0]),
      ("\"dtype\": \"int8\", \"shape\": [3, 0, 2], \"base64\": \"\"", [3, 0, 2]),
      ("\"dtype\": \"int8\", \"shape\": [9223372036854775807, 0], \"data\": []", [.max, 0]),
      ("\"dtype\": \"int8\", \"shape\": [2.0], \"data\": [1, 2]", [2]),
      ("\"dtype\": \"int8\", \"shape\": [1e0], \"data\": [1]", [1]),
    ] {
      #expect(try read(line(tensor)).get().inputs["t"]?.shape == shape, "\(tensor)")
    }
  }

  /// Little-endian, one element in ceil(bits / 8) bytes, sign-extended.
  @Test func base64() throws {
    let table: [(dtype: String, base64: String, codes: [Int64])] = [
      ("int8", "gP8A", [-128, -1, 0]), ("uint8", "gP8A", [128, 255, 0]), ("int4", "+Ac=", [-8, 7]),
      ("int2", "/gE=", [-2, 1]), ("int1", "/wE=", [-1, 1]), ("int16", "AID/fw==", [-32768, 32767]),
      ("int48", "AAAAAACA////////", [-140_737_488_355_328, -1]), ("int64", "AAAAAAAAAIA=", [.min]),
      ("float32", "AACAPwEAwH8=", [0x3F80_0000, 0x7FC0_0001]), ("bfloat16", "gD8=", [0x3F80]),
      ("fixed<9,1>", "AP//AA==", [-256, 255]), ("ufixed<9,1>", "/wE=", [511]),
      ("bool", "AQA=", [1, 0]),
      ("float4_e2m1fn", "Dw==", [15]), ("uint32", "/////w==", [4_294_967_295]),
    ]
    for row in table {
      let tensor =
        "\"dtype\": \"\(row.dtype)\", \"shape\": [\(row.codes.count)], \"base64\": \"\(row.base64)\""
      let test = try read(line(tensor)).get()
      #expect(test.inputs["t"]?.codes == row.codes, "\(row.dtype)")
      let dtype = try #require(DataType(name: row.dtype))
      #expect(
        Data(ElementBytes.bytes(of: row.codes, as: dtype)).base64EncodedString() == row.base64)
    }
  }

  /// More than 4096 elements are written as base64; unspecified ones never.
  @Test func whatIsWritten() throws {
    func written(_ expectation: CaseFormat.Expectation) -> String {
      CaseFile.json(Case(id: "a", operation: "b", dialect: "c", outputs: ["y": expectation]))
        .description
    }
    let small = Tensor(.int8, shape: [4096], codes: Array(repeating: 1, count: 4096))
    let large = Tensor(.int8, shape: [4097], codes: Array(repeating: 1, count: 4097))
    #expect(
      written(.init(small)).contains("\"data\"") && written(.init(large)).contains("\"base64\""))
    var open = CaseFormat.Expectation(large)
    open.leaveUnspecified(at: 4096)
    #expect(written(open).contains("1, null]"))
    // A NaN with a payload needs base64; beside an unspecified element it is any NaN.
    let nan = Tensor(.float32, shape: [2], codes: [0x7FC0_0001, 0])
    #expect(written(.init(nan)).contains("\"base64\": \"AQDAfwAAAAA=\""))
    var both = CaseFormat.Expectation(nan)
    both.leaveUnspecified(at: 1)
    #expect(written(both).contains("[\"nan\", null]"))
    // An interval is null, unless it is one value.
    var interval = CaseFormat.Expectation(Tensor(.int8, shape: [2], codes: [3, 3]))
    interval.allow(upTo: 4, at: 0)
    #expect(written(interval).contains("[null, 3]"))
  }

  /// Integers agree by value, floats by encoding, every NaN with every NaN, an interval with its ends.
  @Test func equality() {
    func agrees(_ dtype: DataType, _ expected: Int64, _ found: Int64) -> Bool {
      CaseFormat.Expectation(Tensor(scalar: expected, dtype)).agrees(found, at: 0)
    }
    #expect(agrees(.int8, -1, -1) && !agrees(.int8, -1, 1))
    #expect(!agrees(.float32, 0, 0x8000_0000) && !agrees(.float32, 0x8000_0000, 0))
    #expect(
      agrees(.float32, 0x7FC0_0000, 0xFFC0_0001) && agrees(.float32, 0x7F80_0001, 0x7FC0_0000))
    #expect(
      !agrees(.float32, 0x7FC0_0000, 0x7F80_0000) && !agrees(.float32, 0x7F80_0000, 0x7FC0_0000))
    #expect(agrees(.float(.float8E4M3FN), 0x7F, 0xFF) && !agrees(.float(.float8E4M3FNUZ), 0x80, 0))
    var interval = CaseFormat.Expectation(Tensor(.int8, shape: [2], codes: [3, 9]))
    interval.allow(upTo: 5, at: 0)
    #expect([3, 4, 5].allSatisfy { interval.agrees($0, at: 0) })
    #expect(!interval.agrees(2, at: 0) && !interval.agrees(6, at: 0))
    #expect(interval.agrees(9, at: 1) && !interval.agrees(10, at: 1))
  }

  @Test func strictJSON() {
    let table: [(text: String, error: String)] = [
      ("{\"id\": \"a\", \"id\": \"b\"}", "duplicate key 'id'"),
      ("{\"i\\u0064\": \"a\", \"id\": \"b\"}", "duplicate key 'id'"),
      (minimal + " x", "unexpected text after the value"),
      (minimal + minimal, "unexpected text after the value"),
      ("{\"id\": \"a\",}", "expected a key in quotes"), ("{id: \"a\"}", "expected a key in quotes"),
      ("{\"id\" \"a\"}", "expected ':' after the key 'id'"),
      ("{\"id\": \"a\" \"op\": \"b\"}", "expected ',' or '}'"),
      ("{\"id\": [1 2]}", "expected ',' or ']'"), ("{\"id\": [1,]}", "expected a value"),
      ("{\"id\": 01}", "expected ',' or '}'"), ("{\"id\": +1}", "expected a value"),
      ("{\"id\": .5}", "expected a value"),
      ("{\"id\": 5.}", "expected a digit"), ("{\"id\": 5e}", "expected a digit"),
      ("{\"id\": -}", "expected a digit"),
      ("{\"id\": NaN}", "expected a value"), ("{\"id\": nul}", "expected 'null'"),
      ("{\"id\": True}", "expected a value"),
      ("{'id': 1}", "expected a key in quotes"), ("// x", "expected a value"),
      ("{\"id\": \"\u{1}\"}", "a control character in a string"),
      ("{\"id\": \"\\x\"}", "an unknown escape"),
      ("{\"id\": \"\\u12g4\"}", "expected four hexadecimal digits"),
      ("{\"id\": \"\\ud800\"}", "half of a surrogate pair"),
      ("{\"id\": \"\\ud800\\u0041\"}", "half of a surrogate pair"),
      ("{\"id\": \"\\udc00\"}", "half of a surrogate pair"),
      ("{\"id\": \"a", "a string without its closing quote"),
      (String(repeating: "[", count: 100_000), "nested too deeply"),
      (String(repeating: "{\"a\":", count: 100_000), "nested too deeply"),
      ("{\"id\": 1", "expected ',' or '}'"),
      ("\u{FEFF}" + minimal, "expected a value"),
    ]
    for row in table {
      let found = error(row.text)
      #expect(
        found.hasPrefix("malformed: \(row.error) (column "), "\(row.text.prefix(40)): \(found)")
    }
    #expect(error("{\"id\": 01}") == "malformed: expected ',' or '}' (column 9)")
    let invalid = CaseFile.records(in: [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D])
    #expect(invalid.count == 1 && "\(invalid[0].result)".contains("a string is not UTF-8"))
  }

  /// Deep nesting that is still legal JSON is refused before it can exhaust the stack.
  @Test func depth() {
    let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
    #expect(error("{\"id\": \(deep)}").hasPrefix("malformed: nested too deeply"))
    let shallow = String(repeating: "[", count: 50) + String(repeating: "]", count: 50)
    #expect(error("{\"id\": \(shallow)}") == "malformed: 'id' must be a string, not an array")
  }

  /// Each line by itself: a bad one gives its error and reading goes on.
  @Test func lines() {
    let text = [
      minimal, "", "  \t\r", "oops", minimal.replacing("\"a\"", with: "\"b\""), "{\"id\": \"c\"}",
      minimal + "\r",
    ]
    .joined(separator: "\n")
    let records = CaseFile.records(in: Array(text.utf8))
    #expect(records.map(\.line) == [1, 4, 5, 6, 7])
    #expect(records.map(\.id) == ["a", nil, "b", "c", "a"])
    let isCase = records.map { (try? $0.result.get()) != nil }
    #expect(isCase == [true, false, true, false, true])
    #expect(CaseFile.records(in: []).isEmpty && CaseFile.records(in: [0x0A, 0x20]).isEmpty)
    #expect(CaseFile.records(in: Array((minimal + "\n").utf8)).count == 1)
  }

  /// One object may stretch over lines.
  @Test func prettyPrinted() throws {
    let text =
      "\n" + minimal.replacing(", ", with: ",\n  ").replacing("{\"id\"", with: "{\n  \"id\"")
      + "\n\n"
    #expect(try read(text).get().id == "a")
    // A broken one gives one error at least, and no case.
    let broken = CaseFile.records(in: Array(text.replacing("\"onnx\"", with: "\"onnx").utf8))
    #expect(!broken.isEmpty && broken.allSatisfy { (try? $0.result.get()) == nil })
    // Two are not one.
    let two = CaseFile.records(in: Array((text + text).utf8))
    #expect(!two.isEmpty && two.allSatisfy { (try? $0.result.get()) == nil })
  }

  /// No change of a few bytes makes the reader crash; what is still read is written and read again.
  @Test func mutations() {
    let text = Array(
      line(
        "\"dtype\": \"float16\", \"shape\": [2, 2], \"data\": [1.5, \"nan\", \"0x1p-3\", -0]",
        section: "inputs"
      ).utf8)
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let bytes = Array("{}[]\",:0159.eE+-xXpn\\/ \n\u{7F}\u{E9}tfu".utf8)
    for _ in 0..<4000 {
      var changed = text
      for _ in 0...random(3) {
        let place = random(changed.count)
        switch random(3) {
        case 0: changed[place] = bytes[random(bytes.count)]
        case 1: changed.remove(at: place)
        default: changed.insert(bytes[random(bytes.count)], at: place)
        }
      }
      for record in CaseFile.records(in: changed) {
        guard case .success(let test) = record.result else { continue }
        let again = CaseFile.records(in: Array(CaseFile.json(test).description.utf8))
        guard again.first?.result != .success(test) else { continue }
        Issue.record("\(String(decoding: changed, as: UTF8.self))")
        return
      }
    }
  }

  @Test func quoting() {
    let text = "a\"b\\c\n\r\t\u{1}\u{1F}é😀/"
    let json = JSONValue.string(text).description
    #expect(json == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001fé😀/\"")
    let test = Case(id: text, operation: text, dialect: text, note: text)
    #expect(read(CaseFile.json(test).description) == .success(test))
  }

  @Test func counts() {
    #expect(Tensor.count(of: []) == 1 && Tensor.count(of: [0, .max, .max]) == 0)
    #expect(
      Tensor.count(of: [.max, 2]) == nil && Tensor.count(of: [-1]) == nil
        && Tensor.count(of: [2, 3]) == 6)
    let tensor = Tensor(.int8, shape: [2, 3], codes: [0, 1, 2, 3, 4, 5])
    #expect(tensor.coordinates(of: 5) == [1, 2] && tensor.coordinates(of: 0) == [0, 0])
  }
}
