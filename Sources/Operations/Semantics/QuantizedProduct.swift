import CaseFormat
import ExactArithmetic
import NumberFormats

/// The rules of `qconv2d` and `qmatmul`: accumulate, find the multiplier, requantize.
struct QuantizedProductRules: Sendable {
  var accumulation: Variants<AccumulationRule>
  var scale: Variants<EffectiveScaleRule>
  var requantization: Variants<RequantizationRule>

  /// Reads the three sections; nil where a dialect lacks one.
  init?(_ dialect: Dialect) throws(DialectError) {
    guard let accumulation = try dialect.variants("accumulate", AccumulationRule.self),
      let scale = try dialect.variants("effective_scale", EffectiveScaleRule.self),
      let requantization = try dialect.variants("requantize", RequantizationRule.self)
    else { return nil }
    (self.accumulation, self.scale, self.requantization) = (accumulation, scale, requantization)
  }
}

/// The evaluation that `qconv2d` and `qmatmul` share.
struct QuantizedProduct {
  let accumulation: AccumulationRule
  let scaleRule: EffectiveScaleRule
  let requantization: RequantizationRule
  let output: DataType
  let range: ClosedRange<Integer>
  let zero: Integer
  let inputScales: [Rational]
  let weightScales: [Rational]
  let outputScale: Rational

  /// The accumulator's format; wide ones take the wide path of the requantization.
  var format: IntegerFormat { accumulation.format(output: .integer(.init(bits: 32, signed: true))) }

  /// Reads scales, output type and range of a case.
  init(
    _ arguments: inout Arguments, _ operation: any Operation.Type, input: Tensor,
    names: (input: String, weight: String)
  ) throws(CaseError) {
    let rules = try arguments.dialect.rule(operation, as: QuantizedProductRules.self)
    let zeroTensor = try arguments.input("y_zero_point")
    guard zeroTensor.count == 1 else {
      throw .malformed("y_zero_point has \(zeroTensor.count) elements, must have one")
    }
    guard case .integer = zeroTensor.dtype else {
      throw .malformed("y_zero_point must have an integer type, not \(zeroTensor.dtype.name)")
    }
    output = zeroTensor.dtype
    let weightScale = try arguments.input(names.weight)
    let situation = Situation(
      operation: operation.name, granularity: weightScale.count > 1 ? .perChannel : .perTensor,
      input: input.dtype, output: output)
    accumulation = rules.accumulation.rule(for: situation)
    scaleRule = rules.scale.rule(for: situation)
    requantization = rules.requantization.rule(for: situation)
    try arguments.check(output, isOneOf: requantization.outputTypes, for: "y")
    range = try arguments.levelRange(of: output)
    zero = Integer(zeroTensor.codes[0])
    inputScales = try Self.scales(arguments, names.input)
    weightScales = try Self.scales(arguments, names.weight)
    let outputScales = try Self.scales(arguments, "y_scale")
    guard outputScales.count == 1 else {
      throw .malformed("y_scale has \(outputScales.count) elements, must have one")
    }
    outputScale = outputScales[0]
  }

  private static func scales(
    _ arguments: Arguments, _ name: String
  ) throws(CaseError) -> [Rational] {
    let tensor = try arguments.input(name)
    guard tensor.dtype.floatFormat != nil else {
      throw .malformed("\(name) must have a float type, not \(tensor.dtype.name)")
    }
    guard tensor.count > 0 else { throw .malformed("\(name) is empty") }
    return try AffineParameters.positiveScales(tensor, named: name).compactMap(\.rational)
  }

  /// The multiplier of a pair of scales.
  func multiplier(
    _ x: Int, _ w: Int
  ) throws(CaseError) -> RequantizationRule.Multiplier? {
    guard let factors = scaleRule.factors(inputScales[x], weightScales[w], outputScale) else {
      return nil
    }
    return factors.count == 1
      ? try requantization.multiplier(ofScale: factors[0], isWide: format.bits > 32)
      : .real(factors)
  }

