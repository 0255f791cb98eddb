public import CaseFormat
import ExactArithmetic
public import NumberFormats

/// What a dialect makes of the exact sum of all products, where nothing else counts.
///
/// It exists where a sum is all that an output depends on [accumulate §13]: not where every addition
/// saturates, or pairs of products do.
public struct SumRule: Sendable {
  /// The sums that an output holds as they are.
  public let plain: ClosedRange<Int64>
  private let rule: AccumulationRule
  private let format: IntegerFormat
  private let output: ClosedRange<Int64>

  fileprivate init?(_ rule: AccumulationRule, output: DataType) {
    let format = rule.format(output: output)
    guard rule.isOrderFree, let range = output.integerRange,
      let low = range.lowerBound.int64, let high = range.upperBound.int64,
      let least = format.minimum.int64, let most = format.maximum.int64
    else { return nil }
    (self.rule, self.format, self.output) = (rule, format, low...high)
    plain = max(low, least)...min(high, most)
  }

  /// What an output holds for a sum; nil where the dialect leaves that open.
  ///
  /// - Throws: `precondition` where the dialect has no answer for such a sum.
  public func settled(_ sum: Int64) throws(CaseError) -> Int64? {
    if plain.contains(sum) { return sum }
    guard let settled = try rule.settle(Integer(sum), in: format)?.int64 else { return nil }
    if output.contains(settled) { return settled }
    guard rule.overflow != .error else {
      throw .precondition("the sum \(settled) does not fit the output")
    }
    return nil
  }
}

extension Dialect {
  /// What becomes of the exact sum in an output of `matmul` or `conv2d`; nil where the sum is not all
  /// that counts, or the dialect does not define the operation.
  public func sumRule(of operation: String, input: DataType, output: DataType) -> SumRule? {
    guard let rules = rule(named: operation) as? Variants<AccumulationRule> else { return nil }
    return SumRule(
      rules.rule(for: Situation(operation: operation, input: input)), output: output)
  }
}
