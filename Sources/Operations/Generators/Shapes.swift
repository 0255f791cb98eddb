import CaseFormat
import ExactArithmetic
import Generation
import NumberFormats

extension Randomness {
  /// A length around the vector widths: every tail of 4, 8, 16, 32 and 64 lanes.
  mutating func length(atMost limit: Int) -> Int {
    let length: Int
    switch below(9) {
    case 8: length = below(limit + 1)
    case 0, 1: length = below(6)
    case 2, 3: length = below(20)
    case 4: length = pick([3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33])
    case 5: length = pick([63, 64, 65, 127, 128, 129])
    default: length = below(70)
    }
    return min(length, limit)
  }

  /// An integer of a range: its ends and their neighbours, values near zero, anything.
  mutating func edge(_ range: ClosedRange<Int64>) -> Int64 {
    let (low, high) = (range.lowerBound, range.upperBound)
    switch below(6) {
    case 0: return pick([low, high])
    case 1: return pick([min(low + 1, high), max(high - 1, low)])
    case 2: return min(max(Int64(below(5)) - 2, low), high)
    default: return within(range)
    }
  }
}

/// How the elements of an integer tensor are distributed; never narrower than the type.
enum IntegerMood: Int, CaseIterable {
  case uniform, extremes, edges, small, oneHot, alternating, lowest, highest
}

extension Choices {
  /// A length around the vector widths.
  mutating func length(atLeast low: Int = 0, atMost high: Int) -> Int {
    low + Int(choose(below: UInt64(high - low + 1)) { UInt64($0.length(atMost: high - low)) })
  }

  /// The range of the codes of an integer type.
  static func range(of type: DataType) -> ClosedRange<Int64> {
    guard let range = type.integerRange, let low = range.lowerBound.int64,
      let high = range.upperBound.int64
    else { return 0...0 }
    return low...high
  }

  /// One integer of a type, ends first.
  mutating func integer(of type: DataType) -> Int64 {
    let range = Self.range(of: type)
    return integer(in: range) { $0.edge(range) }
  }

  /// An integer tensor over the full range of its type, in a block of its own.
  ///
  /// One-hot tensors are filled with `zero`; the mood is drawn where none is given.
  mutating func integers(
    _ type: DataType, shape: [Int], zero: Int64 = 0, mood: IntegerMood? = nil
  ) -> Tensor {
    beginBlock()
    let range = Self.range(of: type)
    let drawn = IntegerMood(rawValue: self.mood(IntegerMood.allCases.count)) ?? .uniform
    let mood = mood ?? drawn
    let count = Tensor.count(of: shape) ?? 0
    let hot = count > 0 ? self.mood(count) : 0
    var codes: [Int64] = []
    codes.reserveCapacity(count)
    let (low, high) = (range.lowerBound, range.upperBound)
    let order = SimplicityOrder(range)
    for index in 0..<count {
      let place = choose(below: order.count) { randomness in
        let value: Int64
        switch mood {
        case .uniform: value = randomness.within(range)
        case .extremes: value = randomness.below(2) == 0 ? low : high
        case .edges: value = randomness.edge(range)
        case .small: value = min(max(Int64(randomness.below(7)) - 3, low), high)
        case .oneHot: value = index == hot ? randomness.edge(range) : zero
        case .alternating: value = index % 2 == 0 ? high : low
        case .lowest: value = low
        case .highest: value = high
        }
        return order.index(of: min(max(value, low), high))
      }
      codes.append(order.value(at: place))
    }
    return Tensor(type, shape: shape, codes: codes)
  }

  /// One of the data types of a rule, the first ones more often.
  mutating func type(_ types: [DataType]) -> DataType {
    if types.count == 1 { return types[0] }
    return types[
      Int(
        choose(below: UInt64(types.count)) {
          UInt64($0.pick([0, 0, 0, 1, 1, $0.below(types.count), $0.below(types.count)]))
        })]
  }

  /// A tensor of scales, in a block of its own.
  mutating func scales(_ type: DataType, shape: [Int]) -> Tensor {
    beginBlock()
    let format = type.floatFormat ?? .binary32
    let count = Tensor.count(of: shape) ?? 0
    let codes = (0..<count).map { _ in
      Int64(bitPattern: scale(format) { $0.scaleCode(format) })
    }
    return Tensor(type, shape: shape, codes: codes)
  }

  /// A tensor of zero points, in a block of its own.
  mutating func zeroPoints(_ type: DataType, shape: [Int]) -> Tensor {
    beginBlock()
    let count = Tensor.count(of: shape) ?? 0
    return Tensor(type, shape: shape, codes: (0..<count).map { _ in integer(of: type) })
  }
}

/// The shapes of an element-wise case: a tensor and its parameters.
struct ElementwiseShape {
  var x: [Int]
  var parameter: [Int] = []
  var axis: Int?
  var blockSize = 0

  /// Draws a shape for a dialect's rule of granularity; blocked only where the dialect knows blocks.
  init(from choices: inout Choices, rule: AffineParameters.AxisRule, hasBlocks: Bool) {
    let kinds: [(value: Int, weight: Int)] =
      hasBlocks ? [(0, 6), (1, 4), (2, 2)] : [(0, 6), (1, 4)]
    switch choices.choose(kinds) {
    case 0:
      // Now and then long enough to leave any block that a kernel works in.
      x = [choices.oneIn(1000) ? 1000 + choices.choose(below: 4000) : choices.length(atMost: 140)]
    case 1:
      let outer = 1 + choices.choose(below: 2)
      let channels = choices.length(atLeast: 1, atMost: 140)
      let isLarge = choices.oneIn(60)
      let inner = choices.length(
        atMost: isLarge ? 66 : max(2, min(66, 280 / channels)))
      switch rule {
      case .broadcast:
        x = [outer, channels, inner]
        parameter = [channels, 1]
      case .defaultsToOne, .explicit:
        let position = choices.choose(below: 3)
        switch position {
        case 0: x = [outer, channels, inner]
        case 1: x = [channels, inner]
        default: x = [inner, channels]
        }
        axis = position == 1 ? 0 : 1
        if choices.oneIn(4) { axis = (axis ?? 0) - x.count }
        parameter = [channels]
      }
    default:
      let outer = choices.length(atLeast: 1, atMost: 4)
      let dimension = choices.length(atLeast: 1, atMost: 12)
      let inner = choices.length(atLeast: 1, atMost: 6)
      blockSize = 1 + choices.choose(below: dimension)
      x = [outer, dimension, inner]
      axis = 1
      parameter = [outer, (dimension + blockSize - 1) / blockSize, inner]
    }
  }

  /// The attributes that say what the shape means.
  var attributes: [String: AttributeValue] {
    var attributes: [String: AttributeValue] = [:]
    if let axis { attributes["axis"] = .integer(axis) }
    if blockSize > 0 { attributes["block_size"] = .integer(blockSize) }
    return attributes
  }

  /// The map from elements to parameters.
  func map(_ x: Tensor, _ parameter: Tensor) -> ParameterMap {
    let map: ParameterMap? =
      if blockSize > 0 {
        try? .blocked(axis: 1, size: blockSize, of: x, parameter: parameter, named: "")
      } else if let axis {
        try? .along(axis: axis, of: x, parameter: parameter, named: "")
      } else {
        try? .broadcast(to: x, parameter: parameter, named: "")
      }
    return map ?? .perTensor
  }
}
