public import CaseFormat
import NumberFormats
public import Operations

/// Runs a subject on a case in guarded memory and compares what it wrote with the exact outcome.
///
/// Each case runs twice: with every buffer against the page behind it and the outputs poisoned by one
/// byte, then against the page before it at an odd element, poisoned by another. So a touch beyond a
/// buffer faults or damages a canary, an element that nobody writes shows both poisons, and a result
/// that depends on the address or on what memory held differs between the runs.
///
/// One judge serves one thread.
public final class Judge {
  private let memory = GuardedMemory()
  private let timeout: Duration
  private static let poisons: [UInt8] = [0xA5, 0x5A]
  /// How many elements from the page the second run puts the buffers, in turn.
  private var turn = 0

  /// Makes a judge.
  ///
  /// - Parameter timeout: how long one call may take.
  public init(timeout: Duration = .seconds(2)) { self.timeout = timeout }

  /// Judges a subject on a case whose exact outcome is known.
  public func judge(
    _ test: Case, dialect: Dialect, subject: any Subject, outcome: Outcome
  ) -> Judgement {
    let call: (KernelBuffers) -> Void
    switch subject.prepare(test, dialect: dialect) {
    case .refused(let reason): return Judgement(.unsupported, reason)
    case .ready(let closure): call = closure
    }
    turn = (turn + 1) % 17
    var results: [[[Int64]]] = []
    for (run, poison) in Self.poisons.enumerated() {
      let placed = place(test, outcome, run: run, poison: poison)
      if let judgement = execute(call, placed) { return judgement }
      results.append(
        zip(placed.outputs, outcome.outputs).map { buffer, output in
          Self.codes(in: buffer, of: output.expectation.tensor)
        })
    }
    return compare(results, with: outcome)
  }

  /// What a subject writes for a case, if it survives; for probing what it implements.
  public func outputs(
    of subject: any Subject, _ test: Case, dialect: Dialect, like outcome: Outcome
  ) -> [[Int64]]? {
    guard case .ready(let call) = subject.prepare(test, dialect: dialect) else { return nil }
    let placed = place(test, outcome, run: 0, poison: Self.poisons[0])
    guard execute(call, placed) == nil else { return nil }
    return zip(placed.outputs, outcome.outputs).map { buffer, output in
      Self.codes(in: buffer, of: output.expectation.tensor)
    }
  }

  // MARK: Memory

  private struct Placed {
    var names: [String] = []
    var inputs: [GuardedMemory.Buffer] = []
    var inputBytes: [[UInt8]] = []
    var outputs: [GuardedMemory.Buffer] = []
    var buffers: KernelBuffers
  }

  private func place(_ test: Case, _ outcome: Outcome, run: Int, poison: UInt8) -> Placed {
    memory.reset()
    var placed = Placed(buffers: KernelBuffers(inputs: [:], outputs: [:]))
    func buffer(_ tensor: Tensor) -> GuardedMemory.Buffer {
      let size = tensor.dtype.storageBytes
      return memory.buffer(
        byteCount: tensor.count * size,
        placement: run == 0 ? .beforeGuard(slack: 0) : .afterGuard(offset: turn * size))
    }
    for (name, tensor) in test.inputs {
      let target = buffer(tensor)
      let bytes = ElementBytes.bytes(of: tensor.codes, as: tensor.dtype)
      bytes.withUnsafeBytes {
        if let source = $0.baseAddress {
          target.pointer.copyMemory(from: source, byteCount: bytes.count)
        }
      }
      placed.names.append(name)
      placed.inputs.append(target)
      placed.inputBytes.append(bytes)
      placed.buffers.inputs[name] = UnsafeRawBufferPointer(
        start: target.pointer, count: target.byteCount)
    }
    for (name, expectation) in outcome.outputs {
      let target = buffer(expectation.tensor)
      target.pointer.initializeMemory(as: UInt8.self, repeating: poison, count: target.byteCount)
      placed.names.append(name)
      placed.outputs.append(target)
      placed.buffers.outputs[name] = UnsafeMutableRawBufferPointer(
        start: target.pointer, count: target.byteCount)
    }
    return placed
  }

