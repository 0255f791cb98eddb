import CaseFormat
import Foundation
import Generation
import Operations
import Specifications
import Testing

/// The root of the checkout.
let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The dialect files, and the citations of the clauses.
@Suite struct DialectTests {
  static let specs = repository.appendingPathComponent("specs")

  private static func files(in folder: URL, _ suffix: String) throws -> [URL] {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return paths.filter { $0.hasSuffix(suffix) }.sorted().map(folder.appendingPathComponent)
  }

  /// The names that the case format binds.
  @Test func names() throws {
    let binding = """
      ideal onnx onnx-reference pytorch pytorch-export fbgemm qnnpack onednn tflite tflite-opt \
      tflite-single tflite-away xnnpack-fp32 xnnpack-rndnu xnnpack-rndna xnnpack-gemmlowp cmsis-nn \
      cmsis-nn-single tosa-single tosa-double tosa-inexact openvino qonnx qonnx-python brevitas \
      ap_fixed
      """
    for name in binding.split(separator: " ") {
      #expect(Dialect.builtInNames.contains(String(name)), "\(name)")
    }
  }

  /// What `--ops` takes; where a name is an operation and a group, it means the group.
  @Test func groups() throws {
    func names(_ list: [String]) throws -> [String] {
      try Registry.operations(named: list).map { $0.name }
    }
    #expect(try names(["all"]) == Registry.all.map { $0.name })
    #expect(try names(["conv"]) == ["conv2d", "depthwise_conv2d", "qconv2d"])
    #expect(try names(["matmul"]) == ["matmul", "qmatmul"])
    #expect(try names(["qmatmul", "quantize", "qmatmul"]) == ["quantize", "qmatmul"])
    #expect(try Set(names(["quant", "conv", "matmul"])).isSuperset(of: ["truncate", "qconv2d"]))
    #expect(throws: CaseError.self) { try names(["dance"]) }
  }

  /// The folder and the embedded list agree, in names and in bytes.
  @Test func everyFileIsEmbedded() throws {
    let files = try Self.files(in: Self.specs.appendingPathComponent("dialects"), ".yaml")
    let names = files.map { $0.deletingPathExtension().lastPathComponent }
    #expect(Set(names) == Set(Specifications.dialects.map(\.name)))
    for (file, name) in zip(files, names) {
      let embedded = Specifications.dialects.first { $0.name == name }?.bytes
      #expect(try Data(contentsOf: file) == embedded.map { Data($0) }, "\(name)")
    }
  }

  @Test(arguments: Dialect.builtInNames) func loads(name: String) throws {
    let dialect = try Dialect.named(name)
    #expect(dialect.name == name)
    #expect(!dialect.title.isEmpty && dialect.title != name && !dialect.sources.isEmpty)
    for operation in Registry.all where !dialect.defines(operation.name) {
      #expect(!dialect.reasonAgainst(operation.name).isEmpty)
    }
  }

  /// Every dialect with a matrix product answers the three integer operations.
  @Test(arguments: Dialect.builtInNames) func products(name: String) throws {
    let dialect = try Dialect.named(name)
    let operations = ["conv2d", "depthwise_conv2d", "matmul"]
    #expect(Set(operations.map { dialect.defines($0) }).count == 1)
    #expect(dialect.defines("qconv2d") == dialect.defines("qmatmul"))
    if dialect.defines("qmatmul") { #expect(dialect.defines("matmul")) }
  }

  /// What a file of one's own may get wrong, each with file, line and key.
  @Test func errors() {
    let table: [(text: String, error: String)] = [
      ("", "mine.yaml: is empty"), ("title: x", "mine.yaml:1: name: is missing"),
      ("[1, 2]", "mine.yaml:1: must be a map of keys"),
      ("name: mine\nsurprise: 1", "mine.yaml:2: surprise: unknown key"),
      ("name: mine\nquantize: {surprise: 1}", "mine.yaml:2: quantize.surprise: unknown key"),
      (
        "name: mine\nquantize:\n  rounding: up",
        "mine.yaml:3: quantize.rounding: 'up' is not one of"
      ),
      ("name: mine\nquantize: 5", "mine.yaml:2: quantize: must be a map"),
      ("name: mine\nquantize: {fused: maybe}", "mine.yaml:2: quantize.fused: 'maybe'"),
      ("name: mine\nquantize: {fused: true}", "mine.yaml:2: quantize.fused: needs"),
      (
        "name: mine\nquantize: {input_types: [float33]}",
        "mine.yaml:2: quantize.input_types: must be"
      ),
      ("name: mine\nquantize: {input_types: []}", "mine.yaml:2: quantize.input_types: names no"),
      ("name: mine\nquantize: {variants: 3}", "mine.yaml:2: quantize.variants: must be a list"),
      (
        "name: mine\nquantize: {variants: [{fused: true}]}",
        "mine.yaml:2: quantize.variants[0]: must be"
      ),
      ("name: mine\naccumulate: {bits: 65}", "mine.yaml:2: accumulate.bits: '65' is not"),
      ("name: mine\naccumulate: {bits: x}", "mine.yaml:2: accumulate.bits: 'x' is not"),
      ("name: mine\nextends: yours", "mine.yaml:2: extends: 'yours' is not a built-in"),
      (
        "name: mine\nunsupported: {dance: never}",
        "mine.yaml:2: unsupported.dance: is not an operation"
      ),
      ("name: mine\nname: yours", "mine.yaml:"), ("name: [mine", "mine.yaml:"),
      (
        "name: mine\nrequantize: {shift_min: 5, shift_max: 4}",
        "mine.yaml:2: requantize.shift_max: is below"
      ),
      (
        "name: mine\nrequantize: {rounding: dpu}",
        "mine.yaml:2: requantize.rounding: must be a plain"
      ),
      ("name: mine\nfake_quantize: {qmin: 1}", "mine.yaml:2: fake_quantize"),
    ]
    for row in table {
      #expect("\(row.text)") {
        _ = try Dialect.parse(row.text, file: "mine.yaml")
      } throws: { error in
        let isExpected = "\(error)".hasPrefix(row.error)
        if !isExpected { Issue.record("\(row.text): \(error)") }
        return true
      }
    }
  }

