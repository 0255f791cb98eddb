public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Accumulators to levels: `y = clamp(round((acc - acc_zero_point) * multiplier) + zero_point)`.
///
/// - Shapes: `acc` any; `scale`, or `multiplier` and `shift`, and `zero_point` one element or one an
///   axis slice (`axis`, by default the last).
/// - Rounding: the dialect's section `requantize` [requantize §2 to §28].
/// - Errors: neither or both of scale and multiplier, a shift outside the dialect's range.
public enum Requantize: Operation {
  public static let declaration = OperationDeclaration(
    name: "requantize", groups: ["quant"], summary: "accumulators to levels",
    inputs: [
      .required("acc"), .optional("scale"), .optional("multiplier"), .optional("shift"),
      .required("zero_point"), .optional("acc_zero_point"),
    ],
    outputs: ["y"],
    attributes: [
      .init("axis", .integer), .init("output_dtype", .string), .init("qmin", .integer),
      .init("qmax", .integer),
    ])

  public static let sweptInput: String? = "acc"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("requantize", RequantizationRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    try evaluate(&arguments, reference, isBulk: false)
  }

  public static func evaluateFast(_ arguments: inout Arguments) throws(CaseError) -> Outcome? {
    try evaluate(&arguments, nil, isBulk: true)
  }

  private static func evaluate(
    _ arguments: inout Arguments, _ reference: ElementReference?, isBulk: Bool
  ) throws(CaseError) -> Outcome {
    let rules = try arguments.dialect.rule(Self.self, as: Variants<RequantizationRule>.self)
    let acc = try arguments.input("acc")
    guard case .integer(let accFormat) = acc.dtype else {
      throw .malformed("acc must have an integer type, not \(acc.dtype.name)")
    }
    let zero = try arguments.input("zero_point")
    let output = try outputType(&arguments, zero)
    let rule = rules.rule(for: Situation(operation: name, input: acc.dtype, output: output))
    try arguments.check(acc.dtype, isOneOf: rule.inputTypes, for: "acc")
    try arguments.check(output, isOneOf: rule.outputTypes, for: "y")
    let range = try arguments.levelRange(of: output)
    let axis = arguments.integer("axis") ?? -1
    let accZero = try accumulatorZero(arguments, acc)
    let zeroMap = try ParameterMap.along(axis: axis, of: acc, parameter: zero, named: "zero_point")
    let (multipliers, map) = try multipliers(arguments, rule, acc, axis)
    try arguments.finish()

    var trace = Trace(reference, output: "y")
    var coverage = Coverage()
    coverage.insert(length: acc.count)
    coverage.insert(.empty, if: acc.count == 0)
    coverage.insert(.perChannel, if: map.count > 1 || zeroMap != .perTensor)
    for code in zero.codes {
      coverage.insert(.zeroPointLowest, if: Integer(code) == range.lowerBound)
      coverage.insert(.zeroPointHighest, if: Integer(code) == range.upperBound)
    }
    var y = Expectation(
      Tensor(output, shape: acc.shape, codes: Array(repeating: 0, count: acc.count)))
    let typeMinimum = output.integerRange?.lowerBound ?? 0
    if isBulk, accFormat.bits <= 32, let offset = accZero.int64 {
      let fast = multipliers.compactMap {
        FastRequantization(rule, $0, isWide: false, range: range)
      }
      if fast.count == multipliers.count {
        for (index, code) in acc.codes.enumerated() {
          let zeroPoint = zero.codes[zeroMap.index(of: index)]
          let level = fast[map.multiplier(of: index)].level(
            of: code - offset, zero: zeroPoint, &coverage)
          y.set(level, at: index)
        }
        return Outcome([("y", y)], coverage: coverage).fromBulkOracle
      }
    }
    for index in 0..<acc.count {
      trace.begin(index)
      var events = LevelEvents()
      let zeroPoint = Integer(zero.codes[zeroMap.index(of: index)])
      let accumulator = Integer(acc.codes[index])
      if accZero != 0 || trace.isNumeric {
        trace.note(
          "accumulator zero point", (accumulator - accZero).description,
          "\(accumulator) - \(accZero)", "requantize §1", from: Number(accumulator),
          to: Number(accumulator - accZero), by: .add(Number(-accZero), nil))
      }
      let result = try rule.level(
        of: accumulator - accZero, multipliers[map.multiplier(of: index)],
        zero: zeroPoint, range: range, isWide: accFormat.bits > 32, typeMinimum: typeMinimum,
        events: &events, trace: &trace)
      y.set(result, at: index)
      let level: Level =
        if case .level(let value) = result { .value(Rational(value)) } else { .unspecified }
      coverage.insert(
        events, level: level, zero: Number(zeroPoint), range: range,
        isZeroPointInside: rule.isZeroPointInside)
    }
    return Outcome(
      [("y", y)], coverage: coverage, stages: trace.stages,
      dependence: rule.dependence(
        multipliers, origin: accZero, zeros: zero.codes.map { Number(Integer($0)) }, range: range))
  }

