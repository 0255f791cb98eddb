public import CaseFormat
public import Operations
import Synchronization
public import Verification

/// A shared library with the C ABI of `qverify_kernel.h`: `lib:PATH`.
///
/// It runs in worker processes, one for each thread that asks: what it does there cannot harm the
/// campaign.
public final class LibrarySubject: Subject {
  public let name: String
  /// What the library says of itself.
  public let description: KernelDescription
  private let path: String
  private let program: String
  /// Workers that nobody uses now.
  private let idle = Mutex<[ChildProcess]>([])
  /// How long a worker may take to load the library and to describe it.
  private static let loadingPatience = Duration.seconds(20)

  /// Loads a library into a first worker and asks what it claims.
  ///
  /// - Parameters:
  ///   - path: the file of the library.
  ///   - program: the executable whose `worker` command is started.
  /// - Throws: `SubjectError` where the library cannot be used.
  public init(path: String, program: String) throws(SubjectError) {
    (self.path, self.program) = (path, program)
    name = "lib:" + path
    let worker = try Self.start(program, path)
    switch Self.ask(worker, .describe, patience: Self.loadingPatience) {
    case .described(let description):
      self.description = description
      idle.withLock { $0.append(worker) }
    case .failed(let reason): throw SubjectError(message: "\(path): \(reason)")
    case .ended(let ending):
      throw SubjectError(message: "\(path): its process \(ending) while it was loaded or described")
    case .executed, .swept:
      throw SubjectError(message: "\(path): its worker does not answer the question")
    case nil:
      worker.end(within: 0)
      throw SubjectError(
        message: "\(path): was not loaded and described within \(Self.loadingPatience)")
    }
  }

  private static func start(
    _ program: String, _ path: String
  ) throws(SubjectError) -> ChildProcess {
    do throws(ChildProcessError) {
      return try ChildProcess(program, ["worker", "--library", path])
    } catch {
      throw SubjectError(message: "\(path): \(error)")
    }
  }

  // MARK: Claims

  private func claims(of operation: String) -> [KernelClaim] {
    description.claims.filter { $0.operation == operation }
  }

  /// What a kernel may call a dialect: a user's own also by the one that it starts from.
  private static func names(of dialect: Dialect) -> [String] {
    dialect.isBuiltIn ? [dialect.name] : [dialect.name] + dialect.lineage
  }

  public func refusal(of operation: String, dialect: Dialect) -> String? {
    let claims = claims(of: operation)
    if claims.isEmpty { return "\(name) does not claim \(operation)" }
    return claims.contains { $0.speaks(Self.names(of: dialect)) }
      ? nil : "\(name) does not claim \(operation) in dialect '\(dialect.name)'"
  }

  public func refusal(of test: Case, dialect: Dialect) -> String? {
    let claims = claims(of: test.operation).filter { $0.speaks(Self.names(of: dialect)) }
    guard let first = claims.first else { return refusal(of: test.operation, dialect: dialect) }
    return claims.contains { $0.refusal(of: test) == nil } ? nil : first.refusal(of: test)
  }

  public func contradictions(of operation: String, with dialect: Dialect) -> [String] {
    let terms = dialect.terms(of: operation)
    var found: [String] = []
    for claim in claims(of: operation) where claim.speaks(Self.names(of: dialect)) {
      if !claim.ties.isEmpty, !terms.ties.isEmpty, !terms.ties.contains(claim.ties) {
        let rules = terms.ties.sorted().joined(separator: " or ")
        found.append("claims ties to '\(claim.ties)', the dialect's go to '\(rules)'")
      }
      let bits = claim.accumulatorBits
      if bits != 0, !terms.accumulatorBits.isEmpty, !terms.accumulatorBits.contains(bits) {
        let widths = terms.accumulatorBits.sorted().map(String.init).joined(separator: " or ")
        found.append("claims accumulators of \(bits) bits, the dialect's have \(widths)")
      }
    }
    return found
  }

  private func refusal(
    of test: Case, dialect: Dialect, outputs: [OutputSpecification]
  ) -> String? {
    if let reason = refusal(of: test, dialect: dialect) { return reason }
    for output in outputs {
      let reasons = claims(of: test.operation).map {
        $0.refusal(ofOutput: output.name, output.dtype)
      }
      if let first = reasons.first, !reasons.contains(nil) { return first }
    }
    return nil
  }

