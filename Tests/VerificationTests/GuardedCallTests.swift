import Dispatch
import Glibc
import Synchronization
import Testing
import Verification

struct GuardedCallTests {
  private static let patience = Duration.seconds(10)

  @Test func returns() {
    var count = 0
    for _ in 0..<100 {
      #expect(GuardedCall.run(timeout: Self.patience) { count += 1 } == .returned)
    }
    #expect(count == 100)
  }

  @Test func crashes() {
    let memory = GuardedMemory()
    let byte = memory.buffer(byteCount: 0, placement: .beforeGuard(slack: 0)).pointer
    let crash = GuardedCall.Result.crashed(signal: "SIGSEGV", address: UInt(bitPattern: byte))
    for _ in 0..<3 {
      #expect(
        GuardedCall.run(timeout: Self.patience) { byte.storeBytes(of: 0, as: UInt8.self) } == crash)
      #expect(GuardedCall.run(timeout: Self.patience) {} == .returned)
    }
  }

  @Test(arguments: [
    (SIGSEGV, "SIGSEGV"), (SIGBUS, "SIGBUS"), (SIGFPE, "SIGFPE"), (SIGILL, "SIGILL"),
    (SIGTRAP, "SIGTRAP"), (SIGABRT, "SIGABRT"),
  ])
  func raisedSignals(number: Int32, name: String) {
    for _ in 0..<3 {
      #expect(
        GuardedCall.run(timeout: Self.patience) { raise(number) }
          == .crashed(signal: name, address: nil))
    }
  }

  @Test func abortAndTraps() {
    #expect(
      GuardedCall.run(timeout: Self.patience) { abort() }
        == .crashed(signal: "SIGABRT", address: nil))
    var limit = Int.max
    let overflow = GuardedCall.run(timeout: Self.patience) { limit += 1 }
    #if arch(x86_64)
      #expect(overflow == .crashed(signal: "SIGILL", address: nil))
      let division = GuardedCall.run(timeout: Self.patience) { limit += Int(div(1, 0).quot) }
      #expect(division == .crashed(signal: "SIGFPE", address: nil))
      // A non-canonical address: the CPU does not tell which.
      let nowhere = UnsafeRawPointer(bitPattern: 0x8000_0000_0000_0000 as UInt)
      #expect(
        GuardedCall.run(timeout: Self.patience) { limit = nowhere?.load(as: Int.self) ?? 0 }
          == .crashed(signal: "SIGSEGV", address: nil))
    #else
      #expect(overflow == .crashed(signal: "SIGTRAP", address: nil))
    #endif
  }

  @inline(never) private static func descend(_ depth: Int) -> Int {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 64) { scratch in
      scratch.initialize(repeating: depth)
      return descend(depth + 1) &+ scratch[depth % 64]
    }
  }

  @Test func stackOverflow() {
    var sum = 0
    for _ in 0..<3 {
      let result = GuardedCall.run(timeout: Self.patience) { sum += Self.descend(0) }
      guard case .crashed("SIGSEGV", .some) = result else {
        Issue.record("\(result)")
        return
      }
    }
    #expect(sum == 0)
  }

  /// A body that computes for ever, one that waits for ever; each after calls that return.
  @Test(arguments: [true, false], [2, 100])
  func hangs(isBusy: Bool, milliseconds: Int) {
    let timeout = Duration.milliseconds(milliseconds)
    let counter = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    defer { counter.deallocate() }
    counter.initialize(to: 0)
    for _ in 0..<3 {
      #expect(GuardedCall.run(timeout: timeout) { counter.pointee += 1 } == .returned)
      let duration = ContinuousClock().measure {
        let result = GuardedCall.run(timeout: timeout) {
          while counter.pointee >= 0 {
            if isBusy { counter.pointee = counter.pointee &+ 1 & 0xFFFF } else { pause() }
          }
        }
        #expect(result == .hung)
      }
      #expect(duration >= timeout)
      // Twice the time-out, and what a loaded machine adds.
      #expect(duration < timeout * 2 + .seconds(2))
    }
  }

  @Test func slowCallsAreNoHang() {
    // Many calls within one time-out, then one that lasts most of it, with other time-outs between.
    for round in 0..<3 {
      for _ in 0..<1000 { _ = GuardedCall.run(timeout: .milliseconds(5000)) {} }
      let result = GuardedCall.run(timeout: .milliseconds(5000)) {
        let end = ContinuousClock.now + .milliseconds(300)
        while ContinuousClock.now < end {}
      }
      #expect(result == .returned, "round \(round)")
      _ = GuardedCall.run(timeout: .milliseconds(1)) {}
    }
  }

  @Test func twoThreadsCrashAtOnce() {
    let wrong = Mutex(0)
    let seen = Mutex(Set<pthread_t>())
    DispatchQueue.concurrentPerform(iterations: 2) { worker in
      _ = seen.withLock { $0.insert(pthread_self()) }
      let memory = GuardedMemory()
      for round in 0..<5000 {
        memory.reset()
        let byte = memory.buffer(byteCount: round % 300, placement: .beforeGuard(slack: 0))
        let end = byte.pointer + byte.byteCount
        let crash = GuardedCall.run(timeout: Self.patience) {
          end.storeBytes(of: UInt8(worker), as: UInt8.self)
        }
        let abortion = GuardedCall.run(timeout: Self.patience) { raise(SIGABRT) }
        let success = GuardedCall.run(timeout: Self.patience) {}
        if crash != .crashed(signal: "SIGSEGV", address: UInt(bitPattern: end))
          || abortion != .crashed(signal: "SIGABRT", address: nil) || success != .returned
          || memory.distance(of: UInt(bitPattern: end))?.distance != 1
        {
          wrong.withLock { $0 += 1 }
        }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
  }

  @Test func twoThreadsHangAtOnce() {
    let hangs = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 2) { worker in
      for _ in 0..<5 {
        let result = GuardedCall.run(timeout: .milliseconds(20 + 10 * worker)) {
          while true { pause() }
        }
        if result == .hung { hangs.withLock { $0 += 1 } }
      }
    }
    #expect(hangs.withLock { $0 } == 10)
  }

  /// Threads come and go: each has its own timer and stack, which it takes along.
  @Test func manyThreads() {
    for _ in 0..<200 {
      var thread = pthread_t()
      let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
        let result = GuardedCall.run(timeout: .seconds(10)) { raise(SIGFPE) }
        return UnsafeMutableRawPointer(bitPattern: result == .returned ? 0 : 1 as UInt)
      }
      #expect(pthread_create(&thread, nil, start, nil) == 0)
      var result: UnsafeMutableRawPointer?
      pthread_join(thread, &result)
      #expect(result != nil)
    }
  }

  @Test func crashesOutsideStillKill() async {
    await #expect(processExitsWith: .failure) {
      let memory = GuardedMemory()
      let byte = memory.buffer(byteCount: 0, placement: .beforeGuard(slack: 0)).pointer
      _ = GuardedCall.run(timeout: .seconds(10)) {}
      _ = GuardedCall.run(timeout: .seconds(10)) { byte.storeBytes(of: 0, as: UInt8.self) }
      byte.storeBytes(of: 0, as: UInt8.self)
      memory.reset()
    }
    await #expect(processExitsWith: .failure) {
      _ = GuardedCall.run(timeout: .seconds(10)) {}
      abort()
    }
    await #expect(processExitsWith: .failure) {
      _ = GuardedCall.run(timeout: .seconds(10)) {}
      raise(SIGTRAP)
    }
    await #expect(processExitsWith: .failure) {
      _ = GuardedCall.run(timeout: .seconds(10)) {}
      preconditionFailure("outside")
    }
  }

  /// Another thread within a guarded call does not save the one that crashes.
  @Test func crashesBesideAGuardedCallStillKill() async {
    await #expect(processExitsWith: .failure) {
      DispatchQueue.concurrentPerform(iterations: 2) { worker in
        if worker == 0 {
          _ = GuardedCall.run(timeout: .seconds(60)) { while true { pause() } }
        } else {
          usleep(100_000)
          raise(SIGFPE)
        }
      }
    }
  }

  @Test func nestingIsRefused() async {
    await #expect(processExitsWith: .success) {
      let outer = GuardedCall.run(timeout: .seconds(10)) {
        _ = GuardedCall.run(timeout: .seconds(10)) {}
      }
      guard case .crashed("SIGILL", nil) = outer else {
        exit(outer == .crashed(signal: "SIGTRAP", address: nil) ? EXIT_SUCCESS : EXIT_FAILURE)
      }
    }
  }

  /// A thread that blocks every signal, as those of Dispatch nearly do, is unblocked on its first call.
  @Test func blockedSignals() {
    var thread = pthread_t()
    let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_BLOCK, &all, nil)
      let crash = GuardedCall.run(timeout: .seconds(10)) { raise(SIGFPE) }
      let hang = GuardedCall.run(timeout: .milliseconds(10)) { while true { pause() } }
      let isCaught = crash == .crashed(signal: "SIGFPE", address: nil) && hang == .hung
      return UnsafeMutableRawPointer(bitPattern: isCaught ? 1 : 0 as UInt)
    }
    #expect(pthread_create(&thread, nil, start, nil) == 0)
    var isCaught: UnsafeMutableRawPointer?
    pthread_join(thread, &isCaught)
    #expect(isCaught != nil)
  }
}

