import CaseFormat
import Generation
import Operations
import Testing

/// Bugs of real kernels and observed behaviour: the smallest inputs that tell two semantics apart.
@Suite struct WitnessTests {
  /// One question asked in several dialects.
  private func ask(
    _ question: String, _ answers: [(dialect: String, answer: String)],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for row in answers {
      let found = answer(question.replacing("%@", with: row.dialect))
      #expect(found == row.answer, "\(row.dialect)", sourceLocation: sourceLocation)
    }
  }

  /// Observed: float32 to int8, in all dialects.
  @Test func quantizeTies() {
    ask(
      "quantize %@ | x float32 0.5 1.5 2.5 -0.5 | scale float32 1 | zero_point int8 0",
      [
        ("onnx", "0 2 2 0"), ("ideal", "0 2 2 0"), ("onnx-reference", "0 2 2 0"),
        ("pytorch", "0 2 2 0"),
        ("pytorch-export", "0 2 2 0"), ("tflite", "1 2 3 -1"), ("tflite-single", "1 2 3 -1"),
        ("tflite-away", "1 2 3 -1"), ("tflite-opt", "0 2 2 0"), ("xnnpack-fp32", "0 2 2 0"),
        ("openvino", "0 2 2 0"),
      ])
    ask(
      "quantize %@ | x float32 0.5 | scale float32 1 | zero_point uint8 3",
      [
        ("onnx", "3"), ("pytorch", "4"), ("pytorch-export", "3"), ("xnnpack-fp32", "3"),
        ("tflite-opt", "3"), ("tflite", "4"), ("openvino", "4"),
      ])
    ask(
      "quantize %@ axis=0 | x float32[1] 0.5 | scale float32 1 | zero_point uint8 3",
      [("pytorch", "4"), ("pytorch-export", "3"), ("onnx", "3")])
  }

  /// Known bugs: B31 (tract#2850), B37 (FBGEMM), B36 (FBGEMM), B92 (pytorch#106780), B95 (onnx).
  @Test func issues() {
    ask(
      "quantize %@ | x float32 0.25 0.75 1.25 1.75 | scale float32 0.5 | zero_point uint8 0",
      [("onnx", "0 2 2 4"), ("tflite", "1 2 3 4")])
    ask(
      "quantize %@ | x float32 2.5 | scale float32 1 | zero_point uint8 1",
      [("onnx", "3"), ("pytorch", "4")])
    ask(
      "quantize %@ | x float32 0.273939937 | scale float32 0.00214854861 | zero_point uint8 0",
      [("onnx", "127"), ("pytorch", "128"), ("pytorch-export", "128")])
    ask(
      "quantize %@ | x float32 1e10 2147483520 | scale float32 1 | zero_point uint8 128",
      [("onnx", "255 255"), ("ideal", "255 255"), ("onnx-reference", "null 0")])
    // QONNX's Trunc before its average pool; XNNPACK's float to int2.
    ask(
      "quantize %@ | x float32 3 -3 | scale float32 1 | zero_point int2 0",
      [("onnx", "1 -2"), ("ideal", "1 -2")])
  }

  /// Observed: dequantize.
  @Test func dequantize() {
    ask(
      "dequantize %@ | x int8 -124 | scale float32 0.1 | zero_point int8 3",
      [
        ("onnx", "-12.7"), ("tflite", "-12.7"), ("xnnpack-fp32", "-12.7"), ("pytorch", "-12.7"),
        ("tflite-opt", "-12.700001"),
      ])
  }

