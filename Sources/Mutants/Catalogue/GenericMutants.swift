/// The generic mutators, applied to every operation, dialect and tier shape that they fit.
public enum GenericMutants {
  /// Every generic mutant, those that are equivalent left out.
  public static let all: [Mutant] = {
    let equivalent = Set(Equivalent.all.map(\.id))
    return candidates.filter { !equivalent.contains($0.id) }
  }()

  /// Every generic mutant, equivalents too.
  public static let candidates: [Mutant] =
    levels + requantizations + dequantizations + elementLoops + channels + places
    + products + convolutions + outputs

  private static let vectors: [TierShape] = [.neon, .avx2, .vnni]

  /// The mutants of an operation in a dialect, for faults and shapes.
  private static func mutants(
    _ operation: String, _ dialect: String, _ shapes: [TierShape], _ faults: [Fault],
    place: FaultPlace = .everywhere
  ) -> [Mutant] {
    shapes.flatMap { shape in
      faults.map { fault in
        let kernel = ModelKernel(
          operation, dialect: dialect, shape: shape, fault: fault, place: place)
        return Mutant(kernel, mutator: Mutator(fault))
      }
    }
  }

  // MARK: Arithmetic of levels

  private static let roundings: [Fault] = [
    .halfEven, .halfAway, .halfUp, .halfDown, .halfToZero, .truncation, .floor, .ceiling,
  ]

  private static func roundings(but right: Fault) -> [Fault] { roundings.filter { $0 != right } }

  private static let clamps: [Fault] = [
    .zeroDropped, .zeroSubtracted, .zeroAsByte, .clampLowDropped, .clampHighDropped,
    .clampBeforeZero, .clampNarrow,
  ]

  private static let levels: [Mutant] = {
    let common: [Fault] =
      roundings(but: .halfEven) + clamps + [
        .double, .rangeIgnored, .castBeforeClamp, .flushToZero,
      ]
    let away: [Fault] =
      roundings(but: .halfAway) + clamps + [
        .double, .rangeIgnored, .castBeforeClamp, .flushToZero,
      ]
    let inside: [Fault] = [.zeroInside, .fused]
    let nan: [Fault] = [.nanLowest, .nanZero]
    let dynamic: [Fault] =
      roundings(but: .halfEven) + inside + [
        .reciprocal, .double, .zeroDropped, .zeroSubtracted, .zeroAsByte, .clampLowDropped,
        .clampHighDropped, .clampNarrow, .castBeforeClamp, .rangeWithoutZero, .zeroTruncated,
        .zeroAway, .divisorWrong, .minimumIgnored, .flushToZero,
      ]
    let fake: [Fault] =
      roundings(but: .halfEven) + clamps + inside + [
        .division, .double, .castBeforeClamp, .flushToZero, .nanHighest, .nanZero, .maskOpen,
        .maskOnClamped, .maskOnReal, .maskOneSided, .zeroNotTakenBack,
      ]
    // PyTorch adds the zero point before it rounds: the clamp cannot come in between.
    let torch: [Fault] =
      common.filter { $0 != .clampBeforeZero } + nan + [.division, .zeroOutside, .unfused]
    var result = mutants(
      "quantize", "onnx", [.scalar], common + inside + [.reciprocal, .nanHighest])
    result += mutants("quantize", "tflite", [.scalar], away + inside + [.reciprocal])
    result += mutants("quantize", "pytorch", [.scalar], torch)
    result += mutants("quantize", "xnnpack-fp32", [.scalar], common + inside + nan + [.division])
    result += mutants("dynamic_quantize", "onnx", [.scalar], dynamic)
    result += mutants("fake_quantize", "pytorch", [.scalar], fake)
    return result
  }()

  private static let real: [Fault] =
    roundings(but: .halfEven) + clamps + [
      .double, .zeroInside, .fused, .rangeIgnored, .castBeforeClamp, .flushToZero,
    ]

  private static let fixed: [Fault] =
    clamps + [
      .rangeIgnored, .productIn32Bits, .shiftPlusOne, .shiftMinusOne, .shiftIgnored, .shift31,
      .leftShiftIgnored, .leftShiftReversed, .logicalShift, .multiplierIn16Bits,
      .multiplierInFloat, .multiplierTruncated, .multiplierStep,
    ]

