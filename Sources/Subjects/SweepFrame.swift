import CaseFormat
import Digests
import NumberFormats
import Verification

// The messages of sweeps.

extension FrameWriter {
  mutating func put(_ sweep: Sweep) {
    put(sweep.template)
    put(sweep.input)
    put(sweep.dtype.name)
    put(list: sweep.outputs) {
      $0.put($1.name)
      $0.put($1.dtype.name)
    }
    put(sweep.first)
    put(UInt8(sweep.calls == .tails ? 1 : 0))
    put(words: sweep.expected.counts.map(Int64.init))
    put(list: sweep.expected.columns) {
      $0.put(words: $1.codes)
      $0.put(words: $1.upper)
      $0.put($1.isOpen.map { $0 ? 1 : 0 })
    }
  }

  mutating func put(_ result: SweepResult) {
    switch result {
    case .refused(let reason):
      put(UInt8(0))
      put(reason)
    case .fault(let judgement, let first, let count):
      put(UInt8(1))
      put(judgement.verdict.rawValue)
      put(judgement.message)
      put(first)
      put(Int64(count))
    case .compared(let report):
      put(UInt8(2))
      put(report.digest.bytes)
      put(Int64(report.wrongCount))
      put(Int64(report.openCount))
      put(list: report.wrong) {
        for value in [$1.input, Int64($1.output), $1.found] { $0.put(value) }
        for value in [$1.callLength, $1.callIndex] { $0.put(Int64(value)) }
      }
    }
  }

  /// Many numbers at once.
  private mutating func put(words: [Int64]) {
    put(words.withUnsafeBytes { [UInt8]($0) })
  }
}

extension FrameReader {
  mutating func sweep() throws(FrameError) -> Sweep {
    let (template, input, dtype) = (try test(), try text(), try dtype())
    let outputs = try list { reader throws(FrameError) in
      Sweep.Output(name: try reader.text(), dtype: try reader.dtype())
    }
    let first: Int64 = try number()
    let isTails = try number() as UInt8 == 1
    var expected = ExpectedRuns(outputs: 0)
    expected.counts = try words().map { Int($0) }
    expected.columns = try list { reader throws(FrameError) in
      var column = ExpectedRuns.Column()
      column.codes = try reader.words()
      column.upper = try reader.words()
      column.isOpen = try reader.block().map { $0 != 0 }
      return column
    }
    return Sweep(
      template: template, input: input, dtype: dtype, outputs: outputs, first: first,
      expected: expected, calls: isTails ? .tails : .bodies)
  }

  mutating func sweepResult() throws(FrameError) -> SweepResult {
    switch try number() as UInt8 {
    case 0: return .refused(try text())
    case 1:
      guard let verdict = Verdict(rawValue: try text()) else { throw FrameError() }
      let judgement = Judgement(verdict, try text())
      let first: Int64 = try number()
      return .fault(judgement, first: first, count: Int(try number() as Int64))
    default:
      guard let digest = Digest(raw: try block()) else { throw FrameError() }
      var report = SweepReport(digest: digest)
      report.wrongCount = Int(try number() as Int64)
      report.openCount = Int(try number() as Int64)
      report.wrong = try list { reader throws(FrameError) in
        SweepReport.Wrong(
          input: try reader.number(), output: Int(try reader.number() as Int64),
          found: try reader.number(), callLength: Int(try reader.number() as Int64),
          callIndex: Int(try reader.number() as Int64))
      }
      return .compared(report)
    }
  }

  private mutating func words() throws(FrameError) -> [Int64] {
    let bytes = try block()
    return bytes.withUnsafeBytes { memory in
      (0..<memory.count / 8).map {
        memory.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)
      }
    }
  }
}
