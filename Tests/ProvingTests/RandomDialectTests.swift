import CaseFormat
import Generation
import NumberFormats
import Operations
import Testing

@testable import Proving

/// Dialects that nobody wrote, drawn key by key: where steps are claimed, every code is asked.
///
/// The inputs have eight bits, so all of it is by the definition, and scales and zero points are drawn
/// so that conversions overflow, underflow and collapse within them.
struct RandomDialectTests {
  private static let draws = MonotonicityTests.isComplete ? 4000 : 60

  @Test(arguments: ["quantize", "fake_quantize", "requantize"])
  func claims(operation: String) throws {
    var (claimed, others) = (0, 0)
    for draw in 0..<Self.draws {
      var random = Randomness(seed: 0x6469616C656374, stream: UInt64(draw))
      let text = Self.dialect(operation, &random)
      let dialect = try Dialect.parse(text, file: "drawn.yaml")
      let line = "\(operation) drawn " + Self.parameters(operation, of: text, &random)
      guard let question = try? question(line, dialect: dialect) else { continue }
      guard question.origin != nil else {
        others += 1
        continue
      }
      claimed += 1
      let objection = try question.objection(isComplete: true)
      #expect(objection == nil, "\(line)\n\(text)")
    }
    #expect(claimed > Self.draws / 3, "\(claimed) claims, \(others) others")
  }

  // MARK: Drawing

  private static func dialect(_ operation: String, _ random: inout Randomness) -> String {
    var lines = ["name: drawn", "extends: ideal", "\(operation):"]
    lines += level(&random, isPlain: operation == "requantize").map { "  " + $0 }
    switch operation {
    case "fake_quantize": lines += fakeQuantize(&random).map { "  " + $0 }
    case "requantize": lines += requantize(&random).map { "  " + $0 }
    default: break
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The keys of a level rule.
  private static func level(_ random: inout Randomness, isPlain: Bool) -> [String] {
    let plain = [
      "nearest_even", "nearest_away", "nearest_up", "nearest_down", "nearest_zero", "nearest_odd",
      "floor", "ceiling", "toward_zero", "away_from_zero",
    ]
    let emulated = ["dpu", "away_by_adding_half", "zero_by_subtracting_half"]
    let scaling = random.pick(["division", "reciprocal", "reciprocal", "real_range"])
    let zeroPoint = random.pick(["after_rounding", "before_rounding"])
    let isFused = scaling == "reciprocal" && zeroPoint == "before_rounding" && random.oneIn(2)
    var lines = [
      "scaling: \(scaling)",
      "precision: \(random.pick(["exact", "float16", "bfloat16", "float32", "float64", "scale"]))",
      "zero_point: \(zeroPoint)", "fused: \(isFused)",
      "rounding: \(random.pick(isPlain ? plain : plain + emulated + emulated))",
      "clamp: \(random.pick(["after_rounding", "before_rounding"]))",
      "addition: \(random.pick(["exact", "float32", "float64", "int32", "int64", "precision"]))",
      "overflow: \(random.pick(["unspecified", "wrap"]))",
      "nan: \(random.pick(["unspecified", "lowest", "highest", "zero", "propagate"]))",
      "offset: \(random.pick(["none", "type_minimum"]))",
      "keeps_minus_zero: \(random.oneIn(3))",
      "bounds: \(random.pick(["exact", "exact", "float16", "bfloat16", "float32"]))",
    ]
    if random.oneIn(3) { lines.append("conversion_bits: \(random.pick([8, 16, 32, 64]))") }
    return lines
  }

  private static func fakeQuantize(_ random: inout Randomness) -> [String] {
    var lines = [
      "kind: \(random.pick(["affine", "affine", "bit_width"]))",
      "axis: \(random.pick(["explicit", "broadcast"]))",
      "zero_point_preparation: "
        + random.pick(["none", "none", "round_and_clamp", "add_half_and_truncate"]),
      "mask_from: \(random.pick(["level", "level", "recomputed", "none"]))",
      "mask_bounds: \(random.pick(["exact", "float16", "bfloat16", "float32"]))",
      "nan_passes: \(random.oneIn(2))", "output:", "  any_zero_point_type: true",
    ]
    for key in ["operands", "difference", "product", "through"] {
      lines.append(
        "  \(key): \(random.pick(["exact", "float32", "float64", "output", "scale"]))")
    }
    lines.append("  form: \(random.pick(["difference", "difference", "products", "fused"]))")
    lines.append("mask:")
    lines += level(&random, isPlain: false).map { "  " + $0 }
    return lines
  }

  private static func requantize(_ random: inout Randomness) -> [String] {
    let rules = ["nearest_even", "nearest_away", "nearest_up", "nearest_odd", "floor", "ceiling"]
    return [
      "kind: \(random.pick(["real", "fixed", "fixed", "interval"]))",
      "accumulator: \(random.pick(["exact", "float16", "bfloat16", "float32"]))",
      "scale: \(random.pick(["exact", "float16", "bfloat16", "float32"]))",
      "from_scale: \(random.pick(["tflite", "tosa", "xnnpack"]))",
      "multiplier_bits: \(random.pick([8, 16, 24, 32, 32]))",
      "form: \(random.pick(["single", "double", "double", "tosa_double"]))",
      "first_rounding: \(random.pick(rules))",
      "high_overflow: \(random.pick(["saturate", "wrap"]))",
      "shift: left", "shift_min: -31", "shift_max: 30", "negative_multipliers: true",
      "takes_multipliers: true", "tosa_conditions: \(random.oneIn(4))",
    ]
  }

  private static func parameters(
    _ operation: String, of dialect: String, _ random: inout Randomness
  ) -> String {
    let scales = [
      "1", "0.1", "0.37", "3", "1000", "40000", "1e-3", "1e-6", "1e-9", "1e-30", "1e30", "1e-44",
      "0x1p-149", "3e38",
    ]
    let scale = "scale:\(random.pick(["float32", "float32", "bfloat16"]))=\(random.pick(scales))"
    let low = Int(random.within(-6...4))
    let ends = "qmin=\(low) qmax=\(low + random.below(6))"
    let zero = random.pick([0, 0, -2, 3, low, low + 1, -100, 100])
    switch operation {
    case "quantize":
      let input = random.pick(["float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "int8"])
      return "x:\(input) \(scale) zero_point:int8=\(zero) \(ends)"
    case "fake_quantize":
      let input = random.pick(["float8_e5m2", "float8_e4m3fn"])
      let zeros = [
        "float32=\(zero)", "float32=2.5", "float32=-0", "float32=-0.3", "int32=\(zero)",
        "float64=1e300", "int32=2147483647", "float32=-3e9",
      ]
      let width = "bit_width=\(random.pick(["1", "2", "2.5", "3"])) signed=\(random.below(2))"
      return "x:\(input) \(scale) zero_point:\(random.pick(zeros)) "
        + (dialect.contains("kind: bit_width") ? width : ends)
    default:
      let zero = "zero_point:int8=\(zero) \(ends)"
      let origin = random.oneIn(2) ? "" : " acc_zero_point:int8=\(random.within(-128...127))"
      if random.oneIn(3) { return "acc:int8 \(scale) \(zero)\(origin)" }
      let multiplier = random.pick([-128, -100, 0, 1, 64, 100, 127, 1 << 30, 2_147_483_647, -1 << 31])
      return "acc:int8 multiplier:int32=\(multiplier) shift:int32=\(random.within(-31...30)) "
        + zero + origin
    }
  }
}
