import CaseFormat
import Generation
import NumberFormats

/// Draws the scales of a quantized product, and biases that put its accumulators on ties.
enum QuantizedProductCases {
  /// Draws the three scales and the output zero point of a product of a given depth.
  static func addScales(
    from choices: inout Choices, _ rules: QuantizedProductRules, to test: inout Case,
    names: (input: String, weight: String), weightScaleShape: [Int], depth: Int,
    operandBits: (Int, Int)
  ) {
    let output = choices.type(rules.requantization.base.outputTypes ?? [.int8, .uint8])
    test.inputs["y_zero_point"] = choices.zeroPoints(output, shape: [])
    if choices.oneIn(8) {
      let ends = [choices.integer(of: output), choices.integer(of: output)].sorted()
      test.attributes["qmin"] = .integer(Int(ends[0]))
      test.attributes["qmax"] = .integer(Int(ends[1]))
    }
    let format = FloatFormat.binary32
    choices.beginBlock()
    // Scales that bring a typical sum to about the range of the output.
    let spread = Double(depth).squareRoot() * Double(1 << (operandBits.0 + operandBits.1 - 3))
    let target = Double(1 << (output.bits - 1)) / max(spread, 1)
    let hasPowers = choices.mood(2) == 0
    func draw(_ choices: inout Choices, around value: Double) -> Int64 {
      Int64(
        bitPattern: choices.scale(format) { randomness in
          if randomness.oneIn(24) { return randomness.scaleCode(format) }
          if hasPowers {
            let exponent = Double(sign: .plus, exponent: value.exponent, significand: 1)
            return format.code(of: exponent * randomness.power(-1...2))
          }
          return format.code(of: value * (0.25 + 2 * Double(randomness.below(1 << 20)) / 0x1p20))
        })
    }
    // (1 + e)(1 - e) lies so close below one that its 31-bit fraction rounds up to one.
    let isNextToOne = choices.mood(20) == 0
    let e = isNextToOne ? 0x1p-18 : 0
    let power = Double(sign: .plus, exponent: target.exponent, significand: 1)
    func near(_ choices: inout Choices, _ value: Double, plus: Double) -> Int64 {
      guard isNextToOne else { return draw(&choices, around: value) }
      return Int64(
        bitPattern: choices.scale(format) { _ in format.code(of: value * (1 + plus)) })
    }
    // A small multiplier, whose sums the bias brings up, lands so near to ties that its last bit shows.
    let fine = choices.mood(6) == 0 ? Double(1 << (6 + choices.mood(10))) : 1
    let x = near(&choices, 1, plus: e)
    let y = near(&choices, fine, plus: 0)
    let count = Tensor.count(of: weightScaleShape) ?? 0
    let weights = (0..<count).map { _ in
      near(&choices, isNextToOne ? power : target, plus: -e)
    }
    test.inputs[names.input] = Tensor(scalar: x, .float32)
    test.inputs["y_scale"] = Tensor(scalar: y, .float32)
    test.inputs[names.weight] = Tensor(.float32, shape: weightScaleShape, codes: weights)
  }

  /// Draws a bias that puts the first output of each channel on a level, on a tie or beside one.
  static func bias(
    from choices: inout Choices, for reduction: some IntegerReduction, channels: Int,
    firstOutput: (Int) -> Int, multiplier: (Int) -> Double, zero: Double, levels: ClosedRange<Int64>
  ) -> Tensor {
    choices.beginBlock()
    let range = Choices.range(of: .int32)
    let hasOutputs = (Tensor.count(of: reduction.outputShape) ?? 0) > 0
    let x = reduction.input.codes
    let w = reduction.weight.codes
    let codes = (0..<channels).map { channel -> Int64 in
      choices.integer(in: range) { randomness in
        guard hasOutputs else { return 0 }
        if randomness.oneIn(12) { return randomness.edge(range) }
        let output = firstOutput(channel)
        let xZero = reduction.inputZero(of: output)
        let wZero = reduction.weightZero(of: output)
        var sum: Int64 = 0
        reduction.forEachTerm(of: output) { input, weight in
          if let input { sum += (x[input] - xZero) * (w[weight] - wZero) }
        }
        let level: Double
        switch randomness.below(4) {
        case 0: level = Double(levels.lowerBound) + Double(randomness.below(5) - 3)
        case 1: level = Double(levels.upperBound) + Double(randomness.below(5) - 2)
        default: level = Double(randomness.within(levels))
        }
        let exact = (level + (randomness.oneIn(4) ? 0 : 0.5) - zero) / multiplier(channel)
        let moved = exact.rounded() + Double(randomness.below(3) - 1) - Double(sum)
        guard moved.isFinite, abs(moved) < 0x1p31 else { return randomness.within(-4096...4096) }
        return min(max(Int64(moved), range.lowerBound), range.upperBound)
      }
    }
    return Tensor(.int32, shape: [channels], codes: codes)
  }

  /// The multiplier of a pair of scales of a case, about.
  static func multiplier(_ test: Case, _ names: (String, String), _ channel: Int) -> Double {
    func value(_ name: String, _ index: Int) -> Double {
      guard let tensor = test.inputs[name], tensor.count > 0 else { return 1 }
      return tensor.number(at: tensor.count == 1 ? 0 : index).approximate
    }
    return value(names.0, 0) * value(names.1, channel) / value("y_scale", 0)
  }
}
