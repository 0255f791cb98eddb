import CaseFormat
import Operations
import Testing

/// The checks of `specs/accumulate.md`, and the bugs of real kernels that live in sums and geometry.
@Suite struct AccumulateTests {
  static let dialects = Dialect.builtInNames.filter {
    (try? Dialect.named($0))?.defines("conv2d") ?? false
  }

  /// [accumulate §1] to [accumulate §5]: the same integers in every dialect.
  @Test(arguments: dialects) func sameIntegers(dialect: String) {
    check([
      (
        "matmul \(dialect) | a uint8[2,3] 11 7 3 10 6 2 | a_zero_point uint8 12 | b int8[3,2] 1 4 2 5 3 6",
        "-38 -83 -44 -98"
      ),
      (
        """
        conv2d \(dialect) pads=1,1,1,1 | x uint8[1,1,3,3] 2 3 4 5 6 7 8 9 10 | x_zero_point uint8 1 \
        | w int8[1,1,2,2] 1 1 1 1
        """, "1 3 5 3 5 12 16 9 11 24 28 15 7 15 17 9"
      ),
      // A pair of products beyond int16 is exact (oneDNN#518).
      ("matmul \(dialect) | a uint8[1,2] 255 255 | b int8[2,1] 127 127", "64770"),
      // x = -128 against w = -1 (ggml#1393).
      ("matmul \(dialect) | a int8[1,2] -128 -128 | b int8[2,1] -1 -128", "16512"),
      // src = 1, w = 1, 5x5x3 (oneDNN#375).
      (
        """
        conv2d \(dialect) | x uint8[1,3,5,5] \(ones(75)) | w int8[1,3,5,5] \(ones(75))
        """, "75"
      ),
    ])
  }

  private func ones(_ count: Int) -> String {
    Array(repeating: "1", count: count).joined(separator: " ")
  }

  /// [accumulate §2].
  @Test func batches() throws {
    let a = (0..<24).map(String.init).joined(separator: " ")
    let b = (0..<120).map(String.init).joined(separator: " ")
    let test = try parse("matmul onnx | a uint8[2,1,3,4] \(a) | b uint8[5,4,6] \(b)")
    let y = try #require(try Reference.evaluate(test)["y"])
    #expect(y.tensor.shape == [2, 5, 3, 6])
    // y[1, 4, 2, 5] = sum over k of a[1, 0, 2, k] * b[4, k, 5].
    let sum = (0..<4).reduce(0) { $0 + (20 + $1) * (96 + 6 * $1 + 5) }
    #expect(y.tensor.codes.last == Int64(sum))
    checkErrors([
      ("matmul onnx | a uint8[2,1,1] 1 1 | b uint8[3,1,1] 1 1 1", "malformed: batches"),
      ("matmul onnx | a uint8[2] 1 1 | b uint8[2,1] 1 1", "malformed: a and b need"),
      ("matmul onnx | a uint8[1,2] 1 1 | b uint8[3,1] 1 1 1", "malformed: a of shape"),
    ])
  }

  /// [accumulate §3].
  @Test func zeroPoints() {
    let b = "b uint8[2,3] 1 2 3 4 5 6"
    check([
      (
        """
        matmul onnx | a uint8[1,4] 208 236 0 238 | a_zero_point uint8 113 \
        | b uint8[4,1] 152 60 0 127 | b_zero_point uint8 114
        """, "11475"
      ),
      ("matmul onnx | a uint8[2,2] 1 2 3 4 | a_zero_point uint8 1 2 | \(b)", "4 5 6 9 12 15"),
      ("matmul onnx | a uint8[2,2] 1 2 3 4 | a_zero_point uint8[2,1] 1 2 | \(b)", "4 5 6 9 12 15"),
      ("matmul onnx | a uint8[1,2] 1 2 | \(b) | b_zero_point uint8 1 2 3", "6 6 6"),
      ("matmul onnx | a uint8[1,2] 1 2 | \(b) | b_zero_point uint8[1,3] 1 2 3", "6 6 6"),
      (
        """
        matmul onnx | a uint8[2,1,1] 5 5 | a_zero_point uint8[2,1,1] 1 2 | b uint8[1,1] 1
        """, "4 3"
      ),
    ])
    checkErrors([
      (
        "matmul onnx | a uint8[1,2] 1 2 | a_zero_point uint8 1 2 | \(b)",
        "malformed: a_zero_point of shape"
      ),
      (
        "matmul onnx | a uint8[1,2] 1 2 | a_zero_point int8 1 | \(b)",
        "malformed: a_zero_point is int8"
      ),
      (
        "matmul onnx | a uint8[1,2] 1 2 | \(b) | b_zero_point int8 1",
        "malformed: b_zero_point is int8"
      ),
      ("matmul onnx | a uint8[1,2] 1 2 | \(b) | bias int32 1 2", "malformed: bias of shape"),
      ("matmul onnx | a uint8[1,2] 1 2 | \(b) | bias int8 1", "malformed: bias must be int32"),
    ])
  }