  // MARK: Cases

  public func run(_ trials: [Trial], on runner: GuardedRunner) -> [Execution] {
    trials.map { trial in
      if let reason = refusal(of: trial.test, dialect: trial.dialect, outputs: trial.outputs) {
        return .refused(reason)
      }
      return run(trial, timeout: runner.timeout)
    }
  }

  private func run(_ trial: Trial, timeout: Duration) -> Execution {
    let request = WorkerRequest.run(
      test: trial.test, outputs: trial.outputs, calls: trial.calls, timeout: timeout)
    switch ask(request, calls: trial.calls.count, timeout: timeout) {
    case .success(.executed(let execution)): return execution
    case .success: return .fault(Judgement(.crashed, "its worker answered another question"))
    case .failure(let fault): return .fault(fault.judgement)
    }
  }

  public func sweep(
    _ sweep: Sweep, dialect: Dialect, on runner: GuardedRunner
  ) -> SweepResult {
    let count = sweep.expected.count
    if let reason = refusal(
      of: sweep.test(count: 1), dialect: dialect, outputs: sweep.specifications(count: 1))
    {
      return .refused(reason)
    }
    let request = WorkerRequest.sweep(sweep, timeout: runner.timeout)
    switch ask(request, calls: sweep.callCount, timeout: runner.timeout) {
    case .success(.swept(let result)): return result
    case .success:
      let judgement = Judgement(.crashed, "its worker answered another question")
      return .fault(judgement, first: sweep.first, count: count)
    case .failure(let fault): return .fault(fault.judgement, first: sweep.first, count: count)
    }
  }

  /// A worker that did not answer.
  private struct Fault: Error { var judgement: Judgement }

  /// Asks an idle worker, or a new one, for something that takes so many calls of the kernel.
  private func ask(
    _ request: WorkerRequest, calls: Int, timeout: Duration
  ) -> Result<WorkerReply, Fault> {
    let worker: ChildProcess
    do throws(SubjectError) {
      let known = idle.withLock { $0.popLast() }
      worker = if let known { known } else { try Self.start(program, path) }
    } catch {
      return .failure(Fault(judgement: Judgement(.crashed, error.message)))
    }
    // The worker itself ends a hang after at most twice the time-out; this is for one that cannot.
    let patience = timeout * (2 * calls) + .seconds(10)
    switch Self.ask(worker, request, patience: patience) {
    case .executed(let execution):
      idle.withLock { $0.append(worker) }
      return .success(.executed(execution))
    case .swept(let result):
      idle.withLock { $0.append(worker) }
      return .success(.swept(result))
    case .ended(let ending):
      if ending.isReplaced { idle.withLock { $0.append(worker) } }
      return .failure(Fault(judgement: Self.judgement(ending)))
    case .failed(let reason): return .failure(Fault(judgement: Judgement(.crashed, reason)))
    case .described, nil:
      worker.end(within: 0)
      return .failure(
        Fault(judgement: Judgement(.hung, "its process did not answer within \(patience)")))
    }
  }

  private static func judgement(_ ending: ProcessEnding) -> Judgement {
    if let signal = ending.signal {
      return Judgement(.crashed, "its process was ended by \(signal)")
    }
    return Judgement(.crashed, "called exit(): its process \(ending)")
  }

  /// Asks a worker; nil where it does not answer in time or not in frames.
  private static func ask(
    _ worker: ChildProcess, _ request: WorkerRequest, patience: Duration
  ) -> WorkerReply? {
    var reply: WorkerReply?
    let exchange = worker.exchange(FrameWriter(request).frame, patience: patience) { inbox in
      guard inbox.count >= FrameReader.headSize else { return .waiting }
      guard let length = FrameReader.length(ofHead: inbox) else { return .complete }
      guard inbox.count >= FrameReader.headSize + length else { return .waiting }
      var reader = FrameReader(Array(inbox[FrameReader.headSize..<FrameReader.headSize + length]))
      inbox.removeFirst(FrameReader.headSize + length)
      reply = try? reader.reply()
      return .complete
    }
    if case .ended(let ending) = exchange { return .ended(ending) }
    if case .ended(var ending)? = reply {
      ending.isReplaced = true
      return .ended(ending)
    }
    return reply
  }
}
