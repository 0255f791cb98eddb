import CaseFormat
import NumberFormats
import Operations
import Verification

/// Why a model kernel does not take a case.
struct Refusal: Error {
  var reason: String
}

/// How an integer element lies in memory.
enum Storage: Sendable {
  case int8, uint8, int16, uint16, int32, int64

  var bytes: Int {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32: 4
    case .int64: 8
    }
  }

  /// The same width with or without a sign.
  var otherSign: Storage {
    switch self {
    case .int8: .uint8
    case .uint8: .int8
    case .int16: .uint16
    case .uint16: .int16
    case .int32, .int64: self
    }
  }

  @inline(__always)
  func load(_ memory: UnsafeRawPointer, _ index: Int) -> Int64 {
    switch self {
    case .int8: Int64(memory.loadUnaligned(fromByteOffset: index, as: Int8.self))
    case .uint8: Int64(memory.loadUnaligned(fromByteOffset: index, as: UInt8.self))
    case .int16: Int64(memory.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self))
    case .uint16: Int64(memory.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    case .int32: Int64(memory.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
    case .int64: memory.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)
    }
  }

  @inline(__always)
  func store(_ value: Int64, _ memory: UnsafeMutableRawPointer, _ index: Int) {
    switch bytes {
    case 1:
      memory.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: index, as: UInt8.self)
    case 2:
      memory.storeBytes(
        of: UInt16(truncatingIfNeeded: value), toByteOffset: 2 * index, as: UInt16.self)
    case 4:
      memory.storeBytes(
        of: UInt32(truncatingIfNeeded: value), toByteOffset: 4 * index, as: UInt32.self)
    default: memory.storeBytes(of: value, toByteOffset: 8 * index, as: Int64.self)
    }
  }
}

/// Where in a vector kernel a fault of the arithmetic sits.
public enum FaultPlace: String, Sendable {
  case everywhere
  case body = "in-body"
  case tail = "in-tail"
}

/// A case as a model kernel reads it, with what may be misread.
struct CaseReader {
  let test: Case
  let dialect: String
  let shape: TierShape
  let fault: Fault?
  let place: FaultPlace

  func integer(_ name: String) -> Int? { test.integer(name) }

  func integers(_ name: String, default values: [Int]) -> [Int] {
    test.integers(name, default: values)
  }

  func string(_ name: String) -> String? { test.string(name) }

  func tensor(_ name: String) throws(Refusal) -> Tensor {
    guard let tensor = test.inputs[name] else { throw Refusal(reason: "no input '\(name)'") }
    return tensor
  }

  func floats(_ name: String) throws(Refusal) -> [Float] {
    let tensor = try tensor(name)
    if tensor.dtype == .float32 {
      return tensor.codes.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    }
    guard let half = Self.half(tensor.dtype) else {
      throw Refusal(reason: "\(name) of type \(tensor.dtype.name)")
    }
    return tensor.codes.map { half.value(UInt16(truncatingIfNeeded: $0)) }
  }

  /// Scales in the precision that they are given in.
  func doubles(_ name: String) throws(Refusal) -> [Double] {
    let tensor = try tensor(name)
    guard tensor.dtype == .float64 else { return try floats(name).map(Double.init) }
    return tensor.codes.map { Double(bitPattern: UInt64(bitPattern: $0)) }
  }

  func codes(_ name: String) -> [Int64] { test.inputs[name]?.codes ?? [0] }

  static func half(_ type: DataType) -> Half? {
    type == .float16 ? .binary16 : type == .bfloat16 ? .bfloat16 : nil
  }

  /// The storage of an integer type.
  func storage(_ type: DataType, _ name: String) throws(Refusal) -> Storage {
    guard case .integer(let format) = type, format != .bipolar else {
      throw Refusal(reason: "\(name) of type \(type.name)")
    }
    switch (format.bits, format.isSigned) {
    case (...8, true): return .int8
    case (...8, false): return .uint8
    case (16, true): return .int16
    case (16, false): return .uint16
    case (32, true): return .int32
    case (64, true): return .int64
    default: throw Refusal(reason: "\(name) of type \(type.name)")
    }
  }

  /// The range of levels of an output type, cut by `qmin` and `qmax`.
  func range(_ type: DataType) throws(Refusal) -> ClosedRange<Int64> {
    guard case .integer(let format) = type, format != .bipolar, format.bits <= 32 else {
      throw Refusal(reason: "\(type.name) as output")
    }
    let half = Int64(1) << Int64(format.isSigned ? format.bits - 1 : format.bits)
    var low = format.isSigned ? -half : 0
    var high = half - 1
    if fault != .rangeIgnored {
      low = integer("qmin").map(Int64.init) ?? low
      high = integer("qmax").map(Int64.init) ?? high
    }
    return low...max(low, high)
  }

  /// The channels of parameters along an axis.
  func channels(
    _ x: Tensor, defaultAxis: Int, parameters: [Tensor]
  ) throws(Refusal) -> ChannelMap {
    guard integer("block_size") ?? 0 == 0 else { throw Refusal(reason: "blocked scales") }
    var map = ChannelMap(count: x.count, lanes: shape.lanes, fault: fault)
    guard parameters.contains(where: { $0.count > 1 }), x.count > 0 else { return map }
    let given = integer("axis") ?? defaultAxis
    let axis = given < 0 ? given + x.shape.count : given
    map.channels = x.shape[axis]
    map.inner = max(1, x.shape[(axis + 1)...].reduce(1, *))
    return map
  }
}

extension KernelBuffers {
  /// Where an input starts.
  func input(_ name: String) -> UnsafeRawPointer {
    inputs[name]?.baseAddress ?? UnsafeRawPointer(Self.nothing)
  }

  /// Where an output starts.
  func output(_ name: String) -> UnsafeMutableRawPointer {
    outputs[name]?.baseAddress ?? Self.nothing
  }

  /// Stands for a tensor without memory: nothing is read there.
  nonisolated(unsafe) private static let nothing = UnsafeMutableRawPointer.allocate(
    byteCount: 64, alignment: 64)
}

/// A value of a list that has one for all or one for each.
@inline(__always)
func pick<T>(_ values: [T], _ index: Int) -> T { values[values.count == 1 ? 0 : index] }

/// The low bits of a number, extended as a type of that width extends them.
func lowBits(of value: Int64, _ bits: Int, isSigned: Bool) -> Int64 {
  let unused = Int64(64 - bits)
  if isSigned { return (value << unused) >> unused }
  return Int64(bitPattern: (UInt64(bitPattern: value) << UInt64(unused)) >> UInt64(unused))
}
