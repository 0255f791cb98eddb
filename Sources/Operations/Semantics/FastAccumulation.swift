import CaseFormat

/// The bulk oracle for sums of products: 64-bit integers instead of GMP's.
///
/// Exact by `AccumulationRule.fastSums`, which only lets through what cannot overflow. Tests and
/// campaigns compare it with the definition.
extension Convolution {
  /// The exact sums of all outputs, the bias included.
  func sums(into result: inout [Int64]) {
    let g = geometry
    let x = input.codes.map { $0 - inputZero }
    let filterSize = g.depth
    let perGroup = g.outputChannels / max(g.group, 1)
    // Weights in the order [o][c][kh][kw], whatever their layout was.
    var w = Array(repeating: Int64(0), count: g.outputChannels * filterSize)
    let isFirst = g.layout == .channelsFirst
    for o in 0..<g.outputChannels {
      let zero = weightZeros.count == 1 ? weightZeros[0] : weightZeros[o]
      for c in 0..<g.channelsPerGroup {
        for k in 0..<g.kernelHeight * g.kernelWidth {
          let source: Int
          if g.isDepthwiseChannelsLast {
            source = k * g.outputChannels + o
          } else if isFirst {
            source = (o * g.channelsPerGroup + c) * g.kernelHeight * g.kernelWidth + k
          } else {
            source = (o * g.kernelHeight * g.kernelWidth + k) * g.channelsPerGroup + c
          }
          w[(o * g.channelsPerGroup + c) * g.kernelHeight * g.kernelWidth + k] =
            weight.codes[source] - zero
        }
      }
    }
    let plane = g.height * g.width
    let pixelStride = isFirst ? 1 : g.inputChannels
    let channelStride = isFirst ? plane : 1
    x.withUnsafeBufferPointer { x in
      w.withUnsafeBufferPointer { w in
        var output = 0
        func one(_ n: Int, _ o: Int, _ row: Int, _ column: Int) {
          var sum = bias(of: output)
          let first =
            n * plane * g.inputChannels + o / perGroup * g.channelsPerGroup * channelStride
          for kh in 0..<g.kernelHeight {
            let y = row * g.strides.0 + kh * g.dilations.0 - g.pads.0
            if y < 0 || y >= g.height { continue }
            for kw in 0..<g.kernelWidth {
              let at = column * g.strides.1 + kw * g.dilations.1 - g.pads.1
              if at < 0 || at >= g.width { continue }
              var source = first + (y * g.width + at) * pixelStride
              var tap = o * filterSize + kh * g.kernelWidth + kw
              for _ in 0..<g.channelsPerGroup {
                sum &+= x[source] &* w[tap]
                source += channelStride
                tap += g.kernelHeight * g.kernelWidth
              }
            }
          }
          result[output] = sum
          output += 1
        }
        for n in 0..<g.batch {
          if isFirst {
            for o in 0..<g.outputChannels {
              for row in 0..<g.outputHeight {
                for column in 0..<g.outputWidth { one(n, o, row, column) }
              }
            }
          } else {
            for row in 0..<g.outputHeight {
              for column in 0..<g.outputWidth {
                for o in 0..<g.outputChannels { one(n, o, row, column) }
              }
            }
          }
        }
      }
    }
  }
}

extension MatrixProduct {
  /// The exact sums of all outputs, the bias included.
  func sums(into result: inout [Int64]) {
    input.codes.withUnsafeBufferPointer { a in
      weight.codes.withUnsafeBufferPointer { b in
        var output = 0
        for batch in 0..<(result.count / max(rows * columns, 1)) {
          let (batchA, batchB) = operandBatches(batch)
          for row in 0..<rows {
            let aZero = rowZeros.code(batch: batchA, slice: row)
            for column in 0..<columns {
              let bZero = columnZeros.code(batch: batchB, slice: column)
              var sum = bias(of: output)
              var left = (batchA * rows + row) * depth
              var right = batchB * depth * columns + column
              for _ in 0..<depth {
                sum &+= (a[left] - aZero) &* (b[right] - bZero)
                left += 1
                right += columns
              }
              result[output] = sum
              output += 1
            }
          }
        }
      }
    }
  }
}