  /// A convolution of one row, without batch and channels.
  private func row(_ attributes: String, _ x: String, _ w: String) -> String {
    let (width, kernel) = (x.split(separator: " ").count, w.split(separator: " ").count)
    return answer(
      "conv2d onnx \(attributes) | x uint8[1,1,1,\(width)] \(x) | w uint8[1,1,1,\(kernel)] \(w)")
  }

  /// [accumulate §5], [accumulate §6], [accumulate §8].
  @Test func geometry() {
    let five = "1 2 3 4 5"
    let eight = "1 2 3 4 5 6 7 8"
    #expect(row("", five, "1 1 1") == "6 9 12")
    #expect(row("strides=1,2", five, "1 1 1") == "6 12")
    #expect(row("strides=1,2 pads=0,1,0,1", "1 2 3 4 5 6", "1 1 1") == "3 9 15")
    #expect(row("dilations=1,2", eight, "1 1 1") == "9 12 15 18")
    #expect(row("strides=1,2", five, "1 10") == "21 43")
    #expect(row("dilations=1,2", five, "1 10") == "31 42 53")
    #expect(row("strides=1,2 dilations=1,2", five, "1 10") == "31 53")
    // auto_pad: UPPER puts the larger half at the end.
    #expect(row("auto_pad=SAME_UPPER", five, "1 10") == "21 32 43 54 5")
    #expect(row("auto_pad=SAME_LOWER", five, "1 10") == "10 21 32 43 54")
    #expect(row("auto_pad=SAME_UPPER dilations=1,2", eight, "1 1 1") == "4 6 9 12 15 18 12 14")
    #expect(row("auto_pad=SAME_UPPER strides=1,3", "1 2 3 4", "1") == "1 4")
    #expect(row("auto_pad=VALID", five, "1 1 1") == "6 9 12")
    #expect(row("auto_pad=NOTSET pads=0,1,0,0", five, "1 10") == "10 21 32 43 54")
    #expect(row("kernel_shape=1,3", five, "1 1 1") == "6 9 12")
    // Pads are top, left, bottom, right.
    check([
      (
        "conv2d onnx pads=1,0,0,0 | x uint8[1,1,1,1] 5 | w uint8[1,1,1,1] 1", "0 5"
      ),
      ("conv2d onnx pads=0,1,0,0 | x uint8[1,1,1,2] 5 6 | w uint8[1,1,1,1] 1", "0 5 6"),
      ("conv2d onnx pads=0,0,1,2 | x uint8[1,1,1,1] 5 | w uint8[1,1,1,1] 1", "5 0 0 0 0 0"),
    ])
  }

  /// [accumulate §7]: padding is the zero point; a window wholly in the padding gives the bias.
  @Test func padding() {
    check([
      (
        """
        conv2d onnx pads=2,2,2,2 strides=4,4 | x uint8[1,1,1,1] 9 | x_zero_point uint8 128 \
        | w uint8[1,1,1,1] 7 | w_zero_point uint8 5 | bias int32 11
        """, "11 11 11 11"
      ),
      (
        """
        conv2d onnx pads=0,1,0,0 | x uint8[1,1,1,1] 130 | x_zero_point uint8 128 \
        | w int8[1,1,1,1] 3 | w_zero_point int8 -4
        """, "0 14"
      ),
    ])
  }