  /// A dialect of one's own extends a built-in one and is found by its path.
  @Test func userDialect() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("qverify-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    try "name: mine\nextends: onnx\nquantize: {rounding: nearest_away}\n"
      .write(to: file, atomically: true, encoding: .utf8)
    let dialect = try Dialect.named(file.path)
    #expect(dialect.name == "mine" && dialect.defines("qmatmul"))
    let question = try parse(
      "quantize mine | x float32 0.5 -2.5 | scale float32 1 | zero_point int8 0")
    #expect(answer(question, dialect: dialect) == "1 -3")
    #expect(answer(question).hasPrefix("malformed: dialect: mine: no such dialect"))
    #expect(throws: DialectError.self) { try Dialect.named("/nowhere/mine.yaml") }
  }

  // MARK: Citations

  /// The clauses that exist, as `name §n`.
  static let clauses: Set<String> = {
    var found: Set<String> = []
    for file in (try? files(in: specs, ".md")) ?? [] {
      let name = file.deletingPathExtension().lastPathComponent
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      for line in text.split(separator: "\n") {
        if let number = line.firstMatch(of: #/^## §(\d+) /#)?.1 {
          found.insert("\(name) §\(number)")
        }
      }
    }
    return found
  }()

  /// The citations in a text: `name §1`, `name §1, §2` and `name §1 to §3`.
  static func citations(in text: String) -> [String] {
    let names = Set(clauses.map { String($0.prefix { $0 != " " }) }).sorted().joined(separator: "|")
    guard
      let pattern = try? Regex<(Substring, Substring, Substring)>(
        "(\(names)) (§[0-9]+(?:(?:,| to| and) §[0-9]+)*)")
    else { return [] }
    return text.matches(of: pattern).flatMap { match in
      match.output.2.matches(of: #/§\d+/#).map { "\(match.output.1) \($0.output)" }
    }
  }

  @Test func clausesExist() {
    for name in ["rounding", "affine", "requantize", "accumulate", "formats", "special-values"] {
      #expect(Self.clauses.contains("\(name) §1"), "\(name)")
    }
    #expect(
      Self.citations(in: "[affine §2] to [affine §7], [requantize §1, §12], rounding §3 to §5")
        == [
          "affine §2", "affine §7", "requantize §1", "requantize §12", "rounding §3", "rounding §5",
        ])
  }

  /// Every citation in a Swift file, a dialect and the clauses themselves.
  @Test func citationsInFiles() throws {
    let swift = try Self.files(in: repository.appendingPathComponent("Sources"), ".swift")
    let texts = try swift + Self.files(in: Self.specs, ".md") + Self.files(in: Self.specs, ".yaml")
    for file in texts {
      let text = try String(contentsOf: file, encoding: .utf8)
      for citation in Self.citations(in: text) where !Self.clauses.contains(citation) {
        Issue.record("\(file.lastPathComponent) cites \(citation), which is no clause")
      }
    }
  }

  /// A clause that refers to another of its own file by number alone.
  @Test func citationsWithinAFile() throws {
    for file in try Self.files(in: Self.specs, ".md") {
      let name = file.deletingPathExtension().lastPathComponent
      let text = try String(contentsOf: file, encoding: .utf8).replacing(
        #/[a-z-]+ §[0-9]+/#, with: "")
      for number in text.matches(of: #/§\d+/#) {
        #expect(Self.clauses.contains("\(name) \(number.output)"), "\(name).md")
      }
    }
  }

  /// Every stage of every explanation cites a clause that exists.
  @Test(arguments: Definition.all) func citationsInStages(definition: Definition) {
    var unknown: Set<String> = []
    for (test, _) in definition.cases(2) {
      for output in definition.operation.declaration.outputs {
        let reference = ElementReference(output: output, index: nil)
        guard let outcome = try? Reference.evaluate(test, explaining: reference) else { continue }
        unknown.formUnion(outcome.stages.map(\.clause))
      }
    }
    #expect(unknown.subtracting(Self.clauses).sorted() == [])
  }
}
