import ExactArithmetic
import NumberFormats

/// The precision that a stage of a dialect works in [affine §13].
enum Precision: String, CaseIterable, Sendable {
  /// Real numbers: no rounding at all.
  case exact
  case float16, bfloat16, float32, float64
  /// The type of the scale; where that only holds powers of two, the type of the input.
  case scale

  /// A range with both ends rounded to the precision.
  func rounded(_ range: ClosedRange<Integer>) -> ClosedRange<Integer> {
    let single = DataType.float(.binary32)
    let arithmetic = arithmetic(scale: single, input: single)
    let low = arithmetic.convert(Number(range.lowerBound)).rational?.numerator
    let high = arithmetic.convert(Number(range.upperBound)).rational?.numerator
    return (low ?? range.lowerBound)...(high ?? range.upperBound)
  }

  /// The arithmetic that the precision means for a scale and an input of given types.
  func arithmetic(scale: DataType, input: DataType) -> Arithmetic {
    switch self {
    case .exact: return .exact
    case .float16: return Arithmetic(format: .binary16)
    case .bfloat16: return Arithmetic(format: .bfloat16)
    case .float32: return Arithmetic(format: .binary32)
    case .float64: return Arithmetic(format: .binary64)
    case .scale:
      if case .float(let format) = scale, format != .float8E8M0FNU {
        return Arithmetic(format: format)
      }
      if case .float(let format) = input { return Arithmetic(format: format) }
      return Arithmetic(format: .binary32)
    }
  }
}
