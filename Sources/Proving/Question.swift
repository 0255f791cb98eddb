public import CaseFormat
public import NumberFormats
public import Operations
public import Verification

/// An operation in a dialect with everything fixed but one input: a function of one code.
public struct Question: Sendable {
  public let operation: any Operations.Operation.Type
  public let dialect: Dialect
  /// Attributes and the other inputs.
  public let template: Case
  /// The input that runs through its codes, and its type.
  public let input: String
  public let dtype: DataType
  /// What comes out, in order.
  public let outputs: [Sweep.Output]
  /// How the outputs depend on the input.
  public internal(set) var dependence: Dependence

  /// Whether there is an oracle that is faster than the definition.
  public let hasBulkOracle: Bool

  /// Reads a case whose swept input says only its type.
  ///
  /// - Throws: `unsupported` where the operation has no input to sweep, or what the reference says
  ///   against the parameters.
  public init(_ test: Case, dialect: Dialect) throws(CaseError) {
    guard let operation = Registry.operation(named: test.operation) else {
      throw .malformed("unknown op '\(test.operation)'")
    }
    guard let input = operation.sweptInput else {
      throw .unsupported(
        "\(operation.name) is not element-wise, so no one input can run through all its values")
    }
    guard let swept = test.inputs[input] else { throw .malformed("missing input '\(input)'") }
    var template = test
    template.dialect = dialect.name
    template.outputs = nil
    template.inputs[input] = nil
    (self.operation, self.dialect, self.template) = (operation, dialect, template)
    (self.input, dtype) = (input, swept.dtype)
    // Any finite value will do: what is asked is types and the rule.
    let sample = Self.filled(template, input, swept.dtype, [0])
    let outcome = try Reference.evaluate(sample, dialect: dialect)
    outputs = outcome.outputs.map { name, expectation in
      Sweep.Output(name: name, dtype: expectation.tensor.dtype)
    }
    dependence = outcome.dependence
    hasBulkOracle = try Reference.evaluateFast(sample, dialect: dialect).isBulk
  }

  private static func filled(
    _ template: Case, _ input: String, _ dtype: DataType, _ codes: [Int64]
  ) -> Case {
    var test = template
    test.inputs[input] = Tensor(dtype, shape: [codes.count], codes: codes)
    return test
  }

  /// The case that asks for some codes.
  public func test(_ codes: [Int64]) -> Case { Self.filled(template, input, dtype, codes) }

  /// Every code of the input, in order.
  public var codes: ClosedRange<Int64> { dtype.codes }

  /// How many codes the input has, where that can be enumerated.
  public var isEnumerable: Bool { dtype.bits <= 40 && dtype != .integer(.bipolar) }
}
