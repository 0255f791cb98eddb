import ArgumentParser
import CaseFormat
import Foundation
import Kernels
import Operations
import Reporting
import Subjects
import Verification

/// `qverify bench kernels`: how fast the tiers are, and how far below the machine's ceiling.
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

      What would take a slow tier too long is measured on some of its rows; "measured" says how \
      much of the case.
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
      throw ValidationError("no built-in kernel for \(names.joined(separator: ", "))")
    }
    Interruption.catchSignals()
    let machine = BenchMachine(clock: BenchClock.name)
    let measurement = BenchMeasurement(
      tiers: Tier.allCases.filter(tiers.contains), repeats: repeats, seconds: seconds)
    let start = (wall: ContinuousClock.now, cpu: BenchClock.now)
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
      elapsed: start.wall.duration(to: .now) / .seconds(1), onCPU: BenchClock.now - start.cpu,
      interrupted: Interruption.isRequested)
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
  /// How much of that the thread was running.
  let onCPU: Double
  let interrupted: Bool

  var text: String {
    var lines = machine.lines(threads: 1)
    lines.append(
      "method   median (min .. max) of \(repeats) repeats of about "
        + "\(BenchNumber.text(seconds * 1000)) ms; ratios within a repeat")
    let outOfCache = BenchWorkload.outOfCache * 4
    if let last = machine.lastLevelCache, outOfCache < 2 * last {
      lines.append("warning  a cache holds much of the \(outOfCache >> 20) MiB 'out of cache'")
    }
    let elementwise = results.filter { $0.workload.unit == .elements }
    if !elementwise.isEmpty { lines += [""] + elementwiseTable(elementwise) }
    let products = results.filter { $0.workload.unit == .macs }
    if !products.isEmpty { lines += [""] + productTable(products) }
    lines += [
      "",
      "\(results.count) measurements in \(String(format: "%.1f", elapsed)) s, on the CPU "
        + "\(Int((onCPU / elapsed * 100).rounded())) % of the time",
    ]
    if interrupted { lines.append("interrupted") }
    return lines.joined(separator: "\n")
  }

  private func elementwiseTable(_ results: [BenchResult]) -> [String] {
    let header = [
      "tier", "Gelem/s", "min", "max", "GB/s", "copy GB/s", "of copy", "of moves", "x scalar",
      "measured",
    ]
    return grouped(results, header) { result in
      let bytes = result.bytesPerElement ?? 0
      let gigabytes = [result.rate, result.ceiling].map { summary in
        BenchNumber.text(summary.map { $0.median * bytes * 1e-9 })
      }
      return giga(result.rate) + gigabytes + [
        BenchNumber.percent(result.share?.median), BenchNumber.percent(result.shareOfMoves?.median),
        BenchNumber.text(result.ratioToScalar?.median), part(result),
      ]
    }
  }

  private func productTable(_ results: [BenchResult]) -> [String] {
    let header = [
      "tier", "GMAC/s", "min", "max", "us/call", "peak", "of peak", "from", "to", "x scalar",
      "measured",
    ]
    return grouped(results, header) { result in
      giga(result.rate) + [
        BenchNumber.text(secondsPerCall(result).map { $0 * 1e6 }),
        BenchNumber.text((result.ceiling?.median).map { $0 * 1e-9 }),
        BenchNumber.percent(result.share?.median), BenchNumber.percent(result.share?.min),
        BenchNumber.percent(result.share?.max),
        BenchNumber.text(result.ratioToScalar?.median), part(result),
      ]
    }
  }

  /// A table of one line for each tier, under the name of its workload.
  private func grouped(
    _ results: [BenchResult], _ header: [String], _ cells: (BenchResult) -> [String]
  ) -> [String] {
    let rows = results.map { result -> [String] in
      let values = cells(result)
      return ["  " + result.tier.rawValue]
        + (result.refusal == nil ? values : Array(values.dropLast().map { _ in "-" }))
        + (result.refusal.map { [$0] } ?? [])
    }
    let lines = TextTable.lines([header] + rows, rightAligned: Set(1..<header.count - 1))
    var grouped = [lines[0]]
    var last = ""
    for (result, line) in zip(results, lines.dropFirst()) {
      let title = "\(result.workload.operation)  \(result.workload.name)"
      if title != last { grouped.append(title) }
      last = title
      grouped.append(line)
    }
    return grouped
  }

  private func giga(_ summary: BenchSummary?) -> [String] {
    [summary?.median, summary?.min, summary?.max].map { BenchNumber.text($0.map { $0 * 1e-9 }) }
  }

  private func part(_ result: BenchResult) -> String {
    result.rows == result.workload.rows
      ? "all" : BenchNumber.percent(Double(result.rows) / Double(result.workload.rows))
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
      .init("seconds", .rounded(elapsed)), .init("seconds_on_cpu", .rounded(onCPU)),
      .init("interrupted", .bool(interrupted)),
      .init("results", .array(results.map(json))),
    ])
  }

  private func json(_ result: BenchResult) -> JSONValue {
    let workload = result.workload
    let bytes = result.bytesPerElement
    let ceiling = workload.unit == .elements ? "copy" : "dot products of the tier"
    let bytesPerSecond: Double? = bytes.flatMap { bytes in result.rate.map { $0.median * bytes } }
    let members: [JSONValue.Member] = [
      .init("operation", .string(workload.operation)), .init("case", .string(workload.name)),
      .init("tier", .string(result.tier.rawValue)), .init("unit", .string(workload.unit.rawValue)),
      .init("refusal", result.refusal.map { .string($0) } ?? .null),
      .init("rows", .number("\(workload.rows)")), .init("measured_rows", .number("\(result.rows)")),
      .init("units_per_row", .number("\(workload.unitsPerRow)")),
      .init("calls_per_measurement", .number("\(result.callsPerMeasurement)")),
      .init("seconds_per_call", .rounded(secondsPerCall(result))),
      .init("units_per_second", result.rate?.json ?? .null),
      .init("bytes_per_unit", .rounded(bytes)),
      .init("bytes_per_second", .rounded(bytesPerSecond)),
      .init("ceiling", .string(ceiling)),
      .init("ceiling_units_per_second", result.ceiling?.json ?? .null),
      .init("share_of_ceiling", result.share?.json ?? .null),
      .init("share_of_moves", result.shareOfMoves?.json ?? .null),
      .init("ratio_to_scalar", result.ratioToScalar?.json ?? .null),
    ]
    return .object(members)
  }
}
