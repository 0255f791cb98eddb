import CaseFormat
import Foundation
import Kernels

/// Time on the CPU of this thread: what other threads and processes take is not counted.
///
/// A call of it takes a fraction of a microsecond; a measurement takes thousands of that.
enum BenchClock {
  static let name = "CLOCK_THREAD_CPUTIME_ID, the thread's own time on the CPU"

  /// Seconds since some moment.
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// The median of some measurements, with the extremes.
struct BenchSummary {
  var median: Double
  var min: Double
  var max: Double

  /// Nil where there are none.
  init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    (min, max) = (first, last)
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  var json: JSONValue {
    .object([
      .init("median", .rounded(median)), .init("min", .rounded(min)), .init("max", .rounded(max)),
    ])
  }
}

/// Something that is called again and again, and timed.
struct BenchProbe {
  typealias Body = () throws(KernelError) -> Void

  /// Elements, multiply-accumulates or bytes of one call.
  var units: Double
  /// Calls of one measurement.
  private(set) var calls = 1
  private let body: Body

  /// Warms up, and sets the number of calls so that a measurement takes about as long as wanted.
  init(units: Double, seconds: Double, _ body: @escaping Body) throws(KernelError) {
    self.units = units
    self.body = body
    try body()
    while true {
      let elapsed = try time()
      if elapsed >= seconds / 4 {
        calls = max(1, Int(Double(calls) * seconds / elapsed))
        return
      }
      calls *= elapsed < seconds / 64 ? 8 : 2
    }
  }

  /// Units per second, measured once.
  func rate() throws(KernelError) -> Double { units * Double(calls) / (try time()) }

  private func time() throws(KernelError) -> Double {
    let start = BenchClock.now
    for _ in 0..<calls { try body() }
    return max(BenchClock.now - start, 1e-9)
  }

  /// How long one call takes, measured once and cold.
  static func seconds(_ body: Body) throws(KernelError) -> Double {
    let start = BenchClock.now
    try body()
    return BenchClock.now - start
  }
}
