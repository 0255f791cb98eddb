/// Makes a failing choice sequence as simple as it gets, knowing nothing of what it generates.
///
/// The order is shortlex (`ChoiceSequence.isSimpler`). Each pass proposes simpler sequences; whatever
/// still fails becomes the new best. Passes are repeated until none makes progress or the budget of
/// trials is spent. Source of the idea: MacIver and Donaldson, "Test-case reduction via test-case
/// generation" (ECOOP 2020).
public struct Shrinker {
  /// The simplest failing sequence known.
  public private(set) var best: ChoiceSequence
  /// How often the best was replaced.
  public private(set) var steps = 0
  private var trialsLeft: Int
  /// Whether the case that was run last had more choices than the best.
  private var wasLonger = false
  private var seen: Set<ChoiceSequence> = []
  /// How often elements are drawn anew for one simpler structure.
  private static let resamples = 24
  /// How often the elements behind one lower parameter are drawn anew.
  private static let parameterResamples = 8
  /// The elements are drawn anew for the simplest few values of a parameter only.
  private static let resampledPlaces = 6
  /// Bounds of the structure of fresh small cases, and how many are drawn for each.
  private static let smallLimits: [UInt64] = [1, 2, 3, 4, 8, 16, 32]
  private static let samples: UInt64 = 48
  /// Runs the generator and the check; returns what was really drawn if the case still fails.
  private let stillFails: (inout Choices) -> Bool

  /// Prepares to shrink a failing sequence.
  ///
  /// - Parameters:
  ///   - sequence: choices whose case fails.
  ///   - trials: how many cases may be run.
  ///   - stillFails: makes a case from choices, runs it, and says whether it fails in the same way;
  ///     it may say no without running a case whose choices exceed their limit.
  public init(
    _ sequence: ChoiceSequence, trials: Int, stillFails: @escaping (inout Choices) -> Bool
  ) {
    best = sequence
    trialsLeft = trials
    self.stillFails = stillFails
  }

  /// Shrinks until no pass makes progress.
  public mutating func run() {
    var before: ChoiceSequence
    drawSmall()
    repeat {
      before = best
      shrinkStructure()
      zeroBlocks()
      deleteRuns()
      zeroRuns()
      minimizeEach()
      lowerTogether()
    } while best != before && trialsLeft > 0
  }

  /// Runs a candidate if it is simpler than the best and new.
  private mutating func attempt(_ candidate: ChoiceSequence) -> Bool {
    // Even to see that a large one was tried before takes time.
    trialsLeft -= candidate.count / 2000
    guard trialsLeft > 0, candidate.isSimpler(than: best), seen.insert(candidate).inserted else {
      return false
    }
    return accept(Choices(replaying: candidate))
  }

  private mutating func accept(_ source: Choices) -> Bool {
    var choices = source
    choices.limit = best
    let fails = stillFails(&choices)
    // A trial costs what its case is large: a sum of 100 000 products must not take minutes.
    trialsLeft -= 1 + choices.drawn.count / 2000
    guard fails, !choices.exceedsLimit else {
      wasLonger = choices.drawn.count > best.count
      return false
    }
    best = choices.drawn
    steps += 1
    return true
  }

  /// Draws fresh cases of little structure: a small case that fails is soon found for most bugs, and
  /// costs less than to walk down to it from a large one.
  private mutating func drawSmall() {
    for limit in Self.smallLimits {
      var isFound = false
      for stream in 0..<Self.samples where trialsLeft > 0 {
        let randomness = Randomness(seed: 0x5A11, stream: limit << 32 | stream)
        // The others go on: the first that fails may be of a kind that lowers no further.
        if accept(Choices(structureAtMost: limit, randomness: randomness)) { isFound = true }
      }
      if isFound { return }
    }
  }

  /// Lowers each structural choice; where the old elements no longer fail, tries fresh ones.
  private mutating func shrinkStructure() {
    var index = 0
    while let structure = best.blocks.first, index < structure.count, trialsLeft > 0 {
      let value = structure[index]
      for lower in Self.lowered(value) where index < count(ofBlock: 0) {
        var candidate = best
        candidate.blocks[0][index] = lower
        if attempt(candidate) || attemptCut(index, to: lower)
          || resample(after: [candidate.blocks[0]])
        {
          break
        }
      }
      index += 1
    }
  }

  /// Lowers a structural choice that may be a dimension, and cuts the elements to match.
  ///
  /// A dimension may stand in the sequence as it is or less one, and may be the outermost or the
  /// innermost; a slice is cut from the front or the back, a single one anywhere. Whatever still fails
  /// is simpler.
  private mutating func attemptCut(_ index: Int, to lower: UInt64) -> Bool {
    // What is larger than any dimension is none: a type's bounds, a full 64-bit choice.
    guard best.blocks[0][index] < 1 << 20 else { return false }
    let value = Int(best.blocks[0][index])
    let removed = value - Int(clamping: lower)
    for dimension in [value, value + 1] where dimension > removed {
      let isSingle = removed == 1 && dimension <= 16
      let starts = isSingle ? Array(0..<dimension) : [0, dimension - removed]
      // Only the last block, too: parameters may have as many elements by chance.
      for (isInner, isLastOnly) in [(false, false), (true, false), (false, true), (true, true)] {
        for start in starts {
          var candidate = best
          candidate.blocks[0][index] = lower
          let blocks = candidate.blocks.indices.dropFirst()
          for block in isLastOnly ? blocks.suffix(1) : blocks {
            candidate.blocks[block] = Self.cut(
              candidate.blocks[block], dimension, start..<(start + removed), isInner: isInner)
          }
          if attempt(candidate) { return true }
        }
      }
    }
    return false
  }

