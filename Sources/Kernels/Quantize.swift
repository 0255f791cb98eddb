import CKernels

/// Whose semantics an operation follows.
public enum Rule: String, CaseIterable, Sendable {
  /// Ties to even, float multipliers.
  case onnx
  /// Ties away from zero, fixed-point multipliers.
  case tflite

  var cRule: qk_rule { self == .onnx ? QK_ONNX : QK_TFLITE }
}

/// What `quantize` does to every element.
public struct QuantizeParameters: Equatable, Sendable {
  /// Rounds ties to even (`onnx`) or away from zero (`tflite`).
  public var rule: Rule
  /// Scales and zero points.
  public var affine: AffineParameters
  /// Type and bounds of the result, 8 or 16 bits.
  public var output: OutputRange

  /// All parameters.
  public init(rule: Rule, affine: AffineParameters, output: OutputRange) {
    self.rule = rule
    self.affine = affine
    self.output = output
  }
}

/// Quantizes float32: y = clamp(R(f32(x / scale)) + zero point).
///
/// - Rounding: R is to nearest, ties to even in `onnx`, away from zero in `tflite`. The division is
///   one too.
/// - Edge cases: infinities saturate; NaN gives an unspecified value.
public func quantize(
  tier: Tier, parameters: QuantizeParameters, x: UnsafeRawBufferPointer,
  y: UnsafeMutableRawBufferPointer
) throws(KernelError) {
  try parameters.affine.validate()
  try parameters.output.validate()
  let count = y.count / parameters.output.type.size
  try requireSize("y", bytes: y.count, count: count, of: parameters.output.type.size)
  try requireSize("x", bytes: x.count, count: count, of: 4)
  guard let cTier = tier.cTier else {
    return Portable.quantize(parameters, x: x, y: y, count: count)
  }
  let status = parameters.affine.withC { affine in
    withUnsafePointer(to: affine) {
      qk_quantize(
        cTier, parameters.rule.cRule, $0, parameters.output.cRange, x.baseAddress, y.baseAddress,
        count)
    }
  }
  try check(status, tier)
}
