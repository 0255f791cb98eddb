import Foundation
public import NumberFormats

/// Elements as bytes: little-endian, one element in `storageBytes` bytes.
///
/// Sub-byte types take one byte an element, signed ones sign-extended; int48 takes six bytes, fixed
/// point ceil(W/8). The same layout serves `base64` and the memory that kernels see.
public enum ElementBytes {
  /// Reads elements from bytes; a byte pattern that is no value of the type is an error.
  public static func codes(
    from bytes: some Collection<UInt8>, as dtype: DataType
  ) throws(CaseError) -> [Int64] {
    let size = dtype.storageBytes
    guard bytes.count % size == 0 else {
      throw .malformed("\(bytes.count) bytes are not a whole number of \(dtype.name) elements")
    }
    var codes: [Int64] = []
    codes.reserveCapacity(bytes.count / size)
    var pattern: UInt64 = 0
    var filled = 0
    for byte in bytes {
      pattern |= UInt64(byte) << UInt64(8 * filled)
      filled += 1
      if filled == size {
        let code = extended(pattern, dtype)
        guard isValid(code, dtype) else {
          throw .malformed("0x\(String(pattern, radix: 16)) is not a value of \(dtype.name)")
        }
        codes.append(code)
        pattern = 0
        filled = 0
      }
    }
    return codes
  }

  /// Reads elements from the memory of a kernel, whatever they hold.
  ///
  /// - Precondition: a whole number of elements.
  public static func uncheckedCodes(
    from memory: UnsafeRawBufferPointer, as dtype: DataType
  ) -> [Int64] {
    let size = dtype.storageBytes
    func load<T: FixedWidthInteger>(_ type: T.Type) -> [Int64] {
      (0..<memory.count / size).map {
        Int64(truncatingIfNeeded: memory.loadUnaligned(fromByteOffset: $0 * size, as: type))
      }
    }
    switch (size, dtype.isSigned) {
    case (1, true): return load(Int8.self)
    case (1, false): return load(UInt8.self)
    case (2, true): return load(Int16.self)
    case (2, false): return load(UInt16.self)
    case (4, true): return load(Int32.self)
    case (4, false): return load(UInt32.self)
    case (8, _): return load(Int64.self)
    default:
      return (0..<memory.count / size).map { index in
        var pattern: UInt64 = 0
        for byte in 0..<size {
          pattern |= UInt64(memory[index * size + byte]) << UInt64(8 * byte)
        }
        return extended(pattern, dtype)
      }
    }
  }

  /// Writes elements as bytes.
  public static func bytes(of codes: [Int64], as dtype: DataType) -> [UInt8] {
    let size = dtype.storageBytes
    if size == 1 { return codes.map { UInt8(truncatingIfNeeded: $0) } }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(codes.count * size)
    for code in codes {
      for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: code >> Int64(8 * byte))) }
    }
    return bytes
  }

  /// Extends a stored pattern to a code: signed types by their sign.
  private static func extended(_ pattern: UInt64, _ dtype: DataType) -> Int64 {
    let unused = UInt64(64 - 8 * dtype.storageBytes)
    return dtype.isSigned
      ? Int64(bitPattern: pattern << unused) >> Int64(unused) : Int64(bitPattern: pattern)
  }

  /// Whether a code is an element of the type.
  private static func isValid(_ code: Int64, _ dtype: DataType) -> Bool {
    switch dtype {
    case .integer(let format): return format == .bipolar ? abs(code) == 1 : fits(code, dtype)
    case .fixed: return fits(code, dtype)
    case .float(let format):
      return format.bits == 64 || UInt64(bitPattern: code) >> format.bits == 0
    case .bool: return code == 0 || code == 1
    }
  }

  private static func fits(_ code: Int64, _ dtype: DataType) -> Bool {
    let bits = dtype.bits
    if bits == 64 { return true }
    return dtype.isSigned
      ? code >= -(1 << (bits - 1)) && code < 1 << (bits - 1) : code >= 0 && code < 1 << bits
  }
}

extension DataType {
  /// Whether stored elements are sign-extended.
  public var isSigned: Bool {
    switch self {
    case .integer(let format): format.isSigned
    case .fixed(let format): format.isSigned
    case .float, .bool: false
    }
  }
}
