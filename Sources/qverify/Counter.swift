import Synchronization

/// A counter that threads share: each takes the next number.
final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  /// The next number, or nil when the bound is reached.
  func take(below bound: Int) -> Int? {
    let taken = value.wrappingAdd(1, ordering: .relaxed).oldValue
    return taken < bound ? taken : nil
  }
}

/// Results that threads fill in any order.
final class Slots<T: Sendable>: Sendable {
  private let storage: Mutex<[T?]>

  init(count: Int) { storage = Mutex(Array(repeating: nil, count: count)) }

  /// Fills a slot.
  func set(_ index: Int, _ value: T) { storage.withLock { $0[index] = value } }

  /// What the slots hold, in order.
  var values: [T] { storage.withLock { $0.compactMap { $0 } } }
}
