import ExactArithmetic

/// What a dialect says of an operation that a kernel may say of itself.
public struct DialectTerms: Hashable, Sendable {
  /// Where ties go: even, away, up, down, zero, odd; several where that depends on the case, none
  /// where nothing is rounded to the nearest level.
  public var ties: Set<String> = []
  /// How many bits an accumulator has; none where there is no accumulator, or none of a fixed width.
  public var accumulatorBits: Set<Int> = []

  func union(_ other: DialectTerms) -> DialectTerms {
    DialectTerms(
      ties: ties.union(other.ties), accumulatorBits: accumulatorBits.union(other.accumulatorBits))
  }
}

extension Dialect {
  /// The terms of an operation.
  public func terms(of operation: String) -> DialectTerms {
    (rule(named: operation) as? any TermsRule)?.terms ?? DialectTerms()
  }
}

/// A rule that has terms.
protocol TermsRule {
  var terms: DialectTerms { get }
}

extension LevelRule: TermsRule {
  var terms: DialectTerms { DialectTerms(ties: Set([rounding.ties].compactMap { $0 })) }
}

extension QuantizeRule: TermsRule { var terms: DialectTerms { level.terms } }

extension DynamicQuantizeRule: TermsRule { var terms: DialectTerms { level.terms } }

extension FakeQuantizeRule: TermsRule { var terms: DialectTerms { level.terms } }

extension RequantizationRule: TermsRule { var terms: DialectTerms { level.terms } }

extension AccumulationRule: TermsRule {
  var terms: DialectTerms { DialectTerms(accumulatorBits: bits == 0 ? [] : [bits]) }
}

extension Variants: TermsRule where Rule: TermsRule {
  var terms: DialectTerms { alternatives.reduce(base.terms) { $0.union($1.rule.terms) } }
}

extension QuantizedProductRules: TermsRule {
  var terms: DialectTerms { accumulation.terms.union(requantization.terms) }
}

extension LevelRounding {
  /// Where ties go; nil where the rounding is directed.
  fileprivate var ties: String? {
    switch self {
    case .rule(.nearestEven), .dpu: "even"
    case .rule(.nearestAway), .awayByAddingHalf: "away"
    case .rule(.nearestUp): "up"
    case .rule(.nearestDown): "down"
    case .rule(.nearestZero), .zeroBySubtractingHalf: "zero"
    case .rule(.nearestOdd): "odd"
    case .rule: nil
    }
  }
}
