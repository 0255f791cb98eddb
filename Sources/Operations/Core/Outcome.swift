public import CaseFormat
public import ExactArithmetic
public import NumberFormats

/// One stage on the way to an output element, for explanations.
public struct Stage: Hashable, Sendable {
  /// The flat index of the element.
  public var element: Int
  /// What is done: accumulation, scaling, rounding, zero point, clamp, ...
  public var name: String
  /// The value after the stage.
  public var value: String
  /// How it came about.
  public var detail: String
  /// The clause that decides, such as `rounding §1`.
  public var clause: String
  /// The exact value that the stage starts from; nil where it starts from none, or from many.
  public var before: Number?
  /// The exact value that it gives, where that is a number.
  public var after: Number?
  /// What it does to the value; nil where that is not one of the plain steps.
  public var effect: StageEffect?

  /// A stage with its texts and, where it has them, its exact values.
  public init(
    element: Int, name: String, value: String, detail: String, clause: String,
    before: Number? = nil, after: Number? = nil, effect: StageEffect? = nil
  ) {
    (self.element, self.name, self.value) = (element, name, value)
    (self.detail, self.clause) = (detail, clause)
    (self.before, self.after, self.effect) = (before, after, effect)
  }
}

/// The exact answer to a case.
public struct Outcome: Sendable {
  /// The outputs in the order of the declaration.
  public var outputs: [(name: String, expectation: Expectation)]
  /// What the case exercised.
  public var coverage: Coverage
  /// How the elements asked for were computed; empty when none were asked for.
  public var stages: [Stage]
  /// How the outputs depend on the swept input, where that is known.
  public var dependence: Dependence
  /// Whether a bulk oracle gave it; else the definition.
  public var isBulk = false

  /// An outcome of the given outputs.
  public init(
    _ outputs: [(name: String, expectation: Expectation)], coverage: Coverage = [],
    stages: [Stage] = [], dependence: Dependence = .any("nothing is claimed")
  ) {
    self.outputs = outputs
    self.coverage = coverage
    self.stages = stages
    self.dependence = dependence
  }

  /// The outcome, noted as that of a bulk oracle.
  var fromBulkOracle: Outcome {
    var outcome = self
    outcome.isBulk = true
    return outcome
  }

  /// The output of a name.
  public subscript(name: String) -> Expectation? {
    outputs.first { $0.name == name }?.expectation
  }
}

/// How an output element depends on its element of the swept input, for one rule and parameters.
public enum Dependence: Hashable, Sendable {
  /// On each side of `origin`, which is a code of the input, the outputs are a step function: between
  /// two inputs with the same outputs there is no other output [proof §2].
  case steps(origin: Int64)
  /// Nothing of the kind is claimed, and why.
  case any(String)
}

/// Which elements an explanation is asked for.
public struct ElementReference: Hashable, Sendable {
  public var output: String
  /// The flat index; nil for every element.
  public var index: Int?
  /// Whether stages come for programs: without texts, but every step, those too that change nothing.
  public var isNumeric: Bool

  /// Refers to an element of an output by its flat index, or to all of them.
  public init(output: String, index: Int?, numeric: Bool = false) {
    self.output = output
    self.index = index
    isNumeric = numeric
  }
}

/// Collects the stages of the wanted elements, or nothing.
struct Trace {
  private(set) var stages: [Stage] = []
  private let reference: ElementReference?
  private var element = 0
  /// Whether the element at hand is wanted.
  private(set) var isOn = false
  /// Whether every step is wanted, without texts.
  var isNumeric: Bool { isOn && reference?.isNumeric == true }

  init(_ reference: ElementReference?, output: String) {
    self.reference = reference?.output == output ? reference : nil
  }

  /// Turns the trace on or off for the element that comes next.
  mutating func begin(_ index: Int) {
    element = index
    isOn = reference.map { $0.index == nil || $0.index == index } ?? false
  }

  /// Turns the trace on for what concerns every element.
  mutating func beginShared() {
    element = reference?.index ?? 0
    isOn = reference != nil
  }

  /// Notes a stage, if this is the wanted element; texts and values are only made then.
  mutating func note(
    _ name: String, _ value: @autoclosure () -> String, _ detail: @autoclosure () -> String,
    _ clause: @autoclosure () -> String, from before: @autoclosure () -> Number? = nil,
    to after: @autoclosure () -> Number? = nil, by effect: @autoclosure () -> StageEffect? = nil
  ) {
    guard isOn else { return }
    let hasText = !isNumeric
    stages.append(
      Stage(
        element: element, name: name, value: hasText ? value() : "",
        detail: hasText ? detail() : "", clause: hasText ? clause() : "", before: before(),
        after: after(), effect: effect()))
  }

  /// Notes a step that people need not see, where stages come for programs.
  mutating func noteStep(
    _ name: String, from before: @autoclosure () -> Number?, to after: @autoclosure () -> Number?,
    by effect: @autoclosure () -> StageEffect?
  ) {
    guard isNumeric else { return }
    note(name, "", "", "", from: before(), to: after(), by: effect())
  }
}

/// Numbers for people: exact where that is short.
public enum Readable {
  /// An exact value as an integer, a short decimal or fraction, else to 17 digits.
  public static func text(_ number: Number) -> String {
    switch number {
    case .finite(let value): text(value)
    case .negativeZero: "-0"
    case .infinity(let negative): negative ? "-inf" : "inf"
    case .nan: "NaN"
    }
  }

  /// An exact value as an integer, a short fraction, else to 17 digits.
  public static func text(_ value: Rational) -> String {
    if value.isInteger, value.numerator.bitWidth <= 128 { return value.numerator.description }
    let fraction = value.description
    if fraction.count <= 12 { return fraction }
    return "\(value.approximate)"
  }

  /// The value of an element of a tensor.
  public static func text(ofCode code: Int64, _ dtype: DataType) -> String {
    guard dtype.isValid(code: code) else {
      // What a kernel leaves in a byte need not be an encoding of fewer bits.
      return "no \(dtype.name) (0x\(String(UInt64(bitPattern: code), radix: 16)))"
    }
    switch dtype {
    case .float(let format):
      let pattern = UInt64(bitPattern: code)
      let hex = String(pattern, radix: 16)
      let width = (format.bits + 3) / 4
      let encoding = "0x" + String(repeating: "0", count: max(0, width - hex.count)) + hex
      switch format.decode(pattern) {
      case .finite(let value): return "\(value.isZero ? "0" : decimal(value)) (\(encoding))"
      case let other: return "\(text(other)) (\(encoding))"
      }
    case .integer, .bool: return "\(code)"
    case .fixed: return text(dtype.number(fromCode: code))
    }
  }

  private static func decimal(_ value: Rational) -> String {
    let double = value.approximate
    if value.isInteger, value.magnitude < 1_000_000 { return value.numerator.description }
    let single = Float(double)
    return Rational(Double(single)) == value ? "\(single)" : "\(double)"
  }
}
