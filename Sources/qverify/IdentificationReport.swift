import CaseFormat
import Proving

/// What was found of one operation, for people and for programs.
struct IdentificationReport {
  private let result: Identification
  private let subject: String

  init(_ result: Identification, subject: String) {
    (self.result, self.subject) = (result, subject)
  }

  // MARK: Text

  var text: String {
    guard result.verdict != .notProbed else {
      return "\(result.operation): \(subject) was not probed: \(result.reason ?? "")"
    }
    return result.functions.map(text).joined(separator: "\n\n")
  }

  private func text(_ function: Identification.Function) -> String {
    var lines: [String] = []
    let names = Self.abbreviated(function.askedAs)
    if let match = function.matches.first {
      lines.append("\(result.operation): \(subject) computes \(match.dialect)")
    } else {
      lines.append("\(result.operation): \(subject) fits no dialect")
    }
    lines.append(
      "  asked       as \(names); \(function.inputs) inputs in \(function.calls) calls: "
        + function.types.joined(separator: ", "))
    for fault in function.faults { lines.append("  misbehaves  \(fault)") }
    lines += matchLines(function)
    lines += mismatchLines(function)
    if let formula = function.formula {
      let count =
        formula.disagreements == 0
        ? "all \(formula.answers)"
        : "\(formula.answers - formula.disagreements) of \(formula.answers)"
      lines.append("  seen        (the way that agrees best: \(count) telling answers)")
    }
    for property in function.properties { lines += propertyLines(property) }
    return lines.joined(separator: "\n")
  }

  /// Names for people: the first ones, and how many more.
  private static func abbreviated(_ names: [String]) -> String {
    names.count <= 4
      ? names.joined(separator: ", ")
      : names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
  }

  private func matchLines(_ function: Identification.Function) -> [String] {
    function.matches.enumerated().map { place, match in
      var text = "agrees with all \(match.agreed) answers that it states"
      if match.open > 0 { text += ", leaves \(match.open) open" }
      if match.undefined > 0 { text += ", does not define \(match.undefined)" }
      if let relation = match.relation { text += "; \(relation)" }
      let label = place == 0 ? "  dialect     " : place == 1 ? "  or          " : "              "
      return label + "\(match.dialect): \(text)"
    }
  }

  private func mismatchLines(_ function: Identification.Function) -> [String] {
    var lines: [String] = []
    for (place, mismatch) in function.nearest.enumerated() {
      let total = mismatch.agreed + mismatch.disagreed
      let label = place == 0 ? "  nearest     " : "              "
      lines.append(
        "\(label)\(mismatch.dialect): \(mismatch.disagreed) of \(total) answers speak against it")
      for evidence in mismatch.against {
        lines.append(
          "    \(evidence.input) gave \(evidence.found), \(mismatch.dialect) \(evidence.expected): "
            + evidence.reason)
        lines.append("        at \(evidence.parameters)")
      }
    }
    return lines
  }

  private func propertyLines(_ property: Identification.Property) -> [String] {
    var lines = ["    \(property.name): \(property.value)    \(property.support)"]
    if let witness = property.witness {
      let other = witness.expected.isEmpty ? "" : ", which would be \(witness.expected)"
      lines.append("        \(witness.input) gave \(witness.found)\(other); \(witness.parameters)")
    }
    return lines
  }

  /// The rows of the table at the end.
  var rows: [[String]] {
    guard result.verdict != .notProbed else {
      return [[result.operation, "-", "not probed", "0", "\(result.calls)"]]
    }
    return result.functions.map { function in
      let names = function.matches.map(\.dialect)
      let found =
        names.isEmpty
        ? "none; nearest \(function.nearest.first?.dialect ?? "none")"
        : names.joined(separator: " = ")
      return [
        result.operation, Self.abbreviated(function.askedAs),
        function.faults.isEmpty ? found : found + " (misbehaves)", "\(function.inputs)",
        "\(function.calls)",
      ]
    }
  }

  // MARK: JSON

  var json: JSONValue {
    .object([
      .init("operation", .string(result.operation)),
      .init("verdict", .string(result.verdict.rawValue)),
      .init("calls", .number("\(result.calls)")),
      .init("reason", result.reason.map { .string($0) } ?? .null),
      .init("functions", .array(result.functions.map(json))),
    ])
  }

  private func json(_ function: Identification.Function) -> JSONValue {
    func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    return .object([
      .init("asked_as", strings(function.askedAs)), .init("inputs", .number("\(function.inputs)")),
      .init("calls", .number("\(function.calls)")), .init("types", strings(function.types)),
      .init("faults", strings(function.faults)),
      .init(
        "matches",
        .array(
          function.matches.map { match in
            .object([
              .init("dialect", .string(match.dialect)), .init("agreed", .number("\(match.agreed)")),
              .init("open", .number("\(match.open)")),
              .init("undefined", .number("\(match.undefined)")),
              .init("relation", match.relation.map { .string($0) } ?? .null),
            ])
          })),
      .init("nearest", .array(function.nearest.map(json))),
      .init(
        "formula",
        function.formula.map { formula in
          .object([
            .init("text", .string(formula.text)),
            .init("disagreements", .number("\(formula.disagreements)")),
            .init("answers", .number("\(formula.answers)")),
          ])
        } ?? .null),
      .init(
        "properties",
        .array(
          function.properties.map { property in
            .object([
              .init("name", .string(property.name)), .init("value", .string(property.value)),
              .init("support", .string(property.support)),
              .init("witness", property.witness.map(json) ?? .null),
            ])
          })),
    ])
  }

  private func json(_ mismatch: Identification.Mismatch) -> JSONValue {
    .object([
      .init("dialect", .string(mismatch.dialect)), .init("agreed", .number("\(mismatch.agreed)")),
      .init("disagreed", .number("\(mismatch.disagreed)")),
      .init("open", .number("\(mismatch.open)")),
      .init("undefined", .number("\(mismatch.undefined)")),
      .init("against", .array(mismatch.against.map(json))),
    ])
  }

  private func json(_ evidence: Identification.Evidence) -> JSONValue {
    .object([
      .init("parameters", .string(evidence.parameters)), .init("input", .string(evidence.input)),
      .init("found", .string(evidence.found)), .init("expected", .string(evidence.expected)),
      .init("reason", .string(evidence.reason)),
    ])
  }
}