struct FloatingPointEnvironmentTests {
  private let flags = (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT) as Int32
  private static let patience = Duration.seconds(10)

  /// What `body` changed, in words; the environment is as before afterwards.
  private func difference(made body: () -> Void) -> String? {
    let before = FloatingPointEnvironment.current
    body()
    let text = FloatingPointEnvironment.current.difference(from: before)
    before.restore()
    #expect(FloatingPointEnvironment.current == before)
    return text
  }

  private func change(_ body: (inout fenv_t) -> Void) {
    var environment = fenv_t()
    fegetenv(&environment)
    body(&environment)
    fesetenv(&environment)
  }

  @Test func flagsAreNoDifference() {
    feclearexcept(flags)
    #expect(difference { feraiseexcept(flags) } == nil)
    feclearexcept(flags)
  }

  @Test func rounding() {
    for (mode, name) in [
      (FE_TOWARDZERO, "toward zero"), (FE_UPWARD, "toward positive"),
      (FE_DOWNWARD, "toward negative"),
    ] as [(Int32, String)] {
      let text = difference { fesetround(mode) }
      #expect(text?.hasPrefix("rounding mode changed to \(name)") == true)
      #expect(fegetround() == FE_TONEAREST as Int32)
    }
  }

  #if arch(x86_64)
    @Test func controlBits() {
      for (bit, text) in [
        (15, "flush-to-zero turned on"), (6, "denormals-are-zero turned on"),
        (9, "trap on division by zero turned on"),
      ] as [(UInt32, String)] {
        #expect(difference { change { $0.__mxcsr ^= 1 << bit } } == text)
      }
      #expect(
        difference { change { $0.__mxcsr |= 0x8040 } }
          == "flush-to-zero turned on, denormals-are-zero turned on")
      #expect(
        difference { change { $0.__control_word &= ~0x300 } } == "x87 precision changed to 24 bits")
      #expect(
        difference { fesetround(FE_TOWARDZERO as Int32) }
          == "rounding mode changed to toward zero, x87 rounding mode changed to toward zero")
    }
  #else
    @Test func controlBits() {
      #expect(difference { change { $0.__fpcr |= 1 << 24 } } == "flush-to-zero turned on")
    }
  #endif

  @Test func changesWithinACallAreSeen() {
    let text = difference {
      let result = GuardedCall.run(timeout: Self.patience) { fesetround(FE_UPWARD as Int32) }
      #expect(result == .returned)
    }
    #expect(text?.hasPrefix("rounding mode changed to toward positive") == true)
  }

  @Test func crashesAndHangsKeepTheCallersEnvironment() {
    fesetround(FE_DOWNWARD as Int32)
    let before = FloatingPointEnvironment.current
    let crash = GuardedCall.run(timeout: Self.patience) {
      fesetround(FE_UPWARD as Int32)
      raise(SIGSEGV)
    }
    #expect(crash == .crashed(signal: "SIGSEGV", address: nil))
    #expect(FloatingPointEnvironment.current.difference(from: before) == nil)
    let hang = GuardedCall.run(timeout: .milliseconds(10)) {
      fesetround(FE_UPWARD as Int32)
      while true { pause() }
    }
    #expect(hang == .hung)
    #expect(FloatingPointEnvironment.current.difference(from: before) == nil)
    fesetround(FE_TONEAREST as Int32)
  }
}
