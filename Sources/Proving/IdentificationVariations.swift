import CaseFormat
import Operations

/// Ways to compute an operation that differ in one thing at a time: a grid of small dialects.
///
/// A kernel that is no dialect is still one of these, or near one; and what a kernel does with ties,
/// zero points and scales shows against the neighbours of the way that it goes.
struct VariationFamily: Sendable {
  /// What all of the family have in common, for people; empty where that says nothing.
  let title: String
  let operations: [String]
  let axes: [Axis]
  /// The sections that all have, each with its keys.
  let sections: [(name: String, keys: [(key: String, value: String)])]

  /// One thing in which ways to compute differ.
  struct Axis: Sendable {
    let name: String
    let options: [Option]
  }

  /// One way to do it: what it changes in a dialect.
  struct Option: Sendable {
    let phrase: String
    let section: String
    let changes: [(key: String, value: String)]

    init(_ phrase: String, _ section: String, _ changes: (String, String)...) {
      (self.phrase, self.section) = (phrase, section)
      self.changes = changes.map { (key: $0.0, value: $0.1) }
    }
  }

  /// A choice on every axis, as a dialect; nil where the choices exclude each other.
  func dialect(_ choices: [Int]) -> Dialect? {
    var text = "name: variation\n"
    for section in sections {
      var keys = section.keys
      for (axis, choice) in zip(axes, choices) where axis.options[choice].section == section.name {
        for change in axis.options[choice].changes {
          keys.removeAll { $0.key == change.key }
          keys.append(change)
        }
      }
      text += "\(section.name): {" + keys.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
      text += "}\n"
    }
    return try? Dialect.parse(text, file: "variation.yaml")
  }

  /// Every combination of choices.
  var combinations: [[Int]] {
    axes.reduce([[]]) { lists, axis in
      lists.flatMap { list in axis.options.indices.map { list + [$0] } }
    }
  }

  /// The combinations that differ from one on one axis.
  func neighbours(of choices: [Int]) -> [(axis: Int, choices: [Int])] {
    axes.indices.flatMap { axis in
      axes[axis].options.indices.filter { $0 != choices[axis] }.map { option in
        var other = choices
        other[axis] = option
        return (axis, other)
      }
    }
  }

  // MARK: The families

  /// The families of an operation.
  static func all(of operation: String) -> [VariationFamily] {
    families.filter { $0.operations.contains(operation) }
  }

  private static func roundings(_ section: String, key: String = "rounding") -> [Option] {
    [
      ("half to even", "nearest_even"), ("half away from zero", "nearest_away"),
      ("half up", "nearest_up"), ("half toward zero", "nearest_zero"),
      ("half down", "nearest_down"), ("truncation", "toward_zero"), ("floor", "floor"),
      ("ceiling", "ceiling"),
    ].map { Option($0, section, (key, $1)) }
  }

  private static func levelAxes(_ section: String) -> [Axis] {
    [
      Axis(
        name: "scaling",
        options: [
          Option("division by the scale", section, ("scaling", "division")),
          Option("multiplication by the reciprocal", section, ("scaling", "reciprocal")),
        ]),
      Axis(
        name: "precision",
        options: [
          Option("binary32", section, ("precision", "float32")),
          Option("binary64", section, ("precision", "float64")),
        ]),
      Axis(
        name: "zero point",
        options: [
          Option("after the rounding", section, ("zero_point", "after_rounding")),
          Option("before the rounding", section, ("zero_point", "before_rounding")),
          Option(
            "before the rounding, in a fused multiply-add", section,
            ("zero_point", "before_rounding"), ("fused", "true")),
        ]),
      Axis(
        name: "rounding",
        options: roundings(section) + [
          Option(
            "half away from zero, by adding 0.5 in floating point", section,
            ("rounding", "away_by_adding_half"))
        ]),
    ]
  }

  /// Special values are described by themselves: here they are open.
  private static let ordinary: [(key: String, value: String)] = [
    ("nan", "unspecified"), ("conversion_bits", "32"),
  ]

  private static let families: [VariationFamily] = [
    VariationFamily(
      title: "", operations: ["quantize"], axes: levelAxes("quantize"),
      sections: [("quantize", ordinary + [("axis", "explicit")])]),
    VariationFamily(
      title: "", operations: ["fake_quantize"], axes: levelAxes("fake_quantize"),
      sections: [
        (
          "fake_quantize",
          ordinary + [
            ("axis", "explicit"),
            (
              "output",
              "{difference: float32, product: float32, any_zero_point_type: true}"
            ),
          ]
        )
      ]),
    VariationFamily(
      title: "", operations: ["dequantize"],
      axes: [
        Axis(
          name: "formula",
          options: [
            Option("(q - z) * s", "dequantize", ("form", "difference")),
            Option("q * s + (-z * s), each rounded", "dequantize", ("form", "products")),
            Option("q * s + (-z * s), rounded once", "dequantize", ("form", "fused")),
          ]),
        Axis(
          name: "difference",
          options: [
            Option("exact", "dequantize", ("difference", "exact")),
            Option("in binary32", "dequantize", ("difference", "float32")),
          ]),
        Axis(
          name: "precision",
          options: [
            Option("binary32", "dequantize", ("product", "float32")),
            Option("binary64", "dequantize", ("product", "float64")),
          ]),
      ],
      sections: [("dequantize", [("axis", "explicit"), ("any_zero_point_type", "true")])]),
    realRequantization, fixedRequantization, accumulation, realProduct, fixedProduct,
  ]

