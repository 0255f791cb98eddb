import ArgumentParser
import CaseFormat
import Foundation
import Kernels
import Operations
import Subjects

/// `qverify bench kernels`: how fast are the tiers, and how far below the machine's ceiling?
struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time every operation on every tier, against what the machine can do at most.",
    discussion: """
      Each repeat measures the ceilings and then every tier; shares and ratios are taken within a \
      repeat, so that drift cancels, and their median is printed with the extremes. One thread.

      Ceilings: for element-wise operations a copy from one buffer to another of the same total \
      size (the better of the C library's and of the widest plain loads and stores), and the same \
      reads and writes without arithmetic ("of moves"): a kernel that mostly writes cannot reach \
      the former, one that mostly reads may exceed it. For products the peak of the dot product \
      instructions that the tier uses, in registers: vpdpbusd for avx512vnni, vpmaddwd with vpaddd \
      for avx2 and avx512; scalar and swift have none. GB/s counts every byte that the algorithm \
      reads or writes, dynamic_quantize's second reading of x too. Padding counts as work.

      What would take a slow tier too long is measured on some of its rows, which "rows" says.
      """)

  @Option(
    name: .customLong("ops"), help: "Operations and groups (quant, conv, matmul, all), by commas.")
  var operations = "all"

  @Option(
    help: """
      Tiers such as builtin:avx2, by commas. Default: every tier of this CPU. Ratios to scalar need \
      builtin:scalar among them.
      """)
  var subject: String?

  @Option(help: "How often each measurement is repeated; at least 7.")
  var repeats = 9

  @Option(help: "How long each measurement should take, in seconds.")
  var seconds = 0.005

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  @Flag(help: "Print no progress.")
  var quiet = false

  func validate() throws {
    guard repeats >= 7 else { throw ValidationError("--repeats must be at least 7") }
    guard repeats <= 10_000 else { throw ValidationError("--repeats must be at most 10000") }
    guard seconds >= 1e-6, seconds <= 60 else {
      throw ValidationError("--seconds must be from 0.000001 to 60")
    }
    _ = try Input.operations(operations)
  }

  func run() throws {
    let tiers = try Input.subjects(subject).map { subject in
      guard let builtin = subject as? BuiltinSubject else {
        throw ValidationError("\(subject.name) is not a built-in tier")
      }
      return builtin.tier
    }
    let names = try Input.operations(operations).map { $0.name }
    let workloads = BenchWorkload.all.filter { names.contains($0.operation) }
    if workloads.isEmpty {
      throw ValidationError("the built-in tiers have no kernel for \(names.joined(separator: ", "))")
    }
    Interruption.catchSignals()
    let machine = BenchMachine()
    let measurement = BenchMeasurement(
      tiers: Tier.allCases.filter(tiers.contains), repeats: repeats, seconds: seconds)
    let start = ContinuousClock.now
    var results: [BenchResult] = []
    let showsProgress = !quiet && StandardError.isTerminal
    // In the order of the registry, whatever the order of the list.
    let sorted = names.flatMap { name in workloads.filter { $0.operation == name } }
    for (index, workload) in sorted.enumerated() where !Interruption.isRequested {
      if showsProgress {
        BenchProgress.show("\(index + 1)/\(sorted.count)  \(workload.operation) \(workload.name)")
      }
      results += measurement.run(workload)
    }
    if showsProgress { ProgressLine.clear() }
    let report = BenchKernelsReport(
      machine: machine, results: results, repeats: repeats, seconds: seconds,
      elapsed: start.duration(to: .now) / .seconds(1), interrupted: Interruption.isRequested)
    print(format == .text ? report.text : report.json.description)
    if Interruption.isRequested { throw Exit.interrupted }
  }
}

/// The results of `bench kernels`, for people and for programs.
struct BenchKernelsReport {
  let machine: BenchMachine
  let results: [BenchResult]
  let repeats: Int
  let seconds: Double
  let elapsed: Double
  let interrupted: Bool

  var text: String {
    var lines = machine.lines(threads: 1)
    lines.append(
      "method   median (min .. max) of \(repeats) repeats of about "
        + "\(BenchNumber.text(seconds * 1000)) ms; ratios within a repeat")
    let outOfCache = BenchWorkload.outOfCache * 4
    if let last = machine.lastLevelCache, outOfCache < 2 * last {
      lines.append("warning  'out of cache' is \(outOfCache >> 20) MiB, of which a cache holds much")
    }
    let elementwise = results.filter { $0.workload.unit == .elements }
    if !elementwise.isEmpty { lines += [""] + elementwiseTable(elementwise) }
    let products = results.filter { $0.workload.unit == .macs }
    if !products.isEmpty { lines += [""] + productTable(products) }
    lines += [
      "", "\(results.count) measurements in \(String(format: "%.1f", elapsed)) s"
        + (interrupted ? ", interrupted" : ""),
    ]
    return lines.joined(separator: "\n")
  }

