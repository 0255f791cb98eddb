public import CaseFormat

/// Every operation that qverify knows, one line each.
public enum Registry {
  /// The operations, in the order in which they are listed.
  public static let all: [any Operation.Type] = [
    Quantize.self,
    Dequantize.self,
    DynamicQuantize.self,
    Requantize.self,
    FakeQuantize.self,
    BipolarQuantize.self,
    Truncate.self,
    Conv2D.self,
    DepthwiseConv2D.self,
    QConv2D.self,
    MatMul.self,
    QMatMul.self,
    SteGrad.self,
    PactGrad.self,
    LsqGrad.self,
    AlphaQAT.self,
  ]

  /// The operation of a name.
  public static func operation(named name: String) -> (any Operation.Type)? {
    all.first { $0.name == name }
  }

  /// The groups that `--ops` knows, each with its operations; `all` has every one.
  public static var groups: [(name: String, operations: [String])] {
    var names: [String] = []
    for operation in all {
      for group in operation.declaration.groups where !names.contains(group) { names.append(group) }
    }
    return names.map { group in
      (group, all.filter { $0.declaration.groups.contains(group) }.map { $0.name })
    } + [("all", all.map { $0.name })]
  }

  /// The operations that a list of names and groups means, each once, in registry order.
  ///
  /// - Throws: `malformed` for a name that is neither.
  public static func operations(named list: [String]) throws(CaseError) -> [any Operation.Type] {
    var wanted: Set<String> = []
    for name in list {
      // A name that is both, such as matmul, means the group.
      if let group = groups.first(where: { $0.name == name }) {
        wanted.formUnion(group.operations)
      } else if operation(named: name) != nil {
        wanted.insert(name)
      } else {
        throw .malformed(
          "'\(name)' is neither an operation nor a group; groups are "
            + groups.map(\.name).joined(separator: ", "))
      }
    }
    return all.filter { wanted.contains($0.name) }
  }
}

/// The reference: exact answers to cases.
public enum Reference {
  /// The exact outcome of a case, by the definition.
  ///
  /// The dialect is by default the one that the case names; `reference` asks for the stages of some
  /// elements. Throws why the case has no answer.
  public static func evaluate(
    _ test: Case, dialect: Dialect? = nil, explaining reference: ElementReference? = nil
  ) throws(CaseError) -> Outcome {
    let (operation, dialect) = try resolve(test, dialect)
    var arguments = try Arguments(test, declaration: operation.declaration, dialect: dialect)
    return try operation.evaluate(&arguments, explaining: reference)
  }

  /// The exact outcome of a case, by the bulk oracle where there is one.
  public static func evaluateFast(
    _ test: Case, dialect: Dialect? = nil
  ) throws(CaseError) -> Outcome {
    let (operation, dialect) = try resolve(test, dialect)
    var arguments = try Arguments(test, declaration: operation.declaration, dialect: dialect)
    if let outcome = try operation.evaluateFast(&arguments) { return outcome }
    arguments = try Arguments(test, declaration: operation.declaration, dialect: dialect)
    return try operation.evaluate(&arguments, explaining: nil)
  }

  private static func resolve(
    _ test: Case, _ dialect: Dialect?
  ) throws(CaseError) -> (any Operation.Type, Dialect) {
    guard let operation = Registry.operation(named: test.operation) else {
      throw .malformed("unknown op '\(test.operation)'")
    }
    if let dialect { return (operation, dialect) }
    do throws(DialectError) {
      return (operation, try Dialect.named(test.dialect))
    } catch {
      throw .malformed("dialect: \(error)")
    }
  }
}
