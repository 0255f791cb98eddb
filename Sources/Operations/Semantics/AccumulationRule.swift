import CaseFormat
import ExactArithmetic
import NumberFormats

/// How sums of products are accumulated: width, overflow, pairs, padding [accumulate §7, §13 to §16].
struct AccumulationRule: DialectRule {
  /// What happens when a sum leaves the accumulator.
  enum Overflow: String, CaseIterable, Sendable {
    case wrap
    /// The exact sum is cut once, at the end.
    case saturate
    /// Every addition saturates, in the order of the weights, the bias first.
    case saturateEach = "saturate_each"
    case error
    case unspecified
  }
  /// How two neighbouring products are added.
  enum Pairs: String, CaseIterable, Sendable {
    case exact
    /// Two products of an unsigned and a signed byte, added with int16 saturation (vpmaddubsw).
    case saturatingInt16 = "saturating_int16"
  }
  /// What stands in the padding.
  enum Padding: String, CaseIterable, Sendable {
    /// The input zero point: a real zero.
    case zeroPoint = "zero_point"
    /// The level 0, whatever the zero point: a fault that kernels have.
    case zeroLevel = "zero_level"
  }

  /// The width of the accumulator; 0 where it is that of the output.
  var bits: Int
  var overflow: Overflow
  var pairs: Pairs
  var padding: Padding
  var inputTypes: [DataType]?
  var weightTypes: [DataType]?
  var outputTypes: [DataType]?

  init(_ reader: inout RuleReader) throws(DialectError) {
    bits =
      try reader.string("bits") == "output" ? 0 : reader.integer("bits", in: 8...64, default: 32)
    overflow = try reader.choice("overflow", default: .unspecified)
    pairs = try reader.choice("pairs", default: .exact)
    padding = try reader.choice("padding", default: .zeroPoint)
    inputTypes = try reader.types("input_types")
    weightTypes = try reader.types("weight_types")
    outputTypes = try reader.types("output_types")
  }

  /// The accumulator as a number format.
  func format(output: DataType) -> IntegerFormat {
    if bits == 0, case .integer(let format) = output { return format }
    return IntegerFormat(bits: bits == 0 ? 64 : bits, signed: true)
  }

  /// Whether the sum of all products is all that counts, so that its order does not matter.
  var isOrderFree: Bool { overflow != .saturateEach && pairs == .exact }

  /// What an exact sum becomes in the accumulator; nil where that is unspecified.
  func settle(_ sum: Integer, in format: IntegerFormat) throws(CaseError) -> Integer? {
    if format.contains(sum) { return sum }
    switch overflow {
    case .wrap: return format.wrapped(sum)
    case .saturate, .saturateEach: return format.saturated(sum)
    case .unspecified: return nil
    case .error: throw .precondition("the sum \(sum) does not fit \(format.name)")
    }
  }
}

/// Outputs that are sums of products: which elements meet, with which zero points and bias.
protocol IntegerReduction {
  /// The shape of the result.
  var outputShape: [Int] { get }
  /// Calls back for each product of an output, in the order of the weights; no input in the padding.
  func forEachTerm(of output: Int, _ body: (_ input: Int?, _ weight: Int) -> Void)
  /// The zero point of the inputs that meet in an output.
  func inputZero(of output: Int) -> Int64
  /// The zero point of the weights that meet in an output.
  func weightZero(of output: Int) -> Int64
  /// What is added to an output.
  func bias(of output: Int) -> Int64
  /// How many products an output sums.
  var depth: Int { get }
  var input: Tensor { get }
  var weight: Tensor { get }
  var biasTensor: Tensor? { get }
}

extension AccumulationRule {
  /// The exact accumulator of an output; nil where the dialect leaves it open.
  ///
  /// `bias + sum (x - x_zero_point) * (w - w_zero_point)` over GMP integers [accumulate §1].
  func accumulator(
    of output: Int, _ reduction: some IntegerReduction, in format: IntegerFormat,
    _ trace: inout Trace
  ) throws(CaseError) -> Integer? {
    let xZero = Integer(reduction.inputZero(of: output))
    let wZero = Integer(reduction.weightZero(of: output))
    let (x, w) = (reduction.input.codes, reduction.weight.codes)
    if pairs == .saturatingInt16 { return try pairSum(output, reduction, in: format, &trace) }
    var sum = Integer(reduction.bias(of: output))
    reduction.forEachTerm(of: output) { input, weight in
      let real: Integer
      if let input {
        real = Integer(x[input]) - xZero
      } else {
        real = padding == .zeroPoint ? 0 : -xZero
      }
      sum = sum + real * (Integer(w[weight]) - wZero)
      if overflow == .saturateEach { sum = format.saturated(sum) }
    }
    let settled = try settle(sum, in: format)
    if trace.isNumeric { return note(sum, settled, output, reduction, in: format, &trace) }
    if trace.isOn && reduction.depth <= 6 {
      var terms: [String] = []
      reduction.forEachTerm(of: output) { input, weight in
        let level = input.map { "\(x[$0])" } ?? "padding"
        terms.append("(\(level) - \(xZero)) * (\(w[weight]) - \(wZero))")
      }
      let bias = reduction.bias(of: output)
      trace.note(
        "terms", terms.joined(separator: " + "), "bias \(bias)", "accumulate §3")
    }
    trace.note(
      "accumulation", settled?.description ?? "unspecified",
      settled == sum
        ? "\(reduction.depth) product\(reduction.depth == 1 ? "" : "s") and the bias, "
          + (overflow == .saturateEach ? "each sum saturated" : "exact")
        : "\(sum) does not fit \(format.name): \(overflow.rawValue)", "accumulate §13")
    return settled
  }

