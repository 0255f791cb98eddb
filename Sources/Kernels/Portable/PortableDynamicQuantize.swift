extension Portable {
  static func dynamicQuantize(
    x: UnsafeRawBufferPointer, y: UnsafeMutableRawBufferPointer, count: Int
  ) -> (scale: Float, zeroPoint: UInt8) {
    var (low, high): (Float, Float) = (0, 0)
    for i in 0..<count {
      let value = x.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
      if value < low { low = value }
      if value > high { high = value }
    }
    let allZero = low == 0 && high == 0
    let scale = (allZero ? 1 : high - low) / 255
    let offset = allZero ? 0 : 0 - low / scale
    let zeroPoint = roundToRange(offset, .toNearestOrEven, zeroPoint: 0, OutputRange(.uint8))
    let parameters = QuantizeParameters(
      rule: .onnx, affine: AffineParameters(scales: [scale], zeroPoints: [zeroPoint]),
      output: OutputRange(.uint8))
    quantize(parameters, x: x, y: y, count: count)
    return (scale, UInt8(zeroPoint))
  }
}
