import CaseFormat
import NumberFormats
public import Operations
import Synchronization
public import Verification

/// Another process that answers cases: `cmd:COMMAND`.
///
/// Cases go to its standard input as JSON Lines, the same come back on its standard output with
/// `outputs`, or `{"id": ..., "error": "unsupported: ..."}`, one line each and in order. Several are
/// under way at once. It is started when it is needed, once for each thread, and again after a crash,
/// a hang or an answer that is none; which case was to blame is found by running them one by one.
public final class ProcessSubject: Subject {
  public let name: String
  private let command: String
  private let program: String
  /// Processes that nobody uses now.
  private let idle = Mutex<[ChildProcess]>([])
  /// How much longer the first answer of a fresh process may take.
  private static let startingPatience = Duration.seconds(60)
  /// How many cases are given to a process at a time.
  private static let batch = 64

  /// A command for `/bin/sh -c`; one process of it is started at once.
  ///
  /// - Parameters:
  ///   - command: the command.
  ///   - program: the executable whose `worker` command watches over it.
  /// - Throws: `SubjectError` where the shell cannot run it.
  public init(command: String, program: String) throws(SubjectError) {
    (self.command, self.program) = (command, program)
    name = "cmd:" + command
    let process = try start()
    switch Self.warmUp(process) {
    case nil: idle.withLock { $0.append(process) }
    case .ended(let ending)? where ending.code == 127 || ending.code == 126:
      throw SubjectError(message: "'\(command)' cannot be run", kind: .unavailable)
    case .silent?:
      throw SubjectError(
        message: "'\(command)' does not answer a first small case within \(Self.startingPatience)",
        kind: .unavailable)
    // What else is wrong with it is a verdict on the cases to come.
    case .ended?, .garbled?: break
    }
  }

  private func start() throws(SubjectError) -> ChildProcess {
    do throws(ChildProcessError) {
      // A plain command needs no shell to wait for it.
      let isPlain = !command.contains { ";&|<>()$`\\\"'#=\n*?[]{}~!".contains($0) }
      let line = isPlain ? "exec \(command)" : command
      return try ChildProcess(program, ["worker", "--command", line])
    } catch {
      throw SubjectError(message: "'\(command)': \(error)")
    }
  }

  /// What is wrong with a process from the start.
  private enum StartFault {
    case ended(ProcessEnding)
    case silent
    case garbled(String)

    var judgement: Judgement {
      switch self {
      case .ended(let ending): Judgement(.crashed, "\(ending) when it was started")
      case .silent: Judgement(.hung, "did not answer a first small case within \(startingPatience)")
      case .garbled(let problem): Judgement(.malformed, "\(problem), when it was started")
      }
    }
  }

  /// Gives a fresh process a first small case and waits for the answer, whatever that says: so that
  /// the time to start is not taken for a hang.
  private static func warmUp(_ process: ChildProcess) -> StartFault? {
    let test = Case(
      id: "start", operation: "quantize", dialect: "ideal",
      inputs: [
        "x": Tensor(.float32, shape: [1], codes: [0]),
        "scale": Tensor(scalar: 0x3F80_0000, .float32), "zero_point": Tensor(scalar: 0, .int8),
      ])
    let reader = AnswerReader([test.id])
    switch process.exchange(line(test), patience: startingPatience, consume: { reader.read(&$0) }) {
    case .complete: return reader.problem.map { .garbled($0) }
    case .timedOut: return .silent
    case .ended(let ending): return .ended(ending)
    }
  }

  private static func line(_ test: Case) -> [UInt8] {
    Array((CaseFile.json(test).description + "\n").utf8)
  }

  /// Whether it takes an operation is known only when it answers.
  public func refusal(of operation: String, dialect: Dialect) -> String? { nil }

  public var declaresClaims: Bool { false }

  // MARK: Cases

  /// One call: a trial, under a circumstance that means something to a process.
  private struct Question {
    var trial: Int
    var circumstance: Circumstance
    var id: String
    var line: [UInt8]
  }

