import CaseFormat
import ExactArithmetic
import Generation
import NumberFormats
import Operations
import Verification

@testable import Proving

/// Why a line is no question.
struct BadLine: Error { var text: String }

/// A question in one line: `operation dialect name:dtype name:dtype=value key=value ...`.
///
/// The input without a value is the one that runs through all of its codes. A value may be any number
/// that `Number.parse` reads.
func question(_ line: String, dialect given: Dialect? = nil) throws -> Question {
  let words = line.split(separator: " ").map(String.init)
  var test = Case(id: line, operation: words[0], dialect: words[1])
  for word in words.dropFirst(2) {
    let halves = word.split(separator: "=", maxSplits: 1).map(String.init)
    let names = halves[0].split(separator: ":").map(String.init)
    if names.count == 1 {
      test.attributes[names[0]] = attribute(halves[1])
      continue
    }
    guard let dtype = DataType(name: names[1]) else { throw BadLine(text: line) }
    let code = halves.count > 1 ? try code(of: halves[1], dtype) : 0
    test.inputs[names[0]] = Tensor(dtype, shape: [1], codes: [code])
  }
  return try Question(test, dialect: try given ?? Dialect.named(words[1]))
}

private func attribute(_ text: String) -> AttributeValue {
  if let value = Int(text) { return .integer(value) }
  return Number.parse(text) == nil ? .string(text) : .decimal(text)
}

private func code(of text: String, _ dtype: DataType) throws -> Int64 {
  guard let number = Number.parse(text) else { throw BadLine(text: text) }
  if case .float(let format) = dtype { return Int64(bitPattern: format.encode(number)) }
  guard let code = number.rational?.numerator.int64 else { throw BadLine(text: text) }
  return code
}

/// A built-in dialect with some keys of a section changed.
func dialect(_ name: String, _ section: String, _ changes: [String: String]) throws -> Dialect {
  let keys = changes.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
  guard let changed = try Dialect.named(name).changed(name: name, section, keys) else {
    throw BadLine(text: "\(name) \(section) \(changes)")
  }
  return changed
}

extension Question {
  /// The answers of the definition.
  func answers(_ codes: [Int64]) throws -> [RunBuilder.Answer] {
    RunBuilder(outputs: outputs.count).answers(
      in: try Reference.evaluate(test(codes), dialect: dialect), count: codes.count)
  }

  /// The runs of an oracle that uses the steps, over all codes.
  func stepwise() throws -> ExpectedRuns {
    let count = Int(codes.upperBound - codes.lowerBound) + 1
    return try Oracle(self, domain: 1 << 32).expected(from: codes.lowerBound, count: count).runs
  }

  /// The origin of the steps; nil where none are claimed.
  var origin: Int64? {
    if case .steps(let origin) = dependence { return origin }
    return nil
  }

  /// Whether a segment is open next to the origin, so that nothing is claimed of it.
  func isOpenAtOrigin() throws -> Bool {
    for segment in Oracle.segments(of: dtype, origin: origin ?? 0) where !segment.isConstant {
      guard segment.codes.count > 1 else { continue }
      if try answers([segment.near])[0].isOpen { return true }
    }
    return false
  }

  /// The first code whose answer was there and left before, within a segment that relies on steps.
  ///
  /// - Parameters:
  ///   - codes: ascending; all of them, or any.
  ///   - answers: those of the definition.
  /// - Returns: the code; nil where no answer comes back.
  func firstReturn(_ codes: [Int64], _ answers: [RunBuilder.Answer]) throws -> Int64? {
    var index = 0
    for segment in Oracle.segments(of: dtype, origin: origin ?? 0) {
      guard index < codes.count, segment.codes.contains(codes[index]) else { continue }
      let isOpen = try self.answers([segment.near])[0].isOpen
      var left: Set<RunBuilder.Answer> = []
      var last = answers[index]
      while index < codes.count, segment.codes.contains(codes[index]) {
        if answers[index] != last { left.insert(last) }
        last = answers[index]
        if left.contains(last) && !isOpen { return codes[index] }
        index += 1
      }
    }
    return nil
  }

  /// What speaks against the claim of steps: an answer that comes back, or one that the oracle by
  /// steps does not give.
  ///
  /// - Parameter isComplete: whether every code is looked at; else the ends of every stretch and their
  ///   neighbours, a code within each, and some anywhere.
  /// - Returns: nil where nothing does.
  func objection(isComplete: Bool) throws -> String? {
    let runs = try stepwise()
    var random = Randomness(seed: 0x70726F6F66)
    var wanted: Set<Int64> = isComplete ? Set(codes) : []
    var start = codes.lowerBound
    for count in runs.counts where !isComplete {
      let last = start + Int64(count) - 1
      wanted.formUnion([start, last, start + Int64(random.next() % UInt64(count))])
      start = last + 1
    }
    for _ in 0..<(isComplete ? 0 : 48) {
      let offset = random.next() % UInt64(codes.upperBound - codes.lowerBound)
      wanted.insert(codes.lowerBound + Int64(offset))
    }
    let codes = wanted.sorted()
    let answers = try answers(codes)
    if let code = try firstReturn(codes, answers) { return "the answer of \(code) comes back" }
    var (run, end) = (-1, self.codes.lowerBound)
    for (code, answer) in zip(codes, answers) {
      while code >= end {
        run += 1
        end += Int64(runs.counts[run])
      }
      if runs.answer(run) != answer { return "\(code): \(answer), by steps \(runs.answer(run))" }
    }
    return nil
  }
}

extension ExpectedRuns {
  /// What is expected in a stretch.
  func answer(_ run: Int) -> RunBuilder.Answer {
    let answers = columns.map { column in
      RunBuilder.Answer.one(
        column.codes[run], upper: column.upper.isEmpty ? column.codes[run] : column.upper[run],
        isOpen: column.isOpen(run))
    }
    return answers.count == 1 ? answers[0] : .many(answers)
  }
}
