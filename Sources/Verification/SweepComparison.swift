internal import CHarness
import CaseFormat
import Digests
import NumberFormats

/// Compares the outputs of a sweep, call by call, with what is expected, and digests them.
struct SweepComparison {
  private let sweep: Sweep
  private var digests: [RunDigest]
  private var report: (wrongCount: Int, wrong: [SweepReport.Wrong], openCount: Int) = (0, [], 0)
  /// The stretch at hand, and how many of its elements are behind.
  private var run = 0
  private var used = 0
  /// How many elements are behind.
  private(set) var position = 0

  init(_ sweep: Sweep) {
    self.sweep = sweep
    digests = sweep.outputs.map { _ in RunDigest() }
  }

  /// Calls `body` for each piece of the next `count` elements that lies in one stretch.
  private func pieces(_ count: Int, _ body: (_ run: Int, _ offset: Int, _ count: Int) -> Void) {
    var (run, used, offset) = (run, used, 0)
    while offset < count {
      let piece = min(count - offset, sweep.expected.counts[run] - used)
      body(run, offset, piece)
      offset += piece
      used += piece
      if used == sweep.expected.counts[run] { (run, used) = (run + 1, 0) }
    }
  }

  /// Fills the outputs of the next call with what is not expected in any place.
  func poison(_ outputs: [UnsafeMutableRawPointer], count: Int) {
    pieces(count) { run, offset, count in
      for (index, output) in sweep.outputs.enumerated() {
        let size = output.dtype.storageBytes
        let column = sweep.expected.columns[index]
        // The complement of the lower end may lie within an interval; what is below it does not.
        let code = column.upper.isEmpty ? ~column.codes[run] : column.codes[run] &- 1
        qh_fill(outputs[index] + offset * size, count, size, UInt64(bitPattern: code))
      }
    }
  }

  /// Compares the outputs of the next call.
  mutating func compare(_ outputs: [UnsafeMutableRawPointer], count: Int) {
    var (run, used, offset) = (run, used, 0)
    while offset < count {
      let piece = min(count - offset, sweep.expected.counts[run] - used)
      for index in sweep.outputs.indices {
        compare(output: index, outputs[index], run: run, offset, piece, callLength: count)
      }
      offset += piece
      used += piece
      if used == sweep.expected.counts[run] { (run, used) = (run + 1, 0) }
    }
    (self.run, self.used) = (run, used)
    position += count
  }

  /// Compares the outputs of the next call, given as codes.
  mutating func compare(_ outputs: [[Int64]], count: Int) {
    let buffers = zip(outputs, sweep.outputs).map { codes, output in
      let bytes = ElementBytes.bytes(of: codes, as: output.dtype)
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
      copy.copyBytes(from: bytes)
      return copy
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    compare(buffers.compactMap(\.baseAddress), count: count)
  }

  private mutating func compare(
    output index: Int, _ memory: UnsafeMutableRawPointer, run: Int, _ offset: Int, _ count: Int,
    callLength: Int
  ) {
    let dtype = sweep.outputs[index].dtype
    let size = dtype.storageBytes
    let start = memory + offset * size
    let expected = sweep.expected.columns[index].codes[run]
    if sweep.expected.columns[index].isOpen(run) {
      report.openCount += count
    } else {
      // What nearly always holds.
      let same = qh_first_other(start, count, size, UInt64(bitPattern: expected))
      if same == count { return digests[index].append(expected, count: count) }
    }
    var done = 0
    while done < count {
      let code = Self.code(at: start + done * size, dtype)
      let same = qh_first_other(
        start + done * size, count - done, size, UInt64(bitPattern: code))
      digests[index].append(code, count: same)
      if !sweep.expected.columns[index].agrees(code, in: run, dtype) {
        note(code, output: index, from: offset + done, same, callLength)
      }
      done += same
    }
  }

  private mutating func note(
    _ code: Int64, output: Int, from offset: Int, _ count: Int, _ callLength: Int
  ) {
    report.wrongCount += count
    for element in 0..<min(count, max(0, SweepReport.kept - report.wrong.count)) {
      report.wrong.append(
        SweepReport.Wrong(
          input: sweep.first + Int64(position + offset + element), output: output, found: code,
          callLength: callLength, callIndex: offset + element))
    }
  }

  private static func code(at memory: UnsafeMutableRawPointer, _ dtype: DataType) -> Int64 {
    ElementBytes.uncheckedCodes(
      from: UnsafeRawBufferPointer(start: memory, count: dtype.storageBytes), as: dtype)[0]
  }

  /// What was found, at the end.
  mutating func finish() -> SweepReport {
    var parts: [Digest] = []
    for index in digests.indices { parts.append(digests[index].finish()) }
    var result = SweepReport(digest: RunDigest.digest(of: parts))
    (result.wrongCount, result.wrong, result.openCount) = report
    return result
  }
}
