import CaseFormat
import Fuzzing
import NumberFormats
import Operations
import Verification

extension Report {
  /// Each failure in full.
  var failureSections: Markup {
    if campaign.failures.isEmpty { return .none }
    let cards = campaign.failures.enumerated().map { index, failure in
      FailureCard(failure, number: index + 1).markup
    }
    return """
      <section id="failures" aria-labelledby="failures-title">
      <h2 id="failures-title">Failures</h2>
      \(cards)
      </section>
      """
  }
}

/// One failure as a part of the page.
struct FailureCard {
  private let failure: Failure
  private let number: Int
  /// More elements than this are left to the case file.
  private static let shownElements = 256

  init(_ failure: Failure, number: Int) { (self.failure, self.number) = (failure, number) }

  var markup: Markup {
    let id = "failure-\(number)"
    return """
      <article id="\(id)" aria-labelledby="\(id)-title">
      <h3 id="\(id)-title"><span class="bad">✗ \(failure.verdict.rawValue)</span> \
      \(failure.operation)/\(failure.dialect) <span class="subject">\(failure.subject)</span></h3>
      \(also)<p class="headline">\(headline)</p>
      \(comparison)\(explanation)\(stages)
      <h4>Input</h4>
      \(inputs)
      \(plots)
      <h4>See it again</h4>
      \(PagePart.command(failure.replayCommand))
      <p class="evidence">Shrunk in \(failure.steps) steps from \(failure.elementsBefore) elements \
      to \(elements); found with \(failure.origin)\(saved).</p>
      <details><summary>The case as JSON</summary><pre class="json"><code>\
      \(CaseFile.json(failure.test))</code></pre></details>
      </article>
      """
  }

  private var elements: Int { failure.test.inputs.values.reduce(0) { $0 + $1.count } }

  private var saved: Markup {
    failure.file.map { "; saved as <code>\($0)</code>" } ?? .none
  }

  private var also: Markup {
    failure.alsoFailing.isEmpty
      ? .none
      : "<p>So do <b>\(failure.alsoFailing.joined(separator: ", "))</b>, on the same case.</p>\n"
  }

  private var headline: String {
    guard failure.verdict == .mismatch else {
      return failure.judgement.message.isEmpty
        ? failure.verdict.explanation : failure.judgement.message
    }
    guard let element = failure.judgement.element,
      let count = failure.test.outputs?[element.output]?.tensor.count
    else { return failure.verdict.explanation }
    return "\(element.count) of \(count) elements of \(element.output) "
      + (element.count == 1 ? "differs" : "differ") + " from the exact value."
  }

  // MARK: What is right, what came, why

  /// The first wrong element: what is right, what the subject and others give.
  private var comparison: Markup {
    guard let element = failure.judgement.element,
      let expectation = failure.test.outputs?[element.output]
    else { return .none }
    let tensor = expectation.tensor
    func value(_ code: Int64) -> String { Readable.text(ofCode: code, tensor.dtype) }
    let place = tensor.coordinates(of: element.index).map(String.init).joined(separator: ", ")
    var exact = value(tensor.codes[element.index])
    if !expectation.upper.isEmpty, expectation.upper[element.index] != tensor.codes[element.index] {
      exact += " to \(value(expectation.upper[element.index]))"
    }
    var rows: [Markup] = [
      "<tr class=\"exact\"><th scope=\"row\">exact</th><td>\(exact)</td></tr>",
      """
      <tr class="found"><th scope="row">\(failure.subject)</th><td>\(value(element.found)) \
      <span class="bad">✗ wrong</span></td></tr>
      """,
    ]
    for other in failure.others {
      let isRight = expectation.agrees(other.code, at: element.index)
      let mark: Markup =
        isRight ? "<span class=\"good\">✓ right</span>" : "<span class=\"bad\">✗ wrong</span>"
      rows.append(
        """
        <tr><th scope="row">\(other.subject)</th><td>\(value(other.code)) \(mark)</td></tr>
        """)
    }
    return """
      <h4>Element \(element.output)[\(place)] <span class="evidence">\(tensor.dtype.name)</span></h4>
      <div class="scroll"><table class="rows compare"><tbody>\(rows)</tbody></table></div>

      """
  }

