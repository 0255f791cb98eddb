internal import CHarness
public import CaseFormat
import NumberFormats

/// A kernel that is ready for calls of one length.
public struct SweepKernel {
  /// Runs once on given memory; may be left by a fault in the kernel, so it must own nothing that
  /// needs cleaning up.
  public var call: (KernelBuffers) -> Void
  /// What else the calls so far did; nil where they only wrote their outputs.
  public var verdict: () -> Execution?

  /// A kernel for calls of one length.
  public init(
    call: @escaping (KernelBuffers) -> Void, verdict: @escaping () -> Execution? = { nil }
  ) {
    (self.call, self.verdict) = (call, verdict)
  }
}

/// What is compared at once: one call, or many short ones.
private final class SweepGroup {
  let kernel: SweepKernel
  /// The kernel of a last call that is shorter than the others.
  let last: SweepKernel?
  let place: SweepMemory.Place

  init(_ kernel: SweepKernel, last: SweepKernel?, _ place: SweepMemory.Place) {
    (self.kernel, self.last, self.place) = (kernel, last, place)
  }

  /// Makes every call.
  func run() {
    for buffers in place.calls { kernel.call(buffers) }
    if let last, let buffers = place.last { last.call(buffers) }
  }

  func verdict() -> Execution? { kernel.verdict() ?? last?.verdict() }
}

/// What sweeps of one template keep: memory, and a kernel for each length.
final class SweepState {
  fileprivate let template: Case
  fileprivate let dialect: String
  fileprivate let owner: String
  fileprivate let calls: CallLengths
  fileprivate let memory: SweepMemory
  /// What is compared at once, by the number of its elements.
  fileprivate var ready: [SweepGroup?] = Array(repeating: nil, count: CallLengths.longest + 1)

  fileprivate init(_ sweep: Sweep, _ dialect: String, _ owner: String) {
    (template, self.dialect, self.owner) = (sweep.template, dialect, owner)
    (calls, memory) = (sweep.calls, SweepMemory(sweep))
  }

  fileprivate func serves(_ sweep: Sweep, _ dialect: String, _ owner: String) -> Bool {
    self.owner == owner && self.dialect == dialect && calls == sweep.calls
      && memory.fits(sweep) && template == sweep.template
  }
}

extension GuardedRunner {
  /// Runs a kernel of this process through a sweep, call by call, in guarded memory.
  ///
  /// Each call has its inputs and outputs against the inaccessible page behind them, the outputs hold
  /// what is not expected, and everything is compared before the next call.
  ///
  /// - Parameters:
  ///   - sweep: what to run through.
  ///   - dialect: the text of the dialect: what is prepared is used again for the same sweep, dialect
  ///     and owner.
  ///   - owner: the subject.
  ///   - prepare: makes a kernel ready for a case of some length; asked once a length.
  /// - Returns: how it ended; where a call was at fault, from which code on.
  public func sweep(
    _ sweep: Sweep, dialect: String, owner: String,
    prepare: (Case) -> Result<SweepKernel, SweepRefusal>
  ) -> SweepResult {
    let state: SweepState
    if let known = sweepState, known.serves(sweep, dialect, owner) {
      state = known
    } else {
      state = SweepState(sweep, dialect, owner)
      sweepState = state
    }
    let memory = state.memory
    let environment = FloatingPointEnvironment.current
    var comparison = SweepComparison(sweep)
    let total = sweep.expected.count
    // Sweeps that follow each other go on with the lengths.
    var index = Int(UInt64(bitPattern: sweep.first) / UInt64(CallLengths.body) % 504)
    while comparison.position < total {
      let count = sweep.calls.length(of: index, rest: total - comparison.position)
      let first = sweep.first + Int64(comparison.position)
      let group: SweepGroup
      if let known = state.ready[count] {
        group = known
      } else {
        switch Self.group(of: count, sweep, memory, prepare) {
        case .failure(let refusal): return .refused(refusal.reason)
        case .success(let ready): group = ready
        }
        state.ready[count] = group
      }
      let place = group.place
      qh_fill_consecutive(
        place.input, count, sweep.dtype.storageBytes, UInt64(bitPattern: first))
      comparison.poison(place.outputs, count: count)
      if let judgement = execute(group, memory, in: environment) {
        return .fault(judgement, first: first, count: count)
      }
      // What is only to be read is looked at in every eighth call, and in all that the judge makes.
      if index % 8 == 7, let judgement = memory.damage(place, count: count, first: first) {
        return .fault(judgement, first: first, count: count)
      }
      switch group.verdict() {
      case .refused(let reason)?: return .refused(reason)
      case .fault(let judgement)?: return .fault(judgement, first: first, count: count)
      case .answered?, nil: break
      }
      comparison.compare(place.outputs, count: count)
      index += 1
    }
    return .compared(comparison.finish())
  }

  private static func group(
    of count: Int, _ sweep: Sweep, _ memory: SweepMemory,
    _ prepare: (Case) -> Result<SweepKernel, SweepRefusal>
  ) -> Result<SweepGroup, SweepRefusal> {
    let length = sweep.calls.callLength(in: count)
    return prepare(sweep.test(count: length)).flatMap { kernel in
      let place = memory.place(count, inCallsOf: length)
      if place.last == nil { return .success(SweepGroup(kernel, last: nil, place)) }
      return prepare(sweep.test(count: count % length)).map { SweepGroup(kernel, last: $0, place) }
    }
  }

