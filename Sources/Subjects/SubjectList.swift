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

  /// The subject of a name such as `builtin:avx2`.
  ///
  /// - Throws: `SubjectError` where there is none or it cannot run here.
  public static func subject(named name: String) throws(SubjectError) -> any Subject {
    let known = builtIn.first { $0.subject.name == name }
    guard let known else {
      let kind = name.split(separator: ":").first.map(String.init) ?? name
      if ["lib", "cmd", "rtl"].contains(kind) {
        throw SubjectError(message: "subjects of kind '\(kind):' are not supported yet")
      }
      let names = builtIn.map(\.subject.name).joined(separator: ", ")
      throw SubjectError(message: "no subject '\(name)'; there are \(names)")
    }
    if let reason = known.unavailable { throw SubjectError(message: reason, isUnavailable: true) }
    return known.subject
  }
}

/// Why a subject cannot be had.
public struct SubjectError: Error, CustomStringConvertible {
  public var message: String
  /// It exists, but not on this machine.
  public var isUnavailable = false
  public var description: String { message }
}