  private static let realAxes: [Axis] = [
    Axis(
      name: "accumulator",
      options: [
        Option("converted to binary32", "requantize", ("accumulator", "float32")),
        Option("as it is", "requantize", ("accumulator", "exact")),
      ]),
    Axis(
      name: "precision",
      options: [
        Option("the scale acts in binary32", "requantize", ("precision", "float32")),
        Option("the scale acts in binary64", "requantize", ("precision", "float64")),
      ]),
    Axis(
      name: "zero point",
      options: [
        Option("after the rounding", "requantize", ("zero_point", "after_rounding")),
        Option("before the rounding", "requantize", ("zero_point", "before_rounding")),
      ]),
    Axis(name: "rounding", options: roundings("requantize")),
  ]

  private static let fixedAxes: [Axis] = [
    Axis(
      name: "roundings",
      options: [
        Option("one, of the whole shift", "requantize", ("form", "single")),
        Option("two, of a high product and of the rest", "requantize", ("form", "double")),
      ]),
    Axis(name: "rounding", options: roundings("requantize")),
    Axis(
      name: "high product",
      options: Array(roundings("requantize", key: "first_rounding").prefix(3))
        + [Option("floor", "requantize", ("first_rounding", "floor"))]),
    Axis(
      name: "multiplier",
      options: [
        Option("31 bits of the scale, half away (TFLite)", "requantize", ("from_scale", "tflite")),
        Option("24 bits of the scale (XNNPACK)", "requantize", ("from_scale", "xnnpack")),
      ]),
  ]

  private static let real: [(key: String, value: String)] =
    ordinary + [("kind", "real"), ("scale", "float32"), ("takes_multipliers", "true")]
  private static let fixed: [(key: String, value: String)] = [
    ("kind", "fixed"), ("negative_multipliers", "true"),
  ]

  private static let realRequantization = VariationFamily(
    title: "a floating-point product", operations: ["requantize"], axes: realAxes,
    sections: [("requantize", real)])

  private static let fixedRequantization = VariationFamily(
    title: "an integer multiplier and shift", operations: ["requantize"],
    axes: fixedAxes + [
      Axis(
        name: "shift",
        options: [
          Option("left, from 31", "requantize", ("shift", "left")),
          Option(
            "right", "requantize", ("shift", "right"), ("shift_min", "0"), ("shift_max", "62")),
        ])
    ], sections: [("requantize", fixed)])

  private static let sums: [Axis] = [
    Axis(
      name: "pair sums",
      options: [
        Option("exact", "accumulate", ("pairs", "exact")),
        Option("saturate to int16", "accumulate", ("pairs", "saturating_int16")),
      ]),
    Axis(
      name: "padding",
      options: [
        Option("the zero point, a real zero", "accumulate", ("padding", "zero_point")),
        Option("the level 0", "accumulate", ("padding", "zero_level")),
      ]),
    Axis(
      name: "accumulator",
      options: [
        Option("32 bits, wraps", "accumulate", ("bits", "32"), ("overflow", "wrap")),
        Option(
          "32 bits, saturates at the end", "accumulate", ("bits", "32"), ("overflow", "saturate")),
        Option(
          "32 bits, each addition saturates", "accumulate", ("bits", "32"),
          ("overflow", "saturate_each")),
        Option("24 bits, wraps", "accumulate", ("bits", "24"), ("overflow", "wrap")),
        Option("24 bits, saturates", "accumulate", ("bits", "24"), ("overflow", "saturate_each")),
        Option("16 bits, wraps", "accumulate", ("bits", "16"), ("overflow", "wrap")),
        Option("16 bits, saturates", "accumulate", ("bits", "16"), ("overflow", "saturate_each")),
      ]),
  ]

  private static let accumulation = VariationFamily(
    title: "", operations: ["matmul", "conv2d", "depthwise_conv2d"], axes: sums,
    sections: [("accumulate", [])])

  private static let factor = Axis(
    name: "factor",
    options: [
      Option("binary32: xs * ws / ys", "effective_scale", ("form", "float32")),
      Option("binary32: xs * ws * (1 / ys)", "effective_scale", ("form", "float32_reciprocal")),
      Option("binary64: xs * ws / ys", "effective_scale", ("form", "float64")),
      Option("binary64 of a binary32 product", "effective_scale", ("form", "float32_product")),
    ])

  private static let realProduct = VariationFamily(
    title: "a floating-point product", operations: ["qmatmul", "qconv2d"],
    axes: realAxes + [factor] + sums.prefix(2),
    sections: [("requantize", real), ("effective_scale", []), ("accumulate", [("bits", "32")])])

  private static let fixedProduct = VariationFamily(
    title: "an integer multiplier and shift", operations: ["qmatmul", "qconv2d"],
    axes: Array(fixedAxes.prefix(2)) + [factor] + sums.prefix(2),
    sections: [("requantize", fixed), ("effective_scale", []), ("accumulate", [("bits", "32")])])
}
