import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import Reporting

/// `qverify merge`: one report and one corpus of many shards.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Join the reports and the corpora of shards.",
    discussion: """
      Takes the files that qverify fuzz --shard i/n --json FILE wrote, one for each shard, and ends \
      with the exit code that fuzz would have given for the whole. A missing shard is named and makes \
      the whole mistrusted. Reports of different campaigns, and the same shard twice, are refused.
      """)

  @Argument(help: "Reports that fuzz or merge wrote with --json.")
  var files: [String] = []

  @OptionGroup(title: "Reports") var reports: ReportOptions

  @Option(help: "The folder that the cases of the --from folders are added to.")
  var corpus: String?

  @Option(parsing: .upToNextOption, help: "Folders of failing cases to add to --corpus.")
  var from: [String] = []

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  func validate() throws {
    guard !files.isEmpty || corpus != nil else {
      throw ValidationError("nothing to merge: name reports, or --corpus and --from")
    }
    guard (corpus == nil) == from.isEmpty else {
      throw ValidationError("--corpus and --from go together")
    }
    if files.isEmpty, reports.isAsked {
      throw ValidationError("there is no report to write: name the reports to merge")
    }
  }

  func run() throws {
    try reports.checkWritable()
    let report = files.isEmpty ? nil : try mergedReport()
    let isCorpusSound = try corpus.map(mergeCorpora) ?? true
    if let report {
      print(format == .text ? report.text : report.json.description)
      try reports.write(report)
    }
    if !isCorpusSound { throw Exit.malformed }
    if let report { try Exit.end(report.conclusion) }
  }

  private func mergedReport() throws -> Report {
    let parts = try files.map { file in
      let bytes = try Input.bytes(file)
      do throws(ReportError) {
        return (name: file, report: try Report(bytes: bytes))
      } catch {
        StandardError.line("qverify: '\(file)': \(error)")
        throw Exit.malformed
      }
    }
    do throws(ReportError) {
      return try Report.merging(parts)
    } catch {
      StandardError.line("qverify: \(error)")
      throw Exit.malformed
    }
  }

  /// Joins the corpora; says whether every case could be read.
  private func mergeCorpora(into corpus: String) throws -> Bool {
    for folder in from {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
        isFolder.boolValue
      else {
        StandardError.line("qverify: there is no folder '\(folder)'")
        throw Exit.missingFile
      }
    }
    var merge = CorpusMerge(into: corpus)
    do {
      for folder in from { try merge.add(folder) }
    } catch {
      StandardError.line("qverify: cannot write in '\(corpus)': \(error)")
      throw Exit.missingFile
    }
    for problem in merge.problems { StandardError.line("qverify: \(problem)") }
    let counts = [("added", merge.added), ("replaced", merge.replaced), ("known", merge.known)]
    switch format {
    case .text:
      print(
        "\(corpus): \(merge.added) cases added, \(merge.replaced) replaced by simpler ones, "
          + "\(merge.known) there already")
    case .json:
      let members = counts.map { JSONValue.Member($0.0, .number("\($0.1)")) }
      print(JSONValue.object([.init("corpus", .string(corpus))] + members))
    }
    return merge.problems.isEmpty
  }
}
