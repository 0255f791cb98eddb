import Generation
import Testing

/// Where choices come from, and that they come again.
@Suite struct ChoicesTests {
  /// SplitMix64 by its published outputs: a change would move every seed that anyone wrote down.
  @Test func pinnedNumbers() {
    var zero = Randomness(seed: 0)
    #expect(
      (0..<3).map { _ in zero.next() } == [
        0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F,
      ])
    var seed = Randomness(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in seed.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  /// Streams of one seed differ, and so do seeds.
  @Test func streams() {
    var first: Set<UInt64> = []
    for seed in 0..<UInt64(20) {
      for stream in 0..<UInt64(200) {
        var randomness = Randomness(seed: seed, stream: stream)
        first.insert(randomness.next())
      }
    }
    #expect(first.count == 4000)
    var again = Randomness(seed: 7, stream: 9)
    var same = Randomness(seed: 7, stream: 9)
    #expect((0..<50).allSatisfy { _ in again.next() == same.next() })
  }

  @Test func ranges() {
    var randomness = Randomness(seed: 3)
    #expect((0..<1000).allSatisfy { _ in randomness.below(7) < 7 })
    #expect(Set((0..<200).map { _ in randomness.below(7) }).count == 7)
    #expect((0..<100).allSatisfy { _ in (-3...3).contains(randomness.within(-3...3)) })
    #expect(randomness.within(5...5) == 5 && randomness.below(1) == 0)
    let whole = (0..<200).map { _ in randomness.within(.min ... .max) }
    #expect(whole.contains { $0 < 0 } && whole.contains { $0 > 0 } && Set(whole).count == 200)
    let hits = (0..<9000).count { _ in randomness.oneIn(3) }
    #expect((2700...3300).contains(hits))
    #expect(Set((0..<100).map { _ in randomness.pick(["a", "b"]) }) == ["a", "b"])
  }

  /// A generator of every kind of choice, in blocks.
  private func draw(_ choices: inout Choices) -> [Int64] {
    var values: [Int64] = []
    let count = choices.choose(below: 9)
    values.append(Int64(count))
    values.append(choices.oneIn(2) ? 1 : 0)
    values.append(Int64(choices.choose([10, 20, 30])))
    values.append(choices.choose([(Int64(1), 9), (Int64(2), 1)]))
    choices.beginBlock()
    for _ in 0..<count { values.append(choices.integer(in: -100...50)) }
    choices.beginBlock()
    for _ in 0..<count { values.append(choices.integer(in: .min ... .max) { $0.within(-9...9) }) }
    return values
  }

  @Test func replayEqualsRandom() {
    for seed in 0..<UInt64(300) {
      var random = Choices(randomness: Randomness(seed: seed))
      let values = draw(&random)
      var again = Choices(randomness: Randomness(seed: seed))
      var replay = Choices(replaying: random.drawn)
      guard draw(&again) != values || draw(&replay) != values || replay.drawn != random.drawn
      else { continue }
      Issue.record("seed \(seed)")
    }
  }

  /// Past its end a replay draws zeros, the simplest choices; too large a choice is clamped.
  @Test func replayPastTheEnd() {
    var empty = Choices(replaying: ChoiceSequence())
    #expect(draw(&empty) == [0, 0, 10, 1])
    #expect(empty.drawn.blocks == [[0, 0, 0, 0], [], []])
    var large = Choices(replaying: ChoiceSequence(blocks: [[.max, .max, .max, .max], [.max]]))
    #expect(draw(&large).prefix(5) == [8, 1, 30, 2, -100])
    #expect(large.drawn.blocks[0] == [8, 1, 2, 1] && large.drawn.blocks[1].first == 150)
    var missing = Choices(replaying: ChoiceSequence(blocks: [[2]]))
    #expect(draw(&missing) == [2, 0, 10, 1, 0, 0, 0, 0])
  }

  /// The structure stays, the elements are new.
  @Test func resample() {
    let structure = ChoiceSequence(blocks: [[8, 1, 2, 1]])
    var first = Choices(keeping: structure, randomness: Randomness(seed: 1))
    var second = Choices(keeping: structure, randomness: Randomness(seed: 2))
    let (a, b) = (draw(&first), draw(&second))
    #expect(a.prefix(4) == [8, 1, 30, 2] && b.prefix(4) == a.prefix(4) && a != b)
    // With the first tensor kept too, only the second is new.
    var third = Choices(
      keeping: ChoiceSequence(blocks: Array(first.drawn.blocks.prefix(2))),
      randomness: Randomness(seed: 3))
    let c = draw(&third)
    #expect(c.prefix(12) == a.prefix(12) && c != a)
  }

  /// Every sequence once, however the shape depends on what was drawn.
  @Test func exhaustive() {
    var choices = Choices.exhaustive()
    var seen: Set<[Int]> = []
    var count = 0
    repeat {
      let length = choices.choose(below: 4)
      seen.insert((0..<length).map { _ in choices.choose(below: 3) })
      count += 1
    } while choices.advance()
    #expect(count == 1 + 3 + 9 + 27 && seen.count == count)
    var integers = Choices.exhaustive()
    var values: [Int64] = []
    repeat { values.append(integers.integer(in: -2...3)) } while integers.advance()
    #expect(values == [0, 1, -1, 2, -2, 3])
    var none = Choices.exhaustive()
    let isEmpty = !none.advance()
    #expect(isEmpty)
  }

  /// The distribution that a generator asks for is followed, and is no part of the sequence.
  @Test func distribution() {
    var choices = Choices(randomness: Randomness(seed: 4))
    let rare = (0..<3000).count { _ in choices.choose([(0, 9), (1, 1)]) == 1 }
    #expect((200...400).contains(rare))
    let aimed = (0..<100).map { _ in choices.choose(below: 1000) { _ in 999 } }
    #expect(aimed.allSatisfy { $0 == 999 })
    let clamped = (0..<5).map { _ in choices.integer(in: -3...3) { _ in 99 } }
    #expect(clamped == [3, 3, 3, 3, 3])
    let before = choices.drawn
    _ = choices.mood(5)
    #expect(choices.drawn == before)
    var replay = Choices(replaying: before)
    #expect(replay.mood(5) == 0 && replay.drawn.count == 0)
  }
}

/// The order of integers by simplicity.
@Suite struct SimplicityOrderTests {
  private static let ranges: [ClosedRange<Int64>] = [
    0...0, 5...5, -5 ... -5, 0...9, -9...0, -3...3, -3...100, -100...3, 5...20, -20 ... -5, -1...0,
    0...1,
    .min ... .max, .min...0, 0 ... .max, .min ... .min, .max ... .max, .min ... -1, 1 ... .max,
    .min...1, -1 ... .max, .min...(.min + 3), (.max - 3) ... .max,
  ]

