public import CaseFormat
import Digests
public import Operations
public import Verification

/// Questions about one input each, one after the other: every code of every lane.
public struct LaneDomain: Domain {
  /// A question and the codes that are asked.
  public struct Lane: Sendable {
    public var question: Question
    public var codes: ClosedRange<Int64>
    /// What the lane is called in messages, such as `channel 17`; empty where there is one only.
    public var name: String

    /// Asks a question for some codes.
    public init(_ question: Question, codes: ClosedRange<Int64>, name: String = "") {
      (self.question, self.codes, self.name) = (question, codes, name)
    }

    var count: Int { Int(codes.upperBound - codes.lowerBound) + 1 }
  }

  public let lanes: [Lane]
  /// Whether every element also goes through calls that are shorter than any vector.
  public let provesTails: Bool
  /// The position at which each lane starts.
  private let starts: [Int]
  public let count: Int

  /// A domain of lanes.
  public init(_ lanes: [Lane], provesTails: Bool) {
    (self.lanes, self.provesTails) = (lanes, provesTails)
    var starts: [Int] = []
    var position = 0
    for lane in lanes {
      starts.append(position)
      position += lane.count
    }
    (self.starts, count) = (starts, position)
  }

  /// How many codes around steps a piece puts through the judge at most: fewer where there are many
  /// lanes, which are the same code of a kernel with other numbers.
  private var mostEdges: Int { lanes.count > 16 ? 192 : 4096 }

  /// The lane of a position.
  private func lane(of position: Int) -> Int {
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= position { low = middle } else { high = middle }
    }
    return low
  }

  public func prove(
    _ positions: Range<Int>, subject: any Subject, judge: Judge, runner: GuardedRunner
  ) -> BlockResult {
    var report = BlockReport(digest: SHA256.digest(of: []))
    var digests: [Digest] = []
    var position = positions.lowerBound
    while position < positions.upperBound {
      let lane = lane(of: position)
      let end = min(positions.upperBound, starts[lane] + lanes[lane].count)
      let piece = Piece(
        lane: lane, question: lanes[lane].question, position: position,
        first: lanes[lane].codes.lowerBound + Int64(position - starts[lane]),
        count: end - position, provesTails: provesTails, mostEdges: mostEdges)
      let oracle = Oracle(lanes[lane].question, domain: count, codes: lanes[lane].count)
      switch piece.prove(by: oracle, subject: subject, judge: judge, runner: runner) {
      case .compared(let part):
        digests.append(part.digest)
        report.add(part)
      case let other: return other
      }
      position = end
    }
    report.digest = SHA256.digest(of: digests.flatMap(\.bytes))
    return .compared(report)
  }
}

extension LaneDomain {
  public var operation: any Operations.Operation.Type { lanes[0].question.operation }
  public var dialect: Dialect { lanes[0].question.dialect }

  /// First the input alone, then the part of its call that has it in the same place of a vector, then
  /// the whole call.
  public func cases(at place: Counterexample) -> [Case] {
    let question = lanes[place.lane].question
    let callStart = place.input - Int64(place.callIndex)
    let sizes = [1, 2, 3, 4, 8, 16, 32, 64, place.callLength]
    return sizes.filter { $0 <= place.callLength }.map { size in
      let offset = place.callIndex - place.callIndex % size
      let first = callStart + Int64(offset)
      var test = question.test(
        (0..<Int64(min(size, place.callLength - offset))).map { first + $0 })
      test.id = "\(operation.name)-\(dialect.name)-\(Self.hexadecimal(place.input))"
      return test
    }
  }

  private static func hexadecimal(_ code: Int64) -> String {
    code < 0 ? "m" + String(-code, radix: 16) : String(code, radix: 16)
  }
}

extension BlockReport {
  /// Adds what came of another part; the digest stays.
  mutating func add(_ other: BlockReport) {
    wrongCount += other.wrongCount
    wrong += other.wrong.prefix(max(0, SweepReport.kept - wrong.count))
    openCount += other.openCount
    evidence = evidence + other.evidence
  }
}

/// The codes of one lane that lie in one block.
private struct Piece {
  var lane: Int
  var question: Question
  var position: Int
  var first: Int64
  var count: Int
  var provesTails: Bool
  var mostEdges: Int

