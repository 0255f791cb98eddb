public import CaseFormat
public import Generation
import NumberFormats

extension BipolarQuantize {
  /// Draws scales and inputs around zero, and every kind of special value.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    let shape = ElementwiseShape(from: &choices, rule: .broadcast, hasBlocks: false)
    let rules = try? dialect.rule(Self.self, as: Variants<BipolarQuantizeRule>.self)
    let input = choices.type(rules?.base.inputTypes ?? [.float32])
    let scales = choices.scales(input, shape: shape.parameter)
    let x = choices.levelInputs(input, shape: shape, scales: scales, zeros: nil, range: -2...2)
    return Case(
      id: "", operation: name, dialect: dialect.name, inputs: ["x": x, "scale": scales])
  }
}
