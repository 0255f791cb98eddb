import ArgumentParser
import CaseFormat
import Digests
import Foundation
import Operations
import Proving
import Synchronization
import Verification

/// A proof on its way: blocks, the journal that keeps them, and what came of it.
struct ProofRun {
  var domain: any Domain
  var subject: any Subject
  var rules: Judge.Rules
  /// The blocks that are wanted.
  var blocks: [Int]
  var jobs: Int
  var journal: ProofJournal?
  var showsProgress: Bool

  /// What came of it.
  struct Result {
    var reports: [Int: BlockReport]
    var ending: Prover.Ending
    /// Why the journal could not be kept.
    var journalError: JournalError?
    var seconds: Double

    var wrongCount: Int { reports.values.reduce(0) { $0 + $1.wrongCount } }
    var openCount: Int { reports.values.reduce(0) { $0 + $1.openCount } }
    var evidence: Oracle.Evidence {
      reports.values.reduce(Oracle.Evidence()) { $0 + $1.evidence }
    }
    /// The first places that are wrong, in the order of the domain.
    var places: [Counterexample] {
      reports.sorted { $0.key < $1.key }.flatMap { $0.value.wrong }
    }
  }

  /// What threads share.
  private struct State {
    var reports: [Int: BlockReport] = [:]
    var error: JournalError?
  }

  /// Works on what is left until all is done or something ends it.
  func run() -> Result {
    let known = journal?.done.filter { blocks.contains($0.key) } ?? [:]
    let rest = blocks.filter { known[$0] == nil }
    let state = Mutex(State(reports: known))
    // Used under the prover's lock only.
    nonisolated(unsafe) let journal = journal
    let clock = ContinuousClock()
    let start = clock.now
    var prover = Prover(domain: domain, subject: subject, rules: rules, blocks: rest, jobs: jobs)
    prover.isCancelled = { Interruption.isRequested }
    prover.finished = { block, report in
      state.withLock { state in
        state.reports[block] = report
        do throws(JournalError) {
          try journal?.add(block, report)
        } catch {
          state.error = error
        }
        return state.error == nil
      }
    }
    if showsProgress {
      let total = rest.reduce(0) { $0 + Blocks.positions(of: $1, in: domain.count).count }
      let line = ProofProgress(total: total)
      prover.progress = { line.show(done: $0) }
    }
    let ending = ExitGuard.run { prover.run() }
    if showsProgress { ProgressLine.clear() }
    let seconds = (self.journal?.seconds ?? 0) + start.duration(to: clock.now) / .seconds(1)
    return state.withLock {
      Result(reports: $0.reports, ending: ending, journalError: $0.error, seconds: seconds)
    }
  }
}

/// The line of progress of a proof: how much, how fast, how long still.
private final class ProofProgress: Sendable {
  private let total: Int
  private let start = ContinuousClock().now
  private let shown = Mutex(ContinuousClock().now)

  init(total: Int) { self.total = total }

  func show(done: Int) {
    let now = ContinuousClock().now
    let isDue = shown.withLock { shown in
      if shown.duration(to: now) < .milliseconds(100) { return false }
      shown = now
      return true
    }
    guard isDue else { return }
    let seconds = max(start.duration(to: now) / .seconds(1), 1e-3)
    let rate = Double(done) / seconds
    let left = Double(total - done) / max(rate, 1)
    let percent = Int(100 * Double(done) / Double(max(total, 1)))
    let text =
      "\r\u{1B}[K\(percent) %  \(Quantity.rate(rate)) inputs/s  \(Quantity.time(left)) to go, "
      + "until \(Quantity.clock(inSeconds: left))"
    FileHandle.standardError.write(Data(text.utf8))
  }
}

/// Numbers as people read them.
enum Quantity {
  /// A count with commas between thousands.
  static func count(_ value: Int) -> String {
    var digits = Array(String(abs(value)).reversed())
    var place = 3
    while place < digits.count {
      digits.insert(",", at: place)
      place += 4
    }
    return (value < 0 ? "-" : "") + String(digits.reversed())
  }

  /// A rate with a prefix, such as `2.31 G`.
  static func rate(_ value: Double) -> String {
    let steps: [(Double, String)] = [(1e9, "G"), (1e6, "M"), (1e3, "k")]
    for (size, prefix) in steps where value >= size {
      return String(format: "%.2f %@", value / size, prefix)
    }
    return String(format: "%.0f ", value)
  }

  /// A time in seconds, minutes or hours.
  static func time(_ seconds: Double) -> String {
    if seconds < 100 { return String(format: "%.1f s", seconds) }
    if seconds < 6000 { return String(format: "%.0f min", seconds / 60) }
    return String(format: "%.1f h", seconds / 3600)
  }

  /// The time of day in so many seconds.
  static func clock(inSeconds seconds: Double) -> String {
    guard seconds < 1e8 else { return "some day" }
    let formatter = DateFormatter()
    formatter.dateFormat = seconds < 80_000 ? "HH:mm:ss" : "yyyy-MM-dd HH:mm"
    return formatter.string(from: Date(timeIntervalSinceNow: seconds))
  }
}
