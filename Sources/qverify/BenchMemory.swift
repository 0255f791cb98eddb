import Generation
import Kernels

/// The buffers that all measurements share: they grow and are never given back.
final class BenchMemory {
  /// What a buffer is for.
  enum Slot: Int, CaseIterable {
    case input, output, weights, bias
  }

  /// What a buffer holds.
  enum Content {
    /// float32 within -4 ..< 4: none is subnormal enough to matter, some saturate.
    case floats
    /// Any bytes.
    case bytes
    /// int32 within +-2^20, as accumulators are.
    case accumulators
  }

  private var buffers: [UnsafeMutableRawBufferPointer?] = Slot.allCases.map { _ in nil }
  /// So much is drawn; the rest repeats it.
  private static let drawnBytes = 1 << 16

  deinit {
    for buffer in buffers { buffer?.deallocate() }
  }

  /// A buffer of at least so many bytes, filled from the start.
  ///
  /// Each starts at another line of its page, so that loads and stores at equal indices do not meet
  /// at equal addresses modulo the page size.
  func fill(_ slot: Slot, bytes: Int, with content: Content) {
    let skew = slot.rawValue * 1088
    if (buffers[slot.rawValue]?.count ?? 0) < bytes + skew {
      buffers[slot.rawValue]?.deallocate()
      buffers[slot.rawValue] = .allocate(byteCount: bytes + skew, alignment: 4096)
    }
    let target = mutable(slot, bytes)
    var randomness = Randomness(seed: 1)
    let drawn = min(bytes, Self.drawnBytes)
    for offset in stride(from: 0, to: drawn, by: 4) {
      let bits = UInt32(truncatingIfNeeded: randomness.next())
      var element =
        switch content {
        case .floats: (Float(bits >> 8) * 0x1p-21 - 4).bitPattern
        case .bytes: bits
        case .accumulators: UInt32(bitPattern: Int32(bitPattern: bits) >> 11)
        }
      withUnsafeBytes(of: &element) {
        target[offset..<min(offset + 4, drawn)].copyBytes(from: $0.prefix(drawn - offset))
      }
    }
    for offset in stride(from: drawn, to: bytes, by: max(1, drawn)) {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: target[offset..<min(offset + drawn, bytes)])
      part.copyMemory(from: UnsafeRawBufferPointer(rebasing: target[0..<part.count]))
    }
  }

  /// The first bytes of a buffer that was filled.
  func mutable(_ slot: Slot, _ bytes: Int) -> UnsafeMutableRawBufferPointer {
    let skew = slot.rawValue * 1088
    guard let buffer = buffers[slot.rawValue], buffer.count >= bytes + skew else {
      preconditionFailure("a buffer is used before it is filled")
    }
    return UnsafeMutableRawBufferPointer(rebasing: buffer[skew..<skew + bytes])
  }

  /// The first bytes of a buffer that was filled.
  func bytes(_ slot: Slot, _ bytes: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(mutable(slot, bytes))
  }
}

/// Walks through rows of a buffer, some at a time, so that a part of a buffer larger than the caches
/// is never found there.
final class BenchWalk {
  private var next = 0
  private let step: Int
  private let whole: Int

  init(step: Int, whole: Int) { (self.step, self.whole) = (step, whole) }

  /// The first row of the next part.
  func advance() -> Int {
    let first = next + step <= whole ? next : 0
    next = first + step
    return first
  }
}
