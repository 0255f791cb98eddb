import Digests
import Foundation
import Proving
import Verification

extension Claim.SubjectRecord {
  /// A subject as it is now: the files that it is made of, and this CPU.
  ///
  /// Files of a library are the library itself, not what it loads; of a command every word that is a
  /// file; of a built-in tier the program that runs.
  static func current(of name: String) -> Self {
    let paths: [String]
    if name.hasPrefix("lib:") {
      paths = [String(name.dropFirst(4))]
    } else if name.hasPrefix("cmd:") {
      paths = name.dropFirst(4).split(separator: " ").map(String.init).filter(isFile)
    } else {
      paths = [ownPath]
    }
    let files = paths.compactMap { path in
      SHA256.digest(ofFile: path).map { File(path: path, digest: $0) }
    }
    return Self(name: name, files: files, cpu: BenchMachine.cpuName())
  }

  private static func isFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && !isFolder.boolValue
  }

  private static var ownPath: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }
}
