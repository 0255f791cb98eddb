import ArgumentParser
import Operations

/// `qverify ops`: what there is.
struct OpsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ops", abstract: "List operations, groups, dialects, subjects and tiers.")

  func run() throws {
    print("operations")
    for operation in Registry.all {
      print("  \(operation.name)")
    }
  }
}
