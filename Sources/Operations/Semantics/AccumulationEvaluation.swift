import CaseFormat
import ExactArithmetic
import NumberFormats

/// The evaluation that `conv2d`, `depthwise_conv2d` and `matmul` share: accumulate, then store.
enum AccumulationEvaluation {
  /// Reads `output_dtype` and checks the operands' types.
  static func outputType(
    _ arguments: inout Arguments, _ rule: AccumulationRule
  ) throws(CaseError) -> DataType {
    let type =
      try arguments.dataType("output_dtype") ?? .integer(IntegerFormat(bits: 32, signed: true))
    try arguments.check(type, isOneOf: rule.outputTypes, for: "y")
    guard case .integer = type else {
      throw .malformed("output_dtype must be an integer type, not \(type.name)")
    }
    return type
  }

  /// Checks the types of the two operands and of the bias.
  static func check(
    _ arguments: Arguments, _ rule: AccumulationRule, input: Tensor, weight: Tensor,
    names: (String, String), bias: Tensor?
  ) throws(CaseError) {
    for (tensor, name) in [(input, names.0), (weight, names.1)] {
      guard case .integer = tensor.dtype else {
        throw .malformed("\(name) must have an integer type, not \(tensor.dtype.name)")
      }
    }
    try arguments.check(input.dtype, isOneOf: rule.inputTypes, for: names.0)
    try arguments.check(weight.dtype, isOneOf: rule.weightTypes, for: names.1)
    if let bias {
      guard case .integer(let format) = bias.dtype, format.bits >= 32 else {
        throw .malformed("bias must be int32, int48 or int64, not \(bias.dtype.name)")
      }
    }
  }

  /// The zero point of an operand, which has the operand's type.
  static func zeroPoint(
    _ arguments: Arguments, _ name: String, of operand: Tensor, counts: [Int]
  ) throws(CaseError) -> Tensor? {
    guard let zero = arguments.optional(name) else { return nil }
    guard zero.dtype == operand.dtype else {
      throw .malformed("\(name) is \(zero.dtype.name), must be \(operand.dtype.name)")
    }
    guard counts.isEmpty || counts.contains(zero.count) else {
      let allowed = Set(counts).sorted().map(String.init).joined(separator: " or ")
      throw .malformed("\(name) has \(zero.count) elements, must have \(allowed)")
    }
    return zero
  }

  /// The accumulators of all outputs, by the definition; nil elements are unspecified.
  static func accumulators(
    _ reduction: some IntegerReduction, _ rule: AccumulationRule, in format: IntegerFormat,
    _ trace: inout Trace
  ) throws(CaseError) -> [Integer?] {
    var result: [Integer?] = []
    for output in 0..<(Tensor.count(of: reduction.outputShape) ?? 0) {
      trace.begin(output)
      result.append(try rule.accumulator(of: output, reduction, in: format, &trace))
    }
    return result
  }

  /// The accumulators of all outputs by the bulk oracle, or nil where it does not apply.
  static func fastAccumulators(
    _ sums: [Int64]?, _ rule: AccumulationRule, in format: IntegerFormat
  ) throws(CaseError) -> [Int64?]? {
    guard let sums else { return nil }
    var result: [Int64?] = []
    result.reserveCapacity(sums.count)
    let low = format.minimum.int64 ?? .min
    let high = format.maximum.int64 ?? .max
    for sum in sums {
      if sum >= low && sum <= high {
        result.append(sum)
      } else {
        result.append(try rule.settle(Integer(sum), in: format)?.int64)
      }
    }
    return result
  }

  /// Stores accumulators as the output; what does not fit follows the rule's overflow.
  static func store(
    _ accumulators: [Int64?], as type: DataType, shape: [Int], _ rule: AccumulationRule,
    coverage: inout Coverage
  ) throws(CaseError) -> Expectation {
    guard let range = type.integerRange, let low = range.lowerBound.int64,
      let high = range.upperBound.int64
    else { throw .malformed("output_dtype must be an integer type") }
    var y = Expectation(
      Tensor(type, shape: shape, codes: Array(repeating: 0, count: accumulators.count)))
    for (index, accumulator) in accumulators.enumerated() {
      guard let accumulator else {
        y.leaveUnspecified(at: index)
        continue
      }
      if accumulator >= low && accumulator <= high {
        y.tensor.codes[index] = accumulator
      } else if rule.overflow == .error {
        throw .precondition("the sum \(accumulator) does not fit \(type.name)")
      } else {
        y.leaveUnspecified(at: index)
      }
      coverage.insert(accumulator: accumulator)
    }
    return y
  }
}
