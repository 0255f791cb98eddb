import CaseFormat
import ExactArithmetic
import NumberFormats

/// The learned quantizer of a case: what each element gives to the output and to the gradients.
struct LearnedStep {
  let scale: Tensor
  let zero: Tensor?
  private(set) var coverage = Coverage()
  private let range: ClosedRange<Int>
  private let parameters: AffineParameters
  private let boundary: LsqGradRule.Boundary
  private let factor: Rational
  private let isReduced: Bool

  init(_ arguments: inout Arguments, _ rule: LsqGradRule, x: Tensor) throws(CaseError) {
    scale = try arguments.input("scale")
    zero = arguments.optional("zero_point")
    guard scale.dtype.floatFormat != nil else {
      throw .malformed("scale must be a float type, not \(scale.dtype.name)")
    }
    guard let low = arguments.integer("qmin"), let high = arguments.integer("qmax") else {
      throw .malformed("lsq_grad needs the attributes 'qmin' and 'qmax'")
    }
    guard low <= high else { throw .malformed("qmin \(low) is above qmax \(high)") }
    range = low...high
    parameters = try AffineParameters(
      &arguments, x: x, scale: scale, zero: zero, rule: .explicit, acceptsBlocks: false)
    for value in parameters.zeros where value.rational?.isInteger != true {
      throw .precondition("zero_point \(Readable.text(value)) is not an integer")
    }
    factor = try arguments.number("grad_factor") ?? 1
    let boundary = arguments.string("boundary") ?? rule.boundary.rawValue
    guard let known = LsqGradRule.Boundary(rawValue: boundary) else {
      throw .malformed("boundary '\(boundary)' is not one of open, closed")
    }
    self.boundary = known
    isReduced = try Self.isReduced(&arguments)
    coverage.insert(.perChannel, if: parameters.granularity == .perChannel)
    coverage.insert(scales: scale, zeros: nil, range: nil)
  }

  /// Whether gradients of parameters are sums, by the attribute `reduction`.
  static func isReduced(_ arguments: inout Arguments) throws(CaseError) -> Bool {
    let reduction = arguments.string("reduction") ?? "sum"
    guard ["sum", "none"].contains(reduction) else {
      throw .malformed("reduction '\(reduction)' is not one of sum, none")
    }
    return reduction == "sum"
  }

  /// What an element gives; nil for a NaN, which stands nowhere.
  struct Part {
    var y: Rational
    var passes: Bool
    var scaleSlope: Rational
    var zeroSlope: Rational
  }

  func part(
    of x: Number, at index: Int, _ trace: inout Trace, _ coverage: inout Coverage
  ) -> Part? {
    guard let s = parameters.scale(of: index).rational,
      let z = parameters.zero(of: index).rational
    else { return nil }
    let (low, high) = (Rational(range.lowerBound), Rational(range.upperBound))
    let quotient = Arithmetic.exact.divide(x, .finite(s))
    let region = Region(of: Arithmetic.exact.add(quotient, .finite(z)), lower: low, upper: high)
    coverage.insert(region)
    trace.note(
      "region", region.name,
      "the exact quotient \(Readable.text(quotient)) + \(Readable.text(z)) against "
        + "\(range.lowerBound) to \(range.upperBound)", "gradients §2")
    if region == .nowhere { return nil }
    let isInside = region == .inside || boundary == .closed && region.isBoundary
    guard let exact = quotient.rational, isInside else {
      // On both ends at once, where they are one, the lower end counts.
      let isLow = region == .below || region == .onLower
      let end = (isLow ? low : high) - z
      return Part(y: end * s, passes: false, scaleSlope: end, zeroSlope: -s)
    }
    let level = Rational((try? exact.rounded(.nearestEven)) ?? 0)
    let isTie = !exact.isInteger && (exact * 2).isInteger
    coverage.insert(.onLevel, if: exact.isInteger)
    coverage.insert(.betweenLevels, if: !exact.isInteger && !isTie)
    coverage.insert(level > exact ? .tieUp : .tieDown, if: isTie)
    trace.note(
      "rounding", Readable.text(level),
      "\(Readable.text(exact)); nearest, ties to even", "rounding §1")
    return Part(y: level * s, passes: true, scaleSlope: level - exact, zeroSlope: 0)
  }

  /// A parameter of the quantizer.
  enum Parameter: String {
    case scale = "grad_scale"
    case zero = "grad_zero_point"
  }

  /// The sums that become the gradient of a parameter.
  ///
  /// - Throws: `precondition` where there is nothing to sum.
  func sums(
    like parameter: Tensor, over x: Tensor, _ kind: Parameter
  ) throws(CaseError) -> ParameterGradient {
    guard x.count > 0 || !isReduced else {
      throw .precondition("\(kind.rawValue) is a sum over nothing: x is empty")
    }
    let dtype = parameter.dtype.floatFormat == nil ? scale.dtype : parameter.dtype
    let map = kind == .scale ? parameters.scaleMap : parameters.zeroMap
    return ParameterGradient(
      name: kind.rawValue, dtype: dtype, shape: isReduced ? parameter.shape : x.shape,
      map: isReduced ? map : .perAxis(inner: 1, channels: max(1, x.count)), factor: factor)
  }
}

/// The gradient of a parameter: exact sums, each times the factor and rounded once [gradients §4].
struct ParameterGradient {
  private let name: String
  private let dtype: DataType
  private let shape: [Int]
  private let map: ParameterMap
  private let factor: Rational
  private var sums: [ExactSum]
  private var isOpen: [Bool]

  init(name: String, dtype: DataType, shape: [Int], map: ParameterMap, factor: Rational) {
    (self.name, self.dtype, self.shape) = (name, dtype, shape)
    (self.map, self.factor) = (map, factor)
    let count = Tensor.count(of: shape) ?? 0
    sums = Array(repeating: ExactSum(), count: count)
    isOpen = Array(repeating: false, count: count)
  }

  /// Adds an element's slope times its gradient; no slope leaves the sum open, a slope of zero adds
  /// nothing, whatever the gradient is.
  mutating func add(_ slope: Rational?, _ gradient: Number, at index: Int) {
    let place = map.index(of: index)
    guard let slope else {
      isOpen[place] = true
      return
    }
    guard !slope.isZero, !factor.isZero else { return }
    sums[place].add(Arithmetic.exact.multiply(.finite(slope * factor), gradient))
  }

  /// The gradient, with the stages of the elements asked for.
  func outcome(_ stages: inout [Stage], _ reference: ElementReference?) -> Expectation {
    let format = dtype.floatFormat ?? .binary32
    var trace = Trace(reference, output: name)
    var result = Expectation(
      Tensor(
        dtype, shape: shape,
        codes: sums.map { Int64(bitPattern: format.encode($0.value)) }))
    for index in sums.indices {
      trace.begin(index)
      trace.note(
        "sum", isOpen[index] ? "unspecified" : Readable.text(sums[index].value),
        isOpen[index] ? "an element is NaN" : "exact, times \(Readable.text(factor))",
        "gradients §4")
      if isOpen[index] { result.leaveUnspecified(at: index) }
    }
    stages += trace.stages
    return result
  }
}
