public import CaseFormat
public import Generation

/// What an operation takes and gives, as the case format has it.
public struct OperationDeclaration: Sendable {
  /// The one spelling: folder, case format, command line and golden file.
  public var name: String
  /// The groups that `--ops` knows it by.
  public var groups: [String]
  /// One line for people.
  public var summary: String
  public var inputs: [Input]
  public var outputs: [String]
  public var attributes: [Attribute]

  /// An input of an operation.
  public struct Input: Sendable {
    public var name: String
    public var isOptional: Bool

    /// An input that every case must have.
    public static func required(_ name: String) -> Input { Input(name: name, isOptional: false) }
    /// An input that a case may have.
    public static func optional(_ name: String) -> Input { Input(name: name, isOptional: true) }
  }

  /// An attribute of an operation.
  public struct Attribute: Sendable {
    /// What an attribute's value must be.
    public enum Kind: String, Sendable {
      case integer = "an integer"
      case number = "a number"
      case string = "a string"
      case integers = "a list of integers"
    }

    public var name: String
    public var kind: Kind

    /// Declares an attribute.
    public init(_ name: String, _ kind: Kind) {
      self.name = name
      self.kind = kind
    }
  }
}

/// An operation: its declaration, its exact evaluation, its generator and what to cover.
///
/// An operation is a folder of that name and one line in `Registry`. Everything generic works on this
/// protocol and names no operation.
public protocol Operation: Sendable {
  /// What it takes and gives.
  static var declaration: OperationDeclaration { get }

  /// The section of a dialect file that says how the operation computes; others may add to it.
  static var section: String { get }

  /// The input of which each output element depends on one element, so that a proof can run through
  /// every value of it while all else stays; nil where there is none.
  static var sweptInput: String? { get }

  /// Reads what a dialect says about the operation; nil where the dialect does not define it.
  ///
  /// - Throws: `DialectError` where the dialect's section is wrong.
  static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)?

  /// The exact answer, computed with rationals; the definition.
  ///
  /// The arguments are checked against the declaration; `reference` asks for the stages of some
  /// elements. Throws why the case has no answer.
  static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome

  /// The same answer by a faster way that is proven equal, or nil where it does not apply.
  static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome?

  /// Draws a case of the dialect.
  static func generate(from choices: inout Choices, dialect: Dialect) -> Case

  /// What a campaign in a dialect should exercise.
  static func bins(in dialect: Dialect) -> [CoverageBin]
}

extension Operation {
  /// The one spelling of the operation.
  public static var name: String { declaration.name }

  /// By default the section is named like the operation.
  public static var section: String { name }

  /// By default an output element depends on more than one element of every input.
  public static var sweptInput: String? { nil }

  /// By default there is no faster way.
  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    nil
  }
}
