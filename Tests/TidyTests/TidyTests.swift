import Foundation
import Operations
import Testing

/// What the layout promises, checked on the files themselves.
@Suite struct TidyTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Self.root + "/" + folder).sorted()
  }

  private func files(_ folder: String, ending: String) throws -> [(path: String, text: String)] {
    let base = Self.root + "/" + folder
    let paths = try #require(FileManager.default.enumerator(atPath: base)).compactMap { $0 as? String }
    return try paths.filter { $0.hasSuffix(ending) && !$0.contains(".build") }.map {
      ($0, try String(contentsOfFile: base + "/" + $0, encoding: .utf8))
    }
  }

  /// An operation is a folder of its name; the other folders hold what operations share.
  @Test func everyOperationIsAFolder() throws {
    let shared = ["Core", "Dialects", "Generators", "Semantics"]
    let folders = try names("Sources/Operations").filter { !shared.contains($0) }
    #expect(folders == Registry.all.map { $0.name }.sorted())
  }

  /// The judge and the judged cannot name each other.
  @Test func referenceAndKernelsAreStrangers() throws {
    for file in try files("Sources/Operations", ending: ".swift") {
      #expect(!file.text.contains("import Kernels"), "\(file.path)")
      #expect(!file.text.contains("import CKernels"), "\(file.path)")
    }
    for file in try files("Sources/Kernels", ending: ".swift") {
      for line in file.text.split(separator: "\n") where line.contains("import ") {
        let isAllowed = ["import CKernels", "import Synchronization"].contains { line.hasSuffix($0) }
        #expect(isAllowed || line.hasPrefix("//"), "\(file.path): \(line)")
      }
    }
  }

  /// Every clause that a source file or a dialect cites is written.
  @Test func everyCitedClauseExists() throws {
    var clauses: Set<String> = []
    for file in try files("specs", ending: ".md") {
      let name = file.path.replacingOccurrences(of: ".md", with: "")
      for line in file.text.split(separator: "\n") where line.hasPrefix("## §") {
        clauses.insert(name + " §" + line.dropFirst(4).prefix { $0.isNumber })
      }
    }
    #expect(clauses.count > 100)
    let citation = /(rounding|formats|affine|requantize|accumulate|special-values|proof|gradients) §(\d+)/
    let sources =
      try files("Sources", ending: ".swift") + files("specs", ending: ".md")
      + files("specs/dialects", ending: ".yaml") + files("golden", ending: ".md")
    for file in sources {
      for match in file.text.matches(of: citation) {
        let cited = "\(match.output.1) §\(match.output.2)"
        #expect(clauses.contains(cited), "\(file.path) cites \(cited)")
      }
    }
  }

  /// A document has one title.
  @Test func everyDocumentHasOneTitle() throws {
    for file in try files("specs", ending: ".md") {
      var isCode = false
      let titles = file.text.split(separator: "\n").filter { line in
        if line.hasPrefix("```") { isCode.toggle() }
        return !isCode && line.hasPrefix("# ")
      }
      #expect(titles.count == 1, "\(file.path)")
    }
  }

  /// No file depends on where it was written.
  @Test func noMachinePaths() throws {
    let path = /\/(home|root|Users|work)\/[a-z]/
    for file in try files("Sources", ending: ".swift") + files("specs", ending: ".md") {
      #expect(file.text.firstMatch(of: path) == nil, "\(file.path)")
    }
  }
}
