import CaseFormat
import NumberFormats
import Verification

/// How the kernels read convolutions and matrix products.
extension CaseReader {
  /// The element types, zero points and bias of a product.
  private func product(
    _ x: Tensor, _ w: Tensor, zeros: (String, String)
  ) throws(Refusal) -> ProductParameters {
    var parameters = ProductParameters()
    parameters.x = try storage(x.dtype, "the input")
    parameters.w = try storage(w.dtype, "the weight")
    guard parameters.w.bytes == 1 else { throw Refusal(reason: "weights of \(w.dtype.name)") }
    guard parameters.x.bytes == 1 || parameters.x.bytes == 2 && shape.engine == .direct else {
      throw Refusal(reason: "inputs of \(x.dtype.name)")
    }
    parameters.inputZeros = codes(zeros.0)
    parameters.weightZeros = codes(zeros.1)
    if let bias = test.inputs["bias"] {
      guard bias.dtype == .int32 else { throw Refusal(reason: "bias of \(bias.dtype.name)") }
      (parameters.hasBias, parameters.biasCount) = (true, bias.count)
    }
    if let type = string("output_dtype"), type != "int32" {
      throw Refusal(reason: "\(type) accumulators")
    }
    return parameters
  }

  /// Adds the requantization of `qconv2d` and `qmatmul`.
  private func addRequantization(
    _ input: String, _ weight: String, isUnsigned: Bool, to parameters: inout ProductParameters
  ) throws(Refusal) {
    guard let zero = test.inputs["y_zero_point"] else { return }
    let (xs, ys) = (try floats(input), try floats("y_scale")[0])
    let ws = try floats(weight)
    guard xs.count == 1 else { throw Refusal(reason: "a scale for each row") }
    let isInteger = dialect.hasPrefix("tflite")
    // Linear layers multiply the two scales in float unless there is one for each column.
    var isFloat = test.operation == "qmatmul" ? ws.count == 1 : isUnsigned
    if fault == .scaleInFloat { isFloat = true }
    if fault == .scaleInDouble { isFloat = false }
    let scales = ws.map { ws -> Double in
      if isInteger {
        return isFloat
          ? Double(xs[0] * ws) / Double(ys) : Double(xs[0]) * Double(ws) / Double(ys)
      }
      return fault == .scaleInDouble
        ? Double(xs[0]) * Double(ws) / Double(ys) : Double(xs[0] * ws / ys)
    }
    let right = ws.map { Double(xs[0] * $0 / ys) }
    guard scales.allSatisfy({ $0.isFinite && $0 > 0 }), right.allSatisfy({ $0.isFinite && $0 > 0 })
    else { throw Refusal(reason: "a multiplier that is not finite and positive") }
    parameters.output = try storage(zero.dtype, "y")
    parameters.outputZero = zero.codes[0]
    parameters.scaleCount = ws.count
    parameters.requantizer = try requantizer(
      scales: scales, range: range(zero.dtype), isWide: parameters.x == .int16 && isInteger)
    if fault == .saturatedBeforeScale, case .real(let levels, _)? = parameters.requantizer?.scaling
    {
      let first = ws.map { xs[0] * $0 }
      parameters.requantizer?.scaling = .twice(levels, first: first, last: 1 / ys)
    }
  }

  private func body<Factors: Operands>(
    _ kernel: ProductKernel<Factors>, _ names: (String, String)
  ) -> Body {
    let workspace = kernel.workspace()
    return { buffers in
      if kernel.fault == .scalarScaleIndexed { readScales(buffers, kernel.factors.columns) }
      kernel.run(
        .init(
          x: buffers.input(names.0), w: buffers.input(names.1), bias: buffers.input("bias"),
          y: buffers.output("y"), workspace: workspace))
    }
  }

  /// Reads a scale for each channel, whether there is one or not.
  private func readScales(_ buffers: KernelBuffers, _ columns: Int) {
    let scales = buffers.input("w_scale")
    var sum: Float = 0
    for column in 0..<columns {
      sum += scales.loadUnaligned(fromByteOffset: 4 * column, as: Float.self)
    }
    withExtendedLifetime(sum) {}
    if sum == -1 { buffers.output("y").storeBytes(of: 0, as: UInt8.self) }
  }

  // MARK: conv2d

  func convolution() throws(Refusal) -> Body {
    let (x, w) = (try tensor("x"), try tensor("w"))
    var parameters = try product(x, w, zeros: ("x_zero_point", "w_zero_point"))
    try addRequantization(
      "x_scale", "w_scale", isUnsigned: x.dtype == .uint8, to: &parameters)
    let factors = convolutionOperands(x.shape, w.shape)
    return body(
      ProductKernel(factors: factors, parameters: parameters, shape: shape, fault: fault),
      ("x", "w"))
  }

