import CaseFormat
import ExactArithmetic
import Foundation
import NumberFormats
import Operations
import Testing

/// A case and its answer on one line each, so that a table of them reads like the papers it is from.
///
/// A question is `op dialect key=value ... | input dtype[shape] elements ... | ...`. Without a shape
/// one element is a scalar, several are a vector. `bits:` gives an encoding. A list attribute is
/// written `1,2`.
///
/// The answer is the elements of each output, outputs divided by ` / `; `null` where unspecified,
/// `a...b` for an interval; or the error.
func answer(_ question: String, dialect: Dialect? = nil) -> String {
  do {
    return answer(try parse(question), dialect: dialect)
  } catch {
    return "bad question: \(error)"
  }
}

/// The answer to a case, by the definition and by the bulk oracle, which must agree.
func answer(_ test: Case, dialect: Dialect? = nil) -> String {
  let slow = outcomeText { () throws(CaseError) in try Reference.evaluate(test, dialect: dialect) }
  let fast = outcomeText { () throws(CaseError) in
    try Reference.evaluateFast(test, dialect: dialect)
  }
  return slow == fast ? slow : "definition \(slow), bulk oracle \(fast)"
}

private func outcomeText(_ evaluate: () throws(CaseError) -> Outcome) -> String {
  do throws(CaseError) {
    return try evaluate().outputs.map { text($0.expectation) }.joined(separator: " / ")
  } catch {
    return error.description
  }
}

/// The elements of an output.
func text(_ expectation: CaseFormat.Expectation) -> String {
  let tensor = expectation.tensor
  return (0..<tensor.count).map { index in
    if expectation.isUnspecified(at: index) { return "null" }
    let value = text(tensor.codes[index], tensor.dtype)
    guard !expectation.upper.isEmpty, expectation.upper[index] != tensor.codes[index] else {
      return value
    }
    return "\(value)...\(text(expectation.upper[index], tensor.dtype))"
  }.joined(separator: " ")
}

/// An element as a number; floats of at most 16 bits exactly, wider ones by the shortest decimal.
private func text(_ code: Int64, _ dtype: DataType) -> String {
  if case .float(let format) = dtype, format.bits <= 16,
    case .finite(let value) = dtype.number(fromCode: code)
  {
    return trimmed("\(value.approximate)")
  }
  return switch ElementText.json(ofCode: code, dtype) {
  case .number(let text)?: trimmed(text)
  case .string("-0x0p+0")?: "-0"
  case .string(let text)?: text
  default: "bits:0x\(String(code, radix: 16))"
  }
}

private func trimmed(_ number: String) -> String {
  number.hasSuffix(".0") ? String(number.dropLast(2)) : number
}

/// Why a question cannot be read.
struct QuestionError: Error { var message: String }

/// Reads a question.
func parse(_ question: String) throws -> Case {
  let parts = question.split(separator: "|").map { $0.split(separator: " ").map(String.init) }
  guard let head = parts.first, head.count >= 2 else { throw QuestionError(message: "no op") }
  var test = Case(id: "", operation: head[0], dialect: head[1])
  for attribute in head.dropFirst(2) {
    let pair = attribute.split(separator: "=", maxSplits: 1).map(String.init)
    test.attributes[pair[0]] = attributeValue(pair[1])
  }
  for part in parts.dropFirst() {
    guard part.count >= 2 else { throw QuestionError(message: part.joined(separator: " ")) }
    test.inputs[part[0]] = try tensor(part.dropFirst().joined(separator: " "))
  }
  return test
}

private func attributeValue(_ text: String) -> AttributeValue {
  if let value = Int(text) { return .integer(value) }
  let list = text.split(separator: ",").map { Int($0) }
  if list.count > 1, !list.contains(nil) { return .integers(list.compactMap(\.self)) }
  return Double(text) != nil ? .decimal(text) : .string(text)
}

/// Reads `dtype[shape] elements ...`.
func tensor(_ text: String) throws -> Tensor {
  let words = text.split(separator: " ").map(String.init)
  let type = words[0].split(separator: "[").map(String.init)
  let dtype = try #require(DataType(name: type[0]), "\(type[0])")
  let codes = try words.dropFirst().map { word -> Int64 in
    guard word.hasPrefix("bits:0x") else { return try ElementText.code(of: word, as: dtype) }
    return Int64(bitPattern: try #require(UInt64(word.dropFirst(7), radix: 16), "\(word)"))
  }
  var shape = codes.count == 1 ? [] : [codes.count]
  if type.count == 2 { shape = type[1].dropLast().split(separator: ",").compactMap { Int($0) } }
  guard Tensor.count(of: shape) == codes.count else {
    throw QuestionError(message: "\(codes.count) elements for \(text)")
  }
  return Tensor(dtype, shape: shape, codes: codes)
}

/// Checks a table of questions and answers.
func check(_ table: [(question: String, answer: String)]) {
  for row in table { #expect(answer(row.question) == row.answer, "\(row.question)") }
}

/// Checks a table of questions and the beginnings of their errors.
func checkErrors(_ table: [(question: String, error: String)]) {
  for row in table {
    let found = answer(row.question)
    #expect(found.hasPrefix(row.error), "\(row.question) gave \(found)")
  }
}
