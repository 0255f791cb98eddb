/// A bug that a kernel, a tool or a framework really had, read in its public thread or commit.
public struct HistoricBug: Sendable {
  public var id: String
  /// What went wrong, in a line.
  public var cause: String
  /// Where it can be read: `repository#issue` or `repository@commit`.
  public var citation: String
  /// Mutants with the same root cause; empty where it cannot occur here.
  public var mutants: [Mutant]
  /// Why there is no mutant, or what the mutant leaves out.
  public var remark: String

  /// A bug that kernels here can have: the operation, dialect, shape and fault of a mutant.
  private init(
    _ id: String, _ cause: String, _ citation: String, _ kernel: ModelKernel, _ remark: String = ""
  ) {
    (self.id, self.cause, self.citation, self.remark) = (id, cause, citation, remark)
    mutants = [Mutant(bug: id, kernel)]
  }

  private init(_ id: String, _ cause: String, _ citation: String, absent reason: String) {
    (self.id, self.cause, self.citation, remark) = (id, cause, citation, reason)
    mutants = []
  }

  private static func kernel(
    _ operation: String, _ dialect: String, _ shape: TierShape, _ fault: Fault,
    _ place: FaultPlace = .everywhere
  ) -> ModelKernel {
    ModelKernel(operation, dialect: dialect, shape: shape, fault: fault, place: place)
  }

  /// Every bug of the list, in its order.
  public static let all = sums + requantization + parameters + indexing + floats + guards

  // MARK: Accumulation

  private static let sums: [HistoricBug] = [
    .init(
      "B01", "vpmaddubsw saturates a u8*s8 pair sum to int16", "oneDNN#518",
      kernel("matmul", "onnx", .avx2, .pairsSaturate)),
    .init(
      "B02", "inputs moved by 128 fill u8, so that pair sums leave int16",
      "ikawrakow/ik_llama.cpp#427", kernel("matmul", "tflite", .vnni, .pairsSaturate)),
    .init(
      "B03", "weights halved by the reorder where there is no VNNI", "oneDNN#375",
      kernel("conv2d", "onnx", .scalar, .weightsHalved)),
    .init(
      "B04", "s8s8 products by a shift of 128 saturate", "oneDNN#476",
      kernel("matmul", "onnx", .vnni, .pairsSaturate)),
    .init(
      "B06", "quantized convolution saturates pairs of u8*s8 on one CPU and not on another",
      "onnxruntime#16105", kernel("qconv2d", "onnx", .avx2, .pairsSaturate)),
    .init(
      "B07", "_mm_sign_epi8 leaves -128 negative", "ggml#1393",
      kernel("matmul", "tflite", .neon, .signTrick)),
    .init(
      "B10", "an int32 accumulator for int16 inputs", "tflite-micro#3598",
      kernel("qconv2d", "tflite", .scalar, .accumulatorInInt32)),
    .init(
      "B12", "the accumulator defaults to the type of the inputs", "hls4ml#324",
      kernel("matmul", "onnx", .scalar, .accumulatorOfInput)),
    .init(
      "B13", "the accumulator's width from out_channels / groups", "brevitas@32186be6",
      kernel("conv2d", "onnx", .scalar, .accumulatorBoundWrong)),
    .init(
      "B14", "saturated to s8 before the last scale", "oneDNN#1749",
      kernel("qconv2d", "onnx", .avx2, .saturatedBeforeScale)),
    .init(
      "B15", "a saturating instruction for integers that wrap", "openvino#33523",
      kernel("matmul", "onnx", .scalar, .accumulator32Saturates),
      "found in Add and Mul, which are no operations here; the same in a sum"),
    .init(
      "B17", "two products packed in one multiplier with offsets too narrow: lanes carry",
      "finn@6dc38ba2f", kernel("matmul", "onnx", .avx2, .lanesPackedNarrow),
      "found in a DSP block; kernels that pack lanes in a register do the same"),
  ]

  // MARK: Rounding

