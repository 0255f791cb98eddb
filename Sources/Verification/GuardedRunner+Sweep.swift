internal import CHarness
public import CaseFormat
import NumberFormats

extension GuardedRunner {
  /// Runs a kernel of this process through a sweep, call by call, in guarded memory.
  ///
  /// Each call has its inputs and outputs against the inaccessible page behind them, the outputs hold
  /// what is not expected, and everything is compared before the next call.
  ///
  /// - Parameters:
  ///   - sweep: what to run through.
  ///   - prepare: makes a kernel ready for a case of some length; asked once a length.
  public func sweep(_ sweep: Sweep, prepare: (Case) -> Preparation) -> SweepResult {
    var comparison = SweepComparison(sweep)
    let total = sweep.expected.count
    let memory = SweepMemory(sweep, in: memory, most: min(total, CallLengths.longest))
    var kernels: [Int: (KernelBuffers) -> Void] = [:]
    var index = 0
    while comparison.position < total {
      let count = sweep.calls.length(of: index, rest: total - comparison.position)
      let first = sweep.first + Int64(comparison.position)
      let kernel: (KernelBuffers) -> Void
      if let known = kernels[count] {
        kernel = known
      } else {
        switch prepare(sweep.test(count: count)) {
        case .refused(let reason): return .refused(reason)
        case .ready(let call): kernel = call
        }
        kernels[count] = kernel
      }
      let place = memory.place(count)
      qh_fill_consecutive(
        place.input, count, sweep.dtype.storageBytes, UInt64(bitPattern: first))
      comparison.poison(place.outputs, count: count)
      if let judgement = execute(kernel, place.buffers, memory) {
        return .fault(judgement, first: first, count: count)
      }
      if let judgement = memory.damage(place, count: count, first: first) {
        return .fault(judgement, first: first, count: count)
      }
      comparison.compare(place.outputs, count: count)
      index += 1
    }
    return .compared(comparison.finish())
  }

  private func execute(
    _ kernel: (KernelBuffers) -> Void, _ buffers: KernelBuffers, _ memory: SweepMemory
  ) -> Judgement? {
    let environment = FloatingPointEnvironment.current
    let result = GuardedCall.run(timeout: timeout) { kernel(buffers) }
    let change = FloatingPointEnvironment.current.difference(from: environment)
    environment.restore()
    switch result {
    case .returned: return change.map { Judgement(.environment, $0) }
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

/// The memory of a sweep: room for its longest call, of which each call uses the end.
private final class SweepMemory {
  /// The memory of calls of one length.
  struct Place {
    var input: UnsafeMutableRawPointer
    var outputs: [UnsafeMutableRawPointer]
    var buffers: KernelBuffers
  }

  private let sweep: Sweep
  private let memory: GuardedMemory
  private let most: Int
  private let input: GuardedMemory.Buffer
  private let outputs: [GuardedMemory.Buffer]
  private var others: [(name: String, buffer: GuardedMemory.Buffer, bytes: [UInt8])] = []
  private var places: [Int: Place] = [:]

  init(_ sweep: Sweep, in memory: GuardedMemory, most: Int) {
    (self.sweep, self.memory, self.most) = (sweep, memory, most)
    memory.reset()
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

  func place(_ count: Int) -> Place {
    if let known = places[count] { return known }
    func end(_ buffer: GuardedMemory.Buffer, _ dtype: DataType) -> UnsafeMutableRawPointer {
      buffer.pointer + (most - count) * dtype.storageBytes
    }
    var place = Place(
      input: end(input, sweep.dtype), outputs: [], buffers: KernelBuffers(inputs: [:], outputs: [:])
    )
    for (output, buffer) in zip(sweep.outputs, outputs) {
      let start = end(buffer, output.dtype)
      place.outputs.append(start)
      place.buffers.outputs[output.name] = UnsafeMutableRawBufferPointer(
        start: start, count: count * output.dtype.storageBytes)
    }
    place.buffers.inputs[sweep.input] = UnsafeRawBufferPointer(
      start: place.input, count: count * sweep.dtype.storageBytes)
    for (name, buffer, bytes) in others {
      place.buffers.inputs[name] = UnsafeRawBufferPointer(
        start: buffer.pointer, count: bytes.count)
    }
    places[count] = place
    return place
  }

  /// What a call did to what it may only read; nil where it did nothing.
  func damage(_ place: Place, count: Int, first: Int64) -> Judgement? {
    let changed = qh_first_inconsecutive(
      place.input, count, sweep.dtype.storageBytes, UInt64(bitPattern: first))
    if changed < count { return Judgement(.overran, "wrote into its input '\(sweep.input)'") }
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
    let names = [sweep.input] + sweep.outputs.map(\.name) + others.map(\.name)
    guard names.indices.contains(neighbor.buffer) else { return nil }
    return GuardedRunner.overrun(names[neighbor.buffer], neighbor.distance, "touched")
  }
}
