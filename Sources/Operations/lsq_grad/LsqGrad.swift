public import CaseFormat
import ExactArithmetic
import NumberFormats

/// LSQ: `y = (clamp(RNE(x / scale) + z) - z) * scale`, and the gradients of x, scale and zero point.
///
/// - Shapes: `x` any; `scale` and `zero_point` one element, or one an axis slice (`axis`);
///   `grad_scale` and `grad_zero_point` theirs, or that of `x` where `reduction` is `none`.
/// - `boundary`: whether a quotient on an end of the range is outside (`open`, the paper) or inside
///   (`closed`) [gradients §8]; `grad_factor` multiplies the gradients of the parameters.
/// - Errors: a scale that is not finite and positive, a zero point that is no integer, a missing range, a
///   sum over nothing.
public enum LsqGrad: Operation {
  public static let declaration = OperationDeclaration(
    name: "lsq_grad", groups: ["grad"], summary: "learned step size, gradients of x and scale",
    inputs: [
      .required("x"), .required("scale"), .optional("zero_point"), .required("grad_output"),
    ],
    outputs: ["y", "grad_x", "grad_scale", "grad_zero_point"],
    attributes: [
      .init("qmin", .integer), .init("qmax", .integer), .init("axis", .integer),
      .init("grad_factor", .number), .init("boundary", .string), .init("reduction", .string),
    ])

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    guard let own = try dialect.variants("lsq_grad", LsqGradRule.self) else { return nil }
    let forward = try dialect.variants("fake_quantize", FakeQuantizeRule.self)
    guard !own.base.isLearnable || forward?.base.acceptsLearnable == true else {
      throw DialectError(
        file: dialect.name, line: 0, key: "lsq_grad.learnable",
        message: "needs a section fake_quantize that accepts learnable")
    }
    return LsqGradRules(own: own.base, forward: own.base.isLearnable ? forward : nil)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rules = try arguments.dialect.rule(Self.self, as: LsqGradRules.self)
    let rule = rules.own
    let x = try arguments.input("x")
    try arguments.check(x.dtype, isOneOf: rule.inputTypes, for: "x")
    guard let format = x.dtype.floatFormat else {
      throw .malformed("x must be a float type, not \(x.dtype.name)")
    }
    let upstream = try UpstreamGradient(arguments, input: x)
    if let forward = rules.forward {
      let step = try LearnableStep(&arguments, forward, x: x)
      try arguments.finish()
      return try step.outcome(upstream, reference)
    }
    let step = try LearnedStep(&arguments, rule, x: x)
    try arguments.finish()
    var trace = Trace(reference, output: reference?.output == "grad_x" ? "grad_x" : "y")
    var coverage = step.coverage
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    let zeros = Array(repeating: Int64(0), count: x.count)
    var y = Expectation(Tensor(x.dtype, shape: x.shape, codes: zeros))
    var gradients = y
    var scaleSums = try step.sums(like: step.scale, over: x, .scale)
    var zeroSums = try step.zero.map { zero throws(CaseError) in
      try step.sums(like: zero, over: x, .zero)
    }
    for index in 0..<x.count {
      trace.begin(index)
      let value = x.number(at: index)
      let gradient = upstream[index]
      let part = step.part(of: value, at: index, &trace, &coverage)
      coverage.insert(input: value, code: x.codes[index], x.dtype)
      coverage.insert(gradient: gradient, passes: part?.passes)
      let masked = Masking.exact.apply(part?.passes ?? false, to: gradient)
      gradients.tensor.codes[index] = Int64(bitPattern: format.encode(masked))
      trace.note(
        "gradient", Readable.text(masked),
        "\(Readable.text(gradient)) behind a mask of \(part?.passes == true ? 1 : 0)",
        "gradients §8")
      if let part {
        y.tensor.codes[index] = Int64(bitPattern: format.encode(.finite(part.y)))
      } else {
        y.leaveUnspecified(at: index)
      }
      scaleSums.add(part?.scaleSlope, gradient, at: index)
      zeroSums?.add(part?.zeroSlope, gradient, at: index)
    }
    var stages = trace.stages
    var outputs = [
      (name: "y", expectation: y), (name: "grad_x", expectation: gradients),
      (name: "grad_scale", expectation: scaleSums.outcome(&stages, reference)),
    ]
    if let zeroSums {
      outputs.append((name: "grad_zero_point", expectation: zeroSums.outcome(&stages, reference)))
    }
    return Outcome(outputs, coverage: coverage, stages: stages)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    let levels: [LevelBin] = [
      .tieDown, .tieUp, .onLevel, .betweenLevels, .nan, .plusInfinity, .minusInfinity,
      .minusZero, .subnormalInput, .scalePowerOfTwo, .scaleReciprocalInexact, .perChannel, .empty,
    ]
    return levels.map { CoverageBin($0.rawValue, $0.name, required: true) }
      + GradientBin.allCases.filter { $0 != .roundedInto }.map(\.required)
  }
}

/// What a dialect says about `lsq_grad`.
struct LsqGradRule: DialectRule {
  /// Where a quotient on an end of the range belongs [gradients §8].
  enum Boundary: String, CaseIterable, Sendable { case open, closed }

  /// What the attribute `boundary` is by default.
  var boundary: Boundary
  /// Whether it is the learnable fake quantization of the section `fake_quantize` [gradients §10].
  var isLearnable: Bool
  var inputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    boundary = try reader.choice("boundary", default: .open)
    isLearnable = try reader.flag("learnable", default: false)
    inputTypes = try reader.types("input_types")
  }
}

/// The rule, and that of the forward pass where the backward is its own.
struct LsqGradRules: Sendable {
  var own: LsqGradRule
  var forward: Variants<FakeQuantizeRule>?
}