  private static let requantization: [HistoricBug] = [
    .init(
      "B20", "two roundings for one", "tensorflow#25087",
      kernel("requantize", "tflite-single", .scalar, .split)),
    .init(
      "B21", "single and double rounding mixed in one runtime", "LiteRT#7441",
      kernel("qconv2d", "tflite", .neon, .multiplierInFloat)),
    .init(
      "B22", "one flag for two rounding modes: the linear layer gets the other", "CMSIS-NN#214",
      kernel("qmatmul", "tflite", .neon, .merged)),
    .init(
      "B24", "1 << (shift - 1) with a shift of 0", "CMSIS-NN@413d9a9f",
      kernel("requantize", "tflite", .scalar, .roundingConstantAtZero)),
    .init(
      "B25", "0x1 << 31 overflows", "CMSIS-NN@6a6b98e2",
      kernel("requantize", "tflite", .scalar, .roundingConstantAt31)),
    .init(
      "B27", "divides by a power of two with a negative exponent", "CMSIS-NN@083c8177",
      kernel("requantize", "tflite", .scalar, .leftShiftReversed)),
    .init(
      "B29", "0.5 passed through an integer parameter: no half is added", "XNNPACK@692a145cb4",
      kernel("requantize", "xnnpack-fp32", .avx2, .floor)),
    .init(
      "B30", "float16 inputs are cast, not rounded", "onnxruntime#32452",
      kernel("quantize", "onnx", .scalar, .halfTruncates)),
    .init(
      "B31", "ties go away from zero", "tract#2850",
      kernel("quantize", "onnx", .scalar, .halfAway)),
    .init(
      "B32", "ties of the dynamic zero point go away from zero", "tract#2672",
      kernel("dynamic_quantize", "onnx", .scalar, .zeroAway)),
    .init(
      "B33", "an execution provider rounds ties away", "onnxruntime#25045",
      kernel("quantize", "onnx", .vnni, .halfAway)),
    .init(
      "B34", "bfloat16 inputs round half up", "tt-metal#56525",
      kernel("quantize", "onnx", .scalar, .bfloatHalfUp)),
    .init(
      "B35", "bfloat16 by adding 0x8000 and cutting", "FBGEMM@5ed48803d",
      kernel("dequantize", "onnx", .avx2, .bfloatHalfUp)),
    .init(
      "B36", "the vector body multiplies by the reciprocal, the tail divides",
      "FBGEMM:include/fbgemm/QuantUtils.h",
      kernel("quantize", "onnx", .avx2, .reciprocal, .body)),
    .init(
      "B37", "zero point added before the rounding", "FBGEMM:test/QuantUtilsTest.cc",
      kernel("quantize", "onnx", .avx2, .zeroInside)),
    .init(
      "B38", "the rounding of another target", "tvm#15929",
      kernel("requantize", "onnx", .neon, .halfAway)),
    .init(
      "B39", "the left shift before an addition optimized out", "tensorflow PR#59859",
      absent: "no addition of quantized tensors here yet"),
    .init(
      "B40", "rounding in a fixed-point addition", "pytorch#37343",
      absent: "no addition of quantized tensors here yet"),
    .init(
      "B41", "optimized and reference convolution round the second step otherwise",
      "tensorflow#99072", kernel("qconv2d", "tflite", .neon, .halfUp)),
    .init(
      "B42", "an average truncates a float product", "qonnx@cdc2747",
      absent: "no pooling here yet"),
    .init(
      "B43", "the exported model always rounds to nearest", "brevitas@429f3645",
      kernel("fake_quantize", "brevitas", .scalar, .modeIgnored)),
    .init(
      "B44", "a product and a sum contracted to one operation", "mas-bandwidth/schema#963",
      kernel("quantize", "xnnpack-fp32", .avx2, .fused)),
    .init(
      "B45", "stochastic rounding biased on subnormal numbers", "FBGEMM@f3b33f90f",
      absent: "no stochastic rounding here"),
    .init(
      "B46", "rounding and saturation read in the wrong order", "hls4ml@fa0700a86",
      kernel("quantize", "ap_fixed", .scalar, .fieldsSwapped)),
    .init(
      "B47", "the width of a pooled sum off by one", "finn@0c63afca8",
      absent: "no pooling here yet"),
  ]

  // MARK: Parameters

