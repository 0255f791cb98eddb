import CaseFormat
import Foundation
import Fuzzing
import Testing

/// Corpora are joined by name and content; nothing is lost.
@Suite struct CorpusMergeTests {
  private func folder(_ files: [String: String]) throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("qverify-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text) in files {
      try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
    return folder.path
  }

  private func files(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func text(_ folder: String, _ name: String) throws -> String {
    try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
  }

  private func test(_ id: String, _ data: [Int], operation: String = "dequantize") -> String {
    """
    {"id": "\(id)", "op": "\(operation)", "dialect": "onnx", "inputs": {"x": {"dtype": "int8", \
    "shape": [\(data.count)], "data": \(data)}}, "note": "\(id) of \(data.count)"}

    """
  }

  @Test func join() throws {
    let target = try folder([
      "a.json": test("a", [1, 2, 3]), "b.json": test("b", [4]), "other.json": test("o", [7]),
      "bad.json": "{", "notes.txt": "mine",
    ])
    let source = try folder([
      // Simpler than the one of the same name; harder; of another operation; of no name in common.
      "a.json": test("a", [2, 1]), "b.json": test("b", [4, 4]),
      "other.json": test("o", [7], operation: "quantize"), "new.json": test("n", [9]),
      // The same content under another name; what the target could not read.
      "twin.json": test("t", [4]), "bad.json": test("bad", [5]),
      "many.jsonl": test("m", [4]) + "oops\n" + test("p", [11]),
    ])
    defer { for path in [target, source] { try? FileManager.default.removeItem(atPath: path) } }
    let before = try files(source).map { try text(source, $0) }

    var merge = CorpusMerge(into: target)
    #expect(merge.problems.count == 1 && merge.problems[0].hasPrefix("\(target)/bad.json:1: "))
    try merge.add(source)
    #expect(
      try files(target) == [
        "a.json", "b.json", "bad-2.json", "bad.json", "many.jsonl", "new.json", "notes.txt",
        "other-2.json", "other.json",
      ])
    #expect(try text(target, "a.json") == test("a", [2, 1]))
    #expect(try text(target, "b.json") == test("b", [4]))
    #expect(try text(target, "other.json") == test("o", [7]))
    #expect(try text(target, "other-2.json") == test("o", [7], operation: "quantize"))
    #expect(try text(target, "bad.json") == "{" && text(target, "notes.txt") == "mine")
    #expect(try text(target, "many.jsonl") == test("p", [11]))
    #expect(merge.added == 4 && merge.replaced == 1 && merge.known == 3)
    #expect(merge.problems.count == 2)
    #expect(merge.problems.last?.hasPrefix("\(source)/many.jsonl:2: malformed: ") == true)
    #expect(try files(source).map { try text(source, $0) } == before)

    // A second time there is nothing to do.
    let after = try files(target).map { try text(target, $0) }
    var again = CorpusMerge(into: target)
    try again.add(source)
    #expect(again.added == 0 && again.replaced == 0)
    #expect(try files(target).map { try text(target, $0) } == after)
  }

  /// The order of the folders does not matter for cases of the same name.
  @Test func order() throws {
    let one = try folder(["a.json": test("a", [1, 2]), "z.json": test("z", [3])])
    let two = try folder(["a.json": test("a", [5]), "y.json": test("y", [4])])
    let targets = [try folder([:]) + "/made/here", try folder([:]) + "/and/here"]
    defer {
      for path in [one, two] + targets { try? FileManager.default.removeItem(atPath: path) }
    }
    var contents: [[String]] = []
    for (target, sources) in zip(targets, [[one, two], [two, one]]) {
      var merge = CorpusMerge(into: target)
      for source in sources { try merge.add(source) }
      contents.append(try files(target).map { try text(target, $0) })
    }
    #expect(contents[0] == contents[1] && contents[0].count == 3)
    #expect(contents[0].first == test("a", [5]))
  }
}
