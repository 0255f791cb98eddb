import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations
import Proving
import Testing

/// The cases that take an accumulator out of its range.
@Suite struct AccumulatorWitnessTests {
  private let ideal: Dialect
  /// Accumulators of a width that tell when they are left.
  private let strict: [Int: Dialect]

  init() throws {
    ideal = try Dialect.named("ideal")
    var strict: [Int: Dialect] = [:]
    for bits in 8...64 {
      strict[bits] = try Dialect.parse(
        "name: strict\naccumulate: {bits: \(bits), overflow: error}", file: "strict.yaml")
    }
    self.strict = strict
  }

  /// The exact reference reaches the bound, and an accumulator of that width does not hold it.
  @Test func extremesAreReached() throws {
    var samples = LayerSamples(seed: 7)
    var counts = (sums: 0, partials: 0, none: 0)
    for _ in 0..<200 {
      let layer = try samples.layer(depth: 30)
      for order in BiasOrder.allCases {
        for (channel, bound) in layer.bounds(order).enumerated() {
          // The widths just too narrow for sums and for partial ones, and those that suffice.
          let widths = [bound.sumBits, bound.partialBits].flatMap { [$0 - 1, $0] }
          for bits in Set(widths) where strict[bits] != nil {
            try check(layer, channel, bound, bits, order, &counts)
          }
        }
      }
    }
    #expect(counts.sums > 500 && counts.partials > 50 && counts.none > 500, "\(counts)")
  }