  @Test(arguments: ranges) func bijection(range: ClosedRange<Int64>) {
    let order = SimplicityOrder(range)
    let count = order.count
    let ends: [Int64] = [
      range.lowerBound, range.upperBound, 0, 1, -1, range.lowerBound &+ 1, range.upperBound &- 1,
      range.upperBound / 2, range.lowerBound / 2,
    ]
    for value in ends where range.contains(value) {
      let index = order.index(of: value)
      #expect(index < count || count == .max, "\(value)")
      #expect(order.value(at: index) == value, "\(value)")
    }
    var places: [UInt64] = [0, 1, 2, 3, count / 2, count - 1]
    if count < 300 { places = (0..<count).map { $0 } }
    for place in places where place < count {
      let value = order.value(at: place)
      #expect(range.contains(value) && order.index(of: value) == place, "place \(place)")
    }
  }

  @Test func order() {
    func first(_ range: ClosedRange<Int64>, _ count: UInt64) -> [Int64] {
      (0..<count).map { SimplicityOrder(range).value(at: $0) }
    }
    #expect(first(-3...3, 7) == [0, 1, -1, 2, -2, 3, -3])
    #expect(first(-1...4, 6) == [0, 1, -1, 2, 3, 4])
    #expect(first(-4...1, 6) == [0, 1, -1, -2, -3, -4])
    #expect(first(5...8, 4) == [5, 6, 7, 8])
    #expect(first(-8 ... -5, 4) == [-5, -6, -7, -8])
    #expect(first(.min ... .max, 5) == [0, 1, -1, 2, -2])
    #expect(
      SimplicityOrder(-128...127).count == 256 && SimplicityOrder(.min ... .max).count == .max)
    #expect(SimplicityOrder(0 ... .max).count == 1 << 63)
  }
}
