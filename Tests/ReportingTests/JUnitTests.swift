import Foundation
import Fuzzing
import Reporting
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// JUnit XML as CI servers read it: an XML parser, then the rules of the de-facto schema.
@Suite struct JUnitTests {
  /// An element as the parser saw it.
  private final class Node {
    let name: String
    let attributes: [String: String]
    var children: [Node] = []
    var text = ""

    init(_ name: String, _ attributes: [String: String]) {
      (self.name, self.attributes) = (name, attributes)
    }

    func all(_ name: String) -> [Node] {
      children.filter { $0.name == name } + children.flatMap { $0.all(name) }
    }
  }

  private final class Reader: NSObject, XMLParserDelegate {
    var stack = [Node("document", [:])]

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      let node = Node(name, attributes)
      stack.last?.children.append(node)
      stack.append(node)
    }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
      qualifiedName: String?
    ) { stack.removeLast() }

    func parser(_ parser: XMLParser, foundCharacters text: String) { stack.last?.text += text }
  }

  private func root(_ report: Report) throws -> Node {
    let parser = XMLParser(data: Data(report.junit.utf8))
    let reader = Reader()
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    return try #require(reader.stack.first?.children.first)
  }

  /// The required attributes and the allowed children of the schema that Ant, Jenkins and GitLab read.
  private static let schema: [String: (attributes: [String], children: [String])] = [
    "testsuites": ([], ["testsuite"]),
    "testsuite": (
      ["name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"],
      ["properties", "testcase", "system-out", "system-err"]
    ),
    "testcase": (
      ["name", "classname", "time"], ["properties", "skipped", "failure", "error", "system-out"]
    ),
    "properties": ([], ["property"]),
    "property": (["name", "value"], []),
    "failure": (["type", "message"], []),
    "error": (["type", "message"], []),
    "skipped": (["message"], []),
  ]

  private func check(_ node: Node) throws {
    let rule = try #require(Self.schema[node.name], "unknown element \(node.name)")
    for attribute in rule.attributes {
      #expect(node.attributes[attribute] != nil, "\(node.name) has no \(attribute)")
    }
    for number in ["tests", "failures", "errors", "skipped", "time"] {
      guard let text = node.attributes[number] else { continue }
      #expect((Double(text) ?? -1) >= 0, "\(node.name).\(number) = \(text)")
    }
    for child in node.children {
      #expect(rule.children.contains(child.name), "\(child.name) in \(node.name)")
      try check(child)
    }
  }

  /// Counts say what is there.
  private func checkCounts(_ node: Node) {
    let kinds = [
      ("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped"),
    ]
    for (attribute, element) in kinds {
      #expect(node.attributes[attribute] == "\(node.all(element).count)", "\(attribute)")
    }
  }

  @Test func schema() throws {
    var interrupted = Samples.failing
    interrupted.campaign.wasCancelled = true
    interrupted.campaign.oracleFaults = ["a & b"]
    interrupted.gaps = ["a gap"]
    for report in [Samples.failing, Samples.passing, interrupted] {
      let root = try root(report)
      #expect(root.name == "testsuites")
      try check(root)
      checkCounts(root)
      for suite in root.children {
        checkCounts(suite)
        let stamp = suite.attributes["timestamp"] ?? ""
        #expect(stamp.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/) != nil)
        // Properties stand first, as the schema's sequence wants.
        #expect(suite.children.first?.name == "properties")
      }
    }
  }

  @Test func content() throws {
    let root = try root(Samples.failing)
    #expect(
      root.children.map { $0.attributes["name"] ?? "" } == [
        "requantize/tflite-away", "conv2d/onnx", "dequantize/mine", "quantize/cmsis-nn",
        "matmul/onnx",
      ])
    #expect(root.attributes["failures"] == "5" && root.attributes["skipped"] == "2")
    let cases = root.all("testcase")
    func test(_ name: String, _ suite: String) throws -> Node {
      try #require(
        cases.first { $0.attributes["name"] == name && $0.attributes["classname"] == suite })
    }
    let avx2 = try test("builtin:avx2", "requantize/tflite-away")
    let failure = try #require(avx2.all("failure").first)
    #expect(failure.attributes["type"] == "mismatch")
    #expect(
      failure.attributes["message"]
        == "requantize/tflite-away: builtin:avx2 disagrees with exact in 1 of 3 elements")
    #expect(failure.text.contains("replay      qverify replay golden/regressions/"))
    // A subject that shares a failure shows it too.
    let avx512 = try test("builtin:avx512", "requantize/tflite-away")
    #expect(avx512.all("failure").first?.text == failure.text)
    #expect(avx2.attributes["time"] == "1.235")
    // Thin evidence is red, since the exit code is not 0.
    let thin = try #require(
      try test("builtin:avx2", "conv2d/onnx").all("failure").first)
    #expect(thin.attributes["type"] == "mistrusted")
    #expect(thin.attributes["message"] == "never exercised: saturated <low> & \"high\"")
    // What XML forbids is shown by its picture.
    let crash = try #require(
      try test("lib:./bad kernel's.so", "conv2d/onnx").all("failure").first)
    #expect(
      crash.attributes["message"]
        == "conv2d/onnx: lib:./bad kernel's.so crashed: "
        + "signal 11 </script> & \u{241B}[31m\"red\"\u{2400} ]]> in the kernel")
    let properties = try test("builtin:scalar", "conv2d/onnx").all("property")
    let values = Dictionary(
      uniqueKeysWithValues: properties.map {
        ($0.attributes["name"] ?? "", $0.attributes["value"] ?? "")
      })
    #expect(values["coverage"] == "3/4" && values["refused"] == "50")
    #expect(values["refused bins"] == "per channel")
    for name in ["seed", "contradiction"] {
      #expect(root.all("property").contains { $0.attributes["name"] == name })
    }
    #expect(try self.root(Samples.passing).all("failure").isEmpty)
  }

  /// The parser of the test does find what is wrong.
  @Test func parserIsStrict() {
    let parser = XMLParser(data: Data("<a>\u{1}</a>".utf8))
    #expect(!parser.parse())
  }
}
