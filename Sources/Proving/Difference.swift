public import CaseFormat
import Dispatch
import NumberFormats
public import Operations
import Synchronization
import Verification

/// Where two dialects answer the same question differently: the exact set of inputs.
///
/// Both dialects' exact answers (`Oracle`) are laid over each other, code by code of the swept input
/// and so complete: what is not in `ranges` or counted as open is answered alike by both.
public struct Difference: Sendable {
  /// What a dialect allows for one output of one input.
  public struct Answer: Hashable, Sendable {
    public var code: Int64
    /// Where an interval is allowed, its upper end, else the code again.
    public var upper: Int64
    /// Whether the dialect leaves it open.
    public var isOpen: Bool

    /// Whether some value agrees with both.
    func overlaps(_ other: Answer) -> Bool { code <= other.upper && other.code <= upper }
  }

  /// Consecutive codes on which both answers stay the same, and differ.
  public struct Range: Hashable, Sendable {
    public var codes: ClosedRange<Int64>
    /// The answers of either dialect, output by output.
    public var first: [Answer]
    public var second: [Answer]
  }

  /// The two questions, which differ in their dialects only.
  public let first: Question
  public let second: Question
  /// The maximal ranges, in the order of codes: the first ones, as many as were asked for.
  public private(set) var ranges: [Range] = []
  /// How many ranges there are, and how many inputs in them.
  public private(set) var rangeCount = 0
  public private(set) var count = 0
  /// How many inputs the first dialect alone leaves open, or answers by more than one value of which
  /// the other has one; and the second alone; and both.
  public private(set) var openInFirst = 0
  public private(set) var openInSecond = 0
  public private(set) var openInBoth = 0
  /// The first inputs that one dialect alone leaves open.
  public private(set) var firstOpen: [Int64] = []
  /// How many inputs were compared: all of them, unless it was cancelled.
  public private(set) var total = 0

  /// Whether the answers of both dialects are found by their steps or in a small domain, in seconds;
  /// else every input is evaluated, which takes minutes.
  public static func isQuick(_ template: Case, _ first: Dialect, _ second: Dialect) -> Bool {
    for dialect in [first, second] {
      guard let question = try? Question(template, dialect: dialect), question.isEnumerable else {
        return false
      }
      if question.dtype.bits <= 16 { continue }
      guard case .steps = question.dependence else { return false }
      let isCoarse = question.outputs.allSatisfy { output in
        output.dtype.bits <= 8 || question.operation.name == "fake_quantize"
      }
      if !isCoarse { return false }
    }
    return true
  }

  /// Whether both answer every input alike, where neither leaves it open.
  public var isEmpty: Bool { count == 0 }

  /// Compares two dialects on every code of the swept input.
  ///
  /// - Parameters:
  ///   - template: attributes and the other inputs; the swept input says only its type.
  ///   - first: a dialect.
  ///   - second: the dialect to compare it with.
  ///   - limit: how many ranges are kept.
  ///   - jobs: how many threads compute.
  ///   - progress: told the part that is done, from 0 to 1.
  ///   - isCancelled: asked now and then; what is not compared then is in no count.
  /// - Throws: what either dialect says against the parameters; `unsupported` where outputs or their
  ///   types are not the same, or the input has too many codes to enumerate.
  public init(
    _ template: Case, _ first: Dialect, _ second: Dialect, limit: Int = 16, jobs: Int = 1,
    progress: @escaping @Sendable (Double) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(CaseError) {
    self.first = try Self.question(template, first)
    self.second = try Self.question(template, second)
    guard self.first.outputs == self.second.outputs else {
      throw .unsupported(
        "'\(first.name)' gives \(Self.phrase(self.first.outputs)), '\(second.name)' gives "
          + Self.phrase(self.second.outputs))
    }
    guard self.first.isEnumerable else {
      throw .unsupported("\(self.first.dtype.name) has too many values to compare them all")
    }
    let domain = self.first.codes
    let size = Int(domain.upperBound - domain.lowerBound) + 1
    let oracles = (Oracle(self.first, domain: size), Oracle(self.second, domain: size))
    let blocks = Self.blocks(of: domain, size)
    let parts = Parts(count: blocks.count)
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, blocks.count))) { _ in
      while let index = parts.take() {
        if isCancelled() { return }
        do throws(CaseError) {
          let (start, count) = (blocks[index].lowerBound, blocks[index].count)
          let left = try oracles.0.expected(from: start, count: count).runs
          let right = try oracles.1.expected(from: start, count: count).runs
          var part = Tally(limit: limit)
          part.merge(left, right, from: start)
          progress(parts.finish(index, .success(part)))
        } catch {
          progress(parts.finish(index, .failure(error)))
        }
      }
    }
    var tally = Tally(limit: limit)
    for part in parts.results { tally.append(try part.get()) }
    adopt(tally)
  }

  /// A question, with the name of the dialect before what it says against it.
  private static func question(
    _ template: Case, _ dialect: Dialect
  ) throws(CaseError) -> Question {
    do throws(CaseError) {
      return try Question(template, dialect: dialect)
    } catch {
      throw CaseError(error.kind, "'\(dialect.name)': \(error.message)")
    }
  }

  private static func phrase(_ outputs: [Sweep.Output]) -> String {
    outputs.map { "\($0.name) of type \($0.dtype.name)" }.joined(separator: " and ")
  }

  /// Blocks that threads take one by one.
  private static func blocks(of domain: ClosedRange<Int64>, _ size: Int) -> [Swift.Range<Int64>] {
    let length = Int64(max(1 << 14, size / 256))
    return stride(from: domain.lowerBound, through: domain.upperBound, by: Int(length)).map {
      $0..<min($0 + length, domain.upperBound + 1)
    }
  }

  private mutating func adopt(_ tally: Tally) {
    (ranges, rangeCount, count) = (tally.ranges, tally.rangeCount, tally.count)
    (openInFirst, openInSecond, openInBoth) = (tally.open.first, tally.open.second, tally.open.both)
    (firstOpen, total) = (tally.firstOpen, tally.total)
  }

  /// How a dialect comes to its answer for one input, stage by stage.
  public func stages(of code: Int64, isFirst: Bool) -> [Stage] {
    let question = isFirst ? first : second
    let reference = ElementReference(output: question.outputs[0].name, index: 0)
    let outcome = try? Reference.evaluate(
      question.test([code]), dialect: question.dialect, explaining: reference)
    return outcome?.stages ?? []
  }
}

