public import CaseFormat
import ExactArithmetic
import NumberFormats

/// The straight-through estimator: the gradient of the output where a mask lets it pass, else zero.
///
/// - Shapes: `x` any; `grad_output` that of `x`, or one element; `scale` and `zero_point` one element,
///   or one an axis slice (`axis`).
/// - `mask`: `identity` passes all, `closed` the range with its ends, `open` without them, `rounded` what
///   fake quantization rounds into it [gradients §5]. The range is `qmin` and `qmax` in levels, or
///   `lower` and `upper` on `x`; there is no default.
/// - Errors: no mask, a range that is missing, twice given or empty, a scale that is not finite and
///   positive, shapes.
public enum SteGrad: Operation {
  public static let declaration = OperationDeclaration(
    name: "ste_grad", groups: ["grad"], summary: "gradient of the straight-through estimator",
    inputs: [
      .required("x"), .optional("scale"), .optional("zero_point"), .required("grad_output"),
    ],
    outputs: ["grad_x"],
    attributes: [
      .init("mask", .string), .init("qmin", .integer), .init("qmax", .integer),
      .init("lower", .number), .init("upper", .number), .init("axis", .integer),
    ])

  public static let sweptInput: String? = "x"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    guard let own = try dialect.variants("ste_grad", SteGradRule.self) else { return nil }
    let forward = try dialect.variants("fake_quantize", FakeQuantizeRule.self)
    let canRound = forward?.base.hasMask == true && forward?.base.kind == .affine
    var rule = own.base
    if !canRound {
      guard !rule.namesMasks || !rule.masks.contains(.rounded) else {
        throw DialectError(
          file: dialect.name, line: 0, key: "ste_grad.masks",
          message: "'rounded' is the mask of the section fake_quantize, which is missing")
      }
      rule.masks.removeAll { $0 == .rounded }
    }
    return SteGradRules(own: rule, forward: forward)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rules = try arguments.dialect.rule(Self.self, as: SteGradRules.self)
    let x = try arguments.input("x")
    try arguments.check(x.dtype, isOneOf: rules.own.inputTypes, for: "x")
    guard let format = x.dtype.floatFormat else {
      throw .malformed("x must be a float type, not \(x.dtype.name)")
    }
    let upstream = try UpstreamGradient(arguments, input: x)
    let mask = try SteMask(&arguments, rules, x: x)
    try arguments.finish()
    var trace = Trace(reference, output: "grad_x")
    var coverage = mask.coverage
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    var result = Expectation(
      Tensor(x.dtype, shape: x.shape, codes: Array(repeating: 0, count: x.count)))
    for index in 0..<x.count {
      trace.begin(index)
      let value = x.number(at: index)
      let gradient = upstream[index]
      let passes = try mask.passes(value, at: index, &trace, &coverage)
      coverage.insert(input: value, code: x.codes[index], x.dtype)
      coverage.insert(gradient: gradient, passes: passes)
      guard let passes else {
        result.leaveUnspecified(at: index)
        continue
      }
      let masked = mask.masking.apply(passes, to: gradient)
      trace.note(
        "gradient", Readable.text(masked),
        "\(Readable.text(gradient)) behind a mask of \(passes ? 1 : 0), \(mask.masking.phrase)",
        "gradients §3")
      result.tensor.codes[index] = Int64(bitPattern: format.encode(masked))
    }
    return Outcome(
      [("grad_x", result)], coverage: coverage, stages: trace.stages,
      dependence: try mask.dependence())
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    guard let rules = try? dialect.rule(Self.self, as: SteGradRules.self) else { return [] }
    let inputs: [LevelBin] = [
      .nan, .plusInfinity, .minusInfinity, .minusZero, .subnormalInput, .perChannel, .empty,
    ]
    let gradients = GradientBin.allCases.filter {
      $0 != .roundedInto || rules.own.masks.contains(.rounded)
    }
    return inputs.map { CoverageBin($0.rawValue, $0.name, required: true) }
      + gradients.map(\.required)
  }
}

/// What a dialect says about `ste_grad`.
struct SteGradRule: DialectRule {
  /// Which inputs a mask lets pass.
  enum Mask: String, CaseIterable, Sendable { case identity, closed, open, rounded }

  var masks: [Mask]
  /// Whether the dialect names them; else they are all that it can have.
  var namesMasks: Bool
  /// How the mask `rounded` is put on a gradient.
  var roundedMasking: Masking
  /// How the other masks are.
  var masking: Masking
  /// In what a quotient is computed that the masks `closed` and `open` look at, and its ends held.
  var precision: Precision
  var inputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    let names = try reader.words("masks", among: Mask.allCases.map(\.rawValue))
    namesMasks = !names.isEmpty
    masks = names.isEmpty ? Mask.allCases : names.compactMap(Mask.init(rawValue:))
    masking = try reader.choice("masking", default: .exact)
    roundedMasking = try reader.choice("rounded_masking", default: masking)
    precision = try reader.choice("precision", default: .exact)
    inputTypes = try reader.types("input_types")
  }
}

/// The rule, and that of the forward pass, whose mask `rounded` is.
struct SteGradRules: Sendable {
  var own: SteGradRule
  var forward: Variants<FakeQuantizeRule>?
}
