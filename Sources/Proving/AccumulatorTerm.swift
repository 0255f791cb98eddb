import CaseFormat
import ExactArithmetic
import NumberFormats

/// One product of a witness.
struct AccumulatorTerm {
  var weight: Int64
  /// The level of the input.
  var level: Int64
  /// The level that does the contrary.
  var opposite: Int64
  /// The product, zero points taken off.
  var product: Integer { Integer(level - inputZero) * Integer(value) }
  /// Whether the product takes a partial sum further.
  var belongs: Bool
  private var value: Int64
  private var inputZero: Int64

  /// The product of a weight and the input level that takes it furthest up or down.
  init(weight: Int64, value: Int64, of input: AccumulatorInput, isGreatest: Bool) {
    let (low, high) = (input.levels.lowerBound, input.levels.upperBound)
    (self.weight, self.value, inputZero) = (weight, value, input.zeroPoint)
    if value == 0 {
      // Any level does; the zero point says so best.
      let isLevel = input.levels.contains(inputZero) && input.dtype.isValid(code: inputZero)
      level = isLevel ? inputZero : low
      opposite = level
    } else {
      level = (value > 0) == isGreatest ? high : low
      opposite = level == high ? low : high
    }
    belongs = false
    belongs = isGreatest ? product > 0 : product < 0
  }
}
