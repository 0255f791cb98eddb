import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations

/// Something that can be said of an output element, as a number; 0 or 1 where it holds or not.
struct Feature: Sendable {
  /// How it reads: after "where" if it holds or not, before a comparison if it is a number.
  var name: String
  /// What it is about: it tells the causes of failures apart.
  var family: Family
  /// Whether it holds or not, rather than being a number.
  var isFlag: Bool

  /// What a feature is about.
  enum Family: String, Sendable {
    case position, input, rounding, clamp, accumulation, padding, scaling
    case zeroPoint = "zero point"
    case output, shape, attribute, parameter
  }
}

/// One output element of a probe, prepared for features.
struct Observation {
  let specimen: Specimen
  let output: Int
  let index: Int

  private var tensor: Tensor { specimen.probe.outcome.outputs[output].expectation.tensor }
  private var chain: Chain? { specimen.chains[output][index] }
  private var stages: [Stage] { specimen.stages[output][index] }

  // MARK: What elements are described by

  /// The features of elements, in the order of ``values``.
  static let features: [Feature] =
    positions.map { Feature(name: $0, family: .position, isFlag: true) }
    + flags("the input", .input, inputFlags)
    + numbers([("|input|", .input), ("the input", .input)])
    + flags("the value before the rounding", .rounding, roundingFlags)
    + numbers([("|value before the rounding|", .rounding)])
    + flags("the level before the clamp", .clamp, clampFlags)
    + flags("the exact output", .output, outputFlags) + numbers([("the exact output", .output)])
    + numbers([
      ("|accumulator|", .accumulation), ("the number of products", .accumulation),
      ("the number of products in the padding", .padding), ("the factor", .scaling),
      ("|zero point|", .zeroPoint), ("the index", .position),
    ])

  private static func flags(
    _ subject: String, _ family: Feature.Family, _ names: [String]
  ) -> [Feature] {
    names.map { Feature(name: "\(subject) \($0)", family: family, isFlag: true) }
  }

  private static func numbers(_ names: [(String, Feature.Family)]) -> [Feature] {
    names.map { Feature(name: $0.0, family: $0.1, isFlag: false) }
  }

  /// The values of ``features``; NaN where one has no meaning.
  var values: [Double] {
    positionValues + inputValues + roundingValues + clampValues + outputValues + numberValues
  }

  // MARK: Position

  private static let widths = [4, 8, 16, 32, 64]
  private static let axes = [
    "last axis", "second last axis", "third last axis", "fourth last axis",
  ]

  private static let positions: [String] =
    ["it is the first element", "it is the last element"]
    + widths.map { "it is one of the last n mod \($0) of n elements" }
    + widths.map { "it stands behind the first \($0) elements" }
    + [2, 4, 8].flatMap { width in (0..<width).map { "its index mod \(width) is \($0)" } }
    + axes.flatMap { axis in
      ["it is first along the \(axis)", "it is last along the \(axis)"]
        + widths.map { "it is one of the last n mod \($0) along the \(axis)" }
        + [4, 8, 16].map { "it stands behind the first \($0) along the \(axis)" }
        + ["its place along the \(axis) is odd"]
    }

  private var positionValues: [Double] {
    let count = tensor.count
    var flags = [index == 0, index == count - 1]
    flags += Self.widths.map { index >= count - count % $0 }
    flags += Self.widths.map { index >= $0 }
    flags += [2, 4, 8].flatMap { width in (0..<width).map { index % width == $0 } }
    var values = flags.map { $0 ? 1.0 : 0 }
    let place = tensor.coordinates(of: index)
    for axis in 1...Self.axes.count {
      guard axis <= place.count else {
        values += Array(repeating: .nan, count: 3 + Self.widths.count + 3)
        continue
      }
      let at = place[place.count - axis]
      let size = tensor.shape[place.count - axis]
      var flags = [at == 0, at == size - 1]
      flags += Self.widths.map { at >= size - size % $0 }
      flags += [4, 8, 16].map { at >= $0 }
      flags.append(at % 2 == 1)
      values += flags.map { $0 ? 1 : 0 }
    }
    return values
  }

  // MARK: Input

  private static let inputFlags = [
    "is NaN", "is inf", "is -inf", "is infinite", "is -0", "is 0", "is subnormal", "is negative",
    "is positive", "is the lowest of its type", "is the highest of its type", "is odd",
  ]

  /// The one input that has an element for each of the output, if there is one.
  private var ownInput: (tensor: Tensor, code: Int64)? {
    let names = ["x", "acc"] + specimen.probe.test.inputs.keys.sorted()
    for name in names {
      if let input = specimen.probe.test.inputs[name], input.shape == tensor.shape,
        input.count == tensor.count
      {
        return (input, input.codes[index])
      }
    }
    return nil
  }

