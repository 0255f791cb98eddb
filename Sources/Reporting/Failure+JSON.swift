import CaseFormat
import Fuzzing
import Generation
import Operations
import Verification

extension Failure {
  /// A failure with its complete case and all that was found out about it.
  var json: JSONValue {
    .object([
      .init("operation", .string(operation)),
      .init("dialect", .string(dialect)),
      .init("dialect_path", .optional(dialectPath)),
      .init("subject", .string(subject)),
      .init("also_failing", .strings(alsoFailing)),
      .init("verdict", .string(verdict.rawValue)),
      .init("message", .string(judgement.message)),
      .init("element", judgement.element?.json ?? .null),
      .init("compared", .integer(judgement.compared)),
      .init("looks_like", .optional(likeness)),
      .init("stage", .optional(stage)),
      .init("decides", .optional(decides)),
      .init("wrong_only", .optional(pattern)),
      .init("cause", .string(cause)),
      .init("origin", .string(origin)),
      .init("case_index", caseIndex.map { .integer($0) } ?? .null),
      .init("file", .optional(file)),
      .init("choices", .optional(choices?.description)),
      .init("replay", .string(replayCommand)),
      .init("shrink_steps", .integer(steps)),
      .init("elements_before", .integer(elementsBefore)),
      .init("case", CaseFile.json(test)),
      .init("intervals", intervals),
      .init("stages", .array(stages.map(\.json))),
      .init(
        "others",
        .array(
          others.map {
            .object([.init("subject", .string($0.subject)), .init("code", .integer($0.code))])
          })),
      .init(
        "errors",
        .array(
          errors.map {
            .object([
              .init("difference", .integer($0.difference)), .init("count", .integer($0.count)),
            ])
          })),
      .init("staircase", staircase?.json ?? .null),
      .init("text", .string(text(replayFile: file))),
    ])
  }

  /// The outputs of which any value in an interval is right, which a case cannot say.
  private var intervals: JSONValue {
    let outputs = (test.outputs ?? [:]).filter { !$0.value.upper.isEmpty }
    return .object(
      outputs.sorted { $0.key < $1.key }.map { name, expectation in
        .init(
          name,
          .object([
            .init("lower", .array(expectation.tensor.codes.map { .integer($0) })),
            .init("upper", .array(expectation.upper.map { .integer($0) })),
            .init("unspecified", .array(expectation.unspecified.map { .bool($0) })),
          ]))
      })
  }
}

extension Judgement.Element {
  var json: JSONValue {
    .object([
      .init("output", .string(output)), .init("index", .integer(index)),
      .init("found", .integer(found)), .init("count", .integer(count)),
    ])
  }
}

extension Stage {
  var json: JSONValue {
    .object([
      .init("element", .integer(element)), .init("name", .string(name)),
      .init("value", .string(value)), .init("detail", .string(detail)),
      .init("clause", .string(clause)),
    ])
  }
}

extension Failure.Staircase {
  var json: JSONValue {
    func real(_ value: Double?) -> JSONValue { value.map { .real($0) } ?? .null }
    return .object([
      .init("input", .string(input)), .init("input_index", .integer(inputIndex)),
      .init("output", .string(output)), .init("output_index", .integer(outputIndex)),
      // Each point as [input, exact, found].
      .init(
        "points", .array(points.map { .array([.real($0.input), real($0.exact), real($0.found)]) })),
    ])
  }
}
