/// What a product needs besides its operands.
struct ProductParameters: Sendable {
  var x = Storage.int8
  var w = Storage.int8
  var inputZeros: [Int64] = [0]
  /// Whether there is an input zero point for each row.
  var hasRowZeros = false
  var weightZeros: [Int64] = [0]
  var hasBias = false
  var biasCount = 0
  /// nil: accumulators are wanted.
  var requantizer: Requantizer?
  var output = Storage.int32
  var outputZero: Int64 = 0
  var scaleCount = 1
}

/// Memory that a kernel packs its operands into; it outlives the call, as a workspace does.
final class Workspace: @unchecked Sendable {
  let rows: UnsafeMutablePointer<Int16>
  let weights: UnsafeMutablePointer<Int16>
  let weightSums: UnsafeMutablePointer<Int32>
  private let counts: (Int, Int, Int)

  init(rows: Int, weights: Int, columns: Int) {
    counts = (rows + 64, weights + 64, columns + 64)
    self.rows = .allocate(capacity: counts.0)
    self.weights = .allocate(capacity: counts.1)
    weightSums = .allocate(capacity: counts.2)
    // What a workspace holds at first is nobody's zero.
    self.rows.initialize(repeating: 0x55, count: counts.0)
    self.weights.initialize(repeating: 0x33, count: counts.1)
    weightSums.initialize(repeating: 0x5555, count: counts.2)
  }

  deinit {
    rows.deallocate()
    weights.deallocate()
    weightSums.deallocate()
  }
}

/// A product of integer operands in the shape of a tier.
struct ProductKernel<Factors: Operands>: Sendable {
  let factors: Factors
  let parameters: ProductParameters
  let shape: TierShape
  let fault: Fault?

  /// What is taken from a stored input and weight, so that they have the engine's types.
  private var inputOffset: Int32 {
    switch shape.engine {
    case .direct: 0
    case .pairs, .unsignedQuads: parameters.x == .int8 ? -128 : 0
    case .signedQuads: parameters.x == .uint8 ? 128 : 0
    }
  }
  private var weightOffset: Int32 {
    shape.engine != .direct && parameters.w == .uint8 ? 128 : 0
  }
  /// The depth in whole steps of the engine.
  private var paddedDepth: Int {
    let step = shape.engine.step
    return (factors.depth + step - 1) / step * step
  }

  /// The memory that calls of this kernel need.
  func workspace() -> Workspace {
    shape.engine == .direct
      ? Workspace(rows: 0, weights: 0, columns: 0)
      : Workspace(
        rows: factors.groups * paddedDepth, weights: factors.columns * paddedDepth,
        columns: factors.columns)
  }

  /// The memory of a call.
  struct Call {
    var x: UnsafeRawPointer
    var w: UnsafeRawPointer
    var bias: UnsafeRawPointer
    var y: UnsafeMutableRawPointer
    var workspace: Workspace
  }

  func run(_ call: Call) {
    let columns = VectorLoop(lanes: shape.lanes, fault: fault)
    var kept: Int64 = 0
    if factors.columns == 0 { return }
    for batch in 0..<factors.batches {
      if shape.engine != .direct { pack(batch, call) }
      forEachRow { row, source in
        let sums = gather(batch, source, call)
        columns.run(factors.columns) { to, from, _ in
          var sum = self.sum(batch, row, source, from, sums, call)
          if fault == .accumulatorKept && to % shape.lanes == 0 && to > 0 { sum &+= kept }
          kept = sum
          store(sum, batch, row, to, from, call)
        }
      }
    }
  }

  /// Calls back for each row with the row whose inputs it takes.
  private func forEachRow(_ body: (_ row: Int, _ source: Int) -> Void) {
    let tiles = factors.rows / shape.rows * shape.rows
    for row in 0..<factors.rows {
      let isTail = row >= tiles && shape.rows > 1
      switch fault {
      case .rowTailSkipped where isTail: continue
      case .rowTailReplayed where isTail && row >= shape.rows: body(row, row - shape.rows)
      case .rowsStale where row % shape.rows == shape.rows - 1 && row > 0: body(row, row - 1)
      default: body(row, row)
      }
    }
  }

  // MARK: Packing

  /// Packs the weights of a batch, with their sums.
  private func pack(_ batch: Int, _ call: Call) {
    let (depth, padded) = (factors.depth, paddedDepth)
    let storage = fault == .weightSign ? parameters.w.otherSign : parameters.w
    for column in 0..<factors.columns {
      let target = call.workspace.weights + column * padded
      var sum: Int32 = 0
      for k in 0..<depth {
        let index = factors.weight(batch: batch, column: column, k: k)
        let value = Int32(truncatingIfNeeded: storage.load(call.w, index)) - weightOffset
        target[k] = Int16(truncatingIfNeeded: value)
        sum &+= value
      }
      if fault != .depthTailUninitialized {
        for k in depth..<padded { target[k] = 0 }
      }
      call.workspace.weightSums[column] = sum
    }
  }