  private var explanation: Markup {
    var rows: [Markup] = []
    func add(_ label: String, _ text: String?) {
      guard let text else { return }
      rows.append("<dt>\(label)</dt><dd>\(text)</dd>")
    }
    add("Decides", failure.decides ?? failure.stage)
    add("Looks like", failure.likeness)
    add("Wrong only", failure.pattern)
    return rows.isEmpty ? .none : "<dl class=\"why\">\(rows)</dl>\n"
  }

  /// How the exact value comes about.
  private var stages: Markup {
    if failure.stages.isEmpty { return .none }
    let rows = failure.stages.map { stage -> Markup in
      let isDeciding = stage.name == failure.stage
      let mark: Markup = isDeciding ? " <span class=\"mark\">◀ decides</span>" : .none
      return """
        <tr\(isDeciding ? Markup(" class=\"decides\"") : .none)><th scope="row">\(stage.name)</th>\
        <td class="number">\(stage.value)</td><td>\(stage.detail)\(mark)</td><td>\(stage.clause)</td></tr>
        """
    }
    return """
      <h4>How the exact value comes about</h4>
      <div class="scroll"><table class="stages"><thead><tr><th scope="col">stage</th>\
      <th scope="col">value</th><th scope="col">how</th><th scope="col">clause</th></tr></thead>\
      <tbody>\(rows)</tbody></table></div>

      """
  }

  // MARK: Input

  private var inputs: Markup {
    let tensors = failure.test.inputs.sorted { $0.key < $1.key }.map { name, tensor -> Markup in
      """
      <tr><th scope="row">\(name)</th><td>\(tensor.dtype.name)</td><td>\(shape(tensor))</td>\
      <td><pre class="values">\(values(tensor))</pre></td></tr>
      """
    }
    let attributes = failure.test.attributes.sorted { $0.key < $1.key }
      .map { "\($0.key) = \($0.value)" }
    let list: Markup =
      attributes.isEmpty
      ? .none : "<p>Attributes: <code>\(attributes.joined(separator: ", "))</code></p>\n"
    return """
      <div class="scroll"><table class="tensors"><thead><tr><th scope="col">tensor</th>\
      <th scope="col">type</th><th scope="col">shape</th><th scope="col">values</th></tr></thead>\
      <tbody>\(tensors)</tbody></table></div>
      \(list)
      """
  }

  private func shape(_ tensor: Tensor) -> String {
    tensor.shape.isEmpty ? "scalar" : tensor.shape.map(String.init).joined(separator: " × ")
  }

  /// The elements with the last dimension along a line, and a blank line between matrices.
  private func values(_ tensor: Tensor) -> String {
    if tensor.count == 0 { return "(empty)" }
    let texts = tensor.codes.prefix(Self.shownElements).map {
      Readable.text(ofCode: $0, tensor.dtype)
    }
    let width = tensor.shape.last ?? 1
    let height = tensor.shape.count > 1 ? tensor.shape[tensor.shape.count - 2] : 1
    // Columns line up where there are rows.
    let column = tensor.shape.count > 1 ? texts.map(\.count).max() ?? 0 : 0
    var result = ""
    for (index, text) in texts.enumerated() {
      if index > 0 {
        let isRow = width > 0 && index % width == 0
        let isMatrix = isRow && height > 0 && index % (width * height) == 0
        result += isMatrix && tensor.shape.count > 2 ? "\n\n" : isRow ? "\n" : "  "
      }
      result += String(repeating: " ", count: max(0, column - text.count)) + text
    }
    let rest = tensor.count - texts.count
    return rest > 0 ? result + "\n… \(rest) more in the case" : result
  }

  // MARK: Plots

  private var plots: Markup {
    var figures: [Markup] = []
    if let staircase = failure.staircase, let plot = StaircasePlot(failure, staircase) {
      figures.append(
        """
        <figure><figcaption>\(failure.subject) and exact around the failure: \
        \(staircase.output)[\(staircase.outputIndex)] over \
        \(staircase.input)[\(staircase.inputIndex)], all else fixed</figcaption>\(plot.markup)</figure>
        """)
    }
    if !failure.errors.isEmpty {
      figures.append(
        """
        <figure><figcaption>How far off: found minus exact over further cases, in steps of the \
        output</figcaption>\(ErrorHistogram(failure.errors).markup)</figure>
        """)
    }
    return figures.isEmpty ? .none : "<div class=\"plots\">\(figures)</div>"
  }
}
