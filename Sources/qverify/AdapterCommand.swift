public import Adapters
public import ArgumentParser
import Foundation

/// `qverify adapter`: what a kernel of one's own is attached with.
struct AdapterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adapter",
    abstract: "Write what a kernel of your own is attached with.",
    discussion: """
      header is qverify_kernel.h, the C ABI of lib:PATH.so; c and swift are annotated kernels for it. \
      python is qverify_adapter.py, with which a Python function becomes a subject cmd:COMMAND; \
      pytorch and onnxruntime are examples for it. Each file begins with the commands that build and \
      fuzz it.
      """)

  @Argument(help: "What to write.")
  var kind: Adapter

  @Option(help: "The file to write; standard output if not given.")
  var output: String?

  @Flag(help: "Overwrite the file.")
  var force = false

  func validate() throws {
    guard !force || output != nil else { throw ValidationError("--force needs --output") }
  }

  func run() throws {
    let data = Data(kind.bytes)
    guard let output else { return FileHandle.standardOutput.write(data) }
    if !force && FileManager.default.fileExists(atPath: output) {
      throw ValidationError("'\(output)' exists; --force overwrites it")
    }
    do {
      try data.write(to: URL(fileURLWithPath: output), options: .atomic)
    } catch {
      StandardError.line("qverify: cannot write '\(output)'")
      throw Exit.missingFile
    }
  }
}

extension Adapter: ExpressibleByArgument {}