  /// [accumulate §9], [accumulate §10].
  @Test func groups() {
    check([
      (
        "conv2d onnx group=2 | x uint8[1,4,1,1] 1 2 3 4 | w uint8[6,2,1,1] \(ones(12))",
        "3 3 3 7 7 7"
      ),
      (
        "depthwise_conv2d onnx | x uint8[1,2,1,1] 1 10 | w uint8[4,1,1,1] 1 2 3 4", "1 2 30 40"
      ),
      (
        "depthwise_conv2d onnx layout=NHWC | x uint8[1,1,1,2] 1 10 | w uint8[1,1,1,4] 1 2 3 4",
        "1 2 30 40"
      ),
      (
        """
        depthwise_conv2d onnx | x uint8[1,2,1,1] 1 10 | w uint8[4,1,1,1] 1 2 3 4 \
        | bias int32 100 0 0 -1
        """, "101 2 30 39"
      ),
      (
        """
        depthwise_conv2d onnx | x uint8[1,2,1,1] 1 10 | w uint8[4,1,1,1] 1 2 3 4 \
        | w_zero_point uint8 1 1 3 0
        """, "0 1 0 40"
      ),
    ])
    checkErrors([
      ("conv2d onnx group=2 | x uint8[1,3,1,1] 1 2 3 | w uint8[2,1,1,1] 1 1", "malformed: 3 input"),
      ("conv2d onnx group=2 | x uint8[1,2,1,1] 1 2 | w uint8[3,1,1,1] 1 1 1", "malformed: 2 input"),
      ("conv2d onnx | x uint8[1,2,1,1] 1 2 | w uint8[1,1,1,1] 1", "malformed: w has 1"),
      (
        "conv2d onnx group=0 | x uint8[1,1,1,1] 1 | w uint8[1,1,1,1] 1",
        "malformed: attribute 'group'"
      ),
      (
        "depthwise_conv2d onnx group=1 | x uint8[1,1,1,1] 1 | w uint8[1,1,1,1] 1",
        "malformed: unknown attribute 'group'"
      ),
      (
        "depthwise_conv2d onnx | x uint8[1,2,1,1] 1 1 | w uint8[3,1,1,1] 1 1 1",
        "malformed: 2 input"
      ),
    ])
  }

  /// [accumulate §11].
  @Test func layouts() {
    check([
      (
        """
        conv2d onnx | x uint8[1,2,1,2] 1 2 3 4 | w uint8[1,2,1,2] 1 10 100 0
        """, "321"
      ),
      (
        """
        conv2d onnx layout=NHWC | x uint8[1,1,2,2] 1 3 2 4 | w uint8[1,1,2,2] 1 100 10 0
        """, "321"
      ),
    ])
    checkErrors([
      ("conv2d onnx layout=NCWH | x uint8[1,1,1,1] 1 | w uint8[1,1,1,1] 1", "malformed: layout")
    ])
  }

  /// [accumulate §13], the case format: beyond 32 bits.
  @Test func overflow() {
    let big = "matmul %@ | a int8[1,1] 127 | b int8[1,1] 127 | bias int32 2147483647"
    func y(_ dialect: String) -> String {
      answer(big.replacing("%@", with: dialect))
    }
    #expect(y("onnx") == "-2147467520")
    #expect(y("onnx-reference") == "-2147467520")
    #expect(y("ideal").hasPrefix("precondition: the sum 2147499776"))
    for dialect in Self.dialects where !["onnx", "onnx-reference", "ideal"].contains(dialect) {
      #expect(y(dialect) == "null", "\(dialect)")
    }
    check([
      (
        "matmul ideal output_dtype=int64 | a int8[1,1] 127 | b int8[1,1] 127 | bias int32 2147483647",
        "2147499776"
      ),
      ("matmul ideal output_dtype=int8 | a int8[1,1] 1 | b int8[1,1] 127", "127"),
      (
        "matmul tflite output_dtype=int64 | a int16[1,1] 32767 | b int8[1,1] 127 | bias int64 2147483647",
        "2151645056"
      ),
      (
        "matmul tosa-single output_dtype=int48 | a int16[1,1] 32767 | b int8[1,1] 127 | bias int48 2147483647",
        "2151645056"
      ),
    ])
    checkErrors([
      (
        "matmul ideal output_dtype=int8 | a int8[1,1] 2 | b int8[1,1] 64",
        "precondition: the sum 128"
      ),
      ("matmul onnx output_dtype=int64 | a int8[1,1] 2 | b int8[1,1] 64", "unsupported: "),
      (
        "matmul ideal output_dtype=float32 | a int8[1,1] 2 | b int8[1,1] 64",
        "malformed: output_dtype"
      ),
      ("matmul onnx | a int16[1,1] 2 | b int8[1,1] 64", "unsupported: "),
    ])
  }

