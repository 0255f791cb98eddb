import CaseFormat
import NumberFormats
import Verification

/// The element-wise operations that make or use levels.
extension CaseReader {
  typealias Body = (KernelBuffers) -> Void

  /// What a dialect says of levels, as the kernels know it, with the fault planted.
  private func levels(isPerChannel: Bool, output: DataType?) -> LevelArithmetic {
    var levels = LevelArithmetic()
    switch (dialect, test.operation) {
    case ("tflite", _): levels.rounding = .halfAway
    case ("pytorch", "quantize"):
      levels.divides = false
      levels.isZeroInside = true
      levels.isFused = !isPerChannel && output != .int32
      levels.nan = .highest
    case ("pytorch", _): levels.divides = false
    case ("xnnpack-fp32", _):
      levels.divides = false
      levels.nan = .highest
    default: break
    }
    return levels
  }

  private func planted(_ levels: LevelArithmetic) -> LevelArithmetic {
    var levels = levels
    if let fault { _ = levels.plant(fault) }
    return levels
  }

  private func loop(_ count: Int) -> VectorLoop { VectorLoop(lanes: shape.lanes, fault: fault) }

  // MARK: quantize

  func quantize() throws(Refusal) -> Body {
    if dialect == "ap_fixed" { return try fixedPointQuantize() }
    let x = try tensor("x")
    let scale = try tensor("scale")
    let half = Self.half(x.dtype)
    guard x.dtype == .float32 && scale.dtype == .float32 || half != nil && scale.dtype == x.dtype
    else { throw Refusal(reason: "x of type \(x.dtype.name) by \(scale.dtype.name)") }
    guard string("precision") == nil else { throw Refusal(reason: "another precision") }
    let named = string("output_dtype").flatMap(DataType.init(name:))
    let type = test.inputs["zero_point"]?.dtype ?? named ?? .uint8
    let (storage, range) = (try storage(type, "y"), try range(type))
    let (scales, zeros) = (try floats("scale"), codes("zero_point"))
    let map = try channels(
      x, defaultAxis: 1, parameters: [scale] + (test.inputs["zero_point"].map { [$0] } ?? []))
    var right = levels(isPerChannel: test.attributes["axis"] != nil, output: type)
    right.format = half
    var wrong = planted(right)
    if fault == .bfloatHalfUp && half == .bfloat16 { wrong.rounding = .halfUp }
    if fault == .halfTruncates && half == .binary16 { wrong.rounding = .truncation }
    let mask = fault == .narrowByMask && type.bits < 8 ? type : nil
    if mask == nil { wrong.masksByte = false }
    let loop = loop(x.count)
    let levels = (body: place == .tail ? right : wrong, tail: place == .body ? right : wrong)
    return { buffers in
      let (input, output) = (buffers.input("x"), buffers.output("y"))
      loop.run(x.count, isMisaligned: Int(bitPattern: input) % 16 != 0) { to, from, isTail in
        let channel = map.channel(of: from)
        let value =
          half?.value(input.loadUnaligned(fromByteOffset: 2 * from, as: UInt16.self))
          ?? input.loadUnaligned(fromByteOffset: 4 * from, as: Float.self)
        let arithmetic = isTail ? levels.tail : levels.body
        var level = arithmetic.level(
          of: value, scale: pick(scales, fault == .scaleFirst ? 0 : channel),
          zero: pick(zeros, fault == .zeroFirst ? 0 : channel), in: range
        ).level
        if let mask { level = lowBits(of: level, mask.bits, isSigned: mask.isSigned) }
        storage.store(level, output, to)
      }
    }
  }

  // MARK: dequantize