  /// The sum as a kernel has it that adds pairs of raw products with int16 saturation.
  ///
  /// The input byte is taken unsigned (signed bytes with 128 added), the weight signed; pairs are
  /// neighbours in the order of the weights; zero points are corrected afterwards [accumulate §16].
  private func pairSum(
    _ output: Int, _ reduction: some IntegerReduction, in format: IntegerFormat,
    _ trace: inout Trace
  ) throws(CaseError) -> Integer? {
    guard reduction.input.dtype.bits <= 8, reduction.weight.dtype.bits <= 8 else {
      throw .unsupported("pairs with int16 saturation are of bytes")
    }
    let (x, w) = (reduction.input.codes, reduction.weight.codes)
    let (xZero, wZero) = (reduction.inputZero(of: output), reduction.weightZero(of: output))
    let shift: Int64 = reduction.input.dtype.isSigned ? 128 : 0
    let weightShift: Int64 = reduction.weight.dtype.isSigned ? 0 : 128
    var products: [Int64] = []
    var correction = Integer(0)
    reduction.forEachTerm(of: output) { input, weight in
      let level = input.map { x[$0] } ?? (padding == .zeroPoint ? xZero : 0)
      let (raw, signed) = (level + shift, w[weight] - weightShift)
      products.append(raw * signed)
      let exact = (Integer(level) - Integer(xZero)) * (Integer(w[weight]) - Integer(wZero))
      correction = correction + exact - Integer(raw * signed)
    }
    var sum = Integer(reduction.bias(of: output)) + correction
    for start in stride(from: 0, to: products.count, by: 2) {
      let pair = products[start] + (start + 1 < products.count ? products[start + 1] : 0)
      sum = sum + Integer(min(max(pair, -32768), 32767))
    }
    let settled = try settle(sum, in: format)
    if trace.isNumeric { return note(sum, settled, output, reduction, in: format, &trace) }
    trace.note(
      "accumulation", settled?.description ?? "unspecified",
      "\(reduction.depth) products in pairs with int16 saturation, and the bias", "accumulate §16")
    return settled
  }

  /// Notes a sum with its terms, and what the accumulator makes of it.
  private func note(
    _ sum: Integer, _ settled: Integer?, _ output: Int, _ reduction: some IntegerReduction,
    in format: IntegerFormat, _ trace: inout Trace
  ) -> Integer? {
    var inputs: [Int64?] = []
    var weights: [Int64] = []
    reduction.forEachTerm(of: output) { input, weight in
      inputs.append(input.map { reduction.input.codes[$0] })
      weights.append(reduction.weight.codes[weight])
    }
    let terms = ProductSum(
      inputs: inputs, weights: weights, inputZero: reduction.inputZero(of: output),
      weightZero: reduction.weightZero(of: output), bias: reduction.bias(of: output),
      inputType: reduction.input.dtype, weightType: reduction.weight.dtype)
    trace.noteStep("accumulation", from: nil, to: Number(sum), by: .sum(terms))
    if let settled {
      let range = Rational(format.minimum)...Rational(format.maximum)
      trace.noteStep(
        "accumulation", from: Number(sum), to: Number(settled),
        by: overflow == .wrap ? .wrap(format) : .clamp(range))
    }
    return settled
  }

  /// The accumulators of all outputs in 64-bit arithmetic, or nil where a sum might not fit.
  ///
  /// Exact because `depth * max|x - z| * max|w - z| + max|bias| < 2^63` is checked first, and because
  /// an order-free rule only depends on the exact sum.
  func fastSums(
    _ reduction: some IntegerReduction, _ sums: (inout [Int64]) -> Void
  ) -> [Int64]? {
    guard isOrderFree, padding == .zeroPoint,
      reduction.input.dtype.bits <= 16, reduction.weight.dtype.bits <= 16,
      reduction.depth < 1 << 24,
      (reduction.biasTensor?.codes ?? []).allSatisfy({ $0.magnitude < 1 << 62 })
    else { return nil }
    var result = Array(repeating: Int64(0), count: Tensor.count(of: reduction.outputShape) ?? 0)
    sums(&result)
    return result
  }
}

