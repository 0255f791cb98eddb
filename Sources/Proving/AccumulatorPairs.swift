public import CaseFormat
import NumberFormats
public import Operations

/// What the sums of two raw products of a channel can be, as kernels add them in int16.
///
/// x86's `vpmaddubsw` multiplies unsigned by signed bytes and adds two products with int16
/// saturation [accumulate §16]: the input u is unsigned, signed ones with 128 added; the weight v is
/// signed, unsigned ones with 128 taken off. A product reaches u*v at either end of u, two of them
/// both at once.
public struct AccumulatorPairBound: Hashable, Sendable {
  /// The least and greatest sum of two neighbours, the first and the second product, the third and
  /// the fourth, and so on in the order of the weights; the last may be alone.
  public let neighbours: ClosedRange<Int64>
  /// The least and greatest sum of any two products; of the one, where there is one.
  public let any: ClosedRange<Int64>
  /// The first of the two neighbours that lie furthest beyond the middle of int16.
  let place: Int
  /// The two products that lie furthest beyond it.
  let places: [Int]

  /// Whether a sum of two neighbours can leave int16.
  public var neighboursOverflow: Bool { Self.leavesInt16(neighbours) }
  /// Whether a sum of some two products can leave int16.
  public var anyOverflow: Bool { Self.leavesInt16(any) }

  private static func leavesInt16(_ range: ClosedRange<Int64>) -> Bool {
    range.lowerBound < -32768 || range.upperBound > 32767
  }
}

extension AccumulatorLayer {
  /// The pair sums of every channel, in order.
  ///
  /// - Throws: `usage` where inputs or weights have more than 8 bits.
  public func pairBounds() throws(AccumulatorError) -> [AccumulatorPairBound] {
    guard input.dtype.bits <= 8, weights.dtype.bits <= 8 else {
      throw .usage(
        "\(name): pairs are added in int16 of bytes, not of \(input.dtype.name) and "
          + weights.dtype.name)
    }
    return (0..<channelCount).map { pairBound(weights(of: $0)) }
  }

  /// The input as the unsigned byte that is multiplied.
  private var rawInputs: ClosedRange<Int64> {
    let shift: Int64 = input.dtype.isSigned ? 128 : 0
    return input.levels.lowerBound + shift...input.levels.upperBound + shift
  }

  /// A weight as the signed byte that is multiplied.
  private func rawWeight(_ weight: Int64) -> Int64 { weight - (weights.dtype.isSigned ? 0 : 128) }

  /// The least and the greatest product of each weight.
  private func rawProducts(_ weights: [Int64]) -> [ClosedRange<Int64>] {
    let (low, high) = (rawInputs.lowerBound, rawInputs.upperBound)
    let shift = rawWeight(0)
    return weights.map { weight in
      let ends = (low * (weight + shift), high * (weight + shift))
      return min(ends.0, ends.1)...max(ends.0, ends.1)
    }
  }

  private func pairBound(_ weights: [Int64]) -> AccumulatorPairBound {
    let products = rawProducts(weights)
    func sum(_ first: Int, _ second: Int) -> ClosedRange<Int64> {
      guard first != second, products.indices.contains(second) else { return products[first] }
      let (one, other) = (products[first], products[second])
      return one.lowerBound + other.lowerBound...one.upperBound + other.upperBound
    }
    var (place, neighbours) = (0, sum(0, 1))
    var reach = Self.reach(neighbours)
    for start in stride(from: 2, to: products.count, by: 2) {
      let next = sum(start, start + 1)
      if Self.reach(next) > reach { (place, reach) = (start, Self.reach(next)) }
      neighbours =
        min(neighbours.lowerBound, next.lowerBound)...max(neighbours.upperBound, next.upperBound)
    }
    let least = Self.twoGreatest(products.lazy.map { -$0.lowerBound })
    let greatest = Self.twoGreatest(products.lazy.map(\.upperBound))
    let any = sum(least.0, least.1).lowerBound...sum(greatest.0, greatest.1).upperBound
    let places = any.upperBound >= -any.lowerBound - 1 ? greatest : least
    return AccumulatorPairBound(
      neighbours: neighbours, any: any, place: place, places: [places.0, places.1])
  }

  /// How far a range goes; the ends of int16 are each other's complements.
  private static func reach(_ range: ClosedRange<Int64>) -> Int64 {
    max(range.upperBound, -range.lowerBound - 1)
  }

  /// The places of the two greatest values; twice the same where there is one value.
  private static func twoGreatest(_ values: some Collection<Int64>) -> (Int, Int) {
    var (first, second) = ((place: 0, value: Int64.min), (place: 0, value: Int64.min))
    for (place, value) in values.enumerated() {
      if value > first.value {
        (first, second) = ((place, value), place == 0 ? (place, value) : first)
      } else if value > second.value || second.place == first.place {
        second = (place, value)
      }
    }
    return (first.place, second.place)
  }

