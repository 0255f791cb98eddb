import Foundation
import NumberFormats

/// One line of a case file: a case, or why it is none.
public struct CaseRecord: Sendable {
  /// The line in the file, from 1.
  public var line: Int
  /// The case's id, where one could be read.
  public var id: String?
  public var result: Result<Case, CaseError>
}

/// Reads and writes the case format: one JSON object a case, JSON Lines for many.
public enum CaseFile {
  /// More elements than this are written as base64.
  public static let maximumDataElements = 4096

  /// Reads every case of a text; a line that is no case gives its error and reading goes on.
  ///
  /// - Parameters:
  ///   - bytes: JSON Lines, or one JSON object that may stretch over lines.
  ///   - directory: the folder that `npy` paths start from.
  /// - Returns: one record a line that is not blank, in order.
  public static func records(in bytes: [UInt8], directory: String = ".") -> [CaseRecord] {
    values(in: bytes).map { line, value in
      switch value {
      case .success(let value): record(from: value, line: line, directory: directory)
      case .failure(let error): CaseRecord(line: line, id: nil, result: .failure(error))
      }
    }
  }

  /// Every JSON value of a text, each with its line: one a line that is not blank, or a single one
  /// that may stretch over lines.
  public static func values(
    in bytes: [UInt8]
  ) -> [(line: Int, value: Result<JSONValue, CaseError>)] {
    var values: [(line: Int, value: Result<JSONValue, CaseError>)] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.allSatisfy(isSpace) {
      do {
        values.append((index + 1, .success(try JSONParser.parse(Array(line)))))
      } catch {
        if values.isEmpty, error.isTruncated, let value = try? JSONParser.parse(bytes) {
          return [(index + 1, .success(value))]
        }
        values.append((index + 1, .failure(.malformed("\(error)"))))
      }
    }
    return values
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0D || byte == 0x09
  }

  /// Reads a case from a parsed line.
  public static func record(from value: JSONValue, line: Int, directory: String) -> CaseRecord {
    var id: String?
    if case .string(let text)? = value["id"] { id = text }
    do throws(CaseError) {
      return CaseRecord(
        line: line, id: id, result: .success(try decode(value, directory: directory)))
    } catch {
      return CaseRecord(line: line, id: id, result: .failure(error))
    }
  }

  // MARK: Reading

  /// The outputs of a parsed object of the format, whatever else it holds; nil where it has none.
  ///
  /// - Throws: `malformed` where they are no outputs, `null` elements among them.
  public static func outputs(in value: JSONValue) throws(CaseError) -> [String: Tensor]? {
    guard case .object(let members) = value,
      let outputs = members.first(where: { $0.key == "outputs" })
    else { return nil }
    var result: [String: Tensor] = [:]
    for output in try object(outputs) {
      result[output.key] = try expectation(output, "outputs", allowNull: false, ".").tensor
    }
    return result
  }

  /// The tensor that a parsed object of the format says.
  ///
  /// - Throws: `malformed` where it is none, with `null` elements among the rest.
  public static func tensor(
    in value: JSONValue, directory: String
  ) throws(CaseError) -> Tensor {
    try tensor(.init("tensor", value), allowNull: false, directory: directory).tensor
  }

  private static func decode(_ value: JSONValue, directory: String) throws(CaseError) -> Case {
    guard case .object(let members) = value else {
      throw .malformed("a case is a JSON object, this is \(value.kind)")
    }
    var test = Case(id: "", operation: "", dialect: "")
    var seen: Set<String> = []
    for member in members {
      seen.insert(member.key)
      switch member.key {
      case "id": test.id = try string(member)
      case "op": test.operation = try string(member)
      case "dialect": test.dialect = try string(member)
      case "note": test.note = try string(member)
      case "attributes":
        for attribute in try object(member) {
          test.attributes[attribute.key] = try self.attribute(attribute)
        }
      case "inputs":
        for input in try object(member) {
          let read = try expectation(input, "inputs", allowNull: false, directory)
          test.inputs[input.key] = read.tensor
        }
      case "outputs":
        var outputs: [String: Expectation] = [:]
        for output in try object(member) {
          outputs[output.key] = try expectation(output, "outputs", allowNull: true, directory)
        }
        test.outputs = outputs
      default: throw .malformed("unknown key '\(member.key)'")
      }
    }
    for key in ["id", "op", "dialect", "inputs"] where !seen.contains(key) {
      throw .malformed("missing key '\(key)'")
    }
    return test
  }

