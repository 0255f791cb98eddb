extension Portable {
  static func requantize(
    _ parameters: RequantizeParameters, acc: UnsafeRawBufferPointer,
    y: UnsafeMutableRawBufferPointer, count: Int
  ) {
    let channels = parameters.channels
    for i in 0..<count {
      let channel = channels.count == 1 ? 0 : i / channels.inner % channels.count
      let value = acc.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self)
      let level = requantized(
        value, parameters.requantization, channel: channel,
        accumulatorZeroPoint: parameters.accumulatorZeroPoint)
      store(level, as: parameters.requantization.output.type, to: y, at: i)
    }
  }

  /// One accumulator, by the parameters of its channel.
  static func requantized(
    _ acc: Int32, _ parameters: Requantization, channel: Int, accumulatorZeroPoint: Int32 = 0
  ) -> Int32 {
    func ofChannel<T>(_ values: [T]) -> T { values[values.count == 1 ? 0 : channel] }
    let zeroPoint = parameters.zeroPoints.isEmpty ? 0 : ofChannel(parameters.zeroPoints)
    let output = parameters.output
    switch parameters.scaling {
    case .float(let scales):
      let scaled = Float(Int64(acc) - Int64(accumulatorZeroPoint)) * ofChannel(scales)
      return roundToRange(scaled, .toNearestOrEven, zeroPoint: zeroPoint, output)
    case .fixedPoint(let multipliers, let shifts):
      let scaled = multiplyByQuantizedMultiplier(
        acc &- accumulatorZeroPoint, ofChannel(multipliers), shift: Int(ofChannel(shifts)))
      let level = Int64(scaled) + Int64(zeroPoint)
      return Int32(min(max(level, Int64(output.qmin)), Int64(output.qmax)))
    }
  }

  /// gemmlowp's value * multiplier * 2^(shift - 31), rounded twice: to 31 fraction bits with ties
  /// up, then by the right shift with ties away from zero.
  static func multiplyByQuantizedMultiplier(
    _ value: Int32, _ multiplier: Int32, shift: Int
  ) -> Int32 {
    let shifted = value &<< Int32(max(shift, 0))
    // Only (-2^31)^2 exceeds an Int32 here; gemmlowp saturates it.
    let high = Int32(clamping: (Int64(shifted) * Int64(multiplier) + 1 << 30) >> 31)
    let divisor = Int64(1) << Int64(max(-shift, 0))
    let magnitude = (abs(Int64(high)) * 2 + divisor) / (2 * divisor)
    return Int32(clamping: high < 0 ? -magnitude : magnitude)
  }
}
