/// Which parameter belongs to which element: element i is in channel (i / inner) % count.
public struct Channels: Equatable, Sendable {
  /// The number of channels.
  public var count: Int
  /// The number of consecutive elements that share a channel: the product of the dimensions after
  /// the channel axis.
  public var inner: Int

  /// Channels along an axis.
  public init(count: Int, inner: Int) {
    self.count = count
    self.inner = inner
  }

  /// One channel for the whole tensor.
  public static let one = Channels(count: 1, inner: 1)

  func validate() throws(KernelError) {
    try require(count >= 1 && inner >= 1, "\(count) channels of \(inner) elements")
  }

  /// Throws unless there is one parameter for all channels or one for each.
  func requireMatch(_ name: String, count given: Int) throws(KernelError) {
    try require(given == 1 || given == count, "\(given) \(name) for \(count) channels")
  }
}

/// Bounds of zero points: bounds relative to them stay exact in binary32 and in Int32.
let zeroPointBounds: ClosedRange<Int32> = -(1 << 22)...(1 << 22)

/// Throws unless every zero point is within the bounds that kernels rely on.
func requireZeroPoints(_ zeroPoints: [Int32], in bounds: ClosedRange<Int32>) throws(KernelError) {
  for zeroPoint in zeroPoints {
    try require(bounds.contains(zeroPoint), "zero point \(zeroPoint) outside \(bounds)")
  }
}
