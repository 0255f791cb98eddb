import Testing

/// ONNX's own test vectors and the sentences of its specification.
@Suite struct OnnxTests {
  @Test func quantizeVectors() {
    check([
      (
        "quantize onnx | x float32 0 2 3 1000 -254 -1000 | scale float32 2 | zero_point uint8 128",
        "128 129 130 255 1 0"
      ),
      (
        """
        quantize onnx | x float32 0 -128 3 -3 2.9 -2.9 3.1 -3.1 65536 -65534 70000 -70000 \
        | scale float32 2 | zero_point uint16 32767
        """, "32767 32703 32769 32765 32768 32766 32769 32765 65535 0 65535 0"
      ),
      (
        """
        quantize onnx | x float32 0 -514 3 -3 2.9 -2.9 3.1 -3.1 65022 -66046 65023 -66047 65024 \
        -66048 70000 -70000 | scale float32 2 | zero_point int16 256
        """,
        """
        256 -1 258 254 257 255 258 254 32767 -32767 32767 -32768 32767 -32768 32767 -32768
        """
      ),
      (
        """
        quantize onnx axis=0 | x float32[3,4] 0 2.5 4.8 8.6 -30 -20 6 9 12 15 16 40 \
        | scale float32 2 3 4 | zero_point uint4 1 1 1
        """, "1 2 3 5 0 0 3 4 4 5 5 11"
      ),
      (
        """
        quantize onnx axis=0 | x float32[3,4] 0 2.5 4.8 8.6 -30 -20 6 9 12 15 16 40 \
        | scale float32 2 3 4 | zero_point int4 1 1 1
        """, "1 2 3 5 -8 -6 3 4 4 5 5 7"
      ),
      (
        """
        quantize onnx axis=0 | x float32[3,4] 0 2.5 4.8 8.6 -2 -1 1 3 4 5 6 7 \
        | scale float32 2 3 4 | zero_point uint2 0 0 0
        """, "0 1 2 3 0 0 0 1 1 1 2 2"
      ),
      (
        """
        quantize onnx axis=0 | x float32[3,4] 0 2.5 4.8 8.6 -4 -3 1 2 -0 -2.5 -4.8 -8.6 \
        | scale float32 2 3 4 | zero_point int2 0 0 0
        """, "0 1 1 1 -1 -1 0 1 0 -1 -1 -2"
      ),
      (
        """
        quantize onnx axis=0 | x float32[3,4] 0 2.5 4.8 8.6 -30 -20 6 9 -0 -2.5 -4.8 -8.6 \
        | scale float32 2 3 4 | zero_point float4_e2m1fn 0 0 0
        """, "0 1 2 4 -6 -6 2 3 0 -0.5 -1 -2"
      ),
      (
        "quantize onnx output_dtype=float8_e4m3fn | x float32 0 1 2 1e5 200 | scale float32 2",
        "0 0.5 1 448 96"
      ),
      (
        "quantize onnx output_dtype=float8_e5m2 | x float32 0 1 2 1e5 200 | scale float32 2",
        "0 0.5 1 49152 96"
      ),
    ])
  }

  /// ONNX's axis test: one scale a channel of NCHW, the default axis.
  @Test func quantizeAxis() {
    check([
      (
        """
        quantize onnx | x float32[1,3,3,2] -162 10 -100 232 -20 -50 -76 0 0 252 32 -44 245 -485 \
        -960 -270 -375 -470 | scale float32 2 4 5 | zero_point uint8 84 24 196
        """, "3 89 34 200 74 59 5 24 24 87 32 13 245 99 4 142 121 102"
      ),
      (
        """
        dequantize onnx | x uint8[1,3,3,2] 3 89 34 200 74 59 5 24 24 87 32 13 245 99 4 142 121 102 \
        | scale float32 2 4 5 | zero_point uint8 84 24 196
        """, "-162 10 -100 232 -20 -50 -76 0 0 252 32 -44 245 -485 -960 -270 -375 -470"
      ),
    ])
  }

