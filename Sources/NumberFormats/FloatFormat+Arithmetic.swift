public import ExactArithmetic

// Operations as IEEE 754-2019 defines them: the exact result, rounded once into the format. Operands
// may be any numbers; they are not rounded first. Formats without infinities give what `encode`
// makes of one: NaN, or the largest number where there is no NaN.

extension FloatFormat {
  /// `a + b`, rounded once.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - rounding: the rule; not `exact` unless the result is a number of the format.
  /// - Returns: the sum. ∞ - ∞ is NaN. An exact zero is +0 (-0 if the rule is `floor`), except that
  ///   two zeros of one sign keep it.
  public func add(_ a: Number, _ b: Number, rounding: RoundingRule = .nearestEven) -> Number {
    rounded(sum(a, b, rounding), rounding: rounding)
  }

  /// `a - b`, rounded once: `add(a, -b)`.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - rounding: the rule; not `exact` unless the result is a number of the format.
  /// - Returns: the difference.
  public func subtract(_ a: Number, _ b: Number, rounding: RoundingRule = .nearestEven) -> Number {
    add(a, -b, rounding: rounding)
  }

  /// `a · b`, rounded once.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - rounding: the rule; not `exact` unless the result is a number of the format.
  /// - Returns: the product; the signs multiply, those of zeros and underflows too. 0 · ∞ is NaN.
  public func multiply(_ a: Number, _ b: Number, rounding: RoundingRule = .nearestEven) -> Number {
    rounded(product(a, b), rounding: rounding)
  }

  /// `a / b`, rounded once.
  ///
  /// - Parameters:
  ///   - a: a number.
  ///   - b: a number.
  ///   - rounding: the rule; not `exact` unless the result is a number of the format.
  /// - Returns: the quotient; the signs divide. a / 0 is infinite, 0 / 0 and ∞ / ∞ are NaN.
  public func divide(_ a: Number, _ b: Number, rounding: RoundingRule = .nearestEven) -> Number {
    rounded(quotient(a, b), rounding: rounding)
  }

  /// `a · b + c`, rounded once.
  ///
  /// - Parameters:
  ///   - a: a factor.
  ///   - b: a factor.
  ///   - c: the addend.
  ///   - rounding: the rule; not `exact` unless the result is a number of the format.
  /// - Returns: the result; 0 · ∞ + c is NaN. Zeros have signs as in ``add(_:_:rounding:)``.
  public func fusedMultiplyAdd(
    _ a: Number, _ b: Number, _ c: Number, rounding: RoundingRule = .nearestEven
  ) -> Number {
    rounded(sum(product(a, b), c, rounding), rounding: rounding)
  }

  /// The integer that a number rounds to, as a number of the format.
  ///
  /// - Parameters:
  ///   - number: a number of the format.
  ///   - rule: the rule; `exact` only if the number is an integer.
  /// - Returns: the integer, zero with the sign of the number: -0.4 becomes -0. Infinities and NaN
  ///   stay.
  public func roundToIntegral(_ number: Number, _ rule: RoundingRule) -> Number {
    guard case .finite(let value) = number else { return rounded(number) }
    let integer = Rational(value.roundedUnlessExact(rule))
    return rounded(.signed(integer, negative: number.isNegative))
  }
}

// MARK: - Exact results

/// The exact sum; only the sign of an exact zero depends on the rule.
private func sum(_ a: Number, _ b: Number, _ rounding: RoundingRule) -> Number {
  if let x = a.rational, let y = b.rational {
    let result = x + y
    if !result.isZero { return .finite(result) }
    let bothNegative = a == .negativeZero && b == .negativeZero
    let bothPositive = a == .zero && b == .zero
    let isNegative = bothNegative || rounding == .floor && !bothPositive
    return .signed(0, negative: isNegative)
  }
  if a.isNaN || b.isNaN { return .nan }
  if a.isInfinite && b.isInfinite && a != b { return .nan }
  return a.isInfinite ? a : b
}

/// The exact product.
private func product(_ a: Number, _ b: Number) -> Number {
  let isNegative = a.isNegative != b.isNegative
  if let x = a.rational, let y = b.rational { return .signed(x * y, negative: isNegative) }
  if a.isNaN || b.isNaN || a.isZero || b.isZero { return .nan }
  return .infinity(negative: isNegative)
}

/// The exact quotient.
private func quotient(_ a: Number, _ b: Number) -> Number {
  let isNegative = a.isNegative != b.isNegative
  if a.isNaN || b.isNaN { return .nan }
  guard let x = a.rational else {
    return b.isInfinite ? .nan : .infinity(negative: isNegative)
  }
  guard let y = b.rational else { return .signed(0, negative: isNegative) }
  if y.isZero { return x.isZero ? .nan : .infinity(negative: isNegative) }
  return .signed(x / y, negative: isNegative)
}
