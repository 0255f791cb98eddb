import Foundation
import Testing

/// The AArch64 tier on other machines: cross-compiled with its scalar twin and run in an emulator.
///
/// `neon/driver.c` compares them; here it is only built and run.
@Suite struct NeonTests {
  static let compiler = "/usr/bin/aarch64-linux-gnu-gcc"
  static let emulator = "/usr/bin/qemu-aarch64"

  static var hasTools: Bool {
    [compiler, emulator].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs a program and returns what it printed.
  func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test(.enabled(if: hasTools, "needs \(compiler) and \(emulator)"))
  func neonEqualsScalar() throws {
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let kernels = here.appending(path: "../../Sources/CKernels").standardizedFileURL
    let sources = try FileManager.default.contentsOfDirectory(atPath: kernels.path)
      .filter { $0.hasSuffix(".c") }.sorted().map { kernels.appending(path: $0).path }
    let program = FileManager.default.temporaryDirectory
      .appending(path: "qverify-neon-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: program) }
    let compiled = try run(
      Self.compiler,
      ["-O1", "-ffp-contract=off", "-static", "-I", kernels.appending(path: "include").path]
        + ["-o", program, here.appending(path: "neon/driver.c").path] + sources + ["-lm"])
    try #require(compiled.status == 0, "\(compiled.output)")
    // With and without dot product instructions.
    for cpu in ["max", "cortex-a57"] {
      let result = try run(Self.emulator, ["-cpu", cpu, program, "1"])
      #expect(result.status == 0, "\(cpu): \(result.output)")
      #expect(result.output.contains("all equal"), "\(cpu): \(result.output)")
    }
  }
}
