/// The integers that a generator drew: enough to make the same case again.
///
/// Choices are grouped in blocks. The first block holds the structure of a case (shapes, flags), each
/// further block the elements of one tensor, so that shortening one does not shift the others.
public struct ChoiceSequence: Hashable, Sendable {
  public var blocks: [[UInt64]]

  /// A sequence of the given blocks.
  public init(blocks: [[UInt64]] = []) { self.blocks = blocks }

  /// The number of choices.
  public var count: Int { blocks.reduce(0) { $0 + $1.count } }

  /// Whether the sequence is simpler than another.
  ///
  /// That is: shorter, or equally long and smaller at the first difference. This order is total and has no infinite descent, so shrinking ends.
  public func isSimpler(than other: ChoiceSequence) -> Bool {
    if count != other.count { return count < other.count }
    for (mine, theirs) in zip(blocks.joined(), other.blocks.joined()) where mine != theirs {
      return mine < theirs
    }
    return false
  }
}

/// The text form: blocks divided by `;`, choices by `,`, a run of n equal choices as `c*n`.
extension ChoiceSequence: LosslessStringConvertible {
  public var description: String {
    blocks.map { block in
      var runs: [(value: UInt64, count: Int)] = []
      for choice in block {
        if let last = runs.last, last.value == choice {
          runs[runs.count - 1].count += 1
        } else {
          runs.append((choice, 1))
        }
      }
      return runs.map { $0.count == 1 ? "\($0.value)" : "\($0.value)*\($0.count)" }
        .joined(separator: ",")
    }.joined(separator: ";")
  }

  public init?(_ description: String) {
    blocks = []
    for text in description.split(separator: ";", omittingEmptySubsequences: false) {
      var block: [UInt64] = []
      for run in text.split(separator: ",") {
        let parts = run.split(separator: "*", omittingEmptySubsequences: false)
        guard let value = UInt64(parts[0]), parts.count <= 2 else { return nil }
        let repeats = parts.count == 2 ? Int(parts[1]) : 1
        guard let repeats, repeats >= 1, block.count + repeats <= 1 << 24 else { return nil }
        block.append(contentsOf: repeatElement(value, count: repeats))
      }
      blocks.append(block)
    }
  }
}