  public func run(_ trials: [Trial], on runner: GuardedRunner) -> [Execution] {
    var executions: [Execution?] = Array(repeating: nil, count: trials.count)
    var first = 0
    while first < trials.count {
      let range = first..<min(first + Self.batch, trials.count)
      let indices = Array(range)
      let outcome = attempt(trials, indices, timeout: runner.timeout)
      for (index, execution) in outcome.executions { executions[index] = execution }
      if let trouble = outcome.trouble {
        blame(trouble, trials, indices, timeout: runner.timeout, &executions)
      }
      first = range.upperBound
    }
    return executions.map { $0 ?? .fault(Judgement(.crashed, "gave no answer")) }
  }

  /// Runs the cases of a batch that went wrong one by one, each that fails in a fresh process.
  private func blame(
    _ trouble: (trial: Int, judgement: Judgement), _ trials: [Trial], _ indices: [Int],
    timeout: Duration, _ executions: inout [Execution?]
  ) {
    if indices.count == 1 {
      executions[trouble.trial] = .fault(trouble.judgement)
      return
    }
    var isFound = false
    for index in indices where executions[index] == nil {
      let outcome = attempt(trials, [index], timeout: timeout)
      if let alone = outcome.trouble {
        executions[index] = .fault(alone.judgement)
        isFound = true
      } else {
        executions[index] = outcome.executions[index]
      }
    }
    if !isFound {
      var judgement = trouble.judgement
      judgement.message += ", among \(indices.count) cases; alone it did not"
      executions[trouble.trial] = .fault(judgement)
    }
  }

  /// What came of a batch: the trials that were answered, and what ended it early.
  private struct Attempt {
    var executions: [Int: Execution] = [:]
    var trouble: (trial: Int, judgement: Judgement)?
  }

  private func attempt(_ trials: [Trial], _ indices: [Int], timeout: Duration) -> Attempt {
    let questions = Self.questions(trials, indices)
    let process: ChildProcess
    switch ready() {
    case .success(let ready): process = ready
    case .failure(let fault): return Attempt(trouble: (indices[0], fault.judgement))
    }
    let reader = AnswerReader(questions.map(\.id))
    let exchange = process.exchange(questions.flatMap(\.line), patience: timeout) {
      reader.read(&$0)
    }
    var attempt = Attempt()
    var problem: Judgement?
    switch exchange {
    case .complete:
      problem = reader.problem.map { Judgement(.malformed, $0) }
      if problem == nil, process.isTalking(within: 0) {
        problem = Judgement(.malformed, "answered more than it was asked")
      }
    case .timedOut: problem = Judgement(.hung, "did not answer within \(timeout)")
    case .ended(let ending):
      problem = Judgement(
        reader.problem == nil ? .crashed : .malformed,
        reader.problem ?? "\(ending) before it had answered")
    }
    if let problem {
      process.end(within: 0)
      let place = min(reader.answers.count, questions.count - 1)
      attempt.trouble = (questions[place].trial, problem)
    } else {
      idle.withLock { $0.append(process) }
    }
    for index in indices {
      let own = questions.indices.filter { questions[$0].trial == index }
      guard own.allSatisfy({ $0 < reader.answers.count }) else { continue }
      attempt.executions[index] = Self.execution(
        own.map { (questions[$0].circumstance, reader.answers[$0]) }, trials[index])
    }
    if let trouble = attempt.trouble { attempt.executions[trouble.trial] = nil }
    return attempt
  }

  /// Why there is no process.
  private struct NotReady: Error { var judgement: Judgement }

  /// A process that waits for cases: one that did so before, or a fresh one.
  private func ready() -> Result<ChildProcess, NotReady> {
    if let known = idle.withLock({ $0.popLast() }) { return .success(known) }
    do throws(SubjectError) {
      let process = try start()
      guard let fault = Self.warmUp(process) else { return .success(process) }
      return .failure(NotReady(judgement: fault.judgement))
    } catch {
      return .failure(NotReady(judgement: Judgement(.crashed, error.message)))
    }
  }

