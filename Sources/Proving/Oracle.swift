public import CaseFormat
import NumberFormats
import Operations
public import Verification

/// The exact answers to a question, for stretches of codes at a time.
///
/// Where the outputs are a step function of the input (`Dependence.steps`), the steps are found by
/// bisection, by the bulk oracle where there is one, and then confirmed on both sides by the
/// definition: each stretch has the same exact answer at its first and its last code, so it has that
/// answer in between [proof §2, §3]. Nothing is taken from the bulk oracle on trust. Elsewhere every
/// code is evaluated: by the definition where the whole domain is small or there is no bulk oracle,
/// else by the bulk oracle, of which one code in `sampled` is compared with the definition.
public struct Oracle: Sendable {
  public let question: Question
  /// Whether every code is evaluated, whatever is known of the question.
  private let enumerates: Bool
  /// Whether that is done by the definition.
  private let isExact: Bool
  /// Up to so many codes a domain is evaluated code by code, whatever is known of it.
  public static let enumerable = 1 << 17
  /// How often the bulk oracle is compared with the definition, where it is not confirmed otherwise.
  public static let sampled = 251

  /// Answers a question over a domain of so many codes, of which `codes` are its own where the domain
  /// has several questions.
  public init(_ question: Question, domain: Int, codes: Int? = nil) {
    self.question = question
    enumerates = domain <= Self.enumerable
    isExact = (codes ?? domain) <= Self.enumerable || !question.hasBulkOracle
  }

  /// How many codes were answered in which way.
  public struct Evidence: Hashable, Sendable {
    /// In stretches whose two ends the definition confirmed.
    public var steps = 0
    /// By the definition, one by one.
    public var definition = 0
    /// By the bulk oracle, one in `sampled` of them by the definition too.
    public var bulk = 0
    /// How often the definition was asked.
    public var evaluations = 0

    /// No codes yet.
    public init() {}

    /// The evidence of more codes.
    public static func + (a: Evidence, b: Evidence) -> Evidence {
      var sum = a
      sum.steps += b.steps
      sum.definition += b.definition
      sum.bulk += b.bulk
      sum.evaluations += b.evaluations
      return sum
    }
  }

  /// The exact answers from one code on.
  ///
  /// - Throws: what the reference says against a code of the domain.
  public func expected(
    from first: Int64, count: Int
  ) throws(CaseError) -> (runs: ExpectedRuns, evidence: Evidence) {
    var builder = RunBuilder(outputs: question.outputs.count)
    var evidence = Evidence()
    let last = first + Int64(count) - 1
    guard !enumerates, case .steps(let origin) = question.dependence else {
      try enumerate(first...last, &builder, &evidence)
      return (builder.runs, evidence)
    }
    for segment in Self.segments(of: question.dtype, origin: origin) {
      let range = segment.codes.clamped(to: first...last)
      guard segment.codes.overlaps(first...last) else { continue }
      try steps(in: range, of: segment, &builder, &evidence)
    }
    return (builder.runs, evidence)
  }

  // MARK: Segments

  /// Codes among which a step function is monotone, in the order of codes.
  struct Segment: Hashable {
    var codes: ClosedRange<Int64>
    /// The code next to the origin: what is left open is left open away from it only.
    var near: Int64
    /// Whether all codes mean the same: NaNs of one sign.
    var isConstant = false
  }

  /// The segments of a type, which together are all of its codes.
  ///
  /// Zeros, the origin and the lowest integer stand alone, each sign is a segment, and so are the NaNs
  /// of each sign: decoded, they are the same.
  static func segments(of dtype: DataType, origin: Int64) -> [Segment] {
    func segment(_ low: Int64, _ high: Int64, near: Int64) -> [Segment] {
      low <= high ? [Segment(codes: low...high, near: near)] : []
    }
    if case .float(let format) = dtype { return floatSegments(of: format) }
    let (low, high) = (dtype.codes.lowerBound, dtype.codes.upperBound)
    let origin = min(max(origin, low), high)
    return segment(low, low, near: low)
      + segment(low + 1, origin - 1, near: origin - 1)
      + (origin > low ? segment(origin, origin, near: origin) : [])
      + segment(origin + 1, high, near: origin + 1)
  }

