/// What a tier looks like: lanes of a vector, vectors of an unrolled body, rows of a tile, and how
/// products are summed.
public struct TierShape: Hashable, Sendable {
  /// How a tier sums products of bytes.
  public enum Engine: Sendable {
    /// Each product by itself, straight from the tensors.
    case direct
    /// Bytes widened to int16, neighbours multiplied and added to int32 (pmaddwd).
    case pairs
    /// Four products of unsigned and signed bytes, inputs moved by 128 (vpdpbusd).
    case unsignedQuads
    /// Four products of signed bytes (sdot).
    case signedQuads

    /// How many products one step takes.
    var step: Int { self == .direct ? 1 : self == .pairs ? 2 : 4 }
  }

  public var name: String
  public var lanes: Int
  public var rows: Int
  public var engine: Engine

  public static let scalar = TierShape(name: "scalar", lanes: 1, rows: 1, engine: .direct)
  public static let neon = TierShape(name: "neon", lanes: 4, rows: 3, engine: .signedQuads)
  public static let avx2 = TierShape(name: "avx2", lanes: 8, rows: 4, engine: .pairs)
  public static let vnni = TierShape(
    name: "avx512vnni", lanes: 16, rows: 2, engine: .unsignedQuads)
  /// Every shape.
  public static let all = [scalar, neon, avx2, vnni]
}

/// A loop over elements as a vector kernel has it: a body of whole vectors, two at a time, and a tail.
struct VectorLoop {
  var lanes: Int
  var fault: Fault?

  /// Calls `body` for each element that the loop writes, with the element that it takes.
  ///
  /// `isMisaligned` says whether the tensor does not start on a vector's boundary.
  @inline(__always)
  func run(
    _ count: Int, isMisaligned: Bool = false,
    _ body: (_ to: Int, _ from: Int, _ isTail: Bool) -> Void
  ) {
    let vectors = count / lanes
    let tail = vectors * lanes
    let written = fault == .lastVectorSkipped ? max(0, vectors - 1) : vectors
    for vector in 0..<written {
      let first = vector * lanes
      for lane in 0..<lanes { body(first + lane, source(first, lane, isMisaligned), false) }
    }
    switch fault {
    case .tailSkipped where lanes > 1: break
    case .tailShort where lanes > 1:
      for index in tail..<max(tail, count - 1) { body(index, index, true) }
    case .tailReplayed where vectors > 0 && lanes > 1:
      for index in tail..<count { body(index, index - lanes, true) }
    case .tailOverrun where tail < count && lanes > 1:
      for index in tail..<(tail + lanes) { body(index, min(index, count - 1), true) }
    default:
      for index in tail..<count { body(index, index, true) }
    }
  }

  @inline(__always)
  private func source(_ first: Int, _ lane: Int, _ isMisaligned: Bool) -> Int {
    switch fault {
    case .lanesSwapped where lanes > 1: first + (lane < 2 ? 1 - lane : lane)
    case .halvesSwapped: first + (lane + lanes / 2) % lanes
    // The second vector of an unrolled pair works on what the first one loaded.
    case .unrollStale where first / lanes % 2 == 1: first - lanes + lane
    case .headMisaligned where isMisaligned && first == 0: lanes - 1 - lane
    default: first + lane
    }
  }
}

/// Where the parameters of an element stand: channels along one axis.
struct ChannelMap: Sendable {
  var channels = 1
  var inner = 1
  var count = 0
  var lanes = 1
  var fault: Fault?

  /// The channel of an element.
  @inline(__always)
  func channel(of index: Int) -> Int {
    if channels == 1 { return 0 }
    switch fault {
    case .channelFirst: return 0
    case .channelNext: return (index / inner + 1) % channels
    case .channelPerVector: return index / lanes * lanes / inner % channels
    case .channelAxis: return inner == 1 ? index / (count / channels) : index % channels
    case .axisIgnored: return index / (count / channels)
    default: return index / inner % channels
    }
  }
}
