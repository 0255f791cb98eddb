import Foundation
import Operations
import Testing

/// The root of the checkout.
private let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The files under a folder of the checkout whose names end in one of the given ways.
private func files(_ folder: String, _ suffixes: [String]) throws -> [(path: String, text: String)] {
  let root = repository.appendingPathComponent(folder)
  let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path)
  return try paths.filter { path in suffixes.contains { path.hasSuffix($0) } }.sorted().map {
    ("\(folder)/\($0)", try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8))
  }
}

/// The modules that a Swift file imports.
private func imports(_ text: String) -> [String] {
  text.matches(
    of:
      #/(?m)^(?:@testable |@preconcurrency )?(?:public |internal |package |private |fileprivate )?import (?:struct |class |enum |func |protocol |typealias )?([A-Za-z_]+)/#
  )
  .map { String($0.output.1) }
}

/// Rules about the tree that no compiler checks.
@Suite struct TidyTests {
  /// Folder, declaration and registry: one spelling, no folder without an operation.
  @Test func foldersAreOperations() throws {
    let root = repository.appendingPathComponent("Sources/Operations")
    let folders = try FileManager.default.contentsOfDirectory(atPath: root.path).filter {
      var isDirectory: ObjCBool = false
      let path = root.appendingPathComponent($0).path
      return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        && isDirectory.boolValue && $0.first?.isLowercase ?? false
    }
    #expect(Set(folders) == Set(Registry.all.map { $0.name }))
    #expect(Set(Registry.all.map { $0.name }).count == Registry.all.count)
    // An operation is found in every group that it names, and in `all`.
    for group in Registry.groups {
      #expect(!group.operations.isEmpty && Set(group.operations).isSubset(of: folders))
    }
    #expect(Registry.groups.last?.operations == Registry.all.map { $0.name })
  }

  /// What is generic names no operation.
  @Test func machineryNamesNoOperation() throws {
    // `quantize`, `truncate` and their like are words as well; only string literals count.
    let names = Registry.all.map { "\"\($0.name)\"" }
    let generic =
      ["Core", "Dialects"].map { "Sources/Operations/\($0)" } + [
        "Sources/Generation", "Sources/Verification",
      ]
    for folder in generic {
      for file in try files(folder, [".swift"]) {
        for name in names where file.text.contains(name) {
          Issue.record("\(file.path) names \(name)")
        }
      }
    }
  }

