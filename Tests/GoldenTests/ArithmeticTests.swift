import ExactArithmetic
import Testing

@testable import Golden

@Suite struct ArithmeticTests {
  private static let names: Expression.Names = [
    "a": number("10"), "half": number("50", .percent), "width": number("4", .bits),
    "n": number("72000000", .parameters), "mb": number("36", .MB), "mib": number("36", .MiB),
    "zero": number("0"),
  ].compactMapValues { $0 }

  private static func number(
    _ text: String, _ unit: GoldenTable.Unit = .one,
    _ precision: GoldenTable.PrintedNumber.Precision = .asPrinted
  ) -> GoldenTable.PrintedNumber? {
    GoldenTable.PrintedNumber(text, unit, precision: precision)
  }

  /// The value, its dimension, and the formula with its numbers.
  @Test func evaluatesExactly() throws {
    let cases: [(String, Rational, GoldenTable.Dimension, String)] = [
      ("1+2*3", 7, .number, "1 + 2 * 3"),
      ("(1 + 2) * 3", 9, .number, "(1 + 2) * 3"),
      ("8 - 3 - 2", 3, .number, "8 - 3 - 2"),
      ("8 - (3 - 2)", 7, .number, "8 - (3 - 2)"),
      ("8 / 4 / 2", 1, .number, "8 / 4 / 2"),
      ("8 / (4 / 2)", 4, .number, "8 / (4 / 2)"),
      ("--a * -(1 - 2)", 10, .number, "--10 * -(1 - 2)"),
      ("0.1 + 0.2", Rational(3, 10), .number, "0.1 + 0.2"),
      ("0.12 / 0.97", Rational(12, 97), .number, "0.12 / 0.97"),
      ("half * a", 5, .number, "50 % * 10"),
      ("size(n, width)", 36_000_000, .bytes, "size(72000000 parameters, 4 bits)"),
      ("count(mb, width)", 72_000_000, .parameters, "count(36 MB, 4 bits)"),
      ("count(mib, width)", 75_497_472, .parameters, "count(36 MiB, 4 bits)"),
      ("count(low(mb), width)", 71_000_000, .parameters, "count(35.5 MB, 4 bits)"),
      ("count(high(mb), width)", 73_000_000, .parameters, "count(36.5 MB, 4 bits)"),
      ("ratio(mib, mb)", Rational(16384, 15625), .number, "ratio(36 MiB, 36 MB)"),
      ("mb + mb * 2 - mib / 2", 89_125_632, .bytes, "36 MB + 36 MB * 2 - 36 MiB / 2"),
    ]
    for (text, value, dimension, printed) in cases {
      let expression = try Expression.parse(text)
      let amount = try expression.value(in: Self.names)
      #expect(amount == .init(value: value, dimension: dimension), "\(text)")
      #expect(expression.text(in: Self.names) == printed)
    }
  }

  @Test func refusesWhatHasNoMeaning() {
    let cases: [(String, String)] = [
      ("", "column 1: a number"), ("1 +", "column 4: a number"), ("1 2", "'2' is not expected"),
      ("(1", "')' must stand here"), ("1.2.3", "column 1: '1.2.3' is no decimal number"),
      ("1e3", "'1e3' is no decimal number"),
      ("01", "'01' is no decimal number"),
      ("0x10", "'0x10' is no decimal number"),
      ("log(1)", "not one of the functions low, high, size, count, ratio"),
      ("size", "'size' takes arguments"), ("low(a + 1)", "')' must stand here"),
      ("high(b)", "'b' is neither a quantity"), ("b", "'b' is neither a quantity"),
      ("size(n)", "takes 2 arguments, not 1"),
      ("size(n, mb)", "takes parameters and bits, not parameters and bytes"),
      ("count(n, width)", "takes bytes and bits"), ("ratio(mb, width)", "'ratio' of bytes to bits"),
      ("mb + 1", "'+' between bytes and a plain number"), ("mb - n", "'-' between"),
      ("mb * mb", "'*' between"), ("1 / mb", "'/' between"), ("1 / zero", "divides by zero"),
      ("ratio(a, zero)", "divides by zero"), ("count(mb, width - width)", "divides by zero"),
      (String(repeating: "(", count: 60), "nested too deeply"),
      (String(repeating: "-", count: 60), "nested too deeply"),
      (String(repeating: "1+", count: 300), "longer than 500 characters"),
    ]
    for (text, word) in cases {
      do throws(Expression.Failure) {
        _ = try Expression.parse(text).value(in: Self.names)
        Issue.record("\(text) is accepted")
      } catch {
        #expect(error.message.contains(word), "\(text): \(error.message)")
      }
    }
  }

