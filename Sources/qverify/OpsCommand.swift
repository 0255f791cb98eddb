import ArgumentParser
import CaseFormat
import Operations
import Reporting
import Subjects
import Verification

/// `qverify ops`: what there is.
struct OpsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ops",
    abstract: "List operations, groups, dialects, subjects and tiers.",
    discussion: "With --format json, each operation also lists its inputs and attributes.")

  @Option(help: "Print what a shared library, lib:PATH, claims of itself instead.")
  var subject: String?

  @Option(help: "How to print the lists.")
  var format = OutputFormat.text

  func run() throws {
    if let subject { return try printClaims(of: subject) }
    let dialects = try Input.dialects(Dialect.builtInNames)
    print(format == .text ? text(dialects) : json(dialects).description)
  }

  private func printClaims(of name: String) throws {
    guard let library = try Input.subjects(name).first as? LibrarySubject else {
      throw ValidationError("only a shared library says what it claims: lib:PATH")
    }
    let description = library.description
    let rows = description.claims.map { claim in
      [
        claim.operation, claim.dialects, claim.dtypes, claim.inputs ?? "",
        claim.attributes.map { $0.isEmpty ? "none" : $0 } ?? "",
        claim.layouts, claim.accumulatorBits == 0 ? "" : "\(claim.accumulatorBits)", claim.ties,
      ]
    }
    let names = [
      "operation", "dialects", "dtypes", "inputs", "attributes", "layouts", "accumulator_bits",
      "ties",
    ]
    switch format {
    case .text:
      print("\(library.name): \(description.name) \(description.version)")
      print(
        TextTable.lines([names] + rows.map { $0.map { $0.isEmpty ? "any" : $0 } })
          .map { "  " + $0 }.joined(separator: "\n"))
    case .json:
      let claims = rows.map { row -> JSONValue in
        .object(zip(names, row).map { .init($0, $1.isEmpty ? .null : .string($1)) })
      }
      print(
        JSONValue.object([
          .init("subject", .string(library.name)), .init("name", .string(description.name)),
          .init("version", .string(description.version)), .init("claims", .array(claims)),
        ]))
    }
  }

  private func text(_ dialects: [Dialect]) -> String {
    var lines = ["operations"]
    lines += TextTable.lines(
      Registry.all.map { operation in
        let declaration = operation.declaration
        let inputs = declaration.inputs.map { $0.name + ($0.isOptional ? "?" : "") }
        return [
          "  " + declaration.name, declaration.summary,
          inputs.joined(separator: ", ") + " -> " + declaration.outputs.joined(separator: ", "),
        ]
      })
    lines += ["", "groups"]
    lines += TextTable.lines(
      Registry.groups.map { ["  " + $0.name, $0.operations.joined(separator: ", ")] })
    lines += ["", "dialects"]
    lines += TextTable.lines(dialects.map { ["  " + $0.name, $0.title] })
    lines += ["  FILE.yaml, a dialect of your own: see specs/dialects.md"]
    lines += ["", "subjects"]
    lines += TextTable.lines(
      SubjectList.builtIn.map { entry in
        ["  " + entry.subject.name, entry.unavailable.map { "unavailable: \($0)" } ?? "available"]
      })
    lines += [
      "  lib:PATH, a shared library: see qverify adapter",
      "  cmd:COMMAND, a process that answers cases: see qverify adapter",
    ]
    lines += ["", "built-in kernels"]
    lines += TextTable.lines(
      BuiltinSubject.claims.map { ["  " + $0.operation, $0.dialects.joined(separator: ", ")] })
    return lines.joined(separator: "\n")
  }

  private func json(_ dialects: [Dialect]) -> JSONValue {
    func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
    let operations = Registry.all.map { operation -> JSONValue in
      let declaration = operation.declaration
      return .object([
        .init("name", .string(declaration.name)), .init("groups", strings(declaration.groups)),
        .init("summary", .string(declaration.summary)),
        .init(
          "inputs",
          .array(
            declaration.inputs.map {
              .object([
                .init("name", .string($0.name)), .init("optional", .bool($0.isOptional)),
              ])
            })),
        .init("outputs", strings(declaration.outputs)),
        .init(
          "attributes",
          .array(
            declaration.attributes.map {
              .object([
                .init("name", .string($0.name)), .init("kind", .string($0.kind.rawValue)),
              ])
            })),
        .init(
          "dialects",
          strings(dialects.filter { $0.defines(declaration.name) }.map(\.name))),
      ])
    }
    return .object([
      .init("operations", .array(operations)),
      .init(
        "groups",
        .object(Registry.groups.map { .init($0.name, strings($0.operations)) })),
      .init(
        "dialects",
        .array(
          dialects.map {
            .object([
              .init("name", .string($0.name)), .init("title", .string($0.title)),
              .init("sources", strings($0.sources)),
            ])
          })),
      .init(
        "subjects",
        .array(
          SubjectList.builtIn.map { entry in
            .object([
              .init("name", .string(entry.subject.name)),
              .init("available", .bool(entry.unavailable == nil)),
              .init("reason", entry.unavailable.map { .string($0) } ?? .null),
            ])
          })),
    ])
  }
}
