internal import CHarness

/// A worker: this program again, started with other arguments, in a process group of its own.
///
/// It ends, with all that it started, when this object or this process ends, however that comes
/// about. Its standard error is ours. It may go from thread to thread, and serves one at a time: that
/// is the caller's to see to.
public final class ChildProcess: @unchecked Sendable {
  private var process: qh_process
  private var hasEnded = false
  private var inbox: [UInt8] = []

  /// Starts a program with arguments; the program's own name is not among them.
  ///
  /// - Throws: `ChildProcessError` where the system refuses.
  public init(_ program: String, _ arguments: [String]) throws(ChildProcessError) {
    process = qh_process()
    let words = [program] + arguments
    var pointers: [UnsafeMutablePointer<CChar>?] = words.map { word in
      let bytes = word.utf8CString
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
      for (index, byte) in bytes.enumerated() { copy[index] = byte }
      return copy
    }
    defer { for pointer in pointers { pointer?.deallocate() } }
    pointers.append(nil)
    let error = qh_process_start(program, &pointers, &process)
    if error != 0 { throw ChildProcessError(number: error) }
  }

  deinit { end(within: 0) }

  /// What a reader makes of the bytes that have come.
  public enum Consumption {
    /// All that was awaited is there.
    case complete
    /// Something useful came: patience starts anew.
    case progress
    /// More is needed.
    case waiting
  }

  /// How an exchange went.
  public enum Exchange: Hashable, Sendable {
    case complete
    case timedOut
    case ended(ProcessEnding)
  }

  /// Writes bytes and reads the answer, both as they go, so that neither side waits for the other.
  ///
  /// - Parameters:
  ///   - bytes: what to write.
  ///   - patience: how long to wait between one useful piece and the next.
  ///   - consume: takes from the front of what was read and says whether it is enough; called first
  ///     with what is there already.
  /// - Returns: how it went. After `ended` the process is gone; after `timedOut` it still runs.
  public func exchange(
    _ bytes: [UInt8], patience: Duration, consume: (inout [UInt8]) -> Consumption
  ) -> Exchange {
    if hasEnded { return .ended(ProcessEnding(status: 0)) }
    var written = 0
    var hasHungUp = false
    let clock = ContinuousClock()
    var deadline = clock.now + patience
    if consume(&inbox) == .complete && bytes.isEmpty { return .complete }
    while true {
      let left = clock.now.duration(to: deadline)
      if left <= .zero { return .timedOut }
      let wants = !hasHungUp && written < bytes.count
      let milliseconds = Int32(clamping: Int((left / .milliseconds(1)).rounded(.up)))
      let ready = qh_process_poll(&process, wants, milliseconds)
      if Int(ready) & QH_WRITABLE != 0 {
        let count = bytes.withUnsafeBytes {
          qh_write(process.input, $0.baseAddress.map { $0 + written }, bytes.count - written)
        }
        if count < 0 { hasHungUp = true } else { written += count }
      }
      if Int(ready) & QH_READABLE != 0 {
        guard readSome() else { return .ended(end(within: 500)) }
        switch consume(&inbox) {
        case .complete: return .complete
        case .progress: deadline = clock.now + patience
        case .waiting: break
        }
      }
    }
  }

  /// Whether the process has said anything that nobody read, or has ended, within a moment.
  public func isTalking(within milliseconds: Int) -> Bool {
    if hasEnded || !inbox.isEmpty { return true }
    return Int(qh_process_poll(&process, false, Int32(milliseconds))) & QH_READABLE != 0
  }

  /// Reads what is there; false at the end of the stream.
  private func readSome() -> Bool {
    let count = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
      let count = qh_read(process.output, buffer.baseAddress, buffer.count)
      if count > 0 { inbox.append(contentsOf: buffer[..<count]) }
      return count
    }
    return count != 0
  }

  /// Ends the process: by closing its input and, after so many milliseconds, by killing it.
  @discardableResult
  public func end(within milliseconds: Int) -> ProcessEnding {
    if hasEnded { return ProcessEnding(status: 0) }
    hasEnded = true
    return ProcessEnding(status: qh_process_end(&process, Int32(milliseconds)))
  }
}

/// Why a process could not be started.
public struct ChildProcessError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The errno.
  public var number: Int32
  public var description: String { "a process cannot be started: errno \(number)" }
}

/// How a process ended.
public struct ProcessEnding: Hashable, Sendable, CustomStringConvertible {
  /// The wait status of the system.
  public var status: Int32
  /// Whether another process took its place and the pipes still work.
  public var isReplaced = false

  /// An ending of a wait status.
  public init(status: Int32) { self.status = status }

  /// The code that it exited with; nil where a signal ended it.
  public var code: Int? {
    let code = qh_status_code(status)
    return code < 0 ? nil : Int(code)
  }

  /// The name of the signal that ended it, or that ended a shell's command; nil where it exited.
  public var signal: String? {
    let number = qh_status_signal(status)
    if number != 0 { return String(cString: qh_signal_name(number)) }
    // A shell says 128 + n where signal n ended its command.
    guard let code, (129...159).contains(code) else { return nil }
    return String(cString: qh_signal_name(Int32(code) - 128))
  }

  public var description: String {
    if let signal { return "was ended by \(signal)" }
    return code.map { "exited with code \($0)" } ?? "closed its output"
  }
}

/// What a worker process does on its own side of the pipes.
public enum WorkerSide {
  /// Takes the pipes away from standard input and output, which kernels may use.
  public static func takeStreams() -> (input: Int32, output: Int32) {
    var (input, output): (Int32, Int32) = (0, 0)
    qh_worker_take_streams(&input, &output)
    return (input, output)
  }

  /// Forks one child after the other.
  ///
  /// Each runs `serve`; when one ends, `next` says whether another is wanted. Must be called while the
  /// process has one thread.
  public static func supervise(serve: () -> Int32, next: (ProcessEnding) -> Bool) {
    var ending: ProcessEnding
    repeat {
      let child = qh_worker_fork()
      if child == 0 { exit(serve()) }
      if child < 0 { return }
      ending = ProcessEnding(status: qh_worker_supervise(child))
    } while next(ending)
  }

  /// Runs a shell command as the child of this process, with its standard input and output, and ends
  /// as it ends.
  public static func run(command: String) {
    let child = qh_worker_fork()
    if child == 0 { qh_worker_execute(command) }
    // So that the end of the command's output is seen as such.
    qh_worker_close_streams()
    if child > 0 { qh_worker_exit_as(qh_worker_supervise(child)) }
  }

  /// Ends at once: nothing that a kernel registered runs.
  private static func exit(_ code: Int32) { qh_worker_exit(code) }

  /// Reads exactly so many bytes; nil where the stream ends before.
  public static func read(_ count: Int, from descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let found = bytes.withUnsafeMutableBytes {
        qh_read(descriptor, $0.baseAddress.map { $0 + filled }, count - filled)
      }
      if found == 0 { return nil }
      filled += max(found, 0)
    }
    return bytes
  }

  /// Writes all bytes; false where nobody reads.
  public static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        qh_write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count < 0 { return false }
      written += count
    }
    return true
  }

  /// From now on a C++ exception that leaves a kernel is known by its type.
  public static func noteExceptions() { qh_note_exceptions() }

  /// The type of the C++ exception that ended a call, if one did.
  public static var exceptionName: String? {
    qh_exception_name().map { String(cString: $0) }
  }
}
