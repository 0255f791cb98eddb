import CKernels

/// The shape and the integers of a matrix product [m, k] x [k, n], or of a batch of them.
public struct MatMulParameters: Equatable, Sendable {
  /// The type of a, `int8` or `uint8`.
  public var aType: IntegerType
  /// The type of b, `int8` or `uint8`.
  public var bType: IntegerType
  /// Rows of a and y.
  public var m: Int
  /// Columns of b and y.
  public var n: Int
  /// Columns of a, rows of b.
  public var k: Int
  /// The a that means zero: none (0), one, or one per row, in the range of `aType`.
  public var aZeroPoints: [Int32] = []
  /// The b that means zero: none (0), one, or one per column, in the range of `bType`.
  public var bZeroPoints: [Int32] = []
  /// Nil for int32 results (mod 2^32); else applied to them, per column where it has several
  /// parameters.
  public var requantization: Requantization?
  /// Products, each with the same zero points.
  public var batch = 1
  /// From one a to the next, in elements: m * k, or 0 to use one for all.
  public var aBatchStride: Int
  /// From one b to the next, in elements: k * n, or 0 to use one for all.
  public var bBatchStride: Int

  /// One product; for a batch, the other properties are set afterwards.
  public init(aType: IntegerType, bType: IntegerType, m: Int, n: Int, k: Int) {
    self.aType = aType
    self.bType = bType
    (self.m, self.n, self.k) = (m, n, k)
    (aBatchStride, bBatchStride) = (m &* k, k &* n)
  }

  /// The type of y.
  public var outputType: IntegerType { requantization?.output.type ?? .int32 }

  /// Elements of a, b and y in all.
  var counts: (a: Int, b: Int, y: Int) {
    (
      batch == 0 ? 0 : (batch - 1) * aBatchStride + m * k,
      batch == 0 ? 0 : (batch - 1) * bBatchStride + k * n, batch * m * n
    )
  }

  func validate() throws(KernelError) {
    try requireEightBit("a", aType)
    try requireEightBit("b", bType)
    let (mk, kn) = (try product(m, k), try product(k, n))
    _ = try product(batch, m, n, 4)
    _ = try product(batch, mk)
    _ = try product(batch, kn)
    try require(k > 0, "a sum over nothing: k = 0")
    try require(aBatchStride == mk || aBatchStride == 0, "batch stride \(aBatchStride) of a")
    try require(bBatchStride == kn || bBatchStride == 0, "batch stride \(bBatchStride) of b")
    try requireZeroPoints(aZeroPoints, in: aType.min...aType.max)
    try requireZeroPoints(bZeroPoints, in: bType.min...bType.max)
    try require(
      aZeroPoints.count <= 1 || aZeroPoints.count == m,
      "\(aZeroPoints.count) zero points for \(m) rows")
    let columns = Channels(count: n, inner: 1)
    if !bZeroPoints.isEmpty {
      try columns.requireMatch("b zero points", count: bZeroPoints.count)
    }
    try requantization?.validate(channels: columns)
  }

  func requireSizes(
    a: UnsafeRawBufferPointer, y: UnsafeMutableRawBufferPointer
  ) throws(KernelError) {
    try requireSize("a", bytes: a.count, count: counts.a, of: 1)
    try requireSize("y", bytes: y.count, count: counts.y, of: outputType.size)
  }

  func requireSizes(
    b: UnsafeRawBufferPointer, bias: UnsafeRawBufferPointer?
  ) throws(KernelError) {
    try requireSize("b", bytes: b.count, count: counts.b, of: 1)
    if let bias { try requireSize("bias", bytes: bias.count, count: n, of: 4) }
  }

  /// The parameters as C takes them, valid during the call.
  func withC(
    bias: UnsafeRawBufferPointer?, _ body: (UnsafePointer<qk_matmul>) -> qk_status
  ) -> qk_status {
    var c = qk_matmul()
    (c.a_type, c.b_type) = (aType.cType, bType.cType)
    (c.n, c.k) = (n, k)
    c.bias = bias?.baseAddress
    return bZeroPoints.withUnsafeBufferPointer { zeroPoints in
      c.b_zero_points = zeroPoints.baseAddress
      c.b_zero_point_count = zeroPoints.count
      guard let requantization else { return withUnsafePointer(to: c, body) }
      return requantization.withC(channels: Channels(count: n, inner: 1)) {
        c.requantization = $0
        return withUnsafePointer(to: c, body)
      }
    }
  }
}

