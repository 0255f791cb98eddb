import Foundation
import Operations

/// Where a subject is wrong: the simplest condition that separates wrong elements from right ones.
struct Pattern: Sendable {
  /// The condition, such as `it is one of the last n mod 8 of n elements`.
  var text: String
  /// What the condition is about.
  var families: [Feature.Family]
  /// The name of the condition that says most, without what was learned from numbers.
  var key: String
  /// Elements that are wrong, and how many of them the condition holds for.
  var wrong = 0
  var explained = 0
  /// Right elements for which it holds, and those for which it does not.
  var rightInside = 0
  var rightOutside = 0
}

/// Finds the condition: of one feature, or of two where one does not suffice.
///
/// A condition is formed on half of the probes and must hold on the other half too: it must cover at
/// least 95 % of the wrong elements of both, and hold for few right ones.
struct PatternMiner {
  /// What is described: elements or whole cases; in columns, one a feature.
  struct Table: Sendable {
    var features: [Feature] = []
    var columns: [[Double]] = []
    var isWrong: [Bool] = []
    /// The probe of each row.
    var probe: [Int] = []
  }

  /// One thing that may hold for a row.
  private struct Condition {
    var text: String
    var key: String
    var family: Feature.Family
    /// The column that it is about.
    var feature: String
    /// What the condition costs against a simpler one.
    var rank: Int
    var rows: RowSet
  }

  private let table: Table
  private let all: RowSet
  private let wrong: RowSet
  private let forming: RowSet
  /// Fewer wrong rows than this, or from fewer probes than `leastProbes`, teach nothing.
  private static let leastWrong = 6
  private static let leastProbes = 3
  private static let leastRecall = 0.95
  /// How much purer a further condition must make it.
  private static let conjunctionCost = 0.12

  init(_ table: Table) {
    self.table = table
    all = RowSet(table.isWrong.map { _ in true })
    wrong = RowSet(table.isWrong)
    forming = RowSet(table.probe.map { $0 % 2 == 0 })
  }

  /// The best condition; nil where none is sure.
  func pattern() -> Pattern? {
    let right = all.count - wrong.count
    guard wrong.count >= Self.leastWrong, right > 0,
      Set(zip(table.probe, table.isWrong).filter(\.1).map(\.0)).count >= Self.leastProbes
    else { return nil }
    let conditions = self.conditions()
    let single = conditions.map { (score: score($0.rows, $0.rank), parts: [$0], rows: $0.rows) }
      .max { $0.score < $1.score }
    // Only conditions that hold for nearly every wrong element can be parts of a pair.
    let candidates = conditions.sorted { score($0.rows, $0.rank) > score($1.rows, $1.rank) }
      .prefix(120)
    var best = single
    for (place, first) in candidates.enumerated() {
      for second in candidates.dropFirst(place + 1) where first.feature != second.feature {
        let rows = first.rows.intersection(second.rows)
        let score = score(rows, first.rank + second.rank) - Self.conjunctionCost
        if score > best?.score ?? 0 { best = (score, [first, second], rows) }
      }
    }
    // A third one only for the best pair.
    if let pair = best, pair.parts.count == 2 {
      for third in candidates where !pair.parts.contains(where: { $0.feature == third.feature }) {
        let rows = pair.rows.intersection(third.rows)
        let rank = pair.parts.reduce(third.rank) { $0 + $1.rank }
        let score = score(rows, rank) - 2 * Self.conjunctionCost
        if score > best?.score ?? 0 { best = (score, pair.parts + [third], rows) }
      }
    }
    guard let best, isSure(best.rows) else { return nil }
    return Pattern(
      text: best.parts.map(\.text).joined(separator: " and "),
      families: best.parts.map(\.family),
      key: best.parts.max { score($0.rows, $0.rank) < score($1.rows, $1.rank) }?.key ?? "",
      wrong: wrong.count, explained: best.rows.intersection(wrong).count,
      rightInside: best.rows.subtracting(wrong).count,
      rightOutside: all.subtracting(wrong).subtracting(best.rows).count)
  }

  /// How well a condition separates in the forming half; 0 where it misses wrong elements.
  private func score(_ rows: RowSet, _ rank: Int) -> Double {
    let wrong = wrong.intersection(forming)
    let inside = rows.intersection(forming)
    let explained = inside.intersection(wrong).count
    guard explained > 0, Double(explained) >= Self.leastRecall * Double(wrong.count) else {
      return 0
    }
    let recall = Double(explained) / Double(wrong.count)
    return Double(explained) / Double(inside.count) + recall - 1 - 0.01 * Double(rank)
  }

  /// Whether a condition holds on the half that did not form it, and says something.
  private func isSure(_ rows: RowSet) -> Bool {
    let tested = all.subtracting(forming)
    var precisions: [Double] = []
    for half in [forming, tested] {
      let wrong = wrong.intersection(half)
      let inside = rows.intersection(half)
      let explained = inside.intersection(wrong).count
      guard wrong.count > 0, Double(explained) >= Self.leastRecall * Double(wrong.count) else {
        return false
      }
      precisions.append(Double(explained) / Double(inside.count))
    }
    let share = Double(wrong.count) / Double(all.count)
    let precision = precisions.min() ?? 0
    let inside = Double(rows.count) / Double(all.count)
    let isPure = precision >= 0.5 && precision >= 1.5 * share
    let isNarrow = precision >= 4 * share && inside <= 0.2
    // What holds nearly everywhere says nothing.
    return (isPure || isNarrow || precision >= 0.9 && inside <= 0.95 && precision >= share + 0.05)
      && precisions[1] >= 0.6 * precisions[0]
  }

