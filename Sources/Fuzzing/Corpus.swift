public import CaseFormat
import Foundation
import Operations

/// Failing cases on disk, by value: they run first next time.
public struct Corpus: Sendable {
  /// The folder of `.json` and `.jsonl` files.
  public let directory: String

  /// A corpus in a folder, which need not exist yet.
  public init(directory: String) { self.directory = directory }

  /// Whether the folder exists.
  public var exists: Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory)
      && isDirectory.boolValue
  }

  /// The cases of every file, in the order of the names, and what could not be read.
  public func cases() -> (cases: [Case], problems: [String]) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    var cases: [Case] = []
    var problems: [String] = []
    for name in names.sorted() where name.hasSuffix(".json") || name.hasSuffix(".jsonl") {
      let path = directory + "/" + name
      guard let data = FileManager.default.contents(atPath: path) else {
        problems.append("\(path): cannot be read")
        continue
      }
      for record in CaseFile.records(in: [UInt8](data), directory: directory) {
        switch record.result {
        case .success(let test):
          if Registry.operation(named: test.operation) == nil {
            problems.append("\(path):\(record.line): unknown op '\(test.operation)'")
          } else {
            cases.append(test)
          }
        case .failure(let error):
          let id = record.id.map { " case '\($0)':" } ?? ""
          problems.append("\(path):\(record.line):\(id) \(error)")
        }
      }
    }
    return (cases, problems)
  }

  /// The file of a failure's case, which is saved under its id if it is new, all of it or nothing.
  ///
  /// - Returns: the path of the file.
  /// - Throws: what Foundation throws where the file cannot be written.
  public func path(of failure: Failure) throws -> String {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let path = directory + "/" + failure.test.id + ".json"
    if failure.choices == nil && FileManager.default.fileExists(atPath: path) { return path }
    let text = CaseFile.json(failure.test).description + "\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    return path
  }
}
