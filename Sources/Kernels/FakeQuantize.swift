import CKernels

/// What `fakeQuantize` does to every element.
public struct FakeQuantizeParameters: Equatable, Sendable {
  /// Scales and zero points.
  public var affine: AffineParameters
  /// The least level, at least -2^22.
  public var qmin: Int32
  /// The greatest level, at most 2^22.
  public var qmax: Int32

  /// All parameters.
  public init(affine: AffineParameters, qmin: Int32, qmax: Int32) {
    self.affine = affine
    self.qmin = qmin
    self.qmax = qmax
  }
}

/// PyTorch's fake quantization: v = RNE(f32(x * f32(1 / scale))) + zero point,
/// y = f32((clamp(v) - zero point) * scale), mask = (qmin <= v <= qmax), one byte per element.
///
/// - Edge cases: NaN gives qmin and mask 0; infinities saturate with mask 0. (Per channel, PyTorch
///   itself leaves those that do not fit an int64 to the platform.)
public func fakeQuantize(
  tier: Tier, parameters: FakeQuantizeParameters, x: UnsafeRawBufferPointer,
  y: UnsafeMutableRawBufferPointer, mask: UnsafeMutableRawBufferPointer?
) throws(KernelError) {
  try parameters.affine.validate()
  let (qmin, qmax) = (parameters.qmin, parameters.qmax)
  try require(qmin <= qmax, "qmin \(qmin) above qmax \(qmax)")
  guard zeroPointBounds.contains(qmin), zeroPointBounds.contains(qmax) else {
    throw .unsupported("bounds \(qmin)...\(qmax) outside \(zeroPointBounds)")
  }
  let count = x.count / 4
  try requireSize("x", bytes: x.count, count: count, of: 4)
  try requireSize("y", bytes: y.count, count: count, of: 4)
  if let mask { try requireSize("mask", bytes: mask.count, count: count, of: 1) }
  guard let cTier = tier.cTier else {
    return Portable.fakeQuantize(parameters, x: x, y: y, mask: mask, count: count)
  }
  let status = parameters.affine.withC { affine in
    withUnsafePointer(to: affine) {
      qk_fake_quantize(
        cTier, $0, qmin, qmax, x.baseAddress, y.baseAddress, mask?.baseAddress, count)
    }
  }
  try check(status, tier)
}
