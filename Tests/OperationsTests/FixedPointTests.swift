import Testing

/// Xilinx's ap_fixed, rounding modes and overflow modes, by the numbers of its header.
@Suite struct FixedPointTests {
  private func assign(
    _ x: String, _ type: String, rounding: String = "AP_TRN", overflow: String = "AP_WRAP",
    bits: Int = 0
  ) -> String {
    answer(
      """
      quantize ap_fixed output_dtype=\(type) rounding=\(rounding) overflow=\(overflow) \
      saturation_bits=\(bits) | x float64 \(x)
      """)
  }

  @Test func roundingModes() {
    let x = "2.5 1.5 0.5 -0.5 -1.5 -2.5 1.25 1.75 -1.25 -1.75 -0.25 0.75"
    let rows: [(mode: String, y: String)] = [
      ("AP_RND", "3 2 1 0 -1 -2 1 2 -1 -2 0 1"), ("AP_RND_ZERO", "2 1 0 0 -1 -2 1 2 -1 -2 0 1"),
      ("AP_RND_MIN_INF", "2 1 0 -1 -2 -3 1 2 -1 -2 0 1"),
      ("AP_RND_INF", "3 2 1 -1 -2 -3 1 2 -1 -2 0 1"),
      ("AP_RND_CONV", "2 2 0 0 -2 -2 1 2 -1 -2 0 1"),
      ("AP_TRN", "2 1 0 -1 -2 -3 1 1 -2 -2 -1 0"),
      ("AP_TRN_ZERO", "2 1 0 0 -1 -2 1 1 -1 -1 0 0"),
    ]
    for row in rows { #expect(assign(x, "fixed<8,8>", rounding: row.mode) == row.y, "\(row.mode)") }
    // The same two bits further down.
    #expect(assign("0.625 -0.625", "fixed<8,6>", rounding: "AP_RND_CONV") == "0.5 -0.5")
  }

  @Test func overflowModes() {
    let (above, below) = ("8 9 10 11 12", "-9 -10 -11 -12 -13")
    let rows: [(mode: String, bits: Int, above: String, below: String)] = [
      ("AP_WRAP", 0, "-8 -7 -6 -5 -4", "7 6 5 4 3"), ("AP_WRAP", 1, "0 1 2 3 4", "-1 -2 -3 -4 -5"),
      ("AP_WRAP", 2, "4 5 6 7 4", "-5 -6 -7 -8 -5"),
      ("AP_WRAP_SM", 0, "7 6 5 4 3", "-8 -7 -6 -5 -4"),
      ("AP_WRAP_SM", 1, "7 6 5 4 3", "-8 -7 -6 -5 -4"),
      ("AP_WRAP_SM", 2, "7 6 5 4 4", "-8 -7 -6 -5 -5"),
      ("AP_SAT", 0, "7 7 7 7 7", "-8 -8 -8 -8 -8"),
      ("AP_SAT_ZERO", 0, "0 0 0 0 0", "0 0 0 0 0"),
      ("AP_SAT_SYM", 0, "7 7 7 7 7", "-7 -7 -7 -7 -7"),
    ]
    for row in rows {
      for (x, y) in [(above, row.above), (below, row.below)] {
        #expect(
          assign(x, "fixed<4,4>", overflow: row.mode, bits: row.bits) == y,
          "\(row.mode), \(row.bits) bits")
      }
    }
    // In range, AP_SAT_SYM still moves the lowest value.
    #expect(assign("-8 -7 7", "fixed<4,4>", overflow: "AP_SAT_SYM") == "-7 -7 7")
    #expect(assign("16 -1 -20", "ufixed<4,4>", overflow: "AP_WRAP", bits: 1) == "8 15 12")
  }

