/// The value of an attribute of a case.
public enum AttributeValue: Hashable, Sendable, CustomStringConvertible {
  case integer(Int)
  /// A number that is not an integer, as it was written.
  case decimal(String)
  case string(String)
  case integers([Int])

  /// The value as JSON.
  public var json: JSONValue {
    switch self {
    case .integer(let value): .number(String(value))
    case .decimal(let text): .number(text)
    case .string(let text): .string(text)
    case .integers(let values): .array(values.map { .number(String($0)) })
    }
  }

  public var description: String {
    if case .string(let text) = self { return text }
    return json.description
  }
}

/// One question to a kernel: an operation, a dialect, attributes and inputs, maybe the answer.
public struct Case: Hashable, Sendable {
  public var id: String
  public var operation: String
  public var dialect: String
  public var attributes: [String: AttributeValue]
  public var inputs: [String: Tensor]
  /// What the outputs are said to be; nil where none are given.
  public var outputs: [String: Expectation]?
  public var note: String?

  /// Makes a case.
  public init(
    id: String, operation: String, dialect: String,
    attributes: [String: AttributeValue] = [:], inputs: [String: Tensor] = [:],
    outputs: [String: Expectation]? = nil, note: String? = nil
  ) {
    self.id = id
    self.operation = operation
    self.dialect = dialect
    self.attributes = attributes
    self.inputs = inputs
    self.outputs = outputs
    self.note = note
  }
}

extension Case {
  /// An integer attribute; nil where it is not given.
  public func integer(_ name: String) -> Int? {
    if case .integer(let value)? = attributes[name] { return value }
    return nil
  }

  /// A list attribute, or a default.
  public func integers(_ name: String, default values: [Int]) -> [Int] {
    if case .integers(let given)? = attributes[name] { return given }
    return values
  }

  /// A string attribute; nil where it is not given.
  public func string(_ name: String) -> String? {
    if case .string(let text)? = attributes[name] { return text }
    return nil
  }
}

/// Why a case has no answer.
public struct CaseError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The three kinds of refusal that the case format knows.
  public enum Kind: String, Sendable {
    /// The dialect does not define it.
    case unsupported
    /// It is not a case: a wrong key, type, shape or number.
    case malformed
    /// It is a case whose values break what the operation requires.
    case precondition
  }

  public var kind: Kind
  public var message: String

  /// Makes a refusal of a kind.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// A refusal because the text is not a case.
  public static func malformed(_ message: String) -> CaseError { .init(.malformed, message) }
  /// A refusal because the dialect does not define it.
  public static func unsupported(_ message: String) -> CaseError { .init(.unsupported, message) }
  /// A refusal because the values break what the operation requires.
  public static func precondition(_ message: String) -> CaseError { .init(.precondition, message) }

  public var description: String { "\(kind.rawValue): \(message)" }
}
