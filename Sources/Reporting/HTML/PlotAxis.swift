import Foundation

/// Maps values to a coordinate, with ticks at round numbers.
struct PlotAxis {
  let range: ClosedRange<Double>
  /// The coordinates of the ends of the range.
  let from: Double
  let to: Double

  /// An axis over values with a margin at both ends; nil where there is no finite value.
  init?(_ values: [Double], from: Double, to: Double, margin: Double) {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return nil }
    // Halves first: the distance of two finite numbers may be infinite.
    let half = max(high / 2 - low / 2, max(abs(high), abs(low)) * 1e-9, 1e-300)
    let pad = min(half * 2 * margin, .greatestFiniteMagnitude / 8)
    range =
      max(low - pad, -.greatestFiniteMagnitude / 4)...min(high + pad, .greatestFiniteMagnitude / 4)
    (self.from, self.to) = (from, to)
  }

  /// The coordinate of a value.
  func position(_ value: Double) -> Double {
    let span = range.upperBound - range.lowerBound
    return from + (value - range.lowerBound) / span * (to - from)
  }

  /// Round numbers within the range, about `count` of them.
  func ticks(_ count: Int, integral: Bool) -> [Double] {
    let span = range.upperBound - range.lowerBound
    let raw = span / Double(max(count, 1))
    let power = pow(10, floor(log10(raw)))
    guard power > 0, power.isFinite else { return [range.lowerBound, range.upperBound] }
    let factor = [1, 2, 5, 10].first { $0 * power >= raw } ?? 10
    let step = integral ? max(1, (factor * power).rounded()) : factor * power
    let first = (range.lowerBound / step).rounded(.up)
    let last = (range.upperBound / step).rounded(.down)
    guard last >= first, last - first < 100 else { return [range.lowerBound, range.upperBound] }
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }
}