  func prove(
    by oracle: Oracle, subject: any Subject, judge: Judge, runner: GuardedRunner
  ) -> BlockResult {
    let runs: ExpectedRuns
    let evidence: Oracle.Evidence
    do throws(CaseError) {
      (runs, evidence) = try oracle.expected(from: first, count: count)
    } catch {
      return .failed(error.message)
    }
    var report = BlockReport(digest: SHA256.digest(of: []))
    report.evidence = evidence
    let passes: [CallLengths] = provesTails ? [.bodies, .tails] : [.bodies]
    for (index, calls) in passes.enumerated() {
      let sweep = Sweep(
        template: question.template, input: question.input, dtype: question.dtype,
        outputs: question.outputs, first: first, expected: runs, calls: calls)
      switch subject.sweep(sweep, dialect: question.dialect, on: runner) {
      case .refused(let reason): return .refused(reason)
      case .fault(let judgement, let first, let count):
        return .fault(judgement, place(first, callLength: count, callIndex: 0))
      case .compared(let part):
        if index == 0 {
          report.digest = part.digest
          report.openCount = part.openCount
        }
        report.wrongCount += part.wrongCount
        for wrong in part.wrong.prefix(max(0, SweepReport.kept - report.wrong.count)) {
          var place = place(
            wrong.input, callLength: wrong.callLength, callIndex: wrong.callIndex)
          place.output = question.outputs[wrong.output].name
          place.found = wrong.found
          report.wrong.append(place)
        }
      }
    }
    // What is wrong already needs no closer look.
    if report.wrongCount == 0, let result = edges(runs, subject, judge, &report) { return result }
    return .compared(report)
  }

  private func place(_ input: Int64, callLength: Int, callIndex: Int) -> Counterexample {
    Counterexample(
      position: position + Int(input - first), lane: lane, input: input, callLength: callLength,
      callIndex: callIndex)
  }

  // MARK: Edges

  /// Puts the codes around every step through the judge; nil where nothing is wrong.
  ///
  /// In calls too short for a vector and in others, at every alignment, twice [proof §5].
  private func edges(
    _ runs: ExpectedRuns, _ subject: any Subject, _ judge: Judge, _ report: inout BlockReport
  ) -> BlockResult? {
    let last = first + Int64(count) - 1
    var codes: Set<Int64> = [first, last]
    var code = first
    let stride = max(1, runs.counts.count * 3 / mostEdges)
    for (index, count) in runs.counts.enumerated() {
      if index % stride == 0 {
        for near in [code - 1, code, code + 1] where (first...last).contains(near) {
          codes.insert(near)
        }
      }
      code += Int64(count)
    }
    let cases = Self.cases(codes.sorted(), question)
    var trials: [(test: Case, outcome: Outcome)] = []
    for test in cases {
      do throws(CaseError) {
        trials.append(
          (test, try Reference.evaluateFast(test, dialect: question.dialect)))
      } catch {
        return .failed(error.message)
      }
    }
    let judgements = judge.judge(trials, dialect: question.dialect, subject: subject)
    for (judgement, trial) in zip(judgements, trials) where judgement.verdict != .passed {
      if judgement.verdict == .unsupported { return .refused(judgement.message) }
      let given = trial.test.inputs[question.input]?.codes ?? []
      let index = judgement.element?.index ?? 0
      var place = place(given[index], callLength: given.count, callIndex: index)
      guard judgement.verdict == .mismatch, let element = judgement.element else {
        return .fault(judgement, place)
      }
      (place.output, place.found) = (element.output, element.found)
      report.wrongCount += element.count
      if report.wrong.count < SweepReport.kept { report.wrong.append(place) }
    }
    return nil
  }

  /// Cases that hold each code once in a call of one to three elements, and twice in longer ones.
  private static func cases(_ codes: [Int64], _ question: Question) -> [Case] {
    var cases: [Case] = []
    for lengths in [[1, 2, 3], Array(4...67), Array((4...67).reversed())] {
      var (start, index) = (0, 0)
      while start < codes.count {
        let end = min(codes.count, start + lengths[index % lengths.count])
        cases.append(question.test(Array(codes[start..<end])))
        (start, index) = (end, index + 1)
      }
    }
    return cases
  }
}
