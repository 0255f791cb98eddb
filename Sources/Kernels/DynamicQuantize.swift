import CKernels

/// ONNX DynamicQuantizeLinear to uint8: the scale and zero point come from the extremes of x.
///
/// - Returns: scale = f32(f32(max' - min') / 255) and zero point = RNE(clamp(0 - min' / scale)),
///   where min' and max' include 0. An all-zero x has scale f32(1/255) and zero point 0.
/// - Edge cases: a NaN or an infinity in x leaves every result unspecified.
public func dynamicQuantize(
  tier: Tier, x: UnsafeRawBufferPointer, y: UnsafeMutableRawBufferPointer
) throws(KernelError) -> (scale: Float, zeroPoint: UInt8) {
  let count = y.count
  try requireSize("x", bytes: x.count, count: count, of: 4)
  try require(count > 0, "no elements to take the extremes of")
  guard let cTier = tier.cTier else {
    return Portable.dynamicQuantize(x: x, y: y, count: count)
  }
  var scale: Float = 0
  var zeroPoint: UInt8 = 0
  let status = qk_dynamic_quantize(
    cTier, x.baseAddress, count, y.baseAddress, &scale, &zeroPoint)
  try check(status, tier)
  return (scale, zeroPoint)
}
