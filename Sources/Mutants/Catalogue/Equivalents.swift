/// A generic mutant that no case can tell from the right kernel, with the reason.
public struct Equivalent: Sendable {
  public var id: String
  /// Why no case can differ.
  public var proof: String

  /// Every equivalent, found by hand; `EquivalentTests` runs what can be run of the proofs.
  public static let all: [Equivalent] =
    unspecified + flushed + [
      Equivalent(
        id: "dynamic_quantize/onnx/scalar/int32-before-clamp",
        proof: """
          The scale is the range over 255, rounded: at worst, where it is subnormal, it is two thirds \
          of that, so that x / scale lies within 383 of zero and the cast never overflows.
          """)
    ]

  private static let unspecified = [
    Equivalent(
      id: "quantize/onnx/scalar/nan-highest",
      proof: "ONNX leaves the level of a NaN open: any value agrees, and nothing else changes."),
    Equivalent(
      id: "quantize/tflite/scalar/int32-before-clamp",
      proof: """
        The cast differs from the clamp only where the rounded value or its sum with the zero point \
        leaves int32, and exactly there the dialect leaves the result open.
        """),
  ]

  private static let flushed: [Equivalent] = [
    "requantize/onnx/scalar", "requantize/xnnpack-fp32/scalar", "qconv2d/onnx/avx2",
    "qmatmul/xnnpack-fp32/avx512vnni",
  ].map { kernel in
    Equivalent(
      id: "\(kernel)/subnormals-flushed",
      proof: """
        Only the product is flushed. A subnormal product is below 2^-126 and rounds to the level 0, as \
        zero does.
        """)
  }
}