  /// The printed number, what it stands for, what rounds to it and what does not.
  @Test func digitsAreAnIntervalWithOneEnd() throws {
    typealias Case = (GoldenTable.PrintedNumber?, String, yes: [String], no: [String])
    let cases: [Case] = [
      (
        Self.number("288", .MB), "[287.5, 288.5) MB", ["287.5", "288.499999"],
        ["287.499999", "288.5"]
      ),
      (Self.number("-288"), "(-288.5, -287.5]", ["-287.5", "-288.4"], ["-288.5", "-287.4"]),
      (Self.number("0"), "(-0.5, 0.5)", ["0", "-0.49", "0.49"], ["0.5", "-0.5"]),
      (Self.number("-0.0"), "(-0.05, 0.05)", ["0"], ["0.05", "-0.05"]),
      (Self.number("1.080"), "[1.0795, 1.0805)", ["1.0795"], ["1.0805"]),
      (Self.number("1.0", .one, .decimals(0)), "[0.5, 1.5)", ["0.5"], ["1.5"]),
      (Self.number("7200", .one, .decimals(-2)), "[7150, 7250)", ["7150"], ["7250"]),
      (Self.number("8", .percent, .exact), "exactly 8 %", ["8", "8.0"], ["8.000001"]),
    ]
    for (number, interval, yes, no) in cases {
      let number = try #require(number)
      #expect(number.interval.hasSuffix(interval))
      for text in yes { #expect(number.admits(try #require(Rational.parse(text))), "\(text)") }
      for text in no { #expect(!number.admits(try #require(Rational.parse(text))), "\(text)") }
    }
    #expect(Self.number("288", .one, .decimals(1)) == nil, "more digits than are printed")
    #expect(Self.number("7250", .one, .decimals(-2)) == nil, "digits that do not count")
    #expect(Self.number("1.25", .one, .decimals(1)) == nil)
    for text in ["", "-", "1e3", "0x10", "1,5", "+1", "1_000", "٣"] {
      #expect(Self.number(text) == nil, "\(text)")
    }
  }

  @Test func exactValuesAreWrittenWithoutRounding() {
    let cases: [(Rational, String)] = [
      (0, "0"), (-12, "-12"), (Rational(1, 8), "0.125"), (Rational(-3, 25), "-0.12"),
      (Rational(1, 1_000_000), "0.000001"), (Rational(12, 97), "12/97"), (100, "100"),
      (Rational(-1, 3), "-1/3"), (Rational(31_030_658, 250_000), "124.122632"),
    ]
    for (value, text) in cases { #expect(value.decimal == text) }
  }

  @Test func unitsAreNotEachOther() {
    #expect(GoldenTable.Unit.MB.scale == 1_000_000 && GoldenTable.Unit.MiB.scale == 1_048_576)
    #expect(GoldenTable.Unit.kB.scale == 1000 && GoldenTable.Unit.KiB.scale == 1024)
    #expect(GoldenTable.Unit.GB.scale == 1_000_000_000)
    #expect(GoldenTable.Unit.GiB.scale == 1_073_741_824)
    #expect(GoldenTable.Unit.percent.scale == Rational(1, 100))
    #expect(GoldenTable.Unit.bits.dimension != GoldenTable.Unit.bytes.dimension)
  }
}
