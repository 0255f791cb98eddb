import CaseFormat
import ExactArithmetic
import Foundation
import Fuzzing
import NumberFormats

/// What is exact and what a subject gives, as two staircases over one input.
///
/// Exact is a broad solid line, the subject a dashed one with points on it: they can be told apart
/// without colour. Inputs on which they differ are shaded and have larger points, the failing one is marked.
struct StaircasePlot {
  private let subject: String
  private let staircase: Failure.Staircase
  private let points: [Failure.Staircase.Point]
  /// The value of the input in the failing case.
  private let failing: Double?
  private let x: PlotAxis
  private let y: PlotAxis
  private static let size = (width: 480.0, height: 300.0)
  private static let frame = (left: 58.0, right: 470.0, top: 30.0, bottom: 256.0)

  /// A plot of a staircase; nil where there is nothing to draw.
  init?(_ failure: Failure, _ staircase: Failure.Staircase) {
    subject = failure.subject
    self.staircase = staircase
    points = staircase.points.filter(\.input.isFinite).sorted { $0.input < $1.input }
    let tensor = failure.test.inputs[staircase.input]
    let isInside = tensor?.codes.indices.contains(staircase.inputIndex) ?? false
    let value = isInside ? tensor?.number(at: staircase.inputIndex).rational?.approximate : nil
    failing = value.flatMap { $0.isFinite ? $0 : nil }
    let frame = Self.frame
    guard
      let x = PlotAxis(
        points.map(\.input) + (failing.map { [$0] } ?? []), from: frame.left, to: frame.right,
        margin: 0.02),
      let y = PlotAxis(
        points.flatMap { [$0.exact, $0.found].compactMap { $0 } }, from: frame.bottom,
        to: frame.top, margin: 0.08)
    else { return nil }
    (self.x, self.y) = (x, y)
  }

  var markup: Markup {
    let differing = points.count { !Self.agree($0) }
    let label =
      "\(staircase.output) over \(staircase.input): \(subject) differs from exact at "
      + "\(differing) of \(points.count) inputs"
    return """
      <svg class="staircase" viewBox="0 0 \(Int(Self.size.width)) \(Int(Self.size.height))" \
      role="img" aria-label="\(label)"><title>\(label)</title>
      \(legend)\(axes)\(differences)\(failingMark)
      <path class="line-exact" d="\(path { $0.exact })"/>
      <path class="line-found" d="\(path { $0.found })"/>
      \(dots)
      </svg>
      """
  }

  private static func agree(_ point: Failure.Staircase.Point) -> Bool {
    if let exact = point.exact, let found = point.found, exact.isNaN, found.isNaN { return true }
    return point.exact == point.found
  }

  /// A coordinate to a tenth.
  private func number(_ value: Double) -> String { String(format: "%.1f", value) }

  /// Where a step begins and ends: halfway to the neighbours.
  private func edges(_ index: Int) -> (Double, Double) {
    let here = x.position(points[index].input)
    let before = index > 0 ? (x.position(points[index - 1].input) + here) / 2 : here
    let after =
      index + 1 < points.count ? (x.position(points[index + 1].input) + here) / 2 : here
    return (before, after)
  }

  /// A staircase through the finite values; gaps where there is none.
  private func path(_ value: (Failure.Staircase.Point) -> Double?) -> String {
    var commands: [String] = []
    var isDown = false
    for (index, point) in points.enumerated() {
      guard let height = value(point), height.isFinite else {
        isDown = false
        continue
      }
      let (left, right) = edges(index)
      commands.append("\(isDown ? "L" : "M")\(number(left)) \(number(y.position(height)))")
      commands.append("H\(number(right))")
      isDown = true
    }
    return commands.joined()
  }