  private func convolutionOperands(_ x: [Int], _ w: [Int]) -> ConvolutionOperands {
    var c = ConvolutionOperands()
    c.fault = fault
    c.isFirst = (string("layout") ?? "NCHW") == "NCHW"
    c.isDepthwise = test.operation == "depthwise_conv2d"
    c.batches = x[0]
    (c.inChannels, c.height, c.width) = c.isFirst ? (x[1], x[2], x[3]) : (x[3], x[1], x[2])
    c.kernel = c.isFirst ? (w[2], w[3]) : (w[1], w[2])
    c.columns = !c.isFirst && c.isDepthwise ? w[3] : w[0]
    c.groups = c.isDepthwise ? c.inChannels : integer("group") ?? 1
    let strides = integers("strides", default: [1, 1])
    let dilations = integers("dilations", default: [1, 1])
    c.strides = (strides[0], strides[1])
    c.dilations = (dilations[0], dilations[1])
    let rows = pads(c.height, c.kernel.0, c.strides.0, c.dilations.0, index: 0)
    let columns = pads(c.width, c.kernel.1, c.strides.1, c.dilations.1, index: 1)
    c.pads = (rows.before, columns.before)
    c.rightPad = columns.after
    c.outHeight = (c.height + rows.both - (c.kernel.0 - 1) * c.dilations.0 - 1) / c.strides.0 + 1
    c.outWidth = (c.width + columns.both - (c.kernel.1 - 1) * c.dilations.1 - 1) / c.strides.1 + 1
    if string("auto_pad")?.hasPrefix("SAME") ?? false {
      c.outHeight = (c.height + c.strides.0 - 1) / c.strides.0
      c.outWidth = (c.width + c.strides.1 - 1) / c.strides.1
    }
    switch fault {
    case .padsOfLead: c.pads = (rows.both - rows.before, columns.both - columns.before)
    case .padsSwapped: c.pads = (c.pads.1, c.pads.0)
    case .padsIgnored: c.pads = (0, 0)
    case .stridesSwapped: c.strides = (c.strides.1, c.strides.0)
    case .strideIgnored: c.strides.1 = 1
    case .dilationsSwapped: c.dilations = (c.dilations.1, c.dilations.0)
    case .dilationIgnored: c.dilations = (1, 1)
    default: break
    }
    return c
  }

  /// The pads before and after a dimension.
  private func pads(
    _ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, index: Int
  ) -> (before: Int, after: Int, both: Int) {
    let automatic = string("auto_pad") ?? "NOTSET"
    guard automatic.hasPrefix("SAME") else {
      let given = integers("pads", default: [0, 0, 0, 0])
      return (given[index], given[index + 2], given[index] + given[index + 2])
    }
    let outputs = (size + stride - 1) / stride
    let extent = fault == .automaticPadUndilated ? kernel : (kernel - 1) * dilation + 1
    let total = max(0, (outputs - 1) * stride + extent - size)
    let isUpper = (automatic == "SAME_UPPER") != (fault == .automaticPadSwapped)
    let before = isUpper ? total / 2 : total - total / 2
    return (before, total - before, total)
  }

  // MARK: matmul

  func matrixProduct() throws(Refusal) -> Body {
    let (a, b) = (try tensor("a"), try tensor("b"))
    var parameters = try product(a, b, zeros: ("a_zero_point", "b_zero_point"))
    try addRequantization("a_scale", "b_scale", isUnsigned: a.dtype == .uint8, to: &parameters)
    let (batchA, batchB) = (Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
    let (countA, countB) = (batchA.reduce(1, *), batchB.reduce(1, *))
    guard batchA == batchB || countA == 1 || countB == 1 else {
      throw Refusal(reason: "broadcast batches")
    }
    var c = MatrixOperands()
    c.fault = fault
    c.batches = countA == 0 || countB == 0 ? 0 : max(countA, countB)
    (c.rows, c.depth) = (a.shape[a.shape.count - 2], a.shape[a.shape.count - 1])
    c.columns = b.shape[b.shape.count - 1]
    c.inputStride = countA == 1 ? 0 : c.rows * c.depth
    c.weightStride = countB == 1 ? 0 : c.depth * c.columns
    guard [1, c.rows].contains(parameters.inputZeros.count),
      [1, c.columns].contains(parameters.weightZeros.count)
    else { throw Refusal(reason: "zero points for each batch") }
    parameters.hasRowZeros = parameters.inputZeros.count > 1
    return body(
      ProductKernel(factors: c, parameters: parameters, shape: shape, fault: fault), ("a", "b"))
  }
}
