/// A planted bug: a kernel with one fault, and what is known of it.
public struct Mutant: Sendable {
  /// Where it comes from.
  public enum Origin: Hashable, Sendable {
    /// A bug that a kernel, a process or a parser really had.
    case historic(bug: String)
    /// A mutator, applied wherever it fits.
    case generic
  }

  /// A stable name such as `conv2d/onnx/avx2/tail-skipped` or `B01/matmul/onnx/avx2`.
  public var id: String
  public var origin: Origin
  /// The mutator that it belongs to.
  public var mutator: Mutator
  public var kernel: ModelKernel

  /// The bug that it repeats, where there was one.
  public var bug: String? {
    if case .historic(let bug) = origin { return bug }
    return nil
  }

  /// The fault of its kernel.
  public var fault: Fault? { kernel.fault }

  init(_ kernel: ModelKernel, mutator: Mutator) {
    self.kernel = kernel
    self.mutator = mutator
    origin = .generic
    let place = kernel.place == .everywhere ? "" : "-" + kernel.place.rawValue
    id =
      "\(kernel.operation)/\(kernel.dialect)/\(kernel.shape.name)/"
      + "\(kernel.fault?.rawValue ?? "right")\(place)"
  }

  init(bug: String, _ kernel: ModelKernel) {
    self.kernel = kernel
    mutator = kernel.fault.map(Mutator.init) ?? .parsing
    origin = .historic(bug: bug)
    let fault = kernel.fault?.rawValue ?? "right"
    id = "\(bug)/\(kernel.operation)/\(kernel.dialect)/\(kernel.shape.name)/\(fault)"
  }
}

/// Every mutant there is.
public enum Catalogue {
  /// The bugs that happened, then the generic ones.
  public static let all: [Mutant] = HistoricBug.all.flatMap(\.mutants) + GenericMutants.all
}

/// A way of breaking a kernel; the class of a mutant.
public enum Mutator: String, CaseIterable, Sendable {
  case accumulatorOverflow = "saturating and wrapping accumulators"
  case widening = "dropped widening"
  case rounding = "wrong rounding or tie"
  case roundings = "merged or split rounding"
  case shift = "wrong shift"
  case signedness = "wrong signedness"
  case zeroPoint = "zero-point term dropped"
  case padding = "padding value"
  case axis = "axis or index swapped"
  case tail = "tail skipped, replayed, overrun"
  case pads = "wrong pads"
  case clamp = "clamp dropped or misplaced"
  case zeroOrder = "zero point on the wrong side"
  case reciprocal = "reciprocal and division"
  case fused = "fused multiply-add"
  case flush = "flush to zero"
  case precision = "wrong precision"
  case special = "NaN and infinity"
  case mask = "gradient mask"
  case lanes = "lanes swapped"
  case stale = "stale pointer or memory"
  case parameter = "parameter of another channel or type"
  case geometry = "wrong stride, dilation, group, kernel"
  case bias = "bias dropped, doubled, misaligned"
  case range = "range of the data"
  case parsing = "misread attribute"

  /// The mutator that a fault belongs to.
  init(_ fault: Fault) {
    self = Self.byFault[fault] ?? .parsing
  }

  private static let byFault: [Fault: Mutator] = {
    var result: [Fault: Mutator] = [:]
    for (mutator, faults) in members {
      for fault in faults { result[fault] = mutator }
    }
    return result
  }()

