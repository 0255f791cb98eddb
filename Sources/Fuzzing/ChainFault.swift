import ExactArithmetic
import NumberFormats
import Operations

/// A generic fault in one step of the way to an output element.
///
/// It needs no dialect that knows it: the exact steps of an element are done again with this one wrong.
struct ChainFault: Sendable {
  var name: String
  /// The step that the fault sits in.
  var stage: String
  /// The stage that a failure is sorted by, where that is not the step's own.
  var reported: String?
  /// The value that the faulty step gives instead; nil where the fault does not apply.
  var value: @Sendable (ChainStep) -> Number?
  /// What the fault makes of an element, with the value after the faulty step; nil where it has none.
  func prediction(_ chain: Chain) -> (code: Int64, value: Number)? {
    for index in chain.steps.indices where chain.steps[index].name == stage {
      guard let value = value(ChainStep(chain: chain, index: index)) else { continue }
      guard let result = chain.result(after: index, value), let code = chain.code(of: result)
      else { return nil }
      return (code, value)
    }
    return nil
  }
}

/// One step of a chain.
struct ChainStep {
  var chain: Chain
  var index: Int

  var effect: StageEffect? { chain.steps[index].effect }
  var before: Number? { chain.steps[index].before }
  var rational: Rational? { before?.rational }
  var integer: Integer? { rational.flatMap { $0.isInteger ? $0.numerator : nil } }

  /// The factor of a scaling step, and in what it is rounded.
  var factor: (value: Rational, isDivisor: Bool, format: FloatFormat?)? {
    switch effect {
    case .multiply(let factor, let format)?: factor.rational.map { ($0, false, format) }
    case .divide(let divisor, let format)?: divisor.rational.map { ($0, true, format) }
    default: nil
    }
  }

  /// The summand of a zero-point step.
  var summand: (value: Rational, format: FloatFormat?)? {
    guard case .add(let summand, let format)? = effect else { return nil }
    return summand.rational.map { ($0, format) }
  }

  func adding(_ value: Rational) -> Number? {
    guard let summand, let before else { return nil }
    return StageEffect.add(.finite(value), summand.format).apply(before)
  }
}

// MARK: The faults

extension ChainFault {
  /// Every fault, the likelier first.
  static let all: [ChainFault] =
    sums + scalings + roundings + zeroPoints + clamps

  // MARK: Rounding

  private static let roundings: [ChainFault] = ["rounding", "high product"].flatMap { stage in
    rules.map { name, rule in
      ChainFault(
        name: stage == "rounding" ? "rounding by \(name)" : "a high product rounded by \(name)",
        stage: stage,
        value: { step in
          guard case .round(let right)? = step.effect, let value = step.rational else { return nil }
          return rule(value, right).map { .finite(Rational($0)) }
        })
    }
  }

  private typealias Rule = @Sendable (_ value: Rational, _ right: RoundingRule) -> Integer?

  private static func plain(_ rule: RoundingRule) -> Rule {
    { value, right in rule == right ? nil : try? value.rounded(rule) }
  }

  /// The rule for values of one sign, the right one for the others.
  private static func forSign(_ sign: Int, _ rule: RoundingRule) -> Rule {
    { value, right in
      rule == right ? nil : try? value.rounded(value.signum() == sign ? rule : right)
    }
  }

  private static let rules: [(name: String, rule: Rule)] = [
    ("half to even", plain(.nearestEven)), ("half away from zero", plain(.nearestAway)),
    ("half up", plain(.nearestUp)), ("half down", plain(.nearestDown)),
    ("half toward zero", plain(.nearestZero)), ("half to odd", plain(.nearestOdd)),
    ("truncation", plain(.towardZero)), ("floor", plain(.floor)), ("ceiling", plain(.ceiling)),
    ("away from zero, exact or not", plain(.awayFromZero)),
    (
      "half added and truncation",
      { value, _ in try? (value + Rational(1) / 2).rounded(.towardZero) }
    ),
    (
      "half added and floor, in binary32",
      { value, _ in
        let sum = FloatFormat.binary32.add(.finite(value), .finite(Rational(1) / 2))
        return sum.rational.flatMap { try? $0.rounded(.floor) }
      }
    ),
    (
      "half away by adding 0.5 in floating point",
      { value, _ in
        let sum = FloatFormat.binary32.add(.finite(value.magnitude), .finite(Rational(1) / 2))
        let magnitude = sum.rational.flatMap { try? $0.rounded(.floor) }
        return magnitude.map { value.signum() < 0 ? -$0 : $0 }
      }
    ),
    ("half away from zero where it is negative", forSign(-1, .nearestAway)),
    ("half to even where it is negative", forSign(-1, .nearestEven)),
    ("half up where it is negative", forSign(-1, .nearestUp)),
    ("half away from zero where it is positive", forSign(1, .nearestAway)),
    ("half to even where it is positive", forSign(1, .nearestEven)),
    ("half down where it is positive", forSign(1, .nearestDown)),
    ("truncation where it is negative", forSign(-1, .towardZero)),
    ("floor where it is negative", forSign(-1, .floor)),
    ("truncation where it is positive", forSign(1, .towardZero)),
  ]

