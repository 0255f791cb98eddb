public import CaseFormat
import ExactArithmetic
import NumberFormats

/// The inputs and attributes of a case, checked against an operation's declaration.
///
/// Attributes are read once each; what nobody read means nothing in the dialect, and is an error.
public struct Arguments: Sendable {
  public let test: Case
  public let dialect: Dialect
  private let declaration: OperationDeclaration
  private var readAttributes: Set<String> = []

  /// Checks names and kinds.
  ///
  /// - Throws: `malformed` for an unknown or missing input or attribute, or one of a wrong kind.
  public init(
    _ test: Case, declaration: OperationDeclaration, dialect: Dialect
  ) throws(CaseError) {
    self.test = test
    self.dialect = dialect
    self.declaration = declaration
    for name in test.inputs.keys.sorted()
    where !declaration.inputs.contains(where: { $0.name == name }) {
      throw .malformed("unknown input '\(name)' for \(declaration.name)")
    }
    for input in declaration.inputs where !input.isOptional && test.inputs[input.name] == nil {
      throw .malformed("missing input '\(input.name)'")
    }
    for (name, value) in test.attributes.sorted(by: { $0.key < $1.key }) {
      guard let attribute = declaration.attributes.first(where: { $0.name == name }) else {
        throw .malformed("unknown attribute '\(name)' for \(declaration.name)")
      }
      let matches =
        switch (attribute.kind, value) {
        case (.integer, .integer), (.number, .integer), (.number, .decimal), (.string, .string),
          (.integers, .integers):
          true
        default: false
        }
      guard matches else {
        throw .malformed("attribute '\(name)' must be \(attribute.kind.rawValue)")
      }
    }
  }

  /// A required input.
  func input(_ name: String) throws(CaseError) -> Tensor {
    guard let tensor = test.inputs[name] else { throw .malformed("missing input '\(name)'") }
    return tensor
  }

  /// An optional input.
  func optional(_ name: String) -> Tensor? { test.inputs[name] }

  /// Whether an attribute is given.
  func has(_ name: String) -> Bool { test.attributes[name] != nil }

  /// An integer attribute; nil where it is not given.
  mutating func integer(_ name: String) -> Int? {
    readAttributes.insert(name)
    guard case .integer(let value)? = test.attributes[name] else { return nil }
    return value
  }

  /// An integer attribute that must lie in a range.
  mutating func integer(
    _ name: String, in range: ClosedRange<Int>, default value: Int
  ) throws(CaseError) -> Int {
    let value = integer(name) ?? value
    guard range.contains(value) else {
      throw .malformed(
        "attribute '\(name)' is \(value), must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// An attribute that is 0 or 1.
  mutating func flag(_ name: String, default value: Bool) throws(CaseError) -> Bool {
    try integer(name, in: 0...1, default: value ? 1 : 0) == 1
  }

  /// A string attribute; nil where it is not given.
  mutating func string(_ name: String) -> String? {
    readAttributes.insert(name)
    guard case .string(let text)? = test.attributes[name] else { return nil }
    return text
  }

  /// An attribute that may have a fraction, exactly; nil where it is not given.
  mutating func number(_ name: String) throws(CaseError) -> Rational? {
    readAttributes.insert(name)
    switch test.attributes[name] {
    case .integer(let value)?: return Rational(value)
    case .decimal(let text)?:
      guard let value = Rational.parse(text) else {
        throw .malformed("attribute '\(name)' is not a number")
      }
      return value
    default: return nil
    }
  }

  /// A list attribute; nil where it is not given.
  mutating func integers(_ name: String) -> [Int]? {
    readAttributes.insert(name)
    guard case .integers(let values)? = test.attributes[name] else { return nil }
    return values
  }

  /// A data type attribute; nil where it is not given.
  mutating func dataType(_ name: String) throws(CaseError) -> DataType? {
    guard let text = string(name) else { return nil }
    guard let type = DataType(name: text) else {
      throw .malformed("attribute '\(name)': unknown dtype '\(text)'")
    }
    return type
  }

  /// Refuses attributes that were given and mean nothing here.
  func finish() throws(CaseError) {
    for name in test.attributes.keys.sorted() where !readAttributes.contains(name) {
      throw .malformed("attribute '\(name)' means nothing in dialect '\(dialect.name)'")
    }
  }

  /// Refuses an input that was given and means nothing here.
  func refuse(_ name: String, _ reason: String) throws(CaseError) {
    if test.inputs[name] != nil { throw .malformed("input '\(name)' \(reason)") }
  }
}
