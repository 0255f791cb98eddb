import NumberFormats

/// When an alternative of a rule holds: every condition that is stated must match.
struct Condition: Sendable {
  var granularity: Granularity?
  var input: [DataType]?
  var output: [DataType]?
  var zeroPoint: [DataType]?
  var operations: [String] = []
  var learnable: Bool?

  /// Per tensor, or anything finer.
  enum Granularity: String, CaseIterable, Sendable {
    case perTensor = "per_tensor"
    case perChannel = "per_channel"
  }

  init(_ reader: inout RuleReader) throws(DialectError) {
    granularity = try reader.optionalChoice("granularity")
    input = try reader.types("input")
    output = try reader.types("output")
    zeroPoint = try reader.types("zero_point_type")
    operations = try reader.words("operations", among: Registry.all.map { $0.name })
    learnable = try reader.optionalFlag("learnable")
    try reader.finish()
  }

  func matches(_ situation: Situation) -> Bool {
    (granularity == nil || granularity == situation.granularity)
      && (input == nil || situation.input.map { input?.contains($0) ?? true } ?? false)
      && (output == nil || situation.output.map { output?.contains($0) ?? true } ?? false)
      && (zeroPoint == nil || situation.zeroPoint.map { zeroPoint?.contains($0) ?? true } ?? false)
      && (operations.isEmpty || operations.contains(situation.operation))
      && (learnable == nil || learnable == situation.learnable)
  }
}

/// What a rule is asked for.
struct Situation: Sendable {
  var operation = ""
  var granularity = Condition.Granularity.perTensor
  var input: DataType?
  var output: DataType?
  var zeroPoint: DataType?
  var learnable = false
}

/// A rule that a section of a dialect can be read as.
protocol DialectRule: Sendable {
  init(_ reader: inout RuleReader) throws(DialectError)
}

/// A rule with alternatives: the section's own keys, and under `variants` what differs when.
///
/// The first alternative whose condition matches is the rule; else the section itself.
struct Variants<Rule: DialectRule>: Sendable {
  let base: Rule
  let alternatives: [(condition: Condition, rule: Rule)]

  init(_ tree: YAMLTree, path: String) throws(DialectError) {
    guard case .map(let entries, let place) = tree else {
      throw DialectError(
        file: tree.place.file, line: tree.place.line, key: path, message: "must be a map of keys")
    }
    let plain = YAMLTree.map(entries.filter { $0.key != "variants" }, place)
    base = try Self.rule(plain, path)
    var alternatives: [(condition: Condition, rule: Rule)] = []
    switch tree["variants"] {
    case nil: break
    case .list(let elements, _)?:
      for (index, element) in elements.enumerated() {
        let name = "\(path).variants[\(index)]"
        guard case .map(let keys, let place) = element, let when = element["when"] else {
          throw DialectError(
            file: element.place.file, line: element.place.line, key: name,
            message: "must be a map with the key 'when'")
        }
        var reader = try RuleReader(when, path: name + ".when")
        let changes = YAMLTree.map(keys.filter { $0.key != "when" }, place)
        alternatives.append(
          (try Condition(&reader), try Self.rule(plain.overlaid(with: changes), name)))
      }
    case .some(let other):
      throw DialectError(
        file: other.place.file, line: other.place.line, key: path + ".variants",
        message: "must be a list")
    }
    self.alternatives = alternatives
  }

  private static func rule(_ tree: YAMLTree, _ path: String) throws(DialectError) -> Rule {
    var reader = try RuleReader(tree, path: path)
    let rule = try Rule(&reader)
    try reader.finish()
    return rule
  }

  /// The rule that holds in a situation.
  func rule(for situation: Situation) -> Rule {
    alternatives.first { $0.condition.matches(situation) }?.rule ?? base
  }
}