  /// Gathers the inputs of a row for every group, and returns their sums.
  private func gather(_ batch: Int, _ row: Int, _ call: Call) -> [Int32] {
    if shape.engine == .direct { return [] }
    let padded = paddedDepth
    let storage = fault == .inputSign ? parameters.x.otherSign : parameters.x
    let zero = inputZero(row)
    let padding = fault == .paddingZero ? -inputOffset : zero - inputOffset
    var sums: [Int32] = []
    for group in 0..<factors.groups {
      let target = call.workspace.rows + group * padded
      var sum: Int32 = 0
      let column = group * (factors.columns / factors.groups)
      factors.forEachTap(batch: batch, row: row, column: column) { input, k in
        var value = padding
        if let input {
          value = Int32(truncatingIfNeeded: storage.load(call.x, input)) - inputOffset
        }
        target[k] = Int16(truncatingIfNeeded: value)
        if input != nil || fault != .paddingInSumIgnored { sum &+= value }
      }
      if fault != .depthTailUninitialized {
        for k in factors.depth..<padded { target[k] = 0 }
      }
      if fault == .rowSumIn16Bits { sum = Int32(Int16(truncatingIfNeeded: sum)) }
      sums.append(sum)
    }
    return sums
  }

  // MARK: Sums

  private func inputZero(_ row: Int) -> Int32 {
    var index = parameters.hasRowZeros ? row : 0
    if fault == .rowZeroFirst { index = 0 }
    if fault == .rowZeroNext && parameters.hasRowZeros { index = (row + 1) % factors.rows }
    if fault == .singleRowZero && factors.rows == 1 { return 0 }
    let zero = Int32(truncatingIfNeeded: pick(parameters.inputZeros, index))
    if fault == .offsetInByte { return -Int32(Int8(truncatingIfNeeded: -zero)) }
    return zero
  }

  private func weightZero(_ column: Int) -> Int32 {
    var index = column
    switch fault {
    case .weightZeroFirst: index = 0
    case .weightZeroNext: index = (column + 1) % factors.columns
    case .channelPerVector: index = column / shape.lanes * shape.lanes
    case .channelOfWrongDimension: index = column % factors.depth % factors.columns
    default: break
    }
    return Int32(truncatingIfNeeded: pick(parameters.weightZeros, index))
  }

  /// The accumulator of an output.
  private func sum(
    _ batch: Int, _ row: Int, _ source: Int, _ column: Int, _ sums: [Int32], _ call: Call
  ) -> Int64 {
    let (xZero, wZero) = (inputZero(source), weightZero(column))
    var bias: Int64 = 0
    if parameters.hasBias && fault != .biasDropped {
      var index = parameters.biasCount == 1 ? 0 : column
      if fault == .biasFirst { index = 0 }
      if fault == .biasNext { index = (index + 1) % parameters.biasCount }
      bias = Storage.int32.load(call.bias, index)
      if fault == .biasTwice { bias *= 2 }
    }
    if shape.engine == .direct {
      return direct(batch, source, column, xZero, wZero, bias, call)
    }
    let padded = paddedDepth
    let group = factors.group(of: column)
    let x = call.workspace.rows + group * padded
    let w = call.workspace.weights + column * padded
    var (xMoved, wMoved) = (xZero - inputOffset, wZero - weightOffset)
    if fault == .inputZeroDropped { xMoved = -inputOffset }
    if fault == .weightZeroDropped { wMoved = -weightOffset }
    if fault == .secondColumnWithoutOffset && column >= 4 && source % 2 == 1 {
      xMoved = -inputOffset
    }
    let taken = fault == .compensationDropped ? xZero : xMoved
    let depth = Int32(fault == .crossPadded ? padded : factors.depth)
    let cross = fault == .crossDropped ? 0 : depth &* xMoved &* wMoved
    var products = dot(x, w, padded)
    if fault == .lanesPackedNarrow {
      // Even and odd columns share a register, 16 bits apart: the low sum's carry reaches the high.
      if column % 2 == 0 {
        products = Int32(Int16(truncatingIfNeeded: products))
      } else {
        let low = dot(x, w - padded, padded)
        products &+= (low &- Int32(Int16(truncatingIfNeeded: low))) >> 16
      }
    }
    let corrected =
      products &- taken &* call.workspace.weightSums[column] &- wMoved &* sums[group]
      &+ cross
    return settled(corrected, bias)
  }

  /// Adds the bias as the accumulator does: int32, wrapping.
  private func settled(_ sum: Int32, _ bias: Int64) -> Int64 {
    switch fault {
    case .accumulator32Saturates:
      Int64(Int32(clamping: Int64(sum) + bias))
    case .accumulator16Saturates: Int64(Int16(clamping: Int64(sum) + bias))
    case .accumulatorInFloat: Int64(Float(sum) + Float(bias))
    default: Int64(sum &+ Int32(truncatingIfNeeded: bias))
    }
  }
}
