public import CaseFormat
import ExactArithmetic
public import NumberFormats
public import Operations

/// Every dot product of some depth of two integer types, in a `matmul` or a 1x1 `conv2d`.
///
/// A *vector* holds `depth` free operands. A case holds vectors of one operand as rows, vectors of the
/// other as columns, and gives the dot product of each with each. The sum has `length` terms: those
/// that are not free have the zero point for both factors, so each of them is a real zero. Where the
/// free terms stand is a `Placement`.
///
/// - Note: the rows are those of `a` in `matmul`, the weights of the output channels in a `conv2d` of
///   layout NCHW, the pixels of `x` in one of layout NHWC: so the output is in the order of rows
///   everywhere.
public struct ProductQuestion: Sendable {
  /// One of the two factors of every product.
  public struct Operand: Hashable, Sendable {
    /// The input that holds it.
    public var name: String
    public var dtype: DataType
    /// The level that means zero.
    public var zeroPoint: Int64
    /// The lowest level of the type.
    let lowest: Int64
    /// The number of bits of a level.
    var bits: Int { dtype.bits }
  }

  /// Where the free terms stand in a sum: the number of all terms, and the first free one.
  public struct Placement: Hashable, Sendable {
    public var length: Int
    public var offset: Int
  }

  public let operation: any Operations.Operation.Type
  public let dialect: Dialect
  /// Attributes and zero points.
  public let template: Case
  public let rows: Operand
  public let columns: Operand
  public let depth: Int
  /// The number of terms of the longest sum.
  public let length: Int
  /// The type of the dot products.
  public let outputType: DataType
  /// What the dialect makes of a sum; nil where more than the sum counts.
  let sumRule: SumRule?
  private let isColumnMajor: Bool

  /// The most bits that the free operands of one vector may have.
  public static let mostBits = 16
  /// The most terms of a sum.
  public static let longest = 1 << 12

  /// Reads a case of `matmul` or `conv2d` whose operands say only their types.
  ///
  /// - Throws: `malformed` where depth, length or types do not fit each other, `unsupported` where the
  ///   operation has no dot products that can be enumerated, or what the reference says against the
  ///   parameters.
  public init(
    _ test: Case, depth: Int, length: Int, dialect: Dialect
  ) throws(CaseError) {
    guard let operation = Registry.operation(named: test.operation) else {
      throw .malformed("unknown op '\(test.operation)'")
    }
    (self.operation, self.dialect) = (operation, dialect)
    (self.depth, self.length) = (depth, length)
    let layout = test.attributes["layout"] ?? .string("NCHW")
    let (rowName, columnName): (String, String)
    switch (operation.name, layout) {
    case ("matmul", _): (rowName, columnName, isColumnMajor) = ("a", "b", false)
    case ("conv2d", .string("NCHW")): (rowName, columnName, isColumnMajor) = ("w", "x", false)
    case ("conv2d", .string("NHWC")): (rowName, columnName, isColumnMajor) = ("x", "w", true)
    case ("conv2d", _): throw .malformed("layout is neither NCHW nor NHWC")
    default: throw .unsupported("\(operation.name) has no dot products to run through")
    }
    let operands = Set([rowName, columnName])
    let others = operands.union(operands.map { $0 + "_zero_point" })
    if let other = test.inputs.keys.sorted().first(where: { !others.contains($0) }) {
      throw .unsupported("'\(other)' in a proof of dot products")
    }
    rows = try Self.operand(rowName, of: test, depth: depth)
    columns = try Self.operand(columnName, of: test, depth: depth)
    guard (depth...Self.longest).contains(length) else {
      throw .malformed("a sum has from \(depth) to \(Self.longest) terms, not \(length)")
    }
    var template = test
    template.dialect = dialect.name
    template.outputs = nil
    for name in operands { template.inputs[name] = nil }
    self.template = template
    let sample = Self.test(
      template, (rows, columns), isColumnMajor,
      rows: Array(repeating: rows.zeroPoint, count: length),
      columns: Array(repeating: columns.zeroPoint, count: length), length: length)
    let outcome = try Reference.evaluate(sample, dialect: dialect)
    guard outcome.outputs.count == 1, let type = outcome["y"]?.tensor.dtype else {
      throw .unsupported("\(operation.name) has no one output")
    }
    outputType = type
    let input = operation.name == "matmul" ? rows : isColumnMajor ? rows : columns
    sumRule = dialect.sumRule(of: operation.name, input: input.dtype, output: type)
    guard sumRule != nil || count <= Oracle.enumerable else {
      throw .unsupported(
        "in dialect '\(dialect.name)' an output depends on more than its sum, so only the definition "
          + "answers, and that for at most \(Oracle.enumerable) dot products")
    }
  }

