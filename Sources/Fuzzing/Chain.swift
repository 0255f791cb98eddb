import ExactArithmetic
import NumberFormats
import Operations

/// The steps by which one output element gets its exact value, so that one of them can be done wrong.
struct Chain: Sendable {
  /// The steps, each of which starts from what the one before it gave.
  let steps: [Stage]
  /// The type of the output.
  let type: DataType

  /// The chain of an element; nil where its stages do not lead to the exact value.
  init?(_ stages: some BidirectionalCollection<Stage>, exact: Number, type: DataType) {
    var steps: [Stage] = []
    var wanted = exact
    for stage in stages.reversed() {
      guard let after = stage.after, Self.areEqual(after, wanted), stage.effect != nil else {
        // What led to another value is another way, such as the scaling that a fused step repeats.
        if steps.isEmpty { return nil }
        continue
      }
      steps.append(stage)
      guard let before = stage.before else { break }
      wanted = before
    }
    if steps.isEmpty { return nil }
    self.steps = steps.reversed()
    self.type = type
  }

  /// Equality of values; integers have one zero.
  private static func areEqual(_ a: Number, _ b: Number) -> Bool {
    a == b || a.isZero && b.isZero
  }

  /// What comes out if the value after a step is another one; or what reaches a later step.
  func result(after index: Int, _ value: Number, before end: Int? = nil) -> Number? {
    var value = value
    for step in steps[(index + 1)..<(end ?? steps.count)] {
      guard let next = step.effect?.apply(value) else { return nil }
      value = next
    }
    return value
  }

  /// The code of a result; integers that the type cannot hold lose their high bits.
  func code(of result: Number) -> Int64? {
    switch type {
    case .integer(let format):
      guard let value = result.rational, value.isInteger else { return nil }
      return Int64(bitPattern: format.wrapped(value.numerator).low64)
    case .float(let format):
      return Int64(bitPattern: format.encode(result))
    case .fixed, .bool:
      return result.rational.flatMap { type.code(for: $0) }
    }
  }

  /// The first step of a name that starts from a value.
  func step(_ name: String) -> Stage? { steps.first { $0.name == name && $0.before != nil } }

  /// The step that adds up products.
  var sum: (index: Int, terms: ProductSum)? {
    for (index, step) in steps.enumerated() {
      if case .sum(let terms)? = step.effect { return (index, terms) }
    }
    return nil
  }
}