  private static let members: [(Mutator, [Fault])] = [
    (
      .accumulatorOverflow,
      [
        .pairsSaturate, .pairsWrap, .accumulator16Saturates, .accumulator32Saturates,
        .saturatedBeforeScale, .weightsHalved, .lanesPackedNarrow, .minimumGuardDropped,
      ]
    ),
    (
      .widening,
      [
        .accumulator16Wraps, .productIn32Bits, .rowSumIn16Bits, .differenceInByte,
        .accumulatorInInt32, .accumulatorOfInput, .accumulatorBoundWrong, .offsetInByte,
        .zeroAsByte, .narrowByMask, .multiplierIn16Bits,
      ]
    ),
    (
      .rounding,
      [
        .halfEven, .halfAway, .halfUp, .halfDown, .halfToZero, .truncation, .floor, .ceiling,
        .nudgeDropped, .nudgeUnsigned, .highFloor, .multiplierTruncated, .roundingConstantAtZero,
        .roundingConstantAt31, .halfTruncates, .bfloatHalfUp, .zeroTruncated, .zeroAway,
        .thresholdMissing,
      ]
    ),
    (.roundings, [.merged, .split]),
    (
      .shift,
      [
        .shiftPlusOne, .shiftMinusOne, .shiftIgnored, .shift31, .leftShiftIgnored,
        .leftShiftReversed, .logicalShift, .multiplierStep,
      ]
    ),
    (.signedness, [.inputSign, .weightSign, .otherSign, .signTrick, .signBit]),
    (
      .zeroPoint,
      [
        .zeroDropped, .zeroSubtracted, .zeroNotTakenBack, .accumulatorZeroDropped,
        .accumulatorZeroAdded, .inputZeroDropped, .weightZeroDropped, .crossDropped, .crossPadded,
        .compensationDropped, .singleRowZero, .secondColumnWithoutOffset,
      ]
    ),
    (.padding, [.paddingZero, .paddingInSumIgnored]),
    (
      .axis,
      [
        .channelAxis, .axisIgnored, .layoutSwapped, .weightsTransposed, .batchFirst, .batchOutput,
        .batchWeights, .channelOfWrongDimension,
      ]
    ),
    (
      .tail,
      [
        .tailSkipped, .tailShort, .tailReplayed, .tailOverrun, .lastVectorSkipped,
        .depthTailSkipped, .depthTailReplayed, .lastStepSkipped, .rowTailSkipped, .rowTailReplayed,
        .lastTapSkipped, .maximumOfTailIgnored, .multiplierAboveOneUnwritten,
      ]
    ),
    (
      .pads,
      [.padsOfLead, .padsSwapped, .padsIgnored, .automaticPadSwapped, .automaticPadUndilated]
    ),
    (
      .clamp,
      [
        .clampLowDropped, .clampHighDropped, .clampBeforeZero, .clampNarrow, .rangeIgnored,
        .rangeInFloat,
      ]
    ),
    (.zeroOrder, [.zeroInside, .zeroOutside]),
    (.reciprocal, [.reciprocal, .division]),
    (.fused, [.fused, .unfused, .products, .difference]),
    (.flush, [.flushToZero]),
    (
      .precision,
      [
        .double, .scaleAsHalf, .multiplierInFloat, .scaleInFloat, .scaleInDouble,
        .accumulatorInFloat, .bfloatAsHalf,
      ]
    ),
    (.special, [.castBeforeClamp, .nanLowest, .nanHighest, .nanZero, .emptyRangeScale]),
    (.mask, [.maskOpen, .maskOnClamped, .maskOnReal, .maskOneSided, .unsignedMask]),
    (.lanes, [.lanesSwapped, .halvesSwapped, .headMisaligned]),
    (
      .stale,
      [
        .unrollStale, .depthTailUninitialized, .accumulatorStale, .rowsStale, .accumulatorKept,
      ]
    ),
    (
      .parameter,
      [
        .channelFirst, .channelNext, .channelPerVector, .zeroFirst, .scaleFirst, .scaleNext,
        .scalePerVector, .weightZeroFirst, .weightZeroNext, .rowZeroFirst, .rowZeroNext,
        .clampOfWrongType, .scalarScaleIndexed, .scaleWithinGroup,
      ]
    ),
    (
      .geometry,
      [
        .stridesSwapped, .strideIgnored, .dilationsSwapped, .dilationIgnored, .kernelFlipped,
        .kernelTransposed, .boundInclusive, .groupFirst, .groupOfChannelModulo, .foldedStride,
        .groupsRoundedUp,
      ]
    ),
    (.bias, [.biasDropped, .biasTwice, .biasFirst, .biasNext]),
    (.range, [.rangeWithoutZero, .divisorWrong, .minimumIgnored]),
    (
      .parsing,
      [.fieldsSwapped, .signednessIgnored, .widthPlusOne, .integerBitsWithoutSign, .modeIgnored]
    ),
  ]
}
