import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations
import Verification

/// The stage that decides where no hypothesis explains the subject: from the numbers of one element.
struct Reasoning {
  private let evidence: Decision.Evidence
  private let exact: Number
  private let found: Number
  private let subject: String

  init(_ evidence: Decision.Evidence) {
    self.evidence = evidence
    let tensor = evidence.expectation.tensor
    exact = tensor.number(at: evidence.index)
    found =
      tensor.dtype.isValid(code: evidence.found)
      ? tensor.dtype.number(fromCode: evidence.found) : .nan
    subject = evidence.subject
  }

  /// The decision, where the subject is wrong as a pattern says; the surest reasons come first.
  func decision(_ pattern: Pattern?) -> Decision {
    let families = Set(pattern?.families ?? [])
    if let decision = specialValue() { return decision }
    // A condition on places only is a matter of addresses, whatever the values are.
    if families == [.padding] { return Decision("padding", difference) }
    if let decision = term() { return decision }
    if families.isSubset(of: [.position, .shape]), !families.isEmpty {
      return neighbour() ?? Decision("indexing", difference)
    }
    return rounding() ?? neighbour() ?? clamp() ?? scaling()
      ?? Decision(StageName.of(evidence.chain?.steps.first?.name ?? "scaling"), difference)
  }

  private var difference: String {
    let tensor = evidence.expectation.tensor
    let texts =
      "exact is \(evidence.value(tensor.codes[evidence.index])), \(subject) has "
      + evidence.value(evidence.found)
    guard let e = exact.rational, let f = found.rational else { return texts }
    return texts + ", off by \(Readable.text(f - e))"
  }

  // MARK: The reasons

  /// A NaN or an infinity on either side, or the sign of a zero.
  func specialValue() -> Decision? {
    let start =
      evidence.chain?.steps.first?.before
      ?? evidence.specimen.stages[evidence.output][
        evidence.index
      ].first?.before
    let isSpecial = { (value: Number?) in value.map { !$0.isFinite } ?? false }
    guard isSpecial(start) || isSpecial(exact) || isSpecial(found) else {
      if exact.isZero, found.isZero {
        return Decision("special values", "the sign of zero: \(difference)")
      }
      return nil
    }
    let input = start.map { "\(Readable.text($0)) comes in; " } ?? ""
    return Decision("special values", input + difference)
  }

  /// A sum that lacks a product, or has one twice.
  private func term() -> Decision? {
    guard let chain = evidence.chain, let (place, terms) = chain.sum,
      let after = chain.steps[place].after?.rational
    else { return nil }
    for (index, product) in terms.products.enumerated() where product != 0 {
      let value = Rational(Integer(product))
      for (sum, word) in [(after - value, "left out"), (after + value, "added twice")] {
        guard let result = chain.result(after: place, .finite(sum)),
          chain.code(of: result) == evidence.found
        else { continue }
        let input = terms.inputs[index].map(String.init) ?? "padding"
        let text =
          "(\(input) - \(terms.inputZero)) * (\(terms.weights[index]) - \(terms.weightZero))"
        return Decision(
          "accumulation",
          "\(Decision.doing(chain.steps[place])); \(subject) has \(Readable.text(sum)), with product "
            + "\(index + 1) of \(terms.weights.count), \(text) = \(product), \(word)")
      }
    }
    // Without a rounding behind it, what the sum is off by shows whole.
    guard place == chain.steps.count - 1 || !chain.steps[place...].contains(where: isRounding),
      let e = exact.rational, let f = found.rational
    else { return nil }
    let error = f - e
    let isPower = error.isInteger && error.magnitude >= 128 && isPowerOfTwo(error.magnitude)
    return Decision(
      "accumulation",
      "\(Decision.doing(chain.steps[place])); \(subject) has \(Readable.text(f)), off by "
        + "\(Readable.text(error))"
        + (isPower ? ", a power of two" : ", which is no single product"))
  }

  private func isPowerOfTwo(_ value: Rational) -> Bool {
    value == Rational(1).scaledByPowerOfTwo(value.floorLog2)
  }

  private func isRounding(_ stage: Stage) -> Bool {
    if case .round? = stage.effect { return true }
    return false
  }

  /// The other neighbour of the value before the rounding.
  private func rounding() -> Decision? {
    guard let chain = evidence.chain,
      let place = chain.steps.lastIndex(where: isRounding),
      let before = chain.steps[place].before?.rational, !before.isInteger,
      let after = chain.steps[place].after?.rational
    else { return nil }
    let (below, above) = (Rational(before.floor), Rational(before.floor + 1))
    let other = after == below ? above : below
    guard let result = chain.result(after: place, .finite(other)),
      chain.code(of: result) == evidence.found
    else { return nil }
    let middle = (below + above) / 2
    let doing = Decision.doing(chain.steps[place])
    if before == middle {
      return Decision("rounding", "\(doing); \(subject) has this tie at \(Readable.text(other))")
    }
    let distance = before - middle
    if distance.magnitude < Rational(1).scaledByPowerOfTwo(-6) {
      return Decision(
        "scaling",
        "\(doing); \(subject) has it at \(Readable.text(other)), as if the value, "
          + "\(Readable.text(distance)) from the tie \(Readable.text(middle)), lay on its other side"
      )
    }
    return Decision(
      "rounding", "\(doing); \(subject) has it at \(Readable.text(other)), the other neighbour")
  }

  /// The value of another element of the output that no third one has.
  private func neighbour() -> Decision? {
    let tensor = evidence.expectation.tensor
    guard tensor.count > 1, tensor.dtype.bits > 1 else { return nil }
    let places = tensor.codes.indices.filter { tensor.codes[$0] == evidence.found }
    guard places.count == 1, let place = places.first, tensor.count <= 64 else { return nil }
    func name(_ index: Int) -> String {
      let output = evidence.specimen.probe.outcome.outputs[evidence.output].name
      return "\(output)\(tensor.coordinates(of: index))"
    }
    return Decision(
      "indexing",
      "\(name(evidence.index)) is \(evidence.value(tensor.codes[evidence.index])), \(subject) has "
        + "\(evidence.value(evidence.found)) there, the value of \(name(place))")
  }

  /// A value at an end of the range that does not belong there, or the reverse.
  private func clamp() -> Decision? {
    for step in evidence.chain?.steps.reversed() ?? [] {
      guard case .clamp(let range)? = step.effect, let before = step.before?.rational,
        let f = found.rational
      else { continue }
      let isCut = !range.contains(before)
      if isCut || f == range.lowerBound || f == range.upperBound || !range.contains(f) {
        return Decision("clamp", "\(Decision.doing(step)); \(subject) has \(Readable.text(f))")
      }
      return nil
    }
    return nil
  }

  /// A value that is off by a factor.
  private func scaling() -> Decision? {
    guard let chain = evidence.chain,
      let step = chain.steps.first(where: { ["scaling", "shift"].contains($0.name) }),
      let e = exact.rational, let f = found.rational
    else { return nil }
    var zero = Rational(0)
    for step in chain.steps where step.name == "zero point" {
      if case .add(let summand, _)? = step.effect, chain.type.bits <= 32 {
        zero = summand.rational ?? 0
      }
    }
    // A ratio of small levels says little, and one far from 1 is no matter of scaling.
    let ratio = e == zero ? nil : (f - zero) / (e - zero)
    let likely = ratio.flatMap { $0 > Rational(1) / 64 && $0 < 64 ? $0 : nil }
    let factor = likely.map { ", as if the factor were \($0.approximate) times as large" } ?? ""
    return Decision("scaling", "\(Decision.doing(step)); \(difference)\(factor)")
  }
}
