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
}
