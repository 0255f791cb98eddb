import CaseFormat
import Foundation
import NumberFormats
internal import QVerifyKernel
import Verification

/// A shared library with the C ABI of `qverify_kernel.h`, loaded into this process.
///
/// Only a worker loads one: `LibrarySubject` is its other side.
final class LibraryKernel {
  private typealias Describe = @convention(c) () -> UnsafePointer<qverify_description>?
  private typealias Run = @convention(c) (UnsafePointer<qverify_call>) -> qverify_status

  private let describe: Describe
  private let run: Run
  /// What loading the library changed in the floating-point environment; nil if nothing.
  private let environmentChange: String?

  /// Loads a library.
  ///
  /// - Throws: `SubjectError` where the loader refuses or a symbol is missing.
  init(path: String) throws(SubjectError) {
    let before = FloatingPointEnvironment.current
    // A name without a slash would be searched for in the system's folders.
    let file = path.contains("/") ? path : "./" + path
    guard let handle = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
      throw SubjectError(
        message: "cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "")")
    }
    environmentChange = FloatingPointEnvironment.current.difference(from: before)
    before.restore()
    func symbol<T>(_ name: String, as type: T.Type) throws(SubjectError) -> T {
      guard let found = dlsym(handle, name) else {
        throw SubjectError(message: "exports no \(name): see qverify_kernel.h")
      }
      return unsafeBitCast(found, to: type)
    }
    describe = try symbol("qverify_describe", as: Describe.self)
    run = try symbol("qverify_run", as: Run.self)
  }

  // MARK: Description

  /// What the library says of itself.
  ///
  /// - Throws: `SubjectError` where that is of another version or makes no sense.
  func description(operations: [String]) throws(SubjectError) -> KernelDescription {
    guard let found = describe()?.pointee else {
      throw SubjectError(message: "qverify_describe returned NULL")
    }
    let version = found.abi_version
    guard version == UInt32(QVERIFY_ABI_VERSION) else {
      throw SubjectError(
        message: "has ABI version \(version); this qverify speaks \(QVERIFY_ABI_VERSION)")
    }
    guard found.claim_count > 0, found.claim_count <= 4096, let claims = found.claims else {
      throw SubjectError(message: "claims no operation")
    }
    func text(_ pointer: UnsafePointer<CChar>?) -> String {
      pointer.map { String(cString: $0) } ?? ""
    }
    var description = KernelDescription(
      name: text(found.name), version: text(found.version), claims: [])
    for claim in UnsafeBufferPointer(start: claims, count: found.claim_count) {
      let claim = KernelClaim(
        operation: text(claim.operation), dialects: text(claim.dialects),
        dtypes: text(claim.dtypes), inputs: claim.inputs.map { String(cString: $0) },
        attributes: claim.attributes.map { String(cString: $0) }, layouts: text(claim.layouts),
        ties: text(claim.ties),
        accumulatorBits: Int(claim.accumulator_bits))
      if let problem = claim.problem(operations: operations) {
        throw SubjectError(message: problem)
      }
      description.claims.append(claim)
    }
    return description
  }

  // MARK: Calls

  /// Runs a case under every circumstance.
  func execute(
    _ test: Case, outputs: [OutputSpecification], calls: [Circumstance], on runner: GuardedRunner
  ) -> Execution {
    if let environmentChange {
      return .fault(Judgement(.environment, "loading the library: \(environmentChange)"))
    }
    let call = LibraryCall(test, outputs: outputs)
    let run = run
    let execution = runner.run(test, outputs: outputs, calls: calls) { call.perform(run, $0) }
    switch execution {
    case .fault(var judgement) where judgement.verdict == .crashed:
      if let exception = WorkerSide.exceptionName {
        judgement.message += ": threw the C++ exception \(exception) through the boundary"
      }
      return .fault(judgement)
    case .answered: return call.fault ?? execution
    default: return execution
    }
  }
}

extension LibraryKernel {
  /// Runs through a sweep.
  func sweep(_ sweep: Sweep, on runner: GuardedRunner) -> SweepResult {
    if let environmentChange {
      let judgement = Judgement(.environment, "loading the library: \(environmentChange)")
      return .fault(judgement, first: sweep.first, count: sweep.expected.count)
    }
    let run = run
    let result = runner.sweep(sweep, dialect: sweep.template.dialect, owner: "") { test in
      let count = test.inputs[sweep.input]?.count ?? 0
      let call = LibraryCall(test, outputs: sweep.specifications(count: count))
      return .success(SweepKernel(call: { call.perform(run, $0) }, verdict: { call.fault }))
    }
    guard case .fault(var judgement, let first, let count) = result,
      judgement.verdict == .crashed, let exception = WorkerSide.exceptionName
    else { return result }
    judgement.message += ": threw the C++ exception \(exception) through the boundary"
    return .fault(judgement, first: first, count: count)
  }
}

