import CaseFormat
import Foundation
import NumberFormats
import Testing

/// Reads one case.
func read(_ text: String, directory: String = ".") -> Result<Case, CaseError> {
  let records = CaseFile.records(in: Array(text.utf8), directory: directory)
  guard records.count == 1 else { return .failure(.malformed("\(records.count) records")) }
  return records[0].result
}

/// A case whose input or output `t` is a tensor with the given members.
func line(_ tensor: String, section: String = "inputs") -> String {
  let inputs = section == "inputs" ? "{\"t\": {\(tensor)}}" : "{}"
  let outputs = section == "outputs" ? ", \"outputs\": {\"t\": {\(tensor)}}" : ""
  return
    "{\"id\": \"a\", \"op\": \"quantize\", \"dialect\": \"onnx\", \"inputs\": \(inputs)\(outputs)}"
}

/// The codes of `data` read as a type; the error's text where there is one.
func codes(_ dtype: String, _ data: String) -> String {
  let count = data.isEmpty ? 0 : data.split(separator: ",").count
  switch read(line("\"dtype\": \"\(dtype)\", \"shape\": [\(count)], \"data\": [\(data)]")) {
  case .success(let test):
    return test.inputs["t"]?.codes.map(String.init).joined(separator: " ") ?? ""
  case .failure(let error): return error.description
  }
}

/// The codes of `data`, in hexadecimal.
func encodings(_ dtype: String, _ data: String) -> String {
  let text = codes(dtype, data)
  let numbers = text.split(separator: " ").map { Int64($0) }
  if numbers.contains(nil) { return text }
  return numbers.compactMap { $0.map { String(UInt64(bitPattern: $0), radix: 16) } }
    .joined(separator: " ")
}

/// A folder that is gone when the body returns.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("qverify-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}
