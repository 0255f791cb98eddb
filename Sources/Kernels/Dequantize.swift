import CKernels

/// What `dequantize` does to every element.
public struct DequantizeParameters: Equatable, Sendable {
  /// The type of x.
  public var inputType: IntegerType
  /// Scales and zero points.
  public var affine: AffineParameters

  /// All parameters.
  public init(inputType: IntegerType, affine: AffineParameters) {
    self.inputType = inputType
    self.affine = affine
  }
}

/// Dequantizes to float32: y = f32(f32(x - zero point) * scale), the difference exact.
public func dequantize(
  tier: Tier, parameters: DequantizeParameters, x: UnsafeRawBufferPointer,
  y: UnsafeMutableRawBufferPointer
) throws(KernelError) {
  let type = parameters.inputType
  try parameters.affine.validate(
    zeroPoints: type == .int32 ? Int32.min...Int32.max : zeroPointBounds)
  let count = x.count / type.size
  try requireSize("x", bytes: x.count, count: count, of: type.size)
  try requireSize("y", bytes: y.count, count: count, of: 4)
  guard let cTier = tier.cTier else {
    return Portable.dequantize(parameters, x: x, y: y, count: count)
  }
  let status = parameters.affine.withC { affine in
    withUnsafePointer(to: affine) {
      qk_dequantize(cTier, $0, type.cType, x.baseAddress, y.baseAddress, count)
    }
  }
  try check(status, tier)
}
