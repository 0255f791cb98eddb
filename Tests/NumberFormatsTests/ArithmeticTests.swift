import ExactArithmetic
import NumberFormats
import Testing

/// What the processor cannot show: directed rules, and formats it lacks.
@Suite struct ArithmeticTests {
  @Test func signOfAnExactZero() {
    let one = Number.finite(1)
    let binary32 = FloatFormat.binary32
    #expect(binary32.subtract(one, one) == .zero)
    #expect(binary32.subtract(one, one, rounding: .floor) == .negativeZero)
    #expect(binary32.add(.zero, .negativeZero, rounding: .floor) == .negativeZero)
    #expect(binary32.add(.zero, .zero, rounding: .floor) == .zero)
    #expect(binary32.add(.negativeZero, .negativeZero) == .negativeZero)
    #expect(binary32.fusedMultiplyAdd(one, -one, one, rounding: .floor) == .negativeZero)
    #expect(binary32.fusedMultiplyAdd(.negativeZero, one, .negativeZero) == .negativeZero)
  }

  @Test func oneRounding() {
    // (1 + 2^-23)^2 - 1 - 2^-22 is 2^-46: two roundings would give 0.
    let x = Number.finite(1 + .pow2(-23))
    let addend = Number.finite(-1 - .pow2(-22))
    #expect(FloatFormat.binary32.fusedMultiplyAdd(x, x, addend) == .finite(.pow2(-46)))
    let product = FloatFormat.binary32.multiply(x, x)
    #expect(FloatFormat.binary32.add(product, addend) == .zero)
  }

  @Test func integralValuesKeepTheirSign() {
    let binary32 = FloatFormat.binary32
    let small = Number.finite(Rational(2, 5))
    #expect(binary32.roundToIntegral(-small, .nearestEven) == .negativeZero)
    #expect(binary32.roundToIntegral(small, .floor) == .zero)
    #expect(binary32.roundToIntegral(-small, .ceiling) == .negativeZero)
    #expect(binary32.roundToIntegral(.negativeZero, .floor) == .negativeZero)
    #expect(binary32.roundToIntegral(.nan, .floor) == .nan)
    #expect(FloatFormat.float8E4M3FNUZ.roundToIntegral(-small, .nearestEven) == .zero)
  }

  @Test func formatsWithoutInfinity() {
    let big = Number.finite(448)
    #expect(FloatFormat.float8E4M3FN.add(big, big) == .nan)
    #expect(FloatFormat.float8E4M3FN.divide(big, .zero) == .nan)
    #expect(FloatFormat.float4E2M1FN.divide(.finite(-1), .zero) == .finite(-6))
    #expect(FloatFormat.float8E5M2.divide(.finite(-1), .zero) == .infinity(negative: true))
  }

  /// All pairs of float8_e4m3fn: the sum is the nearest value, found by search.
  @Test func sumsAreNearest() throws {
    let format = FloatFormat.float8E4M3FN
    let values = format.positiveValues
    for a in stride(from: 0, to: values.count, by: 5) {
      for b in stride(from: 0, to: values.count, by: 3) {
        let exact = values[a] - values[b]
        let result = try #require(
          format.subtract(.finite(values[a]), .finite(values[b])).rational)
        let error = (result - exact).magnitude
        let best = values.map { ($0 - exact.magnitude).magnitude }.min()
        try #require(error == best, "\(values[a]) - \(values[b])")
      }
    }
  }
}