  // MARK: Conditions

  private func conditions() -> [Condition] {
    var result: [Condition] = []
    let wrongRows = table.isWrong.indices.filter { table.isWrong[$0] && table.probe[$0] % 2 == 0 }
    for (place, feature) in table.features.enumerated() {
      let column = table.columns[place]
      // A feature that most wrong elements lack cannot cover them.
      let known = wrongRows.map { column[$0] }.filter { !$0.isNaN }
      guard Double(known.count) >= Self.leastRecall * Double(wrongRows.count),
        let low = known.min(), let high = known.max()
      else { continue }
      if feature.isFlag {
        result.append(condition(feature, feature.name, "", 1, column) { $0 == 1 })
        result.append(
          condition(feature, Self.negated(feature.name), "not", 2, column) { $0 == 0 })
      } else {
        result += comparisons(feature, column, low, high)
      }
    }
    return result
  }

  /// A flag's name said of what lacks it.
  private static func negated(_ name: String) -> String {
    for (verb, negation) in [
      (" is ", " is not "), (" has ", " does not have "), (" stands ", " does not stand "),
      (" lies ", " does not lie "),
    ] {
      if let range = name.range(of: verb) {
        return name.replacingCharacters(in: range, with: negation)
      }
    }
    return "not: " + name
  }

  private func condition(
    _ feature: Feature, _ text: String, _ suffix: String, _ rank: Int, _ column: [Double],
    _ holds: (Double) -> Bool
  ) -> Condition {
    Condition(
      text: text, key: suffix.isEmpty ? feature.name : "\(feature.name), \(suffix)",
      family: feature.family,
      feature: feature.name, rank: rank,
      rows: RowSet(column.map { !$0.isNaN && holds($0) }))
  }

  private func comparisons(
    _ feature: Feature, _ column: [Double], _ low: Double, _ high: Double
  ) -> [Condition] {
    var result: [Condition] = []
    let name = feature.name
    func add(
      _ text: String, _ suffix: String, _ rank: Int, _ holds: (Double) -> Bool
    ) {
      result.append(condition(feature, "\(name) \(text)", suffix, rank, column, holds))
    }
    if low == high { add("is \(Self.text(low))", "equal", 2) { $0 == low } }
    for bound in Self.lowerBounds(low) {
      add("is at least \(Self.text(bound))", "least", bound == low ? 4 : 3) { $0 >= bound }
    }
    for bound in Self.upperBounds(high) {
      add("is at most \(Self.text(bound))", "most", bound == high ? 4 : 3) { $0 <= bound }
    }
    if feature.family == .shape || name == "the number of products" {
      for width in [2.0, 4, 8, 16, 32, 64] where high >= 2 * width {
        let rest = low.truncatingRemainder(dividingBy: width)
        add("mod \(Self.text(width)) is \(Self.text(rest))", "mod \(width)", 3) {
          $0.truncatingRemainder(dividingBy: width) == rest
        }
        add("mod \(Self.text(width)) is not 0", "not a multiple of \(width)", 3) {
          $0.truncatingRemainder(dividingBy: width) != 0
        }
      }
    }
    return result
  }

  /// A power of two below the least wrong value, which is likelier meant, and the value itself.
  private static func lowerBounds(_ low: Double) -> [Double] {
    guard low > 0, low.isFinite else { return [low] }
    let power = Double(sign: .plus, exponent: low.exponent, significand: 1)
    return power == low ? [low] : [power, low]
  }

  private static func upperBounds(_ high: Double) -> [Double] {
    guard high > 0, high.isFinite else { return [high] }
    let power = Double(sign: .plus, exponent: high.exponent, significand: 1)
    return power == high ? [high] : [2 * power, high]
  }

  private static func text(_ value: Double) -> String {
    if value.magnitude >= 0x1p16, value.significand == 1 { return "2^\(value.exponent)" }
    if value == value.rounded(), value.magnitude < 1e15 { return "\(Int(value))" }
    return String(format: "%.6g", value)
  }
}

/// A set of rows, one bit each.
struct RowSet {
  private var words: [UInt64]

  init(_ flags: [Bool]) {
    words = Array(repeating: 0, count: (flags.count + 63) / 64)
    for (index, flag) in flags.enumerated() where flag {
      words[index / 64] |= 1 << UInt64(index % 64)
    }
  }

  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  func intersection(_ other: RowSet) -> RowSet {
    var result = self
    for index in words.indices { result.words[index] &= other.words[index] }
    return result
  }

  func subtracting(_ other: RowSet) -> RowSet {
    var result = self
    for index in words.indices { result.words[index] &= ~other.words[index] }
    return result
  }
}