  /// Every trial once, then, where a second call is wanted, every trial again.
  private static func questions(_ trials: [Trial], _ indices: [Int]) -> [Question] {
    var questions: [Question] = []
    for circumstance in [Circumstance.first, .again] {
      for index in indices where trials[index].calls.contains(circumstance) {
        var test = trials[index].test
        test.outputs = nil
        test.note = nil
        test.id = "\(questions.count + 1)"
        questions.append(
          Question(
            trial: index, circumstance: circumstance, id: test.id,
            line: line(test)))
      }
    }
    return questions
  }

  private static func execution(
    _ answers: [(circumstance: Circumstance, value: JSONValue)], _ trial: Trial
  ) -> Execution {
    var given: [Answer] = []
    for (circumstance, value) in answers {
      if case .string(let error)? = value["error"] { return refusal(error) }
      do throws(CaseError) {
        guard let outputs = try CaseFile.outputs(in: value) else {
          throw .malformed("answered neither 'outputs' nor 'error'")
        }
        given.append(Answer(circumstance, outputs: try codes(outputs, trial), poison: nil))
      } catch {
        return .fault(Judgement(.malformed, error.message))
      }
    }
    return .answered(given)
  }

  private static func refusal(_ error: String) -> Execution {
    let parts = error.split(separator: ":", maxSplits: 1).map(String.init)
    let reason = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
    switch parts.first ?? "" {
    case "unsupported": return .refused(reason.isEmpty ? error : String(reason))
    case "malformed", "precondition":
      return .fault(Judgement(.malformed, "holds a valid case for invalid: \(error)"))
    default: return .fault(Judgement(.crashed, "answered the error '\(error)'"))
    }
  }

  private static func codes(
    _ outputs: [String: Tensor], _ trial: Trial
  ) throws(CaseError) -> [[Int64]] {
    for name in outputs.keys.sorted() where !trial.outputs.contains(where: { $0.name == name }) {
      throw .malformed("answered the output '\(name)', which \(trial.test.operation) does not have")
    }
    var codes: [[Int64]] = []
    for output in trial.outputs {
      guard let tensor = outputs[output.name] else {
        throw .malformed("answered without the output '\(output.name)'")
      }
      guard tensor.dtype == output.dtype, tensor.shape == output.shape else {
        throw .malformed(
          "answered '\(output.name)' as \(tensor.dtype.name) \(tensor.shape), which must be "
            + "\(output.dtype.name) \(output.shape)")
      }
      codes.append(tensor.codes)
    }
    return codes
  }
}

/// Takes answers, a line each, from what a process wrote.
private final class AnswerReader {
  private let ids: [String]
  private(set) var answers: [JSONValue] = []
  /// Why a line is not the answer that was due.
  private(set) var problem: String?
  /// How much of the inbox was searched for the end of a line.
  private var searched = 0

  init(_ ids: [String]) { self.ids = ids }

  func read(_ inbox: inout [UInt8]) -> ChildProcess.Consumption {
    var start = 0
    let before = answers.count
    while answers.count < ids.count, problem == nil,
      let end = inbox[max(start, searched)...].firstIndex(of: UInt8(ascii: "\n"))
    {
      take(Array(inbox[start..<end]))
      start = end + 1
      searched = start
    }
    inbox.removeFirst(start)
    searched = inbox.count
    if problem != nil || answers.count == ids.count { return .complete }
    return answers.count > before ? .progress : .waiting
  }

  private func take(_ line: [UInt8]) {
    if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { return }
    let due = ids[answers.count]
    let value: JSONValue
    do {
      value = try JSONParser.parse(line)
    } catch {
      problem = "answered what is not JSON: '\(Self.excerpt(line))': \(error)"
      return
    }
    guard case .string(let id)? = value["id"] else {
      problem = "answered without an id: '\(Self.excerpt(line))'"
      return
    }
    if id == due {
      answers.append(value)
    } else if ids[..<answers.count].contains(id) {
      problem = "answered case '\(id)' twice; '\(due)' was due"
    } else if ids.contains(id) {
      problem = "answered out of order: case '\(id)' where '\(due)' was due"
    } else {
      problem = "answered case '\(id)', which it was not given; '\(due)' was due"
    }
  }

  private static func excerpt(_ line: [UInt8]) -> String {
    let text = String(decoding: line.prefix(80), as: UTF8.self)
    return line.count > 80 ? text + "..." : text
  }
}
