public import CaseFormat
import ExactArithmetic
public import NumberFormats
import Operations

/// The parameters of an element-wise operation, from which the template of a question is made.
///
/// What is not given has the default of the case format, or the plainest value: zero point 0,
/// float32 inputs and scales, int32 accumulators.
public struct QuestionParameters: Hashable, Sendable {
  /// The scale, read exactly and rounded once to its type.
  public var scale: String?
  public var scaleType: DataType?
  public var zeroPoint: String?
  /// The type of what comes out; for dequantize of what goes in, for fake_quantize of the levels.
  public var type: DataType?
  /// The type of the swept input.
  public var inputType: DataType?
  public var multiplier: Int64?
  public var shift: Int64?
  public var attributes: [String: AttributeValue] = [:]

  /// No parameter given.
  public init() {}

  /// What is wrong with a parameter, which is named as on the command line.
  private static func wrong(_ option: String, _ message: String) -> CaseError {
    .malformed("--\(option) \(message)")
  }

  /// The case of an operation whose swept input says only its type.
  ///
  /// - Throws: `malformed`, naming the option, where a parameter is missing, is no value of its type
  ///   or means nothing to the operation; `unsupported` where no one input can be swept.
  public func template(of operation: String) throws(CaseError) -> Case {
    guard let known = Registry.operation(named: operation) else {
      throw .malformed("unknown op '\(operation)'")
    }
    guard let swept = known.sweptInput else {
      throw .unsupported(
        "\(operation) is not element-wise, so no one input can run through all its values")
    }
    var test = Case(id: operation, operation: operation, dialect: "", attributes: attributes)
    let input = try sweptType(operation)
    test.inputs[swept] = Tensor(input, shape: [0], codes: [])
    let names = known.declaration.inputs.map(\.name)
    try addScale(to: &test, isRequired: !takesNoScale(operation), names)
    try addMultiplier(to: &test, names)
    try addZeroPoint(to: &test, input, names)
    return test
  }

  private func sweptType(_ operation: String) throws(CaseError) -> DataType {
    switch operation {
    case "dequantize":
      if let inputType, let type, inputType != type {
        throw Self.wrong("input-dtype", "and --dtype both say the type of x, which is one")
      }
      return inputType ?? type ?? .int8
    case "requantize": return inputType ?? .int32
    default: return inputType ?? .float32
    }
  }

  /// Whether a quantization goes to fixed point, which has no scale.
  private func takesNoScale(_ operation: String) -> Bool {
    if case .fixed? = type { return operation == "quantize" }
    return multiplier != nil || shift != nil
  }

  private func addScale(
    to test: inout Case, isRequired: Bool, _ names: [String]
  ) throws(CaseError) {
    guard names.contains("scale") else {
      if scale != nil { throw Self.wrong("scale", "means nothing to \(test.operation)") }
      return
    }
    guard let scale else {
      if scaleType != nil { throw Self.wrong("scale-dtype", "needs --scale") }
      if isRequired {
        let other = names.contains("multiplier") ? ", or --multiplier and --shift" : ""
        throw .malformed("\(test.operation) needs --scale\(other)")
      }
      return
    }
    test.inputs["scale"] = try Self.scalar(scale, scaleType ?? .float32, "scale")
  }

  private func addMultiplier(to test: inout Case, _ names: [String]) throws(CaseError) {
    guard multiplier != nil || shift != nil else { return }
    guard names.contains("multiplier") else {
      let option = multiplier == nil ? "shift" : "multiplier"
      throw Self.wrong(option, "means nothing to \(test.operation)")
    }
    guard let multiplier, let shift else {
      throw Self.wrong(multiplier == nil ? "shift" : "multiplier", "needs the other of the two")
    }
    if scale != nil { throw Self.wrong("multiplier", "and --scale exclude each other") }
    test.inputs["multiplier"] = try Self.scalar("\(multiplier)", .int32, "multiplier")
    test.inputs["shift"] = try Self.scalar("\(shift)", .int32, "shift")
  }

  private func addZeroPoint(
    to test: inout Case, _ input: DataType, _ names: [String]
  ) throws(CaseError) {
    func zero(_ type: DataType) throws(CaseError) -> Tensor {
      try Self.scalar(zeroPoint ?? "0", type, "zero-point")
    }
    switch test.operation {
    case "quantize":
      let type = type ?? .uint8
      guard case .integer = type else {
        test.attributes["output_dtype"] = .string(type.name)
        if zeroPoint != nil { test.inputs["zero_point"] = try zero(type) }
        return
      }
      test.inputs["zero_point"] = try zero(type)
    case "dequantize": test.inputs["zero_point"] = try zero(input)
    case "requantize": test.inputs["zero_point"] = try zero(type ?? .int8)
    case "fake_quantize":
      test.inputs["zero_point"] = try zero(.int32)
      try addRange(to: &test)
    default:
      if let type {
        throw Self.wrong("dtype", "(\(type.name)) means nothing to \(test.operation)")
      }
      if names.contains("zero_point") {
        test.inputs["zero_point"] = try zero(.float32)
      } else if zeroPoint != nil {
        throw Self.wrong("zero-point", "means nothing to \(test.operation)")
      }
    }
  }

  /// The range of levels of a fake quantization: that of a type, where it is not given otherwise.
  private func addRange(to test: inout Case) throws(CaseError) {
    if attributes["bit_width"] != nil {
      if type != nil { throw Self.wrong("dtype", "and the attribute bit_width exclude each other") }
      return
    }
    guard case .integer(let format) = type ?? .int8, format.bits <= 32 else {
      throw Self.wrong("dtype", "must be an integer type of at most 32 bits for fake_quantize")
    }
    for (name, end) in [("qmin", format.minimum), ("qmax", format.maximum)]
    where test.attributes[name] == nil {
      test.attributes[name] = end.int64.map { .integer(Int($0)) }
    }
  }

  private static func scalar(
    _ text: String, _ type: DataType, _ option: String
  ) throws(CaseError) -> Tensor {
    do throws(CaseError) {
      return Tensor(scalar: try ElementText.code(of: text, as: type), type)
    } catch {
      throw wrong(option, "\(text): \(error.message)")
    }
  }
}