  private var inputValues: [Double] {
    guard chain?.sum == nil, let (input, code) = ownInput else {
      return Array(repeating: .nan, count: Self.inputFlags.count + 2)
    }
    let value = input.dtype.number(fromCode: code)
    var (isLowest, isHighest, isOdd, isSubnormal) = (false, false, false, false)
    switch input.dtype {
    case .integer(let format):
      isLowest = Integer(code) == format.minimum
      isHighest = Integer(code) == format.maximum
      isOdd = code & 1 == 1
    case .float(let format):
      let mask = (Int64(1) << Int64(format.exponentBits)) - 1
      isSubnormal = !value.isZero && code >> Int64(format.significandBits) & mask == 0
    case .fixed, .bool: break
    }
    let flags = [
      value.isNaN, value == .infinity(negative: false), value == .infinity(negative: true),
      value.isInfinite, value == .negativeZero, value.isZero, isSubnormal,
      value.isNegative && !value.isZero, !value.isNegative && !value.isZero && !value.isNaN,
      isLowest, isHighest, isOdd,
    ]
    let number = value.isFinite ? value.approximate : .nan
    return flags.map { $0 ? 1 : 0 } + [abs(number), number]
  }

  // MARK: Rounding and clamp

  private static let roundingFlags = [
    "is a tie", "is a negative tie", "is a positive tie", "is a tie above an odd number",
    "is a tie above an even number", "is negative", "is negative and no integer",
    "is positive and no integer", "is no integer", "is next to a tie",
    "lies above the middle of two integers",
  ]

  private var roundingValues: [Double] {
    let before = chain?.steps.last {
      if case .round? = $0.effect { return true }
      return false
    }?.before?.rational
    guard let before else { return Array(repeating: .nan, count: Self.roundingFlags.count + 1) }
    let isInteger = before.isInteger
    let isTie = !isInteger && (before * 2).isInteger
    let floor = before.floor
    let isNegative = before.signum() < 0
    let offset = (before - Rational(floor)).approximate - 0.5
    let flags = [
      isTie, isTie && isNegative, isTie && !isNegative, isTie && !floor.isEven,
      isTie && floor.isEven, isNegative, isNegative && !isInteger, !isNegative && !isInteger,
      !isInteger, !isTie && abs(offset) < 0x1p-8, offset > 0,
    ]
    return flags.map { $0 ? 1 : 0 } + [abs(before.approximate)]
  }

  private static let clampFlags = [
    "is below the range", "is above the range", "is outside the range", "is the lowest",
    "is the highest",
  ]

  private var clampValues: [Double] {
    for step in chain?.steps.reversed() ?? [] {
      guard case .clamp(let range)? = step.effect, let before = step.before else { continue }
      let isLow = before.isInfinite && before.isNegative
      let isHigh = before.isInfinite && !before.isNegative
      let value = before.rational ?? 0
      let isBelow = isLow || before.isFinite && value < range.lowerBound
      let isAbove = isHigh || before.isFinite && value > range.upperBound
      return [
        isBelow, isAbove, isBelow || isAbove, value == range.lowerBound && before.isFinite,
        value == range.upperBound && before.isFinite,
      ].map { $0 ? 1 : 0 }
    }
    return Array(repeating: .nan, count: Self.clampFlags.count)
  }

  // MARK: Output and numbers

  private static let outputFlags = [
    "is negative", "is positive", "is 0", "is odd", "is the lowest of its type",
    "is the highest of its type",
  ]

  private var outputValues: [Double] {
    let value = tensor.number(at: index)
    let isOdd = tensor.dtype.floatFormat == nil && tensor.codes[index] & 1 == 1
    var (isLowest, isHighest) = (false, false)
    if case .integer(let format) = tensor.dtype {
      isLowest = Integer(tensor.codes[index]) == format.minimum
      isHighest = Integer(tensor.codes[index]) == format.maximum
    }
    return [
      value.isNegative && !value.isZero, !value.isNegative && !value.isZero && !value.isNaN,
      value.isZero, isOdd, isLowest, isHighest,
    ].map { $0 ? 1 : 0 } + [value.isFinite ? value.approximate : .nan]
  }

