public import CaseFormat
import ExactArithmetic
import NumberFormats

/// PACT: `y = RNE(clip(x, 0, alpha) * n / alpha) * alpha / n` with `n = 2^bits - 1`, and its gradients.
///
/// - Shapes: `x` any but empty; `alpha` one element; `grad_output` that of `x`, or one element.
/// - `grad_x` passes from 0 to alpha, `grad_alpha` is the sum of the gradients from alpha on; `boundary`
///   says whose x = alpha is: `alpha` (the paper), `x`, or `both` [gradients §6].
/// - `calibrated`: below alpha, the rounding error goes to alpha too [gradients §7].
/// - Errors: an alpha that is not finite and positive, bits outside 1 to 32, an empty `x`.
public enum PactGrad: Operation {
  public static let declaration = OperationDeclaration(
    name: "pact_grad", groups: ["grad"], summary: "PACT, its gradient and that of its clip",
    inputs: [.required("x"), .required("alpha"), .required("grad_output")],
    outputs: ["y", "grad_x", "grad_alpha"],
    attributes: [
      .init("bits", .integer), .init("boundary", .string), .init("calibrated", .integer),
    ])

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("pact_grad", PactGradRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rule = try arguments.dialect.rule(Self.self, as: Variants<PactGradRule>.self).base
    let x = try arguments.input("x")
    try arguments.check(x.dtype, isOneOf: rule.inputTypes, for: "x")
    guard let format = x.dtype.floatFormat else {
      throw .malformed("x must be a float type, not \(x.dtype.name)")
    }
    let alpha = try arguments.input("alpha")
    let upstream = try UpstreamGradient(arguments, input: x)
    let clip = try PactClip(&arguments, rule, alpha: alpha)
    try arguments.finish()
    guard x.count > 0 else {
      throw .precondition("grad_alpha is a sum over nothing: x is empty")
    }
    var trace = Trace(reference, output: reference?.output == "grad_x" ? "grad_x" : "y")
    var coverage = Coverage()
    coverage.insert(length: x.count)
    var (y, gradients): ([Int64], [Int64]) = ([], [])
    var sum = ExactSum()
    for index in 0..<x.count {
      trace.begin(index)
      let value = x.number(at: index)
      let gradient = upstream[index]
      let part = clip.part(of: value, &trace, &coverage)
      let masked = Masking.exact.apply(part.passes, to: gradient)
      if part.slope != 0 {
        sum.add(Arithmetic.exact.multiply(.finite(part.slope), gradient))
      }
      trace.note(
        "gradient", Readable.text(masked),
        "\(Readable.text(gradient)) behind a mask of \(part.passes ? 1 : 0)", "gradients §6")
      coverage.insert(input: value, code: x.codes[index], x.dtype)
      coverage.insert(gradient: gradient, passes: part.passes)
      y.append(Int64(bitPattern: format.encode(part.y)))
      gradients.append(Int64(bitPattern: format.encode(masked)))
    }
    let total = clip.format.encode(sum.value)
    var sumTrace = Trace(reference, output: "grad_alpha")
    sumTrace.begin(0)
    sumTrace.note(
      "sum", Readable.text(sum.value), "exact, over \(x.count) elements", "gradients §4")
    return Outcome(
      [
        ("y", Expectation(Tensor(x.dtype, shape: x.shape, codes: y))),
        ("grad_x", Expectation(Tensor(x.dtype, shape: x.shape, codes: gradients))),
        (
          "grad_alpha",
          Expectation(Tensor(alpha.dtype, shape: alpha.shape, codes: [Int64(bitPattern: total)]))
        ),
      ], coverage: coverage, stages: trace.stages + sumTrace.stages)
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    let levels: [LevelBin] = [
      .tieDown, .tieUp, .onLevel, .betweenLevels, .nan, .plusInfinity, .minusInfinity,
      .minusZero, .subnormalInput,
    ]
    return levels.map { CoverageBin($0.rawValue, $0.name, required: true) }
      + GradientBin.allCases.filter { $0 != .roundedInto }.map(\.required)
  }
}

/// What a dialect says about `pact_grad`.
struct PactGradRule: DialectRule {
  /// Which gradients x = alpha has [gradients §6].
  enum Boundary: String, CaseIterable, Sendable { case alpha, x, both }

  /// What the attribute `boundary` is by default.
  var boundary: Boundary
  var inputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    boundary = try reader.choice("boundary", default: .alpha)
    inputTypes = try reader.types("input_types")
  }
}

/// The clipped quantizer of a case.
struct PactClip {
  /// The format of alpha and its gradient.
  let format: FloatFormat
  private let alpha: Rational
  private let steps: Rational
  private let boundary: PactGradRule.Boundary
  private let isCalibrated: Bool

  init(
    _ arguments: inout Arguments, _ rule: PactGradRule, alpha tensor: Tensor
  ) throws(CaseError) {
    guard let format = tensor.dtype.floatFormat else {
      throw .malformed("alpha must be a float type, not \(tensor.dtype.name)")
    }
    guard tensor.count == 1 else { throw .malformed("alpha must have one element") }
    self.format = format
    alpha = try AffineParameters.positiveScales(tensor, named: "alpha")[0].rational ?? 1
    guard arguments.has("bits") else {
      throw .malformed("pact_grad needs the attribute 'bits'")
    }
    let bits = try arguments.integer("bits", in: 1...32, default: 8)
    steps = Rational(1).scaledByPowerOfTwo(bits) - 1
    let name = arguments.string("boundary") ?? rule.boundary.rawValue
    guard let boundary = PactGradRule.Boundary(rawValue: name) else {
      throw .malformed("boundary '\(name)' is not one of alpha, x, both")
    }
    self.boundary = boundary
    isCalibrated = try arguments.flag("calibrated", default: false)
  }

  /// What an element gives: its output, whether its gradient passes, and dy/dalpha.
  func part(
    of x: Number, _ trace: inout Trace, _ coverage: inout Coverage
  ) -> (y: Number, passes: Bool, slope: Rational) {
    let region = Region(of: x, lower: 0, upper: alpha)
    coverage.insert(region)
    let clipped: Rational
    switch region {
    case .nowhere:
      trace.note("region", region.name, "a NaN stands nowhere", "gradients §2")
      return (.nan, false, 0)
    case .below, .onLower: clipped = 0
    case .inside: clipped = x.rational ?? 0
    case .onUpper, .above: clipped = alpha
    }
    let quotient = clipped * steps / alpha
    let level = Rational((try? quotient.rounded(.nearestEven)) ?? 0)
    note(quotient, level, &coverage)
    trace.note(
      "region", region.name,
      "\(Readable.text(x)) against 0 to alpha = \(Readable.text(alpha))", "gradients §2")
    trace.note(
      "rounding", Readable.text(level),
      "the exact quotient \(Readable.text(quotient)), nearest, ties to even", "rounding §1")
    let isAlphas = region == .above || region == .onUpper && boundary != .x
    let passes =
      region == .inside || region == .onLower || region == .onUpper && boundary != .alpha
    let slope: Rational =
      isAlphas ? 1 : isCalibrated ? (level - quotient) / steps : 0
    return (.finite(level * alpha / steps), passes, slope)
  }

  private func note(_ quotient: Rational, _ level: Rational, _ coverage: inout Coverage) {
    let isOnLevel = quotient.isInteger
    let isTie = !isOnLevel && (quotient * 2).isInteger
    coverage.insert(.onLevel, if: isOnLevel)
    coverage.insert(.betweenLevels, if: !isOnLevel && !isTie)
    coverage.insert(level > quotient ? .tieUp : .tieDown, if: isTie)
  }
}
