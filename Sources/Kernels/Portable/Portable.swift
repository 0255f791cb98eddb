/// The `swift` tier: portable, and written from the formulas, not from the C tiers.
enum Portable {}

extension Portable {
  /// Stores a value that is in the range of an 8 or 16-bit type.
  @inline(__always)
  static func store(
    _ value: Int32, as type: IntegerType, to y: UnsafeMutableRawBufferPointer, at index: Int
  ) {
    if type.size == 1 {
      y.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: index, as: UInt8.self)
    } else {
      y.storeBytes(of: UInt16(truncatingIfNeeded: value), toByteOffset: 2 * index, as: UInt16.self)
    }
  }

  /// Element `index` of a tensor of integers.
  @inline(__always)
  static func load(_ type: IntegerType, from x: UnsafeRawBufferPointer, at index: Int) -> Int32 {
    switch type {
    case .int8: Int32(Int8(bitPattern: x[index]))
    case .uint8: Int32(x[index])
    case .int16: Int32(x.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self))
    case .uint16: Int32(x.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    case .int32: x.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)
    }
  }

  /// clamp(R(value) + zero point), where a NaN counts as minus infinity.
  @inline(__always)
  static func roundToRange(
    _ value: Float, _ rule: FloatingPointRoundingRule, zeroPoint: Int32, _ range: OutputRange
  ) -> Int32 {
    let rounded = value.rounded(rule)
    // The bounds relative to the zero point are at most 2^23 in magnitude: exact in Float.
    let (low, high) = (range.qmin - zeroPoint, range.qmax - zeroPoint)
    if rounded >= Float(high) { return range.qmax }
    return rounded > Float(low) ? Int32(rounded) + zeroPoint : range.qmin
  }
}
