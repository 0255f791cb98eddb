extension Portable {
  /// Row by row, adding multiples of the rows of b.
  static func matmul(
    _ p: MatMulParameters, a: UnsafeRawBufferPointer, b: UnsafeRawBufferPointer,
    bias: UnsafeRawBufferPointer?, y: UnsafeMutableRawBufferPointer
  ) {
    func zeroPoint(_ values: [Int32], _ index: Int) -> Int32 {
      values.isEmpty ? 0 : values[values.count == 1 ? 0 : index]
    }
    let bZeroPoints = (0..<p.n).map { zeroPoint(p.bZeroPoints, $0) }
    var sums = [Int32](repeating: 0, count: p.n)
    for row in 0..<p.m {
      for column in 0..<p.n {
        sums[column] = bias?.loadUnaligned(fromByteOffset: 4 * column, as: Int32.self) ?? 0
      }
      let aZeroPoint = zeroPoint(p.aZeroPoints, row)
      sums.withUnsafeMutableBufferPointer { sums in
        for k in 0..<p.k {
          let factor = load(p.aType, from: a, at: row * p.k + k) - aZeroPoint
          for column in 0..<p.n {
            let value = load(p.bType, from: b, at: k * p.n + column) - bZeroPoints[column]
            sums[column] &+= factor * value
          }
        }
      }
      for column in 0..<p.n {
        let index = row * p.n + column
        if let requantization = p.requantization {
          let level = requantized(sums[column], requantization, channel: column)
          store(level, as: requantization.output.type, to: y, at: index)
        } else {
          y.storeBytes(of: sums[column], toByteOffset: 4 * index, as: Int32.self)
        }
      }
    }
  }
}