  /// [accumulate §15], [accumulate §16]: a user's dialect.
  @Test func userDialects() throws {
    func dialect(_ accumulate: String) throws -> Dialect {
      try Dialect.parse("name: mine\naccumulate: {\(accumulate)}", file: "mine.yaml")
    }
    func y(_ accumulate: String, _ a: String, _ b: String) throws -> String {
      let count = a.split(separator: " ").count
      return answer(
        try parse(
          "matmul mine output_dtype=int32 | a \(a.hasPrefix("-") ? "int8" : "uint8")[1,\(count)] \(a) | b int8[\(count),1] \(b)"
        ),
        dialect: try dialect(accumulate))
    }
    #expect(try y("bits: 8, overflow: saturate_each", "100 100 100", "1 1 -1") == "27")
    #expect(try y("bits: 8, overflow: saturate", "100 100 100", "1 1 -1") == "100")
    #expect(try y("bits: 8, overflow: wrap", "100 100 100", "1 1 -1") == "100")
    #expect(try y("bits: 8, overflow: saturate_each", "100 100 100", "1 -1 1") == "100")
    #expect(try y("bits: 8, overflow: saturate", "100 100", "1 1") == "127")
    #expect(try y("bits: 8, overflow: wrap", "100 100", "1 1") == "-56")
    #expect(try y("bits: 8, overflow: unspecified", "100 100", "1 1") == "null")
    #expect(
      try y("bits: 8, overflow: error", "100 100", "1 1").hasPrefix("precondition: the sum 200"))
    #expect(try y("bits: 32, pairs: saturating_int16", "255 255", "127 127") == "32767")
    #expect(try y("bits: 32, pairs: saturating_int16", "255 255 255", "127 127 127") == "65152")
    let sixtyFour = Array(repeating: "255", count: 64).joined(separator: " ")
    let weights = Array(repeating: "127", count: 64).joined(separator: " ")
    #expect(try y("bits: 32, pairs: saturating_int16", sixtyFour, weights) == "1048544")
    #expect(try y("bits: 32, pairs: saturating_int16", "255 255", "64 64") == "32640")
    // Padding with the level 0, a fault that kernels have.
    let fault = try dialect("bits: 32, padding: zero_level")
    let question = try parse(
      """
      conv2d mine pads=0,1,0,0 | x uint8[1,1,1,1] 130 | x_zero_point uint8 128 | w int8[1,1,1,1] 3
      """)
    #expect(answer(question, dialect: fault) == "-384 6")
  }

  /// [accumulate §17], special values §6.
  @Test(arguments: dialects) func empty(dialect: String) throws {
    let product = try parse("matmul \(dialect) | a int8[0,3] | b int8[3,2] 1 2 3 4 5 6")
    #expect(try Reference.evaluate(product)["y"]?.tensor.shape == [0, 2])
    let convolution = try parse(
      "conv2d \(dialect) | x int8[0,1,3,3] | w int8[2,1,2,2] 1 2 3 4 5 6 7 8")
    #expect(try Reference.evaluate(convolution)["y"]?.tensor.shape == [0, 2, 2, 2])
    checkErrors([
      ("matmul \(dialect) | a int8[2,0] | b int8[0,2]", "precondition: "),
      ("matmul \(dialect) | a int8[2,0] | b int8[0,2] | bias int32 1", "precondition: "),
      ("conv2d \(dialect) | x int8[1,0,3,3] | w int8[1,0,2,2]", "precondition: "),
      ("conv2d \(dialect) | x int8[1,1,3,3] 1 2 3 4 5 6 7 8 9 | w int8[1,1,0,2]", "precondition: "),
      ("depthwise_conv2d \(dialect) | x int8[1,0,3,3] | w int8[0,1,2,2]", "precondition: "),
    ])
  }

  /// No attribute and no shape may crash the reference.
  @Test func hostileAttributes() {
    let x = "| x uint8[1,1,1,1] 1 | w uint8[1,1,1,1] 1"
    checkErrors([
      (
        "conv2d onnx auto_pad=SAME_UPPER pads=0,0,0,0 \(x)",
        "malformed: auto_pad SAME_UPPER and pads"
      ),
      ("conv2d onnx auto_pad=VALID pads=0,0,0,0 \(x)", "malformed: auto_pad VALID and pads"),
      ("conv2d onnx auto_pad=SAME \(x)", "malformed: auto_pad 'SAME' is unknown"),
      ("conv2d onnx pads=-1,0,0,0 \(x)", "malformed: pads"),
      ("conv2d onnx pads=0,0 \(x)", "malformed: pads"),
      ("conv2d onnx strides=0,1 \(x)", "malformed: strides"),
      ("conv2d onnx strides=1,1,1 \(x)", "malformed: strides"),
      ("conv2d onnx strides=2 \(x)", "malformed: attribute 'strides' must be a list"),
      ("conv2d onnx dilations=0,1 \(x)", "malformed: dilations"),
      ("conv2d onnx kernel_shape=2,2 \(x)", "malformed: kernel_shape"),
      ("conv2d onnx pads=2147483647,0,2147483647,0 \(x)", "precondition: an output"),
      ("conv2d onnx pads=9223372036854775807,0,0,0 \(x)", "malformed: pads"),
      ("conv2d onnx strides=9223372036854775807,1 \(x)", "malformed: strides"),
      (
        "matmul onnx | a uint8[65536,1] \(Array(repeating: "1", count: 65536).joined(separator: " ")) | b uint8[1,65536] \(Array(repeating: "1", count: 65536).joined(separator: " "))",
        "precondition: an output of shape"
      ),
      ("conv2d onnx | x uint8[1,1,1] 1 | w uint8[1,1,1,1] 1", "malformed: x must have 4"),
      ("conv2d onnx | x uint8[1,1,1,1] 1 | w uint8[1,1,1] 1", "malformed: w must have 4"),
      (
        "conv2d onnx | x float32[1,1,1,1] 1 | w uint8[1,1,1,1] 1",
        "malformed: x must have an integer"
      ),
      ("conv2d onnx \(x) | x_zero_point int8 1", "malformed: x_zero_point is int8"),
      ("conv2d onnx \(x) | w_zero_point int8 1", "malformed: w_zero_point is int8"),
      ("conv2d onnx \(x) | x_zero_point uint8 1 1", "malformed: x_zero_point has 2"),
      ("conv2d onnx \(x) | w_zero_point uint8 1 1", "malformed: w_zero_point has 2"),
      ("conv2d onnx \(x) | bias int32 1 1", "malformed: bias has 2"),
      ("conv2d onnx \(x) | bias float32 1", "malformed: bias must be"),
      ("conv2d onnx \(x) | scale float32 1", "malformed: unknown input 'scale'"),
    ])
    check([
      ("conv2d onnx strides=2147483648,2147483648 \(x)", "1"),
      ("conv2d onnx dilations=2147483648,2147483648 \(x)", "1"),
      ("conv2d onnx auto_pad=SAME_LOWER strides=2147483648,1 \(x)", "1"),
    ])
  }

  /// [accumulate §5]: a kernel larger than the padded input is an error, whatever the stride.
  @Test func outputSize() {
    checkErrors([
      (
        "conv2d onnx strides=2,2 | x uint8[1,1,2,2] 1 1 1 1 | w uint8[1,1,3,3] \(ones(9))",
        "precondition: a kernel of 3x3"
      ),
      (
        "conv2d onnx | x uint8[1,1,1,1] 1 | w uint8[1,1,3,3] \(ones(9))",
        "precondition: a kernel of 3x3"
      ),
    ])
  }
}
