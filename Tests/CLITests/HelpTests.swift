import Foundation
import Testing

/// The whole help text of every command, as `help/` pins it.
///
/// To change a text: `qverify ... --help > Tests/CLITests/help/NAME.txt`, with `(default: 2)` of
/// `--jobs` written `(default: CPUS)`.
@Suite struct HelpTests {
  static let commands = [
    "", "ops", "fuzz", "eval", "check", "replay", "adapter", "golden", "golden check", "golden show",
    "golden update", "mutants", "bench", "bench kernels", "bench fuzz", "bench prove", "merge",
    "prove", "prove inputs", "prove accumulator", "prove products", "identify", "diff",
  ]

  private func name(_ command: String) -> String {
    command.isEmpty ? "qverify" : command.replacing(" ", with: "-")
  }

  @Test(arguments: commands) func text(command: String) throws {
    let run = try qverify(command.split(separator: " ").map(String.init) + ["--help"])
    #expect(run.code == 0 && run.error.isEmpty)
    let found = run.output
      .replacing(#/How many threads to use\. \(default: [0-9]+\)/#) { _ in
        "How many threads to use. (default: CPUS)"
      }
      .split(separator: "\n", omittingEmptySubsequences: false)
    let file = here.appendingPathComponent("help/\(name(command)).txt")
    let pinned = try String(contentsOf: file, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
    #expect(found.count == pinned.count)
    for (index, (now, then)) in zip(found, pinned).enumerated() {
      #expect(now == then, "\(name(command)).txt, line \(index + 1)")
    }
  }

  /// Every subcommand that the help names has a text here, and there is no other.
  @Test func complete() throws {
    let files = try FileManager.default.contentsOfDirectory(
      atPath: here.appendingPathComponent("help").path)
    #expect(Set(files) == Set(Self.commands.map { name($0) + ".txt" }))
    for command in Self.commands {
      let text = try qverify(command.split(separator: " ").map(String.init) + ["--help"]).output
      guard let list = text.range(of: "SUBCOMMANDS:\n") else { continue }
      for line in text[list.upperBound...].split(separator: "\n") {
        guard let match = line.firstMatch(of: #/^  ([a-z]+) /#) else { continue }
        let full = command.isEmpty ? "\(match.1)" : "\(command) \(match.1)"
        #expect(Self.commands.contains(full), "\(full)")
      }
    }
  }

  @Test func version() throws {
    let run = try qverify(["--version"])
    #expect(run.code == 0 && run.output.wholeMatch(of: #/[0-9]+\.[0-9]+\.[0-9]+\n/#) != nil)
  }

  /// Wrong usage: 64, and a word to the reader.
  @Test func wrongUsage() throws {
    let table: [[String]] = [
      ["dance"], ["fuzz", "--surprise"], ["eval", "a", "b"], ["check"], ["replay"], ["ops", "x"],
      ["fuzz", "--cases", "0"], ["fuzz", "--cases", "5", "--time", "5s"], ["fuzz", "--time", "0s"],
      ["fuzz", "--time", "5d"], ["fuzz", "--time", "nan"], ["fuzz", "--shard", "1/1"],
      ["fuzz", "--shard", "-1/2"], ["fuzz", "--shard", "x"], ["fuzz", "--shard", "1/0"],
      ["fuzz", "--jobs", "0"], ["fuzz", "--max-failures", "0"], ["fuzz", "--ops", "dance"],
      ["fuzz", "--dialect", "numpy", "--cases", "1"], ["fuzz", "--seed", "-1"],
      ["fuzz", "--subject", "builtin:warp", "--cases", "1"], ["fuzz", "--format", "xml"],
      ["eval", "--jobs", "0"], ["eval", "--dialect", "numpy"], ["eval", "--format", "xml"],
      ["check", "-", "--subject", "nobody"], ["check", "-", "--jobs", "-2"],
      ["replay", "quantize/onnx:x"], ["replay", "dance/onnx:0"], ["replay", "quantize:0"],
      ["merge"], ["merge", "--corpus", "a"], ["merge", "--from", "a"], ["merge", "--html", "a"],
      ["merge", "--corpus", "a", "--from", "b", "--json", "c"], ["merge", "a", "--format", "xml"],
      ["replay", "quantize/numpy:0"], ["adapter"], ["adapter", "dance"], ["adapter", "c", "--force"],
      ["bench", "fuzz", "--seconds", "0"], ["mutants", "--budget", "0s"],
      ["mutants", "--only", "dance"], ["mutants", "--cases", "0"], ["prove", "accumulator"],
      ["prove", "accumulator", "--weights", "w", "--max-witnesses", "0"],
      ["prove", "accumulator", "--weights", "w", "--force"],
    ]
    for arguments in table {
      let run = try qverify(arguments)
      #expect(run.code == 64, "\(arguments): \(run.code)")
      #expect(run.output.isEmpty && !run.error.isEmpty, "\(arguments)")
    }
  }
}
