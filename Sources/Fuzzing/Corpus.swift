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

  /// Saves a failure's case under its id, all of it or nothing, and returns the path of the file.
  ///
  /// The id stands for the cause: where a case of the same cause is there already, the one with
  /// fewer elements stays. A case that came from the corpus stays where it is.
  ///
  /// - Throws: what Foundation throws where the file cannot be written.
  public func save(_ failure: Failure) throws -> String {
    let files = FileManager.default
    try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let path = directory + "/" + failure.test.id + ".json"
    if let data = files.contents(atPath: path) {
      let known = CaseFile.records(in: [UInt8](data), directory: directory).first?.result
      if failure.choices == nil { return path }
      if let known = try? known?.get(), Self.size(known) <= Self.size(failure.test) { return path }
    }
    // Renamed from a name that is no case file: whoever reads, or dies, sees the old or the new.
    let draft = path + ".\(ProcessInfo.processInfo.processIdentifier).part"
    let text = CaseFile.json(failure.test).description + "\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: draft))
    guard rename(draft, path) == 0 else {
      let error = errno
      try? files.removeItem(atPath: draft)
      throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path, "errno": error])
    }
    return path
  }

  private static func size(_ test: Case) -> Int { test.inputs.values.reduce(0) { $0 + $1.count } }
}
