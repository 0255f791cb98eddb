import CaseFormat
import Generation
import NumberFormats
import Operations
import Verification

/// Finds out what a subject that fails really computes: another dialect, or a known fault.
struct Hypotheses {
  private let operation: any Operations.Operation.Type
  private let dialect: Dialect
  private let subject: any Subject
  private let judge: Judge
  /// How many fresh cases a hypothesis has to explain.
  private static let probeCount = 200

  init(
    _ operation: any Operations.Operation.Type, _ dialect: Dialect, _ subject: any Subject,
    _ judge: Judge
  ) {
    (self.operation, self.dialect, self.subject) = (operation, dialect, subject)
    self.judge = judge
  }

  /// Something that a subject might compute.
  private struct Hypothesis {
    var name: String
    var dialect: Dialect
    var transform: (Case) -> Case?
  }

  /// One case that the subject ran, with what it gave.
  private struct Probe {
    var test: Case
    var given: [[Int64]]
    var exact: [Expectation]
  }

  /// What the subject's answers look like, tested on fresh cases before it is said.
  func likeness(_ test: Case, _ outcome: Outcome) -> String? {
    guard let given = judge.outputs(of: subject, test, dialect: dialect, like: outcome) else {
      return nil
    }
    let failing = Probe(
      test: test, given: given, exact: outcome.outputs.map(\.expectation))
    let candidates = hypotheses.filter {
      agreement($0, failing).map { $0.agreed == $0.total } ?? false
    }
    if candidates.isEmpty { return nil }
    let probes = probes()
    var complete: [String] = []
    var compared = 0
    var nearest: (name: String, explained: Int, wrong: Int)?
    for candidate in candidates {
      var sum = Agreement()
      for probe in probes { sum.add(agreement(candidate, probe)) }
      if sum.total > 0 && sum.agreed == sum.total {
        complete.append(candidate.name)
        compared = sum.total
      } else if sum.explained > nearest?.explained ?? 0 {
        nearest = (candidate.name, sum.explained, sum.wrong)
      }
    }
    if !complete.isEmpty {
      // Faults stand before dialects: they say what to look for.
      let faults = complete.filter { !$0.contains("/") }.prefix(2)
      let dialects = complete.filter { $0.contains("/") }.prefix(faults.isEmpty ? 2 : 1)
      return (faults + dialects).joined(separator: ", or ")
        + " (agrees on all \(compared) probes)"
    }
    guard let nearest, nearest.explained * 10 >= nearest.wrong * 8 else { return nil }
    return "\(nearest.name), in part (explains \(nearest.explained) of "
      + "\(nearest.wrong) wrong elements)"
  }

  /// How well a hypothesis explains what a subject gave.
  private struct Agreement {
    var agreed = 0
    var total = 0
    /// Elements that the subject has wrong, and those of them that the hypothesis explains.
    var wrong = 0
    var explained = 0

    mutating func add(_ other: Agreement?) {
      guard let other else { return }
      agreed += other.agreed
      total += other.total
      wrong += other.wrong
      explained += other.explained
    }
  }

  /// How many elements of a probe a hypothesis explains; nil where it has no answer.
  private func agreement(_ hypothesis: Hypothesis, _ probe: Probe) -> Agreement? {
    guard var changed = hypothesis.transform(probe.test) else { return nil }
    changed.outputs = nil
    guard let outcome = try? Reference.evaluateFast(changed, dialect: hypothesis.dialect) else {
      return nil
    }
    var result = Agreement()
    for ((output, given), exact) in zip(zip(outcome.outputs, probe.given), probe.exact) {
      guard output.expectation.tensor.count == given.count else { return nil }
      for (index, code) in given.enumerated() where !output.expectation.isUnspecified(at: index) {
        let agrees = output.expectation.agrees(code, at: index)
        result.total += 1
        result.agreed += agrees ? 1 : 0
        if !exact.agrees(code, at: index) {
          result.wrong += 1
          result.explained += agrees ? 1 : 0
        }
      }
    }
    return result
  }

  private func probes() -> [Probe] {
    var probes: [Probe] = []
    for stream in 0..<Self.probeCount {
      var choices = Choices(randomness: Randomness(seed: 0x9806E, stream: UInt64(stream)))
      let test = operation.generate(from: &choices, dialect: dialect)
      guard let outcome = try? Reference.evaluateFast(test, dialect: dialect),
        let given = judge.outputs(of: subject, test, dialect: dialect, like: outcome)
      else { continue }
      probes.append(
        Probe(test: test, given: given, exact: outcome.outputs.map(\.expectation)))
    }
    return probes
  }

  // MARK: The hypotheses

  private var hypotheses: [Hypothesis] {
    var result: [Hypothesis] = []
    for name in Dialect.builtInNames where name != dialect.name {
      if let other = try? Dialect.named(name), other.defines(operation.name) {
        result.append(
          Hypothesis(name: "\(operation.name)/\(name)", dialect: other, transform: { $0 }))
      }
    }
    for fault in Fault.all {
      guard fault.sections.isEmpty == false else { continue }
      for section in fault.sections {
        if let changed = dialect.changed(name: dialect.name, section, fault.changes) {
          result.append(Hypothesis(name: fault.name, dialect: changed, transform: { $0 }))
        }
      }
    }
    for fault in CaseFault.all {
      result.append(Hypothesis(name: fault.name, dialect: dialect, transform: fault.apply))
    }
    return result
  }
}

/// A generic fault, as a change of what a dialect says.
struct Fault {
  var name: String
  /// The sections of a dialect that it may sit in.
  var sections: [String]
  var changes: [(key: String, value: String)]

  private static let levels = ["quantize", "fake_quantize", "dynamic_quantize", "requantize"]

