import CaseFormat
import Generation
import NumberFormats

/// Draws convolutions: shapes around the vector widths, every attribute, the full range of values.
struct ConvolutionShape {
  var layout = ConvolutionGeometry.Layout.channelsFirst
  var batch = 1
  var group = 1
  var channelsPerGroup = 1
  var outputsPerGroup = 1
  var kernel = (1, 1)
  var strides = (1, 1)
  var dilations = (1, 1)
  var pads = [0, 0, 0, 0]
  var autoPad: String?
  var height = 1
  var width = 1
  let isDepthwise: Bool

  /// About how many products a case may have; shapes beyond it are cut.
  private static let productLimit = 12_000

  init(from choices: inout Choices, isDepthwise: Bool) {
    self.isDepthwise = isDepthwise
    layout = choices.choose(below: 2) == 0 ? .channelsFirst : .channelsLast
    batch = choices.choose([(1, 12), (2, 3), (3, 1), (0, 1)])
    let isLarge = choices.oneIn(12)
    let limit = isLarge ? 140 : 24
    if isDepthwise {
      group = choices.length(atLeast: 1, atMost: limit)
      outputsPerGroup = choices.choose([(1, 6), (2, 2), (3, 1)])
    } else {
      group = choices.choose([(1, 20), (2, 4), (3, 2), (4, 2), (5, 1), (8, 1)])
      channelsPerGroup = choices.length(atLeast: 1, atMost: group == 1 ? limit : 12)
      outputsPerGroup = choices.length(atMost: group == 1 ? limit : 8)
      if group == 1 && choices.oneIn(16) {
        // A depthwise convolution in the words of a grouped one.
        (group, channelsPerGroup) = (channelsPerGroup, 1)
        outputsPerGroup = 1 + outputsPerGroup % 3
      }
    }
    if choices.oneIn(1500) {
      makeLarge(&choices)
      return
    }
    kernel = (Self.extent(&choices), Self.extent(&choices))
    if isDepthwise && choices.oneIn(40) {
      // Kernels so large that the sum of the inputs alone leaves int16; for few channels.
      let extent = choices.choose([(12, 1), (13, 1), (15, 1), (17, 3)])
      kernel = (extent, extent)
      (group, outputsPerGroup) = (min(group, 4), 1)
    }
    strides = (Self.step(&choices), Self.step(&choices))
    dilations = (Self.step(&choices), Self.step(&choices))
    switch choices.choose([(0, 4), (1, 5), (2, 1), (3, 1), (4, 1)]) {
    case 0: break
    case 1: pads = (0..<4).map { _ in choices.choose([(0, 3), (1, 4), (2, 2), (3, 1), (5, 1)]) }
    case 2: autoPad = "SAME_UPPER"
    case 3: autoPad = "SAME_LOWER"
    default: autoPad = "VALID"
    }
    let effective = ((kernel.0 - 1) * dilations.0 + 1, (kernel.1 - 1) * dilations.1 + 1)
    // SAME pads any size, so its least input is one row.
    let isSame = autoPad?.hasPrefix("SAME") ?? false
    let least = (
      isSame ? 1 : max(0, effective.0 - pads[0] - pads[2]),
      isSame ? 1 : max(0, effective.1 - pads[1] - pads[3])
    )
    let products = max(1, channelsPerGroup * outputsPerGroup * group * kernel.0 * kernel.1)
    let room = max(1, min(8, Self.productLimit / products / 4))
    height = Self.size(&choices, least: least.0, room: room)
    width = Self.size(&choices, least: least.1, room: room)
    // Rows around the vector widths, for kernels that work along them.
    if choices.oneIn(10) {
      width += choices.length(atMost: max(1, min(70, Self.productLimit / products)))
    }
  }

  /// An image beyond the blocks that kernels work in: more than 256 KiB, for few outputs.
  private mutating func makeLarge(_ choices: inout Choices) {
    batch = 1
    if isDepthwise {
      group = 48 + choices.choose(below: 32)
      outputsPerGroup = 1
    } else {
      group = 1
      channelsPerGroup = 48 + choices.choose(below: 32)
      outputsPerGroup = 1 + choices.choose(below: 3)
    }
    kernel = (1 + choices.choose(below: 2), 1)
    height = 72 + choices.choose(below: 16)
    width = 72 + choices.choose(below: 16)
  }

  /// A size of the image; nothing at all is the least simple.
  private static func size(_ choices: inout Choices, least: Int, room: Int) -> Int {
    let size = max(1, least) + choices.choose(below: room)
    return least == 0 && choices.oneIn(20) ? 0 : size
  }

  private static func step(_ choices: inout Choices) -> Int {
    choices.choose([(1, 24), (2, 8), (3, 3), (4, 1), (5, 1)])
  }

  private static func extent(_ choices: inout Choices) -> Int {
    choices.choose([(1, 10), (2, 10), (3, 10), (4, 6), (5, 2), (7, 1)])
  }

  var channels: Int { group * channelsPerGroup }
  var outputs: Int { group * outputsPerGroup }

