public import CaseFormat
import ExactArithmetic
import NumberFormats

/// Alpha-blending: `y = alpha * Q(w) + (1 - alpha) * w`, and its gradient `(1 - alpha) * grad_output`.
///
/// - Shapes: `w` any; `scale` and `zero_point` one element, or one an axis slice (`axis`); `alpha` one
///   element from 0 to 1; `grad_output` that of `w`, or one element.
/// - `Q(w) = (clamp(R(w / scale) + z) - z) * scale`; `rounding` is R, by default RNE [gradients §9].
/// - Errors: an alpha outside 0 to 1, a scale that is not finite and positive, a zero point that is no
///   integer, a missing range.
public enum AlphaQAT: Operation {
  public static let declaration = OperationDeclaration(
    name: "alpha_qat", groups: ["grad"], summary: "weights blended with their quantized values",
    inputs: [
      .required("w"), .required("scale"), .optional("zero_point"), .required("alpha"),
      .required("grad_output"),
    ],
    outputs: ["y", "grad_w"],
    attributes: [
      .init("qmin", .integer), .init("qmax", .integer), .init("axis", .integer),
      .init("rounding", .string),
    ])

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("alpha_qat", AlphaQATRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rule = try arguments.dialect.rule(Self.self, as: Variants<AlphaQATRule>.self).base
    let w = try arguments.input("w")
    try arguments.check(w.dtype, isOneOf: rule.inputTypes, for: "w")
    guard let format = w.dtype.floatFormat else {
      throw .malformed("w must be a float type, not \(w.dtype.name)")
    }
    let upstream = try UpstreamGradient(arguments, input: w)
    let blend = try AlphaBlend(&arguments, w: w)
    try arguments.finish()
    var trace = Trace(reference, output: reference?.output == "grad_w" ? "grad_w" : "y")
    var coverage = blend.coverage
    coverage.insert(length: w.count)
    coverage.insert(.empty, if: w.count == 0)
    let zeros = Array(repeating: Int64(0), count: w.count)
    var y = Expectation(Tensor(w.dtype, shape: w.shape, codes: zeros))
    var gradients = zeros
    for index in 0..<w.count {
      trace.begin(index)
      let value = w.number(at: index)
      coverage.insert(input: value, code: w.codes[index], w.dtype)
      if let blended = try blend.value(of: value, at: index, &trace, &coverage) {
        y.tensor.codes[index] = Int64(bitPattern: format.encode(blended))
      } else {
        y.leaveUnspecified(at: index)
      }
      let gradient = blend.gradient(of: upstream[index])
      coverage.insert(gradient: upstream[index], passes: blend.alpha != 1)
      trace.note(
        "gradient", Readable.text(gradient),
        "\(Readable.text(upstream[index])) * (1 - \(Readable.text(blend.alpha)))", "gradients §9")
      gradients[index] = Int64(bitPattern: format.encode(gradient))
    }
    return Outcome(
      [
        ("y", y), ("grad_w", Expectation(Tensor(w.dtype, shape: w.shape, codes: gradients))),
      ], coverage: coverage, stages: trace.stages)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    let levels: [LevelBin] = [
      .tieDown, .tieUp, .onLevel, .betweenLevels, .saturatedLow, .saturatedHigh, .nan,
      .plusInfinity, .minusInfinity, .minusZero, .subnormalInput, .perChannel, .empty,
    ]
    let gradients: [GradientBin] = [.gradientNaN, .gradientInfinity, .gradientMinusZero]
    return levels.map { CoverageBin($0.rawValue, $0.name, required: true) }
      + gradients.map(\.required)
  }
}

/// What a dialect says about `alpha_qat`: only its types.
struct AlphaQATRule: DialectRule {
  var inputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    inputTypes = try reader.types("input_types")
  }
}
