import Generation
import Testing

/// Known minima of toy properties.
@Suite struct ShrinkerTests {
  /// A list of integers, its length in the structure and its elements in a block.
  private func list(_ choices: inout Choices) -> [Int64] {
    let count = choices.choose(below: 101)
    choices.beginBlock()
    return (0..<count).map { _ in choices.integer(in: -10_000...10_000) }
  }

  /// The minimum that shrinking finds from the first failing seed.
  private func minimum(trials: Int = 4000, _ fails: @escaping ([Int64]) -> Bool) -> [Int64]? {
    for seed in 0..<UInt64(200) {
      var choices = Choices(randomness: Randomness(seed: seed))
      guard fails(list(&choices)) else { continue }
      var shrinker = Shrinker(choices.drawn, trials: trials) { fails(list(&$0)) }
      shrinker.run()
      var best = Choices(replaying: shrinker.best)
      return list(&best)
    }
    return nil
  }

  @Test func minima() {
    #expect(minimum { $0.contains { $0 > 1000 } } == [1001])
    #expect(minimum { $0.contains { $0 < -57 } } == [-58])
    #expect(minimum { $0.count >= 7 } == Array(repeating: 0, count: 7))
    #expect(minimum { $0.count { $0 != 0 } >= 3 } == [1, 1, 1])
    #expect(minimum { _ in true } == [])
    #expect(minimum { $0.reduce(0, +) > 20_000 }?.reduce(0, +) == 20_001)
    #expect(minimum { Set($0).count < $0.count } == [0, 0])
  }

  /// Elements that must stay equal are lowered together.
  @Test func equalElements() {
    let found = minimum { list in
      list.contains { value in value > 50 && list.count { $0 == value } >= 2 }
    }
    #expect(found == nil || found == [51, 51])
    var shrinker = Shrinker(ChoiceSequence(blocks: [[2], [1999, 1999]]), trials: 2000) { choices in
      let values = list(&choices)
      return values.count == 2 && values[0] == values[1] && values[0] > 50
    }
    shrinker.run()
    var best = Choices(replaying: shrinker.best)
    #expect(list(&best) == [51, 51])
  }

  /// What shrinking returns still fails, is simpler, and is found within the budget.
  @Test func contract() {
    var calls = 0
    var choices = Choices(randomness: Randomness(seed: 5))
    _ = list(&choices)
    var shrinker = Shrinker(choices.drawn, trials: 200) {
      calls += 1
      return list(&$0).count >= 2
    }
    shrinker.run()
    #expect(calls <= 200 && shrinker.steps > 0)
    #expect(shrinker.best.isSimpler(than: choices.drawn))
    var best = Choices(replaying: shrinker.best)
    #expect(list(&best).count >= 2)
    // What never fails again stays as it was.
    var stubborn = Shrinker(choices.drawn, trials: 100) { _ in false }
    stubborn.run()
    #expect(stubborn.best == choices.drawn && stubborn.steps == 0)
  }

  /// The structure shrinks although the elements must then be others.
  @Test func resampling() {
    // Fails where some element equals the number of elements: shortening alone breaks that.
    var sequence: ChoiceSequence?
    for seed in 0..<UInt64(4000) where sequence == nil {
      var choices = Choices(randomness: Randomness(seed: seed))
      let values = list(&choices)
      if values.count > 20, values.contains(where: { abs($0) < 400 }) { sequence = choices.drawn }
    }
    guard let sequence else {
      Issue.record("no such list")
      return
    }
    var shrinker = Shrinker(sequence, trials: 3000) { choices in
      let values = list(&choices)
      return values.contains { abs($0) < 400 }
    }
    shrinker.run()
    var best = Choices(replaying: shrinker.best)
    #expect(list(&best) == [0])
  }

  @Test func simplicity() {
    func sequence(_ text: String) -> ChoiceSequence { ChoiceSequence(text) ?? ChoiceSequence() }
    let ordered = ["", "0", "1", "7", "0,0", "0;9", "1,0", "0,0,0"].map(sequence)
    for (index, simpler) in ordered.enumerated() {
      #expect(!simpler.isSimpler(than: simpler))
      for other in ordered[(index + 1)...] {
        #expect(
          simpler.isSimpler(than: other) && !other.isSimpler(than: simpler),
          "\(simpler) and \(other)")
      }
    }
  }
}

/// The text form of choices.
@Suite struct ChoiceSequenceTests {
  @Test func text() {
    let table: [(text: String, blocks: [[UInt64]])] = [
      ("", [[]]), ("5", [[5]]), ("5,6;7", [[5, 6], [7]]), (";", [[], []]),
      ("0*3,1;;2*2", [[0, 0, 0, 1], [], [2, 2]]),
      ("18446744073709551615", [[.max]]),
    ]
    for row in table {
      #expect(ChoiceSequence(row.text)?.blocks == row.blocks)
      #expect(ChoiceSequence(blocks: row.blocks).description == row.text)
    }
    #expect(ChoiceSequence("1*1")?.blocks == [[1]])
    for wrong in [
      "x", "1,x", "1*", "1*0", "1*x", "*2", "-1", "1*2*3", "18446744073709551616", "1*99999999999",
      " 1", "1 ", "1*-2", "0x10", "1.5", "+",
    ] {
      #expect(ChoiceSequence(wrong) == nil, "\(wrong)")
    }
  }

  @Test func roundTrip() {
    var randomness = Randomness(seed: 11)
    for _ in 0..<300 {
      let blocks = (0...randomness.below(4)).map { _ in
        (0..<randomness.below(12)).map { _ in
          randomness.oneIn(2) ? 0 : randomness.next() >> UInt64(randomness.below(64))
        }
      }
      let sequence = ChoiceSequence(blocks: blocks)
      #expect(ChoiceSequence(sequence.description) == sequence, "\(sequence)")
      #expect(sequence.count == blocks.joined().count)
    }
  }
}
