import CaseFormat
import NumberFormats
import Verification

/// The messages between qverify and its worker for shared libraries: frames of binary fields.
///
/// Both ends are the same program, so there is no version; numbers are little-endian.
struct FrameWriter {
  /// Each frame begins with it and its length.
  static let magic: UInt32 = 0x5651_564B
  private(set) var bytes: [UInt8] = []

  mutating func put<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ block: [UInt8]) {
    put(UInt32(block.count))
    bytes.append(contentsOf: block)
  }

  mutating func put(_ text: String) { put(Array(text.utf8)) }

  mutating func put<T>(list: [T], _ element: (inout FrameWriter, T) -> Void) {
    put(UInt32(list.count))
    for item in list { element(&self, item) }
  }

  /// The frame with its head.
  var frame: [UInt8] {
    var head = FrameWriter()
    head.put(Self.magic)
    head.put(UInt32(bytes.count))
    return head.bytes + bytes
  }
}

/// Reads the fields of a frame in order.
struct FrameReader {
  /// How long the head of a frame is.
  static let headSize = 8
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The length that a head promises.
  static func length(ofHead head: some Collection<UInt8>) -> Int? {
    var reader = FrameReader(Array(head.prefix(headSize)))
    guard let magic: UInt32 = try? reader.number(), magic == FrameWriter.magic,
      let length: UInt32 = try? reader.number()
    else { return nil }
    return Int(length)
  }

  mutating func number<T: FixedWidthInteger>() throws(FrameError) -> T {
    let size = MemoryLayout<T>.size
    guard position + size <= bytes.count else { throw FrameError() }
    defer { position += size }
    return bytes.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: T.self))
    }
  }

  mutating func block() throws(FrameError) -> [UInt8] {
    let count = Int(try number() as UInt32)
    guard position + count <= bytes.count else { throw FrameError() }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  mutating func text() throws(FrameError) -> String { String(decoding: try block(), as: UTF8.self) }

  mutating func list<T>(
    _ element: (inout FrameReader) throws(FrameError) -> T
  ) throws(FrameError) -> [T] {
    let count = Int(try number() as UInt32)
    var items: [T] = []
    for _ in 0..<count { items.append(try element(&self)) }
    return items
  }
}

/// A frame that is not one.
struct FrameError: Error {}

/// What qverify asks of a worker.
enum WorkerRequest {
  case describe
  case run(test: Case, outputs: [OutputSpecification], calls: [Circumstance], timeout: Duration)
  case sweep(Sweep, timeout: Duration)
}

/// What a worker answers.
enum WorkerReply {
  /// The library cannot be used, and why.
  case failed(String)
  case described(KernelDescription)
  case executed(Execution)
  case swept(SweepResult)
  /// The process that held the library ended, and was replaced.
  case ended(ProcessEnding)
}

extension FrameWriter {
  private mutating func put(_ dtype: DataType, _ shape: [Int]) {
    put(dtype.name)
    put(list: shape) { $0.put(Int64($1)) }
  }

  init(_ request: WorkerRequest) {
    switch request {
    case .describe: put(UInt8(0))
    case .run(let test, let outputs, let calls, let timeout):
      put(UInt8(1))
      put(test)
      put(list: outputs) {
        $0.put($1.name)
        $0.put($1.dtype, $1.shape)
      }
      put(list: calls) { $0.put($1.rawValue) }
      put(Int64(timeout / .nanoseconds(1)))
    case .sweep(let sweep, let timeout):
      put(UInt8(2))
      put(sweep)
      put(Int64(timeout / .nanoseconds(1)))
    }
  }

  mutating func put(_ test: Case) {
    put(test.operation)
    put(test.dialect)
    put(list: test.attributes.sorted { $0.key < $1.key }) {
      $0.put($1.key)
      $0.put($1.value)
    }
    put(list: test.inputs.sorted { $0.key < $1.key }) {
      $0.put($1.key)
      $0.put($1.value.dtype, $1.value.shape)
      $0.put(ElementBytes.bytes(of: $1.value.codes, as: $1.value.dtype))
    }
  }

  private mutating func put(_ value: AttributeValue) {
    switch value {
    case .integer(let number):
      put(UInt8(0))
      put(Int64(number))
    case .decimal(let text):
      put(UInt8(1))
      put(text)
    case .string(let text):
      put(UInt8(2))
      put(text)
    case .integers(let numbers):
      put(UInt8(3))
      put(list: numbers) { $0.put(Int64($1)) }
    }
  }

