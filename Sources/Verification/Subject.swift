public import CaseFormat
public import NumberFormats
public import Operations

/// The memory of a call: inputs to read, outputs to write, by name.
public struct KernelBuffers {
  public var inputs = NamedBuffers<UnsafeRawBufferPointer>()
  public var outputs = NamedBuffers<UnsafeMutableRawBufferPointer>()

  /// No buffers yet.
  public init() {}
}

/// A few buffers by name; a search is faster than a dictionary here.
public struct NamedBuffers<Buffer> {
  private var entries: [(name: String, buffer: Buffer)] = []

  /// The buffer of a name; nil where there is none.
  public subscript(name: String) -> Buffer? {
    get { entries.first { $0.name == name }?.buffer }
    set {
      entries.removeAll { $0.name == name }
      if let newValue { entries.append((name, newValue)) }
    }
  }
}

/// A thing under test.
public protocol Subject: Sendable {
  /// The name that `--subject` and reports use, such as `builtin:avx2` or `lib:./kernel.so`.
  var name: String { get }

  /// Why the subject never runs an operation in a dialect; nil where it may.
  func refusal(of operation: String, dialect: Dialect) -> String?

  /// Whether `refusal(of:dialect:)` says all that the subject claims; else that shows when it runs.
  var declaresClaims: Bool { get }

  /// What the subject claims of an operation that a dialect contradicts.
  func contradictions(of operation: String, with dialect: Dialect) -> [String]

  /// Why the subject does not take a case, where that is known without running it.
  func refusal(of test: Case, dialect: Dialect) -> String?

  /// Runs cases, and says for each, in order, what came of it.
  ///
  /// Kernels in this process run in the memory of `runner`; others take its time-out.
  func run(_ trials: [Trial], on runner: GuardedRunner) -> [Execution]

  /// Runs through consecutive codes of an input and compares every element.
  func sweep(_ sweep: Sweep, dialect: Dialect, on runner: GuardedRunner) -> SweepResult
}

extension Subject {
  /// By default a subject says what it claims.
  public var declaresClaims: Bool { true }

  /// By default a subject claims no more than that it speaks a dialect.
  public func contradictions(of operation: String, with dialect: Dialect) -> [String] { [] }

  /// By default nothing is known before a case runs.
  public func refusal(of test: Case, dialect: Dialect) -> String? { nil }

  /// By default a sweep is a case for each of its calls.
  public func sweep(
    _ sweep: Sweep, dialect: Dialect, on runner: GuardedRunner
  ) -> SweepResult {
    var comparison = SweepComparison(sweep)
    let total = sweep.expected.count
    var index = 0
    while comparison.position < total {
      let count = sweep.calls.length(of: index, rest: total - comparison.position)
      let first = sweep.first + Int64(comparison.position)
      var test = sweep.test(count: count)
      test.id = "sweep from \(first)"
      test.inputs[sweep.input]?.codes = (0..<Int64(count)).map { first + $0 }
      let trial = Trial(
        test: test, dialect: dialect, outputs: sweep.specifications(count: count), calls: [.first])
      switch run([trial], on: runner)[0] {
      case .refused(let reason): return .refused(reason)
      case .fault(let judgement): return .fault(judgement, first: first, count: count)
      case .answered(let answers): comparison.compare(answers[0].outputs, count: count)
      }
      index += 1
    }
    return .compared(comparison.finish())
  }
}

/// A kernel that runs in this process, on memory that the judge hands over.
public protocol InProcessSubject: Subject {
  /// Prepares a case: everything that needs no kernel memory is done here, once.
  func prepare(_ test: Case, dialect: Dialect) -> Preparation
}

/// What a kernel in this process says to a case.
public enum Preparation {
  /// It does not claim the case, and why.
  case refused(String)
  /// It takes the case; the closure runs it once on given memory.
  ///
  /// The closure may be left by a fault in the kernel: it must own nothing that needs cleaning up.
  case ready((KernelBuffers) -> Void)
}

extension InProcessSubject {
  public func refusal(of test: Case, dialect: Dialect) -> String? {
    if case .refused(let reason) = prepare(test, dialect: dialect) { return reason }
    return nil
  }

  public func run(_ trials: [Trial], on runner: GuardedRunner) -> [Execution] {
    trials.map { trial in
      switch prepare(trial.test, dialect: trial.dialect) {
      case .refused(let reason): .refused(reason)
      case .ready(let call):
        runner.run(trial.test, outputs: trial.outputs, calls: trial.calls, call)
      }
    }
  }

  public func sweep(
    _ sweep: Sweep, dialect: Dialect, on runner: GuardedRunner
  ) -> SweepResult {
    runner.sweep(sweep, dialect: dialect.text, owner: name) { test in
      switch prepare(test, dialect: dialect) {
      case .refused(let reason): .failure(SweepRefusal(reason: reason))
      case .ready(let call): .success(SweepKernel(call: call))
      }
    }
  }
}

/// A case that is to be run.
public struct Trial: Sendable {
  public var test: Case
  public var dialect: Dialect
  public var outputs: [OutputSpecification]
  public var calls: [Circumstance]
}

/// What an output will be: its name and what holds its elements.
public struct OutputSpecification: Hashable, Sendable {
  public var name: String
  public var dtype: DataType
  public var shape: [Int]

  /// Specifies an output.
  public init(name: String, dtype: DataType, shape: [Int]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }

  /// The number of elements.
  public var count: Int { Tensor.count(of: shape) ?? 0 }
}

/// How a case is called.
///
/// A right kernel gives the same each time.
public enum Circumstance: UInt8, CaseIterable, Sendable {
  /// Every buffer against the inaccessible page behind it.
  case first
  /// The same call again, in the same memory; the outputs held other bytes.
  case again
  /// Every buffer against the inaccessible page before it.
  case pageStart
  /// Every buffer an odd number of elements after the start of a page.
  case unaligned
  /// As the first, with subnormal numbers flushed to zero.
  case flushed

  /// What every case is put through.
  public static let standard: [Circumstance] = [.first, .again, .pageStart, .unaligned]

  /// How messages speak of it.
  public var phrase: String {
    switch self {
    case .first: "at first"
    case .again: "on a second call"
    case .pageStart: "at the start of a page"
    case .unaligned: "at another alignment"
    case .flushed: "with subnormal numbers flushed to zero"
    }
  }
}

/// What came of a trial.
public enum Execution: Sendable {
  /// The subject does not take the case, and why.
  case refused(String)
  /// It did what no kernel may do; the verdict and the message say what.
  case fault(Judgement)
  /// It answered each call.
  case answered([Answer])
}

/// What a subject gave in one call: the codes of each output, in the order of the specification.
public struct Answer: Hashable, Sendable {
  public var circumstance: Circumstance
  public var outputs: [[Int64]]
  /// The byte that the outputs were filled with before; nil where they are not our memory.
  public var poison: UInt8?

  /// An answer to one call.
  public init(_ circumstance: Circumstance, outputs: [[Int64]], poison: UInt8?) {
    self.circumstance = circumstance
    self.outputs = outputs
    self.poison = poison
  }
}
