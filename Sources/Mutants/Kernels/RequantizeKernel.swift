import CaseFormat
import NumberFormats
import Verification

/// Accumulators to levels, as the kernels do it: by a float or by multiplier and shift.
struct Requantizer: Sendable {
  enum Scaling: Sendable {
    case real(LevelArithmetic, scales: [Float])
    /// Scales in binary64, where a fault computes so.
    case double(LevelArithmetic, scales: [Double])
    /// Cut to the output's type between two multiplications, where a fault does so.
    case twice(LevelArithmetic, first: [Float], last: Float)
    case fixed(FixedArithmetic, [(multiplier: Int32, shift: Int)])
  }

  var scaling: Scaling
  var range: ClosedRange<Int64>
  var isWide = false
  var fault: Fault?

  /// The level of an accumulator; nil where the kernel writes none.
  @inline(__always)
  func level(of sum: Int64, channel: Int, zero: Int64) -> Int64? {
    switch scaling {
    case .real(let levels, let scales):
      let scale = pick(scales, channel)
      if fault == .multiplierAboveOneUnwritten && scale >= 1 { return nil }
      if fault == .clampOfWrongType { return wrongTypeLevel(levels, Float(sum), scale, zero) }
      if levels.isDouble {
        return levels.finish(Double(sum) * Double(scale), Double(zero), range).level
      }
      return levels.product(Float(sum), scale, zero, range)
    case .double(let levels, let scales):
      return levels.finish(Double(Float(sum)) * pick(scales, channel), Double(zero), range).level
    case .twice(let levels, let first, let last):
      let cut = levels.product(Float(sum), pick(first, channel), 0, -128...127)
      return levels.product(Float(cut), last, zero, range)
    case .fixed(let fixed, let multipliers):
      let (multiplier, shift) = pick(multipliers, channel)
      if fault == .multiplierAboveOneUnwritten && shift > 0 { return nil }
      let scaled =
        isWide
        ? fixed.wideScaled(sum, multiplier, shift)
        : fixed.scaled(Int32(truncatingIfNeeded: sum), multiplier, shift)
      return moved(scaled, zero)
    }
  }

  /// Adds the zero point to a scaled accumulator and clamps, or does what a fault does.
  private func moved(_ scaled: Int64, _ zero: Int64) -> Int64 {
    var (low, high) = (range.lowerBound, range.upperBound)
    var level = scaled
    switch fault {
    case .zeroDropped: break
    case .zeroSubtracted: level -= zero
    case .zeroAsByte: level += Int64(Int8(truncatingIfNeeded: zero))
    case .clampBeforeZero: return min(max(level, low), high) + zero
    default: level += zero
    }
    switch fault {
    case .clampLowDropped: low = .min
    case .clampHighDropped: high = .max
    case .clampNarrow: low += 1
    default: break
    }
    return min(max(level, low), high)
  }

  /// Clamps by limits that were written as floats and are read as halves.
  private func wrongTypeLevel(
    _ levels: LevelArithmetic, _ sum: Float, _ scale: Float, _ zero: Int64
  ) -> Int64 {
    func misread(_ limit: Int64) -> Double {
      let bits = UInt16(truncatingIfNeeded: Float(limit - zero).bitPattern)
      return Double(Half.binary16.value(bits))
    }
    let value = Double(sum * scale)
    let (low, high) = (misread(range.lowerBound), misread(range.upperBound))
    return Int64(levels.rounding(min(max(value, low), high))) + zero
  }
}

extension LevelArithmetic {
  /// The level of an accumulator times a multiplier, both in binary32.
  @inline(__always)
  func product(_ sum: Float, _ scale: Float, _ zero: Int64, _ range: ClosedRange<Int64>) -> Int64 {
    let offset: Double =
      switch self.zero {
      case .right: Double(zero)
      case .dropped: 0
      case .subtracted: -Double(zero)
      case .asByte: Double(Int8(truncatingIfNeeded: zero))
      }
    if isZeroInside {
      let value = isFused ? Float(offset).addingProduct(sum, scale) : sum * scale + Float(offset)
      return finish(Double(value), offset, range).level
    }
    let value = sum * scale
    return finish(flushes && value.isSubnormal ? 0 : Double(value), offset, range).level
  }
}

