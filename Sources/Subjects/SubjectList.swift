import Foundation
import Kernels
public import Verification

/// The subjects that a command line can name.
public enum SubjectList {
  /// Every built-in tier, whether this CPU has it or not.
  public static let builtIn: [(subject: any Subject, unavailable: String?)] = Tier.allCases.map {
    (BuiltinSubject($0), $0.unavailabilityReason)
  }

  /// The built-in tiers that this CPU runs.
  public static var available: [any Subject] {
    builtIn.filter { $0.unavailable == nil }.map(\.subject)
  }

  /// The tier that is likely to be the fastest on this CPU.
  public static var fastest: any Subject {
    let order: [Tier] = [.avx512vnni, .avx512, .avx2, .neon, .scalar]
    let tier = order.first { $0.unavailabilityReason == nil }
    return BuiltinSubject(tier ?? .swift)
  }

  /// The kinds of subjects, as they begin.
  private static let kinds = ["builtin:", "lib:", "cmd:", "rtl:"]

  /// The names in a comma-separated list; a comma within a path or a command divides nothing.
  public static func names(in list: String) -> [String] {
    var names: [String] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      let isNew = names.isEmpty || kinds.contains { part.hasPrefix($0) }
      if isNew || names[names.count - 1].hasPrefix("builtin:") {
        names.append(part)
      } else {
        names[names.count - 1] += "," + part
      }
    }
    return names
  }

  /// The subject of a name such as `builtin:avx2`, `lib:./kernel.so` or `cmd:python3 kernel.py`.
  ///
  /// - Parameters:
  ///   - name: the name.
  ///   - program: the executable whose `worker` command foreign subjects run in.
  /// - Returns: the subject, ready to run.
  /// - Throws: `SubjectError` where there is none or it cannot run here.
  public static func subject(
    named name: String, program: String = "/proc/self/exe"
  ) throws(SubjectError) -> any Subject {
    if let path = value(of: name, after: "lib:") {
      guard FileManager.default.fileExists(atPath: path) else {
        throw SubjectError(message: "cannot read '\(path)'", kind: .missing)
      }
      return try LibrarySubject(path: path, program: program)
    }
    if let command = value(of: name, after: "cmd:") {
      return try ProcessSubject(command: command, program: program)
    }
    guard let known = builtIn.first(where: { $0.subject.name == name }) else {
      if name.hasPrefix("rtl:") {
        throw SubjectError(message: "subjects of kind 'rtl:' are not supported yet", kind: .unknown)
      }
      let names = builtIn.map(\.subject.name).joined(separator: ", ")
      throw SubjectError(
        message: "no subject '\(name)'; there are \(names), lib:PATH and cmd:COMMAND",
        kind: .unknown)
    }
    if let reason = known.unavailable { throw SubjectError(message: reason, kind: .unavailable) }
    return known.subject
  }

  private static func value(of name: String, after kind: String) -> String? {
    guard name.hasPrefix(kind), name.count > kind.count else { return nil }
    return String(name.dropFirst(kind.count))
  }
}

/// Why a subject cannot be had.
public struct SubjectError: Error, CustomStringConvertible {
  /// What a caller does about it.
  public enum Kind: Sendable {
    /// It is there, but is no subject.
    case unusable
    /// Its file is not there.
    case missing
    /// It exists, but not on this machine.
    case unavailable
    /// No subject is called so.
    case unknown
  }

  public var message: String
  public var kind = Kind.unusable
  public var description: String { message }
}
