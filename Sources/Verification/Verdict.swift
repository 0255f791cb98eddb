import CaseFormat
import NumberFormats
import Operations

/// What the judge says of one case.
public enum Verdict: String, CaseIterable, Sendable {
  case passed
  case mismatch
  case crashed
  case hung
  /// Touched memory that is not its own.
  case overran
  /// Left output elements as they were.
  case unwritten
  /// Gave something else on a second call.
  case nondeterministic
  /// Gave something else in another alignment.
  case alignment = "depends on alignment"
  /// Gave something else with subnormal numbers flushed to zero.
  case flushToZero = "depends on flush-to-zero"
  /// Changed the floating-point environment.
  case environment = "changed the environment"
  /// Answered what is not an answer to the case.
  case malformed = "malformed answer"
  /// The subject refused the case.
  case unsupported

  /// Whether the verdict is a fault of the subject.
  public var isFailure: Bool { self != .passed && self != .unsupported }
}

/// A verdict with its evidence.
public struct Judgement: Sendable {
  public var verdict: Verdict
  /// What happened, where the values do not say it.
  public var message: String
  /// The first element that disagrees.
  public var element: Element?
  /// How many elements were compared.
  public var compared = 0

  /// One element that disagrees.
  public struct Element: Hashable, Sendable {
    public var output: String
    public var index: Int
    /// The code that the subject gave.
    public var found: Int64
    /// How many elements disagree.
    public var count: Int

    /// An element with what the subject gave for it.
    public init(output: String, index: Int, found: Int64, count: Int) {
      (self.output, self.index, self.found, self.count) = (output, index, found, count)
    }
  }

  /// A judgement with a verdict and what happened.
  public init(
    _ verdict: Verdict, _ message: String = "", element: Element? = nil, compared: Int = 0
  ) {
    self.verdict = verdict
    self.message = message
    self.element = element
    self.compared = compared
  }
}
