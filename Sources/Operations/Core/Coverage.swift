/// What a case exercised: a set of numbered bins.
///
/// The first 64 bins belong to the operation, the rest are the lengths modulo 64 that kernels see, so
/// that every tail of every vector width is accounted for.
public struct Coverage: Hashable, Sendable, ExpressibleByArrayLiteral {
  public private(set) var features: UInt64 = 0
  public private(set) var tails: UInt64 = 0

  /// A set of feature bins.
  public init(arrayLiteral bins: Int...) {
    for bin in bins { insert(bin) }
  }

  /// The set of the given masks, in which bin `i` is bit `i`.
  public init(features: UInt64, tails: UInt64) {
    (self.features, self.tails) = (features, tails)
  }

  /// Adds a feature bin, from 0 to 63.
  public mutating func insert(_ bin: Int) { features |= 1 << UInt64(bin) }

  /// Adds a feature bin where a condition holds.
  public mutating func insert(_ bin: Int, if condition: Bool) {
    if condition { insert(bin) }
  }

  /// Adds the tail that a vector loop over `count` elements leaves.
  public mutating func insert(length count: Int) { tails |= 1 << UInt64(count % 64) }

  /// Adds all bins of another set.
  public mutating func formUnion(_ other: Coverage) {
    features |= other.features
    tails |= other.tails
  }

  /// What two sets have in common.
  public func intersection(_ other: Coverage) -> Coverage {
    Coverage(features: features & other.features, tails: tails & other.tails)
  }

  /// Whether a feature bin is in the set.
  public func contains(_ bin: Int) -> Bool { features >> UInt64(bin) & 1 == 1 }
}

/// A named thing that a campaign should have exercised.
public struct CoverageBin: Hashable, Sendable {
  /// The number within the operation, from 0 to 63.
  public var number: Int
  public var name: String
  /// Whether a campaign without it is not to be trusted.
  public var isRequired: Bool

  /// Declares a bin.
  public init(_ number: Int, _ name: String, required: Bool) {
    self.number = number
    self.name = name
    isRequired = required
  }
}
