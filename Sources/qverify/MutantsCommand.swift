import ArgumentParser
import CaseFormat
import Foundation
import Mutants
import Operations
import Reporting

/// `qverify mutants`: whether we would have noticed.
struct MutantsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutants",
    abstract: "Plant bugs in kernels, and see whether and how soon they are found.",
    discussion: """
      Every mutant is a kernel with one fault: bugs that happened, and generic ones for every \
      operation, dialect and tier that they fit. Each runs on the cases that a campaign with the same \
      seed has, is judged like any other kernel, and what kills it is shrunk. Exit code 1: a mutant \
      survived; 2: the budget ended before all were tried.
      """)

  @Option(
    name: .customLong("ops"), help: "Operations and groups (quant, conv, matmul, all), by commas.")
  var operations = "all"

  @Option(help: "Mutants by commas: ids, or the first parts of ids such as B01 or conv2d/onnx.")
  var only: String?

  @Option(help: "How long to go on, such as 60s or 5m.")
  var budget = "60s"

  @Option(help: "Cases that a mutant must survive to count as a survivor.")
  var cases = 6000

  @Option(help: "The seed of the cases.")
  var seed: UInt64 = 1

  @Flag(help: "Say what each failure looks like, and whether that names the fault; takes longer.")
  var explain = false

  @Flag(help: "List the mutants, and what does not apply or is equivalent, and run nothing.")
  var list = false

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
    guard cases > 0 else { throw ValidationError("--cases must be at least 1") }
    _ = try TimeSpan.parse(budget, option: "--budget")
    if try wanted().isEmpty { throw ValidationError("no mutant is named so; --list shows all") }
  }

  /// The mutants that are asked for.
  private func wanted() throws -> [Mutant] {
    let names = Set(try Input.operations(operations).map { $0.name })
    let ids = only?.split(separator: ",").map(String.init)
    return Catalogue.all.filter { mutant in
      names.contains(mutant.kernel.operation)
        && (ids?.contains { mutant.id == $0 || mutant.id.hasPrefix($0 + "/") } ?? true)
    }
  }

  func run() throws {
    let mutants = try wanted()
    if list {
      print(
        format == .text
          ? MutantText.list(mutants) : MutantText.listJSON(mutants).description)
      return
    }
    Interruption.catchSignals()
    var plan = MutantPlan(
      mutants: mutants, seed: seed, jobs: jobs,
      budget: try TimeSpan.parse(budget, option: "--budget"))
    plan.caseLimit = cases
    plan.explains = explain
    plan.isCancelled = { Interruption.isRequested }
    let showsProgress = !quiet && StandardError.isTerminal
    if showsProgress {
      plan.progress = { done in
        FileHandle.standardError.write(Data("\r\(done) of \(mutants.count) mutants ".utf8))
      }
    }
    let report = ExitGuard.run { MutantRun.run(plan) }
    if showsProgress { ProgressLine.clear() }
    let printed = MutantText(report: report, isComplete: mutants.count == Catalogue.all.count)
    print(format == .text ? printed.text : printed.json.description)
    if !report.wrongKernels.isEmpty { throw Exit.internalFault }
    if report.wasCancelled { throw Exit.interrupted }
    if !report.survivors.isEmpty { throw Exit.mismatch }
    if !report.untried.isEmpty { throw Exit.mistrusted }
  }
}