  private func check(
    _ layer: AccumulatorLayer, _ channel: Int, _ bound: AccumulatorBound, _ bits: Int,
    _ order: BiasOrder, _ counts: inout (sums: Int, partials: Int, none: Int)
  ) throws {
    let witness = try layer.witness(
      channel: channel, bound: bound, beyond: bits, order, dialects: [ideal])
    guard let witness else {
      #expect(!bound.overflows(bits))
      counts.none += 1
      return
    }
    let range = witness.isPartial ? bound.partial : bound.sum
    #expect([range.lowerBound, range.upperBound].contains(witness.value))
    #expect(AccumulatorBound.bits(for: min(witness.value, 0)...max(witness.value, 0)) > bits)
    let inputs = try #require(witness.test.inputs["x"] ?? witness.test.inputs["a"])
    #expect(inputs.codes.allSatisfy { layer.input.levels.contains($0) })
    let y = try Reference.evaluate(witness.test)["y"]
    #expect(y?.tensor == witness.test.outputs?["y"]?.tensor)
    if witness.isPartial {
      counts.partials += 1
      #expect(witness.test.operation == "matmul" && !bound.sumOverflows(bits))
      #expect(try partialSum(of: witness, order) == witness.value)
    } else {
      counts.sums += 1
      #expect(witness.test.operation == layer.operation.rawValue)
      #expect(y.map { Integer($0.tensor.codes[0]) } == witness.value)
      #expect(throws: CaseError.self) {
        try Reference.evaluate(witness.test, dialect: strict[bits])
      }
    }
  }

  /// The sum of the first products of a case, the bias as the order has it.
  private func partialSum(of witness: AccumulatorWitness, _ order: BiasOrder) throws -> Integer {
    var test = witness.test
    let (a, b) = (try #require(test.inputs["a"]), try #require(test.inputs["b"]))
    let count = witness.productCount
    if count == 0 { return Integer(test.inputs["bias"]?.codes[0] ?? 0) }
    test.inputs["a"] = Tensor(a.dtype, shape: [1, count], codes: Array(a.codes[..<count]))
    test.inputs["b"] = Tensor(b.dtype, shape: [count, 1], codes: Array(b.codes[..<count]))
    if order == .last { test.inputs["bias"] = nil }
    test.attributes["output_dtype"] = .string("int64")
    return Integer(try #require(try Reference.evaluate(test)["y"]).tensor.codes[0])
  }

  /// A partial sum that leaves 14 bits, though no sum does: it shows where each addition saturates.
  @Test func partialSumsOnly() throws {
    let layer = try AccumulatorLayer(
      name: "partial", operation: .matmul,
      weights: Tensor(try type("int8"), shape: [1, 4], codes: [-100, 50, -100, 50]),
      input: try AccumulatorInput(try type("uint8"), minimum: 60, maximum: 100))
    let bound = layer.bounds()[0]
    #expect(bound.sum == -14000 ... -2000 && bound.partial == -20000...10000)
    #expect(!bound.sumOverflows(15) && bound.overflows(15))
    let witness = try #require(
      try layer.witness(channel: 0, bound: bound, beyond: 15, .first, dialects: [ideal]))
    #expect(witness.isPartial && witness.value == -20000 && witness.productCount == 2)
    #expect(witness.test.inputs["b"]?.codes == [-100, -100, 50, 50])
    #expect(witness.test.inputs["a"]?.codes == [100, 100, 100, 100])
    #expect(witness.test.outputs?["y"]?.tensor.codes == [-10000])
    for (overflow, answer) in [("saturate_each", Int64(-16384 + 10000)), ("saturate", -10000)] {
      let dialect = try Dialect.parse(
        "name: narrow\naccumulate: {bits: 15, overflow: \(overflow)}", file: "narrow.yaml")
      let y = try Reference.evaluate(witness.test, dialect: dialect)["y"]
      #expect(y?.tensor.codes == [answer], "\(overflow)")
    }
  }

  /// The dialect of a case: the first that answers the sum itself, or the last.
  @Test func dialects() throws {
    let onnx = try Dialect.named("onnx")
    let wrapping = try Dialect.parse(
      "name: wrapping\nextends: onnx\naccumulate: {bits: 8, overflow: wrap}", file: "w.yaml")
    func witness(_ input: String, _ count: Int, _ dialects: [Dialect]) throws -> Case {
      let layer = try AccumulatorLayer(
        name: "d", operation: .matmul,
        weights: Tensor(
          try type("int8"), shape: [1, count], codes: Array(repeating: -128, count: count)),
        input: try AccumulatorInput(try type(input)))
      let bound = layer.bounds()[0]
      return try #require(
        try layer.witness(channel: 0, bound: bound, beyond: 8, .first, dialects: dialects)
      ).test
    }
    #expect(try witness("int8", 2, [onnx, ideal]).dialect == "onnx")
    #expect(try witness("int16", 2, [onnx, ideal]).dialect == "ideal")
    let long = try witness("int8", 131_073, [onnx, ideal])
    #expect(long.dialect == "ideal" && long.attributes["output_dtype"] == .string("int64"))
    #expect(long.outputs?["y"]?.tensor.codes == [2_147_500_032])
    let wrapped = try witness("int8", 2, [wrapping])
    #expect(wrapped.dialect == "wrapping" && wrapped.outputs?["y"]?.tensor.codes == [0])
    #expect(throws: AccumulatorError.self) { try witness("int16", 2, [onnx]) }
  }

  /// Worst channels first, equal ones in the order of the layers, and no more than are asked for.
  @Test func order() throws {
    let weights = Tensor(try type("int8"), shape: [4, 1], codes: [3, -128, 100, -128])
    let layer = try AccumulatorLayer(
      name: "four", operation: .matmul, weights: weights,
      input: try AccumulatorInput(try type("int8")))
    let report = AccumulatorReport([layer, layer], .first, declaredBits: 11)
    let found = report.overflowing.map { [$0.layer, $0.channel] }
    #expect(found == [[0, 1], [0, 3], [1, 1], [1, 3], [0, 2], [1, 2]])
    let ids = try report.witnesses(atMost: 2, dialects: [ideal]).map(\.test.id)
    #expect(ids == ["four/1/greatest", "four/3/greatest"])
    #expect(report.overflowCounts(at: 11) == (6, 6) && report.overflowCounts(at: 16) == (0, 0))
    #expect(report.sumHistogram.map(\.bits) == [10, 15, 16])
    #expect(report.sumHistogram.map(\.channels) == [2, 2, 4])
    #expect(AccumulatorReport([layer], .first, declaredBits: nil).overflowing.isEmpty)
  }
}
