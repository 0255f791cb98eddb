import CaseFormat
import Generation
import NumberFormats
import Operations
import Testing

/// The case format, "Semantics that two careful readers would otherwise decide differently", one by one.
@Suite struct CaseRuleTests {
  /// A case whose answer is not an error, so that one change can be seen to make it one.
  private func goodCase(_ definition: Definition) -> Case? {
    definition.cases(12).map(\.test).first { (try? Reference.evaluate($0)) != nil }
  }

  private func refusal(_ test: Case) -> CaseError? {
    do throws(CaseError) {
      _ = try Reference.evaluate(test)
      return nil
    } catch {
      return error
    }
  }

  /// A scale must be finite and greater than zero, in every dialect; a subnormal one is legal.
  @Test(arguments: Definition.all) func scales(definition: Definition) throws {
    for (test, _) in definition.cases(3) {
      for (name, scale) in test.inputs where name.hasSuffix("scale") && scale.count > 0 {
        guard case .float(let format) = scale.dtype else { continue }
        let wrong = ["0", "-0", "-1", "nan", "inf", "-inf"].compactMap {
          try? ElementText.code(of: $0, as: scale.dtype)
        }
        #expect(!wrong.isEmpty)
        for code in wrong {
          var changed = test
          changed.inputs[name]?.codes[scale.count - 1] = code
          let error = refusal(changed)
          #expect(
            error?.kind == .precondition && error?.message.hasPrefix(name) ?? false,
            "\(name) \(format.name) 0x\(String(code, radix: 16)): \(String(describing: error))")
        }
        var subnormal = test
        subnormal.inputs[name]?.codes = scale.codes.map { _ in 1 }
        let error = refusal(subnormal)
        #expect(
          error?.kind != .malformed && !(error?.message.contains("greater than zero") ?? false))
      }
    }
  }

  /// An empty tensor does not excuse its parameters.
  @Test func scalesOfEmptyTensors() {
    checkErrors([
      (
        "quantize onnx | x float32[0] | scale float32 0 | zero_point int8 0",
        "precondition: scale is 0"
      ),
      ("dequantize onnx | x int8[0] | scale float32 nan", "precondition: scale is NaN"),
      (
        "requantize onnx | acc int32[0] | scale float32 -1 | zero_point int8 0",
        "precondition: scale is -1"
      ),
      (
        "quantize onnx axis=0 | x float32[2] 1 1 | scale float32 1 inf | zero_point int8 0",
        "precondition: scale[1] is inf"
      ),
      ("dequantize onnx | x int8 1 | scale float8_e8m0fnu nan", "precondition: scale is NaN"),
      ("bipolar_quantize qonnx | x float32[0] | scale float32 0", "precondition: scale is 0"),
    ])
  }

  /// Every input but an optional one must be there, and every other is unknown; so with attributes.
  @Test(arguments: Definition.all) func declaration(definition: Definition) throws {
    let test = try #require(goodCase(definition))
    for input in definition.operation.declaration.inputs where !input.isOptional {
      var changed = test
      changed.inputs[input.name] = nil
      #expect(refusal(changed) == .malformed("missing input '\(input.name)'"))
    }
    var changed = test
    changed.inputs["surprise"] = Tensor(scalar: 0, .int8)
    #expect(refusal(changed)?.description.hasPrefix("malformed: unknown input 'surprise'") ?? false)
    changed = test
    changed.attributes["surprise"] = .integer(0)
    #expect(
      refusal(changed)?.description.hasPrefix("malformed: unknown attribute 'surprise'") ?? false)
    for attribute in definition.operation.declaration.attributes {
      changed = test
      changed.attributes[attribute.name] =
        attribute.kind == .string ? .integer(0) : .string("surprise")
      let expected = "attribute '\(attribute.name)' must be \(attribute.kind.rawValue)"
      #expect(refusal(changed) == .malformed(expected))
    }
  }

  /// An empty parameter, or one of a wrong shape, is malformed; no parameter crashes the reference.
  @Test(arguments: Definition.all) func parameterShapes(definition: Definition) throws {
    for (test, _) in definition.cases(4) where (try? Reference.evaluate(test)) != nil {
      for (name, tensor) in test.inputs {
        for shape in [[0], [3, 0, 2], [997], [2, 1, 499], []] {
          var changed = test
          let count = Tensor.count(of: shape) ?? 0
          let code = tensor.codes.first ?? 1
          changed.inputs[name] = Tensor(
            tensor.dtype, shape: shape, codes: Array(repeating: code, count: count))
          guard let error = refusal(changed) else {
            let isParameter = name.hasSuffix("scale") || name.hasSuffix("zero_point")
            // Of an operand without elements there is nothing to scale.
            let isEmpty = ["w", "a", "b"].contains { test.inputs[$0]?.count == 0 }
            let isLegal = count > 0 || !isParameter || isEmpty
            #expect(isLegal, "\(name) of shape \(shape)")
            continue
          }
          #expect(error.kind != .unsupported, "\(name) of shape \(shape): \(error)")
        }
      }
    }
  }

  /// `x_zero_point` has the dtype of x, `w_zero_point` of w, `zero_point` that of the levels.
  @Test func typesOfZeroPoints() {
    let product =
      "a uint8[1,1] 1 | a_scale float32 1 | b int8[1,1] 1 | b_scale float32 1 | y_scale float32 1"
    checkErrors([
      (
        "qmatmul onnx | \(product) | a_zero_point int8 0 | b_zero_point int8 0 | y_zero_point int8 0",
        "malformed: a_zero_point is int8, must be uint8"
      ),
      (
        "qmatmul onnx | \(product) | a_zero_point uint8 0 | b_zero_point uint8 0 | y_zero_point int8 0",
        "malformed: b_zero_point is uint8, must be int8"
      ),
      (
        "qmatmul onnx | \(product) | a_zero_point uint8 0 | b_zero_point int8 0 | y_zero_point float32 0",
        "malformed: y_zero_point must have an integer type"
      ),
      (
        "dequantize onnx | x int8 1 | scale float32 1 | zero_point uint8 0",
        "malformed: zero_point is uint8"
      ),
      (
        "dequantize ideal | x int8 1 | scale float32 1 | zero_point int32 0",
        "malformed: zero_point is int32"
      ),
      (
        "quantize onnx output_dtype=int8 | x float32 1 | scale float32 1 | zero_point uint8 0",
        "malformed: output_dtype is int8, but zero_point is uint8"
      ),
      (
        "quantize onnx output_dtype=int9 | x float32 1 | scale float32 1",
        "malformed: attribute 'output_dtype': unknown dtype 'int9'"
      ),
      ("quantize onnx | x float32 1 | scale float32 1 | zero_point int32 0", "unsupported: "),
    ])
    check([
      // Without zero point and `output_dtype`: uint8.
      ("quantize onnx | x float32 -5 300 | scale float32 1", "0 255"),
      ("quantize onnx output_dtype=int8 | x float32 -5 300 | scale float32 1", "-5 127"),
    ])
  }

  /// One element: `x_scale`, `y_scale`, `y_zero_point`, `x_zero_point`, `acc_zero_point`.
  @Test func oneElement() {
    let zeros = "x_zero_point uint8 0 | w_zero_point int8 0 | y_zero_point int8 0"
    let x = "x uint8[1,1,1,1] 1 | w int8[2,1,1,1] 1 1"
    checkErrors([
      (
        "qconv2d onnx | \(x) | \(zeros) | x_scale float32 1 1 | w_scale float32 1 | y_scale float32 1",
        "malformed: x_scale has 2 elements"
      ),
      (
        "qconv2d onnx | \(x) | \(zeros) | x_scale float32 1 | w_scale float32 1 | y_scale float32 1 1",
        "malformed: y_scale has 2 elements"
      ),
      (
        "qconv2d onnx | \(x) | \(zeros) | x_scale float32 1 | w_scale float32 1 1 1 | y_scale float32 1",
        "malformed: w_scale has 3 elements"
      ),
      (
        "qconv2d onnx | \(x) | x_zero_point uint8 0 | w_zero_point int8 0 | y_zero_point int8 0 0 "
          + "| x_scale float32 1 | w_scale float32 1 | y_scale float32 1",
        "malformed: y_zero_point has 2 elements"
      ),
      (
        "qconv2d onnx | \(x) | x_zero_point uint8 0 0 | w_zero_point int8 0 | y_zero_point int8 0 "
          + "| x_scale float32 1 | w_scale float32 1 | y_scale float32 1",
        "malformed: x_zero_point has 2 elements"
      ),
    ])
    check([
      (
        "qconv2d onnx | \(x) | \(zeros) | x_scale float32 1 | w_scale float32 1 2 | y_scale float32 1",
        "1 2"
      ),
      (
        "qconv2d onnx | \(x) | \(zeros) | x_scale float32[1,1] 1 | w_scale float32[1] 1 | y_scale float32[1] 1",
        "1 1"
      ),
    ])
  }

  /// `block_size` belongs to `ideal` and `onnx`.
  @Test(arguments: ["quantize", "dequantize"]) func blockSize(operation: String) throws {
    for name in Dialect.builtInNames where name != "ap_fixed" {
      let dialect = try Dialect.named(name)
      guard dialect.defines(operation), !name.hasPrefix("onnx") else { continue }
      let x = operation == "quantize" ? "x float32[4] 1 1 1 1" : "x int8[4] 1 1 1 1"
      let found = answer(
        "\(operation) \(name) axis=0 block_size=2 | \(x) | scale float32[2] 1 2 | zero_point int8[2] 0 0"
      )
      if name == "ideal" {
        #expect(found == (operation == "quantize" ? "1 1 0 0" : "1 1 2 2"))
      } else {
        #expect(found.hasPrefix("malformed"), "\(name): \(found)")
      }
    }
    checkErrors([
      (
        "quantize onnx axis=0 block_size=2 | x float32[4] 1 1 1 1 | scale float32[3] 1 2 3 | zero_point int8[3] 0 0 0",
        "malformed: scale of shape [3] must be [2]"
      ),
      (
        "quantize onnx axis=0 block_size=-1 | x float32[4] 1 1 1 1 | scale float32 1",
        "malformed: attribute 'block_size' is -1"
      ),
      (
        "quantize onnx axis=0 block_size=2 | x float32[4] 1 1 1 1 | scale float32[2] 1 2 | zero_point int8[1] 0",
        "malformed: zero_point of shape [1]"
      ),
    ])
  }

  /// An attribute that means nothing in the dialect is malformed, not ignored.
  @Test func meaninglessAttributes() {
    let x = "| x float32 1 | scale float32 1 | zero_point int8 0"
    let fake = "| x float32 1 | scale float32 1 | zero_point int32 0"
    checkErrors([
      (
        "quantize tflite saturate=1 \(x)",
        "malformed: attribute 'saturate' means nothing in dialect 'tflite'"
      ),
      ("quantize tflite precision=float32 \(x)", "malformed: attribute 'precision'"),
      ("quantize onnx overflow=AP_SAT \(x)", "malformed: attribute 'overflow'"),
      ("quantize onnx saturation_bits=0 \(x)", "malformed: attribute 'saturation_bits'"),
      ("fake_quantize ideal qmin=0 qmax=1 learnable=1 \(fake)", "malformed: attribute 'learnable'"),
      (
        "fake_quantize pytorch qmin=0 qmax=1 bit_width=4 \(fake)",
        "malformed: attribute 'bit_width'"
      ),
      (
        "fake_quantize pytorch qmin=0 qmax=1 rounding_mode=ROUND \(fake)",
        "malformed: attribute 'rounding_mode'"
      ),
      (
        "fake_quantize pytorch qmin=0 qmax=1 clamp=TensorClamp \(fake)",
        "malformed: attribute 'clamp'"
      ),
      ("fake_quantize qonnx bit_width=4 qmin=0 \(fake)", "malformed: attribute 'qmin'"),
      ("fake_quantize qonnx bit_width=4 axis=0 \(fake)", "malformed: attribute 'axis'"),
      ("fake_quantize brevitas qmin=0 qmax=1 clamp=Clip \(fake)", "malformed: clamp 'Clip'"),
      ("fake_quantize qonnx \(fake)", "malformed: fake_quantize needs the attribute 'bit_width'"),
      ("fake_quantize qonnx bit_width=0 \(fake)", "malformed: bit_width 0"),
      ("fake_quantize qonnx bit_width=65 \(fake)", "malformed: bit_width 65"),
      (
        "fake_quantize pytorch qmin=0 qmax=1 learnable=2 \(fake)",
        "malformed: attribute 'learnable' is 2"
      ),
    ])
  }

  /// What a dialect does not define is `unsupported`, with the reason.
  @Test func unsupported() {
    let x = "| x float32 1 | scale float32 1 | zero_point int8 0"
    let product = "| a uint8[1,1] 1 | b int8[1,1] 1"
    checkErrors([
      ("quantize tosa-single \(x)", "unsupported: TOSA has no float"),
      ("quantize cmsis-nn \(x)", "unsupported: CMSIS-NN has no float kernels"),
      ("matmul pytorch \(product)", "unsupported: quantized linear layers belong to an engine"),
      ("matmul qonnx \(product)", "unsupported: dialect 'qonnx' does not define matmul"),
      ("dynamic_quantize tflite | x float32 1", "unsupported: "),
      (
        "quantize tflite | x float16 1 | scale float32 1 | zero_point int8 0",
        "unsupported: dialect 'tflite' has no float16 for x"
      ),
      (
        "dequantize xnnpack-fp32 | x int32 1 | scale float32 1 | zero_point int32 0",
        "unsupported: dialect 'xnnpack-fp32' has no int32"
      ),
      ("dance onnx \(x)", "malformed: unknown op 'dance'"),
      ("quantize numpy \(x)", "malformed: dialect: numpy: no such dialect"),
    ])
  }

  /// Special values §5: a reciprocal that overflows goes on by IEEE 754.
  @Test func reciprocalOverflows() {
    let x = "x float32 1 0 -1 -0"
    let edge = "scale float32 0x1p-128 | zero_point int8 3"
    check([
      ("quantize pytorch-export | \(x) | \(edge)", "127 null -128 null"),
      ("quantize pytorch axis=0 | x float32[4] 1 0 -1 -0 | \(edge)", "127 null -128 null"),
      ("quantize tflite-opt | \(x) | \(edge)", "null null null null"),
      ("quantize onnx | \(x) | \(edge)", "127 3 -128 3"),
      ("quantize ideal | \(x) | \(edge)", "127 3 -128 3"),
      (
        "quantize onnx | x float32 0x1p-129 0x1p-149 | scale float32 0x1p-129 | zero_point int8 3",
        "4 3"
      ),
      // One step above 2^-128 the reciprocal is finite.
      (
        "quantize pytorch-export | x float32 0 0x1p-126 | scale float32 0x1.000008p-128 | zero_point int8 3",
        "3 7"
      ),
      ("quantize onnx | x float32 0x1p-149 | scale float32 0x1p-149 | zero_point int8 0", "1"),
      ("quantize onnx | x float32 0x1p-130 | scale float32 0x1p-131 | zero_point int8 0", "2"),
    ])
  }

  /// Special values §9: who saturates an infinity, and who converts it.
  @Test func infinities() {
    for dialect in ["ideal", "onnx", "pytorch", "pytorch-export", "xnnpack-fp32", "openvino"] {
      let found = answer(
        "quantize \(dialect) | x float32 inf -inf 1e30 -1e30 | scale float32 0.1 | zero_point int8 5"
      )
      #expect(found == "127 -128 127 -128", "\(dialect)")
    }
    for dialect in ["onnx-reference", "tflite", "tflite-opt", "tflite-single", "tflite-away"] {
      let found = answer(
        "quantize \(dialect) | x float32 inf -inf nan 1e20 | scale float32 0.1 | zero_point int8 5")
      #expect(found == "null null null null", "\(dialect)")
    }
  }

  /// Special values §3: negative zero.
  @Test func negativeZero() {
    check([
      (
        "fake_quantize pytorch qmin=-8 qmax=7 | x float32 -0.3 -0 | scale float32 1 | zero_point int32 0",
        "0 0 / 1 1"
      ),
      (
        "fake_quantize ideal qmin=-8 qmax=7 | x float32 -0.3 -0 | scale float32 1 | zero_point int32 0",
        "0 0 / 1 1"
      ),
      (
        "fake_quantize brevitas qmin=-8 qmax=7 | x float32 -0.3 -0 | scale float32 1 | zero_point float32 0",
        "-0 0 / 1 1"
      ),
      (
        "fake_quantize qonnx-python bit_width=4 | x float32 -0.3 -0 | scale float32 1 | zero_point float32 0",
        "-0 0"
      ),
      (
        "fake_quantize qonnx bit_width=4 | x float32 -0.3 -0 | scale float32 1 | zero_point float32 0",
        "0 0"
      ),
      ("dequantize onnx | x float8_e4m3fn -0 0 | scale float32 2", "-0 0"),
      ("dequantize ideal | x float8_e4m3fn -0 0 | scale float32 2", "0 0"),
    ])
    // An integer equal to its zero point is +0, but where a rounded -z * s is added in one fma.
    for name in Dialect.builtInNames
    where name != "openvino" && (try? Dialect.named(name))?.defines("dequantize") ?? false {
      #expect(
        answer("dequantize \(name) | x int8 5 -5 | scale float32 0.3 | zero_point int8 5")
          .hasPrefix("0 "), "\(name)")
    }
  }

  /// Special values §11: the least integers.
  @Test func leastIntegers() {
    check([
      (
        "requantize tflite | acc int32 -2147483648 | multiplier int32 1073741824 | shift int8 1 | zero_point int8 0",
        "null"
      ),
      ("requantize onnx | acc int32 -2147483648 | scale float32 1 | zero_point int8 0", "-128"),
      (
        "requantize ideal | acc int64 -9223372036854775808 | scale float32 1 | zero_point int64 0",
        "-9223372036854775808"
      ),
      (
        "requantize ideal | acc int64 9223372036854775807 | acc_zero_point int64 -9223372036854775808 | scale float32 0x1p-64 | zero_point int8 0",
        "1"
      ),
      (
        "dequantize ideal | x int64 -9223372036854775808 | scale float64 1 | zero_point int64 9223372036854775807",
        "-1.8446744073709552e+19"
      ),
    ])
  }

  /// `tosa-inexact`: the value where there is one, else null; a check accepts the interval.
  @Test func interval() throws {
    let test = try parse(
      "requantize tosa-inexact | acc int32 5 4 | multiplier int32 1073741824 | shift int8 31 | zero_point int8 0"
    )
    let y = try #require(try Reference.evaluate(test)["y"])
    #expect(y.agrees(2, at: 0) && y.agrees(3, at: 0) && !y.agrees(1, at: 0) && !y.agrees(4, at: 0))
    #expect(y.agrees(2, at: 1) && !y.agrees(3, at: 1))
    var written = test
    written.outputs = ["y": y]
    #expect(CaseFile.json(written).description.contains("\"data\": [null, 2]"))
  }

  /// `fbgemm` and `onnx` multiply in one order, `qnnpack` by a reciprocal, `onednn` by three factors.
  @Test func effectiveScales() {
    let rows: [(scales: (String, String, String), acc: Int, y: [String: String])] = [
      (
        ("0.298", "0.886", "0.149"), 125,
        ["onnx": "222", "fbgemm": "222", "qnnpack": "222", "onednn": "221", "ideal": "221"]
      ),
      (
        ("0.8", "0.605", "0.264"), 9,
        ["onnx": "17", "fbgemm": "17", "qnnpack": "16", "onednn": "17", "ideal": "17"]
      ),
      (
        ("0.326", "0.92", "0.044"), 275,
        ["onnx": "1875", "fbgemm": "1875", "qnnpack": "1874", "onednn": "1874", "ideal": "1875"]
      ),
      (
        ("0.9", "0.015", "0.693"), 77,
        ["onnx": "2", "qnnpack": "1", "onednn": "1", "ideal": "1", "xnnpack-fp32": "2"]
      ),
    ]
    for row in rows {
      for (dialect, y) in row.y {
        let found = answer(
          """
          qconv2d \(dialect) | x uint8[1,1,1,1] 1 | w int8[1,1,1,1] 0 | bias int32 \(row.acc) \
          | x_zero_point uint8 0 | w_zero_point int8 0 | y_zero_point int16 0 \
          | x_scale float32 \(row.scales.0) | w_scale float32 \(row.scales.1) | y_scale float32 \(row.scales.2)
          """)
        #expect(found == y, "\(dialect) \(row.scales)")
      }
    }
    // the product of the scales in binary32 for uint8, in binary64 for int8.
    for (type, y) in [("int8", "3921568"), ("uint8", "3921569")] {
      let found = answer(
        """
        qconv2d tflite | x \(type)[1,1,1,1] 1 | w \(type)[1,1,1,1] 0 | bias int32 1000000027 \
        | x_zero_point \(type) 0 | w_zero_point \(type) 0 | y_zero_point int32 0 \
        | x_scale float32 0.00369204697 | w_scale float32 0.00172794575 | y_scale float32 0.00162681262
        """)
      #expect(found == y, "\(type)")
    }
  }
}
