import CaseFormat
import Generation
import NumberFormats
import Operations
import Testing

/// Laws that tie answers to each other.
@Suite struct LawTests {
  private static func dialects(_ operation: String) -> [String] {
    Dialect.builtInNames.filter { (try? Dialect.named($0))?.defines(operation) ?? false }
  }

  private func y(_ test: Case) throws -> CaseFormat.Expectation {
    try #require(try Reference.evaluateFast(test)["y"])
  }

  // MARK: Levels

  static let affine = dialects("dequantize").filter { dialects("quantize").contains($0) }

  /// Every level comes back from its real value.
  @Test(arguments: affine) func roundTrip(dialect: String) {
    let levels = (-128...127).map(String.init).joined(separator: " ")
    for (scale, zero) in [("1", 0), ("0.0123", 3), ("0.1", -128), ("7.3", 127), ("1e-5", -1)] {
      let parameters = "| scale float32 \(scale) | zero_point int8 \(zero)"
      let reals = answer("dequantize \(dialect) | x int8 \(levels) \(parameters)")
      #expect(
        answer("quantize \(dialect) | x float32 \(reals) \(parameters)") == levels,
        "scale \(scale), zero point \(zero)")
    }
  }

  /// A larger input has no smaller level.
  @Test(arguments: dialects("quantize").filter { $0 != "ap_fixed" })
  func quantizeIsMonotone(dialect: String) throws {
    var numbers = SplitMix64(state: 7)
    for (scale, zero) in [("0.1", 3), ("0.0123", -7), ("0.5", 1), ("3.7", 127)] {
      var x: [Float] = (0..<80).map { _ in
        Float(Int(numbers.next() >> 40) - (1 << 23)) * 0x1p-16
      }
      x += (-60...60).map { Float($0) * 0.25 }
      x.sort()
      let text = x.map { "\($0)" }.joined(separator: " ")
      let test = try parse(
        "quantize \(dialect) | x float32 \(text) | scale float32 \(scale) | zero_point int8 \(zero)"
      )
      let codes = try y(test).tensor.codes
      #expect(zip(codes, codes.dropFirst()).allSatisfy { $0 <= $1 }, "scale \(scale)")
    }
  }

  /// Rounding once is monotone in the accumulator; two roundings are too.
  @Test(arguments: dialects("requantize")) func requantizeIsMonotone(dialect: String) throws {
    let acc = (-120...120).map { "\($0 * 3)" }.joined(separator: " ")
    for scale in ["0.5", "0.25", "0.0098781746", "0.7", "0.03"] {
      let test = try parse(
        "requantize \(dialect) | acc int32 \(acc) | scale float32 \(scale) | zero_point int8 5")
      let codes = try y(test).tensor.codes
      #expect(zip(codes, codes.dropFirst()).allSatisfy { $0 <= $1 }, "scale \(scale)")
    }
  }

  /// One parameter a channel is one parameter a slice; by `axis` counted from either end.
  @Test(arguments: ["onnx", "onnx-reference", "ideal"]) func perChannelIsSliceWise(dialect: String)
    throws
  {
    var numbers = SplitMix64(state: 21)
    let scales = ["0.1", "2", "0.0123"]
    let zeros = [3, -128, 127]
    for (axis, shape) in [(0, [3, 2, 2]), (1, [2, 3, 2]), (2, [2, 2, 3])] {
      let x = (0..<12).map { _ in Float(Int(numbers.next() >> 48) - (1 << 15)) * 0x1p-9 }
      let inner = shape[(axis + 1)...].reduce(1, *)
      let head = "x float32[\(shape.map(String.init).joined(separator: ","))]"
      let elements = x.map { "\($0)" }.joined(separator: " ")
      let parameters =
        "scale float32 \(scales.joined(separator: " ")) | zero_point int8 \(zeros.map(String.init).joined(separator: " "))"
      let whole = answer("quantize \(dialect) axis=\(axis) | \(head) \(elements) | \(parameters)")
      let fromTheEnd = answer(
        "quantize \(dialect) axis=\(axis - 3) | \(head) \(elements) | \(parameters)")
      let slices = x.indices.map { index in
        let channel = index / inner % 3
        return answer(
          "quantize \(dialect) | x float32 \(x[index]) | scale float32 \(scales[channel]) | zero_point int8 \(zeros[channel])"
        )
      }
      #expect(whole == slices.joined(separator: " ") && fromTheEnd == whole, "axis \(axis)")
      let levels =
        "dequantize \(dialect) axis=\(axis) | x int8[\(shape.map(String.init).joined(separator: ","))] \(whole)"
      let reals = slices.indices.map { index in
        let channel = index / inner % 3
        return answer(
          "dequantize \(dialect) | x int8 \(slices[index]) | scale float32 \(scales[channel]) | zero_point int8 \(zeros[channel])"
        )
      }
      #expect(answer("\(levels) | \(parameters)") == reals.joined(separator: " "), "axis \(axis)")
    }
  }

  /// [requantize §14]: what SINGLE_ROUND answers lies in the interval.
  @Test func intervalContainsSingleRounding() throws {
    let dialect = try Dialect.named("tosa-inexact")
    for stream in 0..<30 {
      var choices = Choices(randomness: Randomness(seed: 5, stream: UInt64(stream)))
      var test = Requantize.generate(from: &choices, dialect: dialect)
      guard let interval = try? y(test) else { continue }
      test.dialect = "tosa-single"
      guard let single = try? y(test) else { continue }
      for index in 0..<single.tensor.count where !single.isUnspecified(at: index) {
        #expect(
          interval.agrees(single.tensor.codes[index], at: index), "stream \(stream), \(index)")
      }
    }
  }

  // MARK: Sums

  /// [accumulate §3]: sum ab - za sum b - zb sum a + K za zb.
  @Test func zeroPointExpansion() throws {
    let dialect = try Dialect.named("ideal")
    for stream in 0..<16 {
      var choices = Choices(randomness: Randomness(seed: 6, stream: UInt64(stream)))
      var test = MatMul.generate(from: &choices, dialect: dialect)
      guard let a = test.inputs["a"], let b = test.inputs["b"], a.shape.count == 2,
        b.shape.count == 2, a.dtype.bits <= 8, b.dtype.bits <= 8
      else { continue }
      test.inputs["bias"] = nil
      test.attributes["output_dtype"] = .string("int64")
      let (m, depth, n) = (a.shape[0], a.shape[1], b.shape[1])
      let (za, zb) = (test.inputs["a_zero_point"], test.inputs["b_zero_point"])
      let whole = try y(test).tensor.codes
      test.inputs["a_zero_point"] = nil
      test.inputs["b_zero_point"] = nil
      let plain = try y(test).tensor.codes
      for row in 0..<m {
        let rowSum = a.codes[(row * depth)..<((row + 1) * depth)].reduce(0, +)
        let rowZero = za.map { $0.codes[$0.count == 1 ? 0 : row] } ?? 0
        for column in 0..<n {
          let columnSum = (0..<depth).reduce(0) { $0 + b.codes[$1 * n + column] }
          let columnZero = zb.map { $0.codes[$0.count == 1 ? 0 : column] } ?? 0
          let cross = rowZero * columnSum + columnZero * rowSum
          let expanded = plain[row * n + column] - cross + Int64(depth) * rowZero * columnZero
          guard whole[row * n + column] != expanded else { continue }
          Issue.record("stream \(stream), \(row), \(column): \(expanded)")
          return
        }
      }
    }
  }

  /// The axes of a tensor in another order.
  private func transposed(_ tensor: Tensor, _ order: [Int]) -> Tensor {
    let shape = order.map { tensor.shape[$0] }
    var strides = Array(repeating: 1, count: tensor.shape.count)
    for axis in tensor.shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * tensor.shape[axis + 1]
    }
    let target = Tensor(tensor.dtype, shape: shape, codes: tensor.codes)
    let codes = (0..<tensor.count).map { index in
      let source = zip(target.coordinates(of: index), order).reduce(0) { $0 + $1.0 * strides[$1.1] }
      return tensor.codes[source]
    }
    return Tensor(tensor.dtype, shape: shape, codes: codes)
  }

  /// [accumulate §11]: the integers do not depend on the layout.
  @Test(arguments: ["conv2d", "depthwise_conv2d", "qconv2d"]) func layouts(operation: String) throws {
    let dialect = try Dialect.named("onnx")
    let type = try #require(Registry.operation(named: operation))
    for stream in 0..<16 {
      var choices = Choices(randomness: Randomness(seed: 8, stream: UInt64(stream)))
      var test = type.generate(from: &choices, dialect: dialect)
      let before = try y(test).tensor
      let isLast = test.attributes["layout"] == .string("NHWC")
      let (toFirst, toLast) = ([0, 3, 1, 2], [0, 2, 3, 1])
      let data = isLast ? toFirst : toLast
      // Depthwise weights are [C*m, 1, kh, kw] and [1, kh, kw, C*m].
      let weights =
        operation == "depthwise_conv2d" ? (isLast ? [3, 0, 1, 2] : [1, 2, 3, 0]) : data
      test.attributes["layout"] = .string(isLast ? "NCHW" : "NHWC")
      test.inputs["x"] = try transposed(#require(test.inputs["x"]), data)
      test.inputs["w"] = try transposed(#require(test.inputs["w"]), weights)
      let after = try y(test).tensor
      #expect(transposed(before, data) == after, "stream \(stream)")
    }
  }

  /// [accumulate §10]: depthwise is a convolution with as many groups as channels.
  @Test func depthwiseIsGrouped() throws {
    let dialect = try Dialect.named("onnx")
    for stream in 0..<30 {
      var choices = Choices(randomness: Randomness(seed: 9, stream: UInt64(stream)))
      var test = DepthwiseConv2D.generate(from: &choices, dialect: dialect)
      let depthwise = try y(test)
      let isLast = test.attributes["layout"] == .string("NHWC")
      let x = try #require(test.inputs["x"])
      test.operation = "conv2d"
      test.attributes["group"] = .integer(x.shape[isLast ? 3 : 1])
      if isLast { test.inputs["w"] = try transposed(#require(test.inputs["w"]), [3, 1, 2, 0]) }
      #expect(try y(test) == depthwise, "stream \(stream)")
    }
  }

  /// A quantized product is its parts: accumulate, then requantize by the effective scale.
  @Test func quantizedProductIsItsParts() throws {
    for (dialect, scale) in [
      ("onnx", "0.25"), ("ideal", "0.25"), ("tosa-single", "0.25"), ("fbgemm", "0.25"),
    ] {
      let operands =
        "a uint8[2,3] 200 3 77 0 255 9 | a_zero_point uint8 7 | b int8[3,2] 5 -9 127 -128 3 1 | b_zero_point int8 0"
      let acc = answer("matmul \(dialect) | \(operands)")
      let whole = answer(
        "qmatmul \(dialect) | \(operands) | a_scale float32 0.5 | b_scale float32 0.25 | y_scale float32 0.5 | y_zero_point int8 3"
      )
      #expect(
        answer(
          "requantize \(dialect) | acc int32 \(acc) | scale float32 \(scale) | zero_point int8 3")
          == whole, "\(dialect)")
    }
  }
}