  /// ONNX's blocked tests; a last partial block is legal.
  @Test func blocks() {
    check([
      (
        """
        quantize onnx axis=1 block_size=2 | x float32[3,4] 6 12 50 5 50 0 4 5 40 10 6 12 \
        | scale float32[3,2] 1.5 2.5 3 4.9 5.1 6.9 | zero_point uint8[3,2] 0 1 1 0 2 3
        """, "4 8 21 3 18 1 1 1 10 4 4 5"
      ),
      (
        """
        quantize onnx axis=1 block_size=2 output_dtype=int16 \
        | x float32[3,4] 6 -8 -10 5 1 8 4 5 0 20 10 4 | scale float32[3,2] 1.5 2.5 3 4.9 5.1 6.9
        """, "4 -5 -4 2 0 3 1 1 0 4 1 1"
      ),
      (
        "quantize onnx axis=0 block_size=2 output_dtype=int8 | x float32 1 2 3 4 5 | scale float32[3] 1 2 4",
        "1 2 2 2 1"
      ),
      (
        """
        dequantize onnx axis=1 block_size=2 | x uint8[1,4,3,2] 3 89 34 200 74 59 5 24 24 87 32 13 5 \
        12 12 33 65 42 245 99 4 142 121 102 \
        | scale float32[1,2,3,2] 3 2 4 1 2 2 5 2 4 3 5 2 \
        | zero_point uint8[1,2,3,2] 1 0 0 1 2 20 3 2 4 3 15 2
        """,
        "6 178 136 199 144 78 12 48 96 86 60 -14 10 20 32 90 250 80 1210 194 0 417 530 200"
      ),
    ])
  }

  @Test func dequantizeVectors() {
    check([
      (
        "dequantize onnx | x uint8 0 3 128 255 | scale float32 2 | zero_point uint8 128",
        "-256 -250 0 254"
      ),
      (
        "dequantize onnx axis=0 | x int4 0 1 7 -4 -8 | scale float32 2 | zero_point int4 1",
        "-2 0 12 -10 -18"
      ),
      (
        "dequantize onnx axis=0 | x int2 0 1 -1 -2 | scale float32 2 | zero_point int2 1",
        "-2 0 -4 -6"
      ),
      (
        "dequantize onnx | x float8_e4m3fn 0 0.5 1 448 -104 | scale float32 2", "0 1 2 896 -208"
      ),
      ("dequantize onnx | x int32 100 -100 | scale float32 0.25 | zero_point int32 0", "25 -25"),
    ])
  }

  @Test func quantizedMatrixProduct() {
    let a = "uint8[2,4] 208 236 0 238 3 214 255 29"
    let b = "uint8[4,3] 152 51 244 60 26 255 0 127 246 127 254 247"
    check([
      (
        """
        matmul onnx | a \(a) | a_zero_point uint8 113 | b \(b) | b_zero_point uint8 114
        """, "11475 -778 31402 -26914 -11872 7513"
      ),
      (
        """
        qmatmul onnx | a \(a) | a_scale float32 0.0066 | a_zero_point uint8 113 | b \(b) \
        | b_scale float32 0.00705 | b_zero_point uint8 114 | y_scale float32 0.0107 \
        | y_zero_point uint8 118
        """, "168 115 255 1 66 151"
      ),
      (
        """
        qmatmul onnx | a int8[2,4] 81 109 -127 111 -124 87 -128 -98 | a_scale float32 0.0066 \
        | a_zero_point int8 -14 | b int8[4,3] 25 -76 117 -67 -101 -128 -127 0 119 0 127 120 \
        | b_scale float32 0.00705 | b_zero_point int8 -13 | y_scale float32 0.0107 \
        | y_zero_point int8 -9
        """, "41 -12 -9 1 -75 -128"
      ),
    ])
  }

  @Test func quantizedConvolution() {
    let x = """
      255 174 162 25 203 168 58 15 59 237 95 129 0 64 56 242 153 221 168 12 166 232 178 186 195 237 \
      162 237 188 39 124 77 80 102 43 127 230 21 83 41 40 134 255 154 92 141 42 148 247
      """
    let y = """
      0 81 93 230 52 87 197 240 196 18 160 126 255 191 199 13 102 34 87 243 89 23 77 69 60 18 93 18 \
      67 216 131 178 175 153 212 128 25 234 172 214 215 121 0 101 163 114 213 107 8
      """
    check([
      (
        """
        qconv2d onnx | x uint8[1,1,7,7] \(x) | x_scale float32 0.00369204697 | x_zero_point uint8 132 \
        | w uint8[1,1,1,1] 0 | w_scale float32[1] 0.00172794575 | w_zero_point uint8 255 \
        | y_scale float32 0.00162681262 | y_zero_point uint8 123
        """, y
      )
    ])
  }