/// The structures of the C ABI for one case, which are made once and given to each call.
private final class LibraryCall {
  private let arena = CArena()
  private let inputs: UnsafeMutableBufferPointer<qverify_tensor>
  private let outputs: UnsafeMutableBufferPointer<qverify_tensor>
  private let names: (inputs: [String], outputs: [String])
  private let call: UnsafeMutablePointer<qverify_call>
  private let message: UnsafeMutableBufferPointer<CChar>
  /// The status of the first call, and the last one that was another.
  private let statuses: UnsafeMutableBufferPointer<UInt32>
  private let callCount: UnsafeMutablePointer<Int>
  /// Whether a call changed what describes it.
  private let isTampered: UnsafeMutablePointer<Bool>

  init(_ test: Case, outputs specifications: [OutputSpecification]) {
    let sorted = test.inputs.sorted { $0.key < $1.key }
    names = (sorted.map(\.key), specifications.map(\.name))
    inputs = arena.described(
      sorted.map { [arena] in arena.tensor($0.key, $0.value.dtype, $0.value.shape) })
    outputs = arena.described(
      specifications.map { [arena] in arena.tensor($0.name, $0.dtype, $0.shape) })
    let attributes = arena.described(
      test.attributes.sorted { $0.key < $1.key }
        .map { [arena] in arena.attribute($0.key, $0.value) })
    message = arena.buffer(of: Array(repeating: 0, count: 256))
    statuses = arena.buffer(of: [0, 0])
    callCount = arena.pointer(to: 0)
    isTampered = arena.pointer(to: false)
    call = arena.pointer(
      to: qverify_call(
        abi_version: UInt32(QVERIFY_ABI_VERSION), operation: arena.string(test.operation),
        dialect: arena.string(test.dialect), inputs: UnsafePointer(inputs.baseAddress),
        input_count: inputs.count, outputs: UnsafePointer(outputs.baseAddress),
        output_count: outputs.count, attributes: UnsafePointer(attributes.baseAddress),
        attribute_count: attributes.count, message: message.baseAddress,
        message_size: message.count))
  }

  /// Makes one call on the given memory.
  func perform(_ run: (UnsafePointer<qverify_call>) -> qverify_status, _ buffers: KernelBuffers) {
    for (index, name) in names.inputs.enumerated() {
      inputs[index].data = UnsafeMutableRawPointer(mutating: buffers.inputs[name]?.baseAddress)
    }
    for (index, name) in names.outputs.enumerated() {
      outputs[index].data = buffers.outputs[name]?.baseAddress
    }
    // A sum takes longer than a short call, so that sweeps look at some calls only.
    let isChecked = callCount.pointee < 8 || callCount.pointee % 64 == 0
    let before = isChecked ? arena.checksum : 0
    let status = run(UnsafePointer(call))
    if callCount.pointee == 0 { statuses[0] = status.rawValue }
    if callCount.pointee == 0 || status.rawValue != statuses[0] { statuses[1] = status.rawValue }
    callCount.pointee += 1
    // The message is the kernel's to write.
    if isChecked && arena.checksum != before { isTampered.pointee = true }
  }

  /// What the statuses say, where it is not that every output was written.
  var fault: Execution? {
    if isTampered.pointee {
      return .fault(Judgement(.overran, "wrote into the description of its call"))
    }
    if callCount.pointee == 0 { return nil }
    let (first, other) = (statuses[0], statuses[1])
    message[message.count - 1] = 0
    let text = String(cString: UnsafePointer(message.baseAddress ?? call.pointee.message))
    let reason = text.isEmpty ? "" : ": \(text)"
    if other != first {
      return .fault(
        Judgement(.nondeterministic, "returned status \(first) and, on another call, \(other)"))
    }
    switch first {
    case QVERIFY_OK.rawValue: return nil
    case QVERIFY_UNSUPPORTED.rawValue: return .refused(text.isEmpty ? "unsupported" : text)
    case QVERIFY_INVALID.rawValue:
      return .fault(Judgement(.malformed, "holds a valid case for invalid\(reason)"))
    default: return .fault(Judgement(.malformed, "returned status \(first), which is none"))
    }
  }
}

