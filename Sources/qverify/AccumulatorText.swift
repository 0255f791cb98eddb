import CaseFormat
import ExactArithmetic
import NumberFormats
import Proving
import Reporting

/// What `prove accumulator` found, for people and for programs.
struct AccumulatorText {
  let report: AccumulatorReport
  let witnesses: [AccumulatorWitness]
  /// What can be said of int16 sums of two products; nil where it was not asked for.
  let pairs: AccumulatorPairReport?
  let pairWitnesses: [Case]
  /// The file that both kinds of witnesses were written to.
  let file: String?
  let showsChannels: Bool

  /// The widths that every report counts channels for.
  static let usualWidths = [16, 24, 32]

  /// A table of layers or channels, what all of them need, and the worst witness.
  var text: String {
    var lines = TextTable.lines(
      [Self.header] + (showsChannels ? channelRows : layerRows),
      rightAligned: [2, 3, 4, 5, 6, 7, 8])
    lines += ["", totals]
    lines.append(
      "width of the sums: \(Self.text(report.sumHistogram)); the types alone ask for "
        + "\(report.dataTypeBits)")
    let (sums, partials) = (report.sumHistogram, report.partialHistogram)
    if !sums.elementsEqual(partials, by: ==) {
      lines.append("width of partial sums too: \(Self.text(partials))")
    }
    for bits in Self.usualWidths where bits != report.declaredBits {
      lines.append(verdict(bits))
    }
    if let bits = report.declaredBits {
      lines += ["", "declared: " + verdict(bits)]
      lines += self.lines(
        of: witnesses.map(\.test), outOf: report.overflowing.count,
        otherwise: "no output type holds sums beyond int64")
    }
    lines += pairLines
    if let file, !witnesses.isEmpty || !pairWitnesses.isEmpty {
      lines += ["", "replay: qverify replay \(file) --subject S"]
    }
    return lines.joined(separator: "\n")
  }

  private static let header = [
    "layer", "operation", "channels", "products", "least sum", "greatest", "bits", "any order",
    "by type",
  ]

  private var layerRows: [[String]] {
    report.layers.map { layer in
      let bounds = layer.bounds
      let least = bounds.map(\.sum.lowerBound).min() ?? 0
      let greatest = bounds.map(\.sum.upperBound).max() ?? 0
      return row(
        layer.layer, layer.layer.name, "\(bounds.count)", least...greatest,
        bounds.map(\.sumBits).max() ?? 1, bounds.map { max($0.sumBits, $0.partialBits) }.max() ?? 1,
        bounds.map(\.dataTypeBits).max() ?? 1)
    }
  }

  private var channelRows: [[String]] {
    report.layers.flatMap { layer in
      layer.bounds.enumerated().map { channel, bound in
        row(
          layer.layer, "\(layer.layer.name)/\(channel)", "1", bound.sum, bound.sumBits,
          max(bound.sumBits, bound.partialBits), bound.dataTypeBits)
      }
    }
  }

  private func row(
    _ layer: AccumulatorLayer, _ name: String, _ channels: String, _ sum: ClosedRange<Integer>,
    _ bits: Int, _ partialBits: Int, _ dataTypeBits: Int
  ) -> [String] {
    [
      name, layer.operation.rawValue, channels, "\(layer.depth)", "\(sum.lowerBound)",
      "\(sum.upperBound)", "\(bits)", "\(partialBits)", "\(dataTypeBits)",
    ]
  }

  private var totals: String {
    let inputs = Set(report.layers.map { Self.text($0.layer.input) }).sorted()
    return "\(Self.plural(report.channelCount, "channel")), "
      + "\(Self.plural(report.weightCount, "weight")); inputs \(inputs.joined(separator: "; ")); "
      + "the bias \(report.order.rawValue)"
  }

  private static func text(_ input: AccumulatorInput) -> String {
    "\(input.dtype.name) from \(input.levels.lowerBound) to \(input.levels.upperBound), "
      + "zero point \(input.zeroPoint)"
  }

  private static func text(_ histogram: [(bits: Int, channels: Int)]) -> String {
    histogram.map { "\($0.bits) bits \(plural($0.channels, "channel"))" }.joined(separator: ", ")
  }

  private static func plural(_ count: Int, _ word: String) -> String {
    "\(count) \(word)\(count == 1 ? "" : "s")"
  }

  /// Whether a width can overflow.
  private func verdict(_ bits: Int) -> String {
    let (sum, partial) = report.overflowCounts(at: bits)
    if partial == 0 { return "\(bits) bits: nothing can overflow" }
    var text = "\(bits) bits: \(Self.plural(partial, "channel")) can overflow"
    if sum < partial { text += ", \(partial - sum) of them in partial sums only" }
    return text
  }

  private var pairLines: [String] {
    guard let pairs else { return [] }
    let text =
      pairs.anyCount == 0
      ? "no two products can leave int16"
      : "neighbouring products of \(Self.plural(pairs.neighbourCount, "channel")) can leave int16, "
        + "any two products of \(Self.plural(pairs.anyCount, "channel"))"
    return ["", "pairs: " + text]
      + lines(
        of: pairWitnesses, outOf: pairs.anyCount,
        otherwise: "other pairs make up for it in each input that was tried")
  }

  /// The first of some cases, and where the others are; or why there are none.
  private func lines(of cases: [Case], outOf count: Int, otherwise reason: String) -> [String] {
    guard let first = cases.first else {
      return count == 0 ? [] : ["no witness: " + reason]
    }
    let head = "witness: " + (first.note ?? "")
    guard let file else { return [head, CaseFile.json(first).description] }
    let left = count - cases.count
    return [
      head,
      "  \(Self.plural(cases.count, "case")) in '\(file)'"
        + (left == 0 ? "" : ", \(Self.plural(left, "other channel")) left out (--max-witnesses)"),
    ]
  }
}