  private func elementwiseTable(_ results: [BenchResult]) -> [String] {
    var rows = [
      [
        "operation", "case", "tier", "Gelem/s", "min", "max", "GB/s", "copy GB/s", "of copy",
        "of moves", "x scalar", "rows",
      ]
    ]
    rows += labelled(results) { result in
      let bytes = result.bytesPerElement ?? 0
      return giga(result.rate) + [
        BenchNumber.text((result.rate?.median).map { $0 * bytes * 1e-9 }),
        BenchNumber.text((result.ceiling?.median).map { $0 * bytes * 1e-9 }),
        BenchNumber.percent(result.share?.median), BenchNumber.percent(result.shareOfMoves?.median),
        BenchNumber.text(result.ratioToScalar?.median), part(result),
      ]
    }
    return TextTable.lines(rows, rightAligned: Set(3...10))
  }

  private func productTable(_ results: [BenchResult]) -> [String] {
    var rows = [
      [
        "operation", "case", "tier", "GMAC/s", "min", "max", "us/call", "peak", "of peak",
        "x scalar", "rows",
      ]
    ]
    rows += labelled(results) { result in
      giga(result.rate) + [
        BenchNumber.text(secondsPerCall(result).map { $0 * 1e6 }),
        BenchNumber.text((result.ceiling?.median).map { $0 * 1e-9 }),
        BenchNumber.percent(result.share?.median),
        BenchNumber.text(result.ratioToScalar?.median), part(result),
      ]
    }
    return TextTable.lines(rows, rightAligned: Set(3...9))
  }

  /// Rows of a table; the operation and the case stand at the first tier only.
  private func labelled(_ results: [BenchResult], _ cells: (BenchResult) -> [String]) -> [[String]] {
    var last = ""
    return results.map { result in
      let name = result.workload.name
      let isNew = last != result.workload.operation + name
      last = result.workload.operation + name
      let labels = [isNew ? result.workload.operation : "", isNew ? name : "", result.tier.rawValue]
      return labels + (result.refusal.map { [$0] } ?? cells(result))
    }
  }

  private func giga(_ summary: BenchSummary?) -> [String] {
    [summary?.median, summary?.min, summary?.max].map { BenchNumber.text($0.map { $0 * 1e-9 }) }
  }

  private func part(_ result: BenchResult) -> String {
    result.rows == result.workload.rows ? "all" : "\(result.rows) of \(result.workload.rows)"
  }

  private func secondsPerCall(_ result: BenchResult) -> Double? {
    result.rate.map { Double(result.rows * result.workload.unitsPerRow) / $0.median }
  }

  var json: JSONValue {
    .object([
      .init("command", .string("bench kernels")), .init("version", .string(QVerify.version)),
      .init("machine", machine.json(threads: 1)), .init("repeats", .number("\(repeats)")),
      .init("seconds_per_measurement", .rounded(seconds)),
      .init("out_of_cache_bytes", .number("\(BenchWorkload.outOfCache * 4)")),
      .init("seconds", .rounded(elapsed)), .init("interrupted", .bool(interrupted)),
      .init("results", .array(results.map(json))),
    ])
  }

  private func json(_ result: BenchResult) -> JSONValue {
    let workload = result.workload
    let bytes = result.bytesPerElement
    let isElementwise = workload.unit == .elements
    return .object([
      .init("operation", .string(workload.operation)), .init("case", .string(workload.name)),
      .init("tier", .string(result.tier.rawValue)), .init("unit", .string(workload.unit.rawValue)),
      .init("refusal", result.refusal.map { .string($0) } ?? .null),
      .init("rows", .number("\(workload.rows)")), .init("measured_rows", .number("\(result.rows)")),
      .init("units_per_row", .number("\(workload.unitsPerRow)")),
      .init("calls_per_measurement", .number("\(result.callsPerMeasurement)")),
      .init("seconds_per_call", .rounded(secondsPerCall(result))),
      .init("units_per_second", result.rate?.json ?? .null),
      .init("bytes_per_unit", .rounded(bytes)),
      .init("bytes_per_second", .rounded(bytes.flatMap { b in result.rate.map { $0.median * b } })),
      .init("ceiling", .string(isElementwise ? "copy" : "dot products of the tier")),
      .init("ceiling_units_per_second", result.ceiling?.json ?? .null),
      .init("share_of_ceiling", result.share?.json ?? .null),
      .init("share_of_moves", result.shareOfMoves?.json ?? .null),
      .init("ratio_to_scalar", result.ratioToScalar?.json ?? .null),
    ])
  }
}
