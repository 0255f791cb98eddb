import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations

/// Varies one input element of a failing case, to show the subject beside the exact staircase.
struct StaircaseProbe {
  let prober: Prober
  let operation: any Operations.Operation.Type
  let test: Case
  let output: Int
  let index: Int
  let chain: Chain?

  /// Points on each side of the failing input.
  private static let reach = 48
  /// How many elements of an input are tried.
  private static let mostElements = 24

  /// The first declared input element that moves the output, varied; nil where none does.
  func staircase() -> Failure.Staircase? {
    for input in operation.declaration.inputs {
      guard let tensor = test.inputs[input.name] else { continue }
      for element in elements(of: tensor) {
        for codes in variations(tensor, element) {
          if let staircase = staircase(input.name, tensor, element, codes) { return staircase }
        }
      }
    }
    return nil
  }

  /// The element of the same place first, where there is one.
  private func elements(of tensor: Tensor) -> [Int] {
    let shape = try? Reference.evaluateFast(test, dialect: prober.dialect)
      .outputs[output].expectation.tensor.shape
    if tensor.shape == shape, index < tensor.count { return [index] }
    return Array(0..<min(tensor.count, Self.mostElements))
  }

  /// Codes around an element's own, finely spaced first, in ascending order of their values.
  private func variations(_ tensor: Tensor, _ element: Int) -> [[Int64]] {
    let code = tensor.codes[element]
    switch tensor.dtype {
    case .integer, .fixed:
      // The finest spacing on which the output moves over several levels, else the coarsest.
      let spacings = (0..<24).map { Int64(1) << Int64($0) }
      let all = spacings.map { spacing in
        (-Self.reach...Self.reach).map { code &+ Int64($0) * spacing }
          .filter { tensor.dtype.isValid(code: $0) }
      }
      return all.filter { $0.count > 2 }
    case .float(let format):
      guard let center = format.decode(UInt64(bitPattern: code)).rational else { return [] }
      return steps(center, format).map { step in
        var codes: [Int64] = []
        for place in -Self.reach...Self.reach {
          let value = format.encode(.finite(center + step * Rational(place)))
          // The failing input keeps its own encoding, so that -0 stays -0.
          let own = place == 0 ? code : Int64(bitPattern: value)
          if own != codes.last { codes.append(own) }
        }
        return codes.filter { format.decode(UInt64(bitPattern: $0)).isFinite }
      }
    case .bool: return []
    }
  }

  /// A sixteenth of the quantization step where there is one, else parts of the value itself.
  private func steps(_ center: Rational, _ format: FloatFormat) -> [Rational] {
    var steps: [Rational] = []
    for step in chain?.steps ?? [] {
      switch step.effect {
      case .divide(let scale, _)? where scale.isFinite && !scale.isZero:
        steps.append((scale.rational ?? 1).magnitude / 16)
      case .multiply(let factor, _)? where factor.isFinite && !factor.isZero,
        .multiplyAdd(let factor, _, _)? where factor.isFinite && !factor.isZero:
        steps.append(1 / ((factor.rational ?? 1).magnitude * 16))
      default: continue
      }
      break
    }
    let own = center.isZero ? Rational(1) : center.magnitude
    return steps + [own.scaledByPowerOfTwo(-format.significandBits), own / 256, own / 16]
  }

  private func staircase(
    _ input: String, _ tensor: Tensor, _ element: Int, _ codes: [Int64]
  ) -> Failure.Staircase? {
    let cases = codes.map { code in
      var varied = test
      varied.outputs = nil
      var codes = tensor.codes
      codes[element] = code
      varied.inputs[input] = Tensor(tensor.dtype, shape: tensor.shape, codes: codes)
      return varied
    }
    // Exact values first: they cost no call, and tell whether this element matters.
    let exact = cases.map {
      (try? Reference.evaluateFast($0, dialect: prober.dialect))?.outputs[output].expectation
    }
    let values = Set(exact.compactMap { $0.map { $0.tensor.codes[index] } })
    let isCoarse = codes.count > 1 && codes[1] - codes[0] >= 1 << 22
    guard values.count >= 4 || values.count >= 2 && isCoarse || isSmall(tensor, values.count) else {
      return nil
    }
    let known = zip(cases, exact).filter { $0.1 != nil }.map(\.0)
    var given = prober.run(known).makeIterator()
    var points: [Failure.Staircase.Point] = []
    for (code, exact) in zip(codes, exact) {
      guard let exact, let probe = given.next() else { continue }
      points.append(
        Failure.Staircase.Point(
          input: tensor.dtype.number(fromCode: code).approximate,
          exact: exact.isUnspecified(at: index)
            ? nil : finite(exact.tensor.number(at: index).approximate),
          found: probe.given.flatMap {
            finite(exact.tensor.dtype.number(fromCode: $0[output][index]).approximate)
          }))
    }
    let name = (try? Reference.evaluateFast(test, dialect: prober.dialect))?.outputs[output].name
    return Failure.Staircase(
      input: input, inputIndex: element, output: name ?? "", outputIndex: index, points: points)
  }

  /// Whether an output of few values moved at all: a bit has no more.
  private func isSmall(_ tensor: Tensor, _ values: Int) -> Bool {
    (chain?.type.bits ?? 1) <= 2 && values >= 2
  }

  private func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
}
