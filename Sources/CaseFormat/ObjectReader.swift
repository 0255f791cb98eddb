/// Why a JSON text is not what it should be, and where in it.
public struct ReadingError: Error, Hashable, Sendable, CustomStringConvertible {
  public var message: String

  /// An error with its message.
  public init(message: String) { self.message = message }

  public var description: String { message }
}

/// Reads the members of a JSON object by name; one that nobody asked for is an error.
public struct ObjectReader {
  private var members: [String: JSONValue] = [:]
  private let path: String

  /// Reads an object; messages call it by its path.
  public init(_ value: JSONValue?, _ path: String) throws(ReadingError) {
    guard case .object(let members)? = value else {
      throw ReadingError(message: "\(path) must be an object, not \(value?.kind ?? "missing")")
    }
    for member in members { self.members[member.key] = member.value }
    self.path = path
  }

  private func failure(_ key: String, _ expected: String, _ found: JSONValue) -> ReadingError {
    ReadingError(message: "\(path).\(key) must be \(expected), not \(found.kind)")
  }

  /// Whether there is a member of this name.
  public func has(_ key: String) -> Bool { members[key] != nil }

  /// The value of a key, which must be there.
  public mutating func value(_ key: String) throws(ReadingError) -> JSONValue {
    guard let value = members.removeValue(forKey: key) else {
      throw ReadingError(message: "\(path) has no '\(key)'")
    }
    return value
  }

  /// A string.
  public mutating func string(_ key: String) throws(ReadingError) -> String {
    let value = try value(key)
    guard case .string(let text) = value else { throw failure(key, "a string", value) }
    return text
  }

  /// A string or null.
  public mutating func optionalString(_ key: String) throws(ReadingError) -> String? {
    if case .null? = members[key] {
      members[key] = nil
      return nil
    }
    return try string(key)
  }

  /// An integer that the type holds.
  public mutating func integer<T: FixedWidthInteger>(
    _ key: String, as type: T.Type = Int.self
  ) throws(ReadingError) -> T {
    try Self.integer(try value(key), "\(path).\(key)")
  }

  /// An integer or null.
  public mutating func optionalInteger(_ key: String) throws(ReadingError) -> Int? {
    if case .null? = members[key] {
      members[key] = nil
      return nil
    }
    return try integer(key)
  }

  /// True or false.
  public mutating func bool(_ key: String) throws(ReadingError) -> Bool {
    let value = try value(key)
    guard case .bool(let flag) = value else { throw failure(key, "true or false", value) }
    return flag
  }

  /// A time in seconds.
  public mutating func seconds(_ key: String) throws(ReadingError) -> Duration {
    let seconds = try Self.real(try value(key), "\(path).\(key)")
    guard seconds.isFinite, abs(seconds) < 1e12 else {
      throw ReadingError(message: "\(path).\(key) is not a duration")
    }
    return .microseconds(Int64((seconds * 1e6).rounded()))
  }

  /// A set of bins, as a hexadecimal number.
  public mutating func mask(_ key: String) throws(ReadingError) -> UInt64 {
    let text = try string(key)
    guard text.hasPrefix("0x"), let bits = UInt64(text.dropFirst(2), radix: 16) else {
      throw ReadingError(message: "\(path).\(key) must be a set of bins such as 0x1f")
    }
    return bits
  }

  /// A list.
  public mutating func array(_ key: String) throws(ReadingError) -> [JSONValue] {
    let value = try value(key)
    guard case .array(let elements) = value else { throw failure(key, "a list", value) }
    return elements
  }

  /// A list of strings.
  public mutating func strings(_ key: String) throws(ReadingError) -> [String] {
    var texts: [String] = []
    for element in try array(key) {
      guard case .string(let text) = element else {
        throw failure(key, "a list of strings", element)
      }
      texts.append(text)
    }
    return texts
  }

  /// A list of integers.
  public mutating func codes(_ key: String) throws(ReadingError) -> [Int64] {
    var codes: [Int64] = []
    for element in try array(key) { codes.append(try Self.integer(element, "\(path).\(key)")) }
    return codes
  }

  /// A list of objects, each read by the body.
  public mutating func objects<T>(
    _ key: String, _ body: (inout ObjectReader) throws(ReadingError) -> T
  ) throws(ReadingError) -> [T] {
    var results: [T] = []
    for (index, element) in try array(key).enumerated() {
      var reader = try ObjectReader(element, "\(path).\(key)[\(index)]")
      results.append(try body(&reader))
      try reader.finish()
    }
    return results
  }

  /// An object, read by the body.
  public mutating func object<T>(
    _ key: String, _ body: (inout ObjectReader) throws(ReadingError) -> T
  ) throws(ReadingError) -> T {
    var reader = try ObjectReader(try value(key), "\(path).\(key)")
    let result = try body(&reader)
    try reader.finish()
    return result
  }

  /// An object or null.
  public mutating func optionalObject<T>(
    _ key: String, _ body: (inout ObjectReader) throws(ReadingError) -> T
  ) throws(ReadingError) -> T? {
    if case .null? = members[key] {
      members[key] = nil
      return nil
    }
    return try object(key, body)
  }

  /// Every member that is left, with its key.
  public mutating func rest() -> [(key: String, value: JSONValue)] {
    defer { members = [:] }
    return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Leaves out what the writer derives from the rest.
  public mutating func skip(_ keys: String...) throws(ReadingError) {
    for key in keys { _ = try value(key) }
  }

  /// Ends the object: nothing may be left.
  public func finish() throws(ReadingError) {
    if let key = members.keys.min() {
      throw ReadingError(message: "\(path) has an unknown key '\(key)'")
    }
  }

  /// An integer that the type holds.
  public static func integer<T: FixedWidthInteger>(
    _ value: JSONValue, _ path: String
  ) throws(ReadingError) -> T {
    guard case .number(let text) = value, let number = T(text) else {
      throw ReadingError(message: "\(path) must be an integer, not \(value)")
    }
    return number
  }

  /// A number, which may stand in a string.
  public static func real(_ value: JSONValue, _ path: String) throws(ReadingError) -> Double {
    switch value {
    case .number(let text), .string(let text):
      if let number = Double(text) { return number }
    default: break
    }
    throw ReadingError(message: "\(path) must be a number, not \(value.kind)")
  }
}