  /// Requantizes accumulators of at most 32 bits by the bulk oracle, or nil where it does not apply.
  func requantizeFast(
    _ accumulators: [Int64?], shape: [Int], pair: (Int) -> (input: Int, weight: Int),
    coverage: inout Coverage
  ) throws(CaseError) -> Expectation? {
    guard format.bits <= 32, inputScales.count == 1, let zero = zero.int64 else { return nil }
    var fast: [FastRequantization?] = []
    for weight in weightScales.indices {
      guard let multiplier = try self.multiplier(0, weight) else {
        fast.append(nil)
        continue
      }
      guard
        let way = FastRequantization(requantization, multiplier, isWide: false, range: range)
      else { return nil }
      fast.append(way)
    }
    coverage.add(.perChannelScale, if: weightScales.count > 1)
    var levels = Coverage()
    var y = Expectation(
      Tensor(output, shape: shape, codes: Array(repeating: 0, count: accumulators.count)))
    for (index, accumulator) in accumulators.enumerated() {
      guard let accumulator, let way = fast[pair(index).weight] else {
        y.leaveUnspecified(at: index)
        continue
      }
      coverage.insert(accumulator: accumulator)
      y.set(way.level(of: accumulator, zero: zero, &levels), at: index)
    }
    // The bins of levels are numbered otherwise than those of products.
    coverage.add(.tieUp, if: levels.contains(LevelBin.tieUp.rawValue))
    coverage.add(.tieDown, if: levels.contains(LevelBin.tieDown.rawValue))
    coverage.add(.saturatedLow, if: levels.contains(LevelBin.saturatedLow.rawValue))
    coverage.add(.saturatedHigh, if: levels.contains(LevelBin.saturatedHigh.rawValue))
    return y
  }

  /// Requantizes accumulators; `pair` says which scales meet in an output.
  func requantize(
    _ accumulators: [Integer?], shape: [Int], pair: (Int) -> (input: Int, weight: Int),
    coverage: inout Coverage, trace: inout Trace
  ) throws(CaseError) -> Expectation {
    var y = Expectation(
      Tensor(output, shape: shape, codes: Array(repeating: 0, count: accumulators.count)))
    var known: [[Int]: RequantizationRule.Multiplier?] = [:]
    let typeMinimum = output.integerRange?.lowerBound ?? 0
    coverage.add(.perChannelScale, if: inputScales.count > 1 || weightScales.count > 1)
    for (index, accumulator) in accumulators.enumerated() {
      trace.begin(index)
      let scales = pair(index)
      let key = [scales.input, scales.weight]
      let multiplier: RequantizationRule.Multiplier?
      if let found = known[key] {
        multiplier = found
      } else {
        multiplier = try self.multiplier(scales.input, scales.weight)
        known[key] = multiplier
      }
      guard let accumulator, let multiplier else {
        y.leaveUnspecified(at: index)
        continue
      }
      var events = LevelEvents()
      let result = try requantization.level(
        of: accumulator, multiplier, zero: zero, range: range, isWide: format.bits > 32,
        typeMinimum: typeMinimum, events: &events, trace: &trace)
      y.set(result, at: index)
      coverage.insert(accumulator: accumulator.int64 ?? .max)
      coverage.insert(
        requantization: events, zero: zero, range: range,
        isZeroPointInside: requantization.isZeroPointInside)
    }
    return y
  }
}

extension Expectation {
  /// Stores a code, or leaves the element open where there is none.
  mutating func set(_ code: Int64?, at index: Int) {
    if let code { tensor.codes[index] = code } else { leaveUnspecified(at: index) }
  }

  /// Stores what a requantization allows.
  mutating func set(_ result: RequantizationRule.Result, at index: Int) {
    switch result {
    case .level(let level): tensor.codes[index] = level.int64 ?? 0
    case .interval(let low, let high):
      tensor.codes[index] = low.int64 ?? 0
      allow(upTo: high.int64 ?? 0, at: index)
    case .unspecified: leaveUnspecified(at: index)
    }
    if !upper.isEmpty, case .interval = result {
    } else if !upper.isEmpty {
      upper[index] = tensor.codes[index]
    }
  }
}

extension Coverage {
  /// Notes how a requantized product came about.
  mutating func insert(
    requantization events: LevelEvents, zero: Integer, range: ClosedRange<Integer>,
    isZeroPointInside: Bool
  ) {
    if let before = events.beforeRounding, !before.isInteger, (before * 2).isInteger,
      let unclamped = events.unclamped.rational
    {
      let level = isZeroPointInside ? unclamped : unclamped - Rational(zero)
      add(level > before ? .tieUp : .tieDown)
    }
    if let unclamped = events.unclamped.rational {
      add(.saturatedLow, if: unclamped < Rational(range.lowerBound))
      add(.saturatedHigh, if: unclamped > Rational(range.upperBound))
    }
  }
}
