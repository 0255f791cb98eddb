import Foundation
import Testing

/// The script of `specs/guides/shards.md`, run as it stands on the page.
@Suite struct ShardGuideTests {
  private static let hasParallel = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/parallel") }

  /// The first block of code under a heading of the page.
  private func script(under heading: String) throws -> String {
    let page = try String(
      contentsOf: here.appendingPathComponent("../../specs/guides/shards.md"), encoding: .utf8)
    let section = try #require(page.components(separatedBy: "\n## \(heading)\n").last)
    let block = try #require(section.components(separatedBy: "```sh\n").dropFirst().first)
    return try #require(block.components(separatedBy: "```").first)
  }

  private func run(_ arguments: [String], in folder: String) throws -> (code: Int32, log: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["shards.sh"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var environment = ProcessInfo.processInfo.environment
    let path = environment["PATH"] ?? ""
    environment["PATH"] = binary.deletingLastPathComponent().path + ":" + path
    environment["HOME"] = folder
    process.environment = environment
    let log = URL(fileURLWithPath: folder + "/script.log")
    try Data().write(to: log)
    let handle = try FileHandle(forWritingTo: log)
    (process.standardOutput, process.standardError) = (handle, handle)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, try String(contentsOf: log, encoding: .utf8))
  }

  @Test(.enabled(if: hasParallel, "GNU parallel is not installed")) func parallel() throws {
    let wrong = "name: my own\nextends: onnx\nquantize: {rounding: nearest_away}\n"
    let files = ["shards.sh": try script(under: "GNU parallel"), "my own.yaml": wrong]
    try withFolder(files) { folder in
      let options = ["--ops", "dynamic_quantize", "--subject", "builtin:scalar"]
      // Agreed: as one run, with the same counts.
      let agreed = try run(["3", "5", "60", "found"] + options + ["--dialect", "onnx"], in: folder)
      #expect(agreed.code == 0, "\(agreed.log)")
      #expect(agreed.log.contains("all agreed: 60 cases"))
      for name in ["0.json", "1.json", "2.json", "report.json", "report.html", "junit.xml"] {
        #expect(FileManager.default.fileExists(atPath: "\(folder)/found/\(name)"), "\(name)")
      }
      // A failure, in a dialect whose name has a space in it; corpora are joined.
      let failed = try run(
        [
          "2", "5", "60", "bad", "--ops", "quantize", "--subject", "builtin:scalar", "--dialect",
          "my own.yaml",
        ], in: folder)
      #expect(failed.code == 1, "\(failed.log)")
      #expect(failed.log.contains("quantize/my own: builtin:scalar disagrees with exact"))
      let corpus = try FileManager.default.contentsOfDirectory(atPath: folder + "/bad/corpus")
      #expect(!corpus.isEmpty)
      // A shard that does not run is an error of its own.
      let broken = try run(["2", "5", "60", "broken", "--ops", "dance"], in: folder)
      #expect(broken.code == 70 && broken.log.contains("a shard did not finish"), "\(broken.log)")
    }
  }

  /// The other scripts of the page are shell and YAML: at least their shell parses.
  @Test(arguments: ["Slurm", "GNU parallel"]) func syntax(heading: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-n", "-c", try script(under: heading)]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
