import CaseFormat
import Operations
import Verification

/// The process that holds a shared library, on its own side: `qverify worker --library PATH`.
///
/// It loads the library and then forks: the child runs cases; after a crash, a hang or an overrun the
/// child says so and ends, since nothing in it can be trusted any more, and the next one starts from
/// the freshly loaded library. So a restart costs a fork.
public enum Worker {
  /// The child ends because qverify has no more cases.
  private static let finished = 112
  /// The child ends because its kernel did something that it may not survive.
  private static let replaced = 113

  /// Serves requests about a library until there are no more; the process should end then.
  public static func serve(library path: String) {
    let (input, output) = WorkerSide.takeStreams()
    do throws(SubjectError) {
      let kernel = try LibraryKernel(path: path)
      WorkerSide.supervise(
        serve: { Int32(serve(kernel, input, output)) },
        next: { goesOn(after: $0, output) })
    } catch {
      // The answer to whatever is asked first.
      _ = send(.failed(error.message), to: output)
    }
  }

  private static func goesOn(after ending: ProcessEnding, _ output: Int32) -> Bool {
    switch ending.code {
    case finished: false
    case replaced: true
    default: send(.ended(ending), to: output)
    }
  }

  private static func send(_ reply: WorkerReply, to output: Int32) -> Bool {
    WorkerSide.write(FrameWriter(reply).frame, to: output)
  }

  /// Serves requests in a child; returns the code to end with.
  private static func serve(_ kernel: LibraryKernel, _ input: Int32, _ output: Int32) -> Int {
    WorkerSide.noteExceptions()
    var runners: [Duration: GuardedRunner] = [:]
    func runner(_ timeout: Duration) -> GuardedRunner {
      let runner = runners[timeout] ?? GuardedRunner(timeout: timeout)
      runners[timeout] = runner
      return runner
    }
    while let head = WorkerSide.read(FrameReader.headSize, from: input),
      let length = FrameReader.length(ofHead: head),
      let body = WorkerSide.read(length, from: input)
    {
      var reader = FrameReader(body)
      guard let request = try? reader.request() else { return finished }
      let reply: WorkerReply
      switch request {
      case .describe: reply = describe(kernel)
      case .run(let test, let outputs, let calls, let timeout):
        reply = .executed(
          kernel.execute(test, outputs: outputs, calls: calls, on: runner(timeout)))
      case .sweep(let sweep, let timeout):
        reply = .swept(kernel.sweep(sweep, on: runner(timeout)))
      }
      guard send(reply, to: output) else { return finished }
      switch reply {
      case .executed(.fault), .swept(.fault): return replaced
      default: break
      }
    }
    return finished
  }

  private static func describe(_ kernel: LibraryKernel) -> WorkerReply {
    do throws(SubjectError) {
      return .described(try kernel.description(operations: Registry.all.map { $0.name }))
    } catch {
      return .failed(error.message)
    }
  }

  /// Runs a command for `cmd:` until it or qverify ends: `qverify worker --command COMMAND`.
  public static func run(command: String) { WorkerSide.run(command: command) }
}
