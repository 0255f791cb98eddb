import Yams

extension GoldenTable {
  /// Reads a table from a text, strictly.
  ///
  /// - Parameters:
  ///   - text: the YAML text.
  ///   - file: its name, for errors.
  /// - Returns: the table, with every expression evaluated.
  /// - Throws: ``GoldenError/malformed(file:line:key:message:)`` with line and key.
  public static func parse(_ text: String, file: String) throws(GoldenError) -> GoldenTable {
    var root = try Section(root(of: text, file: file), file: file, path: "", line: 1)
    let title = try root.text("title")
    var source = try root.section("provenance")
    let provenance = Provenance(
      document: try source.text("document"), place: try source.text("place"))
    try source.finish()

    var names: Expression.Names = [:]
    func claim(_ name: String, for number: PrintedNumber, in section: Section, _ key: String?)
      throws(GoldenError)
    {
      let letters = name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") }
      guard letters, name.first?.isLetter == true, !Expression.reserved.contains(name) else {
        throw section.failure(key, "'\(name)' is no name: small letters, digits, '_'; no function")
      }
      guard names.updateValue(number, forKey: name) == nil else {
        throw section.failure(key, "'\(name)' stands twice")
      }
    }

    var quantities: [Quantity] = []
    for var section in try root.sections("quantities") {
      let quantity = Quantity(
        name: section.path, what: try section.text("what"), printed: try section.printedNumber())
      try claim(quantity.name, for: quantity.printed, in: section, nil)
      try section.finish()
      quantities.append(quantity)
    }

    // Expressions may name entries below: all are read before any is evaluated.
    var drafts: [Draft] = []
    for var section in try root.elements("entries") {
      let draft = try Draft(&section)
      try claim(draft.id, for: draft.printed, in: section, "id")
      try section.finish()
      drafts.append(draft)
    }
    try root.finish()
    var entries: [Entry] = []
    for draft in drafts { entries.append(try draft.entry(names)) }
    return GoldenTable(
      file: file, title: title, provenance: provenance, quantities: quantities, entries: entries)
  }

  private static func root(of text: String, file: String) throws(GoldenError) -> Node {
    func failure(_ line: Int, _ message: String, key: String = "") -> GoldenError {
      .malformed(file: file, line: line, key: key, message: message)
    }
    do {
      guard let node = try Yams.compose(yaml: text) else { throw failure(0, "is empty") }
      return node
    } catch let error as GoldenError {
      throw error
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw failure(mark.line, "not YAML: \(problem)")
      case .duplicatedKeysInMapping(let keys, let context):
        throw failure(context.mark.line, "stands twice", key: keys.joined(separator: ", "))
      default: throw failure(0, "not YAML: \(error)")
      }
    } catch {
      throw failure(0, "not YAML: \(error)")
    }
  }

  /// An entry whose expression is not evaluated yet.
  private struct Draft {
    let id: String
    let what: String
    let row: String?
    let printed: PrintedNumber
    let status: Status
    let why: String?
    let formula: (text: String, parsed: Expression, computed: String, place: Place)?
    let section: Section

    init(_ section: inout Section) throws(GoldenError) {
      id = try section.text("id")
      section.path = id
      what = try section.text("what")
      row = section.has("row") ? try section.text("row") : nil
      printed = try section.printedNumber()
      status = try section.choice("status", of: Status.self)
      let needsReason = status == .contradicts || status == .notRecomputable
      why = needsReason || section.has("why") ? try section.text("why") : nil
      if status.isComputed {
        let text = try section.text("expression")
        let (computed, place) = try section.quoted("computed")
        do throws(Expression.Failure) {
          formula = (text, try .parse(text), computed, place)
        } catch {
          throw section.failure("expression", error.message)
        }
      } else {
        for key in ["expression", "computed"] where section.has(key) {
          throw section.failure(key, "belongs to the status recomputed or contradicts only")
        }
        formula = nil
      }
      self.section = section
    }

    func entry(_ names: Expression.Names) throws(GoldenError) -> Entry {
      var recomputation: Recomputation?
      if let formula {
        let amount: Amount
        do throws(Expression.Failure) {
          amount = try formula.parsed.value(in: names)
        } catch {
          throw section.failure("expression", error.message)
        }
        guard amount.dimension == printed.unit.dimension else {
          throw section.failure(
            "expression", "gives \(amount.dimension.rawValue), not \(printed.unit.rawValue)")
        }
        let value = printed.unit.number(of: amount)
        let current = "\(printed.unit.text(value.decimal)) = \(formula.parsed.text(in: names))"
        recomputation = Recomputation(
          expression: formula.text, pinned: formula.computed, current: current,
          agreesWithPrint: printed.admits(value), place: formula.place)
      }
      return Entry(
        id: id, what: what, row: row, printed: printed, status: status, why: why,
        recomputation: recomputation, line: section.line("id"))
    }
  }
}
