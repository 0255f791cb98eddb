import CaseFormat

/// The geometry of a two-dimensional convolution, from shapes and attributes [accumulate §4 to §10].
struct ConvolutionGeometry: Hashable, Sendable {
  /// Where the channels stand.
  enum Layout: String, CaseIterable, Sendable { case channelsFirst = "NCHW", channelsLast = "NHWC" }

  var layout: Layout
  var batch = 0
  var inputChannels = 0
  var height = 0
  var width = 0
  var outputChannels = 0
  var kernelHeight = 0
  var kernelWidth = 0
  var strides = (1, 1)
  var dilations = (1, 1)
  /// Top, left, bottom, right.
  var pads = (0, 0, 0, 0)
  var group = 1
  var outputHeight = 0
  var outputWidth = 0
  /// Whether the weights are laid out [1, kh, kw, C*m].
  var isDepthwiseChannelsLast = false
  /// Whether `auto_pad` chose the pads.
  var isAutomatic = false

  /// More outputs than this are refused rather than computed.
  static let maximumOutputs = 1 << 27
  private static let attributeLimit = 1 << 31

  /// The input channels that meet in one output.
  var channelsPerGroup: Int { inputChannels / group }
  /// How many products one output sums.
  var depth: Int { channelsPerGroup * kernelHeight * kernelWidth }

  var outputShape: [Int] {
    layout == .channelsFirst
      ? [batch, outputChannels, outputHeight, outputWidth]
      : [batch, outputHeight, outputWidth, outputChannels]
  }

  static func == (a: ConvolutionGeometry, b: ConvolutionGeometry) -> Bool {
    a.outputShape == b.outputShape && a.layout == b.layout && a.strides == b.strides
      && a.dilations == b.dilations && a.pads == b.pads && a.group == b.group
      && a.inputChannels == b.inputChannels && a.height == b.height && a.width == b.width
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(outputShape)
    hasher.combine(inputChannels)
  }

  /// Reads the geometry of a case.
  ///
  /// - Throws: `malformed` for shapes and attributes that do not fit together, `precondition` where
  ///   the kernel is larger than the padded input or nothing is summed.
  init(
    _ arguments: inout Arguments, x: Tensor, w: Tensor, isDepthwise: Bool
  ) throws(CaseError) {
    let name = arguments.string("layout") ?? "NCHW"
    guard let layout = Layout(rawValue: name) else {
      throw .malformed("layout '\(name)' is neither NCHW nor NHWC")
    }
    self.layout = layout
    guard x.shape.count == 4 else { throw .malformed("x must have 4 dimensions, not \(x.shape)") }
    guard w.shape.count == 4 else { throw .malformed("w must have 4 dimensions, not \(w.shape)") }
    let weightChannels: Int
    switch layout {
    case .channelsFirst:
      (batch, inputChannels, height, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
      (outputChannels, weightChannels) = (w.shape[0], w.shape[1])
      (kernelHeight, kernelWidth) = (w.shape[2], w.shape[3])
    case .channelsLast:
      (batch, height, width, inputChannels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
      (kernelHeight, kernelWidth) = (w.shape[1], w.shape[2])
      (outputChannels, weightChannels) =
        isDepthwise ? (w.shape[3], w.shape[0]) : (w.shape[0], w.shape[3])
      isDepthwiseChannelsLast = isDepthwise
    }
    if let kernel = arguments.integers("kernel_shape"), kernel != [kernelHeight, kernelWidth] {
      throw .malformed("kernel_shape \(kernel) is not that of w, \([kernelHeight, kernelWidth])")
    }
    strides = try Self.pair(&arguments, "strides")
    dilations = try Self.pair(&arguments, "dilations")
    group =
      isDepthwise
      ? inputChannels : try arguments.integer("group", in: 1...Self.attributeLimit, default: 1)
    try checkChannels(weightChannels)
    try readPads(&arguments)
    try readOutputSize()
  }

  private static func pair(
    _ arguments: inout Arguments, _ name: String
  ) throws(CaseError) -> (Int, Int) {
    guard let values = arguments.integers(name) else { return (1, 1) }
    guard values.count == 2, values.allSatisfy({ (1...attributeLimit).contains($0) }) else {
      throw .malformed("\(name) must be two integers from 1 to \(attributeLimit), not \(values)")
    }
    return (values[0], values[1])
  }

  private func checkChannels(_ weightChannels: Int) throws(CaseError) {
    guard kernelHeight > 0, kernelWidth > 0, inputChannels > 0 else {
      throw .precondition("a sum over nothing: no input channels or an empty kernel")
    }
    guard inputChannels % group == 0, outputChannels % group == 0 else {
      throw .malformed(
        "\(inputChannels) input and \(outputChannels) output channels in \(group) groups")
    }
    guard weightChannels == channelsPerGroup else {
      throw .malformed(
        "w has \(weightChannels) input channels; x has \(inputChannels) in \(group) groups")
    }
  }

  private mutating func readPads(_ arguments: inout Arguments) throws(CaseError) {
    let given = arguments.integers("pads")
    let automatic = arguments.string("auto_pad") ?? "NOTSET"
    guard ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"].contains(automatic) else {
      throw .malformed("auto_pad '\(automatic)' is unknown")
    }
    if let given {
      guard automatic == "NOTSET" else {
        throw .malformed("auto_pad \(automatic) and pads exclude each other")
      }
      guard given.count == 4, given.allSatisfy({ (0...Self.attributeLimit).contains($0) }) else {
        throw .malformed(
          "pads must be four integers from 0 to \(Self.attributeLimit), not \(given)")
      }
      pads = (given[0], given[1], given[2], given[3])
    }
    guard automatic.hasPrefix("SAME") else { return }
    isAutomatic = true
    let vertical = samePadding(height, effectiveHeight, strides.0)
    let horizontal = samePadding(width, effectiveWidth, strides.1)
    let isUpper = automatic == "SAME_UPPER"
    let top = isUpper ? vertical / 2 : vertical - vertical / 2
    let left = isUpper ? horizontal / 2 : horizontal - horizontal / 2
    pads = (top, left, vertical - top, horizontal - left)
  }

  /// The pads that make `ceil(size / stride)` outputs.
  private func samePadding(_ size: Int, _ kernel: Int, _ stride: Int) -> Int {
    let outputs = (size + stride - 1) / stride
    return max((outputs - 1) * stride + kernel - size, 0)
  }

  /// The extent of the kernel with its dilation.
  private var effectiveHeight: Int { (kernelHeight - 1) * dilations.0 + 1 }
  private var effectiveWidth: Int { (kernelWidth - 1) * dilations.1 + 1 }

  private mutating func readOutputSize() throws(CaseError) {
    if isAutomatic && (height == 0 || width == 0) {
      // SAME makes ceil(size / stride) outputs: none of nothing.
      outputHeight = (height + strides.0 - 1) / strides.0
      outputWidth = (width + strides.1 - 1) / strides.1
      return
    }
    let padded = (height + pads.0 + pads.2, width + pads.1 + pads.3)
    guard padded.0 >= effectiveHeight, padded.1 >= effectiveWidth else {
      throw .precondition(
        "a kernel of \(effectiveHeight)x\(effectiveWidth) is larger than the padded input of "
          + "\(padded.0)x\(padded.1)")
    }
    outputHeight = (padded.0 - effectiveHeight) / strides.0 + 1
    outputWidth = (padded.1 - effectiveWidth) / strides.1 + 1
    guard let count = Tensor.count(of: outputShape), count <= Self.maximumOutputs else {
      throw .precondition("an output of shape \(outputShape) is too large")
    }
  }
}

/// A convolution as sums of products.
struct Convolution: IntegerReduction {
  let geometry: ConvolutionGeometry
  let input: Tensor
  let weight: Tensor
  let biasTensor: Tensor?
  let inputZero: Int64
  let weightZeros: [Int64]

