import ArgumentParser
import Foundation
import Golden

/// Compares published numbers with what comes out today.
struct GoldenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "golden",
    abstract: "Compare pinned numbers with what comes out today.",
    discussion: """
      A golden table is a YAML file of published numbers: which are quoted, which follow exactly \
      from others, which contradict what they should be, and which nobody can recompute, each with \
      its unit and the digits that count.

      Exit codes: 0 all agree; 1 a number changed, or contradicts what is printed without an entry \
      that says so; 65 a file is malformed; 66 a file is missing.
      """,
    subcommands: [Check.self, Show.self, Update.self],
    defaultSubcommand: Check.self)

  /// The tables that a subcommand works on.
  struct Tables: ParsableArguments {
    @Argument(
      help: "Files, or folders of .yaml files (default: golden/tables).",
      completion: .file(extensions: ["yaml", "yml"]))
    var paths: [String] = []
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Recompute every table exactly; print what changed, from what, to what and why.")

    @OptionGroup var tables: Tables
    @Option(help: "How the result is written: text or json.") var format = OutputFormat.text

    func run() throws {
      let reports = try tables.each(GoldenTable.load).map(Report.init)
      switch format {
      case .text: for report in reports { print(report.text) }
      case .json: try printJSON(reports)
      }
      if reports.contains(where: { !$0.findings.isEmpty }) { throw Exit.mismatch }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print every number with its status, its derivation and its exact value.")

    @OptionGroup var tables: Tables
    @Option(help: "How the tables are written: text or json.") var format = OutputFormat.text

    func run() throws {
      let tables = try tables.each(GoldenTable.load)
      switch format {
      case .text: print(tables.map(\.rendered).joined(separator: "\n\n"))
      case .json: try printJSON(tables)
      }
    }
  }

  struct Update: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write today's values into the `computed` fields, and nothing else.",
      discussion: """
        Comments, order and spacing stay, so that the diff shows the numbers that changed. In \
        continuous integration (CI set to anything but false or 0) nothing is written and the exit \
        code is 64. A contradiction is not mended: it stays, with exit code 1.
        """)

    @OptionGroup var tables: Tables

    func run() throws {
      let environment = ProcessInfo.processInfo.environment
      let files = try tables.each { path throws(GoldenError) in
        (path, try GoldenTable.update(path, environment: environment))
      }
      for (path, findings) in files {
        print("\(path): \(findings.count { $0.kind == .changed }) computed fields written")
        for finding in findings { print(finding.description.indented) }
      }
      let remain = files.contains { $0.1.contains { $0.kind != .changed } }
      if remain { throw Exit.mismatch }
    }
  }
}

extension GoldenCommand.Tables {
  /// Does something with every file, then exits with the code of the first error, if any.
  func each<T>(_ body: (String) throws(GoldenError) -> T) throws -> [T] {
    var results: [T] = []
    var errors: [GoldenError] = []
    for path in paths.isEmpty ? ["golden/tables"] : paths {
      do throws(GoldenError) {
        for file in try files(at: path) {
          do throws(GoldenError) { results.append(try body(file)) } catch { errors.append(error) }
        }
      } catch {
        errors.append(error)
      }
    }
    for error in errors {
      StandardError.line("qverify golden: \(error)")
    }
    if let first = errors.first { throw first.exitCode }
    return results
  }

  /// The path itself, or the tables in the folder that it names, by name.
  private func files(at path: String) throws(GoldenError) -> [String] {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else { return [path] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let tables = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
    guard !tables.isEmpty else {
      throw .missing(file: path, reason: "no golden table (*.yaml) in this folder")
    }
    return tables.map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
  }
}

/// What `check` says of one table.
private struct Report: Encodable {
  let file: String
  let title: String
  let counts: [String: Int]
  let findings: [GoldenTable.Finding]
  let text: String

  init(_ table: GoldenTable) {
    file = table.file
    title = table.title
    counts = Dictionary(
      uniqueKeysWithValues: GoldenTable.Status.allCases.map { ($0.rawValue, table.count(of: $0)) })
    findings = table.check()
    text = ([table.summary] + findings.map(\.description.indented)).joined(separator: "\n")
  }

  private enum CodingKeys: String, CodingKey {
    case file, title, counts, findings
  }
}

private func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

extension GoldenError {
  fileprivate var exitCode: ExitCode {
    switch self {
    case .refused: .validationFailure
    case .malformed: Exit.malformed
    case .missing: Exit.missingFile
    }
  }
}

extension String {
  fileprivate var indented: String {
    split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
  }
}
