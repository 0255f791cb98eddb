import ExactArithmetic
import NumberFormats

/// Arithmetic in a working precision: exact reals, or a binary format with one rounding each.
///
/// Special values follow IEEE 754 in both. Source: [rounding §16].
struct Arithmetic: Hashable, Sendable {
  /// The format that every result is rounded to, to nearest even; nil for exact reals.
  let format: FloatFormat?

  static let exact = Arithmetic(format: nil)

  /// What the precision is called in explanations.
  var name: String {
    switch format {
    case nil: "exact"
    case .binary32?: "binary32"
    case .binary64?: "binary64"
    case .binary16?: "binary16"
    case .some(let format): format.name
    }
  }

  func convert(_ x: Number) -> Number { format?.rounded(x) ?? x }

  func add(_ x: Number, _ y: Number) -> Number {
    if let format { return format.add(x, y) }
    switch (x, y) {
    case (.nan, _), (_, .nan): return .nan
    case (.infinity(let a), .infinity(let b)): return a == b ? x : .nan
    case (.infinity, _): return x
    case (_, .infinity): return y
    case (.negativeZero, .negativeZero): return .negativeZero
    default: return .finite((x.rational ?? 0) + (y.rational ?? 0))
    }
  }

  func multiply(_ x: Number, _ y: Number) -> Number {
    if let format { return format.multiply(x, y) }
    if case .nan = x { return .nan }
    if case .nan = y { return .nan }
    let isNegative = x.isNegative != y.isNegative
    if x.isInfinite || y.isInfinite {
      return x.isZero || y.isZero ? .nan : .infinity(negative: isNegative)
    }
    let product = (x.rational ?? 0) * (y.rational ?? 0)
    return product.isZero && isNegative ? .negativeZero : .finite(product)
  }

  func divide(_ x: Number, _ y: Number) -> Number {
    if let format { return format.divide(x, y) }
    if case .nan = x { return .nan }
    if case .nan = y { return .nan }
    let isNegative = x.isNegative != y.isNegative
    switch (x.isInfinite, y.isInfinite) {
    case (true, true): return .nan
    case (true, false): return .infinity(negative: isNegative)
    case (false, true): return isNegative ? .negativeZero : .finite(0)
    case (false, false):
      if y.isZero { return x.isZero ? .nan : .infinity(negative: isNegative) }
      let quotient = (x.rational ?? 0) / (y.rational ?? 1)
      return quotient.isZero && isNegative ? .negativeZero : .finite(quotient)
    }
  }

  /// `x * y + z`, rounded once.
  func fusedMultiplyAdd(_ x: Number, _ y: Number, _ z: Number) -> Number {
    if let format { return format.fusedMultiplyAdd(x, y, z) }
    return add(multiply(x, y), z)
  }
}

extension Number {
  /// The number of an integer.
  init(_ integer: Integer) { self = .finite(Rational(integer)) }
}
