import Testing

/// [rounding §12], [rounding §13], [rounding §15]: what each name of a rounding
/// means, asked of the dialects that have the name as an attribute.
@Suite struct RoundingNameTests {
  private static let halves = "-2.5 -1.5 -0.5 0.5 1.5 2.5"

  private func qonnx(_ dialect: String, _ mode: String, _ x: String) -> String {
    answer(
      """
      fake_quantize \(dialect) bit_width=40 rounding_mode=\(mode) | x float32 \(x) \
      | scale float32 1 | zero_point float32 0
      """)
  }

  @Test func qonnxHalves() {
    let rows: [(mode: String, y: String)] = [
      ("ROUND", "-2 -2 0 0 2 2"), ("HALF_EVEN", "-2 -2 0 0 2 2"), ("HALF_UP", "-3 -2 -1 1 2 3"),
      ("HALF_DOWN", "-2 -1 0 0 1 2"), ("UP", "-3 -2 -1 1 2 3"), ("DOWN", "-2 -1 0 0 1 2"),
      ("CEIL", "-2 -1 0 1 2 3"), ("FLOOR", "-3 -2 -1 0 1 2"),
    ]
    for row in rows { #expect(qonnx("qonnx", row.mode, Self.halves) == row.y, "\(row.mode)") }
    #expect(qonnx("qonnx", "half_up", "2.5") == "3")
    #expect(qonnx("qonnx", "SIDEWAYS", "2.5").hasPrefix("malformed: rounding_mode"))
  }

  /// The table of QONNX's documentation.
  @Test func qonnxTable() {
    let x = "5.5 2.5 1.6 1.1 1 -1 -1.1 -1.6 -2.5 -5.5"
    let rows: [(mode: String, y: String)] = [
      ("UP", "6 3 2 2 1 -1 -2 -2 -3 -6"), ("DOWN", "5 2 1 1 1 -1 -1 -1 -2 -5"),
      ("CEIL", "6 3 2 2 1 -1 -1 -1 -2 -5"), ("FLOOR", "5 2 1 1 1 -1 -2 -2 -3 -6"),
      ("HALF_UP", "6 3 2 1 1 -1 -1 -2 -3 -6"), ("HALF_DOWN", "5 2 2 1 1 -1 -1 -2 -2 -5"),
      ("HALF_EVEN", "6 2 2 1 1 -1 -1 -2 -2 -6"),
    ]
    for row in rows {
      #expect(qonnx("qonnx", row.mode, x) == row.y, "\(row.mode)")
      #expect(qonnx("qonnx-python", row.mode, x) == row.y, "\(row.mode) in Python")
    }
  }

  /// Observed: half away by adding a half in binary32 changes what is no tie, even integers.
  @Test func halfAddedInBinary32() {
    #expect(qonnx("qonnx", "HALF_UP", "0x1.fffffep-2 8388609") == "0 8388609")
    #expect(qonnx("qonnx-python", "HALF_UP", "0x1.fffffep-2 8388609") == "1 8388610")
    #expect(qonnx("qonnx", "HALF_DOWN", "8388609") == "8388609")
    #expect(qonnx("qonnx-python", "HALF_DOWN", "8388609") == "8388608")
  }

  @Test func brevitasHalves() {
    let rows: [(mode: String, y: String)] = [
      ("ROUND", "-2 -2 -0 0 2 2"), ("CEIL", "-2 -1 -0 1 2 3"), ("FLOOR", "-3 -2 -1 0 1 2"),
      ("ROUND_TO_ZERO", "-2 -1 -0 0 1 2"), ("DPU", "-2 -1 -0 0 2 2"),
    ]
    for row in rows {
      let found = answer(
        """
        fake_quantize brevitas qmin=-100 qmax=100 rounding_mode=\(row.mode) \
        | x float32 \(Self.halves) | scale float32 1 | zero_point float32 0
        """)
      #expect(found == row.y + " / 1 1 1 1 1 1", "\(row.mode)")
    }
    #expect(
      answer(
        """
        fake_quantize brevitas qmin=-100 qmax=100 rounding_mode=HALF_UP | x float32 1 \
        | scale float32 1 | zero_point float32 0
        """
      ).hasPrefix("malformed: rounding_mode"))
  }

  /// QONNX adds the zero point before rounding; clamps before rounding.
  @Test func truncateModes() {
    let rows: [(mode: String, y: String)] = [
      ("FLOOR", "-3 0 2"), ("CEIL", "-2 1 3"), ("ROUND", "-2 0 2"), ("HALF_UP", "-3 1 3"),
      ("HALF_DOWN", "-2 0 2"), ("UP", "-3 1 3"), ("DOWN", "-2 0 2"),
    ]
    for row in rows {
      #expect(
        answer(
          """
          truncate qonnx bit_width_in=8 bit_width_out=7 rounding_mode=\(row.mode) \
          | x float32 -5 1 5 | scale float32 1 | zero_point float32 0
          """) == row.y, "\(row.mode)")
    }
  }
}