  var inputShape: [Int] {
    layout == .channelsFirst
      ? [batch, channels, height, width] : [batch, height, width, channels]
  }

  var weightShape: [Int] {
    switch (layout, isDepthwise) {
    case (.channelsFirst, _): [outputs, channelsPerGroup, kernel.0, kernel.1]
    case (.channelsLast, false): [outputs, kernel.0, kernel.1, channelsPerGroup]
    case (.channelsLast, true): [1, kernel.0, kernel.1, outputs]
    }
  }

  /// The attributes, those with their defaults left out.
  var attributes: [String: AttributeValue] {
    var attributes: [String: AttributeValue] = [:]
    if layout == .channelsLast { attributes["layout"] = .string(layout.rawValue) }
    if !isDepthwise && group > 1 { attributes["group"] = .integer(group) }
    if strides != (1, 1) { attributes["strides"] = .integers([strides.0, strides.1]) }
    if dilations != (1, 1) { attributes["dilations"] = .integers([dilations.0, dilations.1]) }
    if pads.contains(where: { $0 > 0 }) { attributes["pads"] = .integers(pads) }
    if let autoPad { attributes["auto_pad"] = .string(autoPad) }
    return attributes
  }
}

extension Convolutions {
  /// Draws a convolution without its bias; quantized ones always have zero points.
  static func generate(
    from choices: inout Choices, _ operation: any Operation.Type, dialect: Dialect,
    _ rule: AccumulationRule, isDepthwise: Bool, isQuantized: Bool
  ) -> (test: Case, shape: ConvolutionShape) {
    let types = OperandTypes(from: &choices, rule)
    let shape = ConvolutionShape(from: &choices, isDepthwise: isDepthwise)
    var test = Case(
      id: "", operation: operation.name, dialect: dialect.name, attributes: shape.attributes)
    if !isQuantized && rule.bits == 64 {
      test.attributes["output_dtype"] = .string("int64")
    } else if !isQuantized, rule.bits == 48 {
      test.attributes["output_dtype"] = .string("int48")
    }
    let hasInputZero = isQuantized || choices.oneIn(2)
    let hasWeightZero = isQuantized || choices.oneIn(2)
    let isPerChannel = choices.oneIn(3) && shape.outputs > 0
    choices.beginBlock()
    let inputZero = hasInputZero ? choices.integer(of: types.input) : 0
    if hasInputZero { test.inputs["x_zero_point"] = Tensor(scalar: inputZero, types.input) }
    if hasWeightZero {
      test.inputs["w_zero_point"] =
        choices.zeroPoints(types.weight, shape: isPerChannel ? [shape.outputs] : [])
    }
    test.inputs["w"] = choices.integers(types.weight, shape: shape.weightShape)
    test.inputs["x"] = choices.integers(types.input, shape: shape.inputShape, zero: inputZero)
    return (test, shape)
  }

  /// Draws a convolution to accumulators.
  static func generateAccumulators(
    from choices: inout Choices, _ operation: any Operation.Type, dialect: Dialect,
    isDepthwise: Bool
  ) -> Case {
    guard let rules = try? dialect.rule(operation, as: Variants<AccumulationRule>.self) else {
      return Case(id: "", operation: operation.name, dialect: dialect.name)
    }
    let hasBias = choices.oneIn(2)
    var (test, shape) = generate(
      from: &choices, operation, dialect: dialect, rules.base, isDepthwise: isDepthwise,
      isQuantized: false)
    if hasBias {
      test.inputs["bias"] = OperandTypes.bias(from: &choices, rules.base, count: shape.outputs)
    }
    return test
  }
}

/// The types of the two operands of a product.
struct OperandTypes {
  var input: DataType
  var weight: DataType

  /// Bytes first, then whatever else the dialect has.
  init(from choices: inout Choices, _ rule: AccumulationRule) {
    let all: [DataType] =
      [.uint8, .int8, .int16, .uint16]
      + ["int4", "uint4", "int2", "uint2"].compactMap(DataType.init(name:))
    let inputs = rule.inputTypes ?? all
    let weights = rule.weightTypes ?? all
    input = choices.choose(Self.weighted(inputs))
    weight = choices.choose(Self.weighted(weights))
  }

  private static func weighted(_ types: [DataType]) -> [(value: DataType, weight: Int)] {
    types.map { ($0, $0 == .int8 || $0 == .uint8 ? 8 : 1) }
  }

  /// A bias that may reach the ends of the accumulator, in a block of its own.
  static func bias(
    from choices: inout Choices, _ rule: AccumulationRule, count: Int
  ) -> Tensor {
    // Where leaving the accumulator is an error there is nothing to compare.
    let reachesEnds = rule.overflow != .error && choices.mood(6) == 0
    choices.beginBlock()
    let range = Choices.range(of: .int32)
    let codes = (0..<count).map { _ in
      choices.integer(in: range) { randomness in
        reachesEnds ? randomness.edge(range) : randomness.within(-(1 << 20)...(1 << 20))
      }
    }
    return Tensor(.int32, shape: [count], codes: codes)
  }
}
