import ArgumentParser

/// `qverify bench`: how fast it is.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast kernels, fuzzer and prover are: ratios taken in one run.",
    subcommands: [BenchKernelsCommand.self, BenchFuzzCommand.self, BenchProveCommand.self])
}
