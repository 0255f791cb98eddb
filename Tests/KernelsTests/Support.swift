import Foundation
import Kernels
import Testing

/// A seeded generator: the same tests on every run and machine.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
  mutating func coin() -> Bool { next() & 1 == 0 }
}

/// Bytes next to an inaccessible page: to touch one more is a crash.
struct Guarded {
  /// Where the bytes lie: up to the page after them, from the page before them, or one byte after
  /// that, which no element type is aligned to.
  enum Place: CaseIterable { case end, start, unaligned }

  let bytes: UnsafeMutableRawBufferPointer

  var read: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

  func values<T: BitwiseCopyable>(as type: T.Type) -> [T] {
    (0..<bytes.count / MemoryLayout<T>.stride).map {
      bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
    }
  }
}

/// Guarded buffers, all released together: pointers into them outlive any one variable.
final class Memory {
  private var mappings: [(start: UnsafeMutableRawPointer, size: Int)] = []

  func release() {
    for mapping in mappings { munmap(mapping.start, mapping.size) }
    mappings = []
  }

  /// Zeros.
  func guarded(count: Int, at place: Guarded.Place = .end) -> Guarded {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let room = (count + 1 + page - 1) / page * page
    let size = room + 2 * page
    guard
      let start = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED, mprotect(start + page, room, PROT_READ | PROT_WRITE) == 0
    else { fatalError("mmap: \(String(cString: strerror(errno)))") }
    mappings.append((start, size))
    let offset =
      switch place {
      case .end: room - count
      case .start: 0
      case .unaligned: 1
      }
    return Guarded(
      bytes: UnsafeMutableRawBufferPointer(start: start + page + offset, count: count))
  }

  func guarded<T: BitwiseCopyable>(_ values: [T], at place: Guarded.Place = .end) -> Guarded {
    let buffer = guarded(count: values.count * MemoryLayout<T>.stride, at: place)
    values.withUnsafeBytes { buffer.bytes.copyMemory(from: $0) }
    return buffer
  }

  /// Room for an output, filled with a byte that shows elements left unwritten.
  func guarded(count: Int, poison: UInt8, at place: Guarded.Place = .end) -> Guarded {
    let buffer = guarded(count: count, at: place)
    for i in 0..<count { buffer.bytes[i] = poison }
    return buffer
  }
}

/// Expects the same bytes from `scalar` and from `tier`, in differently poisoned outputs.
///
/// The closure gets the tier and a buffer for y.
func expectEqualToScalar(
  _ tier: Tier, yBytes: Int, place: Guarded.Place = .end, _ situation: @autoclosure () -> String,
  _ kernel: (Tier, UnsafeMutableRawBufferPointer) throws -> Void
) throws {
  let memory = Memory()
  defer { memory.release() }
  let expected = memory.guarded(count: yBytes, poison: 0x55, at: place)
  let got = memory.guarded(count: yBytes, poison: 0xAA, at: place)
  try kernel(.scalar, expected.bytes)
  try kernel(tier, got.bytes)
  let difference = (0..<yBytes).first { expected.bytes[$0] != got.bytes[$0] }
  if let difference {
    Issue.record(
      """
      \(tier.rawValue) differs from scalar in byte \(difference) of \(yBytes): \
      \(got.bytes[difference]), not \(expected.bytes[difference]); \(situation())
      """)
  }
}

/// The tiers to compare with `scalar`.
let fastTiers = Tier.available.filter { $0 != .scalar }

/// Around every vector width, and around twice.
let counts = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300,
]

extension SplitMix64 {
  /// Bytes that are random, or all at one extreme, or mixed extremes.
  mutating func bytes(_ count: Int) -> [UInt8] {
    let mode = below(8)
    return (0..<count).map { _ in
      switch mode {
      case 0: 0x80
      case 1: 0x7F
      case 2: 0xFF
      case 3: pick([0x00, 0x7F, 0x80, 0xFF])
      default: UInt8(truncatingIfNeeded: next())
      }
    }
  }

  /// Floats of all encodings but NaN: ties of `scale` and their neighbours, saturating ones,
  /// infinities.
  mutating func floats(_ count: Int, scale: Float) -> [Float] {
    (0..<count).map { _ in
      let half = Float(below(1201) - 600) / 2
      switch below(6) {
      case 0:
        let any = Float(bitPattern: UInt32(truncatingIfNeeded: next()))
        return any.isNaN ? 0 : any
      case 1: return scale * half
      case 2: return (scale * half).nextUp
      case 3: return (scale * half).nextDown
      case 4: return pick([.infinity, -.infinity, -0.0, 0x1p31, -0x1p31, 1e30])
      default: return scale * Float(below(140_001) - 70_000)
      }
    }
  }

  /// None, one, or one per channel: values at both ends of the range more often than not.
  mutating func zeroPoints(_ type: IntegerType, channels: Int) -> [Int32] {
    let count = pick([0, 1, channels])
    return (0..<count).map { _ in
      pick([type.min, type.max, Int32.random(in: type.min...type.max, using: &self)])
    }
  }

  mutating func scales(_ count: Int) -> [Float] {
    (0..<count).map { _ in pick([0.5, 0x1p-9, 0.0123, 0.1, 3]) * Float(1 + below(50)) }
  }

  /// For accumulators of some thousands.
  mutating func requantization(channels: Int) -> Requantization {
    let type = pick([IntegerType.int8, .uint8, .int16])
    let count = pick([1, channels])
    let scaling: Requantization.Scaling =
      coin()
      ? .float(scales: (0..<count).map { _ in Float(1 + below(1000)) * 0x1p-14 })
      : .fixedPoint(
        multipliers: (0..<count).map { _ in Int32.random(in: (1 << 30)...Int32.max, using: &self) },
        shifts: (0..<count).map { _ in -Int32(below(16)) })
    return Requantization(
      scaling: scaling, zeroPoints: zeroPoints(type, channels: channels), output: OutputRange(type))
  }
}