  @Test func dynamicQuantizeVectors() {
    check([
      (
        "dynamic_quantize onnx | x float32 0 2 -3 -2.5 1.34 0.5",
        "153 255 0 26 221 179 / 0.019607844 / 153"
      ),
      (
        "dynamic_quantize onnx | x float32 -1 -2.1 -1.3 -2.5 -3.34 -4",
        "191 121 172 96 42 0 / 0.015686275 / 255"
      ),
      (
        "dynamic_quantize onnx | x float32[3,4] 1 2.1 1.3 2.5 3.34 4 1.5 2.6 3.9 4 3 2.345",
        "64 134 83 159 213 255 96 166 249 255 191 149 / 0.015686275 / 0"
      ),
    ])
  }

  @Test func integerProducts() {
    check([
      (
        """
        matmul onnx | a uint8[4,3] 11 7 3 10 6 2 9 5 1 8 4 0 | a_zero_point uint8 12 \
        | b uint8[3,2] 1 4 2 5 3 6 | b_zero_point uint8 0
        """, "-38 -83 -44 -98 -50 -113 -56 -128"
      ),
      (
        """
        conv2d onnx | x uint8[1,1,3,3] 2 3 4 5 6 7 8 9 10 | x_zero_point uint8 1 \
        | w uint8[1,1,2,2] 1 1 1 1
        """, "12 16 24 28"
      ),
      (
        """
        conv2d onnx pads=1,1,1,1 | x uint8[1,1,3,3] 2 3 4 5 6 7 8 9 10 | x_zero_point uint8 1 \
        | w uint8[1,1,2,2] 1 1 1 1
        """, "1 3 5 3 5 12 16 9 11 24 28 15 7 15 17 9"
      ),
    ])
  }

