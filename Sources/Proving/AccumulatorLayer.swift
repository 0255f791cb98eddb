public import CaseFormat
import ExactArithmetic
public import NumberFormats

/// Why nothing can be said about an accumulator.
public struct AccumulatorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is at fault.
  public enum Kind: Sendable {
    /// What was asked for: options that contradict each other or the types.
    case usage
    /// A file: no tensor, or one that cannot be the weights or the bias of a layer.
    case malformed
    /// A file that is not there.
    case missing
    /// qverify itself: the reference contradicts a bound.
    case fault
  }

  public var kind: Kind
  public var description: String

  /// Makes an error of a kind.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// An error because of what was asked for.
  static func usage(_ text: String) -> AccumulatorError { .init(.usage, text) }
  /// An error because of what a file holds.
  static func malformed(_ text: String) -> AccumulatorError { .init(.malformed, text) }
}

/// What the weights of a layer are multiplied with: levels from a range, less a zero point.
public struct AccumulatorInput: Hashable, Sendable {
  public let dtype: DataType
  /// The least and the greatest level that an input takes.
  public let levels: ClosedRange<Int64>
  public let zeroPoint: Int64

  /// The inputs of a type, of all its levels or of those from `minimum` to `maximum`.
  ///
  /// - Parameters:
  ///   - dtype: an integer type of at most 32 bits.
  ///   - minimum: by default the least level of the type.
  ///   - maximum: by default the greatest.
  ///   - zeroPoint: a level of the type, or 0.
  /// - Throws: `usage` where these do not fit each other.
  public init(
    _ dtype: DataType, minimum: Int64? = nil, maximum: Int64? = nil, zeroPoint: Int64 = 0
  ) throws(AccumulatorError) {
    guard let type = AccumulatorLayer.levels(of: dtype) else {
      throw .usage("inputs are of an integer type of at most 32 bits, not \(dtype.name)")
    }
    let (low, high) = (minimum ?? type.lowerBound, maximum ?? type.upperBound)
    for level in [low, high] where !dtype.isValid(code: level) {
      throw .usage("the input level \(level) is none of \(dtype.name)")
    }
    guard low <= high else { throw .usage("the inputs from \(low) to \(high) are none") }
    guard zeroPoint == 0 || dtype.isValid(code: zeroPoint) else {
      throw .usage("the input zero point \(zeroPoint) is no level of \(dtype.name)")
    }
    self.dtype = dtype
    levels = low...high
    self.zeroPoint = zeroPoint
  }

  /// The inputs as the sum sees them, zero point taken off.
  var values: ClosedRange<Int64> {
    levels.lowerBound - zeroPoint...levels.upperBound - zeroPoint
  }
}

/// The weights of a layer, one sum of products for each output channel, and what they meet.
///
/// An output is `bias + sum (x - input zero point) * (w - weight zero point)` [accumulate §1, §4],
/// over all weights of its channel. How the layer is strided, dilated, grouped or padded does not
/// change which sums there are: within a window every input is another one, and a padded input is a
/// real zero, which the range of the inputs must have.
public struct AccumulatorLayer: Sendable {
  /// The operations that have such sums.
  public enum Operation: String, CaseIterable, Sendable {
    case conv2d
    case depthwiseConv2D = "depthwise_conv2d"
    case matmul
  }

  /// Where the channels of a convolution stand [accumulate §11].
  public enum Layout: String, CaseIterable, Sendable {
    case channelsFirst = "NCHW"
    case channelsLast = "NHWC"
  }

  /// What reports call it.
  public let name: String
  public let operation: Operation
  public let layout: Layout
  public let weights: Tensor
  /// The dimension of the weights along which the output channels lie.
  public let channelAxis: Int
  /// None, one, or one for each channel.
  public let weightZeroPoints: [Int64]
  /// None, one, or one for each channel.
  public let biases: [Int64]
  public let input: AccumulatorInput

  /// How many output channels there are.
  public var channelCount: Int { weights.shape[channelAxis] }
  /// How many products one output sums.
  public var depth: Int { weights.count / channelCount }

