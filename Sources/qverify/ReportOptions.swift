import ArgumentParser
import CaseFormat
import Foundation
import Reporting

/// The files that `fuzz` and `merge` write their report to.
struct ReportOptions: ParsableArguments {
  @Option(help: "Write the report as JUnit XML, for CI.")
  var junit: String?

  @Option(help: "Write the report as SARIF 2.1.0, for code scanning.")
  var sarif: String?

  @Option(help: "Write the whole report as JSON, for qverify merge and programs.")
  var json: String?

  @Option(help: "Write the report as one self-contained HTML page.")
  var html: String?

  private var files: [(option: String, path: String)] {
    [("--junit", junit), ("--sarif", sarif), ("--json", json), ("--html", html)]
      .compactMap { option, path in path.map { (option, $0) } }
  }

  /// Whether any file was asked for.
  var isAsked: Bool { !files.isEmpty }

  func validate() throws {
    let paths = files.map(\.path)
    guard Set(paths).count == paths.count else {
      throw ValidationError("two reports cannot be written to the same file")
    }
  }

  /// Finds out before the work whether every file can be written.
  ///
  /// - Throws: exit code 66 where one cannot.
  func checkWritable() throws {
    for (option, path) in files {
      let reason = Self.obstacle(path)
      guard let reason else { continue }
      StandardError.line("qverify: \(option): cannot write '\(path)': \(reason)")
      throw Exit.missingFile
    }
  }

  /// Writes every file that was asked for, each all of it or nothing.
  ///
  /// - Throws: exit code 66 where one could not be written; the others are.
  func write(_ report: Report) throws {
    var hasFailed = false
    for (option, path) in files {
      let text =
        switch option {
        case "--junit": report.junit
        case "--sarif": report.sarif.description + "\n"
        case "--json": report.json.description + "\n"
        default: report.html
        }
      do {
        // A pipe, a device or a link (/dev/stdout) is written to; a file appears as a whole.
        let isSpecial = Self.isSpecial(path)
        try Data(text.utf8).write(
          to: URL(fileURLWithPath: path), options: isSpecial ? [] : .atomic)
      } catch {
        StandardError.line("qverify: \(option): cannot write '\(path)': \(error)")
        hasFailed = true
      }
    }
    if hasFailed { throw Exit.missingFile }
  }

  /// Why a file cannot be written, as far as that can be known; nil where it can.
  static func obstacle(_ path: String) -> String? {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    if path.isEmpty { return "the name is empty" }
    if manager.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      return "it is a folder"
    }
    if isSpecial(path) { return manager.isWritableFile(atPath: path) ? nil : "it is not writable" }
    let parent = (path as NSString).deletingLastPathComponent
    let folder = parent.isEmpty ? "." : parent
    guard manager.fileExists(atPath: folder, isDirectory: &isFolder) else {
      return "the folder '\(folder)' does not exist"
    }
    if !isFolder.boolValue { return "'\(folder)' is not a folder" }
    return manager.isWritableFile(atPath: folder) ? nil : "the folder '\(folder)' is not writable"
  }

  private static func isSpecial(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  }
}
