import ArgumentParser
import CaseFormat
import Foundation
import Fuzzing
import Proving
import Reporting

/// `qverify merge`: one report, one corpus and one certificate of many shards.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Join the reports, the corpora and the certificates of shards.",
    discussion: """
      Takes the files that qverify fuzz --shard i/n --json FILE wrote, one for each shard, and ends \
      with the exit code that fuzz would have given for the whole. A missing shard is named and makes \
      the whole mistrusted. Reports of different campaigns, and the same shard twice, are refused. \
      Certificates that qverify prove --shard i/n wrote are put together likewise: a range that is \
      missing, or in two of them, is an error.
      """)

  @Argument(
    help: "Reports that fuzz or merge wrote with --json, or certificates that prove wrote.")
  var files: [String] = []

  @OptionGroup(title: "Reports") var reports: ReportOptions

  @Option(help: "Write the certificate of the whole to this file, which must not exist.")
  var certificate: String?

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
    if let first = files.first, Certificate.isCertificate(try Input.bytes(first)) {
      return try mergeCertificates()
    }
    guard certificate == nil else {
      throw ValidationError("--certificate is for certificates: '\(files.first ?? "")' is none")
    }
    let report = files.isEmpty ? nil : try mergedReport()
    let isCorpusSound = try corpus.map(mergeCorpora) ?? true
    if let report {
      print(format == .text ? report.text : report.json.description)
      try reports.write(report)
    }
    if !isCorpusSound { throw Exit.malformed }
    if let report { try Exit.end(report.conclusion) }
  }

  private func mergeCertificates() throws {
    guard !reports.isAsked, corpus == nil else {
      throw ValidationError("certificates go into a certificate, not into reports or a corpus")
    }
    if let certificate { try ProofSession.checkWritable(certificate) }
    let parts = try files.map { file in
      let bytes = try Input.bytes(file)
      return try ProveInputsCommand.orMalformed("'\(file)'") {
        (name: file, certificate: try Certificate(bytes: bytes))
      }
    }
    let whole = try ProveInputsCommand.orMalformed { try Certificate.merging(parts) }
    if let certificate {
      let data = Data((whole.json.description + "\n").utf8)
      do {
        try data.write(to: URL(fileURLWithPath: certificate), options: .atomic)
      } catch {
        StandardError.line(
          "qverify: cannot write '\(certificate)': \(error.localizedDescription)")
        throw Exit.missingFile
      }
    }
    switch format {
    case .text:
      let claim = whole.claim
      print(
        "\(claim.operation)/\(claim.dialect.name): \(claim.subject.name) agrees with exact on all "
          + "\(Quantity.count(claim.count)) \(claim.unit), by \(parts.count) certificates\n"
          + ProofText.line("digest", "\(whole.digest)"))
    case .json: print(whole.json)
    }
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