  private static let parameters: [HistoricBug] = [
    .init(
      "B52", "the compensation of a padded depth counts the padding", "oneDNN@1a8befbb69",
      kernel("matmul", "onnx", .vnni, .crossPadded)),
    .init(
      "B55", "an offset of 128 held in int8", "CMSIS-NN@ca55ad23",
      kernel("conv2d", "tflite", .neon, .offsetInByte)),
    .init(
      "B56", "symmetric weights get the zero point 1", "FBGEMM@f29eaad54",
      absent: "choosing symmetric parameters is no operation here"),
    .init(
      "B57", "a zero point of the weights accepted and ignored", "XNNPACK#10018",
      kernel("qmatmul", "xnnpack-fp32", .vnni, .weightZeroDropped)),
    .init(
      "B58", "scales of an axis applied along another", "armnn#557",
      kernel("dequantize", "onnx", .scalar, .axisIgnored)),
    .init(
      "B59", "the channel taken from the wrong dimension of a depthwise filter",
      "XNNPACK@e5400dad72", kernel("depthwise_conv2d", "onnx", .scalar, .channelOfWrongDimension)),
    .init(
      "B60", "the kernel for one row mishandles zero points", "onnxruntime#29853",
      kernel("matmul", "onnx", .avx2, .singleRowZero)),
    .init(
      "B61", "per-channel convolution wrong on one architecture", "XNNPACK#1922",
      kernel("qconv2d", "tflite", .neon, .scalePerVector),
      "its cause was not read: here scales do not advance within a vector"),
    .init(
      "B62", "a multiplier of one or more leaves the output as it was", "pytorch#33466",
      kernel("qconv2d", "tflite", .scalar, .multiplierAboveOneUnwritten)),
    .init(
      "B63", "clamp limits of one float type read as another", "XNNPACK@d45fe7b696",
      kernel("requantize", "xnnpack-fp32", .scalar, .clampOfWrongType)),
    .init(
      "B65", "0 / 0 where both zero points are 0", "brevitas@2e6e179e",
      absent: "no division of quantized tensors here"),
    .init(
      "B66", "a scalar scale taken for one of the shape of the weights", "qonnx@032681c",
      kernel("qconv2d", "onnx", .scalar, .scalarScaleIndexed)),
    .init(
      "B67", "a narrow range counted from the level that it lacks", "finn@b6b0ca548",
      kernel("fake_quantize", "pytorch", .scalar, .thresholdMissing)),
  ]

  // MARK: Indexing

  private static let indexing: [HistoricBug] = [
    .init(
      "B71", "the loop over the channels left by four is missing", "CMSIS-NN@e1ec906d",
      absent: "no pooling here yet; the same in other loops: tail-skipped"),
    .init(
      "B72", "the lower clamp lost, and a predicate for other lanes", "CMSIS-NN@46e2b43b",
      absent: "no pooling here yet; the same elsewhere: lower-clamp-dropped, tail-one-short"),
    .init(
      "B73", "the second column lacks the offset", "CMSIS-NN@64f2d664",
      kernel("depthwise_conv2d", "tflite", .neon, .secondColumnWithoutOffset)),
    .init(
      "B74", "the output pointer is not advanced", "CMSIS-NN@c5c2bf3e",
      absent: "no softmax here; the same elsewhere: output-of-batch-misplaced"),
    .init(
      "B75", "negative inputs of a table taken as unsigned before the shift", "CMSIS-NN@9f2378b3",
      absent: "no operation by tables here"),
    .init(
      "B76", "the last rows of a transposed convolution are not flushed", "CMSIS-NN#230",
      absent: "no transposed convolution here yet"),
    .init(
      "B79", "width folded by the stride where there is no right pad", "oneDNN#4684",
      kernel("conv2d", "onnx", .scalar, .foldedStride)),
    .init(
      "B81", "the packed index rounds the groups up", "FBGEMM@70a404208",
      kernel("conv2d", "onnx", .scalar, .groupsRoundedUp)),
    .init(
      "B83", "the block of an image lacks one of its dimensions", "FBGEMM@719a347ff",
      kernel("conv2d", "onnx", .scalar, .batchOutput),
      "found in three dimensions; here in two"),
    .init(
      "B84", "dilated convolution wrong with padding to the same size", "tflite-micro#2319",
      kernel("conv2d", "tflite", .scalar, .automaticPadUndilated),
      "its cause was not read: here the pads are those of the kernel without dilation"),
    .init(
      "B85", "the index lacks the left pad", "hls4ml@8eb29fc28",
      absent: "no pooling here yet; the same in convolutions: pads-ignored"),
    .init(
      "B87", "grouped convolution requantizes by the index within the group", "ncnn#1234",
      kernel("qconv2d", "onnx", .scalar, .scaleWithinGroup)),
    .init(
      "B89", "a size truncated from a float product", "finn@2bd614873",
      absent: "no operation whose shape depends on a scale"),
    .init(
      "B90", "a size multiplied in 32 bits", "ruy@7ef39c5",
      absent: "needs a tensor of more than 2^31 elements; outputs beyond 2^27 are refused"),
  ]

  // MARK: Floats, formats, parsing

