public import CaseFormat
import ExactArithmetic
import Generation
import NumberFormats

/// Levels to real values: `y = (x - zero_point) * scale`, with the dialect's roundings.
///
/// - Shapes: `x` any; `scale` and `zero_point` one element, one an axis slice, or one a block.
/// - Rounding: the dialect's section `dequantize` [affine §14 to §16].
/// - Errors: a scale that is not finite and positive, shapes that do not fit.
public enum Dequantize: Operation {
  public static let declaration = OperationDeclaration(
    name: "dequantize", groups: ["quant"], summary: "levels to real values",
    inputs: [.required("x"), .required("scale"), .optional("zero_point")], outputs: ["y"],
    attributes: [
      .init("axis", .integer), .init("block_size", .integer), .init("output_dtype", .string),
    ])

  public static let sweptInput: String? = "x"

  public static func rule(in dialect: Dialect) throws(DialectError) -> (any Sendable)? {
    try dialect.variants("dequantize", DequantizeRule.self)
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
    let rules = try arguments.dialect.rule(Self.self, as: Variants<DequantizeRule>.self)
    let x = try arguments.input("x")
    let scale = try arguments.input("scale")
    let zero = arguments.optional("zero_point")
    try arguments.check(x.dtype, isOneOf: rules.base.inputTypes, for: "x")
    try arguments.check(scale.dtype, isOneOf: rules.base.scaleTypes, for: "scale")
    if let zero, zero.dtype != x.dtype, !rules.base.acceptsOtherZeroPoints {
      throw .malformed("zero_point is \(zero.dtype.name), but x is \(x.dtype.name)")
    }
    let output = try outputType(&arguments, scale, rules.base)
    let parameters = try AffineParameters(
      &arguments, x: x, scale: scale, zero: zero, rule: rules.base.axis,
      acceptsBlocks: rules.base.acceptsBlocks)
    try arguments.finish()
    try checkZeros(parameters, x.dtype, rules.base)
    let rule = rules.rule(
      for: Situation(
        operation: name, granularity: parameters.granularity, input: x.dtype,
        output: .float(output)))

    var trace = Trace(reference, output: "y")
    var coverage = Coverage()
    coverage.insert(length: x.count)
    coverage.insert(scales: scale, zeros: zero, range: x.dtype.integerRange)
    coverage.insert(.empty, if: x.count == 0)
    coverage.insert(.perChannel, if: parameters.granularity == .perChannel)
    if case .blocked = parameters.scaleMap { coverage.insert(.blocked) }
    var y = Expectation(
      Tensor(.float(output), shape: x.shape, codes: Array(repeating: 0, count: x.count)))
    if isBulk, output == .binary32, x.dtype.integerRange != nil, x.dtype.bits <= 32,
      let fast = FastValue(rule), let numbers = parameters.machineNumbers(scale)
    {
      let range = Choices.range(of: x.dtype)
      for (index, q) in x.codes.enumerated() {
        let zero = numbers.zeros[parameters.zeroMap.index(of: index)]
        let value = fast.value(
          of: q, scale: numbers.scales[parameters.scaleMap.index(of: index)], zero: zero)
        y.set(value.map { Int64($0.bitPattern) }, at: index)
        coverage.insert(.lowestLevel, if: q == range.lowerBound)
        coverage.insert(.highestLevel, if: q == range.upperBound)
        coverage.insert(.onLevel, if: q == zero)
      }
      return Outcome([("y", y)], coverage: coverage).fromBulkOracle
    }
    for index in 0..<x.count {
      trace.begin(index)
      let level = x.number(at: index)
      let value = rule.value(
        of: level, scale: parameters.scale(of: index), zero: parameters.zero(of: index),
        scaleType: scale.dtype, output: output, trace: &trace)
      if let value {
        y.tensor.codes[index] = Int64(bitPattern: output.encode(value))
      } else {
        y.leaveUnspecified(at: index)
      }
      coverage.insert(input: level, code: x.codes[index], x.dtype)
      if let range = x.dtype.integerRange, let value = level.rational {
        coverage.insert(.lowestLevel, if: value == Rational(range.lowerBound))
        coverage.insert(.highestLevel, if: value == Rational(range.upperBound))
        coverage.insert(.onLevel, if: value == parameters.zero(of: index).rational)
      }
    }
    return Outcome([("y", y)], coverage: coverage, stages: trace.stages)
  }

  /// The type of `y`: `output_dtype`, else the type of the scale, else float32.
  private static func outputType(
    _ arguments: inout Arguments, _ scale: Tensor, _ rule: DequantizeRule
  ) throws(CaseError) -> FloatFormat {
    if let named = try arguments.dataType("output_dtype") {
      try arguments.check(named, isOneOf: rule.outputTypes, for: "y")
      guard let format = named.floatFormat else {
        throw .malformed("output_dtype must be a float type, not \(named.name)")
      }
      return format
    }
    guard let format = scale.dtype.floatFormat else {
      throw .malformed("scale must be a float type, not \(scale.dtype.name)")
    }
    return format == .float8E8M0FNU ? .binary32 : format
  }

  private static func checkZeros(
    _ parameters: AffineParameters, _ type: DataType, _ rule: DequantizeRule
  ) throws(CaseError) {
    let mustBeZero = type.floatFormat != nil || rule.zeroOnlyTypes.contains(type)
    for zero in parameters.zeros where mustBeZero && !zero.isZero {
      throw .precondition("the zero point of \(type.name) must be zero")
    }
  }

