import CKernels

/// How images lie in memory, outermost dimension first.
public enum Layout: String, CaseIterable, Sendable {
  /// Batch, channels, height, width.
  case nchw
  /// Batch, height, width, channels.
  case nhwc
}

/// How convolution weights lie in memory, outermost dimension first.
public enum WeightLayout: String, CaseIterable, Sendable {
  /// Output channels, input channels of a group, height, width.
  case oihw
  /// Output channels, height, width, input channels of a group.
  case ohwi
  /// Height, width, output channels: depthwise weights [1, kh, kw, C*m].
  case hwo
}

/// The shape and the integers of a two-dimensional convolution, depthwise and grouped included.
public struct Conv2DParameters: Equatable, Sendable {
  /// The type of x, `int8` or `uint8`.
  public var xType: IntegerType
  /// The type of w, `int8` or `uint8`.
  public var wType: IntegerType
  /// The layout of x and y.
  public var layout: Layout
  /// The layout of w.
  public var weightLayout: WeightLayout
  /// Images.
  public var batch = 1
  /// Channels of x.
  public var inChannels: Int
  /// Rows of x.
  public var height: Int
  /// Columns of x.
  public var width: Int
  /// Channels of y.
  public var outChannels: Int
  /// Rows of the kernel.
  public var kernelHeight: Int
  /// Columns of the kernel.
  public var kernelWidth: Int
  /// Vertical step.
  public var strideHeight = 1
  /// Horizontal step.
  public var strideWidth = 1
  /// Rows of zero points above x.
  public var padTop = 0
  /// Columns of zero points left of x.
  public var padLeft = 0
  /// Rows of zero points below x.
  public var padBottom = 0
  /// Columns of zero points right of x.
  public var padRight = 0
  /// Vertical distance of taps.
  public var dilationHeight = 1
  /// Horizontal distance of taps.
  public var dilationWidth = 1
  /// Groups; as many as `inChannels` for a depthwise convolution.
  public var groups = 1
  /// The x that means zero, in the range of `xType`: what padding holds.
  public var xZeroPoint: Int32 = 0
  /// The w that means zero: none (0), one, or one per output channel, in the range of `wType`.
  public var wZeroPoints: [Int32] = []
  /// Nil for int32 results (mod 2^32); else applied to them, per output channel where it has
  /// several parameters.
  public var requantization: Requantization?

  /// A convolution of stride 1 without padding; the other properties are set afterwards.
  public init(
    xType: IntegerType, wType: IntegerType, layout: Layout, weightLayout: WeightLayout? = nil,
    inChannels: Int, height: Int, width: Int, outChannels: Int, kernelHeight: Int, kernelWidth: Int
  ) {
    self.xType = xType
    self.wType = wType
    self.layout = layout
    self.weightLayout = weightLayout ?? (layout == .nchw ? .oihw : .ohwi)
    self.inChannels = inChannels
    self.height = height
    self.width = width
    self.outChannels = outChannels
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
  }

  /// Rows of y: 0 where the kernel is larger than the padded image.
  public var outHeight: Int {
    Self.outSize(height, kernelHeight, dilationHeight, strideHeight, padTop, padBottom)
  }

  /// Columns of y: 0 where the kernel is larger than the padded image.
  public var outWidth: Int {
    Self.outSize(width, kernelWidth, dilationWidth, strideWidth, padLeft, padRight)
  }

  private static func outSize(
    _ size: Int, _ kernel: Int, _ dilation: Int, _ stride: Int, _ before: Int, _ after: Int
  ) -> Int {
    let room = size + before + after - ((kernel - 1) * dilation + 1)
    return room < 0 ? 0 : room / stride + 1
  }

  /// The type of y.
  public var outputType: IntegerType { requantization?.output.type ?? .int32 }

