import CaseFormat
import Foundation

/// Where a measurement was taken, so that nobody compares numbers of different machines unawares.
struct BenchMachine {
  /// The CPU as its own system names it.
  let cpu = Self.cpuName()
  /// The caches of the first CPU, innermost first.
  let caches = Self.cacheSizes()
  /// The clock of the measurements.
  let clock: String
  /// What the kernel reads the time from.
  let clockSource =
    Self.contents("/sys/devices/system/clocksource/clocksource0/current_clocksource") ?? "unknown"
  let load = Self.loadAverage()
  #if DEBUG
    let build = "debug: these numbers mean nothing, build with -c release"
  #else
    let build = "release"
  #endif

  /// The machine, and the clock that the measurements use.
  init(clock: String) { self.clock = clock }

  /// The bytes of the last cache, where the system tells.
  var lastLevelCache: Int? { caches.last?.bytes }

  func lines(threads: Int) -> [String] {
    [
      "cpu      \(cpu), \(ProcessInfo.processInfo.activeProcessorCount) logical CPUs, "
        + "load \(BenchNumber.text(load)) at the start",
      "caches   "
        + (caches.isEmpty
          ? "unknown" : caches.map { "\($0.name) \($0.bytes >> 10) KiB" }.joined(separator: ", ")),
      "clock    \(clock); the kernel's source is \(clockSource)",
      "threads  \(threads)",
      "build    \(build)",
    ]
  }

  func json(threads: Int) -> JSONValue {
    .object([
      .init("cpu", .string(cpu)),
      .init("logical_cpus", .number("\(ProcessInfo.processInfo.activeProcessorCount)")),
      .init("load_average", .rounded(load)),
      .init(
        "caches",
        .array(
          caches.map {
            .object([.init("name", .string($0.name)), .init("bytes", .number("\($0.bytes)"))])
          })),
      .init("clock", .string(clock)), .init("clock_source", .string(clockSource)),
      .init("threads", .number("\(threads)")),
      .init("build", .string(build)),
    ])
  }

  private static func contents(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  static func cpuName() -> String {
    var fields: [String: String] = [:]
    for line in (contents("/proc/cpuinfo") ?? "").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let key = parts[0].trimmingCharacters(in: .whitespaces)
      if fields[key] == nil { fields[key] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    // Clouds shorten the name; family and model say which core it is. Arm has numbers only.
    let numbers = [
      ("family", "cpu family"), ("model", "model"), ("stepping", "stepping"),
      ("implementer", "CPU implementer"), ("part", "CPU part"),
    ].compactMap { name, key in fields[key].map { "\(name) \($0)" } }
    let text = ([fields["model name"]].compactMap { $0 } + numbers).joined(separator: ", ")
    return text.isEmpty ? "unknown" : text
  }

  private static func cacheSizes() -> [(name: String, bytes: Int)] {
    (0..<8).compactMap { index in
      let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
      guard let level = contents(folder + "level"), let type = contents(folder + "type"),
        type != "Instruction", let size = contents(folder + "size"), size.last == "K",
        let kibibytes = Int(size.dropLast())
      else { return nil }
      return ("L\(level)" + (type == "Data" ? "d" : ""), kibibytes << 10)
    }
  }

  private static func loadAverage() -> Double {
    var load = [0.0]
    return getloadavg(&load, 1) == 1 ? load[0] : .nan
  }
}

/// Numbers in reports of measurements: three digits are more than a measurement is good for.
enum BenchNumber {
  static func text(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "-" }
    let digits = value == 0 ? 2 : max(0, min(4, 2 - Int(log10(abs(value)).rounded(.down))))
    return String(format: "%.\(digits)f", value)
  }

  static func percent(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "-" }
    return String(format: "%.1f %%", value * 100)
  }
}

extension JSONValue {
  /// A measured number, or null where there is none.
  static func rounded(_ value: Double?) -> JSONValue {
    guard let value, value.isFinite else { return .null }
    return .number(String(format: "%.6g", value))
  }
}

/// A line on standard error that says what is being measured.
enum BenchProgress {
  static func show(_ text: String) {
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
  }
}
