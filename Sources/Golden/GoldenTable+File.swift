import Foundation

extension GoldenTable {
  /// Reads a table from a file.
  ///
  /// - Parameter path: the path of the file.
  /// - Returns: the table.
  /// - Throws: ``GoldenError/missing(file:reason:)`` or ``GoldenError/malformed(file:line:key:message:)``.
  public static func load(_ path: String) throws(GoldenError) -> GoldenTable {
    try parse(text(of: path), file: path)
  }

  /// Rewrites the `computed` fields of a file, and nothing else: comments, order and spacing stay.
  ///
  /// - Parameters:
  ///   - path: the path of the file.
  ///   - environment: the environment variables; a `CI` that is set refuses.
  /// - Returns: the changes that were written, and the findings that no update can mend.
  /// - Throws: a ``GoldenError``; the file is then as it was.
  public static func update(
    _ path: String, environment: [String: String]
  ) throws(GoldenError) -> [Finding] {
    if isContinuousIntegration(environment) {
      throw .refused(variable: "CI=\(environment["CI"] ?? "")")
    }
    let old = try text(of: path)
    let table = try parse(old, file: path)
    let findings = table.check()
    guard findings.contains(where: { $0.kind == .changed }) else { return findings }
    let new = try table.updated(old)
    do {
      try Data(new.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw .missing(file: path, reason: "cannot be written: \(error.localizedDescription)")
    }
    return findings
  }

  /// Whether `CI` is set to anything but nothing, `false` and `0`.
  ///
  /// - Parameter environment: the environment variables.
  /// - Returns: true where golden files must not be written.
  public static func isContinuousIntegration(_ environment: [String: String]) -> Bool {
    !["", "false", "0"].contains(environment["CI"] ?? "")
  }

  private static func text(of path: String) throws(GoldenError) -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .missing(file: path, reason: "no such file, or it cannot be read")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .malformed(file: path, line: 0, key: "", message: "is not UTF-8")
    }
    return text
  }

  /// The text that this table was parsed from, with today's `computed` fields.
  func updated(_ text: String) throws(GoldenError) -> String {
    // Scalars, since the character "\r\n" is not "\n".
    var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { Array($0) }
    for case (let entry, let exact?) in entries.map({ ($0, $0.recomputation) }) {
      let line = exact.place.line - 1
      let start = exact.place.column - 1
      guard lines.indices.contains(line), lines[line].indices.contains(start),
        let end = lines[line][(start + 1)...].firstIndex(of: lines[line][start])
      else { throw unwritable(entry) }
      lines[line].replaceSubrange((start + 1)..<end, with: Array(exact.current.unicodeScalars))
    }
    var result = String.UnicodeScalarView()
    for line in lines.joined(separator: ["\n"]) { result.append(line) }
    // What was written must read back as what was meant.
    let again = try Self.parse(String(result), file: file)
    for (before, after) in zip(entries, again.entries)
    where after.recomputation?.pinned != before.recomputation?.current {
      throw unwritable(before)
    }
    return String(result)
  }

  private func unwritable(_ entry: Entry) -> GoldenError {
    .malformed(
      file: file, line: entry.recomputation?.place.line ?? entry.line, key: "\(entry.id).computed",
      message: "write it between quotes on one line, so that it can be updated")
  }
}