  @Test func roundingIntoOverflow() {
    let rows: [(x: String, modes: [(String, String)])] = [
      (
        "7.5",
        [
          ("AP_SAT", "7"), ("AP_SAT_SYM", "7"), ("AP_WRAP", "-8"), ("AP_WRAP_SM", "7"),
          ("AP_SAT_ZERO", "0"),
        ]
      ),
      ("-8.5", [("AP_SAT", "-8"), ("AP_SAT_SYM", "-7"), ("AP_WRAP", "-8"), ("AP_SAT_ZERO", "-8")]),
      ("-8.75", [("AP_WRAP", "7"), ("AP_SAT_ZERO", "0")]),
      // UG1399
      ("19", [("AP_SAT", "7"), ("AP_SAT_ZERO", "0"), ("AP_SAT_SYM", "7")]),
      ("-19", [("AP_SAT", "-8"), ("AP_SAT_SYM", "-7"), ("AP_WRAP", "-3")]),
      ("31", [("AP_WRAP", "-1")]),
    ]
    for row in rows {
      for (mode, y) in row.modes {
        #expect(
          assign(row.x, "fixed<4,4>", rounding: "AP_RND", overflow: mode) == y, "\(row.x) \(mode)")
      }
    }
    #expect(assign("19 -19", "ufixed<4,4>") == "3 13")
  }

  /// The corrections by observation: where the vendor's header leaves the closed forms.
  @Test func vendorHeader() {
    #expect(assign("1.5", "fixed<1,1>", rounding: "AP_RND", overflow: "AP_WRAP_SM") == "0")
    #expect(assign("-32", "fixed<1,1>", overflow: "AP_SAT_SYM") == "-1")
    #expect(assign("32", "fixed<1,1>", overflow: "AP_SAT_SYM") == "0")
    #expect(assign("0.5", "fixed<1,1>", rounding: "AP_RND_CONV", overflow: "AP_WRAP_SM") == "0")
  }

  /// [affine §22].
  @Test func specification() {
    #expect(assign("7.6", "fixed<4,4>") == "7")
    #expect(assign("7.6", "fixed<4,4>", rounding: "AP_RND", overflow: "AP_SAT") == "7")
    #expect(assign("7.6", "fixed<4,4>", rounding: "AP_RND", overflow: "AP_WRAP") == "-8")
    #expect(assign("8.99", "fixed<10,4>") == "-7.015625")
    #expect(assign("-0", "fixed<10,4>") == "0")
    #expect(
      answer("quantize ap_fixed output_dtype=fixed<10,4> | x float64 8.99") == "-7.015625")
    // I outside 0...W.
    #expect(assign("0.0625 0.1", "ufixed<4,-1>") == "0.0625 0.09375")
    #expect(assign("48 47", "fixed<4,8>") == "48 32")
    #expect(assign("0x1p62", "fixed<64,64>") == "4611686018427387904")
  }

  @Test func errors() {
    for x in ["nan", "inf", "-inf"] {
      #expect(assign(x, "fixed<4,4>").hasPrefix("precondition: x[0] is"), "\(x)")
    }
    let x = "| x float64 1"
    checkErrors([
      ("quantize ap_fixed \(x)", "malformed: output_dtype"),
      ("quantize ap_fixed output_dtype=int8 \(x)", "malformed: output_dtype"),
      ("quantize ap_fixed output_dtype=fixed<0,1> \(x)", "malformed: attribute 'output_dtype'"),
      ("quantize ap_fixed output_dtype=fixed<4,4> rounding=RNE \(x)", "malformed: rounding 'RNE'"),
      ("quantize ap_fixed output_dtype=fixed<4,4> overflow=SAT \(x)", "malformed: overflow 'SAT'"),
      (
        "quantize ap_fixed output_dtype=fixed<4,4> saturation_bits=5 \(x)",
        "malformed: attribute 'saturation_bits' is 5"
      ),
      (
        "quantize ap_fixed output_dtype=fixed<4,4> \(x) | scale float32 1",
        "malformed: input 'scale'"
      ),
      (
        "quantize ap_fixed output_dtype=fixed<4,4> \(x) | zero_point int8 1",
        "malformed: input 'zero_point'"
      ),
      ("quantize ap_fixed output_dtype=fixed<4,4> axis=1 \(x)", "malformed: attribute 'axis'"),
      (
        "quantize onnx rounding=AP_RND | x float32 1 | scale float32 1",
        "malformed: attribute 'rounding'"
      ),
    ])
    #expect(
      assign("1", "ufixed<4,4>", overflow: "AP_WRAP_SM").hasPrefix("unsupported: ")
        || assign("1", "ufixed<4,4>", overflow: "AP_WRAP_SM").hasPrefix("precondition: "))
  }
}
