import Foundation
import Synchronization

/// Ctrl-C ends the work after the current round; a second one ends the process.
enum Interruption {
  private static let requests = Atomic<Int>(0)

  /// Whether the user asked to stop.
  static var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }

  /// Starts to listen for SIGINT and SIGTERM.
  static func catchSignals() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if Interruption.requests.wrappingAdd(1, ordering: .relaxed).oldValue > 0 {
          _exit(128 + number)
        }
      }
    }
  }
}
