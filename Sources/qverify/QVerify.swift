import ArgumentParser

/// The command line: one subcommand a question.
@main
struct QVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "qverify",
    abstract: "Decides whether a quantized neural-network kernel is bit-exact.",
    discussion: """
      Exit codes: 0 all agreed; 1 a mismatch, crash, hang, overrun, unwritten element or \
      nondeterminism was found; 2 mistrusted: nothing failed, but the evidence is too thin; \
      64 wrong usage; 65 malformed input; 66 a file is missing; 69 a tool is missing; \
      70 qverify's own fault; 130 interrupted.
      """,
    version: version,
    subcommands: [
      OpsCommand.self, FuzzCommand.self, EvalCommand.self, CheckCommand.self, ReplayCommand.self,
      ProveCommand.self, IdentifyCommand.self, DiffCommand.self, AdapterCommand.self,
      MergeCommand.self, GoldenCommand.self, MutantsCommand.self,
      BenchCommand.self, WorkerCommand.self,
    ])

  /// The version that reports and certificates carry.
  static let version = "0.1.0"
}
