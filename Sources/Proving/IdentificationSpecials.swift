import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations

/// What a kernel gives for inputs that are no ordinary numbers, or far outside the range.
struct SpecialValues {
  private let observations: [Observation]

  init(_ observations: [Observation]) { self.observations = observations }

  /// A kind of input.
  private struct Kind: Sendable {
    var name: String
    /// Whether an input, in levels, is of the kind.
    var holds: @Sendable (Number, Number) -> Bool
  }

  private static let kinds: [Kind] = [
    Kind(name: "NaN") { value, _ in value.isNaN },
    Kind(name: "+infinity") { value, _ in value.isInfinite && !value.isNegative },
    Kind(name: "-infinity") { value, _ in value.isInfinite && value.isNegative },
    Kind(name: "above the range") { _, level in inside(level, 10, 31) && !level.isNegative },
    Kind(name: "below the range") { _, level in inside(level, 10, 31) && level.isNegative },
    Kind(name: "from 2^31 levels on") { _, level in inside(level, 31, 63) && !level.isNegative },
    Kind(name: "below -2^31 levels") { _, level in inside(level, 31, 63) && level.isNegative },
    Kind(name: "from 2^63 levels on") { _, level in inside(level, 63, 4096) && !level.isNegative },
    Kind(name: "below -2^63 levels") { _, level in inside(level, 63, 4096) && level.isNegative },
  ]

  /// Whether a magnitude is above one power of two and below another.
  private static func inside(_ level: Number, _ low: Int, _ high: Int) -> Bool {
    guard let magnitude = level.rational?.magnitude else { return false }
    return magnitude > Rational(1).scaledByPowerOfTwo(low)
      && magnitude < Rational(1).scaledByPowerOfTwo(high)
  }

  /// What was seen, one property a kind of input.
  var properties: [Identification.Property] {
    guard let first = observations.first, first.probe.input != nil else { return [] }
    switch first.probe.test.operation {
    case "quantize": return Self.kinds.compactMap { property($0, first.outputs[0].name) }
    case "fake_quantize":
      return Self.kinds.compactMap { property($0, "y") }
        + Self.kinds.prefix(3).compactMap { property($0, "mask") } + [minusZero].compactMap { $0 }
    case "requantize": return [lowest].compactMap { $0 }
    default: return []
    }
  }

  /// An element of a kind: where it stands, and what came.
  private struct Sample {
    var observation: Observation
    var output: Int
    var element: Int
    var found: Int64 { observation.given[output][element] }
    var dtype: DataType { observation.outputs[output].dtype }

    var evidence: Identification.Evidence {
      Identification.Evidence(
        parameters: observation.probe.parameters, input: observation.probe.text(of: element),
        found: Readable.text(ofCode: found, dtype), expected: "", reason: "")
    }
  }

  private func samples(_ output: String, where holds: (Number, Number) -> Bool) -> [Sample] {
    observations.flatMap { observation -> [Sample] in
      let test = observation.probe.test
      guard let input = observation.probe.input, let x = test.inputs[input],
        let index = observation.outputs.firstIndex(where: { $0.name == output }),
        let scale = test.inputs["scale"]?.number(at: 0).rational, !scale.isZero
      else { return [] }
      return (0..<x.count).filter { element in
        let value = x.number(at: element)
        return holds(value, value.rational.map { .finite($0 / scale) } ?? .nan)
      }.map { Sample(observation: observation, output: index, element: $0) }
    }
  }

  private func property(_ kind: Kind, _ output: String) -> Identification.Property? {
    let samples = samples(output, where: kind.holds)
    guard let first = samples.first else { return nil }
    let answers = Self.answers.filter { answer in
      samples.allSatisfy { answer.code($0.observation, $0.dtype) == $0.found }
    }
    let name = output == "mask" ? "mask of \(kind.name)" : kind.name
    var (value, witness) = ("", first)
    if let answer = answers.first {
      value = answer.phrase
    } else if samples.allSatisfy({ $0.found == first.found }) {
      value = Readable.text(ofCode: first.found, first.dtype)
    } else {
      (value, witness) = Self.majority(samples)
    }
    return Identification.Property(
      name: name, value: value, support: "\(samples.count) answers", witness: witness.evidence)
  }

