public import CaseFormat
public import Generation
import NumberFormats

extension QConv2D {
  /// Draws a convolution, scales that bring its sums to the output's range, and biases on ties.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    guard let rules = try? dialect.rule(Self.self, as: QuantizedProductRules.self) else {
      return Case(id: "", operation: name, dialect: dialect.name)
    }
    let rule = rules.accumulation.base
    let hasBias = choices.oneIn(2)
    let isPerChannel = choices.oneIn(2)
    var (test, shape) = Convolutions.generate(
      from: &choices, Self.self, dialect: dialect, rule, isDepthwise: false, isQuantized: true)
    let bits = (test.inputs["x"]?.dtype.bits ?? 8, test.inputs["w"]?.dtype.bits ?? 8)
    QuantizedProductCases.addScales(
      from: &choices, rules, to: &test, names: ("x_scale", "w_scale"),
      weightScaleShape: isPerChannel && shape.outputs > 0 ? [shape.outputs] : [],
      depth: shape.channelsPerGroup * shape.kernel.0 * shape.kernel.1, operandBits: bits)
    guard hasBias,
      var arguments = try? Arguments(test, declaration: declaration, dialect: dialect),
      let reduction = try? Convolutions.reduction(&arguments, rule, isDepthwise: false)
    else { return test }
    let g = reduction.geometry
    let zero = test.inputs["y_zero_point"]
    let levels = Choices.range(of: zero?.dtype ?? .int8)
    test.inputs["bias"] = QuantizedProductCases.bias(
      from: &choices, for: reduction, channels: shape.outputs,
      firstOutput: {
        g.layout == .channelsFirst ? $0 * g.outputHeight * g.outputWidth : $0
      },
      multiplier: { QuantizedProductCases.multiplier(test, ("x_scale", "w_scale"), $0) },
      zero: Double(zero?.codes.first ?? 0), levels: levels)
    return test
  }
}
