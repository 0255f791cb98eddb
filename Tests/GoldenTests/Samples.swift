import Foundation

/// A small table with every status; line numbers matter.
let sample = """
  # A comment.
  title: sizes
  provenance: {document: a paper, place: table 1}
  quantities:
    width: {what: bits of a weight, value: "32", unit: bits}
  entries:
    - id: accuracy
      what: accuracy
      row: first
      value: "75.60"
      unit: "%"
      status: quoted
    - id: model
      what: size of the model
      value: "288"
      unit: MB
      status: not_recomputable
      why: no architecture is given
    - id: parameters
      what: weights
      value: "72000000"
      unit: parameters
      digits: exact
      status: recomputed
      expression: count( model,width )
      computed: "72000000 parameters = count(288 MB, 32 bits)"
    - id: half   # Another comment.
      what: half the size
      value: "145"
      unit: MB
      status: contradicts
      why: half of 288 is not 145
      expression: model / 2
      computed: "144 MB = 288 MB / 2"

  """

/// The sample with one text in the place of another.
func sample(_ old: String, _ new: String) -> String {
  sample.replacingOccurrences(of: old, with: new)
}

/// The repository that these tests stand in.
let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A file that is gone after the body.
func withFile<T>(_ text: String, _ body: (String) throws -> T) throws -> T {
  let file = FileManager.default.temporaryDirectory
    .appendingPathComponent("golden-\(UUID().uuidString).yaml")
  try Data(text.utf8).write(to: file)
  defer { try? FileManager.default.removeItem(at: file) }
  return try body(file.path)
}

/// The text of a file.
func contents(_ path: String) throws -> String {
  try String(contentsOfFile: path, encoding: .utf8)
}