  static let all: [Fault] =
    [
      Fault(
        name: "saturating int16 pair sums", sections: ["accumulate"],
        changes: [("pairs", "saturating_int16")]),
      Fault(
        name: "padding with 0 instead of the zero point", sections: ["accumulate"],
        changes: [("padding", "zero_level")]),
      Fault(
        name: "an int32 accumulator that saturates", sections: ["accumulate"],
        changes: [("bits", "32"), ("overflow", "saturate")]),
      Fault(
        name: "an accumulator of 16 bits that wraps", sections: ["accumulate"],
        changes: [("bits", "16"), ("overflow", "wrap")]),
      Fault(
        name: "an accumulator of 16 bits that saturates", sections: ["accumulate"],
        changes: [("bits", "16"), ("overflow", "saturate")]),
      Fault(
        name: "an accumulator of 24 bits that wraps", sections: ["accumulate"],
        changes: [("bits", "24"), ("overflow", "wrap")]),
      Fault(
        name: "multiplication by the reciprocal for division", sections: levels,
        changes: [("scaling", "reciprocal")]),
      Fault(
        name: "division for multiplication by the reciprocal", sections: levels,
        changes: [("scaling", "division")]),
      Fault(
        name: "zero point added before the rounding", sections: levels,
        changes: [("zero_point", "before_rounding")]),
      Fault(
        name: "zero point added after the rounding", sections: levels,
        changes: [("zero_point", "after_rounding"), ("fused", "false")]),
      Fault(
        name: "a multiply-add that is not fused", sections: levels, changes: [("fused", "false")]),
      Fault(
        name: "binary64 for binary32", sections: levels, changes: [("precision", "float64")]),
      Fault(
        name: "one rounding for two", sections: ["requantize"],
        changes: [("form", "single"), ("rounding", "nearest_up")]),
      Fault(
        name: "wrapping instead of saturation in the high product", sections: ["requantize"],
        changes: [("high_overflow", "wrap")]),
      Fault(
        name: "products in binary64", sections: ["dequantize"], changes: [("product", "float64")]),
      Fault(
        name: "q * s - z * s for (q - z) * s", sections: ["dequantize"],
        changes: [("form", "products")]),
    ]
    + [
      ("half to even", "nearest_even"), ("half away from zero", "nearest_away"),
      ("half up", "nearest_up"), ("half down", "nearest_down"),
      ("half toward zero", "nearest_zero"),
      ("truncation", "toward_zero"), ("floor", "floor"), ("ceiling", "ceiling"),
      ("half away by adding 0.5 in floating point", "away_by_adding_half"),
    ].flatMap { name, rule in
      [
        Fault(name: "rounding by \(name)", sections: levels, changes: [("rounding", rule)]),
        Fault(
          name: "a high product rounded by \(name)", sections: ["requantize"],
          changes: [("first_rounding", rule)]),
      ]
    }
}

/// A generic fault, as a change of the case that a kernel seems to see.
struct CaseFault: Sendable {
  var name: String
  /// The changed case, or nil where the fault would change nothing.
  var apply: @Sendable (Case) -> Case?

  static let all: [CaseFault] =
    [
      "x_zero_point", "w_zero_point", "a_zero_point", "b_zero_point", "acc_zero_point",
      "zero_point",
    ]
    .map { name in zeroed(name, "'\(name)' ignored") }
    + [
      zeroed("bias", "bias ignored"),
      firstOnly("w_zero_point"), firstOnly("w_scale"), firstOnly("scale"), firstOnly("zero_point"),
      firstOnly("b_zero_point"), firstOnly("b_scale"), firstOnly("multiplier"),
      integers("pads", "the leading pads on both sides") { [$0[0], $0[1], $0[0], $0[1]] },
      integers("pads", "pads of height and width swapped") { [$0[1], $0[0], $0[3], $0[2]] },
      integers("strides", "strides of height and width swapped") { $0.reversed() },
      integers("strides", "the vertical stride for both") { [$0[0], $0[0]] },
      integers("dilations", "dilations ignored") { _ in [1, 1] },
      integers("dilations", "dilations of height and width swapped") { $0.reversed() },
      CaseFault(name: "qmin and qmax ignored") { test in
        guard test.attributes["qmin"] != nil || test.attributes["qmax"] != nil else { return nil }
        var test = test
        test.attributes["qmin"] = nil
        test.attributes["qmax"] = nil
        return test
      },
    ]

  /// Every element of an input replaced by zero.
  private static func zeroed(_ input: String, _ name: String) -> CaseFault {
    CaseFault(name: name) { test in
      guard let tensor = test.inputs[input], tensor.codes.contains(where: { $0 != 0 }) else {
        return test.inputs[input] == nil ? nil : test
      }
      var test = test
      test.inputs[input] = Tensor(
        tensor.dtype, shape: tensor.shape, codes: tensor.codes.map { _ in 0 })
      return test
    }
  }

  /// The first element of a per-channel input for every channel.
  private static func firstOnly(_ input: String) -> CaseFault {
    CaseFault(name: "the first '\(input)' for every channel") { test in
      guard let tensor = test.inputs[input], let first = tensor.codes.first else { return nil }
      var test = test
      test.inputs[input] = Tensor(
        tensor.dtype, shape: tensor.shape, codes: tensor.codes.map { _ in first })
      return test
    }
  }

  private static func integers(
    _ attribute: String, _ name: String, _ change: @escaping @Sendable ([Int]) -> [Int]
  ) -> CaseFault {
    CaseFault(name: name) { test in
      guard case .integers(let values)? = test.attributes[attribute] else { return test }
      var test = test
      test.attributes[attribute] = .integers(change(values))
      return test
    }
  }
}
