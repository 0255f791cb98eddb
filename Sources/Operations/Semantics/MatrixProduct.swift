import CaseFormat

/// A batched matrix product as sums of products [accumulate §2].
///
/// Batches broadcast by NumPy's rules; `a` is [..., M, K], `b` is [..., K, N].
struct MatrixProduct: IntegerReduction {
  let input: Tensor
  let weight: Tensor
  let biasTensor: Tensor?
  let rows: Int
  let columns: Int
  let depth: Int
  let batchShape: [Int]
  let rowZeros: PerSlice
  let columnZeros: PerSlice
  private let batchMapA: [Int]
  private let batchMapB: [Int]

  var outputShape: [Int] { batchShape + [rows, columns] }

  /// Reads the shapes of a case.
  ///
  /// - Throws: `malformed` for shapes that do not fit, `precondition` where nothing is summed.
  init(
    a: Tensor, b: Tensor, aZero: Tensor?, bZero: Tensor?, bias: Tensor?
  ) throws(CaseError) {
    guard a.shape.count >= 2, b.shape.count >= 2 else {
      throw .malformed("a and b need at least 2 dimensions, not \(a.shape) and \(b.shape)")
    }
    rows = a.shape[a.shape.count - 2]
    depth = a.shape[a.shape.count - 1]
    columns = b.shape[b.shape.count - 1]
    guard b.shape[b.shape.count - 2] == depth else {
      throw .malformed("a of shape \(a.shape) and b of shape \(b.shape) do not multiply")
    }
    guard depth > 0 else { throw .precondition("a sum over nothing: the inner dimension is 0") }
    let (batchA, batchB) = (Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
    guard let batch = Self.broadcast(batchA, batchB) else {
      throw .malformed("batches \(batchA) and \(batchB) do not broadcast")
    }
    batchShape = batch
    guard let count = Tensor.count(of: batch + [rows, columns]),
      count <= ConvolutionGeometry.maximumOutputs
    else { throw .precondition("an output of shape \(batch + [rows, columns]) is too large") }
    (input, weight, biasTensor) = (a, b, bias)
    if let bias, bias.count != 1, bias.shape != [columns] {
      throw .malformed("bias of shape \(bias.shape) must have one element or \(columns)")
    }
    rowZeros = try PerSlice(aZero, of: a, along: a.shape.count - 2, named: "a_zero_point")
    columnZeros = try PerSlice(bZero, of: b, along: b.shape.count - 1, named: "b_zero_point")
    batchMapA = Self.batchMap(batch, batchA)
    batchMapB = Self.batchMap(batch, batchB)
  }

  private static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    let a = Array(repeating: 1, count: rank - a.count) + a
    let b = Array(repeating: 1, count: rank - b.count) + b
    var result: [Int] = []
    for (x, y) in zip(a, b) {
      guard x == y || x == 1 || y == 1 else { return nil }
      result.append(x == 1 ? y : x)
    }
    return result
  }

  /// The batch of an operand that meets in each batch of the result.
  private static func batchMap(_ batch: [Int], _ own: [Int]) -> [Int] {
    let shape = Array(repeating: 1, count: batch.count - own.count) + own
    return (0..<(Tensor.count(of: batch) ?? 0)).map { index in
      var (rest, stride, result) = (index, 1, 0)
      for dimension in batch.indices.reversed() {
        if shape[dimension] != 1 { result += rest % batch[dimension] * stride }
        stride *= shape[dimension]
        rest /= batch[dimension]
      }
      return result
    }
  }

  /// Batch, row and column of a flat index of the result.
  func position(of output: Int) -> (batch: Int, row: Int, column: Int) {
    let (rest, column) = output.quotientAndRemainder(dividingBy: columns)
    return (rest / rows, rest % rows, column)
  }

  /// The batches of the operands that meet in a batch of the result.
  func operandBatches(_ batch: Int) -> (a: Int, b: Int) { (batchMapA[batch], batchMapB[batch]) }

  func inputZero(of output: Int) -> Int64 {
    let (batch, row, _) = position(of: output)
    return rowZeros.code(batch: batchMapA[batch], slice: row)
  }

  func weightZero(of output: Int) -> Int64 {
    let (batch, _, column) = position(of: output)
    return columnZeros.code(batch: batchMapB[batch], slice: column)
  }

  func bias(of output: Int) -> Int64 {
    guard let bias = biasTensor else { return 0 }
    return bias.codes[bias.count == 1 ? 0 : output % columns]
  }

  func forEachTerm(of output: Int, _ body: (_ input: Int?, _ weight: Int) -> Void) {
    let (batch, row, column) = position(of: output)
    let (a, b) = operandBatches(batch)
    for k in 0..<depth {
      body((a * rows + row) * depth + k, (b * depth + k) * columns + column)
    }
  }
}

/// A parameter of a matrix: one for all, one a row or column, or one a row or column of each batch.
struct PerSlice {
  private let codes: [Int64]
  private let slices: Int
  private let isPerBatch: Bool

  /// How many parameters there are.
  var count: Int { codes.count }

  /// Reads a parameter of a matrix whose rows or columns lie along a dimension.
  ///
  /// - Throws: `malformed` where its shape fits neither the matrix nor its slices.
  init(
    _ tensor: Tensor?, of matrix: Tensor, along dimension: Int, named name: String
  ) throws(CaseError) {
    codes = tensor?.codes ?? [0]
    slices = matrix.shape[dimension]
    guard let tensor, tensor.count != 1 else {
      isPerBatch = false
      return
    }
    var sliced = matrix.shape
    sliced[matrix.shape.count * 2 - 3 - dimension] = 1
    let flat = [slices]
    let trimmed = Array(sliced.suffix(2))
    guard tensor.shape == flat || tensor.shape == trimmed || tensor.shape == sliced else {
      throw .malformed(
        "\(name) of shape \(tensor.shape) must have one element, shape \(flat) or \(sliced)")
    }
    isPerBatch = tensor.count > slices
  }

  /// The position of the parameter of a slice in a batch.
  func index(batch: Int, slice: Int) -> Int {
    codes.count == 1 ? 0 : (isPerBatch ? batch * slices : 0) + slice
  }

  /// The parameter of a slice in a batch.
  func code(batch: Int, slice: Int) -> Int64 { codes[index(batch: batch, slice: slice)] }
}
