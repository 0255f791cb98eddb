import CKernels

/// A type that integers are stored as.
///
/// Types below 8 bits are stored as `int8` or `uint8`, one element per byte, with narrower bounds.
public enum IntegerType: String, CaseIterable, Sendable {
  /// 8 bits, two's complement.
  case int8
  /// 8 bits, unsigned.
  case uint8
  /// 16 bits, two's complement.
  case int16
  /// 16 bits, unsigned.
  case uint16
  /// 32 bits, two's complement.
  case int32

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32: 4
    }
  }

  /// The least value.
  public var min: Int32 {
    switch self {
    case .int8: -128
    case .int16: -32768
    case .uint8, .uint16: 0
    case .int32: .min
    }
  }

  /// The greatest value.
  public var max: Int32 {
    switch self {
    case .int8: 127
    case .uint8: 255
    case .int16: 32767
    case .uint16: 65535
    case .int32: .max
    }
  }

  var cType: qk_type {
    switch self {
    case .int8: QK_INT8
    case .uint8: QK_UINT8
    case .int16: QK_INT16
    case .uint16: QK_UINT16
    case .int32: QK_INT32
    }
  }
}

/// The type that a result is stored as, and the closed range that it is clamped to.
public struct OutputRange: Equatable, Sendable {
  /// The type in memory.
  public var type: IntegerType
  /// The least result.
  public var qmin: Int32
  /// The greatest result.
  public var qmax: Int32

  /// A range within `type`; bounds left out are those of the type.
  public init(_ type: IntegerType, qmin: Int32? = nil, qmax: Int32? = nil) {
    self.type = type
    self.qmin = qmin ?? type.min
    self.qmax = qmax ?? type.max
  }

  var cRange: qk_range { qk_range(type: type.cType, min: qmin, max: qmax) }

  func validate() throws(KernelError) {
    if type == .int32 { throw .unsupported("int32 as a quantized output") }
    try require(qmin <= qmax, "qmin \(qmin) above qmax \(qmax)")
    try require(
      type.min <= qmin && qmax <= type.max,
      "bounds \(qmin)...\(qmax) outside \(type.rawValue)")
  }
}