  private var numberValues: [Double] {
    var (accumulator, depth, padding) = (Double.nan, Double.nan, Double.nan)
    var (factor, zero) = (Double.nan, Double.nan)
    if let (place, terms) = chain?.sum, let steps = chain?.steps {
      accumulator = abs(steps[place].after?.approximate ?? .nan)
      depth = Double(terms.weights.count)
      padding = Double(terms.inputs.count { $0 == nil })
    }
    for step in chain?.steps ?? [] {
      switch step.effect {
      case .multiply(let value, _)? where factor.isNaN: factor = value.approximate
      case .divide(let value, _)? where factor.isNaN: factor = 1 / value.approximate
      case .add(let value, _)? where step.name == "zero point": zero = abs(value.approximate)
      case .multiplyAdd(let value, let summand, _)?:
        (factor, zero) = (value.approximate, abs(summand.approximate))
      default: break
      }
    }
    return [accumulator, depth, padding, factor, zero, Double(index)]
  }
}

extension DataType {
  /// The float format of a float type.
  fileprivate var floatFormat: FloatFormat? {
    if case .float(let format) = self { return format }
    return nil
  }
}

/// What can be said of a whole case.
enum CaseFeatures {
  /// Names and values of a case's features: shapes, types, attributes, parameters.
  static func values(of test: Case, _ outcome: Outcome) -> [String: (Feature, Double)] {
    var result: [String: (Feature, Double)] = [:]
    func flag(_ name: String, _ family: Feature.Family, _ holds: Bool) {
      result[name] = (Feature(name: name, family: family, isFlag: true), holds ? 1 : 0)
    }
    func number(_ name: String, _ family: Feature.Family, _ value: Int) {
      result[name] = (Feature(name: name, family: family, isFlag: false), Double(value))
    }
    for (name, tensor) in test.inputs {
      describe(name, tensor, flag, number)
    }
    if let output = outcome.outputs.first {
      number("the number of outputs", .shape, output.expectation.tensor.count)
      dimensions(output.name, output.expectation.tensor, number)
      flag("\(output.name) is \(output.expectation.tensor.dtype.name)", .output, true)
    }
    for (name, values) in lists(test) {
      // Pads that are no multiple of the strides leave a part of a window, and the like.
      for (other, divisors) in lists(test) where other != name {
        for (place, (value, divisor)) in zip(values, divisors).enumerated() where divisor > 0 {
          flag(
            "\(name)[\(place)] is no multiple of \(other)[\(place)]", .attribute,
            value % divisor != 0)
        }
      }
    }
    for (name, value) in test.attributes {
      switch value {
      case .integers(let values):
        for (place, value) in values.enumerated() { number("\(name)[\(place)]", .attribute, value) }
        flag("\(name) is uneven", .attribute, Set(values).count > 1)
        flag("\(name) has a value beyond 1", .attribute, values.contains { $0 > 1 })
        flag("\(name) has a value that is not 0", .attribute, values.contains { $0 > 0 })
      case .integer(let value):
        number(name, .attribute, value)
        flag("\(name) is given", .attribute, true)
      case .string(let text): flag("\(name) is \(text)", .attribute, true)
      case .decimal: break
      }
    }
    return result
  }

  private static func lists(_ test: Case) -> [(name: String, values: [Int])] {
    test.attributes.compactMap { name, value in
      if case .integers(let values) = value { return (name, values) }
      return nil
    }
  }

  private static func describe(
    _ name: String, _ tensor: Tensor, _ flag: (String, Feature.Family, Bool) -> Void,
    _ number: (String, Feature.Family, Int) -> Void
  ) {
    flag("\(name) is given", .parameter, true)
    flag("\(name) is \(tensor.dtype.name)", .parameter, true)
    flag("\(name) has more than one element", .parameter, tensor.count > 1)
    flag("\(name) is not 0", .parameter, tensor.codes.contains { $0 != 0 })
    flag(
      "some \(name) is negative", .parameter,
      (0..<tensor.count).contains {
        let value = tensor.number(at: $0)
        return value.isNegative && !value.isZero
      })
    if case .float(let format) = tensor.dtype {
      let values = tensor.codes.map { format.decode(UInt64(bitPattern: $0)) }
      flag("some \(name) is NaN", .input, values.contains(.nan))
      flag("some \(name) is infinite", .input, values.contains { $0.isInfinite })
      flag("some \(name) is -0", .input, values.contains(.negativeZero))
    }
    if case .integer(let format) = tensor.dtype, let low = format.minimum.int64 {
      flag("some \(name) is the lowest of its type", .input, tensor.codes.contains(low))
    }
    dimensions(name, tensor, number)
  }

  private static func dimensions(
    _ name: String, _ tensor: Tensor, _ number: (String, Feature.Family, Int) -> Void
  ) {
    for (axis, size) in tensor.shape.enumerated() { number("\(name).shape[\(axis)]", .shape, size) }
    for (axis, size) in tensor.shape.reversed().enumerated() {
      number("\(name).shape[-\(axis + 1)]", .shape, size)
    }
  }
}