  private static let floats: [HistoricBug] = [
    .init(
      "B92", "infinity cast to an integer before the clamp", "pytorch#106780",
      kernel("fake_quantize", "pytorch", .avx2, .castBeforeClamp)),
    .init(
      "B93", "NaN differs between platforms", "pytorch#153340",
      kernel("quantize", "pytorch", .avx2, .nanZero)),
    .init(
      "B94", "the clip comes after the cast", "tvm#9558",
      kernel("quantize", "xnnpack-fp32", .neon, .castBeforeClamp)),
    .init(
      "B95", "rounded, cast to int32, zero point added with a wrap, then clipped",
      "onnx:op_quantize_linear.py", kernel("quantize", "onnx", .avx2, .castBeforeClamp)),
    .init(
      "B98", "narrow integers cut from a saturated byte", "XNNPACK@e1cbeefc66",
      kernel("quantize", "onnx", .scalar, .narrowByMask),
      "its other half, the classes of float8, has no model kernel"),
    .init(
      "B99", "an all-zero tensor has no scale", "brevitas@486a6dfb",
      kernel("dynamic_quantize", "onnx", .scalar, .emptyRangeScale)),
    .init(
      "B100", "the lower mask of an unsigned range compares -x with the maximum",
      "brevitas@76031975", kernel("fake_quantize", "pytorch", .scalar, .unsignedMask)),
    .init(
      "B101", "copysign tells -0 from 0", "brevitas:core/function_wrapper/ops_ste.py",
      kernel("bipolar_quantize", "qonnx", .scalar, .signBit)),
    .init(
      "B102", "gradients from dX in place of dY", "pytorch#41968", absent: "no gradients here yet"),
    .init(
      "B103", "the mask at the ends of the clamp", "pytorch#49315",
      kernel("fake_quantize", "pytorch", .neon, .maskOpen)),
    .init(
      "B105", "a step size that becomes negative in training", "ZouJiu1/LSQplus#12",
      absent: "no gradients here yet; a scale that is not positive is an error"),
    .init(
      "B106", "the word false read as true: unsigned taken for signed", "hls4ml@5ac737cdf",
      kernel("quantize", "ap_fixed", .scalar, .signednessIgnored)),
    .init(
      "B107", "one bit too many for every type", "hls4ml@02624c5fc",
      kernel("quantize", "ap_fixed", .scalar, .widthPlusOne)),
    .init(
      "B108", "a width from the logarithm of a scale of one", "hls4ml@059c97080",
      absent: "no operation infers a width from a scale"),
    .init(
      "B109", "integer bits counted without the sign", "hls4ml#874",
      kernel("quantize", "ap_fixed", .scalar, .integerBitsWithoutSign)),
    .init(
      "B110", "unpacked by the sign of another type", "finn@4907f6275",
      kernel("dequantize", "onnx", .scalar, .signednessIgnored)),
    .init(
      "B111", "a bfloat16 buffer holds float16 bits", "FBGEMM@5ed48803d",
      kernel("dequantize", "onnx", .neon, .bfloatAsHalf)),
  ]

  // MARK: Guards that are right today, deleted

  private static let guards: [HistoricBug] = [
    .init(
      "G1", "a == b == INT_MIN in the high product", "gemmlowp:fixedpoint.h",
      kernel("requantize", "tflite", .neon, .minimumGuardDropped),
      "the same for int16 has no operation here"),
    .init(
      "G2", "+ (x < 0) in the threshold of RoundingDivideByPOT", "gemmlowp:fixedpoint.h",
      kernel("requantize", "tflite", .scalar, .halfUp)),
    .init(
      "G3", "the nudge 1 - (1 << 30) of negative products", "gemmlowp:fixedpoint.h",
      kernel("requantize", "tflite", .scalar, .nudgeUnsigned)),
    .init(
      "G4", "the clamp before lrintf", "XNNPACK:src/xnnpack/requantization.h",
      kernel("requantize", "xnnpack-fp32", .vnni, .castBeforeClamp)),
    .init(
      "G5", "double in the clamp to int32", "FBGEMM:include/fbgemm/QuantUtils.h",
      kernel("quantize", "pytorch", .scalar, .rangeInFloat)),
    .init(
      "G6", "SMALL_SCALE_THRESHOLD", "FBGEMM:src/QuantUtils.cc",
      absent: "choosing parameters is no operation here"),
    .init(
      "G7", "the range of shifts, 2 to 62", "TOSA:RESCALE",
      absent: "the reference refuses such a case, so there is nothing to compare"),
  ]
}
