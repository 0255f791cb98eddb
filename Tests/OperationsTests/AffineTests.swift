import Testing

/// The checks that the clauses of `specs/affine.md` state.
@Suite struct AffineTests {
  /// [affine §2], [affine §3], [affine §9]: one input that every family of dialects reads its own way.
  @Test func quotientOrReciprocal() {
    let x = "x float32 0.273939937 | scale float32 0.00214854861 | zero_point uint8 0"
    let y = "x float32 0.07994999736547470 | scale float32 0.0123 | zero_point uint8 3"
    check([
      ("quantize onnx | \(x)", "127"), ("quantize ideal | \(x)", "127"),
      ("quantize tflite | \(x)", "127"), ("quantize pytorch-export | \(x)", "128"),
      ("quantize xnnpack-fp32 | \(x)", "128"), ("quantize tflite-opt | \(x)", "128"),
      ("quantize onnx | \(y)", "9"), ("quantize pytorch-export | \(y)", "10"),
      ("quantize xnnpack-rndnu | \(y)", "10"),
    ])
  }

  /// the tie matrix of the zero point, after and before the rounding, to even and away.
  @Test func zeroPointAndTies() {
    let values = ["-2.5", "-1.5", "-0.5", "0.5", "1.5", "2.5"]
    let matrix: [(zero: Int, rows: [String])] = [
      (0, ["-2,-2,-3", "-2,-2,-2", "0,0,-1", "0,0,1", "2,2,2", "2,2,3"]),
      (1, ["-1,-2,-2", "-1,0,-1", "1,0,0", "1,2,2", "3,2,3", "3,4,4"]),
      (-1, ["-3,-4,-4", "-3,-2,-3", "-1,-2,-2", "-1,0,0", "1,0,1", "1,2,2"]),
    ]
    for (zero, rows) in matrix {
      for (value, row) in zip(values, rows) {
        let parameters = "x float32 \(value) | scale float32 1 | zero_point int8 \(zero)"
        let found = ["onnx", "pytorch", "tflite"].map { answer("quantize \($0) | \(parameters)") }
        #expect(found.joined(separator: ",") == row, "\(value), zero point \(zero)")
      }
    }
  }

  /// A zero point that is no integer, and rounding half away before it: QONNX, in all four orders.
  @Test func zeroPointBeforeRoundingHalfAway() {
    let rows: [(value: String, zero: String, y: String)] = [
      ("-1.5", "1", "-1"), ("-0.5", "1", "1"), ("-2.5", "1", "-2"), ("0.5", "-1", "-1"),
      ("0.5", "1", "2"), ("2.5", "-1", "2"), ("1.5", "-1", "1"), ("-0.5", "-1", "-2"),
    ]
    for row in rows {
      let question = """
        fake_quantize qonnx bit_width=8 rounding_mode=HALF_UP | x float32 \(row.value) \
        | scale float32 1 | zero_point float32 \(row.zero)
        """
      // y is the level less the zero point.
      let level = (Int(answer(question)) ?? 99) + (Int(row.zero) ?? 0)
      #expect("\(level)" == row.y, "\(question)")
    }
  }

  /// [affine §6].
  @Test func fusedMultiplyAdd() {
    check([
      ("quantize pytorch | x float32 0.5 | scale float32 1 | zero_point uint8 3", "4"),
      ("quantize onnx | x float32 0.5 | scale float32 1 | zero_point uint8 3", "3"),
      (
        "quantize pytorch | x float32 0x1.f7ced2p-6 | scale float32 0.0123 | zero_point uint8 3",
        "5"
      ),
      (
        "quantize pytorch axis=0 | x float32[1] 0x1.f7ced2p-6 | scale float32 0.0123 | zero_point uint8 3",
        "6"
      ),
      (
        "quantize pytorch | x float32 0x1.f7ced2p-6 | scale float32 0.0123 | zero_point int32 3",
        "6"
      ),
    ])
  }