  /// Points of the subject; a cross at the edge where it gave no finite value.
  private var dots: [Markup] {
    points.map { point in
      let left = x.position(point.input)
      guard let found = point.found, found.isFinite else {
        let edge = point.found == .infinity ? Self.frame.top : Self.frame.bottom
        let word = point.found.map { Markup.short($0) } ?? "nothing"
        let (l, r) = (number(left - 4), number(left + 4))
        let (t, b) = (number(edge - 4), number(edge + 4))
        return """
          <path class="cross" d="M\(l) \(t)L\(r) \(b)M\(l) \(b)L\(r) \(t)"><title>\(subject): \
          \(word)</title></path>
          """
      }
      // Many points would hide the line that they stand on.
      if Self.agree(point) && points.count > 60 { return .none }
      let kind = Self.agree(point) ? "dot" : "dot wrong"
      return """
        <circle class="\(kind)" cx="\(number(left))" cy="\(number(y.position(found)))" \
        r="\(Self.agree(point) ? "1.6" : "2.6")"/>
        """
    }
  }

  /// Shaded bands over the inputs on which the two differ.
  private var differences: [Markup] {
    let frame = Self.frame
    return points.indices.filter { !Self.agree(points[$0]) }.map { index in
      let (left, right) = edges(index)
      return """
        <rect class="differs" x="\(number(left))" y="\(number(frame.top))" \
        width="\(number(max(right - left, 1)))" height="\(number(frame.bottom - frame.top))"/>
        """
    }
  }

  private var failingMark: Markup {
    guard let failing else { return .none }
    let left = x.position(failing)
    let isRight = left > (Self.frame.left + Self.frame.right) / 2
    return """
      <path class="failing" d="M\(number(left)) \(number(Self.frame.top))V\(number(Self.frame.bottom))"/>
      <text class="failing-label" x="\(number(left + (isRight ? -5 : 5)))" \
      y="\(number(Self.frame.top + 12))" text-anchor="\(isRight ? "end" : "start")">\
      failing: \(Markup.short(failing))</text>
      """
  }

  /// The subject as far as there is room for it.
  private var shortSubject: String {
    subject.count > 40 ? subject.prefix(39) + "…" : subject
  }

  private var legend: Markup {
    """
    <path class="line-exact" d="M58 14H86"/><text x="92" y="18">exact</text>
    <path class="line-found" d="M146 14H174"/><circle class="dot" cx="160" cy="14" r="2.6"/>\
    <text x="180" y="18">\(shortSubject)</text>
    """
  }

  private var axes: Markup {
    let frame = Self.frame
    let isIntegral = points.allSatisfy {
      [$0.exact, $0.found].allSatisfy { $0.map { $0 == $0.rounded() } ?? true }
    }
    let horizontal = x.ticks(5, integral: false).map { tick -> Markup in
      let left = number(x.position(tick))
      return """
        <path class="grid" d="M\(left) \(number(frame.top))V\(number(frame.bottom))"/>\
        <text x="\(left)" y="\(number(frame.bottom + 16))" text-anchor="middle">\
        \(Markup.short(tick))</text>
        """
    }
    let vertical = y.ticks(6, integral: isIntegral).map { tick -> Markup in
      let top = y.position(tick)
      return """
        <path class="grid" d="M\(number(frame.left)) \(number(top))H\(number(frame.right))"/>\
        <text x="\(number(frame.left - 6))" y="\(number(top + 4))" text-anchor="end">\
        \(Markup.short(tick))</text>
        """
    }
    let middle = number((frame.left + frame.right) / 2)
    return """
      \(horizontal)\(vertical)
      <path class="axis" d="M\(number(frame.left)) \(number(frame.top))V\(number(frame.bottom))\
      H\(number(frame.right))"/>
      <text class="axis-label" x="\(middle)" y="\(number(Self.size.height - 8))" \
      text-anchor="middle">\(staircase.input)[\(staircase.inputIndex)]</text>
      <text class="axis-label" x="14" y="\(number((frame.top + frame.bottom) / 2))" \
      text-anchor="middle" transform="rotate(-90 14 \(number((frame.top + frame.bottom) / 2)))">\
      \(staircase.output)[\(staircase.outputIndex)]</text>
      """
  }
}
