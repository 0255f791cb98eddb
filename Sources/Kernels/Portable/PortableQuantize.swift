extension Portable {
  static func quantize(
    _ parameters: QuantizeParameters, x: UnsafeRawBufferPointer, y: UnsafeMutableRawBufferPointer,
    count: Int
  ) {
    let output = parameters.output
    let rounding: FloatingPointRoundingRule =
      parameters.rule == .onnx ? .toNearestOrEven : .toNearestOrAwayFromZero
    for i in 0..<count {
      let (scale, zeroPoint) = parameters.affine.ofElement(i)
      let value = x.loadUnaligned(fromByteOffset: 4 * i, as: Float.self) / scale
      let level = roundToRange(value, rounding, zeroPoint: zeroPoint, output)
      store(level, as: output.type, to: y, at: i)
    }
  }

  static func dequantize(
    _ parameters: DequantizeParameters, x: UnsafeRawBufferPointer,
    y: UnsafeMutableRawBufferPointer, count: Int
  ) {
    for i in 0..<count {
      let (scale, zeroPoint) = parameters.affine.ofElement(i)
      let difference = Int64(load(parameters.inputType, from: x, at: i)) - Int64(zeroPoint)
      y.storeBytes(of: Float(difference) * scale, toByteOffset: 4 * i, as: Float.self)
    }
  }

  static func fakeQuantize(
    _ parameters: FakeQuantizeParameters, x: UnsafeRawBufferPointer,
    y: UnsafeMutableRawBufferPointer, mask: UnsafeMutableRawBufferPointer?, count: Int
  ) {
    let (low, high) = (Float(parameters.qmin), Float(parameters.qmax))
    for i in 0..<count {
      let (scale, zeroPoint) = parameters.affine.ofElement(i)
      let scaled = x.loadUnaligned(fromByteOffset: 4 * i, as: Float.self) * (1 / scale)
      let level = scaled.rounded(.toNearestOrEven) + Float(zeroPoint)
      // PyTorch's fmin(fmax(level, low), high): NaN gives low.
      let clamped = level >= high ? high : level > low ? level : low
      y.storeBytes(
        of: (clamped - Float(zeroPoint)) * scale, toByteOffset: 4 * i, as: Float.self)
      mask?[i] = low <= level && level <= high ? 1 : 0
    }
  }

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
