import CaseFormat
import NumberFormats
import Operations
import Proving
import Reporting
import Verification

extension Difference.Answer {
  /// The answer for people.
  func text(_ dtype: DataType) -> String {
    if isOpen { return "open" }
    let low = Readable.text(ofCode: code, dtype)
    return upper == code ? low : "\(low) to \(Readable.text(ofCode: upper, dtype))"
  }
}

/// The exact difference of two dialects, for people and for programs.
struct DifferenceReport {
  private let difference: Difference
  private let parameters: String

  init(_ difference: Difference, _ template: Case) {
    self.difference = difference
    parameters = Probe.parameters(of: template, input: difference.first.input)
  }

  private var names: (first: String, second: String) {
    (difference.first.dialect.name, difference.second.dialect.name)
  }

  /// An input of the question, for people.
  private func input(_ code: Int64) -> String {
    Readable.text(ofCode: code, difference.first.dtype)
  }

  private func answers(_ answers: [Difference.Answer]) -> String {
    zip(answers, difference.first.outputs).map { $0.text($1.dtype) }.joined(separator: ", ")
  }

  // MARK: Text

  var text: String {
    let d = difference
    var lines = ["\(d.first.operation.name): \(names.first) and \(names.second); \(parameters)"]
    if d.total < Int(d.first.codes.upperBound - d.first.codes.lowerBound) + 1 {
      lines.append("  interrupted after \(d.total) inputs")
    }
    if d.isEmpty {
      lines.append("  agree on all \(d.total) inputs\(hasOpen ? " that neither leaves open" : "")")
    } else {
      let ranges = d.rangeCount == 1 ? "one range" : "\(d.rangeCount) ranges"
      lines.append("  differ on \(d.count) of \(d.total) inputs, in \(ranges)")
      lines += table.map { "  " + $0 }
      if d.rangeCount > d.ranges.count {
        lines.append("  and \(d.rangeCount - d.ranges.count) ranges more; see --limit")
      }
    }
    lines += openLines
    if let range = d.ranges.first { lines += reasons(range.codes.lowerBound) }
    return lines.joined(separator: "\n")
  }

  private var hasOpen: Bool {
    difference.openInFirst + difference.openInSecond + difference.openInBoth > 0
  }

  private var table: [String] {
    var rows = [["\(difference.first.input)", "inputs", names.first, names.second]]
    for range in difference.ranges {
      let (low, high) = (range.codes.lowerBound, range.codes.upperBound)
      rows.append([
        low == high ? input(low) : "\(input(low)) to \(input(high))", "\(range.codes.count)",
        answers(range.first), answers(range.second),
      ])
    }
    return TextTable.lines(rows, rightAligned: [1])
  }

  private var openLines: [String] {
    guard hasOpen else { return [] }
    let d = difference
    var parts: [String] = []
    if d.openInFirst > 0 { parts.append("\(d.openInFirst) by \(names.first) alone") }
    if d.openInSecond > 0 { parts.append("\(d.openInSecond) by \(names.second) alone") }
    if d.openInBoth > 0 { parts.append("\(d.openInBoth) by both") }
    var line = "  left open   " + parts.joined(separator: ", ")
    if let code = d.firstOpen.first { line += "; the first: \(d.first.input) = \(input(code))" }
    return [line]
  }

  /// What each dialect does with one input, stage by stage.
  private func reasons(_ code: Int64) -> [String] {
    var lines = ["  why, for \(difference.first.input) = \(input(code))"]
    for (name, isFirst) in [(names.first, true), (names.second, false)] {
      lines.append("    \(name)")
      for stage in difference.stages(of: code, isFirst: isFirst) {
        lines.append("      \(stage.name): \(stage.value)    \(stage.detail) [\(stage.clause)]")
      }
    }
    return lines
  }

  // MARK: JSON

  var json: JSONValue {
    let d = difference
    return .object([
      .init("command", .string("diff")), .init("version", .string(QVerify.version)),
      .init("operation", .string(d.first.operation.name)),
      .init("first", .string(names.first)), .init("second", .string(names.second)),
      .init("template", CaseFile.json(d.first.template)),
      .init("input", .string(d.first.input)), .init("dtype", .string(d.first.dtype.name)),
      .init("total", .number("\(d.total)")), .init("differing", .number("\(d.count)")),
      .init("ranges", .number("\(d.rangeCount)")),
      .init("open_in_first", .number("\(d.openInFirst)")),
      .init("open_in_second", .number("\(d.openInSecond)")),
      .init("open_in_both", .number("\(d.openInBoth)")),
      .init("first_ranges", .array(d.ranges.map(json))),
    ])
  }

