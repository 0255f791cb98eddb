import CaseFormat
import NumberFormats
import Operations
import Verification

/// A subject that answers by a reference of its own choice, and then writes as it likes.
///
/// The answer is computed before the guarded call; the call itself only copies bytes.
struct PlantedSubject: InProcessSubject {
  var name = "planted"
  /// The operations that it claims; every one where empty.
  var operations: [String] = []
  /// What it takes for the answer; nil refuses the case.
  var answer: @Sendable (Case, Dialect) -> Outcome? = {
    try? Reference.evaluateFast($0, dialect: $1)
  }
  /// How it writes the answer, an output at a time.
  var write: @Sendable (KernelBuffers, _ output: String, _ bytes: [UInt8]) -> Void = copy

  /// Writes an output as it should be written.
  static let copy: @Sendable (KernelBuffers, String, [UInt8]) -> Void = { buffers, output, bytes in
    guard let buffer = buffers.outputs[output] else { return }
    buffer.copyBytes(from: bytes.prefix(buffer.count))
  }

  func refusal(of operation: String, dialect: Dialect) -> String? {
    operations.isEmpty || operations.contains(operation) ? nil : "not planted"
  }

  func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    guard let outcome = answer(test, dialect) else { return .refused("planted refusal") }
    let outputs = outcome.outputs.map { name, expectation in
      (name, ElementBytes.bytes(of: expectation.tensor.codes, as: expectation.tensor.dtype))
    }
    return .ready { buffers in
      for (name, bytes) in outputs { write(buffers, name, bytes) }
    }
  }
}

extension PlantedSubject {
  /// Computes as another dialect.
  static func dialect(_ name: String) -> PlantedSubject {
    PlantedSubject(answer: { test, _ in
      (try? Dialect.named(name)).flatMap { try? Reference.evaluateFast(test, dialect: $0) }
    })
  }

  /// Computes as the dialect with one section changed.
  static func changed(_ section: String, _ changes: [(String, String)]) -> PlantedSubject {
    PlantedSubject(answer: { test, dialect in
      let keys = changes.map { (key: $0.0, value: $0.1) }
      return dialect.changed(name: dialect.name, section, keys)
        .flatMap { try? Reference.evaluateFast(test, dialect: $0) }
    })
  }

  /// Sees another case.
  static func seeing(_ change: @escaping @Sendable (inout Case) -> Void) -> PlantedSubject {
    PlantedSubject(answer: { test, dialect in
      var test = test
      change(&test)
      return try? Reference.evaluateFast(test, dialect: dialect)
    })
  }

  /// Computes right and writes wrong.
  static func writing(
    _ write: @escaping @Sendable (KernelBuffers, String, [UInt8]) -> Void
  ) -> PlantedSubject {
    PlantedSubject(write: write)
  }
}
