import CaseFormat
import Generation
import NumberFormats

extension Randomness {
  /// The encoding of a gradient: small ones of both signs, zeros of both signs, anything.
  mutating func gradientCode(_ format: FloatFormat) -> UInt64 {
    switch below(10) {
    case 0: return floatCode(format)
    case 1:
      return pick([
        format.encode(.negativeZero), format.encode(.nan),
        format.encode(.infinity(negative: false)),
        format.encode(.infinity(negative: true)), format.code(of: 0),
      ])
    case 2, 3: return format.code(of: below(2) == 0 ? 1 : -1)
    default: return format.code(of: (Double(below(1 << 20)) - 0x1p19) * power(-24 ... -12))
    }
  }

  /// A value on one of some ends or a few steps beside it, or anything.
  mutating func beside(_ ends: [Double], _ format: FloatFormat) -> UInt64 {
    switch below(8) {
    case 0: return floatCode(format)
    case 1:
      return pick([
        format.encode(.negativeZero), format.encode(.nan),
        format.encode(.infinity(negative: false)),
        format.encode(.infinity(negative: true)), 1,
      ])
    case 2, 3, 4:
      return format.stepped(format.code(of: pick(ends)), by: below(2) == 0 ? 0 : below(5) - 2)
    default:
      let (low, high) = (ends.min() ?? 0, ends.max() ?? 0)
      let width = max(high - low, high.magnitude)
      return format.code(of: low - width / 2 + 2 * width * Double(below(1 << 20)) / 0x1p20)
    }
  }
}

extension Choices {
  /// The gradients of an output, in a block of their own; now and then one for all.
  mutating func gradients(_ type: DataType, shape: [Int]) -> Tensor {
    beginBlock()
    let format = type.floatFormat ?? .binary32
    let shape = oneIn(12) ? [] : shape
    let count = Tensor.count(of: shape) ?? 0
    let codes = (0..<count).map { _ in
      Int64(bitPattern: float(format) { $0.gradientCode(format) })
    }
    return Tensor(type, shape: shape, codes: codes)
  }

  /// Inputs beside some ends, in a block of their own.
  mutating func inputs(_ type: DataType, shape: [Int], beside ends: [Double]) -> Tensor {
    beginBlock()
    let format = type.floatFormat ?? .binary32
    let count = Tensor.count(of: shape) ?? 0
    let codes = (0..<count).map { _ in
      Int64(bitPattern: float(format) { $0.beside(ends, format) })
    }
    return Tensor(type, shape: shape, codes: codes)
  }

  /// A range of levels: usual ones, or any of 16 bits.
  mutating func levelRange() -> ClosedRange<Int64> {
    let usual: [ClosedRange<Int64>] = [
      -4...3, -128...127, 0...255, -127...127, -8...7, 0...15, -2...1, 0...1, -32768...32767,
    ]
    guard oneIn(4) else { return choose(usual) }
    let ends = (0..<2).map { _ in integer(in: -32768...65535) { $0.edge(-300...300) } }.sorted()
    return ends[0]...ends[1]
  }
}
