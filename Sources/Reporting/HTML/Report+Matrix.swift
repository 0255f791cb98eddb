import Fuzzing
import Operations
import Verification

extension Report {
  /// The subjects in the order in which lanes name them.
  var laneSubjects: [String] {
    var names: [String] = []
    for lane in campaign.lanes where !names.contains(lane.subject) { names.append(lane.subject) }
    return names
  }

  /// The lanes of each operation in each dialect, in the order of the campaign.
  var laneGroups: [(operation: String, dialect: String, lanes: [LaneResult])] {
    var groups: [(operation: String, dialect: String, lanes: [LaneResult])] = []
    for lane in campaign.lanes {
      if let last = groups.indices.last, groups[last].operation == lane.operation,
        groups[last].dialect == lane.dialect
      {
        groups[last].lanes.append(lane)
      } else {
        groups.append((lane.operation, lane.dialect, [lane]))
      }
    }
    return groups
  }

  /// Operations and dialects down, subjects across.
  var matrixSection: Markup {
    let subjects = laneSubjects
    if subjects.isEmpty { return .none }
    let heads = subjects.map { name -> Markup in "<th scope=\"col\">\(name)</th>" }
    let groups = laneGroups
    var rows: [Markup] = []
    for (index, group) in groups.enumerated() {
      let isFirst = index == 0 || groups[index - 1].operation != group.operation
      let span = groups[index...].prefix { $0.operation == group.operation }.count
      let operation: Markup =
        isFirst ? "<th scope=\"rowgroup\" rowspan=\"\(span)\">\(group.operation)</th>" : .none
      let cells = subjects.map { subject -> Markup in
        guard let lane = group.lanes.first(where: { $0.subject == subject }) else {
          return "<td class=\"none\">not claimed</td>"
        }
        return matrixCell(lane)
      }
      rows.append(
        """
        <tr\(isFirst ? Markup(" class=\"first\"") : .none)>\(operation)\
        <th scope="row"><a href="#\(Self.anchor(group.operation, group.dialect))">\
        \(group.dialect)</a></th>\(cells)</tr>

        """)
    }
    return """
      <section id="matrix" aria-labelledby="matrix-title">
      <h2 id="matrix-title">Verdicts</h2>
      <p class="legend"><span class="good">✓ passed</span> <span class="bad">✗ failed, follow the \
      link</span> <span class="thin">? mistrusted: the evidence is too thin</span> \
      <span class="none">not claimed</span> Below: cases, and coverage bins that were reached.</p>
      <div class="scroll" tabindex="0" role="region" aria-label="Verdict matrix">
      <table class="matrix"><thead><tr><th scope="col">operation</th><th scope="col">dialect</th>\
      \(heads)</tr></thead><tbody>
      \(rows)</tbody></table></div>
      </section>
      """
  }

  private func matrixCell(_ lane: LaneResult) -> Markup {
    let evidence: Markup =
      "<span class=\"evidence\">\(Markup.grouped(lane.ran)) cases, \(lane.bins.reached)/\(lane.bins.total) bins</span>"
    if let verdict = lane.failure {
      let index = campaign.failures.firstIndex { failure in
        failures(of: lane).contains {
          $0.identity == failure.identity && $0.subject == failure.subject
        }
      }
      let word: Markup =
        index.map { "<a href=\"#failure-\($0 + 1)\">✗ \(verdict.rawValue)</a>" }
        ?? "<span>✗ \(verdict.rawValue)</span>"
      return "<td class=\"bad\">\(word)\(evidence)</td>"
    }
    if let mistrust = lane.mistrust {
      return """
        <td class="thin"><a href="#\(Self.anchor(lane.operation, lane.dialect))" \
        title="\(mistrust)">? mistrusted</a>\(evidence)</td>
        """
    }
    return "<td class=\"good\"><span>✓ passed</span>\(evidence)</td>"
  }

  /// The fragment of the coverage of an operation in a dialect.
  static func anchor(_ operation: String, _ dialect: String) -> String {
    "coverage-\(operation)-" + SARIFRule.slug(dialect)
  }
}