  private func execute(
    _ group: SweepGroup, _ memory: SweepMemory, in environment: FloatingPointEnvironment
  ) -> Judgement? {
    let result = GuardedCall.run(timeout: timeout) { group.run() }
    let now = FloatingPointEnvironment.current
    if now != environment { environment.restore() }
    switch result {
    case .returned: return now.difference(from: environment).map { Judgement(.environment, $0) }
    case .hung: return Judgement(.hung, "did not return within \(timeout)")
    case .crashed(let signal, let address):
      if let address, let overrun = memory.overrun(at: address) {
        return Judgement(.overran, overrun)
      }
      let place = address.map { " at address 0x" + String($0, radix: 16) } ?? ""
      return Judgement(.crashed, "raised \(signal)\(place)")
    }
  }
}

/// Why a kernel does not take a sweep.
public struct SweepRefusal: Error {
  public var reason: String

  /// Refuses for a reason.
  public init(reason: String) { self.reason = reason }
}

/// The memory of a sweep: room for its longest call, of which each call uses the end.
private final class SweepMemory {
  /// The memory of what is compared at once.
  struct Place {
    var input: UnsafeMutableRawPointer
    var outputs: [UnsafeMutableRawPointer]
    /// That of each call; of a last one, if that is shorter than the others, apart.
    var calls: [KernelBuffers] = []
    var last: KernelBuffers?
  }

  private let inputName: String
  private let dtype: DataType
  private let outputTypes: [Sweep.Output]
  private let memory = GuardedMemory()
  private let input: GuardedMemory.Buffer
  private let outputs: [GuardedMemory.Buffer]
  private var others: [(name: String, buffer: GuardedMemory.Buffer, bytes: [UInt8])] = []

  init(_ sweep: Sweep) {
    (inputName, dtype, outputTypes) = (sweep.input, sweep.dtype, sweep.outputs)
    let most = CallLengths.longest
    let memory = memory
    func buffer(_ bytes: Int) -> GuardedMemory.Buffer {
      memory.buffer(byteCount: bytes, placement: .beforeGuard(slack: 0))
    }
    input = buffer(most * sweep.dtype.storageBytes)
    outputs = sweep.outputs.map { buffer(most * $0.dtype.storageBytes) }
    for (name, tensor) in sweep.template.inputs where name != sweep.input {
      let bytes = ElementBytes.bytes(of: tensor.codes, as: tensor.dtype)
      let target = buffer(bytes.count)
      for (offset, byte) in bytes.enumerated() {
        target.pointer.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
      }
      others.append((name, target, bytes))
    }
  }

  func fits(_ sweep: Sweep) -> Bool {
    sweep.input == inputName && sweep.dtype == dtype && sweep.outputs == outputTypes
  }

  /// The memory for so many elements, which end where the memory ends.
  func place(_ count: Int, inCallsOf length: Int) -> Place {
    func end(_ buffer: GuardedMemory.Buffer, _ dtype: DataType) -> UnsafeMutableRawPointer {
      buffer.pointer + (CallLengths.longest - count) * dtype.storageBytes
    }
    var place = Place(
      input: end(input, dtype), outputs: zip(outputs, outputTypes).map { end($0, $1.dtype) })
    for start in stride(from: 0, to: count, by: length) {
      let elements = min(length, count - start)
      var buffers = KernelBuffers()
      for (output, memory) in zip(outputTypes, place.outputs) {
        let size = output.dtype.storageBytes
        buffers.outputs[output.name] = UnsafeMutableRawBufferPointer(
          start: memory + start * size, count: elements * size)
      }
      buffers.inputs[inputName] = UnsafeRawBufferPointer(
        start: place.input + start * dtype.storageBytes, count: elements * dtype.storageBytes)
      for (name, buffer, bytes) in others {
        buffers.inputs[name] = UnsafeRawBufferPointer(start: buffer.pointer, count: bytes.count)
      }
      if elements == length { place.calls.append(buffers) } else { place.last = buffers }
    }
    return place
  }

  /// What a call did to what it may only read; nil where it did nothing.
  func damage(_ place: Place, count: Int, first: Int64) -> Judgement? {
    let changed = qh_first_inconsecutive(
      place.input, count, dtype.storageBytes, UInt64(bitPattern: first))
    if changed < count { return Judgement(.overran, "wrote into its input '\(inputName)'") }
    for (name, buffer, bytes) in others {
      let now = UnsafeRawBufferPointer(start: buffer.pointer, count: bytes.count)
      if !now.elementsEqual(bytes) {
        return Judgement(.overran, "wrote into its input '\(name)'")
      }
    }
    return nil
  }

  /// Whose memory an address that faulted is next to; nil where it is far from all.
  func overrun(at address: UInt) -> String? {
    guard let neighbor = memory.distance(of: address) else { return nil }
    let names = [inputName] + outputTypes.map(\.name) + others.map(\.name)
    guard names.indices.contains(neighbor.buffer) else { return nil }
    return GuardedRunner.overrun(names[neighbor.buffer], neighbor.distance, "touched")
  }
}
