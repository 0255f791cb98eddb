import CaseFormat
import Kernels
import NumberFormats
import Verification

/// Multipliers as a framework's preparation code computes them, for the kernels to use.
enum KernelScales {
  /// The multiplier of a product: `f32(f32(xs * ws) / ys)` in onnx; in double in tflite, where
  /// bytes without sign and linear layers multiply the two scales in float first.
  static func effective(
    _ x: Float, _ w: Float, _ y: Float, _ rule: Rule, multipliesInFloat: Bool
  ) -> Double {
    switch rule {
    case .onnx: Double(x * w / y)
    case .tflite:
      multipliesInFloat ? Double(x * w) / Double(y) : Double(x) * Double(w) / Double(y)
    }
  }

  /// Multipliers in the form that a rule's kernels take.
  static func scaling(of scales: [Double], _ rule: Rule) -> Requantization.Scaling {
    guard rule == .tflite else { return .float(scales: scales.map { Float($0) }) }
    var multipliers: [Int32] = []
    var shifts: [Int32] = []
    for scale in scales {
      var exponent = scale.exponent + 1
      let fraction = scale.significand / 2
      var multiplier = Int64((fraction * 0x1p31).rounded(.toNearestOrAwayFromZero))
      if multiplier == 1 << 31 {
        multiplier /= 2
        exponent += 1
      }
      if exponent < -31 { (multiplier, exponent) = (0, 0) }
      multipliers.append(Int32(clamping: multiplier))
      shifts.append(Int32(clamping: exponent))
    }
    return .fixedPoint(multipliers: multipliers, shifts: shifts)
  }
}