  private static func string(_ member: JSONValue.Member) throws(CaseError) -> String {
    guard case .string(let text) = member.value else {
      throw .malformed("'\(member.key)' must be a string, not \(member.value.kind)")
    }
    return text
  }

  private static func object(_ member: JSONValue.Member) throws(CaseError) -> [JSONValue.Member] {
    guard case .object(let members) = member.value else {
      throw .malformed("'\(member.key)' must be an object, not \(member.value.kind)")
    }
    return members
  }

  private static func attribute(_ member: JSONValue.Member) throws(CaseError) -> AttributeValue {
    switch member.value {
    case .string(let text): return .string(text)
    case .bool(let flag): return .integer(flag ? 1 : 0)
    case .number(let text):
      if let value = integer(text) { return .integer(value) }
      return .decimal(text)
    case .array(let elements):
      var values: [Int] = []
      for element in elements {
        guard case .number(let text) = element, let value = integer(text) else {
          throw .malformed("attribute '\(member.key)' must be a list of integers")
        }
        values.append(value)
      }
      return .integers(values)
    case .null, .object:
      throw .malformed("attribute '\(member.key)' cannot be \(member.value.kind)")
    }
  }

  /// The integer that a JSON number says, written as 5, 5.0 or 5e0.
  private static func integer(_ text: String) -> Int? {
    if let value = Int(text) { return value }
    guard let int64 = DataType(name: "int64"),
      let code = try? ElementText.code(of: text, as: int64)
    else { return nil }
    return Int(code)
  }

  private static func expectation(
    _ member: JSONValue.Member, _ section: String, allowNull: Bool, _ directory: String
  ) throws(CaseError) -> Expectation {
    let name = "\(section).\(member.key)"
    do throws(CaseError) {
      return try tensor(member, allowNull: allowNull, directory: directory)
    } catch {
      throw CaseError(error.kind, "\(name): \(error.message)")
    }
  }

  private static func tensor(
    _ member: JSONValue.Member, allowNull: Bool, directory: String
  ) throws(CaseError) -> Expectation {
    var dtype: DataType?
    var shape: [Int]?
    var source: JSONValue.Member?
    for part in try object(member) {
      switch part.key {
      case "dtype":
        let name = try string(part)
        guard let known = DataType(name: name) else { throw .malformed("unknown dtype '\(name)'") }
        dtype = known
      case "shape": shape = try dimensions(part)
      case "data", "base64", "npy":
        if let source {
          throw .malformed("has both '\(source.key)' and '\(part.key)'; exactly one is allowed")
        }
        source = part
      default: throw .malformed("unknown key '\(part.key)'")
      }
    }
    guard let dtype else { throw .malformed("missing key 'dtype'") }
    guard let shape else { throw .malformed("missing key 'shape'") }
    guard let source else { throw .malformed("needs one of 'data', 'base64' and 'npy'") }
    guard let count = Tensor.count(of: shape) else {
      throw .malformed("shape \(shape) has more elements than can be counted")
    }
    switch source.key {
    case "base64":
      let text = try string(source)
      guard let data = Data(base64Encoded: text) else { throw .malformed("invalid base64") }
      let codes = try ElementBytes.codes(from: data, as: dtype)
      try check(codes.count, against: count, shape)
      return Expectation(Tensor(dtype, shape: shape, codes: codes))
    case "npy":
      let path = try string(source)
      let full = path.hasPrefix("/") ? path : directory + "/" + path
      let codes = try NumpyFile.codes(at: full, as: dtype, shape: shape)
      return Expectation(Tensor(dtype, shape: shape, codes: codes))
    default:
      return try elements(source.value, dtype, shape, count, allowNull: allowNull)
    }
  }

  private static func dimensions(_ part: JSONValue.Member) throws(CaseError) -> [Int] {
    guard case .array(let elements) = part.value else {
      throw .malformed("'shape' must be a list, not \(part.value.kind)")
    }
    var shape: [Int] = []
    for element in elements {
      guard case .number(let text) = element, let dimension = integer(text), dimension >= 0 else {
        throw .malformed("a dimension must be a non-negative integer, not \(element)")
      }
      shape.append(dimension)
    }
    guard shape.count <= 32 else { throw .malformed("more than 32 dimensions") }
    return shape
  }