  /// Cuts the codes of a float format where they change from zero to other numbers, and to NaN.
  ///
  /// In each half of the codes, which is a sign in all formats that have one, zero or NaN stands first,
  /// then come the other numbers by magnitude with infinity at the end, then NaNs.
  private static func floatSegments(of format: FloatFormat) -> [Segment] {
    let half: Int64 = format.bits == 64 ? .max : 1 << Int64(format.bits - 1) - 1
    // The codes of negative float64 are beyond those that a question has.
    let halves = format.bits == 64 ? [0...half] : [0...half, half + 1...2 * half + 1]
    var segments: [Segment] = []
    func isOrdinary(_ code: Int64) -> Bool {
      !format.isNaN(code: UInt64(bitPattern: code))
        && format.decode(UInt64(bitPattern: code)).isZero == false
    }
    for codes in halves {
      let (start, end) = (codes.lowerBound, codes.upperBound)
      let low = isOrdinary(start) ? start : start + 1
      var (good, bad) = (isOrdinary(end) ? end : low, end)
      while bad - good > 1 {
        let middle = good + (bad - good) / 2
        if isOrdinary(middle) { good = middle } else { bad = middle }
      }
      if low > start { segments.append(Segment(codes: start...start, near: start)) }
      segments.append(Segment(codes: low...good, near: low))
      if good < end {
        segments.append(Segment(codes: good + 1...end, near: good + 1, isConstant: true))
      }
    }
    return segments
  }

  // MARK: Steps

  private func steps(
    in range: ClosedRange<Int64>, of segment: Segment, _ builder: inout RunBuilder,
    _ evidence: inout Evidence
  ) throws(CaseError) {
    // Where the end next to the origin is open, equal ends do not mean an equal middle.
    if !segment.isConstant {
      evidence.evaluations += 1
      if try exact([segment.near], as: &builder)[0].isOpen {
        return try enumerate(range, &builder, &evidence)
      }
    }
    guard let starts = try boundaries(in: range, &builder) else {
      return try enumerate(range, &builder, &evidence)
    }
    // The definition at both ends of every stretch.
    var ends: [Int64] = []
    for (index, start) in starts.enumerated() {
      let last = index + 1 < starts.count ? starts[index + 1] - 1 : range.upperBound
      ends.append(start)
      ends.append(last)
    }
    let answers = try exact(ends, as: &builder)
    evidence.evaluations += ends.count
    evidence.steps += Int(range.upperBound - range.lowerBound) + 1
    for index in starts.indices {
      let (first, last) = (ends[2 * index], ends[2 * index + 1])
      guard answers[2 * index] == answers[2 * index + 1] else {
        throw disagreement(first, last)
      }
      builder.append(answers[2 * index], count: Int(last - first) + 1)
    }
  }

  private func disagreement(_ first: Int64, _ last: Int64) -> CaseError {
    .precondition(
      "the bulk oracle sees one step where the definition sees two, from code \(first) to \(last) of "
        + "'\(question.input)': this is a fault of qverify")
  }

  /// The first codes of the stretches of a range, by bisection; nil where there are very many.
  private func boundaries(
    in range: ClosedRange<Int64>, _ builder: inout RunBuilder
  ) throws(CaseError) -> [Int64]? {
    struct Interval {
      var low: Int64
      var lowAnswer: RunBuilder.Answer
      var high: Int64
      var highAnswer: RunBuilder.Answer
    }
    let ends = try bulk([range.lowerBound, range.upperBound], as: &builder)
    var starts = [range.lowerBound]
    var open: [Interval] = []
    func add(_ interval: Interval) {
      if interval.lowAnswer == interval.highAnswer { return }
      if interval.high - interval.low == 1 {
        starts.append(interval.high)
      } else {
        open.append(interval)
      }
    }
    add(
      Interval(
        low: range.lowerBound, lowAnswer: ends[0], high: range.upperBound, highAnswer: ends[1]))
    let limit = Int(range.upperBound - range.lowerBound) / 16 + 64
    while !open.isEmpty {
      if open.count + starts.count > limit { return nil }
      let intervals = open
      open.removeAll(keepingCapacity: true)
      let middles = intervals.map { $0.low + ($0.high - $0.low) / 2 }
      let answers = try bulk(middles, as: &builder)
      for (index, interval) in intervals.enumerated() {
        let (middle, answer) = (middles[index], answers[index])
        add(
          Interval(
            low: interval.low, lowAnswer: interval.lowAnswer, high: middle, highAnswer: answer))
        add(
          Interval(
            low: middle, lowAnswer: answer, high: interval.high, highAnswer: interval.highAnswer))
      }
    }
    return starts.sorted()
  }

