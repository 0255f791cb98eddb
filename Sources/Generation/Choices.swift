/// Where a generator draws its choices from: random, replayed, or enumerated.
///
/// The same generator code serves all: a random source follows the distribution that the generator
/// asks for, a replay returns what was drawn before, and zero past its end; zero is always the
/// simplest choice. Distributions are not part of the sequence, so a shrunk case needs none.
public struct Choices: Sendable {
  private enum Source: Sendable {
    case random(Randomness)
    case replay(ChoiceSequence)
    /// Replays the first blocks and draws the rest.
    case resample(ChoiceSequence, Randomness)
    /// Draws structure below a bound, half of it zero, and elements at random.
    case small(UInt64, Randomness)
    case exhaustive
  }

  private var source: Source
  /// What was drawn, clamped to what was possible.
  public private(set) var drawn = ChoiceSequence(blocks: [[]])
  /// What the choices must be simpler than to be of use; nil where anything is.
  public var limit: ChoiceSequence?
  private var position = 0
  /// For enumeration: the current digits with their bounds.
  private var digits: [(value: UInt64, bound: UInt64)] = []
  private var block = 0

  /// Draws at random.
  public init(randomness: Randomness) { source = .random(randomness) }

  /// Draws what was drawn before.
  public init(replaying sequence: ChoiceSequence) { source = .replay(sequence) }

  /// Keeps the first blocks of a case, its structure among them, and draws the others anew.
  public init(keeping blocks: ChoiceSequence, randomness: Randomness) {
    source = .resample(blocks, randomness)
  }

  /// Draws a random case of little structure: each choice of the first block is at most `limit`.
  public init(structureAtMost limit: UInt64, randomness: Randomness) {
    source = .small(limit, randomness)
  }

  /// Enumerates every sequence; `advance()` goes to the next.
  public static func exhaustive() -> Choices {
    Choices(source: .exhaustive)
  }

  private init(source: Source) { self.source = source }

  /// Whether what was drawn is of no use, so that its case need not be run.
  public var exceedsLimit: Bool { limit.map { !drawn.isSimpler(than: $0) } ?? false }

  /// Starts the block of another tensor's elements.
  public mutating func beginBlock() {
    drawn.blocks.append([])
    block += 1
    position = 0
  }

  /// A number below a bound.
  ///
  /// - Parameters:
  ///   - bound: how many choices there are; at least 1.
  ///   - pick: the distribution that a random source follows.
  /// - Returns: the choice, at most `bound - 1`.
  public mutating func choose(
    below bound: UInt64, _ pick: (inout Randomness) -> UInt64
  ) -> UInt64 {
    precondition(bound > 0, "a choice needs at least one possibility")
    let value: UInt64
    switch source {
    case .random(var randomness):
      value = pick(&randomness)
      source = .random(randomness)
    case .replay(let sequence):
      let blocks = sequence.blocks
      value =
        block < blocks.count && position < blocks[block].count ? blocks[block][position] : 0
    case .resample(let kept, var randomness):
      if block < kept.blocks.count {
        value = position < kept.blocks[block].count ? kept.blocks[block][position] : 0
      } else {
        value = pick(&randomness)
        source = .resample(kept, randomness)
      }
    case .small(let limit, var randomness):
      // A flag may ask for something rare and large: it keeps its own probability.
      if block > 0 || bound == 2 {
        value = pick(&randomness)
      } else {
        value = randomness.oneIn(2) ? 0 : randomness.below(min(bound - 1, limit) + 1)
      }
      source = .small(limit, randomness)
    case .exhaustive:
      let index = drawn.count
      if index == digits.count { digits.append((0, bound)) }
      digits[index].bound = bound
      value = digits[index].value
    }
    let clamped = min(value, bound - 1)
    drawn.blocks[block].append(clamped)
    position += 1
    return clamped
  }

  /// A number below a bound, uniformly.
  public mutating func choose(below bound: Int) -> Int {
    Int(choose(below: UInt64(bound)) { $0.below(UInt64(bound)) })
  }

  /// One of a list of values; the first is the simplest.
  public mutating func choose<T>(_ values: [T]) -> T { values[choose(below: values.count)] }

