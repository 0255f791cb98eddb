public import CaseFormat
public import Operations

/// Where two dialects answer one case differently, element by element.
public struct CaseDifference: Sendable {
  /// An output element on which they differ.
  public struct Element: Sendable {
    public var output: String
    public var index: Int
    /// What it is the answer to, where that is known, else its place.
    public var text: String
    public var first: String
    public var second: String
  }

  public let test: Case
  /// What the parameters are, for people.
  public let parameters: String
  /// The first elements that differ, how many there are, and how many elements in all.
  public private(set) var elements: [Element] = []
  public private(set) var count = 0
  public private(set) var total = 0
  /// How many elements one dialect alone leaves open.
  public private(set) var openInFirst = 0
  public private(set) var openInSecond = 0
  private static let kept = 64

  /// Compares two dialects on a case.
  ///
  /// - Throws: what either says against it; `unsupported` where the outputs are not the same.
  public init(
    _ test: Case, _ first: Dialect, _ second: Dialect, probe: Probe? = nil
  ) throws(CaseError) {
    self.test = test
    parameters = probe?.parameters ?? Probe.parameters(of: test, input: nil)
    let outcomes = (try Self.outcome(test, first), try Self.outcome(test, second))
    for (name, left) in outcomes.0.outputs {
      guard let right = outcomes.1[name], right.tensor.dtype == left.tensor.dtype,
        right.tensor.shape == left.tensor.shape
      else { throw .unsupported("'\(second.name)' gives no \(name) like '\(first.name)'") }
      total += left.tensor.count
      for index in 0..<left.tensor.count {
        compare(name, left, right, index, probe)
      }
    }
  }

  private static func outcome(_ test: Case, _ dialect: Dialect) throws(CaseError) -> Outcome {
    do throws(CaseError) {
      return try Reference.evaluateFast(test, dialect: dialect)
    } catch {
      throw CaseError(error.kind, "'\(dialect.name)': \(error.message)")
    }
  }

  private mutating func compare(
    _ name: String, _ left: Expectation, _ right: Expectation, _ index: Int, _ probe: Probe?
  ) {
    let opens = (left.isUnspecified(at: index), right.isUnspecified(at: index))
    if opens.0 != opens.1 {
      if opens.0 { openInFirst += 1 } else { openInSecond += 1 }
      return
    }
    let (a, b) = (left.tensor.codes[index], right.tensor.codes[index])
    guard !opens.0, !left.agrees(b, at: index), !right.agrees(a, at: index) else { return }
    count += 1
    guard elements.count < Self.kept else { return }
    let place = left.tensor.coordinates(of: index).map(String.init).joined(separator: ", ")
    elements.append(
      Element(
        output: name, index: index, text: probe?.text(of: index) ?? "\(name)[\(place)]",
        first: Readable.text(ofCode: a, left.tensor.dtype),
        second: Readable.text(ofCode: b, right.tensor.dtype)))
  }
}
