import NumberFormats

/// The bulk oracle for `(q - z) * s` in binary32: the processor's arithmetic instead of rationals.
///
/// Exact because integers of at most 33 bits subtract exactly in 64, and because the conversions and
/// products of the processor round once, to nearest even. It serves the rules that only need these.
struct FastValue {
  private let roundsOperands: Bool
  private let isDouble: Bool
  private let isBounded: Bool

  /// A fast way for a rule whose scale and output are binary32, or nil where there is none.
  init?(_ rule: DequantizeRule) {
    let isSingle: (DequantizeRule.Stage) -> Bool = { [.float32, .output, .scale].contains($0) }
    guard rule.form == .difference, rule.operands == .exact || isSingle(rule.operands),
      rule.difference != .float64
    else { return nil }
    switch (rule.product, rule.through) {
    case (let product, .exact) where isSingle(product): isDouble = false
    case (.float64, .float32) where rule.difference == .exact: isDouble = true
    default: return nil
    }
    roundsOperands = isSingle(rule.operands)
    isBounded = rule.difference == .int32
  }

  /// The value of a level, or nil where the dialect leaves it open.
  func value(of q: Int64, scale: Float, zero: Int64) -> Float? {
    if roundsOperands { return (Float(q) - Float(zero)) * scale }
    let difference = q - zero
    if isBounded && Int32(exactly: difference) == nil { return nil }
    // A product of 33 and 24 bits may round in binary64 first, as the rule does.
    if isDouble { return Float(Double(difference) * Double(scale)) }
    return Float(difference) * scale
  }
}