  init(_ reply: WorkerReply) {
    switch reply {
    case .failed(let reason):
      put(UInt8(0))
      put(reason)
    case .described(let description):
      put(UInt8(1))
      put(description)
    case .executed(.refused(let reason)):
      put(UInt8(2))
      put(reason)
    case .executed(.fault(let judgement)):
      put(UInt8(3))
      put(judgement.verdict.rawValue)
      put(judgement.message)
    case .executed(.answered(let answers)):
      put(UInt8(4))
      put(list: answers) {
        $0.put($1.circumstance.rawValue)
        $0.put($1.poison ?? 0)
        $0.put(list: $1.outputs) { $0.put(list: $1) { $0.put($1) } }
      }
    case .ended(let ending):
      put(UInt8(5))
      put(ending.status)
    case .swept(let result):
      put(UInt8(6))
      put(result)
    }
  }

  private mutating func put(_ description: KernelDescription) {
    put(description.name)
    put(description.version)
    put(list: description.claims) { writer, claim in
      for text in [claim.operation, claim.dialects, claim.dtypes, claim.layouts, claim.ties] {
        writer.put(text)
      }
      for text in [claim.inputs, claim.attributes] {
        writer.put(list: text.map { [$0] } ?? []) { $0.put($1) }
      }
      writer.put(Int32(claim.accumulatorBits))
    }
  }
}

extension FrameReader {
  mutating func dtype() throws(FrameError) -> DataType {
    guard let dtype = DataType(name: try text()) else { throw FrameError() }
    return dtype
  }

  private mutating func shape() throws(FrameError) -> [Int] {
    try list { reader throws(FrameError) in Int(try reader.number() as Int64) }
  }

  mutating func request() throws(FrameError) -> WorkerRequest {
    switch try number() as UInt8 {
    case 0: return .describe
    case 1:
      let test = try test()
      let outputs = try list { reader throws(FrameError) in
        OutputSpecification(
          name: try reader.text(), dtype: try reader.dtype(), shape: try reader.shape())
      }
      let calls = try list { reader throws(FrameError) in try reader.circumstance() }
      let timeout = Duration.nanoseconds(try number() as Int64)
      return .run(test: test, outputs: outputs, calls: calls, timeout: timeout)
    default:
      return .sweep(try sweep(), timeout: Duration.nanoseconds(try number() as Int64))
    }
  }

  mutating func test() throws(FrameError) -> Case {
    var test = Case(id: "", operation: try text(), dialect: try text())
    let attributes = try list { reader throws(FrameError) in
      (try reader.text(), try reader.attribute())
    }
    for (name, value) in attributes { test.attributes[name] = value }
    let inputs = try list { reader throws(FrameError) in
      (try reader.text(), try reader.tensor())
    }
    for (name, tensor) in inputs { test.inputs[name] = tensor }
    return test
  }

  private mutating func tensor() throws(FrameError) -> Tensor {
    let (dtype, shape) = (try dtype(), try shape())
    let bytes = try block()
    let codes = bytes.withUnsafeBytes { ElementBytes.uncheckedCodes(from: $0, as: dtype) }
    guard Tensor.count(of: shape) == codes.count else { throw FrameError() }
    return Tensor(dtype, shape: shape, codes: codes)
  }

  private mutating func attribute() throws(FrameError) -> AttributeValue {
    switch try number() as UInt8 {
    case 0: return .integer(Int(try number() as Int64))
    case 1: return .decimal(try text())
    case 2: return .string(try text())
    default:
      return .integers(
        try list { reader throws(FrameError) in Int(try reader.number() as Int64) })
    }
  }

  private mutating func circumstance() throws(FrameError) -> Circumstance {
    guard let circumstance = Circumstance(rawValue: try number()) else { throw FrameError() }
    return circumstance
  }

  mutating func reply() throws(FrameError) -> WorkerReply {
    switch try number() as UInt8 {
    case 0: return .failed(try text())
    case 1: return .described(try description())
    case 2: return .executed(.refused(try text()))
    case 3:
      guard let verdict = Verdict(rawValue: try text()) else { throw FrameError() }
      return .executed(.fault(Judgement(verdict, try text())))
    case 4:
      return .executed(
        .answered(
          try list { reader throws(FrameError) in
            let circumstance = try reader.circumstance()
            let poison: UInt8 = try reader.number()
            let outputs = try reader.list { reader throws(FrameError) in
              try reader.list { reader throws(FrameError) in try reader.number() as Int64 }
            }
            return Answer(circumstance, outputs: outputs, poison: poison)
          }))
    case 5: return .ended(ProcessEnding(status: try number()))
    default: return .swept(try sweepResult())
    }
  }

  private mutating func description() throws(FrameError) -> KernelDescription {
    KernelDescription(
      name: try text(), version: try text(),
      claims: try list { reader throws(FrameError) in
        var claim = KernelClaim(
          operation: try reader.text(), dialects: try reader.text(), dtypes: try reader.text(),
          layouts: try reader.text(), ties: try reader.text(), accumulatorBits: 0)
        claim.inputs = try reader.list { reader throws(FrameError) in try reader.text() }.first
        claim.attributes = try reader.list { reader throws(FrameError) in try reader.text() }.first
        claim.accumulatorBits = Int(try reader.number() as Int32)
        return claim
      })
  }
}
