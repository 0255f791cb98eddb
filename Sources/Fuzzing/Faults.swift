import CaseFormat
import Operations

/// A generic fault, as a change of what a dialect says.
struct Fault {
  var name: String
  /// The stage that it sits in.
  var stage: String
  /// The sections of a dialect that it may sit in.
  var sections: [String]
  var changes: [(key: String, value: String)]

  private static let levels = ["quantize", "fake_quantize", "dynamic_quantize", "requantize"]

  static let all: [Fault] =
    [
      Fault(
        name: "saturating int16 pair sums", stage: "accumulation", sections: ["accumulate"],
        changes: [("pairs", "saturating_int16")]),
      Fault(
        name: "padding with 0 instead of the zero point", stage: "padding",
        sections: ["accumulate"],
        changes: [("padding", "zero_level")]),
      Fault(
        name: "an int32 accumulator that saturates", stage: "accumulation",
        sections: ["accumulate"],
        changes: [("bits", "32"), ("overflow", "saturate")]),
      Fault(
        name: "an accumulator of 16 bits that wraps", stage: "accumulation",
        sections: ["accumulate"],
        changes: [("bits", "16"), ("overflow", "wrap")]),
      Fault(
        name: "an accumulator of 16 bits that saturates", stage: "accumulation",
        sections: ["accumulate"],
        changes: [("bits", "16"), ("overflow", "saturate")]),
      Fault(
        name: "an accumulator of 24 bits that wraps", stage: "accumulation",
        sections: ["accumulate"],
        changes: [("bits", "24"), ("overflow", "wrap")]),
      Fault(
        name: "multiplication by the reciprocal for division", stage: "scaling", sections: levels,
        changes: [("scaling", "reciprocal")]),
      Fault(
        name: "division for multiplication by the reciprocal", stage: "scaling", sections: levels,
        changes: [("scaling", "division")]),
      Fault(
        name: "zero point added before the rounding", stage: "zero point", sections: levels,
        changes: [("zero_point", "before_rounding")]),
      Fault(
        name: "zero point added after the rounding", stage: "zero point", sections: levels,
        changes: [("zero_point", "after_rounding"), ("fused", "false")]),
      Fault(
        name: "a multiply-add that is not fused", stage: "scaling", sections: levels,
        changes: [("fused", "false")]),
      Fault(
        name: "binary64 for binary32", stage: "scaling", sections: levels,
        changes: [("precision", "float64")]),
      Fault(
        name: "one rounding for two", stage: "rounding", sections: ["requantize"],
        changes: [("form", "single"), ("rounding", "nearest_up")]),
      Fault(
        name: "wrapping instead of saturation in the high product", stage: "rounding",
        sections: ["requantize"],
        changes: [("high_overflow", "wrap")]),
      Fault(
        name: "products in binary64", stage: "scaling", sections: ["dequantize"],
        changes: [("product", "float64")]),
      Fault(
        name: "q * s - z * s for (q - z) * s", stage: "scaling", sections: ["dequantize"],
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
        Fault(
          name: "rounding by \(name)", stage: "rounding", sections: levels,
          changes: [("rounding", rule)]),
        Fault(
          name: "a high product rounded by \(name)", stage: "rounding", sections: ["requantize"],
          changes: [("first_rounding", rule)]),
      ]
    }
}
