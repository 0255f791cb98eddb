extension Portable {
  /// Scatters every product to where it belongs: tap by tap, an image row at a time.
  static func conv2d(
    _ p: Conv2DParameters, x: UnsafeRawBufferPointer, w: UnsafeRawBufferPointer,
    bias: UnsafeRawBufferPointer?, y: UnsafeMutableRawBufferPointer
  ) {
    let (outHeight, outWidth) = (p.outHeight, p.outWidth)
    var sums = [Int32](repeating: 0, count: outHeight * outWidth)
    for n in 0..<p.batch {
      for o in 0..<p.outChannels {
        let start = bias?.loadUnaligned(fromByteOffset: 4 * o, as: Int32.self) ?? 0
        sums.withUnsafeMutableBufferPointer { sums in
          sums.update(repeating: start)
          accumulate(p, image: n, channel: o, x: x, w: w, into: sums)
        }
        for i in 0..<sums.count {
          let index =
            p.layout == .nchw
            ? (n * p.outChannels + o) * sums.count + i : (n * sums.count + i) * p.outChannels + o
          if let requantization = p.requantization {
            let level = requantized(sums[i], requantization, channel: o)
            store(level, as: requantization.output.type, to: y, at: index)
          } else {
            y.storeBytes(of: sums[i], toByteOffset: 4 * index, as: Int32.self)
          }
        }
      }
    }
  }

  /// Adds the products of output channel `o` to a plane of sums.
  private static func accumulate(
    _ p: Conv2DParameters, image n: Int, channel o: Int, x: UnsafeRawBufferPointer,
    w: UnsafeRawBufferPointer, into sums: UnsafeMutableBufferPointer<Int32>
  ) {
    let channels = p.inChannels / p.groups
    let firstChannel = o / (p.outChannels / p.groups) * channels
    let wZeroPoint = p.wZeroPoints.isEmpty ? 0 : p.wZeroPoints[p.wZeroPoints.count == 1 ? 0 : o]
    let (outHeight, outWidth) = (p.outHeight, p.outWidth)
    for c in 0..<channels {
      for ky in 0..<p.kernelHeight {
        for kx in 0..<p.kernelWidth {
          let wIndex =
            switch p.weightLayout {
            case .oihw: ((o * channels + c) * p.kernelHeight + ky) * p.kernelWidth + kx
            case .ohwi: ((o * p.kernelHeight + ky) * p.kernelWidth + kx) * channels + c
            case .hwo: (ky * p.kernelWidth + kx) * p.outChannels + o
            }
          let weight = load(p.wType, from: w, at: wIndex) - wZeroPoint
          for oy in 0..<outHeight {
            let iy = oy * p.strideHeight + ky * p.dilationHeight - p.padTop
            guard 0 <= iy && iy < p.height else { continue }
            for ox in 0..<outWidth {
              let ix = ox * p.strideWidth + kx * p.dilationWidth - p.padLeft
              guard 0 <= ix && ix < p.width else { continue }
              let xIndex =
                p.layout == .nchw
                ? ((n * p.inChannels + firstChannel + c) * p.height + iy) * p.width + ix
                : ((n * p.height + iy) * p.width + ix) * p.inChannels + firstChannel + c
              let value = load(p.xType, from: x, at: xIndex) - p.xZeroPoint
              sums[oy * outWidth + ox] &+= value * weight
            }
          }
        }
      }
    }
  }
}
