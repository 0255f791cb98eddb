import Dispatch
import Synchronization
public import Verification

/// A proof at work: blocks of a domain, on several threads, in any order.
public struct Prover: Sendable {
  public var domain: any Domain
  public var subject: any Subject
  /// How long a call may take.
  public var rules: Judge.Rules
  /// The blocks that are wanted and not done.
  public var blocks: [Int]
  public var jobs: Int
  /// Called with each block that is done, one at a time; false where the work is to end.
  public var finished: @Sendable (Int, BlockReport) -> Bool = { _, _ in true }
  /// Called now and then with the positions that are done.
  public var progress: @Sendable (Int) -> Void = { _ in }
  /// Asked between blocks.
  public var isCancelled: @Sendable () -> Bool = { false }

  /// A proof of some blocks.
  public init(
    domain: any Domain, subject: any Subject, rules: Judge.Rules, blocks: [Int], jobs: Int
  ) {
    (self.domain, self.subject, self.rules) = (domain, subject, rules)
    (self.blocks, self.jobs) = (blocks, jobs)
  }

  /// Why a proof ended before its blocks did.
  public enum Ending: Sendable {
    case done
    /// Somebody asked for it.
    case cancelled
    /// The subject did what no kernel may do.
    case fault(Judgement, Counterexample)
    /// The subject does not take such cases.
    case refused(String)
    /// There is no exact answer.
    case failed(String)
  }

  /// Works until every block is done or something ends the proof.
  public func run() -> Ending {
    let next = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let ending = Mutex<Ending?>(nil)
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, blocks.count))) { _ in
      let judge = Judge(rules)
      let runner = GuardedRunner(timeout: rules.timeout)
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if index >= blocks.count || ending.withLock({ $0 != nil }) { return }
        if isCancelled() { return ending.withLock { $0 = $0 ?? .cancelled } }
        let block = blocks[index]
        let positions = Blocks.positions(of: block, in: domain.count)
        let result = domain.prove(positions, subject: subject, judge: judge, runner: runner)
        let now = done.wrappingAdd(positions.count, ordering: .relaxed).newValue
        ending.withLock { ending in
          switch result {
          case .compared(let report):
            if !finished(block, report) { ending = ending ?? .cancelled }
          case .fault(let judgement, let place): ending = ending ?? .fault(judgement, place)
          case .refused(let reason): ending = ending ?? .refused(reason)
          case .failed(let reason): ending = ending ?? .failed(reason)
          }
          progress(now)
        }
      }
    }
    return ending.withLock { $0 } ?? .done
  }
}
