import CaseFormat
import Generation
import NumberFormats
import Operations
import Proving
import Testing

/// Sums of two products as byte kernels have them.
@Suite struct AccumulatorPairTests {
  private let ideal: Dialect
  private let saturating: Dialect

  init() throws {
    ideal = try Dialect.named("ideal")
    saturating = try Dialect.parse(
      "name: pairs\naccumulate: {bits: 64, overflow: error, pairs: saturating_int16}",
      file: "pairs.yaml")
  }

  private func layer(
    _ dtype: String, _ codes: [Int64], input: String, _ low: Int64? = nil, _ high: Int64? = nil
  ) throws -> AccumulatorLayer {
    try AccumulatorLayer(
      name: "pairs", operation: .matmul,
      weights: Tensor(try type(dtype), shape: [1, codes.count], codes: codes),
      input: try AccumulatorInput(try type(input), minimum: low, maximum: high))
  }

  /// Every input of a few levels, and every pair.
  @Test func everyPair() throws {
    var random = Randomness(seed: 5)
    var counts = (neighbours: 0, any: 0, none: 0)
    for _ in 0..<400 {
      let (dtype, input) = (random.pick(["int8", "uint8", "int4"]), random.pick(["int8", "uint8"]))
      let lowest: Int64 = dtype == "uint8" ? 0 : dtype == "int8" ? -128 : -8
      let codes = (0..<1 + random.below(7)).map { _ in
        random.within(lowest...lowest + (dtype == "int4" ? 15 : 255))
      }
      let base: Int64 = input == "int8" ? -128 : 0
      let low = base + random.within(0...255)
      let layer = try layer(dtype, codes, input: input, low, random.within(low...base + 255))
      let bound = try layer.pairBounds()[0]
      let raw = codes.map { $0 - (dtype == "uint8" ? 128 : 0) }
      let levels = layer.input.levels.map { $0 - base }
      var (neighbours, any): (Set<Int64>, Set<Int64>) = ([], [])
      for first in raw.indices {
        let isAlone = first % 2 == 0 && first + 1 == raw.count
        for u in levels {
          if isAlone { neighbours.insert(u * raw[first]) }
          if raw.count == 1 { any.insert(u * raw[first]) }
          for second in raw.indices where second > first {
            // Products are linear in each input: the ends are enough for the second.
            for v in [levels[0], levels[levels.count - 1]] {
              let sum = u * raw[first] + v * raw[second]
              any.insert(sum)
              if first % 2 == 0 && second == first + 1 { neighbours.insert(sum) }
            }
          }
        }
      }
      #expect(bound.neighbours.lowerBound == neighbours.min())
      #expect(bound.neighbours.upperBound == neighbours.max())
      #expect(bound.any.lowerBound == any.min() && bound.any.upperBound == any.max())
      try checkWitness(layer, bound, &counts)
    }
    #expect(counts.neighbours > 30 && counts.any > 10 && counts.none > 30, "\(counts)")
  }

  /// A kernel that saturates pairs gets the witness wrong.
  private func checkWitness(
    _ layer: AccumulatorLayer, _ bound: AccumulatorPairBound,
    _ counts: inout (neighbours: Int, any: Int, none: Int)
  ) throws {
    let witness = try layer.pairWitness(channel: 0, bound: bound, dialects: [ideal])
    guard bound.anyOverflow else {
      #expect(witness == nil && !bound.neighboursOverflow)
      counts.none += 1
      return
    }
    let test = try #require(witness)
    let y = try Reference.evaluate(test)["y"]?.tensor
    #expect(y == test.outputs?["y"]?.tensor)
    #expect(try Reference.evaluate(test, dialect: saturating)["y"]?.tensor != y)
    let inputs = try #require(test.inputs["a"])
    #expect(inputs.codes.allSatisfy { layer.input.levels.contains($0) })
    if bound.neighboursOverflow { counts.neighbours += 1 } else { counts.any += 1 }
    if bound.neighboursOverflow {
      #expect(test.inputs["b"]?.codes == layer.weights.codes)
    }
  }

  /// The check of [accumulate §16]: 127, 127 with 255, 255; and |v| <= 64 is safe.
  @Test func byHand() throws {
    #expect(try layer("int8", [127, 127], input: "uint8").pairBounds()[0].neighbours == 0...64770)
    let safe = try layer("int8", [64, 64, -64, -64, 64], input: "int8").pairBounds()[0]
    #expect(!safe.anyOverflow && safe.any == -32640...32640)
    let apart = try layer("int8", [100, 0, 100, 0], input: "int8").pairBounds()[0]
    #expect(!apart.neighboursOverflow && apart.anyOverflow && apart.neighbours == 0...25500)
    let report = try AccumulatorPairReport([
      try layer("int8", [100, 0, 100, 0], input: "int8"), try layer("int8", [99, 99], input: "int8"),
    ])
    #expect(report.neighbourCount == 1 && report.anyCount == 2)
    let ids = try report.witnesses(atMost: 5, dialects: [ideal]).map { $0.inputs["b"]?.codes }
    #expect(ids == [[99, 99], [100, 100, 0, 0]])
    #expect(throws: AccumulatorError.self) {
      try layer("int16", [1], input: "int8").pairBounds()
    }
  }
}