  private static func outputType(
    _ arguments: inout Arguments, _ zero: Tensor
  ) throws(CaseError) -> DataType {
    guard case .integer = zero.dtype else {
      throw .malformed("zero_point must have an integer type, not \(zero.dtype.name)")
    }
    if let named = try arguments.dataType("output_dtype"), named != zero.dtype {
      throw .malformed("output_dtype is \(named.name), but zero_point is \(zero.dtype.name)")
    }
    return zero.dtype
  }

  private static func accumulatorZero(
    _ arguments: Arguments, _ acc: Tensor
  ) throws(CaseError) -> Integer {
    guard let zero = arguments.optional("acc_zero_point") else { return 0 }
    guard zero.dtype == acc.dtype else {
      throw .malformed("acc_zero_point is \(zero.dtype.name), must be \(acc.dtype.name)")
    }
    guard zero.count == 1 else {
      throw .malformed("acc_zero_point has \(zero.count) elements, must have one")
    }
    return Integer(zero.codes[0])
  }

  /// The map of multipliers to elements.
  private struct MultiplierMap {
    var first: ParameterMap
    var count: Int
    func multiplier(of element: Int) -> Int { count == 1 ? 0 : first.index(of: element) }
  }

  private static func multipliers(
    _ arguments: Arguments, _ rule: RequantizationRule, _ acc: Tensor, _ axis: Int
  ) throws(CaseError) -> ([RequantizationRule.Multiplier], MultiplierMap) {
    let scale = arguments.optional("scale")
    let multiplier = arguments.optional("multiplier")
    let shift = arguments.optional("shift")
    if let scale {
      guard multiplier == nil, shift == nil else {
        throw .malformed("scale and multiplier exclude each other")
      }
      guard scale.dtype.floatFormat != nil else {
        throw .malformed("scale must have a float type, not \(scale.dtype.name)")
      }
      let map = try ParameterMap.along(axis: axis, of: acc, parameter: scale, named: "scale")
      var result: [RequantizationRule.Multiplier] = []
      for value in try AffineParameters.positiveScales(scale, named: "scale") {
        result.append(
          try rule.multiplier(ofScale: value.rational ?? 1, isWide: acc.dtype.bits > 32))
      }
      return (result, MultiplierMap(first: map, count: result.count))
    }
    guard let multiplier, let shift else {
      throw .malformed("needs 'scale', or 'multiplier' and 'shift'")
    }
    for (tensor, name) in [(multiplier, "multiplier"), (shift, "shift")] {
      guard case .integer = tensor.dtype else {
        throw .malformed("\(name) must have an integer type, not \(tensor.dtype.name)")
      }
      guard tensor.count > 0 else { throw .malformed("\(name) is empty") }
    }
    let maps = [
      try ParameterMap.along(axis: axis, of: acc, parameter: multiplier, named: "multiplier"),
      try ParameterMap.along(axis: axis, of: acc, parameter: shift, named: "shift"),
    ]
    let count = max(multiplier.count, shift.count)
    var result: [RequantizationRule.Multiplier] = []
    for index in 0..<count {
      result.append(
        try rule.multiplier(
          multiplier.codes[multiplier.count == 1 ? 0 : index],
          shift: shift.codes[shift.count == 1 ? 0 : index],
          isSixteenBit: multiplier.dtype.bits <= 16))
    }
    let map = maps.first { $0 != .perTensor } ?? .perTensor
    return (result, MultiplierMap(first: map, count: count))
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    guard let rules = try? dialect.rule(Self.self, as: Variants<RequantizationRule>.self) else {
      return []
    }
    var required: [LevelBin] = [
      .tieDown, .tieUp, .onLevel, .betweenLevels, .saturatedLow, .saturatedHigh, .lowestLevel,
      .highestLevel, .oneBelow, .oneAbove, .oddZeroPointTie, .zeroPointLowest, .zeroPointHighest,
      .perChannel, .empty,
    ]
    if rules.base.kind == .interval { required = [.perChannel, .empty, .zeroPointLowest] }
    return required.map { CoverageBin($0.rawValue, $0.name, required: true) }
  }
}