  /// Reads the type and the zero point of an operand.
  private static func operand(
    _ name: String, of test: Case, depth: Int
  ) throws(CaseError) -> Operand {
    guard let tensor = test.inputs[name] else { throw .malformed("missing input '\(name)'") }
    guard case .integer(let format) = tensor.dtype, format != .bipolar,
      let lowest = format.minimum.int64
    else {
      throw .malformed("\(name) must be of a two's complement or unsigned integer type")
    }
    guard depth > 0, depth <= mostBits, depth * format.bits <= mostBits else {
      throw .malformed(
        "\(depth) operands of type \(tensor.dtype.name) have \(depth * format.bits) bits; all their "
          + "values are run through for 1 to \(mostBits) bits")
    }
    let zero = test.inputs[name + "_zero_point"]
    guard zero?.count ?? 1 == 1 else {
      throw .unsupported("a zero point for each row or column in a proof of dot products")
    }
    return Operand(
      name: name, dtype: tensor.dtype, zeroPoint: zero?.codes[0] ?? 0, lowest: lowest)
  }

  // MARK: Vectors

  /// The number of vectors of an operand.
  func vectors(_ operand: Operand) -> Int { 1 << (depth * operand.bits) }

  /// The level of a vector at one of its free places: its digits, the last place changing fastest.
  func level(_ vector: Int, at place: Int, of operand: Operand) -> Int64 {
    let digit = vector >> ((depth - 1 - place) * operand.bits) & (1 << operand.bits - 1)
    return Int64(digit) + operand.lowest
  }

  /// The levels of a vector, place by place.
  public func levels(_ vector: Int, of operand: Operand) -> [Int64] {
    (0..<depth).map { level(vector, at: $0, of: operand) }
  }

  // MARK: Placements

  /// The number of all dot products.
  var count: Int { vectors(rows) * vectors(columns) }

  /// Whether every dot product is run at every placement, since there are few.
  public var hasAllPlacements: Bool { count <= Blocks.size }

  /// Every placement: the places in the longest sums, then the last place of every shorter sum.
  ///
  /// Where a dot product is run at one placement only, its free terms start at a multiple of the power
  /// of two that holds them: so they are in one pair, or in one group of four, of a kernel that adds
  /// neighbours first.
  public var placements: [Placement] {
    var step = 1
    while !hasAllPlacements && step < depth { step *= 2 }
    let longest = stride(from: 0, through: length - depth, by: step).map {
      Placement(length: length, offset: $0)
    }
    return longest
      + (depth..<length).map { Placement(length: $0, offset: ($0 - depth) / step * step) }
  }

  // MARK: Cases

  /// The case that multiplies each of some rows with each of some columns.
  public func test(
    rows: Range<Int>, columns: Range<Int>, _ placement: Placement
  ) -> Case {
    Self.test(
      template, (self.rows, self.columns), isColumnMajor,
      rows: codes(rows, of: self.rows, placement, isTransposed: false),
      columns: codes(columns, of: self.columns, placement, isTransposed: !isColumnMajor),
      length: placement.length)
  }

  /// The levels of some vectors, one vector after the other, or transposed.
  private func codes(
    _ vectors: Range<Int>, of operand: Operand, _ placement: Placement, isTransposed: Bool
  ) -> [Int64] {
    var codes = Array(repeating: operand.zeroPoint, count: vectors.count * placement.length)
    let (toVector, toTerm) = isTransposed ? (1, vectors.count) : (placement.length, 1)
    for place in 0..<depth {
      var index = (placement.offset + place) * toTerm
      for vector in vectors {
        codes[index] = level(vector, at: place, of: operand)
        index += toVector
      }
    }
    return codes
  }

  private static func test(
    _ template: Case, _ operands: (rows: Operand, columns: Operand), _ isColumnMajor: Bool,
    rows: [Int64], columns: [Int64], length: Int
  ) -> Case {
    var test = template
    let (m, n) = (rows.count / length, columns.count / length)
    let shapes: (rows: [Int], columns: [Int])
    switch (template.operation, isColumnMajor) {
    case ("matmul", _): shapes = ([m, length], [length, n])
    // w as OIHW, x as NCHW: an image of one row of pixels.
    case (_, false): shapes = ([m, length, 1, 1], [1, length, 1, n])
    // x as NHWC, w as OHWI.
    case (_, true): shapes = ([1, 1, m, length], [n, 1, 1, length])
    }
    test.inputs[operands.rows.name] = Tensor(operands.rows.dtype, shape: shapes.rows, codes: rows)
    test.inputs[operands.columns.name] = Tensor(
      operands.columns.dtype, shape: shapes.columns, codes: columns)
    return test
  }

  /// The case that a certificate holds: the operands say only their types.
  var emptyCase: Case {
    var test = template
    for operand in [rows, columns] {
      test.inputs[operand.name] = Tensor(operand.dtype, shape: [0], codes: [])
    }
    return test
  }
}
