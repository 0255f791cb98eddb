import Foundation
import Golden
import Testing

/// The tables of the repository.
///
/// A number that changes, in the code or in a file, fails here.
@Suite struct RepositoryTests {
  static let folder = repository.appendingPathComponent("golden/tables")

  static let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".yaml") }.sorted()

  private func load(_ name: String) throws -> GoldenTable {
    try GoldenTable.load(Self.folder.appendingPathComponent(name).path)
  }

  @Test func thereAreTables() { #expect(Self.files.contains("poster.yaml")) }

  @Test(arguments: files) func agrees(file: String) throws {
    for finding in try load(file).check() { Issue.record("\(file): \(finding)") }
  }

  @Test func thePosterSaysWhatItSays() throws {
    let table = try load("poster.yaml")
    func text(_ id: String) throws -> [String] {
      let entry = try #require(table.entries.first { $0.id == id }, "\(id)")
      return [entry.printed.description, entry.status.rawValue] + [entry.row].compactMap { $0 }
    }
    #expect(try text("fp32_accuracy") == ["75.6 %", "quoted", "FP32"])
    #expect(try text("fp32_size") == ["288 MB", "not_recomputable", "FP32"])
    #expect(try text("w4a4_accuracy") == ["70.1 %", "quoted", "W4A4"])
    #expect(try text("w4a4_size") == ["36 MB", "not_recomputable", "W4A4"])
    #expect(try text("lambda") == ["0.97", "quoted"])
    #expect(try text("alpha") == ["4", "quoted"])
  }

  @Test func whatFollowsFromThePoster() throws {
    let table = try load("poster.yaml")
    let exact = [
      "size_ratio": "8 = ratio(288 MB, 36 MB)",
      "width_ratio": "8 = ratio(32 bits, 4 bits)",
      "parameters": "72000000 parameters = count(288 MB, 32 bits)",
      "parameters_at_least": "71875000 parameters = count(287.5 MB, 32 bits)",
      "parameters_below": "72125000 parameters = count(288.5 MB, 32 bits)",
      "w4_parameters_at_least": "71000000 parameters = count(35.5 MB, 4 bits)",
      "w4_parameters_below": "73000000 parameters = count(36.5 MB, 4 bits)",
      "fp32_size_from_parameters": "288 MB = size(72000000 parameters, 32 bits)",
      "w4a4_size_from_parameters": "36 MB = size(72000000 parameters, 4 bits)",
      "parameters_mib": "75497472 parameters = count(288 MiB, 32 bits)",
      "parameters_mib_at_least": "75366400 parameters = count(287.5 MiB, 32 bits)",
      "parameters_mib_below": "75628544 parameters = count(288.5 MiB, 32 bits)",
      "w4_parameters_mib": "75497472 parameters = count(36 MiB, 4 bits)",
      "textbook_fp32_size": "124.122632 MB = size(31030658 parameters, 32 bits)",
      "textbook_w4_size": "15.515329 MB = size(31030658 parameters, 4 bits)",
      "hard_part_2": "0.12 = (1 - 0.97) * 4 * (2 - 1)",
      "hard_part_10": "1.08 = (1 - 0.97) * 4 * (10 - 1)",
      "hard_part_24": "2.76 = (1 - 0.97) * 4 * (24 - 1)",
    ]
    let current = table.entries.compactMap { entry in
      entry.recomputation.map { (entry.id, $0.current) }
    }
    #expect(Dictionary(uniqueKeysWithValues: current) == exact)
  }

  /// Turning any digit of any number that something follows from, or of any pin, is noticed.
  @Test func everyChangedDigitIsNoticed() throws {
    let file = Self.folder.appendingPathComponent("poster.yaml").path
    let lines = try contents(file).split(separator: "\n", omittingEmptySubsequences: false)
    let accuracies = ["\"75.6\"", "\"70.1\""]
    for (index, line) in lines.enumerated() {
      guard line.contains("value: \"") || line.contains("computed: \""),
        !accuracies.contains(where: line.contains),
        let digit = line.lastIndex(where: \.isNumber), let number = line[digit].wholeNumberValue
      else { continue }
      var changed = lines
      changed[index].replaceSubrange(digit...digit, with: "\((number + 1) % 10)")
      let findings = try GoldenTable.parse(changed.joined(separator: "\n"), file: file).check()
      #expect(!findings.isEmpty, "line \(index + 1): \(line)")
    }
  }
}
