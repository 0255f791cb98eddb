import Golden
import Testing

@Suite struct ParseTests {
  @Test func printsWhatItReads() throws {
    let table = try GoldenTable.parse(sample, file: "t.yaml")
    #expect(table.check().isEmpty)
    #expect(table.summary == "t.yaml: 1 quoted, 1 recomputed, 1 contradicts, 1 not_recomputable")
    #expect(
      table.rendered == """
        sizes
        a paper, table 1

          width       32 bits              given             bits of a weight

          accuracy    75.60 %              quoted            accuracy [first]
          model       288 MB               not_recomputable  size of the model
                      no architecture is given
          parameters  72000000 parameters  recomputed        weights
                      72000000 parameters = count(288 MB, 32 bits)
          half        145 MB               contradicts       half the size
                      144 MB = 288 MB / 2
                      half of 288 is not 145
        """)
    #expect(table.entries.map(\.line) == [7, 13, 19, 27])
  }

  /// What is put in for what, the line and the key of the error, and a word of it.
  static let mistakes: [(old: String, new: String, line: Int, key: String, word: String)] = [
    ("title: sizes", "titel: sizes", 1, "title", "is missing"),
    ("title: sizes", "title: sizes\nmore: x", 3, "more", "unknown key; known are entries"),
    ("title: sizes", "title: ''", 2, "title", "is empty"),
    ("place: table 1", "place: [x]", 3, "provenance.place", "must be text"),
    ("place: table 1", "place: x, page: 3", 3, "provenance.page", "unknown key"),
    ("  row: first", "  rows: first", 9, "accuracy.rows", "unknown key"),
    ("id: model\n", "id: accuracy\n", 13, "accuracy.id", "stands twice"),
    ("id: model\n", "id: width\n", 13, "width.id", "stands twice"),
    ("id: model\n", "id: Size\n", 13, "Size.id", "is no name"),
    ("id: model\n", "id: ratio\n", 13, "ratio.id", "is no name"),
    ("unit: \"%\"", "unit: Mb", 11, "accuracy.unit", "not one of 1, %, parameters, bits"),
    ("unit: bits", "unit: bit", 5, "width.unit", "not one of"),
    ("\"75.60\"", "75.60", 10, "accuracy.value", "between quotes"),
    ("\"75.60\"", "\"7.56e1\"", 10, "accuracy.value", "no decimal number"),
    ("\"75.60\"", "\".5\"", 10, "accuracy.value", "no decimal number"),
    ("digits: exact", "digits: 1", 23, "parameters.digits", "neither 'exact' nor"),
    ("digits: exact", "digits: -7", 23, "parameters.digits", "neither 'exact' nor"),
    ("digits: exact", "digits: all", 23, "parameters.digits", "neither 'exact' nor"),
    ("status: quoted", "status: trusted", 12, "accuracy.status", "not one of quoted, recomputed"),
    ("status: quoted", "expression: 1", 7, "accuracy.status", "is missing"),
    ("row: first", "expression: 1", 9, "accuracy.expression", "belongs to the status"),
    ("why: no architecture is given", "", 13, "model.why", "is missing"),
    ("why: half of 288 is not 145", "", 27, "half.why", "is missing"),
    ("computed: \"144 MB = 288 MB / 2\"", "", 27, "half.computed", "is missing"),
    ("model / 2", "model / ", 33, "half.expression", "column 8: a number, a name or '('"),
    ("model / 2", "sise / 2", 33, "half.expression", "'sise' is neither a quantity nor an entry"),
    ("model / 2", "width / 2", 33, "half.expression", "gives bits, not MB"),
    ("title: sizes", "title: sizes\ntitle: sizes", 2, "title", "stands twice"),
    ("title: sizes", "title: [", 4, "", "not YAML"),
    ("title: sizes", "- title", 3, "", "not YAML"),
  ]

  @Test func everyMistakeHasItsLineAndKey() throws {
    for (old, new, line, key, word) in Self.mistakes {
      let text = sample(old, new)
      try #require(text != sample, "\(old)")
      let error = try #require(throws: GoldenError.self) {
        try GoldenTable.parse(text, file: "t.yaml")
      }
      guard case .malformed("t.yaml", line, key, let message) = error, message.contains(word)
      else {
        Issue.record("\(new): \(error)")
        continue
      }
    }
  }

  @Test func errorsReadWell() throws {
    let errors: [(GoldenError, String)] = [
      (.malformed(file: "t", line: 3, key: "a.b", message: "bad"), "t:3: a.b: bad"),
      (.malformed(file: "t", line: 0, key: "", message: "is empty"), "t: is empty"),
      (.missing(file: "t", reason: "no such file"), "t: no such file"),
    ]
    for (error, text) in errors { #expect("\(error)" == text) }
    #expect(throws: GoldenError.malformed(file: "t", line: 0, key: "", message: "is empty")) {
      try GoldenTable.parse("# nothing\n", file: "t")
    }
    #expect(throws: GoldenError.missing(file: "/no", reason: "no such file, or it cannot be read")) {
      try GoldenTable.load("/no")
    }
  }
}
