import Foundation
import Testing

/// What a run of the binary gave.
struct Run: Sendable {
  var code: Int32
  var output: String
  var error: String

  var lines: [String] { output.split(separator: "\n").map(String.init) }

  /// A line of the output; empty where it has fewer.
  func line(_ index: Int) -> String { lines.count > index ? lines[index] : "" }
}

/// The `qverify` that was built beside the tests.
let binary = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  .deletingLastPathComponent().appendingPathComponent("qverify")

/// The folder of this file.
let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

/// Runs the binary, by default from a folder that holds nothing.
func qverify(
  _ arguments: [String], input: String? = nil, folder: String = "/", interruptAfter: Double? = nil,
  killAfter: Double? = nil
) throws -> Run {
  try execute(
    binary.path, arguments, input: input, folder: folder, interruptAfter: interruptAfter,
    killAfter: killAfter)
}

/// Runs a program to its end; `code` is a signal's number where one ended it.
func execute(
  _ program: String, _ arguments: [String], input: String? = nil, folder: String = "/",
  interruptAfter: Double? = nil, killAfter: Double? = nil
) throws -> Run {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.currentDirectoryURL = URL(fileURLWithPath: folder)
  var environment = ProcessInfo.processInfo.environment
  environment["COLUMNS"] = nil
  process.environment = environment
  // Files, not pipes: no output is too long for them.
  let scratch = FileManager.default.temporaryDirectory
    .appendingPathComponent("qverify-run-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: scratch) }
  func file(_ name: String, _ text: String = "") throws -> URL {
    let url = scratch.appendingPathComponent(name)
    try text.write(to: url, atomically: false, encoding: .utf8)
    return url
  }
  let (output, error) = (try file("out"), try file("err"))
  process.standardInput = try FileHandle(forReadingFrom: try file("in", input ?? ""))
  process.standardOutput = try FileHandle(forWritingTo: output)
  process.standardError = try FileHandle(forWritingTo: error)
  // A thread of a pool blocks all signals, and a process that it starts would do so too.
  var (none, before) = (sigset_t(), sigset_t())
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, &before)
  try process.run()
  pthread_sigmask(SIG_SETMASK, &before, nil)
  if let interruptAfter {
    Thread.sleep(forTimeInterval: interruptAfter)
    process.interrupt()
  }
  if let killAfter {
    Thread.sleep(forTimeInterval: killAfter)
    kill(process.processIdentifier, SIGKILL)
  }
  process.waitUntilExit()
  return Run(
    code: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
    error: try String(contentsOf: error, encoding: .utf8))
}

/// A folder that is gone when the body returns.
func withFolder(_ files: [String: String] = [:], _ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("qverify-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  for (name, text) in files {
    try text.write(
      to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
  }
  try body(folder.path)
}
