extension GoldenTable {
  /// The table for people: one line for each number, and below it where it comes from.
  public var rendered: String {
    let numbers = quantities.map(\.printed.description) + entries.map(\.printed.description)
    let names = quantities.map(\.name) + entries.map(\.id)
    let widths = (names.map(\.count).max() ?? 0, numbers.map(\.count).max() ?? 0)
    func row(_ name: String, _ number: PrintedNumber, _ note: String, _ what: String) -> String {
      let number = number.description.padded(to: widths.1)
      return "  \(name.padded(to: widths.0))  \(number)  \(note.padded(to: 16))  \(what)"
    }
    var lines = [title, "\(provenance.document), \(provenance.place)", ""]
    for quantity in quantities {
      lines.append(row(quantity.name, quantity.printed, "given", quantity.what))
    }
    if !quantities.isEmpty { lines.append("") }
    for entry in entries {
      let place = entry.row.map { " [\($0)]" } ?? ""
      lines.append(row(entry.id, entry.printed, entry.status.rawValue, entry.what + place))
      let indent = String(repeating: " ", count: widths.0 + 4)
      if let exact = entry.recomputation { lines.append("\(indent)\(exact.current)") }
      if let why = entry.why { lines.append("\(indent)\(why)") }
    }
    return lines.joined(separator: "\n")
  }

  /// The file and how many entries have which status, on one line.
  public var summary: String {
    let counts = Status.allCases.filter { count(of: $0) > 0 }
    return "\(file): " + counts.map { "\(count(of: $0)) \($0.rawValue)" }.joined(separator: ", ")
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
