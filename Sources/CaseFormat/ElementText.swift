import ExactArithmetic
import Foundation
public import NumberFormats

/// Elements as text: exact reading with one rounding, shortest writing.
public enum ElementText {
  /// Reads a number of the case format as an element of a type [formats §22].
  ///
  /// The text is a JSON number, a C99 hex float, or `nan`, `inf`, `-inf`. A decimal is read exactly
  /// and rounded once, to nearest even; overflow gives infinity where the type has one. Integer and
  /// fixed types take only what they can represent.
  public static func code(of text: String, as dtype: DataType) throws(CaseError) -> Int64 {
    if case .integer = dtype, isPlainInteger(text), let small = Int64(text) {
      guard let code = dtype.code(for: Rational(small)) else { throw outOfRange(text, dtype) }
      return code
    }
    let number: Number
    switch text {
    case "nan": number = .nan
    case "inf": number = .infinity(negative: false)
    case "-inf": number = .infinity(negative: true)
    default: number = try magnitude(of: text, dtype)
    }
    switch dtype {
    case .float(let format): return try floatCode(of: number, text, format)
    case .integer, .fixed, .bool:
      let rational: Rational
      switch number {
      case .finite(let value): rational = value
      case .negativeZero: rational = 0
      case .infinity, .nan: throw .malformed("'\(text)' is not a value of \(dtype.name)")
      }
      guard let code = dtype.code(for: rational) else { throw outOfRange(text, dtype) }
      return code
    }
  }

  /// Whether a text is a decimal integer as JSON writes it, other than -0: no plus, no leading zero.
  private static func isPlainInteger(_ text: String) -> Bool {
    let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
    guard let first = digits.first else { return false }
    return (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first) || text == "0"
  }

  private static func outOfRange(_ text: String, _ dtype: DataType) -> CaseError {
    .malformed("\(text) is not representable in \(dtype.name)")
  }

  private static func floatCode(
    of number: Number, _ text: String, _ format: FloatFormat
  ) throws(CaseError) -> Int64 {
    let code = format.encode(number)
    let result = format.decode(code)
    switch (number, result) {
    case (.nan, .nan), (.infinity, .infinity): break
    case (.nan, _), (.infinity, _): throw .malformed("\(format.name) has no \(text)")
    case (_, .nan): throw .malformed("\(text) overflows \(format.name), which has no infinity")
    case (.finite(let value), .finite(let stored))
    where format.specials == .none && value.magnitude > stored.magnitude && value != stored:
      if value.magnitude > overflowThreshold(of: format) {
        throw .malformed("\(text) overflows \(format.name), which has no infinity")
      }
    default: break
    }
    // A format of powers of two has neither a zero nor a sign.
    if format.specials == .powersOfTwo {
      switch number {
      case .finite(let value) where value.signum() > 0: break
      case .finite, .negativeZero:
        throw .malformed("\(text) is not representable in \(format.name)")
      case .infinity, .nan: break
      }
    }
    return Int64(bitPattern: code)
  }

  /// Half a step above the largest finite value: from there on a value overflows.
  private static func overflowThreshold(of format: FloatFormat) -> Rational {
    let largest = format.largestFinite
    let step = Rational(1).scaledByPowerOfTwo(largest.floorLog2 - format.significandBits)
    return largest + step / 2
  }

  /// The exact value of a decimal or hex float, with exponents too large to expand cut short.
  private static func magnitude(of text: String, _ dtype: DataType) throws(CaseError) -> Number {
    let isNegative = text.hasPrefix("-")
    if let value = Rational.parse(text) {
      return value.isZero && isNegative ? .negativeZero : .finite(value)
    }
    // An exponent beyond what is worth expanding: zero, underflow or overflow.
    let body = text.drop { $0 == "-" || $0 == "+" }
    let isHex = body.lowercased().hasPrefix("0x")
    let digits = isHex ? body.dropFirst(2) : body
    guard let mark = digits.firstIndex(where: { isHex ? "pP".contains($0) : "eE".contains($0) }),
      Rational.parse(String(body[..<mark]) + (isHex ? "p0" : "")) != nil
    else { throw .malformed("'\(text)' is not a number") }
    let exponent = digits[digits.index(after: mark)...]
    let sign = exponent.first
    let exponentDigits = exponent.drop { $0 == "+" || $0 == "-" }
    guard !exponentDigits.isEmpty, exponentDigits.allSatisfy({ $0.isASCII && $0.isNumber }),
      exponent.count - exponentDigits.count <= 1
    else { throw .malformed("'\(text)' is not a number") }
    let significand = Rational.parse(String(body[..<mark]) + (isHex ? "p0" : "")) ?? 0
    if significand.isZero { return isNegative ? .negativeZero : .finite(0) }
    let huge = Rational(1).scaledByPowerOfTwo(sign == "-" ? -60_000 : 60_000)
    return .finite(isNegative ? -huge : huge)
  }

  /// Writes an element so that reading it gives the same bits, in the fewest digits.
  ///
  /// Returns nil where only the encoding can say it: a NaN with a sign or a payload.
  public static func json(ofCode code: Int64, _ dtype: DataType) -> JSONValue? {
    switch dtype {
    case .integer: return .number(String(code))
    case .bool: return .number(String(code))
    case .fixed:
      guard let value = dtype.number(fromCode: code).rational else { return nil }
      return .number(decimal(value))
    case .float(let format): return floatJSON(UInt64(bitPattern: code), format)
    }
  }

  private static func floatJSON(_ code: UInt64, _ format: FloatFormat) -> JSONValue? {
    switch format.decode(code) {
    case .nan: return code == format.encode(.nan) ? .string("nan") : nil
    case .infinity(let negative): return .string(negative ? "-inf" : "inf")
    case .negativeZero: return .string("-0x0p+0")
    case .finite(let value):
      if value.isZero { return .number("0.0") }
      if format == .binary32 { return .number("\(Float(bitPattern: UInt32(code)))") }
      if format == .binary64 { return .number("\(Double(bitPattern: code))") }
      return .number(shortest(value, code, format))
    }
  }

  /// The fewest significant digits that round to the same encoding.
  private static func shortest(_ value: Rational, _ code: UInt64, _ format: FloatFormat) -> String {
    let double = value.approximate
    for digits in 0..<17 {
      let text = String(format: "%.\(digits)e", double)
      if let read = Rational.parse(text), format.encode(.finite(read)) == code {
        return "\(Double(text) ?? double)"
      }
    }
    return "\(double)"
  }

  /// A value with a power of two below the line, as an exact decimal.
  private static func decimal(_ value: Rational) -> String {
    if value.isInteger { return value.numerator.description }
    let places = value.denominator.bitWidth - 1
    var scaled = value.magnitude.numerator
    for _ in 0..<places { scaled = scaled * 5 }
    var digits = scaled.description
    if digits.count <= places {
      digits = String(repeating: "0", count: places + 1 - digits.count) + digits
    }
    let point = digits.index(digits.endIndex, offsetBy: -places)
    return (value.signum() < 0 ? "-" : "") + digits[..<point] + "." + digits[point...]
  }
}
