import CaseFormat
import Generation
import NumberFormats
import Proving
import Testing

/// A data type by its name.
func type(_ name: String) throws -> DataType { try #require(DataType(name: name)) }

/// Layers of a few small weights, of every shape, with and without zero points and biases.
struct LayerSamples {
  var random: Randomness

  init(seed: UInt64) { random = Randomness(seed: seed) }

  /// Inputs of a few levels, the zero point in the range or, where allowed, beside it.
  mutating func input(mayMissZero: Bool) throws -> AccumulatorInput {
    let dtype = try type(random.pick(["int4", "uint4", "int8", "uint8", "int16", "int1"]))
    if dtype.bits == 1 { return try AccumulatorInput(dtype) }
    let lowest: Int64 = dtype.isSigned ? -(1 << (dtype.bits - 1)) : 0
    let highest = lowest + (1 << dtype.bits) - 1
    let low = random.oneIn(2) ? lowest : random.within(lowest...highest - 3)
    let high = low + random.within(0...3)
    let zero = mayMissZero && random.oneIn(2) ? random.within(lowest...highest) : low
    return try AccumulatorInput(dtype, minimum: low, maximum: high, zeroPoint: zero)
  }

  /// Weights of an integer type, often at its ends.
  mutating func weights(_ dtype: DataType, shape: [Int]) -> Tensor {
    let lowest: Int64 = dtype.isSigned ? -(1 << (dtype.bits - 1)) : 0
    let highest = lowest + (1 << dtype.bits) - 1
    let codes = (0..<(Tensor.count(of: shape) ?? 0)).map { _ in
      random.oneIn(4) ? random.pick([lowest, highest, 0]) : random.within(lowest...highest)
    }
    return Tensor(dtype, shape: shape, codes: codes)
  }

  /// A layer in which no channel sums more than `depth` products.
  mutating func layer(depth: Int) throws -> AccumulatorLayer {
    let operation = random.pick(AccumulatorLayer.Operation.allCases)
    let layout = random.pick(AccumulatorLayer.Layout.allCases)
    let channels = 1 + random.below(3)
    let length = 1 + random.below(depth)
    let isLast = layout == .channelsLast
    var axis: Int?
    let shape: [Int]
    switch operation {
    case .conv2d: shape = isLast ? [channels, length, 1, 1] : [channels, 1, 1, length]
    case .depthwiseConv2D: shape = isLast ? [1, 1, length, channels] : [channels, 1, length, 1]
    case .matmul:
      shape = isLast ? [length, channels] : [1, channels, length]
      axis = isLast ? -1 : 1
    }
    let dtype = try type(random.pick(["int4", "int8", "uint8", "int16", "int32"]))
    let zero = weights(dtype, shape: [random.pick([1, channels])])
    let biases = (0..<random.pick([0, 1, channels])).map { _ in random.within(-100_000...100_000) }
    return try AccumulatorLayer(
      name: "layer", operation: operation, layout: layout, weights: weights(dtype, shape: shape),
      channelAxis: axis, weightZeroPoints: random.oneIn(2) ? [] : zero.codes, biases: biases,
      input: try input(mayMissZero: operation == .matmul))
  }
}

/// The weights of a channel by the shape that the case format gives them.
func weights(_ layer: AccumulatorLayer, _ channel: Int) -> [Int64] {
  let tensor = layer.weights
  return tensor.codes.indices
    .filter { tensor.coordinates(of: $0)[layer.channelAxis] == channel }
    .map { tensor.codes[$0] }
}