  func dequantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    let scale = try tensor("scale")
    let output = string("output_dtype").flatMap(DataType.init(name:)) ?? scale.dtype
    let half = Self.half(output)
    guard output == scale.dtype, half != nil || output == .float32 else {
      throw Refusal(reason: "\(output.name) as output")
    }
    let right = try storage(x.dtype, "x")
    guard dialect != "tflite-opt" || x.dtype.bits <= 16 else {
      throw Refusal(reason: "levels of \(x.dtype.name)")
    }
    let (scales, zeros) = (try floats("scale"), codes("zero_point"))
    let map = try channels(
      x, defaultAxis: 1, parameters: [scale] + (test.inputs["zero_point"].map { [$0] } ?? []))
    // Per channel PyTorch converts both to float before it subtracts.
    let isInFloat = dialect == "pytorch" && test.attributes["axis"] != nil
    let loop = loop(x.count)
    let storage = fault == .otherSign && place == .everywhere ? right.otherSign : right
    let narrow = fault == .signednessIgnored && x.dtype.bits < 8 ? x.dtype.bits : 0
    return { buffers in
      let (input, result) = (buffers.input("x"), buffers.output("y"))
      loop.run(x.count, isMisaligned: Int(bitPattern: input) % 16 != 0) { to, from, isTail in
        let channel = map.channel(of: from)
        var q = storage.load(input, from)
        if narrow > 0 { q &= 1 << Int64(narrow) - 1 }
        let scale = pick(scales, fault == .scaleFirst ? 0 : channel)
        let zero = pick(zeros, fault == .zeroFirst ? 0 : channel)
        let isRight = place == .tail && !isTail || place == .body && isTail
        let value = real(q, zero, scale, half, isInFloat, isRight ? nil : fault)
        if let half {
          let bits = halfBits(value, half)
          result.storeBytes(of: bits, toByteOffset: 2 * to, as: UInt16.self)
        } else {
          result.storeBytes(of: value, toByteOffset: 4 * to, as: Float.self)
        }
      }
    }
  }

  private func halfBits(_ value: Float, _ half: Half) -> UInt16 {
    switch fault {
    case .bfloatAsHalf where half == .bfloat16: Half.binary16.bits(value)
    case .bfloatHalfUp where half == .bfloat16:
      UInt16(truncatingIfNeeded: (value.bitPattern &+ 0x8000) >> 16)
    default: half.bits(value)
    }
  }

  /// `(q - z) * s` as the dialect has it, or as a fault has it.
  private func real(
    _ q: Int64, _ z: Int64, _ scale: Float, _ half: Half?, _ isInFloat: Bool, _ fault: Fault?
  ) -> Float {
    var zero = z
    var scale = scale
    switch fault {
    case .zeroDropped: zero = 0
    case .zeroSubtracted: zero = -z
    case .zeroAsByte: zero = Int64(Int8(truncatingIfNeeded: z))
    case .scaleAsHalf: scale = Half.binary16.rounded(scale)
    case .flushToZero: if scale.isSubnormal { scale = 0 }
    case .products: return Float(q) * scale + Float(-zero) * scale
    case .fused: return (Float(-zero) * scale).addingProduct(Float(q), scale)
    case .reciprocal: return Float(q - zero) / (1 / scale)
    default: break
    }
    if dialect == "tflite-opt" {
      return fault == .difference
        ? Float(q - zero) * scale : Float(q) * scale + Float(-zero) * scale
    }
    var difference = q - zero
    if fault == .differenceInByte { difference = Int64(Int8(truncatingIfNeeded: difference)) }
    let moved = isInFloat ? Float(q) - Float(zero) : Float(difference)
    let value = (half?.rounded(moved) ?? moved) * scale
    return fault == .flushToZero && value.isSubnormal ? 0 : value
  }

  // MARK: fake_quantize

  func fakeQuantize() throws(Refusal) -> Body {
    if dialect == "brevitas" { return try straightThroughQuantize() }
    let x = try tensor("x")
    let zero = try tensor("zero_point")
    guard x.dtype == .float32 else { throw Refusal(reason: "x of type \(x.dtype.name)") }
    guard integer("learnable") ?? 0 == 0 else { throw Refusal(reason: "learnable parameters") }
    guard zero.dtype == .int32 else { throw Refusal(reason: "a zero point in float") }
    guard let low = integer("qmin"), let high = integer("qmax") else {
      throw Refusal(reason: "no range")
    }
    let range = Int64(low)...Int64(high)
    let (scales, zeros) = (try floats("scale"), zero.codes)
    let map = try channels(x, defaultAxis: 0, parameters: [try tensor("scale"), zero])
    let right = levels(isPerChannel: false, output: nil)
    let wrong = planted(right)
    let levels = (body: place == .tail ? right : wrong, tail: place == .body ? right : wrong)
    let loop = loop(x.count)
    return { buffers in
      let input = buffers.input("x")
      let (y, mask) = (buffers.output("y"), buffers.output("mask"))
      loop.run(x.count, isMisaligned: Int(bitPattern: input) % 16 != 0) { to, from, isTail in
        let channel = map.channel(of: from)
        let value = input.loadUnaligned(fromByteOffset: 4 * from, as: Float.self)
        let scale = pick(scales, fault == .scaleFirst ? 0 : channel)
        let zero = pick(zeros, fault == .zeroFirst ? 0 : channel)
        var (level, unclamped) = (isTail ? levels.tail : levels.body).level(
          of: value, scale: scale, zero: zero, in: range)
        // A range one level short is counted from the level that it lacks.
        if fault == .thresholdMissing && low == -high { level = max(level - 1, range.lowerBound) }
        let offset = fault == .zeroNotTakenBack ? 0 : zero
        y.storeBytes(of: Float(level - offset) * scale, toByteOffset: 4 * to, as: Float.self)
        let passes = passes(unclamped, level, Double(low), Double(high))
        mask.storeBytes(of: passes ? 1 : 0, toByteOffset: to, as: UInt8.self)
      }
    }
  }

  /// Whether the straight-through gradient passes.
  private func passes(
    _ unclamped: Double, _ level: Int64, _ low: Double, _ high: Double
  ) -> Bool {
    switch fault {
    case .maskOpen: unclamped > low && unclamped < high
    case .maskOnClamped: !unclamped.isNaN
    case .maskOneSided: unclamped <= high
    case .nanZero where unclamped.isNaN: true
    case .unsignedMask where low == 0: !(unclamped > high) && !(-unclamped > high)
    default: unclamped >= low && unclamped <= high
    }
  }

  // MARK: dynamic_quantize

  func dynamicQuantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    let levels = planted(LevelArithmetic())
    let loop = loop(x.count)
    let lanes = shape.lanes
    return { buffers in
      let input = buffers.input("x")
      let y = buffers.output("y")
      func value(_ index: Int) -> Float {
        input.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
      }
      let (scale, zero) = dynamicParameters(x.count, lanes, value)
      loop.run(x.count, isMisaligned: Int(bitPattern: input) % 16 != 0) { to, from, _ in
        let level = levels.level(of: value(from), scale: scale, zero: zero, in: 0...255).level
        Storage.uint8.store(level, y, to)
      }
      buffers.output("y_scale").storeBytes(of: scale, as: Float.self)
      buffers.output("y_zero_point").storeBytes(of: UInt8(truncatingIfNeeded: zero), as: UInt8.self)
    }
  }

  /// The scale and zero point of a tensor's range.
  private func dynamicParameters(
    _ count: Int, _ lanes: Int, _ value: (Int) -> Float
  ) -> (scale: Float, zero: Int64) {
    var (low, high): (Float, Float) = (0, 0)
    if fault == .rangeWithoutZero { (low, high) = (value(0), value(0)) }
    let seen = fault == .maximumOfTailIgnored && count > lanes ? count / lanes * lanes : count
    for index in 0..<seen {
      let x = value(index)
      if fault != .minimumIgnored { low = x < low ? x : low }
      high = x > high ? x : high
    }
    if low == high {
      let scale: Float = fault == .emptyRangeScale ? 0 : 1 / 255
      return (scale, 0)
    }
    let isDouble = fault == .double
    let span = isDouble ? Float((Double(high) - Double(low)) / 255) : (high - low) / 255
    let scale = fault == .divisorWrong ? (high - low) / 256 : span
    let real = (0 - low) / scale
    let clamped = min(max(Double(real.isNaN ? 0 : real), 0), 255)
    let rounded: Double =
      switch fault {
      case .zeroTruncated: clamped.rounded(.towardZero)
      case .zeroAway: clamped.rounded(.toNearestOrAwayFromZero)
      default: clamped.rounded(.toNearestOrEven)
      }
    return (scale, Int64(rounded))
  }
}
