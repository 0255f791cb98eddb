public import ExactArithmetic

/// The type of a tensor's elements: what the case format calls a dtype.
///
/// Tensors hold elements as codes, one `Int64` each:
///
/// | type           | code                                                              |
/// |----------------|-------------------------------------------------------------------|
/// | integer, fixed | the (raw) integer; unsigned 64-bit ones by bit pattern; int1 -1, +1 |
/// | float          | the encoding, zero-extended                                       |
/// | bool           | 0 or 1                                                            |
public enum DataType: Hashable, Sendable {
  case integer(IntegerFormat)
  case float(FloatFormat)
  case fixed(FixedPointFormat)
  case bool
}

extension DataType {
  public static let float64 = DataType.float(.binary64)
  public static let float32 = DataType.float(.binary32)
  public static let float16 = DataType.float(.binary16)
  public static let bfloat16 = DataType.float(.bfloat16)
  public static let int8 = DataType.integer(IntegerFormat(bits: 8, signed: true))
  public static let int16 = DataType.integer(IntegerFormat(bits: 16, signed: true))
  public static let int32 = DataType.integer(IntegerFormat(bits: 32, signed: true))
  public static let int64 = DataType.integer(IntegerFormat(bits: 64, signed: true))
  public static let uint8 = DataType.integer(IntegerFormat(bits: 8, signed: false))
  public static let uint16 = DataType.integer(IntegerFormat(bits: 16, signed: false))
  public static let uint32 = DataType.integer(IntegerFormat(bits: 32, signed: false))

  /// Every type whose name has no parameters, in the order of the case format.
  public static let named: [DataType] =
    [
      .binary64, .binary32, .binary16, .bfloat16, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2,
      .float8E5M2FNUZ, .float8E8M0FNU, .float4E2M1FN,
    ].map(DataType.float)
    + [.integer(.bipolar)]
    + [2, 4, 8, 16, 32, 48, 64].map { .integer(IntegerFormat(bits: $0, signed: true)) }
    + [2, 4, 8, 16, 32].map { .integer(IntegerFormat(bits: $0, signed: false)) }
    + [.bool]

  private static let byName = Dictionary(uniqueKeysWithValues: named.map { ($0.name, $0) })

  /// The type of a name: one of ``named``, `fixed<W,I>` or `ufixed<W,I>`; `nil` for any other.
  ///
  /// - Parameter name: the name exactly as ``name`` writes it: no spaces, no leading zeros.
  public init?(name: String) {
    if let type = Self.byName[name] {
      self = type
      return
    }
    let parts = name.split(separator: "<", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].hasSuffix(">") else { return nil }
    let numbers = parts[1].dropLast().split(separator: ",", omittingEmptySubsequences: false)
    guard
      numbers.count == 2, let width = Int(numbers[0]), let integerBits = Int(numbers[1]),
      (1...64).contains(width), integerBits.magnitude <= FixedPointFormat.largestIntegerBits
    else { return nil }
    self = .fixed(
      FixedPointFormat(width: width, integerBits: integerBits, signed: parts[0] == "fixed"))
    if self.name != name { return nil }
  }

  /// The name in case files.
  public var name: String {
    switch self {
    case .integer(let format): format.name
    case .float(let format): format.name
    case .fixed(let format): format.name
    case .bool: "bool"
    }
  }

  /// The width of a value in bits.
  public var bits: Int {
    switch self {
    case .integer(let format): format.bits
    case .float(let format): format.bits
    case .fixed(let format): format.width
    case .bool: 1
    }
  }

  /// The bytes that one element takes in a tensor: ⌈bits / 8⌉.
  public var storageBytes: Int { (bits + 7) / 8 }
}

// MARK: - Codes

extension DataType {
  /// The lowest and the highest code; of float64, whose codes are bit patterns, up to the highest that
  /// is not negative.
  public var codes: ClosedRange<Int64> {
    let isSigned =
      switch self {
      case .integer(let format): format.isSigned
      case .fixed(let format): format.isSigned
      case .float, .bool: false
      }
    return isSigned
      ? Int64.min >> Int64(64 - bits)...Int64.max >> Int64(64 - bits)
      : 0...Int64.max >> Int64(max(0, 63 - bits))
  }

  /// The value of a code.
  ///
  /// - Parameter code: a code of this type, as the table of ``DataType`` says.
  /// - Returns: its exact value.
  public func number(fromCode code: Int64) -> Number {
    switch self {
    case .integer(let format):
      .finite(Rational(integer(fromCode: code, signed: format.isSigned)))
    case .float(let format):
      format.decode(UInt64(bitPattern: code))
    case .fixed(let format):
      .finite(format.value(ofRaw: integer(fromCode: code, signed: format.isSigned)))
    case .bool:
      .finite(Rational(code))
    }
  }

  /// The code of a number that the type has; a float's 0 is +0.
  ///
  /// - Parameter value: any number.
  /// - Returns: `nil` if the type lacks it.
  public func code(for value: Rational) -> Int64? {
    switch self {
    case .integer(let format):
      value.isInteger && format.contains(value.numerator)
        ? Int64(bitPattern: value.numerator.low64) : nil
    case .float(let format):
      format.code(exactly: .finite(value)).map(Int64.init(bitPattern:))
    case .fixed(let format):
      format.raw(exactly: value).map { Int64(bitPattern: $0.low64) }
    case .bool:
      value == 0 ? 0 : value == 1 ? 1 : nil
    }
  }

  /// Whether a code is one of this type.
  ///
  /// - Parameter code: any.
  /// - Returns: whether it encodes a value, NaN included.
  public func isValid(code: Int64) -> Bool {
    switch self {
    case .integer(let format):
      format.contains(integer(fromCode: code, signed: format.isSigned))
    case .float(let format):
      format.bits == 64 || UInt64(bitPattern: code) >> UInt64(format.bits) == 0
    case .fixed(let format):
      format.rawFormat.contains(integer(fromCode: code, signed: format.isSigned))
    case .bool:
      code == 0 || code == 1
    }
  }

  /// Codes are `Int64` by bit pattern.
  private func integer(fromCode code: Int64, signed: Bool) -> Integer {
    signed ? Integer(code) : Integer(UInt64(bitPattern: code))
  }
}
