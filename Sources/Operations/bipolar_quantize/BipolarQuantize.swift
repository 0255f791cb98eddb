public import CaseFormat
import ExactArithmetic
import NumberFormats

/// One bit: `y = +scale` where `x >= 0`, else `-scale`.
///
/// - Shapes: `x` any; `scale` broadcasts to it.
/// - Special values: -0 gives +scale, a NaN gives -scale [affine §23].
/// - Errors: a scale that is not finite and positive, shapes that do not broadcast.
public enum BipolarQuantize: Operation {
  public static let declaration = OperationDeclaration(
    name: "bipolar_quantize", groups: ["quant"], summary: "one bit, -1 or +1, times a scale",
    inputs: [.required("x"), .required("scale")], outputs: ["y"], attributes: [])

  public static let sweptInput: String? = "x"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("bipolar_quantize", BipolarQuantizeRule.self)
  }

  public static func evaluate(
    _ arguments: inout Arguments, explaining reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let rules = try arguments.dialect.rule(Self.self, as: Variants<BipolarQuantizeRule>.self)
    let x = try arguments.input("x")
    let rule = rules.rule(for: Situation(operation: name, input: x.dtype))
    let scale = try arguments.input("scale")
    try arguments.finish()
    try arguments.check(x.dtype, isOneOf: rule.inputTypes, for: "x")
    guard let format = x.dtype.floatFormat, scale.dtype.floatFormat != nil else {
      throw .malformed("x and scale must have float types")
    }
    guard scale.count > 0 else { throw .malformed("scale is empty") }
    let scales = try AffineParameters.positiveScales(scale, named: "scale")
    let map = try ParameterMap.broadcast(to: x, parameter: scale, named: "scale")
    var trace = Trace(reference, output: "y")
    var coverage = Coverage()
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    coverage.insert(.perChannel, if: map != .perTensor)
    var codes: [Int64] = []
    for index in 0..<x.count {
      trace.begin(index)
      let value = x.number(at: index)
      coverage.insert(input: value, code: x.codes[index], x.dtype)
      let isNonNegative = value != .nan && (!value.isNegative || value.isZero)
      let magnitude = scales[map.index(of: index)].rational ?? 0
      let result = isNonNegative ? magnitude : -magnitude
      trace.note(
        "sign", Readable.text(result), "\(Readable.text(value)) >= 0 is \(isNonNegative)",
        "affine §23")
      coverage.insert(isNonNegative ? .highestLevel : .lowestLevel)
      codes.append(Int64(bitPattern: format.encode(.finite(result))))
    }
    let y = Tensor(x.dtype, shape: x.shape, codes: codes)
    return Outcome(
      [("y", Expectation(y))], coverage: coverage, stages: trace.stages,
      dependence: .steps(origin: 0))
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    let required: [LevelBin] = [
      .lowestLevel, .highestLevel, .nan, .plusInfinity, .minusInfinity, .minusZero,
      .subnormalInput, .perChannel, .empty,
    ]
    return required.map { CoverageBin($0.rawValue, $0.name, required: true) }
  }
}

/// What a dialect says about `bipolar_quantize`: only its types.
struct BipolarQuantizeRule: DialectRule {
  var inputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    inputTypes = try reader.types("input_types")
  }
}