  /// The reference cannot see the kernels, nor the kernels the reference; one module sees both.
  @Test func referenceAndKernelsAreApart() throws {
    let forbidden: [(folder: String, modules: [String])] = [
      ("Sources/Operations", ["Kernels", "CKernels", "Subjects", "Verification", "Fuzzing"]),
      (
        "Sources/Kernels",
        [
          "Operations", "CaseFormat", "ExactArithmetic", "NumberFormats", "Verification",
          "Subjects",
        ]
      ),
      ("Sources/Verification", ["Kernels", "CKernels", "Subjects", "Fuzzing"]),
      ("Sources/Fuzzing", ["Kernels", "CKernels", "Subjects"]),
      ("Sources/ExactArithmetic", ["NumberFormats", "CaseFormat", "Operations"]),
      ("Sources/NumberFormats", ["CaseFormat", "Operations"]),
      (
        "Sources/Generation",
        ["CaseFormat", "Operations", "NumberFormats", "ExactArithmetic", "Foundation"]
      ),
    ]
    for (folder, modules) in forbidden {
      for file in try files(folder, [".swift"]) {
        for module in imports(file.text) where modules.contains(module) {
          Issue.record("\(file.path) imports \(module)")
        }
      }
    }
    #expect(
      imports("public import Foo\n@testable import Bar\n  import Baz\nimport struct A.B") == [
        "Foo", "Bar", "A",
      ])
  }

  /// GMP and MPFR are seen by one module, and so is the code that is called under guard.
  @Test func cModules() throws {
    for (module, folder) in [
      ("CMPFR", "Sources/ExactArithmetic/"), ("CHarness", "Sources/Verification/"),
      ("CKernels", "Sources/Kernels/"),
    ] {
      for file in try files("Sources", [".swift"]) where imports(file.text).contains(module) {
        #expect(file.path.hasPrefix(folder), "\(file.path) imports \(module)")
      }
    }
  }

  /// No path of somebody's machine.
  @Test func noMachinePaths() throws {
    let wrong = ["/home/", "/Users/", "/root/", "/work/", "/tmp/", "C:\\", "/opt/"]
    var texts = try files("Sources", [".swift", ".c", ".h", ".modulemap"])
    texts += try files("specs", [".md", ".yaml", ".swift"])
    texts += try files("golden", [".yaml", ".md", ".json", ".jsonl"])
    texts += try files("Tests", [".swift", ".c", ".txt"]).filter {
      !$0.path.hasPrefix("Tests/TidyTests")
    }
    for name in ["README.md", "CONTRIBUTING.md", "Package.swift"] {
      let url = repository.appendingPathComponent(name)
      if let text = try? String(contentsOf: url, encoding: .utf8) { texts.append((name, text)) }
    }
    for file in texts {
      for path in wrong where file.text.contains(path) { Issue.record("\(file.path) has \(path)") }
    }
  }

  /// One title a Markdown file, first; clauses count from 1 without gaps, and the contents name all.
  @Test func clauses() throws {
    for file in try files("specs", [".md"]) {
      let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
      var isCode = false
      let titles = lines.filter { line in
        if line.hasPrefix("```") { isCode.toggle() }
        return !isCode && line.hasPrefix("# ")
      }
      #expect(titles.count == 1 && lines.first == titles.first, "\(file.path)")
      let numbers = lines.compactMap {
        $0.firstMatch(of: #/^## §([0-9]+) /#).flatMap { Int($0.output.1) }
      }
      #expect(numbers == Array(1..<(numbers.count + 1)), "\(file.path)")
      guard let contents = file.text.firstRange(of: #/Contents: (?s:.*?)\n\n/#) else { continue }
      let listed = file.text[contents].matches(of: #/§([0-9]+)/#).compactMap { Int($0.output.1) }
      #expect(
        listed == numbers, "\(file.path): the contents list \(listed.count) of \(numbers.count)")
    }
  }

  /// Lines that a terminal shows whole; no tabs, no space at their ends, a newline at the end of file.
  @Test func lines() throws {
    let all =
      try files("Sources", [".swift", ".c", ".h"]) + files("Tests", [".swift", ".c"])
      + files("specs", [".md", ".yaml"])
    for file in all {
      for (index, line) in file.text.split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated()
      {
        let isTable = line.hasPrefix("|") || line.contains("http")
        let limit = file.path.hasSuffix(".yaml") ? 240 : 120
        if line.count > limit && !isTable {
          Issue.record("\(file.path):\(index + 1) has \(line.count) columns")
        }
        if line.contains("\t") || line.last == " " {
          Issue.record("\(file.path):\(index + 1): tab or space at the end")
        }
      }
      #expect(file.text.hasSuffix("\n") && !file.text.hasSuffix("\n\n"), "\(file.path)")
    }
  }

  /// Nothing unfinished, and no way to stop a process that takes anybody's input.
  @Test func words() throws {
    for file in try files("Sources", [".swift"]) {
      for word in ["TODO", "FIXME", "XXX", "HACK", "try!", "as!"] where file.text.contains(word) {
        Issue.record("\(file.path) has \(word)")
      }
    }
  }

  /// Modules of the source tree and of the manifest.
  @Test func manifest() throws {
    let text = try String(
      contentsOf: repository.appendingPathComponent("Package.swift"), encoding: .utf8)
    let sources = try FileManager.default.contentsOfDirectory(
      atPath: repository.appendingPathComponent("Sources").path)
    let folders = sources.filter { !$0.hasPrefix(".") }
    let tests = try FileManager.default.contentsOfDirectory(
      atPath: repository.appendingPathComponent("Tests").path)
    for name in folders + tests where !name.hasPrefix(".") && !text.contains("\"\(name)\"") {
      Issue.record("\(name) is not in the manifest")
    }
  }
}