  private static let double: [Fault] =
    roundings(but: .halfAway) + fixed + [
      .nudgeDropped, .nudgeUnsigned, .highFloor, .merged,
    ]

  private static let single: [Fault] = roundings(but: .halfUp) + fixed + [.split]

  private static let requantizations: [Mutant] = {
    let zeros: [Fault] = [.accumulatorZeroDropped, .accumulatorZeroAdded]
    var result = mutants("requantize", "onnx", [.scalar], real + zeros)
    result += mutants("requantize", "xnnpack-fp32", [.scalar], real + zeros)
    result += mutants("requantize", "tflite", [.scalar], double + zeros + [.minimumGuardDropped])
    result += mutants("requantize", "tflite-single", [.scalar], single + zeros)
    return result
  }()

  private static let dequantizations: [Mutant] = {
    let common: [Fault] = [
      .zeroDropped, .zeroSubtracted, .zeroAsByte, .scaleAsHalf, .flushToZero, .fused, .reciprocal,
      .otherSign,
    ]
    let difference: [Fault] = common + [.products, .differenceInByte]
    var result: [Mutant] = []
    for dialect in ["onnx", "tflite", "pytorch", "xnnpack-fp32"] {
      result += mutants("dequantize", dialect, [.scalar], difference)
    }
    return result + mutants("dequantize", "tflite-opt", [.scalar], common + [.difference])
  }()

  // MARK: Loops over elements

  private static let loops: [Fault] = [
    .tailSkipped, .tailShort, .tailReplayed, .tailOverrun, .lastVectorSkipped, .lanesSwapped,
    .halvesSwapped, .unrollStale, .headMisaligned,
  ]

  private static let elementLoops: [Mutant] = {
    let table = [
      ("quantize", "onnx"), ("dequantize", "tflite"), ("requantize", "tflite"),
      ("fake_quantize", "pytorch"),
    ]
    var result: [Mutant] = []
    for (operation, dialect) in table {
      result += mutants(operation, dialect, vectors, loops)
      result += mutants(operation, dialect, [.scalar], [.lastVectorSkipped])
    }
    return result
      + mutants("dynamic_quantize", "onnx", vectors, loops + [.maximumOfTailIgnored])
  }()

  private static let channels: [Mutant] = {
    let table = [
      ("quantize", "onnx"), ("quantize", "pytorch"), ("dequantize", "tflite"),
      ("requantize", "tflite"), ("requantize", "onnx"), ("fake_quantize", "pytorch"),
    ]
    let faults: [Fault] = [.channelFirst, .channelNext, .channelAxis, .zeroFirst, .scaleFirst]
    var result: [Mutant] = []
    for (operation, dialect) in table {
      result += mutants(operation, dialect, [.scalar], faults)
      result += mutants(operation, dialect, vectors, [.channelPerVector])
    }
    return result
  }()

  /// Arithmetic that is wrong in the body of a loop only, or in its tail only.
  private static let places: [Mutant] = {
    let table: [(String, String, [Fault])] = [
      ("quantize", "onnx", [.reciprocal, .halfAway]), ("quantize", "pytorch", [.unfused]),
      ("dequantize", "onnx", [.products]),
      ("requantize", "onnx", [.halfAway, .zeroInside]), ("requantize", "tflite", [.merged]),
      ("fake_quantize", "pytorch", [.division]),
    ]
    return table.flatMap { operation, dialect, faults in
      [FaultPlace.body, .tail].flatMap {
        mutants(operation, dialect, vectors, faults, place: $0)
      }
    }
  }()

  // MARK: Products

  private static let directSums: [Fault] = [
    .accumulator16Wraps, .accumulator16Saturates, .accumulator32Saturates, .accumulatorInFloat,
    .inputSign, .weightSign, .inputZeroDropped, .weightZeroDropped, .biasDropped, .biasTwice,
    .biasFirst, .biasNext, .weightZeroFirst, .weightZeroNext, .lastTapSkipped,
    .lastVectorSkipped, .batchFirst, .batchOutput,
  ]

