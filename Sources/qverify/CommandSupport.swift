import ArgumentParser
import CaseFormat
import Foundation
import Operations
import Reporting
import Subjects
import Verification

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

/// The exit codes that scripts rely on.
enum Exit {
  static let mismatch = ExitCode(1)
  static let mistrusted = ExitCode(2)
  static let malformed = ExitCode(65)
  static let missingFile = ExitCode(66)
  static let unavailable = ExitCode(69)
  static let internalFault = ExitCode(70)
  static let interrupted = ExitCode(130)

  /// Ends a command as its campaign ended.
  static func end(_ conclusion: Conclusion) throws {
    if conclusion.exitCode != 0 { throw ExitCode(conclusion.exitCode) }
  }
}

/// Standard error, for messages and progress.
enum StandardError {
  static let isTerminal = isatty(2) == 1

  /// Writes a line.
  static func line(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}

/// Reading inputs that may be missing or wrong, with the exit codes of the command line.
enum Input {
  /// The bytes of a file, or of standard input for `-`.
  static func bytes(_ path: String) throws -> [UInt8] {
    if path == "-" { return [UInt8](FileHandle.standardInput.readDataToEndOfFile()) }
    guard let data = FileManager.default.contents(atPath: path) else {
      StandardError.line("qverify: cannot read '\(path)'")
      throw Exit.missingFile
    }
    return [UInt8](data)
  }

  /// The records of a case file.
  static func records(_ path: String) throws -> [CaseRecord] {
    let directory = path == "-" ? "." : (path as NSString).deletingLastPathComponent
    return CaseFile.records(
      in: try bytes(path), directory: directory.isEmpty ? "." : directory)
  }

  /// The dialects of a list of names and files.
  static func dialects(_ names: [String]) throws -> [Dialect] {
    try names.map { name in
      do throws(DialectError) {
        return try Dialect.named(name)
      } catch {
        StandardError.line("qverify: \(error)")
        throw FileManager.default.fileExists(atPath: name) ? Exit.malformed : missing(name)
      }
    }
  }

  private static func missing(_ name: String) -> ExitCode {
    name.contains("/") || name.hasSuffix(".yaml") ? Exit.missingFile : ExitCode.validationFailure
  }

  /// The subjects of a comma-separated list; by default every tier that this CPU runs.
  static func subjects(_ list: String?) throws -> [any Subject] {
    guard let list else { return SubjectList.available }
    return try SubjectList.names(in: list).map { name in
      do throws(SubjectError) {
        return try SubjectList.subject(named: name)
      } catch {
        if error.kind == .unknown { throw ValidationError("\(error)") }
        StandardError.line("qverify: \(error)")
        switch error.kind {
        case .missing: throw Exit.missingFile
        case .unavailable: throw Exit.unavailable
        case .unusable, .unknown: throw Exit.malformed
        }
      }
    }
  }

  /// How subjects are put to the test: processes have more time by default.
  static func rules(
    timeout: String?, flushToZero: Bool = false, for subjects: [any Subject]
  ) throws -> Judge.Rules {
    let isSlow = subjects.contains { $0 is ProcessSubject }
    let time = try timeout.map { try TimeSpan.parse($0, option: "--timeout") }
    return Judge.Rules(timeout: time ?? .seconds(isSlow ? 10 : 2), flushesToZero: flushToZero)
  }

  /// The operations of a comma-separated list of names and groups.
  static func operations(_ list: String) throws -> [any Operations.Operation.Type] {
    do throws(CaseError) {
      return try Registry.operations(named: list.split(separator: ",").map(String.init))
    } catch {
      throw ValidationError(error.message)
    }
  }
}

/// Times on the command line.
enum TimeSpan {
  /// A positive number of seconds, or one with ms, s, m or h.
  static func parse(_ text: String, option: String) throws -> Duration {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)]
    let unit = units.first { text.hasSuffix($0.0) }
    let number = text.dropLast(unit?.0.count ?? 0)
    let seconds = Double(number).map { $0 * (unit?.1 ?? 1) }
    guard let seconds, seconds >= 1e-3, seconds < 1e6 else {
      throw ValidationError("\(option) takes a number of seconds, or one with ms, s, m or h")
    }
    return .seconds(seconds)
  }
}

/// Runs work on several threads and hands the results over in order.
enum Parallel {
  /// The number of threads by default.
  static let defaultJobs = ProcessInfo.processInfo.activeProcessorCount

  /// Maps a list in order, on `jobs` threads.
  static func map<T: Sendable, R: Sendable>(
    _ elements: [T], jobs: Int, _ transform: @Sendable (T) -> R
  ) -> [R] {
    let results = Slots<R>(count: elements.count)
    let next = Counter()
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, elements.count))) { _ in
      while let index = next.take(below: elements.count) {
        results.set(index, transform(elements[index]))
      }
    }
    return results.values
  }
}
