public import CaseFormat
public import Digests
public import Operations
public import Verification

/// What a proof runs through: positions from 0 on, in blocks that can be proven one by one.
public protocol Domain: Sendable {
  /// The number of positions.
  var count: Int { get }

  /// What the subject is to compute.
  var operation: any Operations.Operation.Type { get }
  var dialect: Dialect { get }

  /// Runs a subject through some positions and compares everything with the exact answers.
  func prove(
    _ positions: Range<Int>, subject: any Subject, judge: Judge, runner: GuardedRunner
  ) -> BlockResult

  /// Cases that may show that a subject is wrong at a place, the smallest first.
  func cases(at place: Counterexample) -> [Case]
}

/// How a domain is divided.
public enum Blocks {
  /// The positions of a block; the last one may have fewer.
  public static let size = 1 << 22

  /// The number of blocks of a domain.
  public static func count(of positions: Int) -> Int { (positions + size - 1) / size }

  /// The positions of a block.
  public static func positions(of block: Int, in count: Int) -> Range<Int> {
    block * size..<min(count, (block + 1) * size)
  }
}

/// How the proof of a block ended.
public enum BlockResult: Sendable {
  /// Every element was compared.
  case compared(BlockReport)
  /// The subject did what no kernel may do.
  case fault(Judgement, Counterexample)
  /// The subject does not take such cases, and why.
  case refused(String)
  /// There is no exact answer, and why.
  case failed(String)
}

/// What came of a block whose every element was compared.
public struct BlockReport: Hashable, Sendable {
  /// A digest of all outputs of the block, in order.
  public var digest: Digest
  /// How many elements disagree.
  public var wrongCount = 0
  /// The first ones.
  public var wrong: [Counterexample] = []
  /// How many elements the dialect leaves open.
  public var openCount = 0
  /// How the exact answers were had.
  public var evidence = Oracle.Evidence()

  /// A report of a block.
  public init(digest: Digest) { self.digest = digest }
}

/// A place at which a subject is wrong, as cases that may show it: the first that does is the one.
public struct Counterexample: Hashable, Sendable {
  /// The position in the domain.
  public var position: Int
  /// The question's number, where the domain has several; of a dot product its placement's.
  public var lane: Int
  /// The code of the input; 0 where a position has none.
  public var input: Int64
  /// How many elements the call had, and which of them it was.
  public var callLength: Int
  public var callIndex: Int
  /// The output and what was found; nil where the call did not come back.
  public var output: String?
  public var found: Int64?

  /// A place at which a subject is wrong.
  public init(
    position: Int, lane: Int, input: Int64, callLength: Int, callIndex: Int,
    output: String? = nil, found: Int64? = nil
  ) {
    (self.position, self.lane, self.input) = (position, lane, input)
    (self.callLength, self.callIndex) = (callLength, callIndex)
    (self.output, self.found) = (output, found)
  }
}
