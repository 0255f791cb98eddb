import CKernels

/// How an int32 accumulator becomes an 8 or 16-bit integer.
public struct Requantization: Equatable, Sendable {
  /// The multiplication and its rounding.
  public enum Scaling: Equatable, Sendable {
    /// `onnx`: RNE(f32(f32(acc) * scale)). One scale, or one per channel.
    case float(scales: [Float])
    /// `tflite`: gemmlowp's two roundings of acc * multiplier * 2^(shift - 31), ties away from zero.
    /// Shifts in -31...31, positive ones to the left. One pair, or one per channel.
    case fixedPoint(multipliers: [Int32], shifts: [Int32])
  }

  /// The multiplication and its rounding.
  public var scaling: Scaling
  /// Added after rounding: none (zero), one, or one per channel.
  public var zeroPoints: [Int32]
  /// Type and bounds of the result, 8 or 16 bits.
  public var output: OutputRange

  /// All parameters.
  public init(scaling: Scaling, zeroPoints: [Int32] = [], output: OutputRange) {
    self.scaling = scaling
    self.zeroPoints = zeroPoints
    self.output = output
  }

  func validate(channels: Channels) throws(KernelError) {
    try output.validate()
    if !zeroPoints.isEmpty {
      try channels.requireMatch("zero points", count: zeroPoints.count)
    }
    try requireZeroPoints(zeroPoints, in: zeroPointBounds)
    switch scaling {
    case .float(let scales):
      try channels.requireMatch("scales", count: scales.count)
    case .fixedPoint(let multipliers, let shifts):
      try channels.requireMatch("multipliers", count: multipliers.count)
      try require(
        shifts.count == multipliers.count,
        "\(shifts.count) shifts for \(multipliers.count) multipliers")
      for shift in shifts {
        try require((-31...31).contains(shift), "shift \(shift) outside -31...31")
      }
    }
  }

  /// The parameters as C takes them, valid during the call.
  func withC<Result>(
    channels: Channels, accumulatorZeroPoint: Int32 = 0,
    _ body: (UnsafePointer<qk_requantization>) -> Result
  ) -> Result {
    var c = qk_requantization()
    c.channels = channels.count
    c.inner = channels.inner
    c.acc_zero_point = accumulatorZeroPoint
    c.range = output.cRange
    return zeroPoints.withUnsafeBufferPointer { zeroPoints in
      c.zero_points = zeroPoints.baseAddress
      c.zero_point_count = zeroPoints.count
      switch scaling {
      case .float(let scales):
        c.rule = QK_ONNX
        return scales.withUnsafeBufferPointer { scales in
          c.scales = scales.baseAddress
          c.scale_count = scales.count
          return withUnsafePointer(to: c, body)
        }
      case .fixedPoint(let multipliers, let shifts):
        c.rule = QK_TFLITE
        c.scale_count = multipliers.count
        return multipliers.withUnsafeBufferPointer { multipliers in
          shifts.withUnsafeBufferPointer { shifts in
            c.multipliers = multipliers.baseAddress
            c.shifts = shifts.baseAddress
            return withUnsafePointer(to: c, body)
          }
        }
      }
    }
  }
}

/// What `requantize` does to every element.
public struct RequantizeParameters: Equatable, Sendable {
  /// Scaling, zero points and output.
  public var requantization: Requantization
  /// Which element has which of the parameters.
  public var channels: Channels
  /// Subtracted from every accumulator, exactly in `onnx`, wrapping in `tflite`.
  public var accumulatorZeroPoint: Int32

  /// All parameters.
  public init(
    requantization: Requantization, channels: Channels = .one, accumulatorZeroPoint: Int32 = 0
  ) {
    self.requantization = requantization
    self.channels = channels
    self.accumulatorZeroPoint = accumulatorZeroPoint
  }
}

/// Requantizes int32 accumulators: y = clamp(scaled(acc - accumulator zero point) + zero point).
public func requantize(
  tier: Tier, parameters: RequantizeParameters, acc: UnsafeRawBufferPointer,
  y: UnsafeMutableRawBufferPointer
) throws(KernelError) {
  try parameters.channels.validate()
  try parameters.requantization.validate(channels: parameters.channels)
  let count = acc.count / 4
  try requireSize("acc", bytes: acc.count, count: count, of: 4)
  let size = parameters.requantization.output.type.size
  try requireSize("y", bytes: y.count, count: count, of: size)
  guard let cTier = tier.cTier else {
    return Portable.requantize(parameters, acc: acc, y: y, count: count)
  }
  let status = parameters.requantization.withC(
    channels: parameters.channels, accumulatorZeroPoint: parameters.accumulatorZeroPoint
  ) {
    qk_requantize(cTier, $0, acc.baseAddress, y.baseAddress, count)
  }
  try check(status, tier)
}