  // MARK: Enumeration

  private func enumerate(
    _ range: ClosedRange<Int64>, _ builder: inout RunBuilder, _ evidence: inout Evidence
  ) throws(CaseError) {
    let batch: Int64 = 1 << 14
    var first = range.lowerBound
    while first <= range.upperBound {
      let last = min(range.upperBound, first + batch - 1)
      let codes = Array(first...last)
      if isExact {
        let answers = try exact(codes, as: &builder)
        for answer in answers { builder.append(answer, count: 1) }
        evidence.definition += codes.count
        evidence.evaluations += codes.count
      } else {
        let answers = try bulk(codes, as: &builder)
        for answer in answers { builder.append(answer, count: 1) }
        let places = stride(from: 0, to: codes.count, by: Self.sampled)
        let exact = try exact(places.map { codes[$0] }, as: &builder)
        for (place, answer) in zip(places, exact) where answers[place] != answer {
          throw disagreement(codes[place], codes[place])
        }
        evidence.bulk += codes.count
        evidence.evaluations += exact.count
      }
      first = last + 1
    }
  }

  // MARK: Evaluation

  private func exact(
    _ codes: [Int64], as builder: inout RunBuilder
  ) throws(CaseError) -> [RunBuilder.Answer] {
    builder.answers(
      in: try Reference.evaluate(question.test(codes), dialect: question.dialect),
      count: codes.count)
  }

  private func bulk(
    _ codes: [Int64], as builder: inout RunBuilder
  ) throws(CaseError) -> [RunBuilder.Answer] {
    builder.answers(
      in: try Reference.evaluateFast(question.test(codes), dialect: question.dialect),
      count: codes.count)
  }
}

/// Puts answers together to runs.
struct RunBuilder {
  /// What is expected of each output for one code; equal answers are one stretch.
  enum Answer: Hashable {
    case one(Int64, upper: Int64, isOpen: Bool)
    case many([Answer])

    var isOpen: Bool {
      switch self {
      case .one(_, _, let isOpen): isOpen
      case .many(let answers): answers.contains { $0.isOpen }
      }
    }

    fileprivate subscript(output: Int) -> Answer {
      if case .many(let answers) = self { return answers[output] }
      return self
    }
  }

  private(set) var runs: ExpectedRuns
  private var last: Answer?

  init(outputs: Int) { runs = ExpectedRuns(outputs: outputs) }

  mutating func append(_ answer: Answer, count: Int) {
    if count == 0 { return }
    if answer == last {
      runs.counts[runs.counts.count - 1] += count
      return
    }
    last = answer
    runs.counts.append(count)
    for index in runs.columns.indices {
      guard case .one(let code, let upper, let isOpen) = answer[index] else { continue }
      let place = runs.columns[index].codes.count
      runs.columns[index].codes.append(code)
      if isOpen && runs.columns[index].isOpen.isEmpty {
        runs.columns[index].isOpen = Array(repeating: false, count: place)
      }
      if isOpen || !runs.columns[index].isOpen.isEmpty { runs.columns[index].isOpen.append(isOpen) }
      if upper != code && runs.columns[index].upper.isEmpty {
        runs.columns[index].upper = Array(runs.columns[index].codes.dropLast())
      }
      if upper != code || !runs.columns[index].upper.isEmpty {
        runs.columns[index].upper.append(upper)
      }
    }
  }

  /// The answers of an outcome; those left open are all the same.
  func answers(in outcome: Outcome, count: Int) -> [Answer] {
    func answer(_ expectation: Expectation, _ index: Int) -> Answer {
      if expectation.isUnspecified(at: index) { return .one(0, upper: 0, isOpen: true) }
      let code = expectation.tensor.codes[index]
      let upper = expectation.upper.isEmpty ? code : expectation.upper[index]
      return .one(code, upper: upper, isOpen: false)
    }
    if outcome.outputs.count == 1 {
      let expectation = outcome.outputs[0].expectation
      return (0..<count).map { answer(expectation, $0) }
    }
    return (0..<count).map { index in
      .many(outcome.outputs.map { answer($0.expectation, index) })
    }
  }
}
