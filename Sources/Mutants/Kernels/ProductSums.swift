/// The innermost loops: sums of products as the engines make them.
extension ProductKernel {
  /// The sum straight from the tensors: each product of differences by itself.
  func direct(
    _ batch: Int, _ row: Int, _ column: Int, _ xZero: Int32, _ wZero: Int32, _ bias: Int64,
    _ call: Call
  ) -> Int64 {
    let x = fault == .inputSign ? parameters.x.otherSign : parameters.x
    let w = fault == .weightSign ? parameters.w.otherSign : parameters.w
    let xZero = fault == .inputZeroDropped ? 0 : Int64(xZero)
    let wZero = fault == .weightZeroDropped ? 0 : Int64(wZero)
    let last = fault == .lastTapSkipped || fault == .lastStepSkipped ? factors.depth - 1 : -1
    let isNarrow = fault == .accumulator16Wraps || fault == .accumulator16Saturates
    var sum = bias
    factors.forEachTap(batch: batch, row: row, column: column) { input, k in
      if k == last { return }
      let level = input.map { x.load(call.x, $0) } ?? (fault == .paddingZero ? 0 : xZero)
      var weight = w.load(call.w, factors.weight(batch: batch, column: column, k: k)) - wZero
      if fault == .weightsHalved { weight = (weight >> 1) * 2 }
      sum &+= (level - xZero) &* weight
      if isNarrow { sum = narrowed(sum) }
      if fault == .accumulatorInFloat { sum = Int64(Float(sum)) }
    }
    return wide(sum)
  }

  private func narrowed(_ sum: Int64) -> Int64 {
    fault == .accumulator16Wraps
      ? Int64(Int16(truncatingIfNeeded: sum)) : Int64(Int16(clamping: sum))
  }

  /// The sum in the accumulator's width: 64 bits for inputs of 16, else int32 that wraps.
  private func wide(_ sum: Int64) -> Int64 {
    if parameters.x.bytes > 1 && fault != .accumulatorInInt32 { return sum }
    switch fault {
    case .accumulator32Saturates: return Int64(Int32(clamping: sum))
    case .accumulatorOfInput:
      return Int64(Int8(truncatingIfNeeded: sum))
    case .accumulatorBoundWrong: return boundedWrongly(sum)
    default: return Int64(Int32(truncatingIfNeeded: sum))
    }
  }

  /// Cut to as many bits as a sum over the outputs of a group, in place of its inputs, would need.
  private func boundedWrongly(_ sum: Int64) -> Int64 {
    let taps = max(1, factors.depth * factors.groups * (factors.columns / max(factors.groups, 1)))
    let bound = max(1, taps / max(1, factors.depth * factors.groups)) * 255 * 255
    let bits = min(Int64.bitWidth - bound.leadingZeroBitCount + 1, 32)
    return lowBits(of: sum, bits, isSigned: true)
  }

  /// The sum of the products of packed operands.
  @inline(__always)
  func dot(
    _ x: UnsafeMutablePointer<Int16>, _ w: UnsafeMutablePointer<Int16>, _ padded: Int
  ) -> Int32 {
    let step = shape.engine.step
    let whole = factors.depth / step * step
    var (first, second): (Int32, Int32) = (0, 0)
    var k = 0
    var end = padded
    switch fault {
    case .depthTailSkipped: end = whole
    case .lastStepSkipped: end = max(0, padded - step)
    default: break
    }
    while k < end {
      let isTail = k >= whole
      let from = fault == .depthTailReplayed && isTail && k >= step ? k - step : k
      let partial = self.step(x + from, w + from, step)
      if k / step % 2 == 0 { first &+= partial } else { second &+= partial }
      if fault == .accumulator16Wraps || fault == .accumulator16Saturates {
        first = Int32(narrowed(Int64(first)))
        second = Int32(narrowed(Int64(second)))
      }
      k += step
    }
    if fault == .accumulatorStale { second = 0 }
    return first &+ second
  }

  /// The products of one step.
  @inline(__always)
  private func step(
    _ x: UnsafeMutablePointer<Int16>, _ w: UnsafeMutablePointer<Int16>, _ count: Int
  ) -> Int32 {
    var total: Int32 = 0
    var index = 0
    while index < count {
      var pair = product(x[index], w[index]) &+ product(x[index + 1], w[index + 1])
      if fault == .pairsSaturate { pair = min(max(pair, -32768), 32767) }
      if fault == .pairsWrap { pair = Int32(Int16(truncatingIfNeeded: pair)) }
      total &+= pair
      index += 2
    }
    return total
  }

  @inline(__always)
  private func product(_ x: Int16, _ w: Int16) -> Int32 {
    if fault == .signTrick && x < 0 {
      // The magnitude of one byte times the other with its sign; -128 has no negative.
      return Int32(-x) &* Int32(Int8(truncatingIfNeeded: -w))
    }
    return Int32(x) &* Int32(w)
  }

  // MARK: Results

  /// Stores an accumulator, or the level that it becomes.
  @inline(__always)
  func store(
    _ sum: Int64, _ batch: Int, _ row: Int, _ to: Int, _ from: Int, _ call: Call
  ) {
    let index = factors.output(batch: batch, row: row, column: to)
    guard let requantizer = parameters.requantizer else {
      return parameters.output.store(sum, call.y, index)
    }
    var channel = parameters.scaleCount == 1 ? 0 : from
    switch fault {
    case .scaleFirst: channel = 0
    case .scaleNext: channel = (channel + 1) % parameters.scaleCount
    case .scalePerVector: channel = channel / shape.lanes * shape.lanes
    case .scaleWithinGroup: channel %= max(1, factors.columns / factors.groups)
    default: break
    }
    if let level = requantizer.level(of: sum, channel: channel, zero: parameters.outputZero) {
      parameters.output.store(level, call.y, index)
    }
  }
}
