import ExactArithmetic
import NumberFormats
import Testing

/// Our formats against the processor's arithmetic, bit for bit.
@Suite struct HardwareTests {
  @Test func binary32() throws {
    try Comparison<Float>(
      format: .binary32, bits: { UInt64($0.bitPattern) },
      make: { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    ).run(fused: true)
  }

  @Test func binary64() throws {
    try Comparison<Double>(
      format: .binary64, bits: { $0.bitPattern }, make: { Double(bitPattern: $0) }
    ).run(fused: true)
  }

  /// Without fused multiply-add, which Swift may compute through binary32, with two roundings.
  @Test func binary16() throws {
    try Comparison<Float16>(
      format: .binary16, bits: { UInt64($0.bitPattern) },
      make: { Float16(bitPattern: UInt16(truncatingIfNeeded: $0)) }
    ).run(fused: false)
  }

  @Test func everyBinary16Value() throws {
    for code in FloatFormat.binary16.allCodes {
      let number = FloatFormat.binary16.decode(code)
      let native = Float16(bitPattern: UInt16(code))
      try #require(number == Number(Double(native)), "code \(code)")
    }
  }

  @Test func everyBfloat16Value() throws {
    for code in FloatFormat.bfloat16.allCodes {
      let number = FloatFormat.bfloat16.decode(code)
      let native = Float(bitPattern: UInt32(code) << 16)
      try #require(number == Number(Double(native)), "code \(code)")
    }
  }

  /// Narrowing binary32: to binary16 by the processor, to bfloat16 by the usual integer trick.
  @Test func narrowing() throws {
    var random = SplitMix64(state: 1)
    for index in 0..<10_000 {
      var bits = UInt32(truncatingIfNeeded: random.next())
      // Half of them in the range of binary16, and a third exactly on ties of bfloat16.
      if index % 2 == 0 { bits = bits & 0x87FF_FFFF | 0x3800_0000 }
      if index % 3 == 0 { bits = bits & 0xFFFF_0000 | 0x8000 }
      let value = Float(bitPattern: bits)
      guard !value.isNaN else { continue }
      let number = Number(Double(value))
      try #require(
        FloatFormat.binary16.encode(number) == UInt64(Float16(value).bitPattern), "\(value)")
      let trick = (UInt64(bits) + 0x7FFF + UInt64(bits >> 16 & 1)) >> 16
      try #require(FloatFormat.bfloat16.encode(number) == trick, "\(value)")
    }
  }

  @Test func narrowingBinary64() throws {
    var random = SplitMix64(state: 2)
    for index in 0..<5_000 {
      var bits = random.next()
      // Around the normal, subnormal and overflow ranges of binary32, and on its ties.
      let exponent = UInt64(1023 - 160 + index % 300)
      bits = bits & 0x800F_FFFF_FFFF_FFFF | exponent << 52
      if index % 3 == 0 { bits = bits & ~0x1FFF_FFFF | 0x1000_0000 }
      let value = Double(bitPattern: bits)
      try #require(
        FloatFormat.binary32.encode(Number(value)) == UInt64(Float(value).bitPattern), "\(value)")
    }
  }
}

/// One native type beside our format of the same bits.
private struct Comparison<T: BinaryFloatingPoint> {
  let format: FloatFormat
  let bits: (T) -> UInt64
  let make: (UInt64) -> T

  private func number(_ x: T) -> Number { format.decode(bits(x)) }

  private func check(_ got: Number, _ want: T, _ what: @autoclosure () -> String) throws {
    let expected = want.isNaN ? format.nanCode : bits(want)
    try #require(format.encode(got) == expected, "\(what()): \(got), the processor gives \(want)")
  }

  private func checkPair(_ a: T, _ b: T) throws {
    let (x, y) = (number(a), number(b))
    try check(format.add(x, y), a + b, "\(a) + \(b)")
    try check(format.subtract(x, y), a - b, "\(a) - \(b)")
    try check(format.multiply(x, y), a * b, "\(a) * \(b)")
    try check(format.divide(x, y), a / b, "\(a) / \(b)")
  }

  private func checkFused(_ a: T, _ b: T, _ c: T) throws {
    let result = format.fusedMultiplyAdd(number(a), number(b), number(c))
    try check(result, c.addingProduct(a, b), "fma(\(a), \(b), \(c))")
  }

  private func checkIntegral(_ x: T) throws {
    let rules: [(RoundingRule, FloatingPointRoundingRule)] = [
      (.nearestEven, .toNearestOrEven), (.nearestAway, .toNearestOrAwayFromZero), (.floor, .down),
      (.ceiling, .up), (.towardZero, .towardZero), (.awayFromZero, .awayFromZero),
    ]
    for (rule, native) in rules {
      try check(format.roundToIntegral(number(x), rule), x.rounded(native), "\(rule) of \(x)")
    }
  }

  /// Zeros, the neighbours of 1, both ends of the subnormals and normals, infinity, NaN.
  private var edges: [T] {
    let (one, least, largest) = (T(1), T.leastNormalMagnitude, T.greatestFiniteMagnitude)
    let positive: [T] = [
      0, one, one.nextUp, one.nextDown, T(3) / 2, T(3), one / 10, T.leastNonzeroMagnitude,
      least.nextDown, least, largest, largest / 2, T.infinity,
    ]
    return positive + positive.map { -$0 } + [T.nan]
  }

  func run(fused: Bool) throws {
    for a in edges {
      try checkIntegral(a)
      for b in edges {
        try checkPair(a, b)
        if fused { for c in edges { try checkFused(a, b, c) } }
      }
    }
    for step in -40...40 { try checkIntegral(T(step) / 8) }
    var random = SplitMix64(state: 3)
    for _ in 0..<2_000 {
      let (a, b) = (make(random.next()), make(random.next()))
      // Close to a, so that differences cancel; close to the product for the fused sum.
      let ulps = T(Int(random.next() % 64)) * T.ulpOfOne
      let near: T = a + a * ulps
      let product: T = -a * b
      try checkPair(a, b)
      try checkPair(a, near)
      guard fused else { continue }
      try checkFused(a, b, product)
      try checkFused(a, b, near)
    }
  }
}
