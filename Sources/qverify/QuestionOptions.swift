import ArgumentParser
import CaseFormat
import NumberFormats
import Operations
import Proving

/// The parameters of an element-wise operation, in one spelling for every command that asks for them.
struct QuestionOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "The scale: a decimal or C99 hex number, rounded once to its type.")
  var scale: String?

  @Option(parsing: .unconditional, help: "The zero point. Default: 0.")
  var zeroPoint: String?

  @Option(
    help: """
      The type of what comes out; for dequantize that of x, for fake_quantize that of the levels. \
      Default: uint8 for quantize, else int8.
      """)
  var dtype: String?

  @Option(help: "The type of the input that runs. Default: float32; for requantize int32.")
  var inputDtype: String?

  @Option(help: "The type of the scale. Default: float32.")
  var scaleDtype: String?

  @Option(parsing: .unconditional, help: "For requantize: the multiplier, in the place of a scale.")
  var multiplier: Int64?

  @Option(
    parsing: .unconditional, help: "For requantize: the shift that belongs to the multiplier.")
  var shift: Int64?

  @Option(parsing: .unconditional, help: "The lowest level.")
  var qmin: Int?

  @Option(parsing: .unconditional, help: "The highest level.")
  var qmax: Int?

  @Option(
    help: """
      Any other attribute of the operation, as name=value, such as rounding=AP_RND; may be repeated.
      """)
  var attribute: [String] = []

  @Option(
    name: .customLong("case"),
    help: """
      Take attributes and inputs from the one case in this file, in the place of all options above; \
      the input that runs says only its type.
      """)
  var file: String?

  mutating func validate() throws {
    if file != nil, let other = given.first {
      throw ValidationError("--case and \(other) exclude each other")
    }
    _ = try parameters()
  }

  /// The parameters that are given, by the names of their options.
  private var given: [String] {
    let all: [(name: String, isGiven: Bool)] = [
      ("--scale", scale != nil), ("--zero-point", zeroPoint != nil), ("--dtype", dtype != nil),
      ("--input-dtype", inputDtype != nil), ("--scale-dtype", scaleDtype != nil),
      ("--multiplier", multiplier != nil), ("--shift", shift != nil), ("--qmin", qmin != nil),
      ("--qmax", qmax != nil), ("--attribute", !attribute.isEmpty),
    ]
    return all.filter(\.isGiven).map(\.name)
  }

  /// Whether no parameter and no case file is given.
  var isEmpty: Bool { given.isEmpty && file == nil }

  /// The template of an operation: every input and attribute, the swept input without elements.
  ///
  /// - Throws: `ValidationError` that names the option; the exit codes of a case file.
  func template(of operation: any Operations.Operation.Type) throws -> Case {
    if let file { return try template(in: file, of: operation) }
    let parameters = try parameters()
    do throws(CaseError) {
      return try parameters.template(of: operation.name)
    } catch {
      throw ValidationError(error.message)
    }
  }

  private func template(in file: String, of operation: any Operations.Operation.Type) throws -> Case
  {
    let records = try Input.records(file)
    func malformed(_ message: String) -> any Error {
      StandardError.line("qverify: \(file): \(message)")
      return Exit.malformed
    }
    guard records.count == 1 else {
      throw malformed("--case takes a file of one case, this has \(records.count)")
    }
    switch records[0].result {
    case .failure(let error): throw malformed("line \(records[0].line): \(error)")
    case .success(var test):
      guard test.operation == operation.name else {
        throw malformed("its case is of \(test.operation), not of \(operation.name)")
      }
      if let input = operation.sweptInput, let swept = test.inputs[input] {
        test.inputs[input] = Tensor(swept.dtype, shape: [0], codes: [])
      }
      test.outputs = nil
      return test
    }
  }

  /// The parameters that are given.
  func parameters() throws -> QuestionParameters {
    var result = QuestionParameters()
    (result.scale, result.zeroPoint) = (scale, zeroPoint)
    (result.multiplier, result.shift) = (multiplier, shift)
    result.type = try Self.type(dtype, "--dtype")
    result.inputType = try Self.type(inputDtype, "--input-dtype")
    result.scaleType = try Self.type(scaleDtype, "--scale-dtype")
    for text in attribute {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw ValidationError("--attribute takes name=value, not '\(text)'")
      }
      guard result.attributes.updateValue(Self.value(parts[1]), forKey: parts[0]) == nil else {
        throw ValidationError("--attribute \(parts[0]) is given twice")
      }
    }
    for (name, value) in [("qmin", qmin), ("qmax", qmax)] {
      guard let value else { continue }
      guard result.attributes.updateValue(.integer(value), forKey: name) == nil else {
        throw ValidationError("--\(name) and --attribute \(name) exclude each other")
      }
    }
    return result
  }

  private static func type(_ name: String?, _ option: String) throws -> DataType? {
    guard let name else { return nil }
    guard let type = DataType(name: name) else {
      throw ValidationError("\(option): unknown dtype '\(name)'")
    }
    return type
  }

  /// An attribute as the case format would read it: an integer, a number, else a word.
  private static func value(_ text: String) -> AttributeValue {
    if let integer = Int(text) { return .integer(integer) }
    if Double(text) != nil, text.first?.isLetter == false { return .decimal(text) }
    return .string(text)
  }
}
