import Verification

extension Fault {
  /// Words of which an explanation must have one; empty where no name is asked for.
  ///
  /// They may stand in what the failure looks like, or in the stage that decides.
  public var expectedWords: [String] {
    switch self {
    case .halfEven, .halfAway, .halfUp, .halfDown, .halfToZero, .truncation, .floor, .ceiling:
      ["rounding", "tflite", "openvino", "onnx"]
    case .reciprocal: ["reciprocal", "tflite-opt"]
    case .division: ["division", "onnx"]
    case .zeroInside, .fused: ["before the rounding", "rounding", "zero point"]
    case .zeroOutside: ["after the rounding"]
    case .unfused: ["not fused"]
    case .zeroDropped, .inputZeroDropped, .weightZeroDropped, .accumulatorZeroDropped: ["ignored"]
    case .rangeIgnored: ["qmin and qmax ignored"]
    case .merged, .split: ["rounding", "tflite", "tosa", "cmsis"]
    case .pairsSaturate: ["saturating int16 pair sums"]
    case .accumulator16Wraps, .accumulator16Saturates: ["16 bits"]
    case .accumulator32Saturates: ["saturates"]
    case .biasDropped: ["bias ignored"]
    case .weightZeroFirst, .scaleFirst, .zeroFirst, .channelFirst: ["the first"]
    case .paddingZero: ["padding with 0"]
    case .padsOfLead: ["leading pads"]
    case .padsSwapped, .stridesSwapped, .dilationsSwapped: ["swapped"]
    case .dilationIgnored: ["dilations ignored"]
    default: []
    }
  }
}

extension MutantResult {
  /// Whether the explanation names the fault; nil where none was asked for or none is expected.
  public var isNamed: Bool? {
    guard let words = mutant.fault?.expectedWords, !words.isEmpty, wasExplained,
      verdict == .mismatch
    else { return nil }
    let said = [likeness, stage].compactMap { $0 }.joined(separator: "; ")
    return words.contains { said.contains($0) }
  }
}