/// Multiplies matrices: y = sum of (a - a zero point) * (b - b zero point) + bias, exact mod 2^32,
/// then requantized if the parameters say so.
///
/// `bias` has one element per column.
public func matmul(
  tier: Tier, parameters: MatMulParameters, a: UnsafeRawBufferPointer, b: UnsafeRawBufferPointer,
  bias: UnsafeRawBufferPointer?, y: UnsafeMutableRawBufferPointer
) throws(KernelError) {
  try parameters.validate()
  try parameters.requireSizes(b: b, bias: bias)
  try parameters.requireSizes(a: a, y: y)
  var one = parameters
  one.batch = 1
  if parameters.batch > 1 && parameters.bBatchStride == 0 {
    let prepared = try PreparedMatMul(tier: tier, parameters: one, b: b, bias: bias)
    try forEachProduct(parameters) { (first) throws(KernelError) in
      try prepared.run(a: a.part(first.a, parameters.m * parameters.k), y: y.part(first.y))
    }
  } else {
    try forEachProduct(parameters) { (first) throws(KernelError) in
      try multiply(
        tier: tier, parameters: one, a: a.part(first.a, parameters.m * parameters.k),
        b: b.part(first.b, parameters.k * parameters.n), bias: bias, y: y.part(first.y))
    }
  }
}

/// A matrix product whose b is packed, to be multiplied by many a, by several threads if need be.
public final class PreparedMatMul: @unchecked Sendable {
  // Sendable: nothing changes after `init`, and C does not change a plan while it runs it.
  private enum Weights {
    case plan(OpaquePointer)
    case portable(b: [UInt8], bias: [UInt8]?)
  }

  /// The tier that runs it.
  public let tier: Tier
  /// What was prepared; `m` and `aZeroPoints` are those of `run(a:y:)`.
  public let parameters: MatMulParameters
  private let weights: Weights

  /// Packs `b`; neither it nor `bias` is needed afterwards.
  ///
  /// The batch must be 1.
  public init(
    tier: Tier, parameters: MatMulParameters, b: UnsafeRawBufferPointer,
    bias: UnsafeRawBufferPointer?
  ) throws(KernelError) {
    try parameters.validate()
    try require(parameters.batch == 1, "a prepared product is one product")
    try parameters.requireSizes(b: b, bias: bias)
    self.tier = tier
    self.parameters = parameters
    guard let cTier = tier.cTier else {
      weights = .portable(b: Array(b), bias: bias.map { Array($0) })
      return
    }
    var plan: OpaquePointer?
    let status = parameters.withC(bias: bias) {
      qk_matmul_prepare(cTier, $0, b.baseAddress, &plan)
    }
    try check(status, tier)
    guard let plan else { throw .unsupported("no plan") }
    weights = .plan(plan)
  }

  deinit {
    if case .plan(let plan) = weights { qk_matmul_free(plan) }
  }

  /// Multiplies one a.
  public func run(
    a: UnsafeRawBufferPointer, y: UnsafeMutableRawBufferPointer
  ) throws(KernelError) {
    try parameters.requireSizes(a: a, y: y)
    switch weights {
    case .plan(let plan):
      let status = parameters.aZeroPoints.withUnsafeBufferPointer {
        qk_matmul_run(plan, parameters.m, a.baseAddress, $0.baseAddress, $0.count, y.baseAddress)
      }
      try check(status, tier)
    case .portable(let b, let bias):
      b.withUnsafeBytes { b in
        guard let bias else { return Portable.matmul(parameters, a: a, b: b, bias: nil, y: y) }
        bias.withUnsafeBytes { Portable.matmul(parameters, a: a, b: b, bias: $0, y: y) }
      }
    }
  }
}

/// One product, already validated.
private func multiply(
  tier: Tier, parameters: MatMulParameters, a: UnsafeRawBufferPointer, b: UnsafeRawBufferPointer,
  bias: UnsafeRawBufferPointer?, y: UnsafeMutableRawBufferPointer
) throws(KernelError) {
  guard let cTier = tier.cTier else {
    return Portable.matmul(parameters, a: a, b: b, bias: bias, y: y)
  }
  let status = parameters.withC(bias: bias) { matmul in
    parameters.aZeroPoints.withUnsafeBufferPointer {
      qk_matmul_once(
        cTier, matmul, parameters.m, a.baseAddress, $0.baseAddress, $0.count, b.baseAddress,
        y.baseAddress)
    }
  }
  try check(status, tier)
}

/// Calls `body` with the first bytes of a, b and y of each product.
private func forEachProduct(
  _ p: MatMulParameters,
  _ body: ((a: Int, b: Int, y: Range<Int>)) throws(KernelError) -> Void
) throws(KernelError) {
  let yBytes = p.m * p.n * p.outputType.size
  for i in 0..<p.batch {
    try body((i * p.aBatchStride, i * p.bBatchStride, i * yBytes..<(i + 1) * yBytes))
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func part(_ first: Int, _ count: Int) -> Self {
    Self(rebasing: self[first..<first + count])
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func part(_ range: Range<Int>) -> Self { Self(rebasing: self[range]) }
}