  /// The accumulator wraps at 2^32: K = 131072 products of (-128)^2 are exactly 2^31.
  @Test func accumulatorWraps() {
    let row = Array(repeating: "-128", count: 131_072).joined(separator: " ")
    #expect(
      answer("matmul onnx | a int8[1,131072] \(row) | b int8[131072,1] \(row)") == "-2147483648")
    check([
      (
        "matmul onnx | a int8[1,1] 127 | b int8[1,1] 127 | bias int32 2147483647",
        "\(Int32.max &+ 16129)"
      )
    ])
  }

  /// The case format: converted to the division type, divided with one rounding, rounded to even, zero point
  /// added exactly, saturated.
  @Test func orderOfTheStages() {
    check([
      (
        "quantize onnx | x float32 0.5 1.5 2.5 -0.5 -1.5 -2.5 | scale float32 1 | zero_point int8 0",
        "0 2 2 0 -2 -2"
      ),
      (
        "quantize onnx | x float32 0.5 1.5 2.5 -0.5 -1.5 -2.5 | scale float32 1 | zero_point int8 3",
        "3 5 5 3 1 1"
      ),
      (
        "quantize onnx | x float32 nan inf -inf 1e30 -1e30 | scale float32 1 | zero_point int8 3",
        "null 127 -128 127 -128"
      ),
      (
        "quantize onnx | x float32 nan inf -inf | scale float32 0.1 | zero_point uint8 255",
        "null 255 0"
      ),
      // The sum saturates after the zero point has been added exactly: 2^31 does not wrap.
      (
        "quantize onnx | x float32 2147483648 1e10 -1e10 | scale float32 0.1 | zero_point uint8 0",
        "255 255 0"
      ),
      (
        "quantize onnx | x float32 2147483520 | scale float32 1 | zero_point uint8 128", "255"
      ),
    ])
  }

  /// `precision`, else the type of the scale, is the type of the division.
  @Test func divisionType() {
    // 0.050018 / 0.099976 in binary16 is 0.5002 or so and rounds to 1 (onnxruntime#32452).
    check([
      ("quantize onnx | x float16 0.050018 | scale float16 0.099976 | zero_point int8 0", "1"),
      // 2049 is a tie in binary16.
      ("quantize onnx | x float32 2049 | scale float16 1 | zero_point int16 0", "2048"),
      (
        "quantize onnx precision=float32 | x float32 2049 | scale float16 1 | zero_point int16 0",
        "2049"
      ),
      (
        "quantize onnx precision=float16 | x float32 2049 | scale float32 1 | zero_point int16 0",
        "2048"
      ),
      ("quantize onnx | x float32 257 | scale bfloat16 1 | zero_point int16 0", "256"),
      // An int32 input is converted to binary32 first: 2^24 + 1 is a tie.
      (
        "quantize onnx | x int32 16777217 16777219 | scale float32 1024 | zero_point int16 0",
        "16384 16384"
      ),
      ("quantize onnx | x int32 5 -5 7 | scale float32 2 | zero_point int8 0", "2 -2 4"),
      ("quantize onnx | x float32 3 5 7 | scale float8_e8m0fnu 2 | zero_point int8 0", "2 2 4"),
    ])
    checkErrors([
      (
        "quantize onnx precision=int8 | x float32 1 | scale float32 1 | zero_point int8 0",
        "malformed: precision"
      ),
      (
        "quantize ideal precision=float32 | x float32 1 | scale float32 1 | zero_point int8 0",
        "malformed: attribute 'precision' means nothing"
      ),
    ])
  }

  /// A reciprocal is not a division: FBGEMM's example, and OpenVINO's at s = 0.0123.
  @Test func divisionIsNoReciprocal() {
    check([
      (
        "quantize onnx | x float32 0.273939937 | scale float32 0.00214854861 | zero_point uint8 0",
        "127"
      ),
      (
        "quantize onnx | x float32 0.07994999736547470 | scale float32 0.0123 | zero_point uint8 3",
        "9"
      ),
    ])
  }

  @Test func floatOutputs() {
    check([
      // Overflow is decided after rounding to the significand: 464 is the tie above 448.
      (
        """
        quantize onnx saturate=0 output_dtype=float8_e4m3fn | x float32 448 464 464.1 inf -inf nan \
        | scale float32 1
        """, "448 448 nan nan nan nan"
      ),
      (
        "quantize onnx output_dtype=float8_e4m3fn | x float32 464.1 inf -inf nan | scale float32 1",
        "448 448 -448 nan"
      ),
      (
        """
        quantize onnx saturate=0 output_dtype=float8_e5m2 | x float32 57344 61439 61440 -inf nan \
        | scale float32 1
        """, "57344 57344 inf -inf nan"
      ),
      (
        "quantize onnx output_dtype=float8_e5m2 | x float32 61440 inf -inf | scale float32 1",
        "57344 57344 -57344"
      ),
      (
        """
        quantize onnx saturate=0 output_dtype=float8_e4m3fnuz | x float32 240 248 -0 inf nan \
        | scale float32 1
        """, "240 nan 0 nan nan"
      ),
      // Saturating an infinity into a type without one: document and implementations disagree.
      (
        "quantize onnx output_dtype=float8_e4m3fnuz | x float32 248 inf -inf nan | scale float32 1",
        "240 null null nan"
      ),
      (
        "quantize onnx output_dtype=float8_e5m2fnuz | x float32 1e9 inf -inf | scale float32 1",
        "57344 null null"
      ),
      (
        "quantize onnx output_dtype=float4_e2m1fn | x float32 0.25 0.75 2.5 5 7 inf -inf | scale float32 1",
        "0 1 2 4 6 6 -6"
      ),
    ])
    checkErrors([
      (
        "quantize onnx | x float32 1 | scale float32 1 | zero_point float8_e4m3fn 1",
        "precondition: "
      )
    ])
  }

  @Test func dequantizeTypes() {
    check([
      // The product is in the output type: 7 * 0.1 in binary16, and in binary32 if asked for.
      ("dequantize onnx | x int8 7 | scale float16 0.1 | zero_point int8 0", "0.69970703125"),
      (
        "dequantize onnx output_dtype=float32 | x int8 7 | scale float16 0.1 | zero_point int8 0",
        "0.6998291"
      ),
      ("dequantize onnx output_dtype=float16 | x int8 100 | scale float32 1000", "inf"),
      ("dequantize onnx | x int8 3 -3 | scale float8_e8m0fnu 0.5 | zero_point int8 1", "1 -2"),
      ("dequantize onnx | x uint8 0 255 | scale float32 0.1 | zero_point uint8 255", "-25.5 0"),
    ])
    checkErrors([
      (
        "dequantize onnx | x int32 1 | scale float32 1 | zero_point int32 1",
        "precondition: the zero point"
      ),
      (
        "dequantize onnx | x float8_e5m2 1 | scale float32 1 | zero_point float8_e5m2 1",
        "precondition: the zero point"
      ),
    ])
  }
}
