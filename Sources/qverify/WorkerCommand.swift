import ArgumentParser
import Subjects

/// `qverify worker`: the process around a foreign kernel, which qverify starts by itself.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Hold a foreign kernel; qverify starts this by itself.",
    shouldDisplay: false)

  @Option(help: "The shared library to load; requests come on standard input.")
  var library: String?

  @Option(help: "The shell command to run.")
  var command: String?

  func run() throws {
    switch (library, command) {
    case (let path?, nil): Worker.serve(library: path)
    case (nil, let command?): Worker.run(command: command)
    default: throw ValidationError("takes either --library or --command")
    }
  }
}