extension CaseReader {
  /// The form in which a dialect brings a fixed-point product down; nil where it works in floats.
  private var fixedForm: FixedArithmetic.Form? {
    switch dialect {
    case "tflite", "tflite-opt": .double
    case "tflite-single": .single
    default: nil
    }
  }

  /// A requantizer for scales, with the fault planted.
  func requantizer(
    scales: [Double], range: ClosedRange<Int64>, isWide: Bool
  ) throws(Refusal) -> Requantizer {
    guard let form = fixedForm else {
      var levels = LevelArithmetic()
      if let fault { _ = levels.plant(fault) }
      if fault == .scaleInDouble {
        return Requantizer(
          scaling: .double(levels, scales: scales), range: range, fault: fault)
      }
      return Requantizer(
        scaling: .real(levels, scales: scales.map { Float($0) }), range: range, fault: fault)
    }
    var multipliers: [(multiplier: Int32, shift: Int)] = []
    for scale in scales {
      var pair = FixedArithmetic.multiplier(
        of: scale, isTruncated: fault == .multiplierTruncated,
        forgetsStep: fault == .multiplierStep)
      if pair.shift > 30 {
        guard form == .single else { throw Refusal(reason: "a multiplier of 2^30 or more") }
        pair = (.max, 30)
      }
      if isWide && pair.shift > 7 { throw Refusal(reason: "a wide multiplier of 2^7 or more") }
      multipliers.append(pair)
    }
    return try requantizer(multipliers, range: range, isWide: isWide)
  }

  private func requantizer(
    _ multipliers: [(multiplier: Int32, shift: Int)], range: ClosedRange<Int64>, isWide: Bool
  ) throws(Refusal) -> Requantizer {
    guard let form = fixedForm else { throw Refusal(reason: "multiplier and shift") }
    var fixed = FixedArithmetic(form)
    if dialect == "tflite-opt" { fixed.rounding = .halfUp }
    if let fault { _ = fixed.plant(fault) }
    return Requantizer(
      scaling: .fixed(fixed, multipliers), range: range, isWide: isWide, fault: fault)
  }

  func requantize() throws(Refusal) -> Body {
    let acc = try tensor("acc")
    let zero = try tensor("zero_point")
    let (input, output) = (try storage(acc.dtype, "acc"), try storage(zero.dtype, "y"))
    let isWide = acc.dtype.bits > 32
    guard !isWide || fixedForm != nil else { throw Refusal(reason: "acc of 64 bits") }
    let range = try range(zero.dtype)
    let parameters = ["scale", "multiplier", "shift"].compactMap { test.inputs[$0] }
    let map = try channels(acc, defaultAxis: -1, parameters: parameters + [zero])
    let wrong: Requantizer
    let right: Requantizer
    let clean = CaseReader(
      test: test, dialect: dialect, shape: shape, fault: nil, place: .everywhere)
    if test.inputs["scale"] != nil {
      let scales = fixedForm == nil ? try floats("scale").map(Double.init) : try doubles("scale")
      wrong = try requantizer(scales: scales, range: range, isWide: isWide)
      right = try clean.requantizer(scales: scales, range: range, isWide: isWide)
    } else {
      let (m, shift) = (codes("multiplier"), codes("shift"))
      let pairs = (0..<max(m.count, shift.count)).map {
        (Int32(truncatingIfNeeded: pick(m, $0)), Int(pick(shift, $0)))
      }
      wrong = try requantizer(pairs, range: range, isWide: isWide)
      right = try clean.requantizer(pairs, range: range, isWide: isWide)
    }
    let zeros = zero.codes
    var offset = codes("acc_zero_point")[0]
    if fault == .accumulatorZeroDropped { offset = 0 }
    if fault == .accumulatorZeroAdded { offset = 0 &- offset }
    let loop = VectorLoop(lanes: shape.lanes, fault: fault)
    return { buffers in
      let (source, y) = (buffers.input("acc"), buffers.output("y"))
      loop.run(acc.count, isMisaligned: Int(bitPattern: source) % 16 != 0) { to, from, isTail in
        let channel = map.channel(of: from)
        let isRight = place == .tail && !isTail || place == .body && isTail
        let level = (isRight ? right : wrong).level(
          of: input.load(source, from) &- offset, channel: fault == .scaleFirst ? 0 : channel,
          zero: pick(zeros, fault == .zeroFirst ? 0 : channel))
        if let level { output.store(level, y, to) }
      }
    }
  }
}
