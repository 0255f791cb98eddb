import CaseFormat
import ExactArithmetic
import Foundation
import Generation
import NumberFormats
import Operations
import Proving
import Testing

/// The bounds against every input in every order, and against their sources.
@Suite struct AccumulatorBoundTests {
  /// What is reached by a channel when everything is tried.
  private struct Tried {
    var sums: ClosedRange<Int64>
    var partials: ClosedRange<Int64>

    /// Tries every input in every order.
    init(_ layer: AccumulatorLayer, _ channel: Int, _ order: BiasOrder) {
      let zero =
        layer.weightZeroPoints.count > 1
        ? layer.weightZeroPoints[channel] : layer.weightZeroPoints.first ?? 0
      let values = weights(layer, channel).map { $0 - zero }
      let bias = layer.biases.count > 1 ? layer.biases[channel] : layer.biases.first ?? 0
      let levels = layer.input.levels.filter { layer.input.dtype.isValid(code: $0) }
      var sums: Set<Int64> = []
      var partials: Set<Int64> = []
      for products in Self.products(values, levels.map { $0 - layer.input.zeroPoint }) {
        sums.insert(bias + products.reduce(0, +))
        for permutation in Self.permutations(products) {
          var sum = order == .first ? bias : 0
          partials.insert(sum)
          for product in permutation {
            sum += product
            partials.insert(sum)
          }
          if order == .last { partials.insert(sum + bias) }
        }
      }
      self.sums = (sums.min() ?? 0)...(sums.max() ?? 0)
      self.partials = (partials.min() ?? 0)...(partials.max() ?? 0)
    }

    private static func products(_ weights: [Int64], _ inputs: [Int64]) -> [[Int64]] {
      weights.reduce([[]]) { lists, weight in
        lists.flatMap { list in inputs.map { list + [$0 * weight] } }
      }
    }

    private static func permutations(_ list: [Int64]) -> [[Int64]] {
      if list.count < 2 { return [list] }
      return list.indices.flatMap { index in
        var rest = list
        let first = rest.remove(at: index)
        return permutations(rest).map { [first] + $0 }
      }
    }
  }

  @Test func everyInputInEveryOrder() throws {
    var samples = LayerSamples(seed: 1)
    var differing = 0
    for _ in 0..<400 {
      let layer = try samples.layer(depth: 4)
      for order in BiasOrder.allCases {
        let bounds = layer.bounds(order)
        #expect(bounds.count == layer.weights.shape[layer.channelAxis])
        for (channel, bound) in bounds.enumerated() {
          let tried = Tried(layer, channel, order)
          #expect(bound.sum.lowerBound == Integer(tried.sums.lowerBound))
          #expect(bound.sum.upperBound == Integer(tried.sums.upperBound))
          // Before the first product there is nothing that could have left the accumulator but 0.
          #expect(bound.partial.lowerBound == Integer(tried.partials.lowerBound))
          #expect(bound.partial.upperBound == Integer(tried.partials.upperBound))
          differing += bound.sum == bound.partial ? 0 : 1
        }
      }
    }
    #expect(differing > 100)
  }

  /// By hand: weights 127, -128, 0 and uint8 inputs less 10, bias 5.
  @Test func byHand() throws {
    let layer = try AccumulatorLayer(
      name: "hand", operation: .matmul,
      weights: Tensor(try type("int8"), shape: [1, 3], codes: [127, -128, 0]), biases: [5],
      input: try AccumulatorInput(try type("uint8"), zeroPoint: 10))
    let bound = layer.bounds()[0]
    #expect(bound.sum == -32625...32400)
    #expect(bound.partial == bound.sum && bound.sumBits == 16 && bound.partialBits == 16)
    let last = layer.bounds(.last)[0]
    #expect(last.sum == bound.sum && last.partial == -32630...32400)
  }

