import Adapters
import Foundation
import Testing

/// The Python module, by its own tests: `python/test_adapter.py`.
@Suite struct ModuleTests {
  @Test func unittest() throws {
    try withFolder([.python]) { folder in
      let tests = here.appendingPathComponent("python").path
      let run = try shell("python3 -m unittest discover -s '\(tests)'", folder: folder)
      #expect(run.code == 0, "\(run.error)")
      #expect(run.error.firstMatch(of: #/Ran [1-9][0-9]+ tests/#) != nil, "\(run.error)")
    }
  }
}