  /// The elements of a tensor without a slice of one of its dimensions.
  private static func cut(
    _ block: [UInt64], _ dimension: Int, _ slice: Range<Int>, isInner: Bool
  ) -> [UInt64] {
    guard !block.isEmpty, block.count % dimension == 0 else { return block }
    let inner = isInner ? 1 : block.count / dimension
    return block.indices.filter { !slice.contains($0 / inner % dimension) }.map { block[$0] }
  }

  /// Zeroes a block and draws the later ones anew: values that only fail together change together.
  private mutating func zeroBlocks() {
    var block = 1
    while block + 1 < best.blocks.count {
      if best.blocks[block].contains(where: { $0 != 0 }) {
        var kept = Array(best.blocks[...block])
        kept[block] = kept[block].map { _ in 0 }
        _ = resample(after: kept)
      }
      block += 1
    }
  }

  private mutating func resample(after kept: [[UInt64]], times: Int = resamples) -> Bool {
    for _ in 0..<times where trialsLeft > 0 {
      // Another stream for every trial, the same in every run.
      let randomness = Randomness(seed: 0x5EED, stream: UInt64(trialsLeft))
      let choices = Choices(keeping: ChoiceSequence(blocks: kept), randomness: randomness)
      if accept(choices) { return true }
      // The structure decides how many elements there are.
      if wasLonger { return false }
    }
    return false
  }

  /// How many choices a block of the best has; blocks may vanish while a pass goes on.
  private func count(ofBlock block: Int) -> Int {
    block < best.blocks.count ? best.blocks[block].count : 0
  }

  /// Deletes runs of choices, long ones first.
  private mutating func deleteRuns() {
    for block in best.blocks.indices {
      var length = max(1, count(ofBlock: block) / 2)
      while length >= 1 && trialsLeft > 0 {
        var start = count(ofBlock: block) - length
        while start >= 0 && trialsLeft > 0 {
          let end = min(start + length, count(ofBlock: block))
          if start < end {
            var candidate = best
            candidate.blocks[block].removeSubrange(start..<end)
            _ = attempt(candidate)
          }
          start -= length
        }
        length /= 2
      }
    }
  }

  /// Sets runs of choices to zero, long ones first.
  private mutating func zeroRuns() {
    for block in best.blocks.indices {
      var length = count(ofBlock: block)
      while length > 1 && trialsLeft > 0 {
        var start = 0
        while start < count(ofBlock: block) && trialsLeft > 0 {
          let end = min(start + length, count(ofBlock: block))
          if best.blocks[block][start..<end].contains(where: { $0 != 0 }) {
            var candidate = best
            for index in start..<end { candidate.blocks[block][index] = 0 }
            _ = attempt(candidate)
          }
          start += length
        }
        length /= 2
      }
    }
  }

  /// Lowers each choice as far as it goes.
  private mutating func minimizeEach() {
    for block in best.blocks.indices {
      var index = 0
      while index < count(ofBlock: block) && trialsLeft > 0 {
        minimize(block, index)
        index += 1
      }
    }
  }

  private mutating func minimize(_ block: Int, _ index: Int) {
    var isLower = true
    while isLower && trialsLeft > 0 && index < count(ofBlock: block) {
      isLower = false
      for (place, lower) in Self.lowered(best.blocks[block][index]).enumerated() {
        // A step may have changed the shape of the sequence.
        guard index < count(ofBlock: block) else { return }
        var candidate = best
        candidate.blocks[block][index] = lower
        // Few values that others were solved for: lower one, and draw the others to fit.
        let isParameter =
          place < Self.resampledPlaces && block > 0 && block + 1 < best.blocks.count
          && best.blocks[block].count <= 8
        if attempt(candidate)
          || isParameter
            && resample(after: Array(candidate.blocks[...block]), times: Self.parameterResamples)
        {
          isLower = true
          break
        }
      }
    }
  }

  /// Lowers equal choices together: those that must stay equal cannot be lowered one by one.
  private mutating func lowerTogether() {
    for value in Set(best.blocks.joined()).sorted(by: >) where value > 0 && trialsLeft > 0 {
      var current = value
      while let lower = Self.lowered(current).first(where: { lowerAll(current, to: $0) }) {
        current = lower
      }
    }
  }

  private mutating func lowerAll(_ value: UInt64, to lower: UInt64) -> Bool {
    var candidate = best
    candidate.blocks = candidate.blocks.map { $0.map { $0 == value ? lower : $0 } }
    return attempt(candidate)
  }

  /// Candidates below a value, the smallest first: 0, 1, then nearer and nearer to the value.
  private static func lowered(_ value: UInt64) -> [UInt64] {
    guard value > 0 else { return [] }
    var candidates: [UInt64] = [0]
    if value > 1 { candidates.append(1) }
    var distance = value / 2
    while distance > 0 {
      // Signs alternate in the order of integers: an even distance keeps the sign.
      for step in [distance, distance & ~1] where step > 0 {
        let candidate = value - step
        if candidate > 1, candidate != candidates.last { candidates.append(candidate) }
      }
      distance /= 2
    }
    return candidates
  }
}
