import CaseFormat
import ExactArithmetic
import NumberFormats

/// PyTorch's learnable fake quantization: the forward of the dialect, a backward of its own [gradients §10].
struct LearnableStep {
  private let x: Tensor
  private let scale: Tensor
  private let zero: Tensor?
  private let parameters: AffineParameters
  private let rule: FakeQuantizeRule
  private let range: LevelRange
  private let factor: Number
  private let isReduced: Bool
  private let single = Arithmetic(format: .binary32)

  init(
    _ arguments: inout Arguments, _ forward: Variants<FakeQuantizeRule>, x: Tensor
  ) throws(CaseError) {
    self.x = x
    scale = try arguments.input("scale")
    zero = arguments.optional("zero_point")
    guard scale.dtype == .float32 else {
      throw .unsupported("the learnable scale is float32, not \(scale.dtype.name)")
    }
    parameters = try AffineParameters(
      &arguments, x: x, scale: scale, zero: zero, rule: .explicit, acceptsBlocks: false)
    rule = forward.rule(
      for: Situation(
        operation: FakeQuantize.name, granularity: parameters.granularity, input: x.dtype,
        output: x.dtype, zeroPoint: zero?.dtype, learnable: true))
    guard arguments.has("qmin"), arguments.has("qmax") else {
      throw .malformed("lsq_grad needs the attributes 'qmin' and 'qmax'")
    }
    range = try rule.range(&arguments)
    factor = single.convert(.finite(try arguments.number("grad_factor") ?? 1))
    isReduced = try LearnedStep.isReduced(&arguments)
    guard x.count > 0 || !isReduced else {
      throw .precondition("grad_scale is a sum over nothing: x is empty")
    }
  }

  /// What an element gives; nil where a conversion to an integer is open.
  private struct Part {
    var gradient: Number
    var scaleSummand: Number
    var zeroSummand: Number
  }

  func outcome(
    _ upstream: UpstreamGradient, _ reference: ElementReference?
  ) throws(CaseError) -> Outcome {
    let format = x.dtype.floatFormat ?? .binary32
    var trace = Trace(reference, output: reference?.output ?? "y")
    var coverage = Coverage()
    coverage.insert(length: x.count)
    coverage.insert(.empty, if: x.count == 0)
    coverage.insert(.perChannel, if: parameters.granularity == .perChannel)
    coverage.insert(scales: scale, zeros: nil, range: nil)
    let zeros = Array(repeating: Int64(0), count: x.count)
    var y = Expectation(Tensor(x.dtype, shape: x.shape, codes: zeros))
    var gradients = y
    var parts: [Part?] = []
    for index in 0..<x.count {
      trace.begin(index)
      let element = FakeQuantize.Element(
        x: x.number(at: index), scale: parameters.scale(of: index),
        zero: parameters.zero(of: index), range: range, rounding: rule.level.rounding,
        input: x.dtype, scaleType: scale.dtype)
      coverage.insert(input: element.x, code: x.codes[index], x.dtype)
      y.set(try forward(element, format, &trace, &coverage), at: index)
      let part = try backward(element, upstream[index], &trace, &coverage)
      gradients.set(part.map { Int64(bitPattern: format.encode($0.gradient)) }, at: index)
      parts.append(part)
    }
    var outputs = [
      (name: "y", expectation: y), (name: "grad_x", expectation: gradients),
      (
        name: "grad_scale",
        expectation: sum(parts.map { $0?.scaleSummand }, scale, parameters.scaleMap)
      ),
    ]
    if let zero {
      outputs.append(
        (
          name: "grad_zero_point",
          expectation: sum(parts.map { $0?.zeroSummand }, zero, parameters.zeroMap)
        ))
    }
    return Outcome(outputs, coverage: coverage, stages: trace.stages)
  }

  private func forward(
    _ element: FakeQuantize.Element, _ format: FloatFormat, _ trace: inout Trace,
    _ coverage: inout Coverage
  ) throws(CaseError) -> Int64? {
    var events = LevelEvents()
    let level = try rule.level(element, &events, &trace)
    coverage.insert(
      events, level: level, zero: element.zero, range: range.integers, isZeroPointInside: false)
    guard case .value(let value) = level else { return nil }
    return rule.output.value(
      of: .finite(value), scale: element.scale, zero: rule.preparation.apply(element),
      scaleType: element.scaleType, output: format, trace: &trace
    ).map { Int64(bitPattern: format.encode($0)) }
  }

  /// The level anew, by a fused multiply-add, and the three gradients in binary32.
  private func backward(
    _ element: FakeQuantize.Element, _ gradient: Number, _ trace: inout Trace,
    _ coverage: inout Coverage
  ) throws(CaseError) -> Part? {
    let zero = rule.maskPreparation.apply(element)
    var events = LevelEvents()
    let level = try rule.maskLevel.level(
      of: element.x, scale: element.scale, zero: zero, range: range.integers,
      arithmetic: rule.maskLevel.precision.arithmetic(
        scale: element.scaleType, input: element.input),
      events: &events, trace: &trace)
    let region = Region(of: events.unclamped, lower: range.lower, upper: range.upper)
    guard case .value(let q) = level, region != .nowhere else { return nil }
    coverage.insert(region)
    let isInside = region == .inside || region.isBoundary
    coverage.insert(gradient: gradient, passes: isInside)
    trace.note(
      "region", region.name,
      "level \(Readable.text(events.unclamped)) of the backward against "
        + "\(Readable.text(range.lower)) to \(Readable.text(range.upper))", "gradients §2")
    let distance = single.convert(.finite(q - (zero.rational ?? 0)))
    let masked = Masking.product.apply(isInside, to: gradient)
    let scaled: Number
    if isInside {
      let error = single.fusedMultiplyAdd(distance, element.scale, -element.x)
      let inverse = single.divide(.finite(1), element.scale)
      scaled = single.multiply(single.multiply(gradient, error), inverse)
    } else {
      scaled = single.multiply(gradient, distance)
    }
    let moved: Number =
      isInside ? .zero : single.multiply(single.multiply(-element.scale, gradient), factor)
    let summand = single.multiply(scaled, factor)
    trace.note(
      "summand", Readable.text(summand), "of the gradient of the scale, binary32", "gradients §10")
    return Part(gradient: masked, scaleSummand: summand, zeroSummand: moved)
  }

  /// The gradient of a parameter: a summand by itself, else open, since its order of summation is.
  private func sum(
    _ summands: [Number?], _ parameter: Tensor, _ map: ParameterMap
  ) -> Expectation {
    let dtype = parameter.dtype.floatFormat == nil ? scale.dtype : parameter.dtype
    let format = dtype.floatFormat ?? .binary32
    func code(_ number: Number) -> Int64 { Int64(bitPattern: format.encode(number)) }
    let shape = isReduced ? parameter.shape : x.shape
    let count = Tensor.count(of: shape) ?? 0
    var result = Expectation(
      Tensor(dtype, shape: shape, codes: Array(repeating: 0, count: count)))
    guard isReduced else {
      for (index, summand) in summands.enumerated() { result.set(summand.map(code), at: index) }
      return result
    }
    var places: [[Number?]] = Array(repeating: [], count: count)
    for (index, summand) in summands.enumerated() {
      places[map.index(of: index)].append(summand)
    }
    for (place, values) in places.enumerated() {
      // A sum starts from +0.
      let only = values.count == 1 ? values[0].map { single.add(.zero, $0) } : nil
      result.set(only.map(code), at: place)
    }
    return result
  }
}