  public static func bins(in dialect: Dialect) -> [CoverageBin] {
    guard let rules = try? dialect.rule(Self.self, as: Variants<DequantizeRule>.self) else {
      return []
    }
    var required: [LevelBin] = [
      .lowestLevel, .highestLevel, .onLevel, .zeroPointLowest, .zeroPointHighest,
      .scalePowerOfTwo, .scaleReciprocalInexact, .perChannel, .empty,
    ]
    if rules.base.acceptsBlocks { required.append(.blocked) }
    return required.map { CoverageBin($0.rawValue, $0.name, required: true) }
      + [
        CoverageBin(LevelBin.scaleSubnormal.rawValue, LevelBin.scaleSubnormal.name, required: false)
      ]
  }
}

/// What a dialect says about `dequantize`: where `(q - z) * s` rounds [affine §14].
struct DequantizeRule: DialectRule {
  /// The shape of the formula.
  enum Form: String, CaseIterable, Sendable {
    /// `(q - z) * s`
    case difference
    /// `q * s + (-z * s)`, each product rounded.
    case products
    /// `fma(q, s, -z * s)`, the product of the zero point rounded.
    case fused
  }
  /// In what a stage works; `output` is the type of `y`, `storage` what the output type is.
  enum Stage: String, CaseIterable, Sendable {
    case exact, float32, float64, output, scale
    case int32

    func arithmetic(output: FloatFormat, scale: DataType) -> Arithmetic {
      switch self {
      case .exact, .int32: .exact
      case .float32: Arithmetic(format: .binary32)
      case .float64: Arithmetic(format: .binary64)
      case .output: Arithmetic(format: output)
      case .scale: Precision.scale.arithmetic(scale: scale, input: .float(output))
      }
    }
  }

  var form: Form
  /// What `q` and `z` are converted to before they are subtracted.
  var operands: Stage
  /// What the difference is rounded to; `int32`: beyond it, unspecified.
  var difference: Stage
  /// What the product is rounded to.
  var product: Stage
  /// What the product is converted to before the output type; for most, nothing.
  var through: Stage
  var axis: AffineParameters.AxisRule
  var acceptsBlocks: Bool
  var acceptsOtherZeroPoints: Bool
  var inputTypes: [DataType]?
  var scaleTypes: [DataType]?
  var outputTypes: [DataType]?
  var zeroOnlyTypes: [DataType]

  init(_ reader: inout RuleReader) throws(DialectError) {
    form = try reader.choice("form", default: .difference)
    operands = try reader.choice("operands", default: .exact)
    difference = try reader.choice("difference", default: .exact)
    product = try reader.choice("product", default: .exact)
    through = try reader.choice("through", default: .exact)
    axis = try reader.choice("axis", default: .defaultsToOne)
    acceptsBlocks = try reader.words("accepts", among: ["block_size"]).contains("block_size")
    acceptsOtherZeroPoints = try reader.flag("any_zero_point_type", default: false)
    inputTypes = try reader.types("input_types")
    scaleTypes = try reader.types("scale_types")
    outputTypes = try reader.types("output_types")
    zeroOnlyTypes = try reader.types("zero_only_types") ?? []
  }

  /// The real value of a level; nil where the dialect leaves it open.
  func value(
    of level: Number, scale: Number, zero: Number, scaleType: DataType, output: FloatFormat,
    trace: inout Trace
  ) -> Number? {
    func arithmetic(_ stage: Stage) -> Arithmetic {
      stage.arithmetic(output: output, scale: scaleType)
    }
    let q = arithmetic(operands).convert(level)
    let z = arithmetic(operands).convert(zero)
    let minusZ: Number = z.rational.map { .finite(-$0) } ?? z
    let products = arithmetic(product)
    let scale = products.convert(scale)
    var value: Number
    var start: Number?
    switch form {
    case .difference:
      let isFloat: Bool
      if case .finite = level { isFloat = false } else { isFloat = true }
      let exact = zero.isZero && isFloat ? q : Arithmetic.exact.add(q, minusZ)
      if difference == .int32, let integer = exact.rational,
        !IntegerFormat(bits: 32, signed: true).contains(integer.numerator)
      {
        trace.note("difference", "unspecified", "q - z is beyond int32", "affine §14")
        return nil
      }
      let rounded = arithmetic(difference).convert(exact)
      trace.note(
        "zero point", Readable.text(rounded),
        "\(Readable.text(q)) - \(Readable.text(z)), \(arithmetic(difference).name)", "affine §14",
        from: q, to: rounded, by: .add(minusZ, arithmetic(difference).format))
      value = products.multiply(products.convert(rounded), scale)
      start = products.convert(rounded)
    case .products:
      let first = products.multiply(q, scale)
      let second = products.multiply(minusZ, scale)
      trace.note(
        "products", "\(Readable.text(first)) and \(Readable.text(second))",
        "q * s and -z * s, \(products.name)", "affine §15")
      value = products.add(first, second)
    case .fused:
      let offset = products.multiply(minusZ, scale)
      trace.note("products", Readable.text(offset), "-z * s, \(products.name)", "affine §15")
      value = products.fusedMultiplyAdd(q, scale, offset)
    }
    value = arithmetic(through).convert(value)
    trace.note(
      "scaling", Readable.text(value), "* \(Readable.text(scale)), \(products.name)", "affine §14",
      from: start, to: value, by: start == nil ? nil : .multiply(scale, products.format))
    // Real numbers have one zero.
    if product == .exact && value == .negativeZero { value = .zero }
    let result = output.rounded(value)
    if result != value || trace.isNumeric {
      trace.note(
        "output", Readable.text(result), "rounded to \(output.name)", "rounding §1", from: value,
        to: result, by: .convert(output, saturates: false))
    }
    return result
  }
}
