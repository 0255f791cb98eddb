import CaseFormat
import Generation
import NumberFormats

/// How other suites draw their data; shapes, zero points and attributes stay those of our case.
public enum Distribution: String, CaseIterable, Sendable {
  case fourAndEight = "s8 in [-4, 4], u8 in [0, 8]"
  case two = "int8 in [-2, 2]"
  case fitted = "weights in [-127, 127], scales fitted to the accumulators"
  case safePairs = "weights rewritten so that pairs cannot saturate"
  case uniform = "uniform random"

  /// A case with its data drawn anew.
  func redrawn(_ test: Case, _ randomness: inout Randomness) -> Case {
    var test = test
    for (name, weights) in [("x", "w"), ("a", "b")] {
      guard let x = test.inputs[name], let w = test.inputs[weights] else { continue }
      test.inputs[name]?.codes = x.codes.map { _ in input(x.dtype, &randomness) }
      test.inputs[weights]?.codes = self.weights(w, &randomness)
      if let bias = test.inputs["bias"] {
        test.inputs["bias"]?.codes = bias.codes.map { _ in randomness.within(-4096...4096) }
      }
      if self == .fitted { fitScale(&test, input: name, weight: weights) }
      return test
    }
    redrawElements(&test, &randomness)
    return test
  }

  private func range(_ type: DataType) -> ClosedRange<Int64> {
    let unused = Int64(64 - type.bits)
    return type.isSigned ? (.min >> unused)...(.max >> unused) : 0...(.max >> max(unused - 1, 0))
  }

  private func input(_ type: DataType, _ randomness: inout Randomness) -> Int64 {
    let full = range(type)
    switch self {
    case .fourAndEight: return clamp(randomness.within(type.isSigned ? -4...4 : 0...8), full)
    case .two: return clamp(randomness.within(type.isSigned ? -2...2 : 0...4), full)
    case .fitted, .safePairs, .uniform: return randomness.within(full)
    }
  }

  private func clamp(_ value: Int64, _ range: ClosedRange<Int64>) -> Int64 {
    min(max(value, range.lowerBound), range.upperBound)
  }

  private func weights(_ w: Tensor, _ randomness: inout Randomness) -> [Int64] {
    var codes = w.codes.map { _ -> Int64 in
      if self == .fitted && w.dtype == .int8 { return randomness.within(-127...127) }
      return input(w.dtype, &randomness)
    }
    if self == .safePairs {
      // 255 * (w0 + w1) must stay within int16.
      for index in stride(from: 0, to: codes.count - 1, by: 2) {
        let first = codes[index]
        codes[index + 1] = clamp(
          min(max(codes[index + 1], -128 - first), 128 - first), range(w.dtype))
      }
    }
    return codes
  }

  /// Sets the output's scale so that sums of this depth just fill its range.
  private func fitScale(_ test: inout Case, input: String, weight: String) {
    guard let scale = test.inputs["y_scale"], let xs = test.inputs[input + "_scale"],
      let ws = test.inputs[weight + "_scale"], let x = test.inputs[input],
      let w = test.inputs[weight]
    else { return }
    let outputs = max(1, input == "a" ? (w.shape.last ?? 1) : (w.shape.first ?? 1))
    let depth = Double(max(1, w.count / outputs))
    let spread = depth.squareRoot() * Double(Int64(1) << Int64(x.dtype.bits + 7 - 2))
    let product = Self.float(xs.codes[0]) * Self.float(ws.codes[0])
    let fitted = Float(Double(product) * spread / 127)
    if fitted.isNormal {
      test.inputs["y_scale"]?.codes = scale.codes.map { _ in Self.code(fitted) }
    }
  }

  private static func float(_ code: Int64) -> Float {
    Float(bitPattern: UInt32(truncatingIfNeeded: code))
  }

  private static func code(_ value: Float) -> Int64 { Int64(value.bitPattern) }

  /// Data of the element-wise operations: real values that stand for such levels, levels, sums.
  private func redrawElements(_ test: inout Case, _ randomness: inout Randomness) {
    if let acc = test.inputs["acc"] {
      let limit: Int64 =
        switch self {
        case .fourAndEight: 32 * 64
        case .two: 4 * 64
        case .fitted, .safePairs, .uniform: 1 << Int64(min(20, acc.dtype.bits - 1))
        }
      let full = range(acc.dtype)
      test.inputs["acc"]?.codes = acc.codes.map { _ in
        clamp(randomness.within(-limit...limit), full)
      }
      return
    }
    guard let x = test.inputs["x"] else { return }
    guard case .float(let format) = x.dtype else {
      test.inputs["x"]?.codes = x.codes.map { _ in input(x.dtype, &randomness) }
      return
    }
    let scale = test.inputs["scale"].map { $0.number(at: 0).approximate } ?? 1
    let levels: Double =
      switch self {
      case .fourAndEight: 4
      case .two: 2
      case .fitted, .safePairs, .uniform: 128
      }
    test.inputs["x"]?.codes = x.codes.map { _ in
      let part = Double(randomness.below(1 << 24)) / 0x1p23 - 1
      return Int64(bitPattern: format.encode(Number(part * levels * scale)))
    }
  }
}
