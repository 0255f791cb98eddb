import CaseFormat
import ExactArithmetic
import Generation
import NumberFormats

/// Inputs that land where a quantizer decides: on levels, on ties, and beside them.
struct LevelInputs {
  let format: FloatFormat
  let range: ClosedRange<Int64>

  /// An encoding near a boundary of the quantizer with a scale and a zero point, or anything.
  ///
  /// The boundary is chosen first and solved for x, which is then moved by a few ulps.
  func code(scale: Double, zero: Double, _ randomness: inout Randomness) -> UInt64 {
    switch randomness.below(16) {
    case 0, 1: return randomness.floatCode(format)
    case 2:
      return randomness.pick([
        format.encode(.negativeZero), format.encode(.infinity(negative: false)),
        format.encode(.infinity(negative: true)), format.hasNaN ? format.encode(.nan) : 0,
        format.hasNaN ? format.nanCode | 1 : 0, 1, format.code(of: 0x1p31 * scale),
        format.code(of: -0x1p31 * scale), format.code(of: 0x1p63 * scale),
      ])
    default: break
    }
    let level: Double
    switch randomness.below(6) {
    case 0: level = Double(range.lowerBound) + Double(randomness.below(5) - 3)
    case 1: level = Double(range.upperBound) + Double(randomness.below(5) - 2)
    case 2: level = zero + Double(randomness.below(5) - 2)
    default: level = Double(randomness.within(range))
    }
    let half = randomness.below(3) == 0 ? 0 : 0.5
    let code = format.code(of: (level + half - zero) * scale)
    let steps = randomness.below(2) == 0 ? 0 : randomness.below(5) - 2
    return format.stepped(code, by: steps)
  }
}

extension Choices {
  /// A tensor of inputs for a quantizer, in a block of its own.
  mutating func levelInputs(
    _ type: DataType, shape: ElementwiseShape, scales: Tensor, zeros: Tensor?,
    range: ClosedRange<Int64>
  ) -> Tensor {
    beginBlock()
    let count = Tensor.count(of: shape.x) ?? 0
    guard let format = type.floatFormat else {
      return Tensor(type, shape: shape.x, codes: (0..<count).map { _ in integer(of: type) })
    }
    let inputs = LevelInputs(format: format, range: range)
    let values = (0..<scales.count).map { scales.number(at: $0).approximate }
    let zeroValues = zeros.map { zeros in (0..<zeros.count).map { zeros.number(at: $0).approximate }
    }
    let template = Tensor(type, shape: shape.x, codes: Array(repeating: 0, count: count))
    let map = shape.map(template, scales)
    let zeroMap = zeros.map { shape.map(template, $0) } ?? .perTensor
    var codes: [Int64] = []
    codes.reserveCapacity(count)
    for index in 0..<count {
      let scale = values[map.index(of: index)]
      let zero = zeroValues.map { $0[zeroMap.index(of: index)] } ?? 0
      codes.append(
        Int64(bitPattern: float(format) { inputs.code(scale: scale, zero: zero, &$0) }))
    }
    return Tensor(type, shape: shape.x, codes: codes)
  }
}
