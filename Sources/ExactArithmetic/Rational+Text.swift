extension Rational: CustomStringConvertible {
  /// `-5/2`, or `3` for an integer.
  public var description: String {
    isInteger ? numerator.description : "\(numerator)/\(denominator)"
  }
}

extension Rational {
  /// The largest decimal exponent that ``parse(_:)`` reads: a guard, since `1e999999999` would fill
  /// the memory.
  public static let largestDecimalExponent = 20_000

  /// The largest binary exponent that ``parse(_:)`` reads.
  public static let largestBinaryExponent = 100_000

  /// Reads a number exactly: no rounding, not through binary64.
  ///
  /// Two forms, nothing before or after them:
  /// - a JSON number: `-0.25`, `1e-3`, `12` (no `+`, no leading zeros, digits on both sides of the
  ///   point);
  /// - a C99 hex float: `-0x1.8p+1`, where the point, the digits on one of its sides and the
  ///   exponent may be missing.
  ///
  /// Zero loses its sign.
  ///
  /// - Parameter text: the text.
  /// - Returns: `nil` if the text has neither form, or an exponent above
  ///   ``largestDecimalExponent`` or ``largestBinaryExponent`` in magnitude.
  public static func parse(_ text: String) -> Rational? {
    var rest = Substring(text)
    let isNegative = rest.consume("-")
    let isHexadecimal = rest.hasPrefix("0x") || rest.hasPrefix("0X")
    if isHexadecimal { rest = rest.dropFirst(2) }
    guard
      let magnitude = isHexadecimal ? hexadecimal(&rest) : decimal(&rest),
      rest.isEmpty
    else { return nil }
    return isNegative ? -magnitude : magnitude
  }

  /// `12.5e-3` as 125 · 10^(-3-1).
  private static func decimal(_ rest: inout Substring) -> Rational? {
    let whole = rest.consumeDigits(radix: 10)
    guard !whole.isEmpty, whole == "0" || !whole.hasPrefix("0") else { return nil }
    var fraction = Substring()
    if rest.consume(".") {
      fraction = rest.consumeDigits(radix: 10)
      guard !fraction.isEmpty else { return nil }
    }
    guard
      let exponent = exponent(&rest, marks: "eE", limit: largestDecimalExponent),
      let digits = Integer(String(whole + fraction))
    else { return nil }
    let power = exponent - fraction.utf8.count
    let ten = Rational(tenToThe(power.magnitude))
    return power < 0 ? Rational(digits) / ten : Rational(digits) * ten
  }

  /// `1.8p+1` as 0x18 · 2^(1-4).
  private static func hexadecimal(_ rest: inout Substring) -> Rational? {
    let whole = rest.consumeDigits(radix: 16)
    let fraction = rest.consume(".") ? rest.consumeDigits(radix: 16) : Substring()
    guard
      let exponent = exponent(&rest, marks: "pP", limit: largestBinaryExponent),
      let digits = Integer(String(whole + fraction), radix: 16)
    else { return nil }
    return Rational(digits).scaledByPowerOfTwo(exponent - 4 * fraction.utf8.count)
  }

  /// The decimal number behind `e` or `p`; 0 if there is no such mark.
  private static func exponent(_ rest: inout Substring, marks: String, limit: Int) -> Int? {
    guard let mark = rest.first, marks.contains(mark) else { return 0 }
    rest = rest.dropFirst()
    let isNegative = rest.consume("-")
    if !isNegative { _ = rest.consume("+") }
    let digits = rest.consumeDigits(radix: 10)
    guard let magnitude = Int(digits), magnitude <= limit else { return nil }
    return isNegative ? -magnitude : magnitude
  }

  private static func tenToThe(_ n: UInt) -> Integer {
    var (result, square, n): (Integer, Integer, UInt) = (1, 10, n)
    while n > 0 {
      if n & 1 == 1 { result *= square }
      n >>= 1
      if n > 0 { square *= square }
    }
    return result
  }
}

extension Substring {
  fileprivate mutating func consume(_ prefix: Character) -> Bool {
    guard first == prefix else { return false }
    self = dropFirst()
    return true
  }

  fileprivate mutating func consumeDigits(radix: Int) -> Substring {
    let digits = prefix { $0.isASCII && ($0.hexDigitValue ?? .max) < radix }
    self = self[digits.endIndex...]
    return digits
  }
}