  var outputShape: [Int] { geometry.outputShape }
  var depth: Int { geometry.depth }

  func inputZero(of output: Int) -> Int64 { inputZero }
  func weightZero(of output: Int) -> Int64 {
    weightZeros.count == 1 ? weightZeros[0] : weightZeros[channel(of: output)]
  }
  func bias(of output: Int) -> Int64 {
    guard let bias = biasTensor else { return 0 }
    return bias.codes[bias.count == 1 ? 0 : channel(of: output)]
  }

  /// The output channel of a flat index.
  func channel(of output: Int) -> Int {
    geometry.layout == .channelsFirst
      ? output / (geometry.outputHeight * geometry.outputWidth) % geometry.outputChannels
      : output % geometry.outputChannels
  }

  func forEachTerm(of output: Int, _ body: (_ input: Int?, _ weight: Int) -> Void) {
    let g = geometry
    let (n, o, row, column) = position(of: output)
    let firstChannel = o / (g.outputChannels / g.group) * g.channelsPerGroup
    func visit(_ c: Int, _ kh: Int, _ kw: Int) {
      let y = row * g.strides.0 + kh * g.dilations.0 - g.pads.0
      let x = column * g.strides.1 + kw * g.dilations.1 - g.pads.1
      let isInside = y >= 0 && y < g.height && x >= 0 && x < g.width
      body(
        isInside ? inputIndex(n, firstChannel + c, y, x) : nil, weightIndex(o, c, kh, kw))
    }
    // The order of the weights in memory.
    switch g.layout {
    case .channelsFirst:
      for c in 0..<g.channelsPerGroup {
        for kh in 0..<g.kernelHeight { for kw in 0..<g.kernelWidth { visit(c, kh, kw) } }
      }
    case .channelsLast:
      for kh in 0..<g.kernelHeight {
        for kw in 0..<g.kernelWidth { for c in 0..<g.channelsPerGroup { visit(c, kh, kw) } }
      }
    }
  }

  private func position(of output: Int) -> (n: Int, o: Int, row: Int, column: Int) {
    let g = geometry
    switch g.layout {
    case .channelsFirst:
      let (image, rest) = output.quotientAndRemainder(
        dividingBy: g.outputChannels * g.outputHeight * g.outputWidth)
      let (o, place) = rest.quotientAndRemainder(dividingBy: g.outputHeight * g.outputWidth)
      return (image, o, place / g.outputWidth, place % g.outputWidth)
    case .channelsLast:
      let (place, o) = output.quotientAndRemainder(dividingBy: g.outputChannels)
      let (row, column) = place.quotientAndRemainder(dividingBy: g.outputWidth)
      return (row / g.outputHeight, o, row % g.outputHeight, column)
    }
  }

  private func inputIndex(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int {
    let g = geometry
    return g.layout == .channelsFirst
      ? ((n * g.inputChannels + c) * g.height + y) * g.width + x
      : ((n * g.height + y) * g.width + x) * g.inputChannels + c
  }

  private func weightIndex(_ o: Int, _ c: Int, _ kh: Int, _ kw: Int) -> Int {
    let g = geometry
    if g.isDepthwiseChannelsLast { return (kh * g.kernelWidth + kw) * g.outputChannels + o }
    return g.layout == .channelsFirst
      ? ((o * g.channelsPerGroup + c) * g.kernelHeight + kh) * g.kernelWidth + kw
      : ((o * g.kernelHeight + kh) * g.kernelWidth + kw) * g.channelsPerGroup + c
  }
}