  /// A layer of weights; the channels of a `matmul` lie along any axis, by default the first.
  ///
  /// - Shapes: `conv2d` and `depthwise_conv2d` as the case format has them in that layout; `matmul`
  ///   any shape of at least one dimension, all but the channel axis being summed.
  /// - Throws: `malformed` for weights that are no integers of at most 32 bits or have no channels or
  ///   no products, for zero points and biases of another number; `usage` where an axis or a zero
  ///   point does not fit.
  public init(
    name: String, operation: Operation, layout: Layout = .channelsFirst, weights: Tensor,
    channelAxis: Int? = nil, weightZeroPoints: [Int64] = [], biases: [Int64] = [],
    input: AccumulatorInput
  ) throws(AccumulatorError) {
    guard Self.levels(of: weights.dtype) != nil else {
      throw .malformed(
        "\(name): weights are integers of at most 32 bits, not \(weights.dtype.name)"
          + (weights.dtype.bits > 32 ? "; --weight-dtype names their type" : ""))
    }
    self.name = name
    self.operation = operation
    self.layout = layout
    self.weights = weights
    self.weightZeroPoints = weightZeroPoints
    self.biases = biases
    self.input = input
    self.channelAxis = try Self.axis(name, operation, layout, weights.shape, channelAxis)
    let channels = weights.shape[self.channelAxis]
    guard channels > 0 else {
      throw .malformed("\(name): weights \(weights.shape) have no channel")
    }
    guard weights.count > 0 else {
      throw .malformed("\(name): the channels of weights \(weights.shape) are empty")
    }
    guard weights.count / channels < Self.maximumDepth else {
      throw .malformed("\(name): a channel of \(weights.count / channels) weights is too long")
    }
    for (values, what) in [(weightZeroPoints, "weight zero points"), (biases, "biases")]
    where values.count > 1 && values.count != channels {
      throw .malformed("\(name): \(values.count) \(what) for \(channels) channels")
    }
    for zero in weightZeroPoints where zero != 0 && !weights.dtype.isValid(code: zero) {
      throw .usage("\(name): the weight zero point \(zero) is no level of \(weights.dtype.name)")
    }
    guard operation == .matmul || input.values.contains(0) else {
      throw .usage(
        "\(name): the input zero point \(input.zeroPoint) is not in the input range "
          + "\(input.levels.lowerBound) to \(input.levels.upperBound), but padding stands for it; "
          + "widen the range, or say --op matmul where nothing is padded")
    }
  }

  /// Longer channels are refused, so that sums of weights fit 64 bits.
  static let maximumDepth = 1 << 30

  /// The levels of an integer type of at most 32 bits; nil for any other type.
  static func levels(of dtype: DataType) -> ClosedRange<Int64>? {
    guard case .integer(let format) = dtype, format.bits <= 32,
      let low = format.minimum.int64, let high = format.maximum.int64
    else { return nil }
    return low...high
  }

  /// The axis of the output channels.
  private static func axis(
    _ name: String, _ operation: Operation, _ layout: Layout, _ shape: [Int], _ given: Int?
  ) throws(AccumulatorError) -> Int {
    let own: Int
    switch operation {
    case .matmul:
      guard !shape.isEmpty else { throw .malformed("\(name): weights without a dimension") }
      own = given.map { $0 < 0 ? $0 + shape.count : $0 } ?? 0
      guard shape.indices.contains(own) else {
        throw .usage("\(name): weights \(shape) have no axis \(given ?? 0)")
      }
      return own
    case .conv2d, .depthwiseConv2D:
      guard shape.count == 4 else {
        throw .malformed(
          "\(name): weights of \(operation.rawValue) have 4 dimensions, not \(shape)")
      }
      own = operation == .depthwiseConv2D && layout == .channelsLast ? 3 : 0
      // The input channels of a depthwise convolution: each by itself.
      guard operation == .conv2d || shape[own == 3 ? 0 : 1] == 1 else {
        throw .malformed(
          "\(name): \(shape) are no weights of depthwise_conv2d in \(layout.rawValue)")
      }
    }
    guard given == nil || given == own || given == own - 4 else {
      throw .usage(
        "\(name): \(operation.rawValue) in \(layout.rawValue) has its output channels on axis \(own);"
          + " for another axis say --op matmul")
    }
    return own
  }

  /// What is taken off the weights of a channel.
  func weightZeroPoint(of channel: Int) -> Int64 {
    weightZeroPoints.count > 1 ? weightZeroPoints[channel] : weightZeroPoints.first ?? 0
  }

  /// What is added to the products of a channel.
  func bias(of channel: Int) -> Int64 { biases.count > 1 ? biases[channel] : biases.first ?? 0 }

  /// How many weights lie behind one another in memory that belong to one channel.
  var run: Int { weights.shape[(channelAxis + 1)...].reduce(1, *) }

  /// The weights of a channel, in the order of memory.
  func weights(of channel: Int) -> [Int64] {
    let (run, channels) = (run, channelCount)
    return stride(from: channel * run, to: weights.count, by: channels * run)
      .flatMap { weights.codes[$0..<$0 + run] }
  }
}
