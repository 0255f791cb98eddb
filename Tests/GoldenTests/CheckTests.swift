import Golden
import Testing

@Suite struct CheckTests {
  private func findings(_ old: String, _ new: String) throws -> [GoldenTable.Finding] {
    try GoldenTable.parse(sample(old, new), file: "t.yaml").check()
  }

  @Test func aChangedInputIsFoundAndNamed() throws {
    let findings = try findings("value: \"288\"", "value: \"292\"")
    #expect(findings.map(\.id) == ["parameters", "parameters", "half"])
    #expect(findings.map(\.kind) == [.changed, .contradiction, .changed])
    #expect(
      findings.first?.description == """
        parameters (line 19): changed
          old  72000000 parameters = count(288 MB, 32 bits)
          new  73000000 parameters = count(292 MB, 32 bits)
          why  the formula or an input changed: count(288 MB, 32 bits) is now count(292 MB, 32 bits)
        """)
  }

  @Test func anEditedPinIsFound() throws {
    let findings = try findings("\"144 MB", "\"144.0 MB")
    #expect(findings.map(\.kind) == [.changed])
    #expect(findings.first?.cause.contains("the arithmetic changed, or `computed`") == true)
    #expect(
      try self.findings("\"144 MB = 288 MB / 2\"", "\"?\"").first?.cause
        == "nothing was computed before")
  }

  @Test func aContradictionNeedsItsStatus() throws {
    let hidden = try findings(
      "status: contradicts\n    why: half of 288 is not 145", "status: recomputed")
    #expect(hidden.map(\.kind) == [.contradiction])
    #expect(hidden.first?.old == "145 MB, which is [144.5, 145.5) MB")
    let unfounded = try findings("value: \"145\"", "value: \"144\"")
    #expect(unfounded.map(\.kind) == [.unfounded])
  }
}

@Suite struct UpdateTests {
  @Test func writesTheComputedFieldsAndNothingElse() throws {
    let spoiled = sample.replacing("\"144 MB = 288 MB / 2\"", with: "'?'   # kept")
      .replacing("count(288 MB, 32 bits)", with: "?")
    let mended = sample.replacing(
      "\"144 MB = 288 MB / 2\"", with: "'144 MB = 288 MB / 2'   # kept")
    for end in ["\n", "\r\n"] {
      try withFile(spoiled.replacing("\n", with: end)) { path in
        let changes = try GoldenTable.update(path, environment: ["CI": "false"])
        #expect(changes.map(\.id) == ["parameters", "half"])
        let text = try contents(path)
        #expect(text == mended.replacing("\n", with: end))
        #expect(try GoldenTable.update(path, environment: [:]).isEmpty)
      }
    }
  }

  @Test func findsTheFieldInAFlowMap() throws {
    let flow =
      sample + "  - {id: one, what: \"é computed\", value: \"1\", unit: 1, "
      + "status: recomputed, expression: 1, computed: \"\"}  # é\n"
    try withFile(flow) { path in
      _ = try GoldenTable.update(path, environment: [:])
      let new = try contents(path)
      #expect(new == flow.replacing("computed: \"\"", with: "computed: \"1 = 1\""))
    }
  }

  @Test func leavesTheFileAloneWhereItCannotWriteTheField() throws {
    let text = sample.replacing("\"144 MB = 288 MB / 2\"", with: "\"144 MB\n      = ?\"")
    try withFile(text) { path in
      #expect(throws: GoldenError.self) { try GoldenTable.update(path, environment: [:]) }
      let after = try contents(path)
      #expect(after == text)
    }
  }

  @Test func refusesInContinuousIntegration() throws {
    let text = sample.replacing("\"144 MB = 288 MB / 2\"", with: "\"?\"")
    try withFile(text) { path in
      for value in ["true", "1", "yes", "woodpecker", "FALSE", " "] {
        #expect(throws: GoldenError.refused(variable: "CI=\(value)")) {
          try GoldenTable.update(path, environment: ["CI": value])
        }
      }
      let after = try contents(path)
      #expect(after == text)
      for environment in [[:], ["CI": ""], ["CI": "false"], ["CI": "0"]] {
        #expect(!GoldenTable.isContinuousIntegration(environment))
      }
    }
  }
}
