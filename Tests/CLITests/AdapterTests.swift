import Foundation
import Testing

/// `qverify adapter`: the files that it writes, and those that it leaves alone.
@Suite struct AdapterTests {
  static let firstWords = [
    "python": "\"\"\"Makes Python functions a subject of qverify.", "c": "/* cc -std=c99",
    "swift": "// swiftc", "header": "/* qverify_kernel.h:", "pytorch": "# pip install torch",
    "onnxruntime": "# pip install onnxruntime",
  ]

  @Test func standardOutput() throws {
    for (kind, words) in Self.firstWords {
      let run = try qverify(["adapter", kind])
      #expect(run.code == 0 && run.error.isEmpty && run.output.hasPrefix(words), "\(kind)")
      #expect(run.output.hasSuffix("\n") && !run.output.hasSuffix("\n\n"), "\(kind)")
    }
  }

  @Test func file() throws {
    try withFolder(["mine.c": "int mine;\n"]) { folder in
      let path = folder + "/kernel.c"
      let first = try qverify(["adapter", "c", "--output", "kernel.c"], folder: folder)
      #expect(first.code == 0 && first.output.isEmpty && first.error.isEmpty)
      let written = try String(contentsOfFile: path, encoding: .utf8)
      #expect(written == (try qverify(["adapter", "c"]).output))

      // What is there stays, unless it is said otherwise.
      let second = try qverify(["adapter", "c", "--output", "mine.c"], folder: folder)
      #expect(second.code == 64 && second.output.isEmpty)
      #expect(second.error.hasPrefix("Error: 'mine.c' exists; --force overwrites it\n"))
      #expect(try String(contentsOfFile: folder + "/mine.c", encoding: .utf8) == "int mine;\n")
      let third = try qverify(["adapter", "c", "--output", "mine.c", "--force"], folder: folder)
      #expect(third.code == 0)
      #expect(try String(contentsOfFile: folder + "/mine.c", encoding: .utf8) == written)

      let nowhere = try qverify(["adapter", "c", "--output", "nowhere/k.c"], folder: folder)
      #expect(nowhere.code == 66 && nowhere.error == "qverify: cannot write 'nowhere/k.c'\n")
    }
  }
}