  /// QONNX HALF_UP against AP_RND.
  @Test func halfUp() {
    #expect(
      answer(
        """
        fake_quantize qonnx bit_width=4 rounding_mode=HALF_UP | x float32 -0.5 | scale float32 1 \
        | zero_point float32 0
        """) == "-1")
    #expect(
      answer("quantize ap_fixed output_dtype=fixed<4,4> rounding=AP_RND | x float32 -0.5") == "0")
  }

  /// per-tensor and per-channel of PyTorch differ beyond int64 and on fused ties only.
  @Test func perTensorAndPerChannel() {
    let parameters = "scale float32 0.1 | zero_point int32 3"
    let x = "1 -0.35 0.25 12.7 1e15 -1e15 25.6"
    #expect(
      answer("fake_quantize pytorch qmin=0 qmax=255 | x float32 \(x) | \(parameters)")
        == answer(
          "fake_quantize pytorch qmin=0 qmax=255 axis=0 | x float32[7] \(x) | \(parameters)"))
    #expect(
      answer(
        "fake_quantize pytorch qmin=0 qmax=255 axis=0 | x float32[2] 1e18 -1e18 | \(parameters)")
        == "null null / null null")
    #expect(
      answer("fake_quantize pytorch qmin=0 qmax=255 | x float32 1e18 -1e18 | \(parameters)")
        == "25.2 -0.3 / 0 0")
  }

  /// A convolution by the formula of [accumulate §4], read from nothing but shapes and attributes.
  @Test func convolutionFormula() throws {
    let dialect = try Dialect.named("ideal")
    for stream in 0..<40 {
      var choices = Choices(randomness: Randomness(seed: 77, stream: UInt64(stream)))
      var test = Conv2D.generate(from: &choices, dialect: dialect)
      if test.inputs.values.contains(where: { $0.count > 2000 }) { continue }
      test.attributes["output_dtype"] = .string("int64")
      if test.attributes["auto_pad"] != nil {
        test.attributes["auto_pad"] = nil
        test.attributes["pads"] = .integers([1, 0, 2, 1])
      }
      guard let y = try? Reference.evaluate(test)["y"]?.tensor else { continue }
      let x = try #require(test.inputs["x"])
      let w = try #require(test.inputs["w"])
      func pair(_ name: String) -> (Int, Int) {
        guard case .integers(let values)? = test.attributes[name] else { return (1, 1) }
        return (values[0], values[1])
      }
      var pads = [0, 0, 0, 0]
      if case .integers(let given)? = test.attributes["pads"] { pads = given }
      var group = 1
      if case .integer(let given)? = test.attributes["group"] { group = given }
      let isLast = test.attributes["layout"] == .string("NHWC")
      let (strides, dilations) = (pair("strides"), pair("dilations"))
      func at(_ tensor: Tensor, _ n: Int, _ c: Int, _ h: Int, _ w: Int) -> Int64 {
        let s = tensor.shape
        return isLast
          ? tensor.codes[((n * s[1] + h) * s[2] + w) * s[3] + c]
          : tensor.codes[((n * s[1] + c) * s[2] + h) * s[3] + w]
      }
      let (channels, height, width) = isLast ? (3, 1, 2) : (1, 2, 3)
      let zero = test.inputs["x_zero_point"]?.codes[0] ?? 0
      let outputs = w.shape[0]
      for index in 0..<y.count {
        let place = y.coordinates(of: index)
        let (n, o, row, column) = (place[0], place[channels], place[height], place[width])
        let weightZeros = test.inputs["w_zero_point"]?.codes ?? [0]
        let biases = test.inputs["bias"]?.codes ?? [0]
        let weightZero = weightZeros[weightZeros.count == 1 ? 0 : o]
        var sum = biases[biases.count == 1 ? 0 : o]
        for c in 0..<w.shape[channels] {
          for i in 0..<w.shape[height] {
            for j in 0..<w.shape[width] {
              let h = row * strides.0 - pads[0] + i * dilations.0
              let v = column * strides.1 - pads[1] + j * dilations.1
              guard h >= 0, h < x.shape[height], v >= 0, v < x.shape[width] else { continue }
              let channel = o / (outputs / group) * w.shape[channels] + c
              sum += (at(x, n, channel, h, v) - zero) * (at(w, o, c, i, j) - weightZero)
            }
          }
        }
        guard y.codes[index] == sum else {
          Issue.record("stream \(stream), \(place): \(y.codes[index]), by the formula \(sum)")
          break
        }
      }
    }
  }
}
