import CaseFormat

/// Which element of a scale or zero point belongs to which element of a tensor [affine §10 to §12].
enum ParameterMap: Hashable, Sendable {
  /// One parameter for all.
  case perTensor
  /// One a slice along an axis; `inner` elements stand between two slices.
  case perAxis(inner: Int, channels: Int)
  /// One a block of `size` elements along an axis of the given dimension.
  case blocked(inner: Int, dimension: Int, size: Int, blocks: Int)
  /// NumPy's broadcasting: a stride for each dimension, 0 where it has one element.
  case broadcast(shape: [Int], strides: [Int])

  /// The index of the parameter of an element.
  func index(of element: Int) -> Int {
    switch self {
    case .perTensor: return 0
    case .perAxis(let inner, let channels): return element / inner % channels
    case .blocked(let inner, let dimension, let size, let blocks):
      let along = element / inner % dimension
      let outer = element / (inner * dimension)
      return (outer * blocks + along / size) * inner + element % inner
    case .broadcast(let shape, let strides):
      var rest = element
      var index = 0
      for dimension in shape.indices.reversed() {
        index += rest % shape[dimension] * strides[dimension]
        rest /= shape[dimension]
      }
      return index
    }
  }

  /// The map for a parameter along an axis, or for all where it has one element.
  ///
  /// - Throws: `malformed` where the parameter's shape does not fit.
  static func along(
    axis: Int, of x: Tensor, parameter: Tensor, named name: String
  ) throws(CaseError) -> ParameterMap {
    if parameter.count == 1 { return .perTensor }
    let axis = try resolved(axis: axis, rank: x.shape.count)
    guard parameter.shape.count == 1, parameter.count == x.shape[axis] else {
      throw .malformed(
        "\(name) of shape \(parameter.shape) does not fit dimension \(axis) of shape \(x.shape)")
    }
    return .perAxis(inner: product(x.shape[(axis + 1)...]), channels: x.shape[axis])
  }

  /// The map for a parameter with one element a block along an axis.
  ///
  /// - Throws: `malformed` where the parameter's shape does not fit.
  static func blocked(
    axis: Int, size: Int, of x: Tensor, parameter: Tensor, named name: String
  ) throws(CaseError) -> ParameterMap {
    let axis = try resolved(axis: axis, rank: x.shape.count)
    let blocks = (x.shape[axis] + size - 1) / size
    var expected = x.shape
    expected[axis] = blocks
    guard parameter.shape == expected else {
      throw .malformed(
        "\(name) of shape \(parameter.shape) must be \(expected) for blocks of \(size)")
    }
    return .blocked(
      inner: product(x.shape[(axis + 1)...]), dimension: x.shape[axis], size: size, blocks: blocks)
  }

  /// The map of NumPy's broadcasting.
  ///
  /// - Throws: `malformed` where the shapes do not broadcast to the tensor's.
  static func broadcast(
    to x: Tensor, parameter: Tensor, named name: String
  ) throws(CaseError) -> ParameterMap {
    if parameter.count == 1 { return .perTensor }
    let missing = x.shape.count - parameter.shape.count
    guard missing >= 0 else {
      throw .malformed("\(name) of shape \(parameter.shape) does not broadcast to \(x.shape)")
    }
    var strides = Array(repeating: 0, count: x.shape.count)
    var stride = 1
    for dimension in parameter.shape.indices.reversed() {
      let size = parameter.shape[dimension]
      guard size == 1 || size == x.shape[dimension + missing] else {
        throw .malformed("\(name) of shape \(parameter.shape) does not broadcast to \(x.shape)")
      }
      strides[dimension + missing] = size == 1 ? 0 : stride
      stride *= size
    }
    return .broadcast(shape: x.shape, strides: strides)
  }

  /// An axis counted from the front.
  ///
  /// - Throws: `malformed` where the tensor has no such axis.
  static func resolved(axis: Int, rank: Int) throws(CaseError) -> Int {
    let resolved = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(resolved) else {
      throw .malformed("axis \(axis) is not an axis of a tensor of rank \(rank)")
    }
    return resolved
  }

  private static func product(_ dimensions: ArraySlice<Int>) -> Int { dimensions.reduce(1, *) }
}
