import CaseFormat
import NumberFormats
import Operations

/// How far a subject is off, in steps of the output.
enum ErrorHistogram {
  /// More different errors than this are counted by powers of two.
  private static let mostDifferent = 96

  /// Found minus exact over all probes, right elements included, in ascending order.
  ///
  /// Steps of a float are its ulps. Where there are very many different errors, each is counted as
  /// the power of two next below it in magnitude.
  static func counts(_ probes: [Probe], output: Int) -> [Failure.ErrorCount] {
    var counts: [Int64: Int] = [:]
    for probe in probes {
      forEachDifference(probe, output) { counts[$0, default: 0] += 1 }
    }
    if counts.count > mostDifferent {
      var coarse: [Int64: Int] = [:]
      for (difference, count) in counts { coarse[power(below: difference), default: 0] += count }
      counts = coarse
    }
    return counts.sorted { $0.key < $1.key }
      .map { Failure.ErrorCount(difference: $0.key, count: $0.value) }
  }

  /// What all errors have in common; nil where they have nothing.
  static func commonality(_ probes: [Probe], output: Int) -> String? {
    var errors: [Int64] = []
    var (towardZero, awayFromZero) = (true, true)
    for probe in probes {
      guard let given = probe.given?[output] else { continue }
      let tensor = probe.outcome.outputs[output].expectation.tensor
      for index in given.indices where probe.isWrong(output, index) {
        errors.append(difference(given[index], tensor.codes[index], tensor.dtype))
        let (found, exact) = (given[index].magnitude, tensor.codes[index].magnitude)
        towardZero = towardZero && found < exact
        awayFromZero = awayFromZero && found > exact
      }
    }
    guard errors.count >= 8, let first = errors.first else { return nil }
    if errors.allSatisfy({ $0 == first }) {
      return "always \(first > 0 ? "+" : "")\(first) step\(first.magnitude == 1 ? "" : "s") off"
    }
    if errors.allSatisfy({ $0.magnitude == 1 }) {
      return "always one step off"
        + (towardZero ? ", toward zero" : awayFromZero ? ", away from zero" : "")
    }
    let zeros = errors.map(\.trailingZeroBitCount).min() ?? 0
    if zeros >= 4 && zeros < 63 { return "always off by a multiple of \(1 << zeros)" }
    return towardZero ? "always toward zero" : nil
  }

  private static func forEachDifference(
    _ probe: Probe, _ output: Int, _ body: (Int64) -> Void
  ) {
    guard let given = probe.given?[output] else { return }
    let expectation = probe.outcome.outputs[output].expectation
    for index in given.indices where !expectation.isUnspecified(at: index) {
      if expectation.agrees(given[index], at: index) {
        body(0)
      } else {
        body(difference(given[index], expectation.tensor.codes[index], expectation.tensor.dtype))
      }
    }
  }

  /// Found minus exact in steps, at most what an Int64 holds; a NaN lies beyond everything.
  static func difference(_ found: Int64, _ exact: Int64, _ type: DataType) -> Int64 {
    guard case .float(let format) = type else { return clamped(found, exact) }
    // What a kernel leaves in a byte need not be an encoding of fewer bits.
    guard type.isValid(code: found) else { return .max }
    if format.isNaN(code: UInt64(bitPattern: found)) { return .max }
    if format.isNaN(code: UInt64(bitPattern: exact)) { return .min }
    return clamped(ordered(found, format), ordered(exact, format))
  }

  private static func clamped(_ found: Int64, _ exact: Int64) -> Int64 {
    let (difference, overflow) = found.subtractingReportingOverflow(exact)
    return overflow ? (found > exact ? .max : .min) : difference
  }

  /// The place of a float among those of its format: neighbours differ by one, both zeros too.
  private static func ordered(_ code: Int64, _ format: FloatFormat) -> Int64 {
    let sign = Int64(bitPattern: 1 << UInt64(format.bits - 1))
    return code & sign == 0 ? code : -1 - (code & ~sign)
  }

  private static func power(below difference: Int64) -> Int64 {
    guard difference != 0, difference != .min else { return difference }
    let power = Int64(1) << Int64(63 - difference.magnitude.leadingZeroBitCount)
    return difference < 0 ? -power : power
  }
}