  private func json(_ range: Difference.Range) -> JSONValue {
    func codes(_ answers: [Difference.Answer]) -> JSONValue {
      .array(
        answers.map { answer in
          answer.isOpen
            ? .null
            : .object([
              .init("code", .number("\(answer.code)")), .init("upper", .number("\(answer.upper)")),
            ])
        })
    }
    return .object([
      .init("from_code", .number("\(range.codes.lowerBound)")),
      .init("to_code", .number("\(range.codes.upperBound)")),
      .init("from", .string(input(range.codes.lowerBound))),
      .init("to", .string(input(range.codes.upperBound))),
      .init("first", codes(range.first)), .init("second", codes(range.second)),
    ])
  }
}

/// One set of parameters, and how two dialects differ there.
struct DiffRow {
  let parameters: String
  var differing = 0
  var total = 0
  var open = (first: 0, second: 0)
  /// The first inputs that differ, with both answers.
  var examples: [(input: String, first: String, second: String)] = []
  /// Why nothing was compared.
  var reason: String?
  var isCompared: Bool { reason == nil }

  init(_ difference: Difference, _ probe: Probe) {
    parameters = probe.parameters
    (differing, total) = (difference.count, difference.total)
    open = (difference.openInFirst, difference.openInSecond)
    let question = difference.first
    func text(_ answers: [Difference.Answer]) -> String {
      zip(answers, question.outputs).map { $0.text($1.dtype) }.joined(separator: ", ")
    }
    examples = difference.ranges.map { range in
      let input = Readable.text(ofCode: range.codes.lowerBound, question.dtype)
      return ("\(question.input) = \(input)", text(range.first), text(range.second))
    }
  }

  init(_ difference: CaseDifference) {
    parameters = difference.parameters
    (differing, total) = (difference.count, difference.total)
    open = (difference.openInFirst, difference.openInSecond)
    examples = difference.elements.map { ($0.text, $0.first, $0.second) }
  }

  init(_ probe: Probe, _ error: CaseError) {
    parameters = probe.parameters
    reason = "\(error)"
  }
}

/// How two dialects differ at many parameters.
struct DiffTable {
  let operation: String
  let first: String
  let second: String
  let rows: [DiffRow]
  let limit: Int

  var text: String {
    var lines = ["\(operation): \(first) and \(second), at telling parameters"]
    let differing = rows.filter { $0.differing > 0 }
    let compared = rows.filter(\.isCompared)
    for row in differing.prefix(limit) {
      lines.append("  \(row.parameters)")
      lines.append("    differ on \(row.differing) of \(row.total)")
      for example in row.examples.prefix(rows.count == 1 ? limit : 1) {
        lines.append("    \(example.input): \(first) \(example.first), \(second) \(example.second)")
      }
    }
    if differing.count > limit {
      lines.append("  and at \(differing.count - limit) more; see --limit")
    }
    let open = compared.reduce((first: 0, second: 0)) {
      ($0.first + $1.open.first, $0.second + $1.open.second)
    }
    lines.append(
      "differ at \(differing.count) of \(compared.count) sets of parameters"
        + (open == (0, 0)
          ? "" : "; left open: \(open.first) by \(first) alone, \(open.second) by \(second) alone"))
    for (reason, count) in reasons {
      lines.append("not compared  \(count): \(reason)")
    }
    return lines.joined(separator: "\n")
  }

  /// Why sets of parameters were not compared, and how many each: those that one dialect takes.
  private var reasons: [(reason: String, count: Int)] {
    var counts: [(reason: String, count: Int)] = []
    for row in rows {
      guard let reason = row.reason else { continue }
      if let index = counts.firstIndex(where: { $0.reason == reason }) {
        counts[index].count += 1
      } else {
        counts.append((reason, 1))
      }
    }
    return counts
  }

  var json: JSONValue {
    .object([
      .init("command", .string("diff")), .init("version", .string(QVerify.version)),
      .init("operation", .string(operation)), .init("first", .string(first)),
      .init("second", .string(second)),
      .init(
        "differing_sets", .number("\(rows.count { $0.differing > 0 })")),
      .init("compared_sets", .number("\(rows.count { $0.isCompared })")),
      .init("sets", .array(rows.map(json))),
    ])
  }

  private func json(_ row: DiffRow) -> JSONValue {
    .object([
      .init("parameters", .string(row.parameters)),
      .init("compared", .bool(row.isCompared)),
      .init("reason", row.reason.map { .string($0) } ?? .null),
      .init("total", .number("\(row.total)")), .init("differing", .number("\(row.differing)")),
      .init("open_in_first", .number("\(row.open.first)")),
      .init("open_in_second", .number("\(row.open.second)")),
      .init(
        "examples",
        .array(
          row.examples.prefix(limit).map {
            .object([
              .init("input", .string($0.input)), .init("first", .string($0.first)),
              .init("second", .string($0.second)),
            ])
          })),
    ])
  }
}
