import CaseFormat
import ExactArithmetic
public import Operations

/// What the accumulators of all output channels of some layers need.
public struct AccumulatorReport: Sendable {
  /// A layer with the bounds of its channels.
  public struct Layer: Sendable {
    public let layer: AccumulatorLayer
    public let bounds: [AccumulatorBound]
  }

  /// One channel of one of the layers.
  public struct Channel: Hashable, Sendable {
    public var layer: Int
    public var channel: Int
  }

  public let layers: [Layer]
  public let order: BiasOrder
  /// The width whose overflow is asked for; nil where none is.
  public let declaredBits: Int?
  /// The channels that can leave the declared width, those that go furthest beyond it first.
  public let overflowing: [Channel]

  /// Bounds every channel.
  public init(_ layers: [AccumulatorLayer], _ order: BiasOrder, declaredBits: Int?) {
    let bounded = layers.map { Layer(layer: $0, bounds: $0.bounds(order)) }
    self.layers = bounded
    self.order = order
    self.declaredBits = declaredBits
    var found: [(channel: Channel, reach: Integer)] = []
    if let declaredBits {
      for (index, layer) in bounded.enumerated() {
        for (channel, bound) in layer.bounds.enumerated() {
          guard let extreme = layer.layer.extreme(of: bound, beyond: declaredBits) else { continue }
          let reach = extreme.isGreatest ? extreme.value : -extreme.value - 1
          found.append((Channel(layer: index, channel: channel), reach))
        }
      }
    }
    // Equal ones stay in the order of the layers: the sort is stable by their position.
    overflowing = found.enumerated()
      .sorted { ($1.element.reach, $0.offset) < ($0.element.reach, $1.offset) }
      .map(\.element.channel)
  }

  /// Every bound, in the order of layers and channels.
  private var bounds: some Sequence<AccumulatorBound> { layers.lazy.flatMap(\.bounds) }

  /// How many output channels there are.
  public var channelCount: Int { layers.reduce(0) { $0 + $1.bounds.count } }
  /// How many weights there are.
  public var weightCount: Int { layers.reduce(0) { $0 + $1.layer.weights.count } }
  /// The least width that holds every whole sum of every channel.
  public var sumBits: Int { bounds.map(\.sumBits).max() ?? 1 }
  /// The least width that holds every partial sum of every channel too.
  public var partialBits: Int { bounds.map { max($0.sumBits, $0.partialBits) }.max() ?? 1 }
  /// The width that the types alone ask for.
  public var dataTypeBits: Int { bounds.map(\.dataTypeBits).max() ?? 1 }

  /// How many channels need each width for their whole sums, by rising width.
  public var sumHistogram: [(bits: Int, channels: Int)] { histogram(\.sumBits) }
  /// How many channels need each width for every partial sum, by rising width.
  public var partialHistogram: [(bits: Int, channels: Int)] {
    histogram { max($0.sumBits, $0.partialBits) }
  }

  private func histogram(
    _ bits: (AccumulatorBound) -> Int
  ) -> [(bits: Int, channels: Int)] {
    var counts: [Int: Int] = [:]
    for bound in bounds { counts[bits(bound), default: 0] += 1 }
    return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// How many channels can leave a width: with a whole sum, and with any partial one.
  public func overflowCounts(at bits: Int) -> (sum: Int, partial: Int) {
    (bounds.count { $0.sumOverflows(bits) }, bounds.count { $0.overflows(bits) })
  }

  /// A case for each of the channels that go furthest beyond the declared width.
  ///
  /// - Throws: `usage` where no dialect has an answer to one of them.
  public func witnesses(
    atMost limit: Int, dialects: [Dialect]
  ) throws(AccumulatorError) -> [AccumulatorWitness] {
    guard let declaredBits else { return [] }
    var witnesses: [AccumulatorWitness] = []
    for place in overflowing.prefix(limit) {
      let layer = layers[place.layer]
      let witness = try layer.layer.witness(
        channel: place.channel, bound: layer.bounds[place.channel], beyond: declaredBits, order,
        dialects: dialects)
      if let witness { witnesses.append(witness) }
    }
    return witnesses
  }
}