extension KernelCall {
  /// The requantization behind a product, or nil where the accumulators are wanted.
  private func requantization(
    inputScale: String, weightScale: String, multipliesInFloat: Bool
  ) throws(Refusal) -> Requantization? {
    guard let zero = test.inputs["y_zero_point"] else { return nil }
    let x = try floats(inputScale)
    let y = try floats("y_scale")[0]
    guard x.count == 1 else { throw Refusal(reason: "a scale for each row") }
    let scales = try floats(weightScale).map {
      KernelScales.effective(x[0], $0, y, rule, multipliesInFloat: multipliesInFloat)
    }
    guard scales.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw Refusal(reason: "a multiplier that is not finite and positive")
    }
    let scaling = KernelScales.scaling(of: scales, rule)
    if case .fixedPoint(_, let shifts) = scaling, shifts.contains(where: { $0 > 30 }) {
      throw Refusal(reason: "a multiplier of 2^30 or more")
    }
    return Requantization(
      scaling: scaling, zeroPoints: [Int32(clamping: zero.codes[0])],
      output: try output(zero.dtype))
  }

  private func byteType(_ tensor: Tensor, _ name: String) throws(Refusal) -> IntegerType {
    switch tensor.dtype {
    case .int8: return .int8
    case .uint8: return .uint8
    default: throw Refusal(reason: "\(name) of type \(tensor.dtype.name)")
    }
  }

  private func checkBias() throws(Refusal) {
    if let bias = test.inputs["bias"], bias.dtype != .int32 {
      throw Refusal(reason: "bias of type \(bias.dtype.name)")
    }
    if let type = string("output_dtype"), type != "int32" {
      throw Refusal(reason: "\(type) accumulators")
    }
  }

  func conv2d() throws(Refusal) -> Body {
    let (x, w) = (try tensor("x"), try tensor("w"))
    try checkBias()
    let isDepthwise = test.operation == "depthwise_conv2d"
    let isFirst = (string("layout") ?? "NCHW") == "NCHW"
    let (inChannels, height, width) =
      isFirst ? (x.shape[1], x.shape[2], x.shape[3]) : (x.shape[3], x.shape[1], x.shape[2])
    let kernel = isFirst ? (w.shape[2], w.shape[3]) : (w.shape[1], w.shape[2])
    let outChannels = !isFirst && isDepthwise ? w.shape[3] : w.shape[0]
    var parameters = Conv2DParameters(
      xType: try byteType(x, "x"), wType: try byteType(w, "w"), layout: isFirst ? .nchw : .nhwc,
      weightLayout: isFirst ? .oihw : isDepthwise ? .hwo : .ohwi, inChannels: inChannels,
      height: height, width: width, outChannels: outChannels, kernelHeight: kernel.0,
      kernelWidth: kernel.1)
    parameters.batch = x.shape[0]
    let strides = integers("strides", default: [1, 1])
    let dilations = integers("dilations", default: [1, 1])
    (parameters.strideHeight, parameters.strideWidth) = (strides[0], strides[1])
    (parameters.dilationHeight, parameters.dilationWidth) = (dilations[0], dilations[1])
    parameters.groups = isDepthwise ? inChannels : integer("group") ?? 1
    let rows = pads(height, kernel.0, strides[0], dilations[0], index: 0)
    let columns = pads(width, kernel.1, strides[1], dilations[1], index: 1)
    (parameters.padTop, parameters.padBottom) = rows
    (parameters.padLeft, parameters.padRight) = columns
    parameters.xZeroPoint = int32s("x_zero_point").first ?? 0
    parameters.wZeroPoints = int32s("w_zero_point")
    parameters.requantization = try requantization(
      inputScale: "x_scale", weightScale: "w_scale", multipliesInFloat: x.dtype == .uint8)
    let hasBias = test.inputs["bias"] != nil
    return { [parameters] buffers throws(KernelError) in
      try Kernels.conv2d(
        tier: tier, parameters: parameters, x: buffers.input("x"), w: buffers.input("w"),
        bias: hasBias ? buffers.input("bias") : nil, y: buffers.output("y"))
    }
  }

  /// The pads before and after a dimension, as `pads` or `auto_pad` says.
  private func pads(
    _ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, index: Int
  ) -> (Int, Int) {
    let automatic = string("auto_pad") ?? "NOTSET"
    guard automatic.hasPrefix("SAME") else {
      let given = integers("pads", default: [0, 0, 0, 0])
      return (given[index], given[index + 2])
    }
    let outputs = (size + stride - 1) / stride
    let total = max(0, (outputs - 1) * stride + (kernel - 1) * dilation + 1 - size)
    let small = total / 2
    return automatic == "SAME_UPPER" ? (small, total - small) : (total - small, small)
  }

  func matmul() throws(Refusal) -> Body {
    let (a, b) = (try tensor("a"), try tensor("b"))
    try checkBias()
    let m = a.shape[a.shape.count - 2]
    let k = a.shape[a.shape.count - 1]
    let n = b.shape[b.shape.count - 1]
    let batchA = a.shape.dropLast(2).reduce(1, *)
    let batchB = b.shape.dropLast(2).reduce(1, *)
    var parameters = MatMulParameters(
      aType: try byteType(a, "a"), bType: try byteType(b, "b"), m: m, n: n, k: k)
    // Plain batches, or one operand that serves every batch; other broadcasts are not ours.
    guard a.shape.dropLast(2) == b.shape.dropLast(2) || batchA == 1 || batchB == 1 else {
      throw Refusal(reason: "broadcast batches")
    }
    parameters.batch = max(batchA, batchB)
    if batchA == 0 || batchB == 0 { parameters.batch = 0 }
    parameters.aBatchStride = batchA == 1 ? 0 : m * k
    parameters.bBatchStride = batchB == 1 ? 0 : k * n
    parameters.aZeroPoints = int32s("a_zero_point")
    parameters.bZeroPoints = int32s("b_zero_point")
    guard [0, 1, m].contains(parameters.aZeroPoints.count),
      [0, 1, n].contains(parameters.bZeroPoints.count)
    else { throw Refusal(reason: "zero points for each batch") }
    parameters.requantization = try requantization(
      inputScale: "a_scale", weightScale: "b_scale",
      multipliesInFloat: (test.inputs["b_scale"]?.count ?? 1) == 1)
    let hasBias = test.inputs["bias"] != nil
    return { [parameters] buffers throws(KernelError) in
      try Kernels.matmul(
        tier: tier, parameters: parameters, a: buffers.input("a"), b: buffers.input("b"),
        bias: hasBias ? buffers.input("bias") : nil, y: buffers.output("y"))
    }
  }
}
