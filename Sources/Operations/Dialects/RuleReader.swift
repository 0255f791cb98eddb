import NumberFormats

/// Reads one section of a dialect strictly: every key must be known, every value legal.
struct RuleReader {
  private let entries: [YAMLTree.Entry]
  private let path: String
  private let place: YAMLTree.Place
  private var read: Set<String> = []

  init(_ tree: YAMLTree, path: String) throws(DialectError) {
    guard case .map(let entries, let place) = tree else {
      throw DialectError(
        file: tree.place.file, line: tree.place.line, key: path, message: "must be a map of keys")
    }
    self.entries = entries
    self.path = path
    self.place = place
  }

  /// The keys of the section, in the order of the file.
  var keys: [String] { entries.map(\.key) }

  private mutating func entry(_ key: String) -> YAMLTree.Entry? {
    read.insert(key)
    return entries.first { $0.key == key }
  }

  private func name(_ key: String) -> String { path.isEmpty ? key : path + "." + key }

  /// An error at a key of this section.
  func failure(_ key: String, _ message: String) -> DialectError {
    let line = entries.first { $0.key == key }?.place.line ?? place.line
    return DialectError(file: place.file, line: line, key: name(key), message: message)
  }

  /// Whether the section has a key.
  func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

  mutating func string(_ key: String) throws(DialectError) -> String? {
    guard let entry = entry(key) else { return nil }
    guard case .scalar(let text, _) = entry.value else { throw failure(key, "must be a word") }
    return text
  }

  mutating func string(_ key: String, default value: String) throws(DialectError) -> String {
    try string(key) ?? value
  }

  /// One of the values of an enumeration.
  mutating func choice<T: RawRepresentable & CaseIterable>(
    _ key: String, default value: T
  ) throws(DialectError) -> T where T.RawValue == String {
    try optionalChoice(key) ?? value
  }

  /// One of the values of an enumeration, or nil where the key is missing.
  mutating func optionalChoice<T: RawRepresentable & CaseIterable>(
    _ key: String
  ) throws(DialectError) -> T? where T.RawValue == String {
    guard let text = try string(key) else { return nil }
    guard let choice = T(rawValue: text) else {
      let known = T.allCases.map(\.rawValue).joined(separator: ", ")
      throw failure(key, "'\(text)' is not one of \(known)")
    }
    return choice
  }

  /// True or false, or nil where the key is missing.
  mutating func optionalFlag(_ key: String) throws(DialectError) -> Bool? {
    switch try string(key) {
    case nil: return nil
    case "true": return true
    case "false": return false
    case .some(let text): throw failure(key, "'\(text)' is neither true nor false")
    }
  }

  mutating func flag(_ key: String, default value: Bool) throws(DialectError) -> Bool {
    try optionalFlag(key) ?? value
  }

  mutating func integer(
    _ key: String, in range: ClosedRange<Int>, default value: Int
  ) throws(DialectError) -> Int {
    guard let text = try string(key) else { return value }
    guard let number = Int(text), range.contains(number) else {
      throw failure(
        key, "'\(text)' is not an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A list of data types; a name may be a group such as `integers8`.
  mutating func types(_ key: String) throws(DialectError) -> [DataType]? {
    guard let entry = entry(key) else { return nil }
    guard case .list(let elements, _) = entry.value else { throw failure(key, "must be a list") }
    var types: [DataType] = []
    for element in elements {
      guard case .scalar(let text, _) = element, let type = DataType(name: text) else {
        throw failure(key, "must be a list of data types")
      }
      types.append(type)
    }
    if types.isEmpty { throw failure(key, "names no data type") }
    return types
  }

  /// A list of words, each one of those that are known.
  mutating func words(_ key: String, among known: [String]) throws(DialectError) -> [String] {
    let words = try words(key)
    for word in words where !known.contains(word) {
      throw failure(key, "'\(word)' is not one of \(known.joined(separator: ", "))")
    }
    return words
  }

  /// A list of words.
  mutating func words(_ key: String) throws(DialectError) -> [String] {
    guard let entry = entry(key) else { return [] }
    guard case .list(let elements, _) = entry.value else { throw failure(key, "must be a list") }
    var words: [String] = []
    for element in elements {
      guard case .scalar(let text, _) = element else {
        throw failure(key, "must be a list of words")
      }
      words.append(text)
    }
    return words
  }

  /// A section within this one.
  mutating func section(_ key: String) throws(DialectError) -> RuleReader? {
    guard let entry = entry(key) else { return nil }
    return try RuleReader(entry.value, path: name(key))
  }

  /// A section within this one, as the tree that it is.
  mutating func tree(_ key: String) -> YAMLTree? { entry(key)?.value }

  /// Refuses the keys that nobody has read.
  func finish() throws(DialectError) {
    if let unknown = entries.first(where: { !read.contains($0.key) }) {
      throw failure(unknown.key, "unknown key; known are \(read.sorted().joined(separator: ", "))")
    }
  }
}
