import Adapters
import Foundation
import Testing

/// The examples in C and Swift: as they stand they are bit-exact; with a planted bug they are caught.
@Suite(.serialized) struct KernelTests {
  /// A bug: what to put for what in the text, and what qverify has to say.
  struct Bug: Sendable {
    var operation: String
    var text: String
    var replacement: String
    var verdict: String
    var words: String
  }

  private static let buildC =
    "cc -std=c99 -O2 -Wall -Wextra -Werror -shared -fPIC example_kernel.c -o example_kernel.so -lm"
  private static let buildSwift = """
    echo 'module QVerifyKernel { header "qverify_kernel.h" export * }' > module.modulemap
    swiftc -O -I . example_kernel.swift -emit-library -o example_kernel.so
    """
  private static func fuzz(_ operations: String) -> String {
    "qverify fuzz --ops \(operations) --dialect onnx --subject lib:./example_kernel.so --cases 400 --seed 1"
  }

  /// Builds and fuzzes an example as it stands, and with each bug.
  private func judge(_ example: Adapter, build: String, operations: String, bugs: [Bug]) throws {
    try withFolder([.header, example]) { folder in
      let exact = try shell("\(build) && \(Self.fuzz(operations))", folder: folder)
      #expect(exact.code == 0, "\(exact.error)\(exact.output)")
      #expect(exact.output.contains(" passed ") && !exact.output.contains("mismatch"))
      let text = String(decoding: example.bytes, as: UTF8.self)
      let file = folder + "/" + example.fileName
      for bug in bugs {
        #expect(text.ranges(of: bug.text).count == 1, "\(bug.text)")
        try text.replacing(bug.text, with: bug.replacement).write(
          toFile: file, atomically: true, encoding: .utf8)
        let run = try shell("\(build) && \(Self.fuzz(bug.operation))", folder: folder)
        #expect(run.code == 1, "\(bug.replacement): \(run.error)\(run.output)")
        let head = "\(bug.operation)/onnx: lib:./example_kernel.so \(bug.verdict)"
        #expect(run.output.hasPrefix(head), "\(bug.replacement): \(run.output)")
        #expect(run.output.contains(bug.words), "\(bug.replacement): \(run.output)")
      }
    }
  }

  @Test(.enabled(if: Tools.hasC, "no C compiler")) func c() throws {
    let padding = """
      { sum -= (uint32_t)(x_zero * (load(w, w_signed, ((o * group_channels + c) * s->rows + row) \
      * s->columns + column) - w_zero)); continue; }
      """
    try judge(
      .c, build: Self.buildC, operations: "quantize,conv2d",
      bugs: [
        Bug(
          operation: "quantize", text: "rintf(", replacement: "roundf(",
          verdict: "disagrees with exact", words: "half away from zero"),
        Bug(
          operation: "quantize", text: "i < count", replacement: "i <= count",
          verdict: "overran", words: "after the end of"),
        Bug(
          operation: "quantize", text: "i < count", replacement: "i + 1 < count",
          verdict: "unwritten", words: "as they were"),
        Bug(
          operation: "conv2d", text: "continue;", replacement: padding,
          verdict: "disagrees with exact", words: "padding with 0 instead of the zero point"),
      ])
  }

  @Test(.enabled(if: Tools.hasSwift, "swiftc is not on the path")) func swift() throws {
    try judge(
      .swift, build: Self.buildSwift, operations: "quantize,matmul",
      bugs: [
        Bug(
          operation: "quantize", text: ".toNearestOrEven", replacement: ".down",
          verdict: "disagrees with exact", words: "nearest, ties to even"),
        Bug(
          operation: "matmul", text: "- Int32(aZero)", replacement: "",
          verdict: "disagrees with exact", words: "terms:"),
      ])
  }

  /// The lines that attach are fewer than 30 for an operation, and the first lines are commands.
  @Test(arguments: [Adapter.c, .swift, .pytorch, .onnxruntime]) func length(_ adapter: Adapter) {
    let lines = String(decoding: adapter.bytes, as: UTF8.self).split(separator: "\n")
    let mark = lines.lastIndex { $0.contains("What attaches it.") } ?? 0
    let comments = ["#", "//", "/*", "*", "\"\"\""]
    let code = lines[mark...].map { $0.drop { $0 == " " } }.filter { line in
      !line.isEmpty && !comments.contains { line.hasPrefix($0) } && line != "}"
    }
    let operations = adapter == .c || adapter == .swift ? 2 : 1
    #expect(code.count < 30 * operations, "\(adapter): \(code.count)")
    let builds = ["cc -std=c99", "swiftc", "pip install"]
    #expect(builds.contains { lines[0].contains($0) } && lines[1].contains("qverify fuzz --ops"))
  }

  /// The header that the binary writes is the one of the package.
  @Test func header() throws {
    let file = here.appendingPathComponent(
      "../../Sources/QVerifyKernel/include/qverify_kernel.h")
    #expect(try Data(contentsOf: file) == Data(Adapter.header.bytes))
  }
}
