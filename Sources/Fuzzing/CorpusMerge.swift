import CaseFormat
import Foundation

/// Joins folders of failing cases into one; the folders that are read stay as they are.
///
/// A case that is there already, under whatever name, is not added again. Two files of the same name
/// stand for the same cause where they hold one case of the same operation and dialect each: then the
/// simpler one stays. Otherwise the second goes by another name, so that nothing is lost.
public struct CorpusMerge: Sendable {
  /// How many files were added, replaced by a simpler case, or needed nothing.
  public private(set) var added = 0
  public private(set) var replaced = 0
  public private(set) var known = 0
  /// What could not be read, with its file and line.
  public private(set) var problems: [String] = []
  private let directory: String
  private var contents: Set<Case> = []

  /// Prepares to join into a folder, which need not exist yet.
  public init(into directory: String) {
    self.directory = directory
    for name in Self.names(in: directory) {
      for test in read(directory + "/" + name) { contents.insert(Self.content(test)) }
    }
  }

  /// Adds the cases of a folder.
  ///
  /// - Throws: what Foundation throws where a file cannot be written.
  public mutating func add(_ source: String) throws {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    for name in Self.names(in: source) {
      let cases = read(source + "/" + name)
      if cases.isEmpty { continue }
      if cases.count == 1, name.hasSuffix(".json") {
        try add(cases[0], named: name)
      } else {
        let new = cases.filter { !contents.contains(Self.content($0)) }
        known += cases.count - new.count
        if new.isEmpty { continue }
        try write(new, to: freeName(name))
        added += new.count
      }
    }
  }

  private mutating func add(_ test: Case, named name: String) throws {
    if contents.contains(Self.content(test)) {
      known += 1
      return
    }
    let path = directory + "/" + name
    guard FileManager.default.fileExists(atPath: path) else {
      try write([test], to: name)
      added += 1
      return
    }
    let there = CaseFile.records(
      in: [UInt8](FileManager.default.contents(atPath: path) ?? Data()), directory: directory)
    guard there.count == 1, let other = try? there[0].result.get(),
      other.operation == test.operation, other.dialect == test.dialect
    else {
      // Something else of the same name, or what nobody can read.
      try write([test], to: freeName(name))
      added += 1
      return
    }
    if Self.isSimpler(test, than: other) {
      try write([test], to: name)
      replaced += 1
    } else {
      contents.insert(Self.content(test))
      known += 1
    }
  }

  /// Fewer elements, else a shorter text, else the text that comes first: a total order.
  private static func isSimpler(_ test: Case, than other: Case) -> Bool {
    func size(_ test: Case) -> (Int, Int, String) {
      let text = CaseFile.json(content(test)).description
      return (Failure.elements(of: test), text.utf8.count, text)
    }
    return size(test) < size(other)
  }

  /// A case without its name and its note.
  private static func content(_ test: Case) -> Case {
    var test = test
    (test.id, test.note) = ("", nil)
    return test
  }

  private static func names(in directory: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasSuffix(".json") || $0.hasSuffix(".jsonl") }.sorted()
  }

  /// The cases of a file; what is none is a problem, and the rest is read all the same.
  private mutating func read(_ path: String) -> [Case] {
    guard let data = FileManager.default.contents(atPath: path) else {
      problems.append("\(path): cannot be read")
      return []
    }
    let folder = (path as NSString).deletingLastPathComponent
    return CaseFile.records(in: [UInt8](data), directory: folder).compactMap { record in
      switch record.result {
      case .success(let test): return test
      case .failure(let error):
        problems.append("\(path):\(record.line): \(error)")
        return nil
      }
    }
  }

  /// The name itself, or with a number where it is taken.
  private func freeName(_ name: String) -> String {
    let base = (name as NSString).deletingPathExtension
    let ending = (name as NSString).pathExtension
    var candidate = name
    var number = 2
    while FileManager.default.fileExists(atPath: directory + "/" + candidate) {
      candidate = "\(base)-\(number).\(ending)"
      number += 1
    }
    return candidate
  }

  /// Writes cases, all of them or none.
  private mutating func write(_ cases: [Case], to name: String) throws {
    let text = cases.map { CaseFile.json($0).description + "\n" }.joined()
    try Data(text.utf8).write(
      to: URL(fileURLWithPath: directory + "/" + name), options: .atomic)
    for test in cases { contents.insert(Self.content(test)) }
  }
}