  /// The rule that most answers follow, and the first that does not.
  private static func majority(_ samples: [Sample]) -> (value: String, exception: Sample) {
    let counts = answers.map { answer in
      (answer, samples.filter { answer.code($0.observation, $0.dtype) != $0.found })
    }
    guard let best = counts.min(by: { $0.1.count < $1.1.count }), best.1.count < samples.count
    else {
      return ("no one rule", samples[0])
    }
    return ("\(best.0.phrase), but for \(best.1.count)", best.1[0])
  }

  /// A rule for special inputs, and what it gives.
  private struct Answer: Sendable {
    var phrase: String
    /// The level, by the zero point and the ends of the range.
    var level: @Sendable (Int64, ClosedRange<Int64>) -> Int64

    func code(_ observation: Observation, _ dtype: DataType) -> Int64? {
      let test = observation.probe.test
      let zero = test.inputs["zero_point"]?.codes.first ?? 0
      func attribute(_ name: String) -> Int64? {
        if case .integer(let value)? = test.attributes[name] { return Int64(value) }
        return nil
      }
      let low = attribute("qmin") ?? dtype.codes.lowerBound
      let high = attribute("qmax") ?? dtype.codes.upperBound
      guard low <= high else { return nil }
      let level = self.level(zero, low...high)
      guard case .float(let format) = dtype else { return dtype == .bool ? nil : level }
      guard let scale = test.inputs["scale"]?.number(at: 0).rational else { return nil }
      return Int64(bitPattern: format.encode(.finite(Rational(level - zero) * scale)))
    }
  }

  private static let answers: [Answer] = [
    Answer(phrase: "the highest level") { _, range in range.upperBound },
    Answer(phrase: "the lowest level") { _, range in range.lowerBound },
    Answer(phrase: "the zero point") { zero, _ in zero },
    Answer(phrase: "the level 0") { _, range in min(max(0, range.lowerBound), range.upperBound) },
    Answer(phrase: "INT_MIN plus the zero point, cut to 32 bits") { zero, range in
      let sum = Int64(Int32(truncatingIfNeeded: Int64(Int32.min) + zero))
      return min(max(sum, range.lowerBound), range.upperBound)
    },
    Answer(phrase: "INT_MIN plus the zero point, cut to 8 bits") { zero, range in
      range.lowerBound < 0
        ? Int64(Int8(truncatingIfNeeded: zero)) : Int64(UInt8(truncatingIfNeeded: zero))
    },
  ]

  /// The sign of a zero that a negative input becomes.
  private var minusZero: Identification.Property? {
    let samples = samples("y") { value, level in
      guard let rational = level.rational else { return false }
      return value.isNegative && rational.magnitude < Rational(1, 4)
    }.filter { sample in
      guard case .float(let format) = sample.dtype else { return false }
      return format.decode(UInt64(bitPattern: sample.found)).isZero
    }
    guard let first = samples.first, case .float(let format) = first.dtype else { return nil }
    let negative = samples.count {
      format.decode(UInt64(bitPattern: $0.found)) == .negativeZero
    }
    return Identification.Property(
      name: "zero of a negative input",
      value: negative == samples.count
        ? "-0" : negative == 0 ? "+0" : "-0 \(negative) times, else +0",
      support: "\(samples.count) answers", witness: first.evidence)
  }

  /// What the lowest accumulator becomes.
  private var lowest: Identification.Property? {
    for observation in observations {
      guard let acc = observation.probe.test.inputs["acc"],
        let element = acc.codes.firstIndex(of: acc.dtype.codes.lowerBound)
      else { continue }
      let sample = Sample(observation: observation, output: 0, element: element)
      return Identification.Property(
        name: "INT_MIN", value: Readable.text(ofCode: sample.found, sample.dtype),
        support: "1 answer",
        witness: sample.evidence)
    }
    return nil
  }
}