/// C memory that lives as long as this object.
private final class CArena {
  private var blocks: [UnsafeMutableRawBufferPointer] = []
  /// The blocks that calls must leave alone.
  private var descriptions: [UnsafeMutableRawBufferPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  func buffer<T: BitwiseCopyable>(of values: [T]) -> UnsafeMutableBufferPointer<T> {
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, values.count) * MemoryLayout<T>.stride,
      alignment: MemoryLayout<T>.alignment)
    blocks.append(block)
    let buffer = block.bindMemory(to: T.self)
    _ = buffer.initialize(from: values)
    let used = UnsafeMutableBufferPointer(rebasing: buffer.prefix(values.count))
    return values.isEmpty ? UnsafeMutableBufferPointer(start: buffer.baseAddress, count: 0) : used
  }

  func pointer<T: BitwiseCopyable>(to value: T) -> UnsafeMutablePointer<T> {
    let block = UnsafeMutablePointer<T>.allocate(capacity: 1)
    block.initialize(to: value)
    blocks.append(
      UnsafeMutableRawBufferPointer(start: block, count: MemoryLayout<T>.stride))
    return block
  }

  /// A buffer that a call may read only.
  func described<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutableBufferPointer<T> {
    let result = buffer(of: values)
    descriptions.append(UnsafeMutableRawBufferPointer(result))
    return result
  }

  func string(_ text: String) -> UnsafePointer<CChar>? {
    UnsafePointer(described(Array(text.utf8CString)).baseAddress)
  }

  private func integers(_ values: [Int]) -> UnsafePointer<Int64>? {
    UnsafePointer(described(values.map(Int64.init)).baseAddress)
  }

  /// A sum over everything that calls must leave alone: FNV-1a.
  var checksum: UInt64 {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    for block in descriptions {
      for byte in block { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    return sum
  }

  func tensor(_ name: String, _ dtype: DataType, _ shape: [Int]) -> qverify_tensor {
    let count = Tensor.count(of: shape) ?? 0
    var tensor = qverify_tensor()
    tensor.name = string(name)
    tensor.dtype = Int32(dtype.abi.rawValue)
    tensor.rank = UInt32(shape.count)
    tensor.dims = integers(shape)
    tensor.count = Int64(count)
    tensor.bytes = count * dtype.storageBytes
    tensor.bits = Int32(dtype.bits)
    if case .fixed(let format) = dtype { tensor.integer_bits = Int32(format.integerBits) }
    return tensor
  }

  func attribute(_ name: String, _ value: AttributeValue) -> qverify_attribute {
    var attribute = qverify_attribute()
    attribute.name = string(name)
    switch value {
    case .integer(let number):
      attribute.kind = Int32(QVERIFY_INTEGER.rawValue)
      attribute.integer = Int64(number)
      attribute.number = Double(number)
      attribute.text = string("\(number)")
    case .decimal(let text):
      attribute.kind = Int32(QVERIFY_NUMBER.rawValue)
      attribute.number = Double(text) ?? .nan
      attribute.text = string(text)
    case .string(let text):
      attribute.kind = Int32(QVERIFY_STRING.rawValue)
      attribute.text = string(text)
    case .integers(let numbers):
      attribute.kind = Int32(QVERIFY_INTEGERS.rawValue)
      attribute.integers = integers(numbers)
      attribute.count = numbers.count
    }
    return attribute
  }
}

extension DataType {
  /// The type as the C ABI numbers it.
  fileprivate var abi: qverify_dtype {
    switch self {
    case .fixed(let format): return format.isSigned ? QVERIFY_FIXED : QVERIFY_UFIXED
    case .bool: return QVERIFY_BOOL
    default: return Self.numbers[name] ?? qverify_dtype(0)
    }
  }

  private static let numbers: [String: qverify_dtype] = [
    "float64": QVERIFY_FLOAT64, "float32": QVERIFY_FLOAT32, "float16": QVERIFY_FLOAT16,
    "bfloat16": QVERIFY_BFLOAT16, "float8_e4m3fn": QVERIFY_FLOAT8_E4M3FN,
    "float8_e4m3fnuz": QVERIFY_FLOAT8_E4M3FNUZ, "float8_e5m2": QVERIFY_FLOAT8_E5M2,
    "float8_e5m2fnuz": QVERIFY_FLOAT8_E5M2FNUZ, "float8_e8m0fnu": QVERIFY_FLOAT8_E8M0FNU,
    "float4_e2m1fn": QVERIFY_FLOAT4_E2M1FN, "int1": QVERIFY_INT1, "int2": QVERIFY_INT2,
    "int4": QVERIFY_INT4, "int8": QVERIFY_INT8, "int16": QVERIFY_INT16, "int32": QVERIFY_INT32,
    "int48": QVERIFY_INT48, "int64": QVERIFY_INT64, "uint2": QVERIFY_UINT2,
    "uint4": QVERIFY_UINT4, "uint8": QVERIFY_UINT8, "uint16": QVERIFY_UINT16,
    "uint32": QVERIFY_UINT32,
  ]
}
