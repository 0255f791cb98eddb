import CaseFormat

/// Where the factors of a product stand in memory, and where its result goes.
///
/// Rows are what one image or matrix has many of: pixels of the output, or rows of `a`. Columns are
/// output channels, or columns of `b`.
protocol Operands: Sendable {
  var batches: Int { get }
  var rows: Int { get }
  var columns: Int { get }
  var depth: Int { get }
  /// How many columns share the inputs of a row.
  var groups: Int { get }
  /// Calls `body` for each product of an output; no input where the tap lies in the padding.
  func forEachTap(
    batch: Int, row: Int, column: Int, _ body: (_ input: Int?, _ k: Int) -> Void)
  func weight(batch: Int, column: Int, k: Int) -> Int
  func output(batch: Int, row: Int, column: Int) -> Int
}

extension Operands {
  /// The group of a column.
  @inline(__always)
  func group(of column: Int) -> Int { groups == 1 ? 0 : column / (columns / groups) }
}

/// The factors of a convolution.
struct ConvolutionOperands: Operands {
  var isFirst = true
  var isDepthwise = false
  var batches = 1
  var inChannels = 1
  var height = 1
  var width = 1
  var columns = 1
  var kernel = (1, 1)
  var strides = (1, 1)
  var dilations = (1, 1)
  var pads = (0, 0)
  var rightPad = 0
  var outHeight = 1
  var outWidth = 1
  var groups = 1
  var fault: Fault?

  var rows: Int { outHeight * outWidth }
  var channelsPerGroup: Int { inChannels / groups }
  var depth: Int { channelsPerGroup * kernel.0 * kernel.1 }

  @inline(__always)
  func forEachTap(
    batch: Int, row: Int, column: Int, _ body: (_ input: Int?, _ k: Int) -> Void
  ) {
    let (y, x) = (row / outWidth * strides.0 - pads.0, row % outWidth * strides.1 - pads.1)
    let group: Int =
      switch fault {
      case .groupFirst: 0
      case .groupOfChannelModulo: column % groups
      default: self.group(of: column)
      }
    let n = fault == .batchFirst ? 0 : batch
    let margin = fault == .boundInclusive ? 1 : 0
    var k = 0
    @inline(__always) func visit(_ c: Int, _ kh: Int, _ kw: Int) {
      let (h, w) = (y + kh * dilations.0, x + kw * dilations.1)
      let isInside = h >= 0 && h < height && w >= 0 && w < width + margin
      body(isInside ? input(n, group * channelsPerGroup + c, h, w) : nil, k)
      k += 1
    }
    if isFirst {
      for c in 0..<channelsPerGroup {
        for kh in 0..<kernel.0 { for kw in 0..<kernel.1 { visit(c, kh, kw) } }
      }
    } else {
      for kh in 0..<kernel.0 {
        for kw in 0..<kernel.1 { for c in 0..<channelsPerGroup { visit(c, kh, kw) } }
      }
    }
  }

  @inline(__always)
  private func input(_ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Int {
    var pitch = width
    if fault == .foldedStride && rightPad == 0 && strides.1 > 1 {
      pitch = max(width / strides.1 * strides.1, 1)
    }
    let isFirst = fault == .layoutSwapped ? !self.isFirst : self.isFirst
    return isFirst
      ? (n * inChannels + c) * height * width + h * pitch + w
      : (n * height * width + h * pitch + w) * inChannels + c
  }

  @inline(__always)
  func weight(batch: Int, column: Int, k: Int) -> Int {
    let taps = kernel.0 * kernel.1
    var (c, tap) = isFirst ? (k / taps, k % taps) : (k % channelsPerGroup, k / channelsPerGroup)
    if fault == .kernelFlipped { tap = taps - 1 - tap }
    if fault == .kernelTransposed { tap = tap % kernel.1 * kernel.0 + tap / kernel.1 }
    if fault == .groupsRoundedUp && groups % 2 == 1 && groups > 1 && group(of: column) == groups - 1
    {
      c += channelsPerGroup * (columns / groups)
    }
    if isDepthwise && !isFirst { return tap * columns + column }
    return isFirst
      ? (column * channelsPerGroup + c) * taps + tap
      : (column * taps + tap) * channelsPerGroup + c
  }

  @inline(__always)
  func output(batch: Int, row: Int, column: Int) -> Int {
    let image = fault == .batchOutput ? outWidth : rows
    return isFirst
      ? batch * columns * image + column * rows + row
      : (batch * image + row) * columns + column
  }
}

/// The factors of a matrix product.
struct MatrixOperands: Operands {
  var batches = 1
  var rows = 1
  var columns = 1
  var depth = 1
  var groups: Int { 1 }
  var inputStride = 0
  var weightStride = 0
  var fault: Fault?

  @inline(__always)
  func forEachTap(
    batch: Int, row: Int, column: Int, _ body: (_ input: Int?, _ k: Int) -> Void
  ) {
    let n = fault == .batchFirst ? 0 : batch
    for k in 0..<depth { body(n * inputStride + row * depth + k, k) }
  }

  @inline(__always)
  func weight(batch: Int, column: Int, k: Int) -> Int {
    let base = fault == .batchWeights ? 0 : batch * weightStride
    return base + (fault == .weightsTransposed ? column * depth + k : k * columns + column)
  }

  @inline(__always)
  func output(batch: Int, row: Int, column: Int) -> Int {
    let matrix = fault == .batchOutput ? columns : rows * columns
    return batch * matrix + row * columns + column
  }
}