  /// Elements of x.
  public var xCount: Int { batch * inChannels * height * width }
  /// Elements of w.
  public var wCount: Int { outChannels * (inChannels / groups) * kernelHeight * kernelWidth }
  /// Elements of y.
  public var yCount: Int { batch * outChannels * outHeight * outWidth }

  func validate() throws(KernelError) {
    try requireEightBit("x", xType)
    try requireEightBit("w", wType)
    try validateShape()
    try requireZeroPoints([xZeroPoint], in: xType.min...xType.max)
    try requireZeroPoints(wZeroPoints, in: wType.min...wType.max)
    let channels = Channels(count: outChannels, inner: 1)
    if !wZeroPoints.isEmpty {
      try channels.requireMatch("w zero points", count: wZeroPoints.count)
    }
    try requantization?.validate(channels: channels)
  }

  private func validateShape() throws(KernelError) {
    // Far above any image, and far below what makes a sum of a few of them overflow.
    let largest = 1 << 40
    for (name, value, least) in [
      ("batch", batch, 0), ("input channels", inChannels, 1), ("height", height, 0),
      ("width", width, 0), ("output channels", outChannels, 0), ("kernel height", kernelHeight, 1),
      ("kernel width", kernelWidth, 1), ("stride", strideHeight, 1), ("stride", strideWidth, 1),
      ("pad", padTop, 0), ("pad", padLeft, 0), ("pad", padBottom, 0), ("pad", padRight, 0),
      ("dilation", dilationHeight, 1), ("dilation", dilationWidth, 1), ("groups", groups, 1),
    ] {
      try require((least...largest).contains(value), "\(name) \(value)")
    }
    _ = try product(kernelHeight, dilationHeight)
    _ = try product(kernelWidth, dilationWidth)
    try require(
      inChannels % groups == 0 && outChannels % groups == 0,
      "\(inChannels) input and \(outChannels) output channels in \(groups) groups")
    try require(
      weightLayout != .hwo || groups == inChannels,
      "weight layout hwo is depthwise only: \(inChannels) input channels in \(groups) groups")
    _ = try product(batch, inChannels, height, width)
    _ = try product(outChannels, inChannels / groups, kernelHeight, kernelWidth)
    _ = try product(batch, outChannels, outHeight, outWidth, 4)
  }

  /// The parameters as C takes them, valid during the call.
  func withC(
    bias: UnsafeRawBufferPointer?, _ body: (UnsafePointer<qk_conv2d>) -> qk_status
  ) -> qk_status {
    var c = qk_conv2d()
    (c.x_type, c.w_type) = (xType.cType, wType.cType)
    c.layout = layout == .nchw ? QK_NCHW : QK_NHWC
    switch weightLayout {
    case .oihw: c.weight_layout = QK_OIHW
    case .ohwi: c.weight_layout = QK_OHWI
    case .hwo: c.weight_layout = QK_HWO
    }
    (c.batch, c.in_channels, c.height, c.width) = (batch, inChannels, height, width)
    (c.out_channels, c.out_height, c.out_width) = (outChannels, outHeight, outWidth)
    (c.kernel_height, c.kernel_width) = (kernelHeight, kernelWidth)
    (c.stride_height, c.stride_width) = (strideHeight, strideWidth)
    (c.pad_top, c.pad_left) = (padTop, padLeft)
    (c.dilation_height, c.dilation_width) = (dilationHeight, dilationWidth)
    c.groups = groups
    c.x_zero_point = xZeroPoint
    c.bias = bias?.baseAddress
    return wZeroPoints.withUnsafeBufferPointer { zeroPoints in
      c.w_zero_points = zeroPoints.baseAddress
      c.w_zero_point_count = zeroPoints.count
      guard let requantization else { return withUnsafePointer(to: c, body) }
      return requantization.withC(channels: Channels(count: outChannels, inner: 1)) {
        c.requantization = $0
        return withUnsafePointer(to: c, body)
      }
    }
  }