  /// [affine §7]: a bound that is no level.
  @Test func clampAndRounding() {
    let x = "| x float32 11 | scale float32 0.5 | zero_point float32 0"
    check([
      ("fake_quantize qonnx bit_width=4.5 signed=0 \(x)", "11"),
      ("fake_quantize qonnx-python bit_width=4.5 signed=0 \(x)", "11"),
      ("fake_quantize brevitas qmin=0 qmax=21 \(x)", "10.5 / 0"),
    ])
  }

  /// [affine §8]: beyond the integer type of the conversion.
  @Test func integerConversion() {
    check([
      (
        "quantize onnx-reference | x float32 2147483648 | scale float32 0.1 | zero_point uint8 0",
        "null"
      ),
      ("quantize onnx | x float32 2147483648 | scale float32 0.1 | zero_point uint8 0", "255"),
      ("quantize tflite | x float32 8589934592 | scale float32 0.0123 | zero_point int8 3", "null"),
      (
        "quantize onnx-reference | x float32 2147483520 | scale float32 1 | zero_point uint8 128",
        "0"
      ),
      (
        """
        fake_quantize pytorch axis=0 qmin=0 qmax=255 | x float32[2] inf 1 | scale float32 0.1 \
        | zero_point int32 0
        """, "null 1 / null 1"
      ),
      (
        "fake_quantize pytorch qmin=0 qmax=255 | x float32 inf | scale float32 0.1 | zero_point int32 0",
        "25.5 / 0"
      ),
    ])
  }

