import Foundation
import Fuzzing

/// How many elements are off by how much, as bars with their numbers.
///
/// Bars are logarithmic: a handful of wrong elements among thousands stays visible.
struct ErrorHistogram {
  private let errors: [Failure.ErrorCount]
  /// More differences than this are grouped by powers of two.
  private static let shownDifferences = 15

  init(_ errors: [Failure.ErrorCount]) {
    self.errors = errors.filter { $0.count > 0 }.sorted { $0.difference < $1.difference }
  }

  /// Differences that share a bar.
  private struct Bin: Hashable {
    var low: Int64
    var high: Int64
    var count: Int

    var label: String {
      func text(_ value: Int64) -> String {
        switch value {
        case .max: "2^63 and more"
        case .min: "-2^63 and less"
        default: value > 0 ? "+\(value)" : "\(value)"
        }
      }
      return low == high ? text(low) : "\(text(low)) to \(text(high))"
    }
  }

  private var bins: [Bin] {
    if errors.count <= Self.shownDifferences {
      return errors.map { Bin(low: $0.difference, high: $0.difference, count: $0.count) }
    }
    var bins: [Bin] = []
    for error in errors {
      let (low, high) = Self.group(error.difference)
      if let last = bins.indices.last, bins[last].low == low {
        bins[last].count += error.count
      } else {
        bins.append(Bin(low: low, high: high, count: error.count))
      }
    }
    return bins
  }

  /// The power-of-two group of a difference: 0, 1, 2 to 3, 4 to 7, and the same below zero.
  private static func group(_ difference: Int64) -> (Int64, Int64) {
    if difference == 0 { return (0, 0) }
    let magnitude = difference.magnitude
    let bits = UInt64.bitWidth - 1 - magnitude.leadingZeroBitCount
    if bits >= 63 { return (.min, .min) }
    let low = Int64(1) << Int64(bits)
    let high = low - 1 + low
    return difference > 0 ? (low, high) : (-high, -low)
  }

  var markup: Markup {
    let bins = bins
    let most = log(1 + Double(bins.map(\.count).max() ?? 1))
    let rows = bins.map { bin -> Markup in
      let width = String(format: "%.1f", 100 * log(1 + Double(bin.count)) / most)
      let isRight = bin.low == 0 && bin.high == 0
      let word: Markup = isRight ? " <span class=\"good\">✓ right</span>" : .none
      return """
        <tr><th scope="row">\(bin.label)</th><td class="bar-cell"><span class="bar \
        \(isRight ? "right" : "wrong")" style="width:\(width)%"></span></td>\
        <td class="number">\(Markup.grouped(bin.count))\(word)</td></tr>
        """
    }
    return """
      <table class="histogram"><thead><tr><th scope="col">off by</th><th scope="col">\
      (logarithmic)</th><th scope="col">elements</th></tr></thead><tbody>\(rows)</tbody></table>
      """
  }
}
