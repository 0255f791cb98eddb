import ArgumentParser
import CaseFormat
import Foundation
import Operations
import Proving

/// `qverify diff`: where two dialects differ.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Say on which inputs two dialects differ: all of them, exactly.",
    discussion: """
      With parameters every value of the input is compared, all 2^32 of a float32: how many differ, \
      as ranges with both exact answers, and why. Without, a small set of telling parameters is gone \
      through, and for products and convolutions, which have no one input to run through, constructed \
      cases at the limits of accumulators and on ties. What one dialect leaves open is counted apart. \
      Exits with 0 where they agree on every input compared, with 1 where they differ.
      """)

  @Argument(help: "A dialect: a name, or a .yaml file.")
  var first: String

  @Argument(help: "The dialect to compare it with.")
  var second: String

  @Option(name: .customLong("op"), help: "The operation.")
  var operation: String

  @OptionGroup(title: "Parameters") var question: QuestionOptions

  @Option(help: "How many differences to print.")
  var limit = 10

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    guard Registry.operation(named: operation) != nil else {
      throw ValidationError("unknown operation '\(operation)'; qverify ops lists them")
    }
  }

  func run() throws {
    guard let operation = Registry.operation(named: operation) else { return }
    let dialects = try Input.dialects([first, second])
    for dialect in dialects where !dialect.defines(operation.name) {
      throw ValidationError(
        "'\(dialect.name)' does not define \(operation.name): "
          + dialect.reasonAgainst(operation.name))
    }
    Interruption.catchSignals()
    if question.isEmpty {
      try compareTelling(operation, dialects[0], dialects[1])
    } else if operation.sweptInput != nil {
      try compareAll(try question.template(of: operation), dialects[0], dialects[1])
    } else {
      try compareCase(operation, dialects[0], dialects[1])
    }
  }

  // MARK: One question

  /// Compares on every value of the swept input.
  private func compareAll(_ template: Case, _ first: Dialect, _ second: Dialect) throws {
    let shows = !quiet && StandardError.isTerminal
    let difference: Difference
    do throws(CaseError) {
      difference = try Difference(
        template, first, second, limit: limit, jobs: jobs,
        progress: { if shows { DiffProgress.show($0) } },
        isCancelled: { Interruption.isRequested })
    } catch {
      if shows { ProgressLine.clear() }
      StandardError.line("qverify: \(error)")
      throw Exit.malformed
    }
    if shows { ProgressLine.clear() }
    let report = DifferenceReport(difference, template)
    print(format == .text ? report.text : report.json.description)
    if Interruption.isRequested { throw Exit.interrupted }
    if !difference.isEmpty { throw Exit.mismatch }
  }

  /// Compares on a case of an operation that has no swept input.
  private func compareCase(
    _ operation: any Operations.Operation.Type, _ first: Dialect, _ second: Dialect
  ) throws {
    guard question.file != nil else {
      throw ValidationError(
        "\(operation.name) has no one input to run through: give a case with --case, or no "
          + "parameters")
    }
    let test = try question.template(of: operation)
    let comparison: CaseDifference
    do throws(CaseError) {
      comparison = try CaseDifference(test, first, second)
    } catch {
      StandardError.line("qverify: \(error)")
      throw Exit.malformed
    }
    finish([DiffRow(comparison)], first, second)
    if comparison.count > 0 { throw Exit.mismatch }
  }

  // MARK: Telling parameters

  /// All inputs where that takes no more than seconds, else those at the thresholds.
  private func compareTelling(
    _ operation: any Operations.Operation.Type, _ first: Dialect, _ second: Dialect
  ) throws {
    let shows = !quiet && StandardError.isTerminal
    let probes = Probe.all(of: operation.name)
    var rows: [DiffRow] = []
    for (index, probe) in probes.enumerated() where !Interruption.isRequested {
      if shows { DiffProgress.show(Double(index) / Double(probes.count)) }
      rows.append(row(probe, first, second))
    }
    if shows { ProgressLine.clear() }
    finish(rows, first, second)
    if Interruption.isRequested { throw Exit.interrupted }
    if rows.contains(where: { $0.differing > 0 }) { throw Exit.mismatch }
    if !rows.contains(where: \.isCompared) {
      StandardError.line("qverify: the two dialects define no telling case in common")
      throw Exit.malformed
    }
  }

  private func row(_ probe: Probe, _ first: Dialect, _ second: Dialect) -> DiffRow {
    do throws(CaseError) {
      if let template = probe.template, Difference.isQuick(template, first, second) {
        let difference = try Difference(template, first, second, limit: 1, jobs: jobs)
        return DiffRow(difference, probe)
      }
      return DiffRow(try CaseDifference(probe.test, first, second, probe: probe))
    } catch {
      return DiffRow(probe, error)
    }
  }

  private func finish(_ rows: [DiffRow], _ first: Dialect, _ second: Dialect) {
    let table = DiffTable(
      operation: operation, first: first.name, second: second.name, rows: rows, limit: limit)
    print(format == .text ? table.text : table.json.description)
  }
}

/// The part of a comparison that is done.
enum DiffProgress {
  static func show(_ fraction: Double) {
    FileHandle.standardError.write(Data("\r\(Int(fraction * 100)) % ".utf8))
  }
}
