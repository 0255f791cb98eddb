import CaseFormat
import NumberFormats
import Operations

/// Which dialect a kernel implements for one operation, by probes that tell dialects apart.
public struct Identification: Sendable {
  public let operation: String
  /// The functions that the kernel computes: one for all dialects that it was asked in, unless its
  /// answers depend on the dialect.
  public internal(set) var functions: [Function] = []
  /// How often the kernel was called.
  public internal(set) var calls = 0
  /// Why nothing could be probed; nil where something was.
  public internal(set) var reason: String?

  /// How an identification ended.
  public enum Verdict: String, Sendable {
    /// Some dialect agrees with every answer.
    case identified
    /// No dialect does, or the kernel misbehaved.
    case noDialect = "no dialect"
    /// The kernel answered no probe.
    case notProbed = "not probed"
  }

  /// The worst of its functions decides.
  public var verdict: Verdict {
    if functions.isEmpty { return .notProbed }
    return functions.allSatisfy { !$0.matches.isEmpty && $0.faults.isEmpty }
      ? .identified : .noDialect
  }

  /// One function: the answers to all probes, and what they say.
  public struct Function: Sendable {
    /// The names of the dialects in which the kernel was asked, and gave the same answers.
    public var askedAs: [String]
    /// How many inputs it answered, in how many calls.
    public var inputs = 0
    public var calls = 0
    /// The types that were asked for: `float32 to int8`.
    public var types: [String] = []
    /// The dialects that agree with every answer, the one that says most first.
    public var matches: [Match] = []
    /// Where none does: the dialects that contradict the fewest answers, the nearest first.
    public var nearest: [Mismatch] = []
    /// The way to compute that agrees best, for people, and how many answers contradict it.
    public var formula: (text: String, disagreements: Int, answers: Int)?
    public var properties: [Property] = []
    /// What the kernel did that no kernel may do.
    public var faults: [String] = []
  }

  /// A dialect that agrees with all answers.
  public struct Match: Sendable {
    public var dialect: String
    /// How many answers it states; others it leaves open, or does not define.
    public var agreed: Int
    public var open: Int
    public var undefined: Int
    /// How it relates to the first match over the whole domain of the input, where that was computed.
    public var relation: String?
  }

  /// A dialect that contradicts some answers.
  public struct Mismatch: Sendable {
    public var dialect: String
    public var agreed: Int
    public var disagreed: Int
    public var open: Int
    public var undefined: Int
    /// Some of the answers that speak against it.
    public var against: [Evidence]
  }

  /// An answer of the kernel, beside what a dialect says.
  public struct Evidence: Sendable {
    /// The other inputs.
    public var parameters: String
    /// What was asked, such as `x = 0.5 (0x3f000000)`.
    public var input: String
    /// What the kernel gave.
    public var found: String
    /// What was expected instead.
    public var expected: String
    /// Why the dialect says so: the stage that decides.
    public var reason: String
  }

  /// Something that the kernel was seen to do.
  public struct Property: Sendable {
    public var name: String
    public var value: String
    /// How many answers agree with it, of those that tell it from the next best.
    public var support: String
    public var witness: Evidence?
  }
}

/// A dialect or variation with its answers to probes.
struct Candidate: Sendable {
  let name: String
  let dialect: Dialect

  /// What it expects of each output by name; nil where it has no answer.
  func expectations(_ test: Case) -> [String: Expectation]? {
    var test = test
    test.dialect = dialect.name
    guard let outcome = try? Reference.evaluateFast(test, dialect: dialect) else { return nil }
    return Dictionary(uniqueKeysWithValues: outcome.outputs.map { ($0.name, $0.expectation) })
  }
}

/// What a kernel gave for a probe.
struct Observation: Sendable {
  let probe: Probe
  /// The names and types of the outputs, and the codes that came.
  let outputs: [(name: String, dtype: DataType)]
  let given: [[Int64]]

  /// The same with a few of the elements; itself where they cannot be taken apart.
  func restricted(to elements: [Int]) -> Observation {
    guard let part = probe.restricted(to: elements) else { return self }
    return Observation(
      probe: part, outputs: outputs, given: given.map { codes in elements.map { codes[$0] } })
  }

  /// What a candidate says to every element.
  func score(_ candidate: Candidate) -> Score {
    var score = Score()
    let expected = candidate.expectations(probe.test)
    for (index, output) in outputs.enumerated() {
      guard let expectation = expected?[output.name], expectation.tensor.dtype == output.dtype,
        expectation.tensor.count == given[index].count
      else {
        score.undefined += given[index].count
        continue
      }
      for (element, code) in given[index].enumerated() {
        if expectation.isUnspecified(at: element) {
          score.open += 1
        } else if expectation.agrees(code, at: element) {
          // An interval of several values states less than a value.
          let isInterval =
            !expectation.upper.isEmpty
            && expectation.upper[element] != expectation.tensor.codes[element]
          if isInterval { score.open += 1 } else { score.agreed += 1 }
        } else {
          score.disagreed += 1
          if score.against.count < Score.kept { score.against.append((index, element)) }
        }
      }
    }
    return score
  }
}

/// How the answers of a kernel relate to a candidate.
struct Score: Sendable {
  /// How many disagreements of a probe are kept.
  static let kept = 8

  var agreed = 0
  var disagreed = 0
  var open = 0
  var undefined = 0
  /// Where it disagrees: output and element.
  var against: [(output: Int, element: Int)] = []

  static func + (a: Score, b: Score) -> Score {
    Score(
      agreed: a.agreed + b.agreed, disagreed: a.disagreed + b.disagreed, open: a.open + b.open,
      undefined: a.undefined + b.undefined, against: [])
  }
}
