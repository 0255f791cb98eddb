import Yams

/// A map of the file, read key by key; a key that nobody asked for is an error.
struct Section {
  private let file: String
  /// What stands before a key in an error.
  var path: String
  private let line: Int
  private let entries: [(key: String, line: Int, node: Node)]
  private var known: Set<String> = []

  init(_ node: Node, file: String, path: String, line: Int) throws(GoldenError) {
    self.file = file
    self.path = path
    self.line = line
    guard case .mapping(let mapping) = node else {
      throw .malformed(file: file, line: line, key: path, message: "must be a map of keys")
    }
    var entries: [(key: String, line: Int, node: Node)] = []
    for (key, value) in mapping {
      let place = key.mark?.line ?? line
      guard case .scalar(let name) = key else {
        throw .malformed(file: file, line: place, key: path, message: "a key must be a word")
      }
      entries.append((name.string, place, value))
    }
    self.entries = entries
  }

  func failure(_ key: String?, _ message: String) -> GoldenError {
    .malformed(
      file: file, line: key.map(line) ?? line,
      key: [path, key ?? ""].filter { !$0.isEmpty }.joined(separator: "."), message: message)
  }

  /// The line of a key; that of the section where the key is absent.
  func line(_ key: String) -> Int { entries.first { $0.key == key }?.line ?? line }

  func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

  private mutating func node(_ key: String) throws(GoldenError) -> Node {
    known.insert(key)
    guard let entry = entries.first(where: { $0.key == key }) else {
      throw failure(key, "is missing")
    }
    return entry.node
  }

  mutating func text(_ key: String) throws(GoldenError) -> String {
    guard case .scalar(let scalar) = try node(key) else { throw failure(key, "must be text") }
    guard !scalar.string.isEmpty else { throw failure(key, "is empty") }
    return scalar.string
  }

  /// A text between quotes, so that every reader of YAML keeps its digits, and where it begins.
  mutating func quoted(_ key: String) throws(GoldenError) -> (String, GoldenTable.Place) {
    let node = try node(key)
    guard case .scalar(let scalar) = node, let mark = node.mark,
      scalar.style == .doubleQuoted || scalar.style == .singleQuoted
    else { throw failure(key, "must be text between quotes") }
    return (scalar.string, .init(line: mark.line, column: mark.column))
  }

  mutating func choice<T: RawRepresentable & CaseIterable>(
    _ key: String, of type: T.Type
  ) throws(GoldenError) -> T where T.RawValue == String {
    let text = try text(key)
    guard let choice = T(rawValue: text) else {
      let known = T.allCases.map(\.rawValue).joined(separator: ", ")
      throw failure(key, "'\(text)' is not one of \(known)")
    }
    return choice
  }

  /// The keys `value`, `unit` and `digits`.
  mutating func printedNumber() throws(GoldenError) -> GoldenTable.PrintedNumber {
    let value = try quoted("value").0
    let unit = try choice("unit", of: GoldenTable.Unit.self)
    guard let printed = GoldenTable.PrintedNumber(value, unit) else {
      throw failure("value", "'\(value)' is no decimal number")
    }
    guard has("digits") else { return printed }
    let digits = try text("digits")
    guard let precision = GoldenTable.PrintedNumber.Precision(digits),
      let stated = GoldenTable.PrintedNumber(value, unit, precision: precision)
    else {
      throw failure(
        "digits", "'\(digits)' is neither 'exact' nor a number of decimals that '\(value)' has")
    }
    return stated
  }

  mutating func section(_ key: String) throws(GoldenError) -> Section {
    try Section(node(key), file: file, path: named(key), line: line(key))
  }

  /// A map of maps; none if the key is absent.
  mutating func sections(_ key: String) throws(GoldenError) -> [Section] {
    guard has(key) else { return [] }
    let outer = try section(key)
    var sections: [Section] = []
    for entry in outer.entries {
      sections.append(
        try Section(entry.node, file: file, path: entry.key, line: entry.line))
    }
    return sections
  }

  /// A list of maps, at least one.
  mutating func elements(_ key: String) throws(GoldenError) -> [Section] {
    guard case .sequence(let sequence) = try node(key), !sequence.isEmpty else {
      throw failure(key, "must be a list of maps")
    }
    var sections: [Section] = []
    for (index, element) in sequence.enumerated() {
      let place = element.mark?.line ?? line(key)
      sections.append(
        try Section(element, file: file, path: "\(key)[\(index)]", line: place))
    }
    return sections
  }

  /// Refuses the keys that nobody asked for.
  func finish() throws(GoldenError) {
    if let unknown = entries.first(where: { !known.contains($0.key) }) {
      throw failure(
        unknown.key, "unknown key; known are \(known.sorted().joined(separator: ", "))")
    }
  }

  private func named(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