  // MARK: Zero point

  private static let zeroPoints: [ChainFault] = [
    zeroPoint("zero point left out") { _, _ in 0 },
    zeroPoint("zero point added twice") { z, _ in z * 2 },
    zeroPoint("zero point with the wrong sign") { z, _ in -z },
    zeroPoint("zero point with the wrong signedness") { z, type in
      let power = Rational(1).scaledByPowerOfTwo(type.bits)
      let isNegative = z.signum() < 0
      if isNegative { return z + power }
      return z >= power / 2 ? z - power : nil
    },
    zeroPoint("zero point off by one") { z, _ in z + 1 },
  ]

  private static func zeroPoint(
    _ name: String, _ change: @escaping @Sendable (Rational, DataType) -> Rational?
  ) -> ChainFault {
    ChainFault(
      name: name, stage: "zero point",
      value: { step in
        guard let summand = step.summand else { return nil }
        // What cannot be wrong is right: a zero point of 0 left out.
        let other = summand.value.isZero ? 0 : change(summand.value, step.chain.type)
        return step.adding(other ?? summand.value)
      })
  }

  // MARK: Clamp

  private static let clamps: [ChainFault] = [
    clamp("wrapping instead of saturation") { value, _, _ in value },
    clamp("saturation at the wrong end") { value, range, _ in
      range.contains(value) ? value : value < range.lowerBound ? range.upperBound : range.lowerBound
    },
    clamp("qmin and qmax ignored") { value, _, type in
      full(type).map { min(max(value, $0.lowerBound), $0.upperBound) }
    },
    clamp("a narrow range, without the lowest level") { value, range, _ in
      min(max(value, range.lowerBound + 1), range.upperBound)
    },
    clamp("a range without the highest level") { value, range, _ in
      min(max(value, range.lowerBound), range.upperBound - 1)
    },
    clamp("a clamp of the low end only") { value, range, _ in max(value, range.lowerBound) },
    clamp("a clamp of the high end only") { value, range, _ in min(value, range.upperBound) },
    clamp("a clamp to the range of the other signedness") { value, _, type in
      guard case .integer(let format) = type else { return nil }
      let other = IntegerFormat(bits: format.bits, signed: !format.isSigned)
      return min(max(value, Rational(other.minimum)), Rational(other.maximum))
    },
    ChainFault(
      name: "bias added after the requantization", stage: "clamp", reported: "accumulation",
      value: { step in
        guard case .clamp(let range)? = step.effect, let (place, terms) = step.chain.sum,
          let sum = step.chain.steps[place].after?.rational, place < step.index
        else { return nil }
        let bias = Rational(terms.bias)
        return step.chain.result(after: place, .finite(sum - bias), before: step.index)?.rational
          .map { .finite(min(max($0 + bias, range.lowerBound), range.upperBound)) }
      }),
    clampBeforeZeroPoint("clamp before the zero point, then wrapping", isCutAgain: false),
    clampBeforeZeroPoint("clamp before the zero point and after it", isCutAgain: true),
  ]

  private static func full(_ type: DataType) -> ClosedRange<Rational>? {
    guard case .integer(let format) = type else { return nil }
    return Rational(format.minimum)...Rational(format.maximum)
  }

