import Foundation
public import NumberFormats

/// Reads the .npy files that a case may name.
///
/// Source: NumPy's format specification, versions 1.0 to 3.0. Little-endian, C order; floats by
/// their IEEE types, other floats by unsigned integers that hold the encoding.
public enum NumpyFile {
  /// Reads a file that must hold a tensor of the given type and shape.
  public static func codes(
    at path: String, as dtype: DataType, shape: [Int]
  ) throws(CaseError) -> [Int64] {
    let file = try contents(of: path)
    guard file.shape == shape else {
      throw .malformed("'\(path)' has shape \(file.shape), the case says \(shape)")
    }
    guard accepted(for: dtype).contains(file.type) else {
      let types = accepted(for: dtype).joined(separator: " or ")
      throw .malformed("'\(path)' holds \(file.type), \(dtype.name) needs \(types)")
    }
    return try file.codes(as: dtype, path)
  }

  /// Reads a file as a tensor of the shape and the type that it says itself.
  ///
  /// - Throws: `malformed` where it is no .npy file, is cut short, or holds a type that is none here.
  public static func tensor(at path: String) throws(CaseError) -> Tensor {
    let file = try contents(of: path)
    guard let name = ownTypes[file.type], let dtype = DataType(name: name) else {
      let types = ownTypes.keys.sorted().joined(separator: ", ")
      throw .malformed("'\(path)' holds \(file.type), must hold one of \(types)")
    }
    return Tensor(dtype, shape: file.shape, codes: try file.codes(as: dtype, path))
  }

  /// The NumPy types that are data types of the same name.
  private static let ownTypes = [
    "|b1": "bool", "|i1": "int8", "|u1": "uint8", "<i2": "int16", "<u2": "uint16", "<i4": "int32",
    "<u4": "uint32", "<i8": "int64", "<f2": "float16", "<f4": "float32", "<f8": "float64",
  ]

  /// A file in parts.
  private struct Contents {
    var type: String
    var shape: [Int]
    var elements: ArraySlice<UInt8>

    /// The elements, as many as the shape says.
    func codes(as dtype: DataType, _ path: String) throws(CaseError) -> [Int64] {
      let codes = try ElementBytes.codes(from: NumpyFile.narrowed(elements, dtype, type), as: dtype)
      guard codes.count == Tensor.count(of: shape) else {
        throw .malformed("'\(path)' holds \(codes.count) elements, its shape says otherwise")
      }
      return codes
    }
  }

  private static func contents(of path: String) throws(CaseError) -> Contents {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .malformed("cannot read '\(path)'")
    }
    let bytes = [UInt8](data)
    guard bytes.count >= 10, bytes[0..<6].elementsEqual([0x93] + Array("NUMPY".utf8)) else {
      throw .malformed("'\(path)' is not a .npy file")
    }
    let lengthBytes = bytes[6] == 1 ? 2 : 4
    guard (1...3).contains(bytes[6]), bytes.count >= 8 + lengthBytes else {
      throw .malformed("'\(path)' has an unknown .npy version")
    }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthBytes + length
    guard bytes.count >= start else { throw .malformed("'\(path)' ends within its header") }
    let header = String(decoding: bytes[(8 + lengthBytes)..<start], as: UTF8.self)
    guard let description = field("descr", header), let order = field("fortran_order", header),
      let dimensions = field("shape", header)
    else { throw .malformed("'\(path)' has an incomplete header") }
    guard order == "False" else {
      throw .malformed("'\(path)' is in Fortran order; save it in C order")
    }
    return Contents(
      type: description.trimmingCharacters(in: CharacterSet(charactersIn: "'\"")),
      shape: dimensions.split { !$0.isNumber }.compactMap { Int($0) }, elements: bytes[start...])
  }

  /// The text of a header field, up to the comma or bracket that ends it.
  private static func field(_ name: String, _ header: String) -> String? {
    guard let key = header.range(of: "'\(name)':") else { return nil }
    let rest = header[key.upperBound...].drop { $0 == " " }
    if rest.first == "(" {
      guard let end = rest.firstIndex(of: ")") else { return nil }
      return String(rest[...end])
    }
    return String(rest.prefix { $0 != "," && $0 != "}" }).trimmingCharacters(in: .whitespaces)
  }

  /// The NumPy types that can hold a data type.
  private static func accepted(for dtype: DataType) -> [String] {
    switch dtype {
    case .bool: return ["|b1", "|u1"]
    case .float(let format):
      switch format {
      case .binary64: return ["<f8"]
      case .binary32: return ["<f4"]
      case .binary16: return ["<f2"]
      case .bfloat16: return ["<u2", "|V2", "<V2"]
      default: return ["|u1", "|V1", "<V1"]
      }
    case .integer, .fixed:
      let sign = dtype.isSigned ? "i" : "u"
      switch dtype.storageBytes {
      case 1: return ["|\(sign)1"]
      case 2: return ["<\(sign)2"]
      case 3, 4: return ["<\(sign)4"]
      default: return ["<\(sign)8"]
      }
    }
  }

  /// The bytes with NumPy's wider elements cut to the storage of the type, where that loses nothing.
  private static func narrowed(
    _ bytes: ArraySlice<UInt8>, _ dtype: DataType, _ type: String
  ) throws(CaseError) -> [UInt8] {
    let wide = Int(String(type.suffix(1))) ?? dtype.storageBytes
    let size = dtype.storageBytes
    if wide == size { return Array(bytes) }
    var narrow: [UInt8] = []
    for start in stride(from: bytes.startIndex, to: bytes.endIndex - wide + 1, by: wide) {
      let element = bytes[start..<start + wide]
      let fill: UInt8 =
        dtype.isSigned && element[start + size - 1] & 0x80 != 0 ? 0xFF : 0
      guard element[(start + size)...].allSatisfy({ $0 == fill }) else {
        throw .malformed("a value of the .npy file is out of range for \(dtype.name)")
      }
      narrow += element[..<(start + size)]
    }
    return narrow
  }
}
