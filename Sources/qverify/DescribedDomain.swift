import CaseFormat
import NumberFormats
import Operations
import Proving
import Verification

/// A domain that reports can speak of.
protocol DescribedDomain: Domain {
  /// So many positions and what they are, as in "all 256 int8 inputs"; a part where not the whole.
  func amount(_ positions: Int, isWhole: Bool) -> String
  /// The parameters, as lines of a report.
  var parameterLines: [String] { get }
  /// How the exact answers were had.
  func text(_ evidence: Oracle.Evidence) -> String
  /// What the calls were.
  var callText: String { get }
  /// The call that has a place in it.
  func callText(of place: Counterexample) -> String
  /// A place and what was found there.
  func text(of place: Counterexample) -> String
}

extension DescribedDomain {
  /// Inputs, attributes and outputs in one line.
  func parameterLine(_ test: Case, outputs: [(name: String, dtype: DataType)]) -> String {
    var parts = test.inputs.sorted { $0.key < $1.key }.map { name, tensor in
      let values = tensor.codes.prefix(8).map { Readable.text(ofCode: $0, tensor.dtype) }
      return "\(name) = \(values.joined(separator: ", ")) \(tensor.dtype.name)"
    }
    parts += test.attributes.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
    parts += outputs.map { "\($0.name) \($0.dtype.name)" }
    return ProofText.line("parameters", parts.joined(separator: "; "))
  }
}

extension Claim {
  /// The domain of the claim, asked anew.
  ///
  /// - Throws: what the reference says against it.
  func describedDomain(in dialect: Dialect) throws -> any DescribedDomain {
    switch inputs {
    case .lanes(let lanes, let provesTails):
      try Self.domain(lanes, provesTails: provesTails, in: dialect)
    case .products(let products): try Self.domain(products, in: dialect)
    }
  }
}

extension Claim {
  /// What a position is, in the plural, as after a number.
  var unit: String {
    switch inputs {
    case .lanes: "inputs"
    case .products: "dot products"
    }
  }
}

extension LaneDomain: DescribedDomain {
  func amount(_ positions: Int, isWhole: Bool) -> String {
    let noun = "\(Quantity.count(positions)) \(lanes[0].question.dtype.name) inputs"
    let of = lanes.count == 1 ? range : " of \(Quantity.count(lanes.count)) channels"
    return isWhole ? "all \(noun)\(of)" : "\(noun)\(of), a part"
  }

  /// The ends of the one lane, where it is not all codes of its type.
  private var range: String {
    let (question, codes) = (lanes[0].question, lanes[0].codes)
    if codes == question.codes { return "" }
    func text(_ code: Int64) -> String {
      if case .float = question.dtype { return "0x" + String(code, radix: 16) }
      return "\(code)"
    }
    return " from \(text(codes.lowerBound)) to \(text(codes.upperBound))"
  }

  /// The parameters of the one lane, or that there are many.
  var parameterLines: [String] {
    guard lanes.count == 1 else { return [] }
    let question = lanes[0].question
    return [
      parameterLine(
        question.template, outputs: question.outputs.map { ($0.name, $0.dtype) })
    ]
  }

  func text(_ evidence: Oracle.Evidence) -> String {
    var parts: [String] = []
    if evidence.steps > 0 {
      parts.append(
        "\(Quantity.count(evidence.steps)) in steps whose two ends the definition confirmed")
    }
    if evidence.definition > 0 {
      parts.append("\(Quantity.count(evidence.definition)) by the definition, one by one")
    }
    if evidence.bulk > 0 {
      parts.append(
        "\(Quantity.count(evidence.bulk)) by the bulk oracle, one in \(Oracle.sampled) by the "
          + "definition too")
    }
    return parts.joined(separator: "; ")
      + " (\(Quantity.count(evidence.evaluations)) exact evaluations)"
  }

  var callText: String {
    provesTails
      ? "of 8192 elements and every tail, and of 3 elements only"
      : "of 8192 elements and every tail; of 1 to 67 elements for inputs around steps"
  }

  func callText(of place: Counterexample) -> String {
    let question = lanes[place.lane].question
    let first = Readable.text(
      ofCode: place.input - Int64(place.callIndex), question.dtype)
    return "\(place.callLength) elements from \(question.input) = \(first)"
  }

  func text(of place: Counterexample) -> String {
    let lane = lanes[place.lane]
    let question = lane.question
    let name = lane.name.isEmpty ? "" : "\(lane.name): "
    var text =
      "\(name)\(question.input) = \(Readable.text(ofCode: place.input, question.dtype)), element "
      + "\(place.callIndex) of a call of \(place.callLength)"
    if let output = question.outputs.first(where: { $0.name == place.output }),
      let found = place.found
    {
      text += ": \(output.name) = \(Readable.text(ofCode: found, output.dtype))"
    }
    return text
  }
}

extension ProductDomain: DescribedDomain {
  func amount(_ positions: Int, isWhole: Bool) -> String {
    let types = "\(question.rows.dtype.name) x \(question.columns.dtype.name)"
    let noun = "\(Quantity.count(positions)) dot products of depth \(question.depth), \(types)"
    return isWhole ? "all \(noun)" : "\(noun), a part"
  }

  var parameterLines: [String] {
    let operands = [question.rows, question.columns].map { operand in
      "\(operand.name) \(operand.dtype.name)"
    }
    let line = parameterLine(question.template, outputs: [("y", question.outputType)])
    return [line + "; " + operands.joined(separator: ", ")]
  }

  func text(_ evidence: Oracle.Evidence) -> String {
    if evidence.bulk == 0 {
      return "by the definition, one by one (\(Quantity.count(evidence.evaluations)) exact "
        + "evaluations)"
    }
    return
      "sums of exact products in 64-bit integers, which cannot overflow; the "
      + "definition confirmed \(Quantity.count(evidence.evaluations))"
  }

  var callText: String {
    let depth = question.depth
    var text = "of up to 256 x 256 dot products and every tail below 64; "
    if question.length == depth { return text + "of \(depth) terms" }
    text += "of \(depth) to \(question.length) terms, those that are not free zero; "
    return text
      + (hasAllPlacements
        ? "each dot product at all \(placements.count) placements of its terms"
        : "each dot product at one of \(placements.count) placements of its terms")
  }

  func callText(of place: Counterexample) -> String {
    guard let call = call(of: place) else { return "\(place.callLength) dot products" }
    return "\(call.rows.count) rows x \(call.columns.count) columns from "
      + operands(call.rows.lowerBound, call.columns.lowerBound)
  }

  func text(of place: Counterexample) -> String {
    let (row, column) = vectors(of: place.position)
    var text =
      "\(operands(row, column)), element \(place.callIndex) of a call of \(place.callLength)"
    if let found = place.found {
      text += ": y = \(Readable.text(ofCode: found, question.outputType))"
    }
    return text
  }

  /// The free operands of a row and a column.
  private func operands(_ row: Int, _ column: Int) -> String {
    "\(question.rows.name) = \(question.levels(row, of: question.rows)), "
      + "\(question.columns.name) = \(question.levels(column, of: question.columns))"
  }
}