  private static func packedSums(_ shape: TierShape) -> [Fault] {
    let engine: [Fault] =
      shape.engine == .signedQuads ? [.pairsWrap] : [.pairsSaturate, .pairsWrap]
    return engine + [
      .accumulator16Wraps, .accumulator16Saturates, .inputSign, .weightSign, .inputZeroDropped,
      .weightZeroDropped, .crossDropped, .crossPadded, .compensationDropped, .weightZeroFirst,
      .weightZeroNext, .channelPerVector, .rowSumIn16Bits, .biasDropped, .biasFirst, .biasNext,
      .depthTailSkipped, .depthTailReplayed, .depthTailUninitialized, .lastStepSkipped,
      .accumulatorStale, .rowsStale, .rowTailSkipped, .rowTailReplayed, .accumulatorKept,
      .tailSkipped, .tailShort, .tailReplayed, .tailOverrun, .lastVectorSkipped, .lanesSwapped,
      .halvesSwapped, .unrollStale,
    ]
  }

  /// The dialect whose kernels a tier's shape is taken from.
  private static func dialect(_ shape: TierShape) -> String {
    shape == .neon ? "tflite" : "onnx"
  }

  private static let products: [Mutant] = {
    var result: [Mutant] = []
    for operation in ["conv2d", "depthwise_conv2d", "matmul"] {
      result += mutants(operation, "onnx", [.scalar], directSums)
      // Depthwise sums are too short to tell one depth of steps from another.
      for shape in operation == "depthwise_conv2d" ? [.neon, .avx2] : vectors {
        result += mutants(operation, dialect(shape), [shape], packedSums(shape))
      }
    }
    let matrices: [Fault] = [.weightsTransposed, .batchWeights, .rowZeroFirst, .rowZeroNext]
    result += mutants("matmul", "onnx", [.scalar, .avx2], matrices)
    result += mutants("matmul", "onnx", [.avx2], [.batchFirst, .batchOutput])
    return result
  }()

  private static let geometry: [Fault] = [
    .padsOfLead, .padsSwapped, .padsIgnored, .stridesSwapped, .strideIgnored, .dilationsSwapped,
    .dilationIgnored, .automaticPadSwapped, .automaticPadUndilated, .kernelFlipped,
    .kernelTransposed, .boundInclusive, .groupFirst, .groupOfChannelModulo, .layoutSwapped,
  ]

  private static let convolutions: [Mutant] = {
    let padding: [Fault] = [.paddingZero, .paddingInSumIgnored]
    var result: [Mutant] = []
    for operation in ["conv2d", "depthwise_conv2d"] {
      result += mutants(operation, "onnx", [.scalar], [.paddingZero] + geometry)
      for shape in vectors { result += mutants(operation, dialect(shape), [shape], padding) }
      result += mutants(operation, "tflite", [.neon], [.batchFirst, .batchOutput])
    }
    return result
  }()

  // MARK: Requantized products

  private static let outputs: [Mutant] = {
    let prepared: [Fault] = [.scaleInFloat, .scaleInDouble]
    var result: [Mutant] = []
    for operation in ["qconv2d", "qmatmul"] {
      // The four stages behind a sum are the same code in both operations: each has two of them in full.
      if operation == "qconv2d" {
        result += mutants(operation, "onnx", [.avx2], real + [.scaleInDouble])
        result += mutants(operation, "tflite", [.neon], double + prepared)
        result += mutants(operation, "tflite-single", [.scalar], prepared + [.split])
      } else {
        result += mutants(operation, "xnnpack-fp32", [.vnni], real + [.scaleInDouble])
        result += mutants(operation, "tflite-single", [.scalar], single + prepared)
        result += mutants(operation, "tflite", [.neon], prepared + [.merged])
      }
      result += mutants(operation, "onnx", [.scalar], [.scaleFirst, .scaleNext])
      let scales: [Fault] = [.scaleFirst, .scaleNext, .scalePerVector]
      for shape in vectors { result += mutants(operation, dialect(shape), [shape], scales) }
    }
    return result
  }()
}
