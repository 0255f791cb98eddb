import ArgumentParser
import CaseFormat
import Foundation
import Operations

/// `qverify eval`: the right answers.
struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Compute the exact outputs of cases.",
    discussion: """
      Reads cases (one JSON object a line) and writes them with exact outputs, one line each, in \
      order. A case that has no answer is answered by its id and an error that starts with \
      unsupported, malformed or precondition. Exits with 65 if a case was malformed or broke a \
      precondition.
      """)

  @Argument(help: "A case file, or - for standard input.")
  var file = "-"

  @Option(help: "Evaluate in this dialect, whatever the cases say: a name or a .yaml file.")
  var dialect: String?

  @Flag(help: "Add the stages of each element: exact values, each rounding, what decided.")
  var explain = false

  @Option(help: "How to print: json, the case format; text, for people.")
  var format = OutputFormat.json

  @Option(help: "How many threads to use.")
  var jobs = Parallel.defaultJobs

  func validate() throws {
    guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
  }

  func run() throws {
    let dialect = try dialect.map { try Input.dialects([$0])[0] }
    let records = try Input.records(file)
    let explains = explain || format == .text
    let format = format
    let answers = Parallel.map(records, jobs: jobs) { record in
      Answer(record, dialect: dialect, explains: explains)
    }
    var hasBadInput = false
    var output = ""
    for (record, answer) in zip(records, answers) {
      switch answer.result {
      case .success: break
      case .failure(let error):
        if error.kind != .unsupported {
          hasBadInput = true
          let id = answer.id.map { " case '\($0)':" } ?? ""
          StandardError.line("\(file):\(record.line):\(id) \(error)")
        }
      }
      output += (format == .json ? answer.line : answer.text) + "\n"
      if output.utf8.count > 1 << 16 {
        FileHandle.standardOutput.write(Data(output.utf8))
        output = ""
      }
    }
    FileHandle.standardOutput.write(Data(output.utf8))
    if hasBadInput { throw Exit.malformed }
  }
}

/// The answer to one record of a case file.
private struct Answer: Sendable {
  let id: String?
  let result: Result<Case, CaseError>
  let stages: [(output: String, stages: [Stage])]

  init(_ record: CaseRecord, dialect: Dialect?, explains: Bool) {
    id = record.id
    var stages: [(output: String, stages: [Stage])] = []
    do throws(CaseError) {
      var test = try record.result.get()
      if let dialect { test.dialect = dialect.name }
      let outcome = try Reference.evaluateFast(test, dialect: dialect)
      test.outputs = Dictionary(
        uniqueKeysWithValues: outcome.outputs.map { ($0.name, $0.expectation) })
      if explains {
        for (name, _) in outcome.outputs {
          let explained = try Reference.evaluate(
            test, dialect: dialect, explaining: ElementReference(output: name, index: nil))
          stages.append((name, explained.stages))
        }
      }
      result = .success(test)
    } catch {
      result = .failure(error)
    }
    self.stages = stages
  }

  /// The answer as one line of JSON.
  var line: String {
    switch result {
    case .failure(let error):
      return JSONValue.object([
        .init("id", id.map { .string($0) } ?? .null), .init("error", .string("\(error)")),
      ]).description
    case .success(let test):
      guard case .object(var members) = CaseFile.json(test) else { return "" }
      if !stages.isEmpty {
        members.append(.init("stages", .object(stages.map { .init($0.output, json($0.stages)) })))
      }
      return JSONValue.object(members).description
    }
  }

  private func json(_ stages: [Stage]) -> JSONValue {
    .array(
      stages.map {
        .object([
          .init("element", .number("\($0.element)")), .init("stage", .string($0.name)),
          .init("value", .string($0.value)), .init("detail", .string($0.detail)),
          .init("clause", .string($0.clause)),
        ])
      })
  }

  /// The answer for people.
  var text: String {
    switch result {
    case .failure(let error): return "\(id ?? "?"): \(error)"
    case .success(let test):
      var lines = ["\(test.id): \(test.operation)/\(test.dialect)"]
      for (name, stages) in stages {
        guard let expectation = test.outputs?[name] else { continue }
        for index in 0..<expectation.tensor.count {
          let place = expectation.tensor.coordinates(of: index).map(String.init)
          let value =
            expectation.isUnspecified(at: index)
            ? "unspecified"
            : Readable.text(ofCode: expectation.tensor.codes[index], expectation.tensor.dtype)
          lines.append("  \(name)[\(place.joined(separator: ", "))] = \(value)")
          for stage in stages where stage.element == index {
            lines.append("    \(stage.name): \(stage.value)    \(stage.detail) [\(stage.clause)]")
          }
        }
      }
      return lines.joined(separator: "\n")
    }
  }
}