  /// The least width, by trying all of them.
  @Test func widths() {
    let ends: [Int64] = [0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 32767, 32768]
    for low in ends + ends.map({ -$0 }) + [-129, -32769] {
      for high in ends + ends.map({ -$0 }) where low <= high {
        let least = (1...40).first { low >= -(1 << ($0 - 1)) && high < 1 << ($0 - 1) }
        #expect(AccumulatorBound.bits(for: Integer(low)...Integer(high)) == least, "\(low) \(high)")
      }
    }
  }

  /// The formula as A2Q prints it, in binary64; no result is near a rounding here but 2^n + 1.
  private func published(_ count: Int, input: Int, isSigned: Bool, weight: Int) -> Int {
    let alpha = log2(Double(count)) + Double(input + weight - 1 - (isSigned ? 1 : 0))
    return Int((alpha + log2(1 + exp2(-alpha)) + 1).rounded(.up))
  }

  @Test func dataTypeBound() throws {
    for (input, weight) in [("int8", "int8"), ("uint8", "int8"), ("uint4", "int4"), ("int4", "int8")] {
      let (x, w) = (try type(input), try type(weight))
      for count in [1, 2, 3, 9, 64, 147, 576, 1000, 4096, 4608] {
        let least = Int64(-1) << Int64(w.bits - 1)
        let layer = try AccumulatorLayer(
          name: "all", operation: .matmul,
          weights: Tensor(
            w, shape: [1, count], codes: Array(repeating: least, count: count)),
          input: try AccumulatorInput(x))
        let bound = layer.bounds()[0]
        let bits = published(count, input: x.bits, isSigned: x.isSigned, weight: w.bits)
        #expect(bound.dataTypeBits == bits, "\(input) \(weight) \(count)")
        // The weights at their least reach what the types allow, but for 2^n - 1 against 2^n.
        #expect((bits - 1...bits).contains(bound.sumBits), "\(input) \(weight) \(count)")
      }
    }
  }

  /// Types know less than weights.
  @Test func dataTypesAllowEverySum() throws {
    var samples = LayerSamples(seed: 3)
    for _ in 0..<500 {
      for bound in try samples.layer(depth: 40).bounds(.last) {
        #expect(max(bound.sumBits, bound.partialBits) <= bound.dataTypeBits)
      }
    }
  }

  /// The largest weights and inputs that are taken, without overflow on the way.
  @Test func widest() throws {
    let layer = try AccumulatorLayer(
      name: "wide", operation: .matmul,
      weights: Tensor(
        try type("int32"), shape: [1, 1000],
        codes: Array(repeating: -(1 << 31), count: 1000)),
      weightZeroPoints: [1 << 31 - 1], biases: [.max],
      input: try AccumulatorInput(try type("uint32")))
    let bound = layer.bounds()[0]
    let product = (Integer(UInt32.max)) * -(Integer.powerOfTwo(32) - 1)
    #expect(bound.sum.lowerBound == product * 1000 + Integer(Int64.max))
    #expect(bound.sum.upperBound == Integer(Int64.max) && bound.sumOverflows(64))
    // No output type holds that sum.
    let ideal = try Dialect.named("ideal")
    #expect(
      try layer.witness(channel: 0, bound: bound, beyond: 64, .first, dialects: [ideal]) == nil)
  }

  /// What the table of [accumulate §14] says of int32.
  @Test func longestReductions() throws {
    for (x, zero, weight, longest) in [
      ("int8", 0, -128, 131_071), ("int8", 0, 127, 132_104), ("uint8", 0, -128, 65793),
    ] as [(String, Int64, Int64, Int)] {
      for (count, bits) in [(longest, 32), (longest + 1, 33)] {
        let layer = try AccumulatorLayer(
          name: "long", operation: .matmul,
          weights: Tensor(
            try type("int8"), shape: [1, count], codes: Array(repeating: weight, count: count)),
          input: try AccumulatorInput(try type(x), zeroPoint: zero))
        // -2^31 is a sum that int32 has; the table is of magnitudes.
        let sum = layer.bounds()[0].sum
        let magnitude = max(sum.upperBound, -sum.lowerBound)
        #expect(AccumulatorBound.bits(for: 0...magnitude) == bits, "\(x) \(weight) \(count)")
      }
    }
  }
}
