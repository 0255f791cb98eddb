public import CaseFormat
import NumberFormats

/// Calls a kernel of this process in guarded memory, under every circumstance that is asked for.
///
/// Buffers stand against inaccessible pages, first behind them, then before them, the outputs are
/// filled with a poison before each call: so a touch beyond a buffer faults or damages a canary, an
/// element that nobody writes shows the poison, and a result that depends on the address or on what
/// memory held differs between the calls.
///
/// One runner serves one thread.
public final class GuardedRunner {
  /// How long one call may take.
  public let timeout: Duration
  private let memory = GuardedMemory()
  /// What the last sweep prepared.
  var sweepState: SweepState?

  /// Makes a runner whose calls may take so long.
  public init(timeout: Duration) { self.timeout = timeout }

  /// Calls a kernel once under each circumstance; stops at the first fault.
  public func run(
    _ test: Case, outputs: [OutputSpecification], calls: [Circumstance],
    _ call: (KernelBuffers) -> Void
  ) -> Execution {
    let inputs = test.inputs.map { name, tensor in
      Input(
        name: name, dtype: tensor.dtype,
        bytes: ElementBytes.bytes(of: tensor.codes, as: tensor.dtype))
    }
    var answers: [Answer] = []
    var placed: Placed?
    for circumstance in calls {
      // The second call must find everything where it was.
      let memory =
        circumstance == .again
        ? placed ?? place(inputs, outputs, .first)
        : place(inputs, outputs, circumstance)
      placed = memory
      let poison: UInt8 = circumstance == .again ? 0x5A : 0xA5
      for buffer in memory.outputs {
        buffer.pointer.initializeMemory(as: UInt8.self, repeating: poison, count: buffer.byteCount)
      }
      let isFlushed = circumstance == .flushed
      if let judgement = execute(call, memory, flushed: isFlushed) { return .fault(judgement) }
      answers.append(
        Answer(
          circumstance,
          outputs: zip(memory.outputs, outputs).map { Self.codes(in: $0, of: $1) },
          poison: poison))
    }
    return .answered(answers)
  }

  // MARK: Memory

  /// An input as memory will hold it.
  private struct Input {
    var name: String
    var dtype: DataType
    var bytes: [UInt8]
  }

  private struct Placed {
    var names: [String] = []
    var inputs: [GuardedMemory.Buffer] = []
    var inputBytes: [[UInt8]] = []
    var outputs: [GuardedMemory.Buffer] = []
    var buffers = KernelBuffers()
  }

  private func place(
    _ inputs: [Input], _ outputs: [OutputSpecification], _ circumstance: Circumstance
  ) -> Placed {
    memory.reset()
    var placed = Placed()
    func buffer(_ dtype: DataType, _ byteCount: Int) -> GuardedMemory.Buffer {
      let size = dtype.storageBytes
      let placement: GuardedMemory.Placement =
        switch circumstance {
        case .first, .again, .flushed: .beforeGuard(slack: 0)
        case .pageStart: .afterGuard(offset: 0)
        case .unaligned: .afterGuard(offset: size)
        }
      return memory.buffer(byteCount: byteCount, placement: placement)
    }
    for input in inputs {
      let target = buffer(input.dtype, input.bytes.count)
      input.bytes.withUnsafeBytes {
        if let source = $0.baseAddress {
          target.pointer.copyMemory(from: source, byteCount: $0.count)
        }
      }
      placed.names.append(input.name)
      placed.inputs.append(target)
      placed.inputBytes.append(input.bytes)
      placed.buffers.inputs[input.name] = UnsafeRawBufferPointer(
        start: target.pointer, count: target.byteCount)
    }
    for output in outputs {
      let target = buffer(output.dtype, output.count * output.dtype.storageBytes)
      placed.names.append(output.name)
      placed.outputs.append(target)
      placed.buffers.outputs[output.name] = UnsafeMutableRawBufferPointer(
        start: target.pointer, count: target.byteCount)
    }
    return placed
  }

  /// Runs the call; returns a judgement where it did more than write its outputs.
  private func execute(
    _ call: (KernelBuffers) -> Void, _ placed: Placed, flushed: Bool
  ) -> Judgement? {
    let environment = FloatingPointEnvironment.current
    let expected = flushed ? environment.flushingToZero : environment
    expected.restore()
    let result = GuardedCall.run(timeout: timeout) { call(placed.buffers) }
    let change = FloatingPointEnvironment.current.difference(from: expected)
    environment.restore()
    switch result {
    case .returned: break
    case .hung: return Judgement(.hung, "did not return within \(timeout)")
    case .crashed(let signal, let address):
      if let address, let neighbor = memory.distance(of: address) {
        let name = placed.names[neighbor.buffer]
        return Judgement(.overran, Self.overrun(name, neighbor.distance, "touched"))
      }
      let place = address.map { " at address 0x" + String($0, radix: 16) } ?? ""
      return Judgement(.crashed, "raised \(signal)\(place)")
    }
    for (name, buffer) in zip(placed.names, placed.inputs + placed.outputs) {
      if let distance = memory.canaryDamage(of: buffer) {
        return Judgement(.overran, Self.overrun(name, distance, "wrote"))
      }
    }
    for (index, bytes) in placed.inputBytes.enumerated() {
      let buffer = placed.inputs[index]
      let now = UnsafeRawBufferPointer(start: buffer.pointer, count: buffer.byteCount)
      if !now.elementsEqual(bytes) {
        return Judgement(.overran, "wrote into its input '\(placed.names[index])'")
      }
    }
    return change.map { Judgement(.environment, $0) }
  }

  static func overrun(_ name: String, _ distance: Int, _ verb: String) -> String {
    let side = distance > 0 ? "after the end of" : "before the start of"
    return "\(verb) memory \(abs(distance)) byte\(abs(distance) == 1 ? "" : "s") \(side) '\(name)'"
  }

  /// The codes that a buffer holds.
  private static func codes(
    in buffer: GuardedMemory.Buffer, of output: OutputSpecification
  ) -> [Int64] {
    ElementBytes.uncheckedCodes(
      from: UnsafeRawBufferPointer(start: buffer.pointer, count: buffer.byteCount),
      as: output.dtype)
  }
}