  private static func check(_ found: Int, against count: Int, _ shape: [Int]) throws(CaseError) {
    guard found == count else {
      throw .malformed("\(found) elements do not fill shape \(shape), which has \(count)")
    }
  }

  private static func elements(
    _ value: JSONValue, _ dtype: DataType, _ shape: [Int], _ count: Int, allowNull: Bool
  ) throws(CaseError) -> Expectation {
    guard case .array(let elements) = value else {
      throw .malformed("'data' must be a flat list, not \(value.kind)")
    }
    try check(elements.count, against: count, shape)
    var codes: [Int64] = []
    codes.reserveCapacity(count)
    var unspecified: [Int] = []
    for (index, element) in elements.enumerated() {
      switch element {
      case .number(let text): codes.append(try code(text, dtype, index))
      case .string(let text): codes.append(try code(text, dtype, index))
      case .bool(let flag) where dtype == .bool: codes.append(flag ? 1 : 0)
      case .null where allowNull:
        unspecified.append(index)
        codes.append(0)
      default: throw .malformed("data[\(index)] cannot be \(element.kind)")
      }
    }
    var expectation = Expectation(Tensor(dtype, shape: shape, codes: codes))
    for index in unspecified { expectation.leaveUnspecified(at: index) }
    return expectation
  }

  private static func code(
    _ text: String, _ dtype: DataType, _ index: Int
  ) throws(CaseError) -> Int64 {
    do throws(CaseError) {
      return try ElementText.code(of: text, as: dtype)
    } catch {
      throw CaseError(error.kind, "data[\(index)]: \(error.message)")
    }
  }

  // MARK: Writing

  /// A case as one JSON object, with its keys in the order of the format.
  public static func json(_ test: Case) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("id", .string(test.id)), .init("op", .string(test.operation)),
      .init("dialect", .string(test.dialect)),
    ]
    if !test.attributes.isEmpty {
      let sorted = test.attributes.sorted { $0.key < $1.key }
      members.append(.init("attributes", .object(sorted.map { .init($0.key, $0.value.json) })))
    }
    members.append(
      .init("inputs", tensors(test.inputs.mapValues { Expectation($0) })))
    if let outputs = test.outputs { members.append(.init("outputs", tensors(outputs))) }
    if let note = test.note { members.append(.init("note", .string(note))) }
    return .object(members)
  }

  private static func tensors(_ tensors: [String: Expectation]) -> JSONValue {
    .object(tensors.sorted { $0.key < $1.key }.map { .init($0.key, json($0.value)) })
  }

  private static func json(_ expectation: Expectation) -> JSONValue {
    let tensor = expectation.tensor
    var members: [JSONValue.Member] = [
      .init("dtype", .string(tensor.dtype.name)),
      .init("shape", .array(tensor.shape.map { .number(String($0)) })),
    ]
    members.append(data(expectation) ?? base64(tensor))
    return .object(members)
  }

  private static func base64(_ tensor: Tensor) -> JSONValue.Member {
    let bytes = ElementBytes.bytes(of: tensor.codes, as: tensor.dtype)
    return .init("base64", .string(Data(bytes).base64EncodedString()))
  }

  /// The elements as text, or nil where base64 has to say them.
  ///
  /// An interval of more than one value is written as unspecified; so is everything unspecified,
  /// which base64 could not say.
  private static func data(_ expectation: Expectation) -> JSONValue.Member? {
    let tensor = expectation.tensor
    let hasGaps = expectation.unspecifiedCount > 0 || !expectation.upper.isEmpty
    if tensor.count > maximumDataElements, !hasGaps { return nil }
    var elements: [JSONValue] = []
    elements.reserveCapacity(tensor.count)
    for index in 0..<tensor.count {
      let isOpen =
        expectation.isUnspecified(at: index)
        || (!expectation.upper.isEmpty && expectation.upper[index] != tensor.codes[index])
      if isOpen {
        elements.append(.null)
      } else if let value = ElementText.json(ofCode: tensor.codes[index], tensor.dtype) {
        elements.append(value)
      } else if hasGaps {
        elements.append(.string("nan"))
      } else {
        return nil
      }
    }
    return .init("data", .array(elements))
  }
}