  /// One of a list of values, with the probability that each one's weight says.
  public mutating func choose<T>(_ weighted: [(value: T, weight: Int)]) -> T {
    let total = weighted.reduce(0) { $0 + $1.weight }
    let index = choose(below: UInt64(weighted.count)) { randomness in
      var rest = randomness.below(total)
      for (index, entry) in weighted.enumerated() {
        rest -= entry.weight
        if rest < 0 { return UInt64(index) }
      }
      return 0
    }
    return weighted[Int(index)].value
  }

  /// True with a probability of one in `n`; false is simpler.
  public mutating func oneIn(_ n: Int) -> Bool {
    choose(below: 2) { $0.oneIn(n) ? 1 : 0 } == 1
  }

  /// An integer of a range; the nearer to zero, the simpler, and positive before negative.
  ///
  /// - Parameters:
  ///   - range: the whole range, of at most 2^63 values.
  ///   - pick: the distribution that a random source follows.
  /// - Returns: the integer, within the range.
  public mutating func integer(
    in range: ClosedRange<Int64>, _ pick: (inout Randomness) -> Int64
  ) -> Int64 {
    let order = SimplicityOrder(range)
    let index = choose(below: order.count) { randomness in
      order.index(of: min(max(pick(&randomness), range.lowerBound), range.upperBound))
    }
    return order.value(at: index)
  }

  /// An integer of a range, uniformly.
  public mutating func integer(in range: ClosedRange<Int64>) -> Int64 {
    integer(in: range) { $0.within(range) }
  }

  /// A random number that is not recorded: for choosing a distribution, never a value.
  public mutating func mood(_ count: Int) -> Int {
    switch source {
    case .random(var randomness):
      let value = randomness.below(count)
      source = .random(randomness)
      return value
    case .resample(let kept, var randomness):
      let value = randomness.below(count)
      source = .resample(kept, randomness)
      return value
    case .small(let limit, var randomness):
      let value = randomness.below(count)
      source = .small(limit, randomness)
      return value
    case .replay, .exhaustive: return 0
    }
  }

  /// Goes to the next sequence of an enumeration; false when all have been seen.
  public mutating func advance() -> Bool {
    guard digits.count >= drawn.count else { return false }
    digits.removeLast(digits.count - drawn.count)
    while let last = digits.popLast() {
      if last.value + 1 < last.bound {
        digits.append((last.value + 1, last.bound))
        drawn = ChoiceSequence(blocks: [[]])
        (block, position) = (0, 0)
        return true
      }
    }
    return false
  }
}

/// The order in which the integers of a range grow more complex: 0, 1, -1, 2, -2, ...
///
/// Where zero is not in the range, the end nearest to it comes first.
public struct SimplicityOrder: Sendable {
  private let range: ClosedRange<Int64>
  private let origin: Int64
  /// How many values lie on both sides at equal distance.
  private let paired: UInt64

  /// The order of a range of at most 2^63 values.
  public init(_ range: ClosedRange<Int64>) {
    self.range = range
    origin = min(max(0, range.lowerBound), range.upperBound)
    paired = min(
      UInt64(bitPattern: range.upperBound &- origin), UInt64(bitPattern: origin &- range.lowerBound)
    )
  }

  /// How many values the range has.
  public var count: UInt64 {
    let span = UInt64(bitPattern: range.upperBound &- range.lowerBound)
    return span == .max ? .max : span + 1
  }

  /// The place of a value in the order.
  public func index(of value: Int64) -> UInt64 {
    let isAbove = value >= origin
    let distance = UInt64(bitPattern: isAbove ? value &- origin : origin &- value)
    if distance == 0 { return 0 }
    if distance <= paired { return 2 &* distance &- (isAbove ? 1 : 0) }
    return paired &+ distance
  }

  /// The value at a place in the order.
  public func value(at index: UInt64) -> Int64 {
    if index <= 2 &* paired {
      let distance = Int64(bitPattern: (index &+ 1) / 2)
      return index % 2 == 1 ? origin &+ distance : origin &- distance
    }
    let distance = Int64(bitPattern: index &- paired)
    return range.upperBound &- origin >= distance ? origin &+ distance : origin &- distance
  }
}
