import CaseFormat
import Fuzzing
import Generation
import Operations
import Verification

extension Failure {
  /// Reads a failure of a report.
  static func read(_ reader: inout ObjectReader) throws(ReportError) -> Failure {
    guard let verdict = Verdict(rawValue: try reader.string("verdict")), verdict.isFailure else {
      throw ReportError(message: "a failure has the verdict of one")
    }
    let judgement = Judgement(
      verdict, try reader.string("message"),
      element: try reader.optionalObject("element", Judgement.Element.read),
      compared: try reader.integer("compared"))
    var test = try Self.test(try reader.value("case"))
    try readIntervals(&reader, into: &test)
    try check(judgement.element, in: test)
    var failure = Failure(
      recorded: test, subject: try reader.string("subject"), judgement: judgement,
      origin: try reader.string("origin"))
    guard try reader.string("operation") == test.operation,
      try reader.string("dialect") == test.dialect
    else { throw ReportError(message: "a failure and its case are about the same") }
    failure.dialectPath = try reader.optionalString("dialect_path")
    failure.alsoFailing = try reader.strings("also_failing")
    failure.likeness = try reader.optionalString("looks_like")
    failure.stage = try reader.optionalString("stage")
    failure.decides = try reader.optionalString("decides")
    failure.pattern = try reader.optionalString("wrong_only")
    failure.cause = try reader.string("cause")
    failure.caseIndex = try reader.optionalInteger("case_index")
    failure.file = try reader.optionalString("file")
    if let text = try reader.optionalString("choices") {
      guard let choices = ChoiceSequence(text) else {
        throw ReportError(message: "'\(text)' are no choices")
      }
      failure.choices = choices
    }
    failure.steps = try reader.integer("shrink_steps")
    failure.elementsBefore = try reader.integer("elements_before")
    failure.stages = try reader.objects("stages", Stage.read)
    failure.others = try reader.objects("others") { (part) throws(ReportError) in
      (subject: try part.string("subject"), code: try part.integer("code", as: Int64.self))
    }
    failure.errors = try reader.objects("errors") { (part) throws(ReportError) in
      ErrorCount(
        difference: try part.integer("difference", as: Int64.self),
        count: try part.integer("count"))
    }
    failure.staircase = try reader.optionalObject("staircase", Staircase.read)
    try reader.skip("replay", "text")
    return failure
  }

  private static func test(_ value: JSONValue) throws(ReportError) -> Case {
    let records = CaseFile.records(in: Array(value.description.utf8))
    switch records.first?.result {
    case .success(let test): return test
    case .failure(let error): throw ReportError(message: "the case of a failure: \(error)")
    case nil: throw ReportError(message: "a failure without its case")
    }
  }

  private static func readIntervals(
    _ reader: inout ObjectReader, into test: inout Case
  ) throws(ReportError) {
    let outputs = test.outputs ?? [:]
    let intervals = try reader.object("intervals") { (part) throws(ReportError) in
      var intervals: [String: Expectation] = [:]
      for (name, value) in part.rest() {
        guard let given = outputs[name]?.tensor else {
          throw ReportError(message: "intervals of '\(name)', which is no output")
        }
        var ends = try ObjectReader(value, "intervals.\(name)")
        let lower = try ends.codes("lower")
        let upper = try ends.codes("upper")
        let open = try ends.array("unspecified")
        try ends.finish()
        guard lower.count == given.count, upper.count == given.count,
          open.isEmpty || open.count == given.count
        else { throw ReportError(message: "the intervals of '\(name)' do not fill it") }
        var expectation = Expectation(Tensor(given.dtype, shape: given.shape, codes: lower))
        for (index, code) in upper.enumerated() { expectation.allow(upTo: code, at: index) }
        for (index, flag) in open.enumerated() where flag == .bool(true) {
          expectation.leaveUnspecified(at: index)
        }
        intervals[name] = expectation
      }
      return intervals
    }
    for (name, expectation) in intervals { test.outputs?[name] = expectation }
  }

  /// An element outside its output would be looked up where nothing is.
  private static func check(
    _ element: Judgement.Element?, in test: Case
  ) throws(ReportError) {
    guard let element, let expectation = test.outputs?[element.output] else { return }
    guard (0..<expectation.tensor.count).contains(element.index) else {
      throw ReportError(
        message: "element \(element.index) of '\(element.output)', which has "
          + "\(expectation.tensor.count)")
    }
  }
}

extension Judgement.Element {
  fileprivate static func read(
    _ reader: inout ObjectReader
  ) throws(ReportError) -> Judgement.Element {
    Judgement.Element(
      output: try reader.string("output"), index: try reader.integer("index"),
      found: try reader.integer("found", as: Int64.self), count: try reader.integer("count"))
  }
}

extension Stage {
  fileprivate static func read(_ reader: inout ObjectReader) throws(ReportError) -> Stage {
    Stage(
      element: try reader.integer("element"), name: try reader.string("name"),
      value: try reader.string("value"), detail: try reader.string("detail"),
      clause: try reader.string("clause"))
  }
}

extension Failure.Staircase {
  fileprivate static func read(
    _ reader: inout ObjectReader
  ) throws(ReportError) -> Failure.Staircase {
    var points: [Point] = []
    for value in try reader.array("points") {
      guard case .array(let parts) = value, parts.count == 3 else {
        throw ReportError(message: "a point of a staircase is [input, exact, found]")
      }
      func real(_ value: JSONValue) throws(ReportError) -> Double? {
        value == .null ? nil : try ObjectReader.real(value, "points")
      }
      points.append(
        Point(
          input: try ObjectReader.real(parts[0], "points"), exact: try real(parts[1]),
          found: try real(parts[2])))
    }
    return Failure.Staircase(
      input: try reader.string("input"), inputIndex: try reader.integer("input_index"),
      output: try reader.string("output"), outputIndex: try reader.integer("output_index"),
      points: points)
  }
}
