public import NumberFormats

/// A dense row-major tensor of any data type.
///
/// An element is held by its *code*: integers and fixed point by their raw value, sign-extended;
/// floats by their encoding; booleans by 0 and 1. Codes compare exactly: -0 is not +0.
public struct Tensor: Hashable, Sendable {
  public let dtype: DataType
  public let shape: [Int]
  public var codes: [Int64]

  /// A tensor of the given codes.
  ///
  /// - Precondition: `codes` has as many elements as `shape` says.
  public init(_ dtype: DataType, shape: [Int], codes: [Int64]) {
    precondition(
      Tensor.count(of: shape) == codes.count,
      "a tensor of shape \(shape) cannot hold \(codes.count) elements")
    self.dtype = dtype
    self.shape = shape
    self.codes = codes
  }

  /// A tensor with no dimension and one element.
  public init(scalar code: Int64, _ dtype: DataType) {
    self.init(dtype, shape: [], codes: [code])
  }

  /// The number of elements.
  public var count: Int { codes.count }

  /// The exact value of one element.
  public func number(at index: Int) -> Number { dtype.number(fromCode: codes[index]) }

  /// The number of elements of a shape, or nil where it is negative or does not fit an `Int`.
  public static func count(of shape: [Int]) -> Int? {
    if shape.contains(where: { $0 < 0 }) { return nil }
    if shape.contains(0) { return 0 }
    var count = 1
    for dimension in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      count = product
    }
    return count
  }

  /// The coordinates of the element at a flat index, for messages.
  public func coordinates(of index: Int) -> [Int] {
    var rest = index
    var coordinates: [Int] = []
    for dimension in shape.reversed() {
      coordinates.append(rest % max(dimension, 1))
      rest /= max(dimension, 1)
    }
    return coordinates.reversed()
  }
}

/// What an output must be: for each element a value, an interval, or anything.
public struct Expectation: Hashable, Sendable {
  /// The values; where an interval is allowed, its lower end.
  public var tensor: Tensor
  /// Which elements the dialect leaves unspecified; empty when none.
  public var unspecified: [Bool] = []
  /// The upper ends, where intervals are allowed; empty when every element is one value.
  public var upper: [Int64] = []

  /// Expects exactly the values of a tensor.
  public init(_ tensor: Tensor) { self.tensor = tensor }

  /// Whether any value agrees at an index.
  public func isUnspecified(at index: Int) -> Bool {
    !unspecified.isEmpty && unspecified[index]
  }

  /// Leaves the element at an index unspecified.
  public mutating func leaveUnspecified(at index: Int) {
    if unspecified.isEmpty { unspecified = Array(repeating: false, count: tensor.count) }
    unspecified[index] = true
  }

  /// Allows every value from the element itself up to `code`, both included.
  public mutating func allow(upTo code: Int64, at index: Int) {
    if upper.isEmpty { upper = tensor.codes }
    upper[index] = code
  }

  /// Whether a code agrees with what is expected at an index.
  ///
  /// Integers agree by value, floats by encoding, except that every NaN equals every NaN.
  public func agrees(_ code: Int64, at index: Int) -> Bool {
    let expected = tensor.codes[index]
    if code == expected || isUnspecified(at: index) { return true }
    if !upper.isEmpty { return code >= expected && code <= upper[index] }
    if case .float(let format) = tensor.dtype {
      return format.isNaN(code: UInt64(bitPattern: expected))
        && format.isNaN(code: UInt64(bitPattern: code))
    }
    return false
  }

  /// The number of elements that the dialect leaves open.
  public var unspecifiedCount: Int { unspecified.count { $0 } }
}
