import Adapters
import Foundation
import Testing

/// What a command gave.
struct Run: Sendable {
  var code: Int32
  var output: String
  var error: String
}

/// The `qverify` that was built beside the tests.
let binary = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  .deletingLastPathComponent().appendingPathComponent("qverify").path

/// The folder of this file.
let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

/// A folder with the files of adapters, that is gone when the body returns.
func withFolder(_ adapters: [Adapter], _ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("qverify-adapter-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  for adapter in adapters {
    try Data(adapter.bytes).write(to: folder.appendingPathComponent(adapter.fileName))
  }
  try body(folder.path)
}

/// Runs a line of the shell in a folder; `qverify` is the one that was built, `$TESTS` this folder.
func shell(_ line: String, folder: String, input: String = "") throws -> Run {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", "qverify() { '\(binary)' \"$@\"; }\n\(line)"]
  process.currentDirectoryURL = URL(fileURLWithPath: folder)
  var environment = ProcessInfo.processInfo.environment
  environment["PYTHONPATH"] = folder
  environment["PYTHONDONTWRITEBYTECODE"] = "1"
  environment["TESTS"] = here.path
  process.environment = environment
  // Files, not pipes: no output is too long for them.
  func file(_ name: String, _ text: String = "") throws -> URL {
    let url = URL(fileURLWithPath: folder).appendingPathComponent(name)
    try text.write(to: url, atomically: false, encoding: .utf8)
    return url
  }
  let (output, error) = (try file("standard-output"), try file("standard-error"))
  process.standardInput = try FileHandle(forReadingFrom: try file("standard-input", input))
  process.standardOutput = try FileHandle(forWritingTo: output)
  process.standardError = try FileHandle(forWritingTo: error)
  // A thread of a pool blocks all signals, and a process that it starts would do so too.
  var (none, before) = (sigset_t(), sigset_t())
  sigemptyset(&none)
  pthread_sigmask(SIG_SETMASK, &none, &before)
  try process.run()
  pthread_sigmask(SIG_SETMASK, &before, nil)
  process.waitUntilExit()
  return Run(
    code: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
    error: try String(contentsOf: error, encoding: .utf8))
}

/// Whether a command line succeeds, which tells whether a tool or package is here.
func succeeds(_ line: String) -> Bool {
  (try? shell(line, folder: FileManager.default.temporaryDirectory.path))?.code == 0
}
