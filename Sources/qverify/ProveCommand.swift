import ArgumentParser

/// `qverify prove`: whether a kernel is bit-exact for every input.
struct ProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove",
    abstract: "Run a kernel on every input of a domain and compare each with the exact answer.",
    discussion: """
      qverify prove quantize --scale 0.1 --zero-point 3 --dtype int8 --subject S runs all 2^32 \
      float32 inputs and ends with a certificate. Without the name of a subcommand the subcommand \
      'inputs' is meant: see qverify help prove inputs.
      """,
    subcommands: [
      ProveInputsCommand.self, ProveProductsCommand.self, ProveAccumulatorCommand.self,
    ],
    defaultSubcommand: ProveInputsCommand.self)
}