/// The bins of operations that accumulate products.
enum AccumulationBin: Int, CaseIterable {
  case pairBeyondInt16, beyondInt16, beyondInt32, inputLowest, inputHighest, weightLowest
  case weightHighest, inputZeroPoint, weightZeroPoint, bothZeroPoints, zeroPointPerChannel, bias
  case padTop, padLeft, padBottom, padRight, padWithZeroPoint, asymmetricPads, stride, dilation
  case grouped, depthwise, channelMultiplier, channelsFirst, channelsLast, batch, autoPad, empty
  case oneTerm, oneHot, broadcastBatch
  case tieDown, tieUp, saturatedLow, saturatedHigh, perChannelScale

  var name: String {
    switch self {
    case .pairBeyondInt16: "pair sum beyond int16"
    case .beyondInt16: "accumulator beyond int16"
    case .beyondInt32: "accumulator beyond int32"
    case .inputLowest: "input lowest"
    case .inputHighest: "input highest"
    case .weightLowest: "weight lowest"
    case .weightHighest: "weight highest"
    case .inputZeroPoint: "input zero point"
    case .weightZeroPoint: "weight zero point"
    case .bothZeroPoints: "both zero points"
    case .zeroPointPerChannel: "zero point per channel"
    case .bias: "bias"
    case .padTop: "pad top"
    case .padLeft: "pad left"
    case .padBottom: "pad bottom"
    case .padRight: "pad right"
    case .padWithZeroPoint: "padding, zero point not 0"
    case .asymmetricPads: "asymmetric pads"
    case .stride: "stride"
    case .dilation: "dilation"
    case .grouped: "groups"
    case .depthwise: "depthwise"
    case .channelMultiplier: "channel multiplier"
    case .channelsFirst: "NCHW"
    case .channelsLast: "NHWC"
    case .batch: "batch"
    case .autoPad: "auto_pad"
    case .empty: "empty output"
    case .oneTerm: "one product"
    case .oneHot: "one-hot input"
    case .broadcastBatch: "broadcast batch"
    case .tieDown: "tie down"
    case .tieUp: "tie up"
    case .saturatedLow: "saturated low"
    case .saturatedHigh: "saturated high"
    case .perChannelScale: "scale per channel"
    }
  }

  static func bins(_ required: [AccumulationBin], optional: [AccumulationBin]) -> [CoverageBin] {
    required.map { CoverageBin($0.rawValue, $0.name, required: true) }
      + optional.map { CoverageBin($0.rawValue, $0.name, required: false) }
  }
}

extension Coverage {
  mutating func add(_ bin: AccumulationBin, if condition: Bool = true) {
    insert(bin.rawValue, if: condition)
  }

  /// Notes what the operands of a reduction are.
  mutating func insert(operandsOf reduction: some IntegerReduction, zeroPointCount: Int) {
    let (x, w) = (reduction.input, reduction.weight)
    if let range = x.dtype.integerRange, let low = range.lowerBound.int64,
      let high = range.upperBound.int64
    {
      add(.inputLowest, if: x.codes.contains(low))
      add(.inputHighest, if: x.codes.contains(high))
    }
    if let range = w.dtype.integerRange, let low = range.lowerBound.int64,
      let high = range.upperBound.int64
    {
      add(.weightLowest, if: w.codes.contains(low))
      add(.weightHighest, if: w.codes.contains(high))
    }
    let count = Tensor.count(of: reduction.outputShape) ?? 0
    add(.empty, if: count == 0)
    add(.oneTerm, if: reduction.depth == 1)
    add(.bias, if: reduction.biasTensor?.codes.contains { $0 != 0 } ?? false)
    add(.zeroPointPerChannel, if: zeroPointCount > 1)
    insert(length: reduction.depth)
    guard count > 0 else { return }
    let xZero = reduction.inputZero(of: 0)
    let wZero = reduction.weightZero(of: 0)
    add(.inputZeroPoint, if: xZero != 0)
    add(.weightZeroPoint, if: wZero != 0)
    add(.bothZeroPoints, if: xZero != 0 && wZero != 0)
    add(.oneHot, if: x.count > 1 && x.codes.count { $0 != xZero } == 1)
    guard x.dtype.bits <= 16, w.dtype.bits <= 16 else { return }
    // One output is enough to see whether neighbouring raw products leave int16.
    var previous: Int64?
    var pairs = false
    reduction.forEachTerm(of: 0) { input, weight in
      let raw = (input.map { x.codes[$0] } ?? xZero) + (x.dtype.isSigned ? 128 : 0)
      let product = raw * (w.codes[weight] - (w.dtype.isSigned ? 0 : 128))
      if let first = previous {
        pairs = pairs || first + product > 32767 || first + product < -32768
        previous = nil
      } else {
        previous = product
      }
    }
    add(.pairBeyondInt16, if: pairs)
  }

  /// Notes how large an accumulator is.
  mutating func insert(accumulator: Int64) {
    add(.beyondInt16, if: accumulator > 32767 || accumulator < -32768)
    add(.beyondInt32, if: accumulator > Int64(Int32.max) || accumulator < Int64(Int32.min))
  }
}
