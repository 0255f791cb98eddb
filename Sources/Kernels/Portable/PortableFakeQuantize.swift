extension Portable {
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
}
