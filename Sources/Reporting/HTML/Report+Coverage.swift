import Fuzzing
import Operations

extension Report {
  /// Which numeric bins each subject reached, for each operation in each dialect.
  var coverageSection: Markup {
    if campaign.lanes.isEmpty { return .none }
    let groups = laneGroups.map { coverage($0.operation, $0.dialect, $0.lanes) }
    return """
      <section id="coverage" aria-labelledby="coverage-title">
      <h2 id="coverage-title">Numeric coverage</h2>
      <p class="legend"><span class="good">● reached</span> <span class="none">○ only cases that \
      the subject refused</span> <span class="bad">✗ empty and required</span> <span class="none">· \
      empty</span> The strip shows which of the 64 tail lengths (elements modulo 64) ran.</p>
      \(groups)
      </section>
      """
  }

  private func coverage(
    _ operation: String, _ dialect: String, _ lanes: [LaneResult]
  ) -> Markup {
    let bins = lanes.first?.declaredBins ?? []
    let isThin = lanes.contains { !$0.emptyBins.isEmpty }
    let least = lanes.map(\.bins.reached).min() ?? 0
    let heads = lanes.map { lane -> Markup in "<th scope=\"col\">\(lane.subject)</th>" }
    let rows = bins.map { bin -> Markup in
      let cells = lanes.map { Self.coverageCell($0.state(of: bin), isRequired: bin.isRequired) }
      let required: Markup = bin.isRequired ? " <span class=\"required\">required</span>" : .none
      return "<tr><th scope=\"row\">\(bin.name)\(required)</th>\(cells)</tr>\n"
    }
    let strips = lanes.map { lane -> Markup in "<td>\(Self.tailStrip(lane.coverage.tails))</td>" }
    let reached = least == bins.count ? "all \(bins.count) bins" : "\(least) of \(bins.count) bins"
    let warning: Markup = isThin ? " <span class=\"bad\">✗ a required bin is empty</span>" : .none
    return """
      <details class="coverage" id="\(Self.anchor(operation, dialect))"\(isThin ? Markup(" open") : .none)>
      <summary><b>\(operation)/\(dialect)</b> <span class="evidence">\(reached)</span>\(warning)\
      </summary>
      <div class="scroll" tabindex="0" role="region" aria-label="Coverage of \(operation)/\(dialect)">\
      <table class="bins"><thead><tr><th scope="col">bin</th>\(heads)</tr></thead><tbody>
      \(rows)<tr><th scope="row">tails</th>\(strips)</tr></tbody></table></div>
      </details>
      """
  }

  private static func coverageCell(_ state: LaneResult.BinState, isRequired: Bool) -> Markup {
    switch (state, isRequired) {
    case (.reached, _): "<td class=\"good\">●<span class=\"hidden\"> reached</span></td>"
    case (.refused, _): "<td class=\"none\">○<span class=\"hidden\"> refused</span></td>"
    case (.empty, true): "<td class=\"bad\">✗ empty</td>"
    case (.empty, false): "<td class=\"none\">·<span class=\"hidden\"> empty</span></td>"
    }
  }

  /// A strip of 64 cells, filled where a tail of that length ran.
  static func tailStrip(_ tails: UInt64) -> Markup {
    let missing = (0..<64).filter { tails >> UInt64($0) & 1 == 0 }
    let label =
      missing.isEmpty
      ? "all 64 tails"
      : "\(64 - missing.count) of 64 tails; not \(missing.map(String.init).joined(separator: " "))"
    let cells = (0..<64).map { index -> Markup in
      let isReached = tails >> UInt64(index) & 1 == 1
      let kind = isReached ? "on" : "off"
      // Runs of a vector width stand apart.
      let x = index * 4 + index / 8 * 2
      return
        "<rect class=\"\(kind)\" x=\"\(x)\" y=\"\(isReached ? 0 : 4)\" width=\"3\" height=\"\(isReached ? 10 : 2)\"/>"
    }
    return """
      <svg class="tails" viewBox="0 0 270 10" role="img" aria-label="\(label)"><title>\(label)</title>\
      \(cells)</svg><span class="evidence">\(64 - missing.count)/64</span>
      """
  }
}
