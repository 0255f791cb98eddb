public import ExactArithmetic

/// A machine integer: unsigned, two's complement, or the bipolar {-1, +1} of binary networks.
public struct IntegerFormat: Hashable, Sendable {
  /// The number of bits, 1 to 64.
  public let bits: Int
  /// Whether negative values exist.
  public let isSigned: Bool
  /// Whether this is ``bipolar``.
  public let isBipolar: Bool

  /// A format with `2^bits` values: two's complement if signed.
  ///
  /// One signed bit is {-1, 0} here; {-1, +1} is ``bipolar``.
  ///
  /// - Parameters:
  ///   - bits: 1 to 64.
  ///   - signed: whether negative values exist.
  public init(bits: Int, signed: Bool) {
    precondition((1...64).contains(bits), "an integer format has 1 to 64 bits, not \(bits)")
    self.bits = bits
    isSigned = signed
    isBipolar = false
  }

  private init(bipolarBits bits: Int) {
    self.bits = bits
    isSigned = true
    isBipolar = true
  }

  /// `int1`: the two values -1 and +1.
  public static let bipolar = IntegerFormat(bipolarBits: 1)

  /// The least value: 0, -1 for ``bipolar``, else `-2^(bits-1)`.
  public var minimum: Integer {
    if isBipolar { return -1 }
    return isSigned ? -Integer.powerOfTwo(bits - 1) : 0
  }

  /// The greatest value: `2^bits - 1` or `2^(bits-1) - 1`; 1 for ``bipolar``.
  public var maximum: Integer {
    isBipolar ? 1 : .powerOfTwo(isSigned ? bits - 1 : bits) - 1
  }

  /// From the least to the greatest value; 0 is in the range of ``bipolar``, but no value of it.
  public var range: ClosedRange<Integer> { minimum...maximum }

  /// Whether the format has a value.
  ///
  /// - Parameter value: any integer.
  /// - Returns: whether it is one of the format's.
  public func contains(_ value: Integer) -> Bool {
    range.contains(value) && !(isBipolar && value.isZero)
  }

  /// The nearest value of the format; ``bipolar`` takes 0 to +1.
  ///
  /// - Parameter value: any integer.
  /// - Returns: a value of the format.
  public func saturated(_ value: Integer) -> Integer {
    if isBipolar { return value < 0 ? -1 : 1 }
    return value.clamped(to: range)
  }

  /// The value modulo `2^bits`; ``bipolar`` has no modulus and saturates.
  ///
  /// - Parameter value: any integer.
  /// - Returns: a value of the format.
  public func wrapped(_ value: Integer) -> Integer {
    isBipolar ? saturated(value) : value.wrapped(bits: bits, signed: isSigned)
  }

  /// The bytes that one element takes in a tensor: 1 below 8 bits, 6 for 48.
  public var storageBytes: Int { (bits + 7) / 8 }

  /// `int8`, `uint4`; `int1` is ``bipolar``, and two's complement of one bit `int1_twos_complement`.
  public var name: String {
    let name = "\(isSigned ? "int" : "uint")\(bits)"
    return name == "int1" && !isBipolar ? "int1_twos_complement" : name
  }
}
