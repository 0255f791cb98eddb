import CKernels

/// Scales and zero points: real = scale * (quantized - zero point).
public struct AffineParameters: Equatable, Sendable {
  /// One scale, or one per channel.
  public var scales: [Float]
  /// None (all are zero), one, or one per channel.
  public var zeroPoints: [Int32]
  /// Which element has which of them.
  public var channels: Channels

  /// Parameters per tensor, or per channel where `channels` says so.
  public init(scales: [Float], zeroPoints: [Int32] = [], channels: Channels = .one) {
    self.scales = scales
    self.zeroPoints = zeroPoints
    self.channels = channels
  }

  func validate(zeroPoints bounds: ClosedRange<Int32> = zeroPointBounds) throws(KernelError) {
    try channels.validate()
    try channels.requireMatch("scales", count: scales.count)
    if !zeroPoints.isEmpty {
      try channels.requireMatch("zero points", count: zeroPoints.count)
    }
    for scale in scales {
      try require(scale.isFinite && scale > 0, "scale \(scale) is not finite and above zero")
    }
    try requireZeroPoints(zeroPoints, in: bounds)
  }

  /// The parameters as C takes them, valid during the call.
  func withC(_ body: (qk_affine) -> qk_status) -> qk_status {
    scales.withUnsafeBufferPointer { scales in
      zeroPoints.withUnsafeBufferPointer { zeroPoints in
        body(
          qk_affine(
            scales: scales.baseAddress, scale_count: scales.count,
            zero_points: zeroPoints.baseAddress, zero_point_count: zeroPoints.count,
            channels: channels.count, inner: channels.inner))
      }
    }
  }

  /// Scale and zero point of element `index`.
  @inline(__always)
  func ofElement(_ index: Int) -> (scale: Float, zeroPoint: Int32) {
    let channel = channels.count == 1 ? 0 : index / channels.inner % channels.count
    let zeroPoint =
      zeroPoints.isEmpty ? 0 : zeroPoints[zeroPoints.count == 1 ? 0 : channel]
    return (scales[scales.count == 1 ? 0 : channel], zeroPoint)
  }
}
