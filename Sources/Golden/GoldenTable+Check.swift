extension GoldenTable {
  /// A number that is not what it was, or not what it is said to be.
  public struct Finding: Hashable, Sendable, Encodable {
    /// The entry.
    public let id: String
    /// Its line in the file.
    public let line: Int
    /// What is wrong.
    public let kind: Kind
    /// What the file says.
    public let old: String
    /// What is true.
    public let new: String
    /// What changed it.
    public let cause: String

    /// What is wrong with an entry; ``changed`` is what ``GoldenTable/update(_:environment:)``
    /// mends.
    public enum Kind: String, Sendable, Encodable {
      /// `computed` is not what comes out today.
      case changed
      /// A `recomputed` entry is not printed like its exact value.
      case contradiction
      /// A `contradicts` entry is printed like its exact value.
      case unfounded
    }
  }

  /// Compares every pinned number with what comes out today, exactly, and with what is printed.
  ///
  /// - Returns: the findings in the order of the file; none if all agree.
  public func check() -> [Finding] {
    entries.flatMap { entry -> [Finding] in
      guard let exact = entry.recomputation else { return [] }
      let interval = entry.printed.interval
      var findings: [Finding] = []
      if exact.pinned != exact.current {
        findings.append(
          Finding(
            id: entry.id, line: entry.line, kind: .changed, old: exact.pinned, new: exact.current,
            cause: exact.cause))
      }
      if entry.status == .recomputed, !exact.agreesWithPrint {
        findings.append(
          Finding(
            id: entry.id, line: entry.line, kind: .contradiction, old: interval,
            new: exact.current,
            cause: "an input or the printed value changed, or the status is 'contradicts'"))
      }
      if entry.status == .contradicts, exact.agreesWithPrint {
        findings.append(
          Finding(
            id: entry.id, line: entry.line, kind: .unfounded, old: interval, new: exact.current,
            cause: "the exact value is printed like this: nothing is contradicted"))
      }
      return findings
    }
  }
}

extension GoldenTable.Finding: CustomStringConvertible {
  /// Four lines: the entry, old, new and the cause.
  public var description: String {
    """
    \(id) (line \(line)): \(kind.rawValue)
      old  \(old)
      new  \(new)
      why  \(cause)
    """
  }
}

extension GoldenTable.Recomputation {
  /// What sets `pinned` and `current` apart: both are `value = formula with its numbers`.
  fileprivate var cause: String {
    let (old, new) = (pinned.split(separator: " = "), current.split(separator: " = "))
    guard old.count == 2, new.count == 2 else { return "nothing was computed before" }
    return old[1] == new[1]
      ? "the formula and its inputs are the same: the arithmetic changed, or `computed` was edited"
      : "the formula or an input changed: \(old[1]) is now \(new[1])"
  }
}