  private static func clamp(
    _ name: String,
    _ change: @escaping @Sendable (Rational, ClosedRange<Rational>, DataType) -> Rational?
  ) -> ChainFault {
    ChainFault(
      name: name, stage: "clamp",
      value: { step in
        guard case .clamp(let range)? = step.effect, let value = step.rational else { return nil }
        return change(value, range, step.chain.type).map { .finite($0) }
      })
  }

  private static func clampBeforeZeroPoint(_ name: String, isCutAgain: Bool) -> ChainFault {
    ChainFault(
      name: name, stage: "clamp",
      value: { step in
        guard case .clamp(let range)? = step.effect,
          let zero = step.chain.steps[..<step.index].last(where: { $0.name == "zero point" }),
          case .add(let summand, _)? = zero.effect, let z = summand.rational,
          let before = zero.before?.rational
        else { return nil }
        let sum = min(max(before, range.lowerBound), range.upperBound) + z
        return .finite(isCutAgain ? min(max(sum, range.lowerBound), range.upperBound) : sum)
      })
  }

  // MARK: Scaling

  private static let scalings: [ChainFault] = [
    scaling("multiplication by the reciprocal for division") { value, factor, isDivisor, format in
      guard isDivisor, let format else { return nil }
      return format.multiply(value, format.divide(.finite(1), .finite(factor)))
    },
    scaling("exact scaling for rounded") { value, factor, isDivisor, format in
      guard format != nil, let value = value.rational else { return nil }
      return .finite(isDivisor ? value / factor : value * factor)
    },
    scaling("binary64 for binary32") { value, factor, isDivisor, format in
      guard format == .binary32 else { return nil }
      let double = FloatFormat.binary64
      return isDivisor
        ? double.divide(value, .finite(factor)) : double.multiply(value, .finite(factor))
    },
    scaling("a scale rounded to binary16") { value, factor, isDivisor, format in
      scaled(value, FloatFormat.binary16.rounded(.finite(factor)), isDivisor, format)
    },
    scaling("a scale rounded to bfloat16") { value, factor, isDivisor, format in
      scaled(value, FloatFormat.bfloat16.rounded(.finite(factor)), isDivisor, format)
    },
    scaling("a scale one ulp too large") { value, factor, isDivisor, format in
      let code = FloatFormat.binary32.encode(.finite(factor))
      let next = FloatFormat.binary32.decode(FloatFormat.binary32.nextUp(code))
      return scaled(value, next, isDivisor, format)
    },
    scaling("the scale left out") { value, _, _, _ in value },
    scaling("the scale applied twice") { value, factor, isDivisor, format in
      scaled(value, .finite(factor * factor), isDivisor, format)
    },
    scaling("the inverse of the scale") { value, factor, isDivisor, format in
      scaled(value, .finite(factor), !isDivisor, format)
    },
    scaling("twice the scale") { value, factor, isDivisor, format in
      scaled(value, .finite(factor * 2), isDivisor, format)
    },
    scaling("half the scale") { value, factor, isDivisor, format in
      scaled(value, .finite(factor / 2), isDivisor, format)
    },
    ChainFault(
      name: "an accumulator that is not rounded to binary32", stage: "conversion",
      value: { $0.before }),
    ChainFault(
      name: "an accumulator cut to 24 bits of magnitude", stage: "conversion",
      value: { step in
        step.rational.map {
          let limit = Rational(1).scaledByPowerOfTwo(24)
          return .finite(min(max($0, -limit), limit))
        }
      }),
  ]

  private static func scaled(
    _ value: Number, _ factor: Number, _ isDivisor: Bool, _ format: FloatFormat?
  ) -> Number? {
    if isDivisor && factor.isZero { return nil }
    return (isDivisor ? StageEffect.divide(factor, format) : .multiply(factor, format)).apply(value)
  }

  private static func scaling(
    _ name: String,
    _ change:
      @escaping @Sendable (
        _ value: Number, _ factor: Rational, _ isDivisor: Bool, _ format: FloatFormat?
      ) -> Number?
  ) -> ChainFault {
    ChainFault(
      name: name, stage: "scaling",
      value: { step in
        guard let factor = step.factor, let before = step.before else { return nil }
        // A division by one only hands the value on.
        if factor.isDivisor && factor.value == 1 && step.index > 0 { return nil }
        return change(before, factor.value, factor.isDivisor, factor.format)
      })
  }
}