  /// Runs the call; returns a judgement where it did more than write its outputs.
  private func execute(_ call: (KernelBuffers) -> Void, _ placed: Placed) -> Judgement? {
    let environment = FloatingPointEnvironment.current
    let result = GuardedCall.run(timeout: timeout) { call(placed.buffers) }
    let change = FloatingPointEnvironment.current.difference(from: environment)
    if change != nil { environment.restore() }
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

  private static func overrun(_ name: String, _ distance: Int, _ verb: String) -> String {
    let side = distance > 0 ? "after the end of" : "before the start of"
    return "\(verb) memory \(abs(distance)) bytes \(side) '\(name)'"
  }

  /// The codes that a buffer holds, for a tensor's type.
  private static func codes(in buffer: GuardedMemory.Buffer, of tensor: Tensor) -> [Int64] {
    let pointer = UnsafeRawPointer(buffer.pointer)
    let count = tensor.count
    func load<T: FixedWidthInteger>(_ type: T.Type) -> [Int64] {
      (0..<count).map {
        Int64(
          truncatingIfNeeded: pointer.loadUnaligned(
            fromByteOffset: $0 * MemoryLayout<T>.size, as: type))
      }
    }
    switch (tensor.dtype.storageBytes, tensor.dtype.isSigned) {
    case (1, true): return load(Int8.self)
    case (1, false): return load(UInt8.self)
    case (2, true): return load(Int16.self)
    case (2, false): return load(UInt16.self)
    case (4, true): return load(Int32.self)
    case (4, false): return load(UInt32.self)
    case (8, _): return load(Int64.self)
    case (let size, let isSigned):
      return (0..<count).map { index in
        var pattern: UInt64 = 0
        for byte in 0..<size {
          let value = pointer.load(fromByteOffset: index * size + byte, as: UInt8.self)
          pattern |= UInt64(value) << UInt64(8 * byte)
        }
        let unused = UInt64(64 - 8 * size)
        return isSigned
          ? Int64(bitPattern: pattern << unused) >> Int64(unused) : Int64(bitPattern: pattern)
      }
    }
  }

  /// What an element holds that still is poison.
  private static func poisoned(_ poison: UInt8, _ dtype: DataType) -> Int64 {
    let bytes = Array(repeating: poison, count: dtype.storageBytes)
    var pattern: UInt64 = 0
    for (index, byte) in bytes.enumerated() { pattern |= UInt64(byte) << UInt64(8 * index) }
    let unused = UInt64(64 - 8 * dtype.storageBytes)
    return dtype.isSigned
      ? Int64(bitPattern: pattern << unused) >> Int64(unused) : Int64(bitPattern: pattern)
  }

  // MARK: Comparison

  private func compare(_ results: [[[Int64]]], with outcome: Outcome) -> Judgement {
    var compared = 0
    for (place, output) in outcome.outputs.enumerated() {
      let expectation = output.expectation
      let (first, second) = (results[0][place], results[1][place])
      compared += first.count
      let isExact = expectation.unspecified.isEmpty && expectation.upper.isEmpty
      if isExact && first == expectation.tensor.codes && first == second { continue }
      if let judgement = fault(output.name, expectation, first, second) { return judgement }
    }
    return Judgement(.passed, compared: compared)
  }

  private func fault(
    _ name: String, _ expectation: Expectation, _ first: [Int64], _ second: [Int64]
  ) -> Judgement? {
    let poison = Self.poisons.map { Self.poisoned($0, expectation.tensor.dtype) }
    var wrong: [Int] = []
    var unwritten: [Int] = []
    var differing: [Int] = []
    for index in first.indices {
      if first[index] == poison[0] && second[index] == poison[1] {
        unwritten.append(index)
        continue
      }
      let isWrong =
        !expectation.agrees(first[index], at: index)
        || !expectation.agrees(second[index], at: index)
      if isWrong { wrong.append(index) }
      if first[index] != second[index], !expectation.isUnspecified(at: index), isWrong {
        differing.append(index)
      }
    }
    func element(_ indices: [Int]) -> Judgement.Element? {
      indices.first.map { index in
        let isFirstWrong = !expectation.agrees(first[index], at: index)
        return Judgement.Element(
          output: name, index: index, found: isFirstWrong ? first[index] : second[index],
          count: indices.count)
      }
    }
    if !unwritten.isEmpty {
      return Judgement(
        .unwritten, "left \(unwritten.count) of \(first.count) elements of '\(name)' as they were",
        element: element(unwritten))
    }
    if let index = differing.first {
      return Judgement(
        .nondeterministic,
        "gave \(first[index]) and, at another address, \(second[index]) for '\(name)'",
        element: element(differing))
    }
    return wrong.isEmpty ? nil : Judgement(.mismatch, element: element(wrong))
  }
}
