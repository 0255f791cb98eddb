import ArgumentParser
import Foundation
import Synchronization

/// Notices a kernel that ends the process: its exit code must not pass for a verdict.
enum ExitGuard {
  private static let isRunning = Atomic<Bool>(false)
  private static let registration: Void = {
    atexit {
      guard ExitGuard.isRunning.load(ordering: .relaxed) else { return }
      StandardError.line("qverify: a kernel called exit(): crashed")
      _exit(Exit.mismatch.rawValue)
    }
  }()

  /// Runs work during which only a kernel could end the process.
  static func run<T>(_ work: () throws -> T) rethrows -> T {
    _ = registration
    isRunning.store(true, ordering: .relaxed)
    defer { isRunning.store(false, ordering: .relaxed) }
    return try work()
  }
}
