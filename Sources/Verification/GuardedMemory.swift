internal import CHarness

/// Memory for tensors that a subject may touch, surrounded by memory that it must not.
///
/// Each buffer stands alone in a region of whole pages between inaccessible pages. The accessible
/// rest of its region is *canary*, a fixed pattern, so that a stray access is either a fault, for
/// which `distance(of:)` says whose it was, or, if it writes, found by `canaryDamage(of:)`.
///
/// Regions are mapped once and reused: make one `GuardedMemory` per worker, take the buffers of a
/// case, call the subject, `reset()`. It holds the memory of the largest case until it is gone.
///
/// What this cannot find: a read of canary bytes, a write that puts back the very byte that was
/// there, and an access beyond the inaccessible pages (64 KiB) that meets accessible memory.
public final class GuardedMemory {
  /// Where a buffer stands in its region.
  public enum Placement: Hashable, Sendable {
    /// The buffer ends `slack` bytes of canary before the inaccessible page. With no slack, the first
    /// byte after the buffer faults, and the buffer is as aligned as its size.
    case beforeGuard(slack: Int)
    /// The buffer starts `offset` bytes of canary after the inaccessible page. With no offset, the
    /// last byte before the buffer faults.
    case afterGuard(offset: Int)
  }

  /// A buffer; it must not be used after the next `reset()`.
  public struct Buffer {
    /// The number of buffers that were taken before it since the last `reset()`.
    public let index: Int
    /// The first byte; what the buffer holds at first is not specified.
    public let pointer: UnsafeMutableRawPointer
    /// The size, which may be 0.
    public let byteCount: Int
    fileprivate let region: Region
    fileprivate let generation: Int

    /// The canary before the buffer.
    fileprivate var before: UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(start: region.start, count: pointer - region.start)
    }
    /// The canary after the buffer.
    fileprivate var after: UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(
        start: pointer + byteCount, count: region.start + region.byteCount - (pointer + byteCount))
    }
  }

  /// A buffer and how far from it something happened.
  public struct Neighbor: Hashable, Sendable {
    /// The `index` of the buffer.
    public let buffer: Int
    /// In bytes: 1 is the first byte after the buffer, -1 the last one before it, 0 any byte in it.
    public let distance: Int
  }

  /// Whole accessible pages.
  fileprivate struct Region {
    let start: UnsafeMutableRawPointer
    let byteCount: Int
  }

  /// How many bytes on each side of a buffer `canaryDamage(of:)` looks at.
  public static let canaryReach = 4096

  /// The page size of this machine, in bytes.
  public static let pageSize = Int(qh_page_size())

  /// The size of each inaccessible part: more than a page catches larger strides at no cost.
  private static let guardSize = max(pageSize, 1 << 16)

  /// Regions of 2^i pages that are not in use, at index i.
  private var free: [[Region]] = []
  private var live: [Buffer] = []
  /// Counts resets, to catch buffers that are used too late.
  private var generation = 0

  /// A pool with no memory yet.
  public init() {}

  deinit {
    for region in free.joined() { unmap(region) }
    for buffer in live { unmap(buffer.region) }
  }

  /// Takes all buffers back.
  public func reset() {
    for buffer in live { free[Self.sizeClass(of: buffer.region.byteCount)].append(buffer.region) }
    live.removeAll(keepingCapacity: true)
    generation += 1
  }

  /// Takes a buffer.
  public func buffer(byteCount: Int, placement: Placement) -> Buffer {
    let distance =
      switch placement {
      case .beforeGuard(let slack): slack
      case .afterGuard(let offset): offset
      }
    precondition(
      byteCount >= 0 && distance >= 0, "no buffer of \(byteCount) bytes can stand \(placement)")
    let region = takeRegion(ofAtLeast: byteCount + distance)
    let offset =
      switch placement {
      case .beforeGuard: region.byteCount - distance - byteCount
      case .afterGuard: distance
      }
    let buffer = Buffer(
      index: live.count, pointer: region.start + offset, byteCount: byteCount, region: region,
      generation: generation)
    qh_canary_fill(buffer.before.baseAddress, buffer.before.count)
    qh_canary_fill(buffer.after.baseAddress, buffer.after.count)
    live.append(buffer)
    return buffer
  }

  /// How far the damaged canary byte next to the buffer is away from it: 1 is the first byte after the
  /// buffer, -1 the last one before it; nil if there is none within `canaryReach`.
  public func canaryDamage(of buffer: Buffer) -> Int? {
    precondition(buffer.generation == generation, "buffer \(buffer.index) was used after reset()")
    let reach = Self.canaryReach
    let after = UnsafeMutableRawBufferPointer(rebasing: buffer.after.prefix(reach))
    let before = UnsafeMutableRawBufferPointer(rebasing: buffer.before.suffix(reach))
    let first = qh_canary_first_damage(after.baseAddress, after.count)
    let last = qh_canary_last_damage(before.baseAddress, before.count)
    switch (last >= 0 ? before.count - last : nil, first >= 0 ? first + 1 : nil) {
    case (nil, let distance): return distance
    case (let distance?, nil): return -distance
    case (let left?, let right?): return left < right ? -left : right
    }
  }

  /// The buffer in whose region or inaccessible pages an address lies, such as that of a fault, or nil
  /// if it lies elsewhere.
  public func distance(of address: UInt) -> Neighbor? {
    for buffer in live {
      let region = UInt(bitPattern: buffer.region.start)
      let size = UInt(buffer.region.byteCount)
      let reach = UInt(Self.guardSize)
      guard region - reach <= address, address < region + size + reach else { continue }
      let start = UInt(bitPattern: buffer.pointer)
      let end = start + UInt(buffer.byteCount)
      if address < start { return Neighbor(buffer: buffer.index, distance: -Int(start - address)) }
      if address < end { return Neighbor(buffer: buffer.index, distance: 0) }
      return Neighbor(buffer: buffer.index, distance: Int(address - end) + 1)
    }
    return nil
  }

  private func takeRegion(ofAtLeast byteCount: Int) -> Region {
    let sizeClass = Self.sizeClass(of: byteCount)
    while free.count <= sizeClass { free.append([]) }
    if let region = free[sizeClass].popLast() { return region }
    let size = Self.pageSize << sizeClass
    guard let start = qh_region_map(size, Self.guardSize) else {
      fatalError("\(size) bytes of guarded memory cannot be mapped")
    }
    return Region(start: start, byteCount: size)
  }

  private func unmap(_ region: Region) {
    qh_region_unmap(region.start, region.byteCount, Self.guardSize)
  }

  /// The least i such that 2^i pages hold so many bytes.
  private static func sizeClass(of byteCount: Int) -> Int {
    let pages = max(1, (byteCount + pageSize - 1) / pageSize)
    return Int.bitWidth - (pages - 1).leadingZeroBitCount
  }
}

/// A pool belongs to one worker.
@available(*, unavailable)
extension GuardedMemory: Sendable {}
