import CaseFormat
import ExactArithmetic
import NumberFormats

/// What `conv2d`, `depthwise_conv2d` and `qconv2d` share.
enum Convolutions {
  static let inputs: [OperationDeclaration.Input] = [
    .required("x"), .required("w"), .optional("bias"), .optional("x_zero_point"),
    .optional("w_zero_point"),
  ]

  static let attributes: [OperationDeclaration.Attribute] = [
    .init("kernel_shape", .integers), .init("strides", .integers), .init("pads", .integers),
    .init("dilations", .integers), .init("auto_pad", .string), .init("layout", .string),
  ]

  /// The rule of a case's accumulation.
  static func rule(
    _ arguments: Arguments, _ operation: any Operation.Type
  ) throws(CaseError) -> AccumulationRule {
    let rules = try arguments.dialect.rule(operation, as: Variants<AccumulationRule>.self)
    return rules.rule(
      for: Situation(operation: operation.name, input: try arguments.input("x").dtype))
  }

  /// Reads the convolution of a case.
  static func reduction(
    _ arguments: inout Arguments, _ rule: AccumulationRule, isDepthwise: Bool
  ) throws(CaseError) -> Convolution {
    let x = try arguments.input("x")
    let w = try arguments.input("w")
    let bias = arguments.optional("bias")
    try AccumulationEvaluation.check(
      arguments, rule, input: x, weight: w, names: ("x", "w"), bias: bias)
    let geometry = try ConvolutionGeometry(&arguments, x: x, w: w, isDepthwise: isDepthwise)
    let xZero = try AccumulationEvaluation.zeroPoint(
      arguments, "x_zero_point", of: x, counts: [1])
    let wZero = try AccumulationEvaluation.zeroPoint(
      arguments, "w_zero_point", of: w, counts: [1, geometry.outputChannels])
    if let bias, bias.count != 1, bias.count != geometry.outputChannels {
      throw .malformed(
        "bias has \(bias.count) elements, must have one or \(geometry.outputChannels)")
    }
    return Convolution(
      geometry: geometry, input: x, weight: w, biasTensor: bias,
      inputZero: xZero?.codes.first ?? 0, weightZeros: wZero?.codes ?? [0])
  }

  static func evaluate(
    _ arguments: inout Arguments, _ operation: any Operation.Type, isDepthwise: Bool,
    _ reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rule = try rule(arguments, operation)
    let reduction = try reduction(&arguments, rule, isDepthwise: isDepthwise)
    let output = try AccumulationEvaluation.outputType(&arguments, rule)
    try arguments.finish()
    var trace = Trace(reference, output: "y")
    let sums = try AccumulationEvaluation.accumulators(
      reduction, rule, in: rule.format(output: output), &trace)
    var coverage = coverage(reduction)
    let y = try AccumulationEvaluation.store(
      sums.map { $0?.int64 }, as: output, shape: reduction.outputShape, rule, coverage: &coverage)
    return Outcome([("y", y)], coverage: coverage, stages: trace.stages)
  }

  static func evaluateFast(
    _ arguments: inout Arguments, _ operation: any Operation.Type, isDepthwise: Bool
  ) throws(CaseError) -> Outcome? {
    let rule = try rule(arguments, operation)
    let reduction = try reduction(&arguments, rule, isDepthwise: isDepthwise)
    let output = try AccumulationEvaluation.outputType(&arguments, rule)
    try arguments.finish()
    let sums = rule.fastSums(reduction) { reduction.sums(into: &$0) }
    guard
      let accumulators = try AccumulationEvaluation.fastAccumulators(
        sums, rule, in: rule.format(output: output))
    else { return nil }
    var coverage = coverage(reduction)
    let y = try AccumulationEvaluation.store(
      accumulators, as: output, shape: reduction.outputShape, rule, coverage: &coverage)
    return Outcome([("y", y)], coverage: coverage)
  }

  /// What a convolution exercises, whatever its result.
  static func coverage(_ reduction: Convolution) -> Coverage {
    let g = reduction.geometry
    var coverage = Coverage()
    coverage.insert(operandsOf: reduction, zeroPointCount: reduction.weightZeros.count)
    coverage.add(.padTop, if: g.pads.0 > 0)
    coverage.add(.padLeft, if: g.pads.1 > 0)
    coverage.add(.padBottom, if: g.pads.2 > 0)
    coverage.add(.padRight, if: g.pads.3 > 0)
    let isPadded = g.pads.0 + g.pads.1 + g.pads.2 + g.pads.3 > 0
    coverage.add(.padWithZeroPoint, if: isPadded && reduction.inputZero != 0)
    coverage.add(.asymmetricPads, if: g.pads.0 != g.pads.2 || g.pads.1 != g.pads.3)
    coverage.add(.autoPad, if: g.isAutomatic)
    coverage.add(.stride, if: g.strides.0 > 1 || g.strides.1 > 1)
    coverage.add(.dilation, if: g.dilations.0 > 1 || g.dilations.1 > 1)
    coverage.add(.grouped, if: g.group > 1)
    coverage.add(.depthwise, if: g.group > 1 && g.group == g.inputChannels)
    coverage.add(.channelMultiplier, if: g.group > 1 && g.outputChannels > g.group)
    coverage.add(g.layout == .channelsFirst ? .channelsFirst : .channelsLast)
    coverage.add(.batch, if: g.batch > 1)
    coverage.insert(length: g.outputChannels)
    return coverage
  }

  static func bins(
    _ operation: any Operation.Type, in dialect: Dialect, isDepthwise: Bool
  ) -> [CoverageBin] {
    guard dialect.defines(operation.name) else { return [] }
    return AccumulationBin.bins(
      required(isDepthwise: isDepthwise),
      optional: [.beyondInt32, .oneHot])
  }

  /// What every campaign over convolutions must exercise.
  static func required(isDepthwise: Bool) -> [AccumulationBin] {
    var required: [AccumulationBin] = [
      .beyondInt16, .inputLowest, .inputHighest, .weightLowest, .weightHighest,
      .inputZeroPoint, .weightZeroPoint, .bothZeroPoints, .zeroPointPerChannel, .bias, .padTop,
      .padLeft, .padBottom, .padRight, .padWithZeroPoint, .asymmetricPads, .stride, .dilation,
      .grouped, .channelMultiplier, .channelsFirst, .channelsLast, .batch, .autoPad, .empty,
      .oneTerm, .pairBeyondInt16,
    ]
    if !isDepthwise { required.append(.depthwise) }
    return required
  }
}
