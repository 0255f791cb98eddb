extension Portable {
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
}