  func requireSizes(
    w: UnsafeRawBufferPointer, bias: UnsafeRawBufferPointer?
  ) throws(KernelError) {
    try requireSize("w", bytes: w.count, count: wCount, of: 1)
    if let bias { try requireSize("bias", bytes: bias.count, count: outChannels, of: 4) }
  }

  func requireSizes(
    x: UnsafeRawBufferPointer, y: UnsafeMutableRawBufferPointer
  ) throws(KernelError) {
    try requireSize("x", bytes: x.count, count: xCount, of: 1)
    try requireSize("y", bytes: y.count, count: yCount, of: outputType.size)
  }
}

/// Throws unless a factor of a product is 8 bits wide.
func requireEightBit(_ name: String, _ type: IntegerType) throws(KernelError) {
  guard type == .int8 || type == .uint8 else {
    throw .unsupported("\(name) of type \(type.rawValue): int8 or uint8 only")
  }
}

/// Convolves: y = sum of (x - x zero point) * (w - w zero point) + bias, exact mod 2^32, then
/// requantized if the parameters say so.
public func conv2d(
  tier: Tier, parameters: Conv2DParameters, x: UnsafeRawBufferPointer, w: UnsafeRawBufferPointer,
  bias: UnsafeRawBufferPointer?, y: UnsafeMutableRawBufferPointer
) throws(KernelError) {
  try parameters.validate()
  try parameters.requireSizes(w: w, bias: bias)
  try parameters.requireSizes(x: x, y: y)
  guard let cTier = tier.cTier else {
    return Portable.conv2d(parameters, x: x, w: w, bias: bias, y: y)
  }
  let status = parameters.withC(bias: bias) {
    qk_conv2d_once(cTier, $0, x.baseAddress, w.baseAddress, y.baseAddress)
  }
  try check(status, tier)
}

/// A convolution whose weights are packed, to be run on many inputs, by several threads if need be.
public final class PreparedConv2D: @unchecked Sendable {
  // Sendable: nothing changes after `init`, and C does not change a plan while it runs it.
  private enum Weights {
    case plan(OpaquePointer)
    case portable(w: [UInt8], bias: [UInt8]?)
  }

  /// The tier that runs it.
  public let tier: Tier
  /// What was prepared.
  public let parameters: Conv2DParameters
  private let weights: Weights

  /// Packs `w`; neither it nor `bias` is needed afterwards.
  public init(
    tier: Tier, parameters: Conv2DParameters, w: UnsafeRawBufferPointer,
    bias: UnsafeRawBufferPointer?
  ) throws(KernelError) {
    try parameters.validate()
    try parameters.requireSizes(w: w, bias: bias)
    self.tier = tier
    self.parameters = parameters
    guard let cTier = tier.cTier else {
      weights = .portable(w: Array(w), bias: bias.map { Array($0) })
      return
    }
    var plan: OpaquePointer?
    let status = parameters.withC(bias: bias) {
      qk_conv2d_prepare(cTier, $0, w.baseAddress, &plan)
    }
    try check(status, tier)
    guard let plan else { throw .unsupported("no plan") }
    weights = .plan(plan)
  }

  deinit {
    if case .plan(let plan) = weights { qk_conv2d_free(plan) }
  }

  /// Convolves one batch.
  public func run(
    x: UnsafeRawBufferPointer, y: UnsafeMutableRawBufferPointer
  ) throws(KernelError) {
    try parameters.requireSizes(x: x, y: y)
    switch weights {
    case .plan(let plan):
      try check(qk_conv2d_run(plan, x.baseAddress, y.baseAddress), tier)
    case .portable(let w, let bias):
      w.withUnsafeBytes { w in
        guard let bias else { return Portable.conv2d(parameters, x: x, w: w, bias: nil, y: y) }
        bias.withUnsafeBytes { Portable.conv2d(parameters, x: x, w: w, bias: $0, y: y) }
      }
    }
  }
}
