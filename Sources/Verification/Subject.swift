public import CaseFormat
public import Operations

/// The memory of a call: inputs to read, outputs to write, by name.
public struct KernelBuffers {
  public var inputs: [String: UnsafeRawBufferPointer]
  public var outputs: [String: UnsafeMutableRawBufferPointer]
}

/// What a subject says to a case.
public enum Preparation {
  /// It does not claim the case, and why.
  case refused(String)
  /// It takes the case; the closure runs it once on given memory.
  ///
  /// The closure may be left by a fault in the kernel: it must own nothing that needs cleaning up.
  case ready((KernelBuffers) -> Void)
}

/// A thing under test: a kernel that runs on memory which the judge hands over.
public protocol Subject: Sendable {
  /// The name that `--subject` and reports use, such as `builtin:avx2`.
  var name: String { get }

  /// Why the subject never runs an operation in a dialect; nil where it may.
  func refusal(of operation: String, dialect: Dialect) -> String?

  /// Prepares a case: everything that needs no kernel memory is done here, once.
  func prepare(_ test: Case, dialect: Dialect) -> Preparation
}
