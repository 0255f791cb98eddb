import CaseFormat
import Operations
import Verification

/// The dot products of one tile at one placement, on their way through a subject.
struct ProductTile {
  let domain: ProductDomain
  let tile: Int
  let placement: Int
  let subject: any Subject
  let judge: Judge

  private var question: ProductQuestion { domain.question }

  /// Runs the subject and compares everything.
  ///
  /// - Parameters:
  ///   - report: takes what is wrong, what is open and how often the definition was asked.
  ///   - codes: takes what came out, in the order of positions.
  ///   - wrong: the positions that were wrong before; each is counted once.
  /// - Returns: why that could not be done; nil where it could.
  func prove(
    _ report: inout BlockReport, _ codes: inout [Int64], wrong: inout Set<Int>
  ) -> BlockResult? {
    let calls = domain.calls(tile, placement: placement)
    let oracle = ProductOracle(question: question)
    let place = domain.placements[placement]
    var cases: [(test: Case, outcome: Outcome)] = []
    for (index, call) in calls.enumerated() {
      let test = question.test(rows: call.rows, columns: call.columns, place)
      do throws(CaseError) {
        let answers = try oracle.answers(
          rows: call.rows, columns: call.columns, place,
          number: (tile * domain.placements.count + placement) * 4 + index)
        report.evidence.evaluations += answers.evaluations
        if placement == domain.placements(of: tile).lowerBound {
          report.openCount += answers.openCount
        }
        var y = Expectation(
          Tensor(question.outputType, shape: shape(of: call), codes: answers.codes))
        y.unspecified = answers.isOpen
        cases.append((test, Outcome([("y", y)])))
      } catch {
        return .failed(error.message)
      }
    }
    let executions = judge.executions(
      of: subject, cases, dialect: question.dialect, calls: circumstances(calls))
    var outputs: [[Int64]] = []
    for ((execution, item), call) in zip(zip(executions, cases), calls) {
      switch execution {
      case .refused(let reason): return .refused(reason)
      case .fault(let judgement):
        return .fault(judgement, counterexample(call, index: 0))
      case .answered(let answers):
        if let result = compare(answers, item, call, &report, &wrong) { return result }
        outputs.append(answers.first?.outputs.first ?? [])
      }
    }
    codes = calls.count == 1 ? outputs[0] : assembled(outputs, calls)
    return nil
  }

  /// How each call is made: once, and where a tile is cut at every alignment and twice.
  ///
  /// The poison of the outputs is no sum of products of bytes; where it could be one, a second call
  /// has another poison.
  private func circumstances(_ calls: [ProductDomain.Call]) -> [Circumstance] {
    if calls.count > 1 { return Circumstance.standard }
    return max(question.rows.bits, question.columns.bits) > 8 ? [.first, .again] : [.first]
  }

  /// The shape of the output of a call.
  private func shape(of call: ProductDomain.Call) -> [Int] {
    let (m, n) = (call.rows.count, call.columns.count)
    if question.operation.name == "matmul" { return [m, n] }
    return question.rows.name == "w" ? [1, m, 1, n] : [1, 1, m, n]
  }

  private func counterexample(_ call: ProductDomain.Call, index: Int) -> Counterexample {
    let row = call.rows.lowerBound + index / call.columns.count
    let column = call.columns.lowerBound + index % call.columns.count
    return Counterexample(
      position: domain.position(tile, row: row, column: column), lane: placement, input: 0,
      callLength: call.count, callIndex: index)
  }

  /// Compares the answers to one call; a result where they depend on what they must not.
  private func compare(
    _ answers: [Answer], _ item: (test: Case, outcome: Outcome), _ call: ProductDomain.Call,
    _ report: inout BlockReport, _ known: inout Set<Int>
  ) -> BlockResult? {
    guard let expectation = item.outcome.outputs.first?.expectation else { return nil }
    let expected = expectation.tensor.codes
    for (number, answer) in answers.enumerated() {
      guard let codes = answer.outputs.first, codes != expected else { continue }
      let wrong = codes.indices.filter { !expectation.agrees(codes[$0], at: $0) }
      guard let first = wrong.first else { continue }
      if number > 0 {
        // Right at first: the judge says what it depends on.
        let judgement = judge.judge(
          item.test, dialect: question.dialect, subject: subject, outcome: item.outcome)
        if judgement.verdict.isFailure {
          return .fault(judgement, counterexample(call, index: first))
        }
      }
      for index in wrong {
        var place = counterexample(call, index: index)
        guard known.insert(place.position).inserted else { continue }
        report.wrongCount += 1
        (place.output, place.found) = ("y", codes[index])
        if report.wrong.count < SweepReport.kept { report.wrong.append(place) }
      }
      return nil
    }
    return nil
  }

  /// The outputs of the calls of a tile, put together.
  private func assembled(_ outputs: [[Int64]], _ calls: [ProductDomain.Call]) -> [Int64] {
    var codes = Array(repeating: Int64(0), count: domain.tileSize)
    let whole = domain.whole(tile)
    for (output, call) in zip(outputs, calls) {
      let (width, column) = (
        call.columns.count, call.columns.lowerBound - whole.columns.lowerBound
      )
      for (index, row) in call.rows.enumerated() {
        let target = (row - whole.rows.lowerBound) * domain.tileColumns + column
        for offset in 0..<width { codes[target + offset] = output[index * width + offset] }
      }
    }
    return codes
  }
}