  /// [affine §10], [affine §11].
  @Test func granularity() {
    let all = ["float32", "float32[1]", "float32[1,1]"]
    for scale in all {
      #expect(
        answer("quantize onnx | x float32 -1 0 2 | scale \(scale) 2 | zero_point uint8 128")
          == "128 128 129")
    }
    check([
      (
        """
        quantize onnx axis=0 | x float32[2,2] 1 1 1 1 | scale float32 1 0.5 | zero_point int8 0 10
        """, "1 1 12 12"
      ),
      (
        """
        quantize onnx axis=-2 | x float32[2,2] 1 1 1 1 | scale float32 1 0.5 | zero_point int8 0 10
        """, "1 1 12 12"
      ),
      (
        "quantize onnx | x float32[2,2] 1 1 1 1 | scale float32 1 0.5 | zero_point int8 0 10",
        "1 12 1 12"
      ),
      (
        "quantize onnx axis=0 | x float32[2,2] 1 1 1 1 | scale float32 1 0.5 | zero_point int8 3",
        "4 4 5 5"
      ),
      (
        "quantize onnx axis=0 | x float32[2,2] 1 1 1 1 | scale float32 0.5 | zero_point int8 0 10",
        "2 2 12 12"
      ),
    ])
    checkErrors([
      (
        "quantize onnx axis=0 | x float32[2,2] 1 1 1 1 | scale float32 1 2 3 | zero_point int8 0",
        "malformed: scale of shape [3] does not fit"
      ),
      (
        "quantize onnx axis=2 | x float32[2,2] 1 1 1 1 | scale float32 1 2 | zero_point int8 0",
        "malformed: axis 2"
      ),
      (
        "quantize onnx axis=-3 | x float32[2,2] 1 1 1 1 | scale float32 1 2 | zero_point int8 0",
        "malformed: axis -3"
      ),
      (
        "quantize pytorch | x float32[2,2] 1 1 1 1 | scale float32 1 2 | zero_point int8 0",
        "malformed: more than one scale"
      ),
    ])
  }

  /// [affine §13].
  @Test func typeOfTheDivision() {
    let x = "x float16 0.25 | scale float16 0.1"
    check([
      ("quantize onnx | \(x) | zero_point int8 0", "2"),
      ("quantize onnx precision=float32 | \(x) | zero_point int8 0", "3"),
      ("quantize ideal | \(x) | zero_point int8 0", "3"),
      (
        "quantize onnx-reference | x int32 16777217 | scale float32 16777217 | zero_point int8 0",
        "1"
      ),
    ])
  }

  /// [affine §14], [affine §15], [affine §16].
  @Test func dequantize() {
    let x = "x int8 -124 3 | scale float32 0.1 | zero_point int8 3"
    check([
      ("dequantize onnx | \(x)", "-12.7 0"), ("dequantize ideal | \(x)", "-12.7 0"),
      ("dequantize tflite | \(x)", "-12.7 0"), ("dequantize xnnpack-fp32 | \(x)", "-12.7 0"),
      ("dequantize pytorch | \(x)", "-12.7 0"), ("dequantize pytorch-export | \(x)", "-12.7 0"),
      ("dequantize tflite-opt | \(x)", "-12.700001 0"),
      ("dequantize onnx | x int32 16777217 | scale float32 3", "5.033165e+07"),
      ("dequantize onnx | x int8 -128 | scale float32 1 | zero_point int8 127", "-255"),
    ])
    // 16777216 * 3 = 50331648 and 50331651 to nearest, by their encodings.
    let exact = "dequantize ideal | x int32 16777217 | scale float32 3"
    #expect(answer(exact) == answer("dequantize onnx | x float8_e5m2 1 | scale float32 50331652"))
    #expect(
      answer("dequantize onnx | x int32 16777217 | scale float32 3")
        == answer("dequantize onnx | x float8_e5m2 1 | scale float32 50331648"))
    // 72 of the 256 int8 levels differ between the two formulas.
    let levels = (-128...127).map(String.init).joined(separator: " ")
    let parameters = "| x int8 \(levels) | scale float32 0.1 | zero_point int8 3"
    let plain = answer("dequantize tflite \(parameters)").split(separator: " ")
    let products = answer("dequantize tflite-opt \(parameters)").split(separator: " ")
    #expect(zip(plain, products).count { $0 != $1 } == 72)
  }

  /// The difference of `pytorch` per tensor is an int32.
  @Test func dequantizeBeyondInt32() {
    check([
      (
        "dequantize pytorch | x int32 2147483647 5 | scale float32 1 | zero_point int32 -1",
        "null 6"
      ),
      ("dequantize pytorch | x int32 16777217 | scale float32 1 | zero_point int32 0", "16777216"),
    ])
  }

  /// [affine §14], [affine §16]: where the differences round.
  @Test func dequantizeWideLevels() {
    func y(_ dialect: String, _ q: String, _ zero: String) -> [String] {
      let x = "scale float32 1 | zero_point int32 \(zero)"
      return [
        answer("dequantize \(dialect) | x int32 \(q) | \(x)"),
        answer("dequantize \(dialect) axis=0 | x int32[1] \(q) | \(x)"),
      ]
    }
    #expect(y("pytorch", "16777219", "1") == ["1.6777218e+07", "1.677722e+07"])
    #expect(y("pytorch-export", "16777219", "1") == ["1.677722e+07", "1.6777218e+07"])
    #expect(y("pytorch", "16777217", "1") == ["16777216", "16777215"])
    #expect(y("pytorch", "-2147483648", "1")[0] == "null")
    let half = "dequantize %@ output_dtype=float16"
    for (dialect, a, b) in [("onnx", "-30624", "inf"), ("onnx-reference", "-30608", "3276")] {
      let question = half.replacing("%@", with: dialect)
      #expect(answer("\(question) | x int16 -10204 | scale float32 3") == a, "\(dialect)")
      #expect(answer("\(question) | x uint16 65535 | scale float32 0.05") == b, "\(dialect)")
    }
    check([
      (
        "dequantize pytorch-export output_dtype=bfloat16 | x int16 0 | scale float32 1 | zero_point int16 -287",
        "288"
      )
    ])
  }

  /// [affine §29].
  @Test func openvino() {
    check([
      (
        "quantize openvino | x float32 0.5 1.5 2.5 -0.5 -1.5 | scale float32 1 | zero_point int8 3",
        "4 4 6 2 2"
      ),
      (
        "quantize openvino | x float32 0.5 1.5 2.5 -0.5 -1.5 | scale float32 1 | zero_point int8 0",
        "0 2 2 0 -2"
      ),
      ("quantize openvino | x float32 0.05 | scale float32 0.1 | zero_point int8 3", "4"),
      ("quantize onnx | x float32 0.05 | scale float32 0.1 | zero_point int8 3", "3"),
      ("quantize openvino | x float32 nan | scale float32 1 | zero_point int8 3", "-128"),
      ("quantize openvino | x float32 1 | scale float32 1e37 | zero_point int8 3", "null"),
      (
        "dequantize openvino | x int8 3 -124 -16 | scale float32 0.1 | zero_point int8 3",
        "-7.450581e-09 -12.7 -1.9000001"
      ),
    ])
  }

  /// Special values §9: the NaN of the dialects whose code defines it.
  @Test func nan() {
    for (dialect, level) in [
      ("ideal", "null"), ("onnx", "null"), ("onnx-reference", "null"), ("pytorch", "127"),
      ("pytorch-export", "null"), ("tflite", "null"), ("xnnpack-fp32", "127"), ("openvino", "-128"),
    ] {
      let found = answer(
        "quantize \(dialect) | x float32 nan | scale float32 1 | zero_point int8 3")
      #expect(found == level, "\(dialect)")
    }
    check([
      ("quantize pytorch axis=0 | x float32[1] nan | scale float32 1 | zero_point int8 3", "null"),
      ("quantize pytorch | x float32 nan | scale float32 1 | zero_point int32 3", "null"),
      (
        "fake_quantize pytorch qmin=0 qmax=255 | x float32 nan | scale float32 0.5 | zero_point int32 3",
        "-1.5 / 0"
      ),
    ])
  }

  /// [affine §17].
  @Test func dynamicQuantize() {
    check([
      ("dynamic_quantize onnx | x float32 0 0 -0", "0 0 0 / 0.003921569 / 0"),
      ("dynamic_quantize ideal | x float32 0 0 -0", "0 0 0 / 0.003921569 / 0"),
      ("dynamic_quantize onnx | x float32 1 nan", "null null / null / null"),
      ("dynamic_quantize onnx | x float32 1 inf 2", "null null null / null / null"),
      // Ties in -min / scale (tract#2672).
      ("dynamic_quantize onnx | x float32 -127 128 0.5", "0 255 127 / 1 / 127"),
      ("dynamic_quantize onnx | x float32 -253 257", "0 254 / 2 / 126"),
    ])
    checkErrors([
      ("dynamic_quantize onnx | x float32[0,3]", "precondition: "),
      ("dynamic_quantize pytorch | x float32 1", "unsupported: "),
    ])
  }

  /// [affine §18], [affine §19].
  @Test func fakeQuantize() {
    check([
      (
        """
        fake_quantize pytorch qmin=0 qmax=15 | x float32 0.25 0.75 100 | scale float32 0.5 \
        | zero_point int32 1
        """, "0 1 7 / 1 1 0"
      ),
      (
        """
        fake_quantize ideal qmin=0 qmax=15 | x float32 0.25 0.75 100 | scale float32 0.5 \
        | zero_point int32 1
        """, "0 1 7 / 1 1 0"
      ),
      (
        """
        fake_quantize pytorch qmin=-128 qmax=127 | x float32 127.3 127.5 -128.5 -128.75 \
        | scale float32 1 | zero_point int32 0
        """, "127 127 -128 -128 / 1 0 1 0"
      ),
      // pytorch#106780: an infinity saturates, a NaN becomes the lowest level.
      (
        """
        fake_quantize pytorch qmin=-128 qmax=127 | x float32 1 inf nan -inf 26 | scale float32 0.1 \
        | zero_point int32 0
        """, "1 12.7 -12.8 -12.8 12.7 / 1 0 0 0 0"
      ),
      // Per channel they are converted to int64, which is undefined.
      (
        """
        fake_quantize pytorch qmin=-128 qmax=127 axis=0 | x float32[5] 1 inf nan -inf 26 \
        | scale float32 0.1 | zero_point int32 0
        """, "1 null null null 12.7 / 1 null null null 0"
      ),
      // A tie: RNE(x * inv) + z for an integer zero point, RNE(fma(x, inv, z)) for a float one.
      (
        """
        fake_quantize pytorch qmin=-8 qmax=7 axis=0 | x float32[3] 0.5 1.5 -2.5 | scale float32 1 \
        | zero_point int32 0
        """, "0 2 -2 / 1 1 1"
      ),
      (
        """
        fake_quantize pytorch qmin=-8 qmax=7 axis=0 | x float32[2] 0.5 1.5 | scale float32 1 \
        | zero_point int32 1
        """, "0 2 / 1 1"
      ),
      (
        """
        fake_quantize pytorch qmin=-8 qmax=7 axis=0 | x float32[2] 0.5 1.5 | scale float32 1 \
        | zero_point float32 1
        """, "1 1 / 1 1"
      ),
    ])
  }

  /// [affine §20]: forward and backward of the learnable variants disagree.
  @Test func learnable() {
    check([
      (
        """
        fake_quantize pytorch learnable=1 qmin=0 qmax=255 | x float32 -0.35 | scale float32 0.1 \
        | zero_point float32 3
        """, "-0.3 / 1"
      ),
      (
        """
        fake_quantize pytorch qmin=0 qmax=255 | x float32 -0.35 | scale float32 0.1 \
        | zero_point int32 3
        """, "-0.3 / 0"
      ),
      // Forward with -3, backward with trunc(-2.5) = -2: x = -3 is level -6 and -5, 8 is 5 and 6.
      (
        """
        fake_quantize pytorch learnable=1 qmin=-5 qmax=5 | x float32 -3 8 | scale float32 1 \
        | zero_point float32 -3
        """, "-2 8 / 1 0"
      ),
      // Per channel both use clamp(RNE(z)).
      (
        """
        fake_quantize pytorch learnable=1 qmin=-5 qmax=5 axis=0 | x float32[2] -3 8 \
        | scale float32 1 | zero_point float32 -3
        """, "-2 8 / 0 1"
      ),
      // z = 0.5: 0 forward, 1 backward; z = -0.5: 0 and 0; z = -1: -1 and 0.
      (
        """
        fake_quantize pytorch learnable=1 qmin=-5 qmax=5 | x float32 5 -6 | scale float32 1 \
        | zero_point float32 0.5
        """, "5 -5 / 0 1"
      ),
      (
        """
        fake_quantize pytorch learnable=1 qmin=-5 qmax=5 | x float32 5 -6 | scale float32 1 \
        | zero_point float32 -0.5
        """, "5 -5 / 1 0"
      ),
      (
        """
        fake_quantize pytorch learnable=1 qmin=-5 qmax=5 | x float32 6 -5 | scale float32 1 \
        | zero_point float32 -1
        """, "6 -4 / 0 1"
      ),
      // Rounded to even, then clamped: 2.5 -> 2, 3.5 -> 4, 300 -> 255.
      (
        "fake_quantize pytorch learnable=1 qmin=0 qmax=255 | x float32 -9 | scale float32 1 | zero_point float32 2.5",
        "-2 / 0"
      ),
      (
        "fake_quantize pytorch learnable=1 qmin=0 qmax=255 | x float32 -9 | scale float32 1 | zero_point float32 3.5",
        "-4 / 0"
      ),
      (
        "fake_quantize pytorch learnable=1 qmin=0 qmax=255 | x float32 -999 | scale float32 1 | zero_point float32 300",
        "-255 / 0"
      ),
    ])
  }

  /// [affine §21].
  @Test func qonnxAndBrevitas() {
    let x = "| x float32 1.25 9 -9 | scale float32 0.5 | zero_point float32 0"
    check([
      ("fake_quantize qonnx bit_width=4 rounding_mode=ROUND \(x)", "1 3.5 -4"),
      ("fake_quantize qonnx-python bit_width=4 rounding_mode=ROUND \(x)", "1 3.5 -4"),
      ("fake_quantize brevitas qmin=-8 qmax=7 rounding_mode=ROUND \(x)", "1 3.5 -4 / 1 0 0"),
      ("fake_quantize qonnx bit_width=4 narrow=1 \(x)", "1 3.5 -3.5"),
      (
        "fake_quantize qonnx bit_width=8 signed=0 narrow=1 | x float32 254 255 -1 | scale float32 1 | zero_point float32 0",
        "254 254 0"
      ),
      // One signed bit: QONNX -1 and +1 by the sign, Brevitas {-1, 0}, narrow {0}.
      (
        "fake_quantize qonnx bit_width=1 | x float32 3 0 -0 -0.1 nan | scale float32 0.5 | zero_point float32 0",
        "0.5 0.5 0.5 -0.5 -0.5"
      ),
      (
        "fake_quantize brevitas qmin=-1 qmax=0 | x float32 3 0 -0.1 -3 | scale float32 0.5 | zero_point float32 0",
        "0 0 -0 -0.5 / 0 1 1 0"
      ),
      (
        "fake_quantize brevitas qmin=0 qmax=0 | x float32 3 0 -3 | scale float32 0.5 | zero_point float32 0",
        "0 0 0 / 0 1 0"
      ),
      // A zero point that is no integer leaves the grid.
      (
        "fake_quantize qonnx bit_width=4 | x float32 0.25 1 | scale float32 1 | zero_point float32 0.25",
        "-0.25 0.75"
      ),
      // Brevitas: the clamp that passes every gradient.
      ("fake_quantize brevitas qmin=-8 qmax=7 clamp=TensorClampSte \(x)", "1 3.5 -4 / 1 1 1"),
      ("fake_quantize brevitas qmin=-8 qmax=7 clamp=TensorClamp \(x)", "1 3.5 -4 / 1 0 0"),
    ])
  }

  /// [affine §23], observed behaviour.
  @Test(arguments: ["qonnx", "qonnx-python", "brevitas"]) func bipolar(dialect: String) {
    check([
      (
        "bipolar_quantize \(dialect) | x float32 2 0 -0 -0.001 nan inf -inf | scale float32 0.5",
        "0.5 0.5 0.5 -0.5 -0.5 0.5 -0.5"
      ),
      (
        "bipolar_quantize \(dialect) | x float32[2,2] 1 -1 1 -1 | scale float32[2,1] 1 3",
        "1 -1 3 -3"
      ),
    ])
  }

  /// [affine §24].
  @Test(arguments: ["qonnx", "qonnx-python"]) func truncateVersion1(dialect: String) {
    let a = "bit_width_in=8 bit_width_out=4"
    let x = "| x float32 100 -3 | scale float32 0.5 | zero_point float32 0"
    check([
      ("truncate \(dialect) \(a) \(x)", "6 -0.5"),
      ("truncate \(dialect) \(a) version=1 rounding_mode=FLOOR \(x)", "6 -0.5"),
      ("truncate \(dialect) \(a) rounding_mode=CEIL \(x)", dialect == "qonnx" ? "6.5 0" : "6.5 -0"),
      (
        "truncate \(dialect) \(a) rounding_mode=ROUND | x float32 4 12 -4 | scale float32 0.5 | zero_point float32 0",
        dialect == "qonnx" ? "0 1 0" : "0 1 -0"
      ),
    ])
    checkErrors([
      ("truncate \(dialect) \(x)", "malformed: truncate needs"),
      ("truncate \(dialect) \(a) signed=1 \(x)", "malformed: attribute 'signed' means nothing"),
      ("truncate \(dialect) \(a) \(x) | output_scale float32 8", "malformed: input 'output_scale'"),
      ("truncate \(dialect) \(a) rounding_mode=SIDEWAYS \(x)", "malformed: rounding_mode"),
      ("truncate \(dialect) \(a) version=3 \(x)", "malformed: attribute 'version' is 3"),
      (
        "truncate \(dialect) bit_width_in=4 bit_width_out=8 \(x)",
        "malformed: bit_width_out is above"
      ),
    ])
  }

  /// [affine §25].
  @Test(arguments: ["qonnx", "qonnx-python"]) func truncateVersion2(dialect: String) {
    let a = "version=2 bit_width_in=8 bit_width_out=4 signed=1 narrow=0"
    let x = "| x float32 100 -3 7.5 | scale float32 0.5 | zero_point float32 0"
    check([
      ("truncate \(dialect) \(a) \(x) | output_scale float32 8", "56 -8 0"),
      (
        "truncate \(dialect) version=2 bit_width_in=8 bit_width_out=4 signed=0 \(x) | output_scale float32 8",
        "96 0 0"
      ),
      // The range is cut before the rounding; narrow leaves out the lowest level.
      (
        """
        truncate \(dialect) version=2 bit_width_in=8 bit_width_out=4 narrow=1 \
        | x float32 -100 | scale float32 0.5 | zero_point float32 0 | output_scale float32 8
        """, "-56"
      ),
    ])
    checkErrors([("truncate \(dialect) \(a) \(x)", "malformed: missing input 'output_scale'")])
  }

  /// [affine §26]: two roundings in `onnx`, one in `ideal`; a given zero point is really added to
  /// float4 only.
  @Test func floatOutputs() {
    check([
      ("quantize onnx output_dtype=float4_e2m1fn | x float32 -0 | scale float32 2", "-0"),
      (
        "quantize onnx output_dtype=float8_e4m3fn | x float32 -0.0001 -0 | scale float32 1", "-0 -0"
      ),
      ("quantize onnx output_dtype=float8_e4m3fnuz | x float32 -0.0001 | scale float32 1", "0"),
      (
        "quantize ideal output_dtype=float8_e4m3fn | x float32 0 1 2 1e5 200 | scale float32 2",
        "0 0.5 1 448 96"
      ),
    ])
    checkErrors([
      (
        "quantize onnx qmin=0 output_dtype=float8_e5m2 | x float32 1 | scale float32 1",
        "malformed: attribute 'qmin'"
      )
    ])
  }

  @Test func narrowedRange() {
    check([
      (
        "quantize onnx qmin=-3 qmax=4 | x float32 -9 9 2 | scale float32 1 | zero_point int8 0",
        "-3 4 2"
      ),
      (
        "quantize ideal qmin=5 qmax=5 | x float32 -9 9 2 | scale float32 1 | zero_point int8 0",
        "5 5 5"
      ),
      (
        "requantize onnx qmin=0 qmax=6 | acc int32 -9 9 2 | scale float32 1 | zero_point int8 1",
        "0 6 3"
      ),
    ])
    checkErrors([
      (
        "quantize onnx qmin=4 qmax=3 | x float32 1 | scale float32 1 | zero_point int8 0",
        "malformed: qmin 4 and qmax 3"
      ),
      (
        "quantize onnx qmax=128 | x float32 1 | scale float32 1 | zero_point int8 0",
        "malformed: qmin -128 and qmax 128"
      ),
      (
        "fake_quantize pytorch qmin=4 qmax=3 | x float32 1 | scale float32 1 | zero_point int32 0",
        "malformed: qmin 4"
      ),
      (
        "fake_quantize pytorch qmin=4 | x float32 1 | scale float32 1 | zero_point int32 0",
        "malformed: fake_quantize needs"
      ),
    ])
  }
}
