import CaseFormat

/// Why a file is no report, and where in it.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  public var message: String

  public var description: String { message }
}

/// Reads the members of a JSON object by name; one that nobody asked for is an error.
struct ObjectReader {
  private var members: [String: JSONValue] = [:]
  private let path: String

  init(_ value: JSONValue?, _ path: String) throws(ReportError) {
    guard case .object(let members)? = value else {
      throw ReportError(message: "\(path) must be an object, not \(value?.kind ?? "missing")")
    }
    for member in members { self.members[member.key] = member.value }
    self.path = path
  }

  private func failure(_ key: String, _ expected: String, _ found: JSONValue) -> ReportError {
    ReportError(message: "\(path).\(key) must be \(expected), not \(found.kind)")
  }

  /// Whether there is a member of this name.
  func has(_ key: String) -> Bool { members[key] != nil }

  /// The value of a key, which must be there.
  mutating func value(_ key: String) throws(ReportError) -> JSONValue {
    guard let value = members.removeValue(forKey: key) else {
      throw ReportError(message: "\(path) has no '\(key)'")
    }
    return value
  }

  mutating func string(_ key: String) throws(ReportError) -> String {
    let value = try value(key)
    guard case .string(let text) = value else { throw failure(key, "a string", value) }
    return text
  }

  mutating func optionalString(_ key: String) throws(ReportError) -> String? {
    if case .null? = members[key] {
      members[key] = nil
      return nil
    }
    return try string(key)
  }

  mutating func integer<T: FixedWidthInteger>(
    _ key: String, as type: T.Type = Int.self
  ) throws(ReportError) -> T {
    try Self.integer(try value(key), "\(path).\(key)")
  }

  mutating func optionalInteger(_ key: String) throws(ReportError) -> Int? {
    if case .null? = members[key] {
      members[key] = nil
      return nil
    }
    return try integer(key)
  }

  mutating func bool(_ key: String) throws(ReportError) -> Bool {
    let value = try value(key)
    guard case .bool(let flag) = value else { throw failure(key, "true or false", value) }
    return flag
  }

  mutating func seconds(_ key: String) throws(ReportError) -> Duration {
    let seconds = try Self.real(try value(key), "\(path).\(key)")
    guard seconds.isFinite, abs(seconds) < 1e12 else {
      throw ReportError(message: "\(path).\(key) is not a duration")
    }
    return .microseconds(Int64((seconds * 1e6).rounded()))
  }

  mutating func mask(_ key: String) throws(ReportError) -> UInt64 {
    let text = try string(key)
    guard text.hasPrefix("0x"), let bits = UInt64(text.dropFirst(2), radix: 16) else {
      throw ReportError(message: "\(path).\(key) must be a set of bins such as 0x1f")
    }
    return bits
  }

  mutating func array(_ key: String) throws(ReportError) -> [JSONValue] {
    let value = try value(key)
    guard case .array(let elements) = value else { throw failure(key, "a list", value) }
    return elements
  }

  mutating func strings(_ key: String) throws(ReportError) -> [String] {
    var texts: [String] = []
    for element in try array(key) {
      guard case .string(let text) = element else {
        throw failure(key, "a list of strings", element)
      }
      texts.append(text)
    }
    return texts
  }

  mutating func codes(_ key: String) throws(ReportError) -> [Int64] {
    var codes: [Int64] = []
    for element in try array(key) { codes.append(try Self.integer(element, "\(path).\(key)")) }
    return codes
  }

  /// A list of objects, each read by the body.
  mutating func objects<T>(
    _ key: String, _ body: (inout ObjectReader) throws(ReportError) -> T
  ) throws(ReportError) -> [T] {
    var results: [T] = []
    for (index, element) in try array(key).enumerated() {
      var reader = try ObjectReader(element, "\(path).\(key)[\(index)]")
      results.append(try body(&reader))
      try reader.finish()
    }
    return results
  }

  /// An object, read by the body.
  mutating func object<T>(
    _ key: String, _ body: (inout ObjectReader) throws(ReportError) -> T
  ) throws(ReportError) -> T {
    var reader = try ObjectReader(try value(key), "\(path).\(key)")
    let result = try body(&reader)
    try reader.finish()
    return result
  }

  /// An object or null.
  mutating func optionalObject<T>(
    _ key: String, _ body: (inout ObjectReader) throws(ReportError) -> T
  ) throws(ReportError) -> T? {
    if case .null? = members[key] {
      members[key] = nil
      return nil
    }
    return try object(key, body)
  }

  /// Every member that is left, with its key.
  mutating func rest() -> [(key: String, value: JSONValue)] {
    defer { members = [:] }
    return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Leaves out what the writer derives from the rest.
  mutating func skip(_ keys: String...) throws(ReportError) {
    for key in keys { _ = try value(key) }
  }

  /// Ends the object: nothing may be left.
  func finish() throws(ReportError) {
    if let key = members.keys.min() {
      throw ReportError(message: "\(path) has an unknown key '\(key)'")
    }
  }

  static func integer<T: FixedWidthInteger>(
    _ value: JSONValue, _ path: String
  ) throws(ReportError) -> T {
    guard case .number(let text) = value, let number = T(text) else {
      throw ReportError(message: "\(path) must be an integer, not \(value)")
    }
    return number
  }

  static func real(_ value: JSONValue, _ path: String) throws(ReportError) -> Double {
    switch value {
    case .number(let text), .string(let text):
      if let number = Double(text) { return number }
    default: break
    }
    throw ReportError(message: "\(path) must be a number, not \(value.kind)")
  }
}
