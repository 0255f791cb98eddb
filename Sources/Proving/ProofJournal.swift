import CaseFormat
import Digests
import Foundation

/// What a proof has done so far, kept in a file beside the certificate to be: a proof that was
/// interrupted, or killed, goes on where it was.
///
/// JSON Lines: the digest of the claim, then a line for each block that is done. A line that was cut
/// short when the process ended is dropped.
public final class ProofJournal {
  /// The blocks that were done when the journal was opened.
  public private(set) var done: [Int: BlockReport] = [:]
  /// The seconds that earlier runs took.
  public private(set) var seconds = 0.0
  public let path: String
  private let file: FileHandle

  /// What a line of a finished block adds in seconds is counted from the start of this run.
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant

  /// Opens the journal of a claim, or begins one.
  ///
  /// - Throws: `JournalError` where the file is another proof's, or cannot be written.
  public init(path: String, claim: Claim) throws(JournalError) {
    self.path = path
    start = clock.now
    let header = JSONValue.object([
      .init("qverify_progress", .number("1")), .init("claim", .string("\(claim.digest)")),
    ])
    let text = FileManager.default.contents(atPath: path).map { [UInt8]($0) }
    var length = 0
    if let text, !text.isEmpty {
      let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      guard lines.count > 1, Array(lines[0]) == Array(header.description.utf8) else {
        throw JournalError(
          isForeign: true,
          message: "'\(path)' holds the progress of another proof, or of another version of the "
            + "subject; remove it to begin anew")
      }
      length = lines[0].count + 1
      for line in lines.dropFirst().dropLast() {
        guard let (block, report, seconds) = Self.entry(Array(line)), claim.blocks.contains(block)
        else { break }
        done[block] = report
        self.seconds = seconds
        length += line.count + 1
      }
    }
    if text == nil, !FileManager.default.createFile(atPath: path, contents: nil) {
      throw JournalError(isForeign: false, message: "cannot write '\(path)'")
    }
    guard let file = FileHandle(forUpdatingAtPath: path) else {
      throw JournalError(isForeign: false, message: "cannot write '\(path)'")
    }
    self.file = file
    do {
      try file.truncate(atOffset: UInt64(length))
      try file.seekToEnd()
      if length == 0 { try file.write(contentsOf: Data((header.description + "\n").utf8)) }
    } catch {
      throw JournalError(
        isForeign: false, message: "cannot write '\(path)': \(error.localizedDescription)")
    }
  }

  deinit { try? file.close() }

  /// The seconds of all runs so far.
  public var elapsed: Double { seconds + start.duration(to: clock.now) / .seconds(1) }

  /// Adds a block that is done.
  ///
  /// - Throws: `JournalError` where the file cannot be written; what it held before stays.
  public func add(_ block: Int, _ report: BlockReport) throws(JournalError) {
    let line = Self.line(block, report, elapsed).description + "\n"
    do {
      try file.write(contentsOf: Data(line.utf8))
    } catch {
      throw JournalError(
        isForeign: false, message: "cannot write '\(path)': \(error.localizedDescription)")
    }
  }

  /// Removes the file: the proof is finished.
  public func remove() { try? FileManager.default.removeItem(atPath: path) }

  // MARK: Lines

  private static func line(_ block: Int, _ report: BlockReport, _ seconds: Double) -> JSONValue {
    func number(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }
    let evidence = report.evidence
    return .object([
      .init("block", number(block)), .init("digest", .string("\(report.digest)")),
      .init("wrong", number(report.wrongCount)), .init("open", number(report.openCount)),
      .init(
        "evidence",
        .array(
          [evidence.steps, evidence.definition, evidence.bulk, evidence.evaluations].map(number))),
      .init(
        "places",
        .array(
          report.wrong.map { place in
            .object([
              .init("position", number(place.position)), .init("lane", number(place.lane)),
              .init("input", number(place.input)),
              .init("call_length", number(place.callLength)),
              .init("call_index", number(place.callIndex)),
              .init("output", place.output.map { .string($0) } ?? .null),
              .init("found", place.found.map(number) ?? .null),
            ])
          })),
      .init("seconds", .number("\(seconds)")),
    ])
  }

  private static func entry(_ line: [UInt8]) -> (Int, BlockReport, Double)? {
    guard let value = try? JSONParser.parse(line) else { return nil }
    do throws(ReadingError) {
      var reader = try ObjectReader(value, "progress")
      let block: Int = try reader.integer("block")
      var report = BlockReport(digest: try reader.digest("digest"))
      report.wrongCount = try reader.integer("wrong")
      report.openCount = try reader.integer("open")
      let evidence = try reader.codes("evidence")
      guard evidence.count == 4 else { return nil }
      report.evidence.steps = Int(evidence[0])
      report.evidence.definition = Int(evidence[1])
      report.evidence.bulk = Int(evidence[2])
      report.evidence.evaluations = Int(evidence[3])
      report.wrong = try reader.objects("places") { reader throws(ReadingError) in
        let input = try reader.integer("input", as: Int64.self)
        var place = Counterexample(
          position: try reader.integer("position"), lane: try reader.integer("lane"),
          input: input, callLength: try reader.integer("call_length"),
          callIndex: try reader.integer("call_index"))
        place.output = try reader.optionalString("output")
        place.found = try reader.optionalInteger("found").map(Int64.init)
        return place
      }
      let seconds = try ObjectReader.real(try reader.value("seconds"), "progress.seconds")
      return (block, report, seconds)
    } catch {
      return nil
    }
  }
}

/// Why a journal cannot be used.
public struct JournalError: Error, Sendable, CustomStringConvertible {
  /// Whether it is another proof's; else it cannot be written.
  public var isForeign: Bool
  public var message: String
  public var description: String { message }
}
