/// A small, fast, reproducible source of random bits.
///
/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the
/// same seed gives the same numbers on every machine.
public struct Randomness: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts the sequence of a seed.
  public init(seed: UInt64) { state = seed }

  /// Starts the sequence of a seed and a position within it; positions share nothing.
  public init(seed: UInt64, stream: UInt64) {
    var mixer = Randomness(seed: seed ^ stream &* 0xD1B5_4A32_D192_ED03)
    state = mixer.next() ^ stream
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number below a bound, uniformly up to a bias of `bound / 2^64`.
  ///
  /// - Precondition: `bound > 0`.
  public mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: below(UInt64(bound)))
  }

  /// A number below a bound, uniformly up to a bias of `bound / 2^64`.
  public mutating func below(_ bound: UInt64) -> UInt64 {
    next().multipliedFullWidth(by: bound).high
  }

  /// A number of a closed range, uniformly.
  public mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
    let span = UInt64(bitPattern: range.upperBound &- range.lowerBound)
    let offset = span == .max ? next() : below(span + 1)
    return range.lowerBound &+ Int64(bitPattern: offset)
  }

  /// One element of a non-empty list.
  public mutating func pick<T>(_ elements: [T]) -> T { elements[below(elements.count)] }

  /// True once in `n` times.
  public mutating func oneIn(_ n: Int) -> Bool { below(n) == 0 }
}