/// What has been counted over consecutive codes.
private struct Tally {
  let limit: Int
  var ranges: [Difference.Range] = []
  var rangeCount = 0
  var count = 0
  var open = (first: 0, second: 0, both: 0)
  var firstOpen: [Int64] = []
  var total = 0
  /// The range that ended last, which the next codes may go on with.
  private var last: Difference.Range?

  init(limit: Int) { self.limit = max(1, limit) }

  /// Lays the answers of two dialects over each other.
  mutating func merge(_ left: ExpectedRuns, _ right: ExpectedRuns, from start: Int64) {
    var (i, j, position) = (0, 0, start)
    var (leftRest, rightRest) = (left.counts.first ?? 0, right.counts.first ?? 0)
    while i < left.counts.count && j < right.counts.count {
      let count = min(leftRest, rightRest)
      add(Self.answers(left, i), Self.answers(right, j), position...position + Int64(count) - 1)
      position += Int64(count)
      leftRest -= count
      rightRest -= count
      if leftRest == 0 {
        i += 1
        leftRest = i < left.counts.count ? left.counts[i] : 0
      }
      if rightRest == 0 {
        j += 1
        rightRest = j < right.counts.count ? right.counts[j] : 0
      }
    }
  }

  private static func answers(_ runs: ExpectedRuns, _ run: Int) -> [Difference.Answer] {
    runs.columns.map { column in
      Difference.Answer(
        code: column.codes[run],
        upper: column.upper.isEmpty ? column.codes[run] : column.upper[run],
        isOpen: column.isOpen(run))
    }
  }

  private mutating func add(
    _ first: [Difference.Answer], _ second: [Difference.Answer], _ codes: ClosedRange<Int64>
  ) {
    total += codes.count
    var opens = (first: false, second: false)
    var (differs, isBothOpen) = (false, false)
    for (a, b) in zip(first, second) where a != b || a.isOpen {
      if a.isOpen && b.isOpen {
        isBothOpen = true
      } else if a.isOpen {
        opens.first = true
      } else if b.isOpen {
        opens.second = true
      } else if !a.overlaps(b) {
        differs = true
      } else {
        // An interval that holds the other's value: it says less.
        if a.upper > a.code { opens.first = true }
        if b.upper > b.code { opens.second = true }
      }
    }
    if differs { return add(Difference.Range(codes: codes, first: first, second: second)) }
    if opens.first || opens.second {
      if firstOpen.count < limit { firstOpen.append(codes.lowerBound) }
      switch opens {
      case (true, true): open.both += codes.count
      case (true, false): open.first += codes.count
      default: open.second += codes.count
      }
    } else if isBothOpen {
      open.both += codes.count
    }
  }

  private mutating func add(_ range: Difference.Range) {
    count += range.codes.count
    if var last, last.codes.upperBound + 1 == range.codes.lowerBound, last.first == range.first,
      last.second == range.second
    {
      last.codes = last.codes.lowerBound...range.codes.upperBound
      if rangeCount <= ranges.count { ranges[ranges.count - 1] = last }
      self.last = last
      return
    }
    rangeCount += 1
    last = range
    if ranges.count < limit { ranges.append(range) }
  }

  /// Adds what was counted over the codes that follow.
  mutating func append(_ next: Tally) {
    total += next.total
    open.first += next.open.first
    open.second += next.open.second
    open.both += next.open.both
    firstOpen += next.firstOpen.prefix(limit - firstOpen.count)
    guard let first = next.ranges.first, let nextLast = next.last else { return }
    let before = rangeCount
    count += next.count - first.codes.count
    add(first)
    let isJoined = rangeCount == before
    for range in next.ranges.dropFirst() where ranges.count < limit { ranges.append(range) }
    rangeCount += next.rangeCount - 1
    // Where the first range is also the last, what it was joined to has grown.
    if next.rangeCount > 1 || !isJoined { last = nextLast }
  }
}

/// The results of blocks, which threads take and fill in any order.
private final class Parts: Sendable {
  private let next = Atomic<Int>(0)
  private let slots: Mutex<(filled: Int, results: [Result<Tally, CaseError>?])>
  private let count: Int

  init(count: Int) {
    self.count = count
    slots = Mutex((0, Array(repeating: nil, count: count)))
  }

  func take() -> Int? {
    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
    return index < count ? index : nil
  }

  /// Fills a slot; returns the part of all that is done.
  func finish(_ index: Int, _ result: Result<Tally, CaseError>) -> Double {
    slots.withLock {
      $0.results[index] = result
      $0.filled += 1
      return Double($0.filled) / Double(count)
    }
  }

  var results: [Result<Tally, CaseError>] { slots.withLock { $0.results.compactMap { $0 } } }
}