  // MARK: Witnesses

  /// A case that a kernel gets wrong which adds pairs with int16 saturation; nil where none can be.
  ///
  /// Where neighbours overflow, the channel as it is; else a `matmul` in which the two products that
  /// do come first. The exact reference evaluates the case with and without saturating pairs, and
  /// differs.
  ///
  /// - Throws: `usage` where no dialect has an answer to it.
  public func pairWitness(
    channel: Int, bound: AccumulatorPairBound, dialects: [Dialect]
  ) throws(AccumulatorError) -> Case? {
    // One product of bytes never leaves int16, so there are two.
    guard bound.anyOverflow else { return nil }
    let weights = weights(of: channel)
    let isInPlace = bound.neighboursOverflow
    let pair = isInPlace ? [bound.place, bound.place + 1] : bound.places
    let order =
      isInPlace ? Array(weights.indices) : pair + weights.indices.filter { !pair.contains($0) }
    for isGreatest in [true, false] {
      let reached = rawProducts(pair.map { weights[$0] })
        .reduce(Int64(0)) { $0 + (isGreatest ? $1.upperBound : $1.lowerBound) }
      guard reached > 32767 || reached < -32768 else { continue }
      // Every other input at the end that keeps its products small, then at the other one.
      for rest in [input.levels.lowerBound, input.levels.upperBound] {
        let operands = order.map { place in
          let isHigh = (rawWeight(weights[place]) > 0) == isGreatest
          let level = isHigh ? input.levels.upperBound : input.levels.lowerBound
          return (level: pair.contains(place) ? level : rest, weight: weights[place])
        }
        var test = try test(
          operands, channel: channel, isInPlace ? operation : .matmul,
          id: "\(name)/\(channel)/pair")
        guard let sum = try Self.pairsMatter(in: &test) else { continue }
        test.note =
          "\(name), channel \(channel): as bytes, products \(pair[0]) and \(pair[1]) add up to "
          + "\(reached); int16 ends at \(reached > 0 ? 32767 : -32768)"
        return try Self.answer(test, sum: sum, dialects)
      }
    }
    return nil
  }

  private static let exactPairs = dialect(pairs: "exact")
  private static let saturatingPairs = dialect(pairs: "saturating_int16")

  private static func dialect(pairs: String) -> Dialect? {
    try? Dialect.parse(
      "name: pairs\naccumulate: {bits: 64, overflow: error, pairs: \(pairs)}", file: "pairs.yaml")
  }

  /// The exact sum of a case in which saturating pairs give another one; nil where they do not.
  private static func pairsMatter(in test: inout Case) throws(AccumulatorError) -> Int64? {
    func answer(_ test: Case, _ dialect: Dialect?) -> Int64? {
      dialect.flatMap { try? Reference.evaluate(test, dialect: $0) }?["y"]?.tensor.codes.first
    }
    var wide = test
    wide.attributes["output_dtype"] = .string("int64")
    guard let sum = answer(wide, exactPairs), sum != answer(wide, saturatingPairs) else {
      return nil
    }
    if Int32(exactly: sum) == nil { test = wide }
    return sum
  }
}

/// Which pair sums of some layers can leave int16.
public struct AccumulatorPairReport: Sendable {
  /// The bounds of the channels of each layer.
  public let bounds: [[AccumulatorPairBound]]
  /// How many channels have neighbours that can leave int16.
  public let neighbourCount: Int
  /// How many channels have any two products that can.
  public let anyCount: Int
  private let layers: [AccumulatorLayer]

  /// Bounds the pair sums of every channel.
  ///
  /// - Throws: `usage` where a layer is not of bytes.
  public init(_ layers: [AccumulatorLayer]) throws(AccumulatorError) {
    var bounds: [[AccumulatorPairBound]] = []
    for layer in layers { bounds.append(try layer.pairBounds()) }
    self.bounds = bounds
    self.layers = layers
    neighbourCount = bounds.reduce(0) { $0 + $1.count { $0.neighboursOverflow } }
    anyCount = bounds.reduce(0) { $0 + $1.count { $0.anyOverflow } }
  }

  /// Cases for the first channels whose pairs can leave int16, neighbours before any two products.
  ///
  /// - Throws: `usage` where no dialect has an answer to one of them.
  public func witnesses(
    atMost limit: Int, dialects: [Dialect]
  ) throws(AccumulatorError) -> [Case] {
    var cases: [Case] = []
    for wantsNeighbours in [true, false] {
      for (layer, bounds) in zip(layers, bounds) {
        for (channel, bound) in bounds.enumerated()
        where bound.anyOverflow && bound.neighboursOverflow == wantsNeighbours {
          if cases.count == limit { return cases }
          if let test = try layer.pairWitness(channel: channel, bound: bound, dialects: dialects) {
            cases.append(test)
          }
        }
      }
    }
    return cases
  }
}
