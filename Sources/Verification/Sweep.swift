public import CaseFormat
public import Digests
public import NumberFormats

/// A run through consecutive codes of one input of an element-wise operation, all else being fixed.
public struct Sweep: Sendable {
  /// The operation, its attributes and its other inputs.
  public var template: Case
  /// The input that runs, and its type.
  public var input: String
  public var dtype: DataType
  /// The outputs, in order.
  public var outputs: [Output]
  /// The first code of the input; each next one is greater by one.
  public var first: Int64
  /// What must come out.
  public var expected: ExpectedRuns
  /// How the codes are divided into calls.
  public var calls: CallLengths

  /// An output of a sweep.
  public struct Output: Hashable, Sendable {
    public var name: String
    public var dtype: DataType

    /// An output of a name and type.
    public init(name: String, dtype: DataType) { (self.name, self.dtype) = (name, dtype) }
  }

  /// Asks for a sweep.
  public init(
    template: Case, input: String, dtype: DataType, outputs: [Output], first: Int64,
    expected: ExpectedRuns, calls: CallLengths
  ) {
    (self.template, self.input, self.dtype) = (template, input, dtype)
    (self.outputs, self.first, self.expected, self.calls) = (outputs, first, expected, calls)
  }

  /// How many calls it takes.
  public var callCount: Int {
    var (calls, rest) = (0, expected.count)
    while rest > 0 {
      rest -= self.calls.length(of: calls, rest: rest)
      calls += 1
    }
    return calls
  }

  /// The case of a call over `count` elements; the swept input holds zeros.
  public func test(count: Int) -> Case {
    var test = template
    test.inputs[input] = Tensor(
      dtype, shape: [count], codes: Array(repeating: 0, count: count))
    return test
  }

  /// What the outputs of a call over `count` elements will be.
  public func specifications(count: Int) -> [OutputSpecification] {
    outputs.map { OutputSpecification(name: $0.name, dtype: $0.dtype, shape: [count]) }
  }
}

/// How many elements each call of a sweep gets.
public enum CallLengths: Hashable, Sendable {
  /// Calls of `Self.body` elements, each eighth one longer by 1 to 63, so that every tail of every
  /// vector width comes up again and again.
  case bodies
  /// Calls of three elements: fewer than any vector holds, so that all of them are in the tail.
  case tails

  /// The elements of a plain call: few enough to stay in the cache, so many that a call costs little.
  public static let body = 8192
  /// The most elements between two comparisons.
  static let longest = body + 63
  /// The elements of a call in the tail.
  public static let tail = 3

  /// How many elements are compared at once, counted from `index` 0, where `rest` are left.
  ///
  /// Of `bodies` that is one call, of `tails` very many, one after the other in memory.
  func length(of index: Int, rest: Int) -> Int {
    switch self {
    case .tails: return min(rest, Self.body / Self.tail * Self.tail)
    case .bodies:
      let tail = index % 8 == 7 ? (index / 8) % 63 + 1 : 0
      return min(rest, Self.body + tail)
    }
  }

  /// The elements of each call where so many are compared at once.
  func callLength(in count: Int) -> Int { self == .tails ? min(count, Self.tail) : count }
}

/// What outputs must be along a sweep: stretches of elements with the same expectation.
public struct ExpectedRuns: Hashable, Sendable {
  /// How many elements each stretch has; each more than none.
  public var counts: [Int] = []
  /// The expectations, output by output.
  public var columns: [Column]

  /// The expectations of one output, stretch by stretch.
  public struct Column: Hashable, Sendable {
    /// The codes; where an interval is allowed, its lower end.
    public var codes: [Int64] = []
    /// The upper ends of intervals; empty where there is none.
    public var upper: [Int64] = []
    /// Which stretches the dialect leaves open; empty where there is none.
    public var isOpen: [Bool] = []

    /// An empty column.
    public init() {}

    /// Whether anything agrees in a stretch.
    public func isOpen(_ run: Int) -> Bool { !isOpen.isEmpty && isOpen[run] }

    /// Whether a code agrees with what is expected in a stretch.
    func agrees(_ code: Int64, in run: Int, _ dtype: DataType) -> Bool {
      if code == codes[run] || isOpen(run) { return true }
      if !upper.isEmpty { return code >= codes[run] && code <= upper[run] }
      guard case .float(let format) = dtype else { return false }
      return format.isNaN(code: UInt64(bitPattern: codes[run]))
        && format.isNaN(code: UInt64(bitPattern: code))
    }
  }

  /// No stretch of so many outputs.
  public init(outputs: Int) { columns = Array(repeating: Column(), count: outputs) }

  /// The number of elements.
  public var count: Int { counts.reduce(0, +) }
}

/// How a sweep ended.
public enum SweepResult: Sendable {
  /// The subject does not take such cases, and why.
  case refused(String)
  /// It did what no kernel may do; the codes from `first` on were not, or not all, compared.
  case fault(Judgement, first: Int64, count: Int)
  /// Every element was compared.
  case compared(SweepReport)
}

/// What came of a sweep whose every element was compared.
public struct SweepReport: Hashable, Sendable {
  /// A digest of all outputs in order (`RunDigest`).
  public var digest: Digest
  /// How many elements disagree, over all outputs.
  public var wrongCount = 0
  /// The first ones that do.
  public var wrong: [Wrong] = []
  /// How many elements the dialect left open.
  public var openCount = 0

  /// How many disagreements are kept.
  public static let kept = 16

  /// An element that disagrees.
  public struct Wrong: Hashable, Sendable {
    /// The code of the input.
    public var input: Int64
    /// The index of the output.
    public var output: Int
    public var found: Int64
    /// How many elements its call had, and which of them it was.
    public var callLength: Int
    public var callIndex: Int

    /// An element that disagrees.
    public init(input: Int64, output: Int, found: Int64, callLength: Int, callIndex: Int) {
      (self.input, self.output, self.found) = (input, output, found)
      (self.callLength, self.callIndex) = (callLength, callIndex)
    }
  }

  /// A report with a digest.
  public init(digest: Digest) { self.digest = digest }
}

/// A digest of outputs in order: SHA-256 over their maximal runs.
///
/// A run is the number of its elements and their code, 8 bytes each, little-endian. So the digest
/// depends on every code at its place and on nothing else, and costs little where outputs are long
/// stretches of the same value. Of several outputs: SHA-256 over the digests of each.
struct RunDigest {
  private let state = SHA256()
  private var buffer: [UInt64] = []
  private var code: Int64 = 0
  private var count = 0

  /// Adds equal codes.
  mutating func append(_ code: Int64, count: Int) {
    if count == 0 { return }
    if code != self.code { flush() }
    self.code = code
    self.count += count
  }

  private mutating func flush() {
    if count == 0 { return }
    buffer.append(UInt64(count).littleEndian)
    buffer.append(UInt64(bitPattern: code).littleEndian)
    count = 0
    if buffer.count >= 4096 { drain() }
  }

  private mutating func drain() {
    buffer.withUnsafeBytes { state.update($0) }
    buffer.removeAll(keepingCapacity: true)
  }

  /// The digest; the value must not be used afterwards.
  mutating func finish() -> Digest {
    flush()
    drain()
    return state.finish()
  }

  /// The digest of a sequence of digests.
  static func digest(of parts: [Digest]) -> Digest {
    SHA256.digest(of: parts.flatMap(\.bytes))
  }
}
