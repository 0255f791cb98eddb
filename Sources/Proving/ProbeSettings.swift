public import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations

/// Parameters at which dialects show what they do: types, granularity, scales and zero points.
///
/// Scales that are powers of two make exact ties, so the rule for ties and the place of the zero
/// point show; scales whose reciprocal is inexact show division; the extremes show what overflows.
public struct ProbeSetting: Sendable {
  public let operation: String
  public let parameters: QuestionParameters
  /// Whether the function per channel is asked for, by the attribute `axis`.
  public let isPerChannel: Bool

  /// The template of an operation: its swept input says only its type.
  public var template: Case? {
    guard var test = try? parameters.template(of: operation) else { return nil }
    if isPerChannel { test.attributes["axis"] = .integer(0) }
    return test
  }

  /// What a kernel must take to take this: types and granularity.
  var facet: String {
    guard let template else { return operation }
    let types = template.inputs.sorted { $0.key < $1.key }.map {
      "\($0.key)=\($0.value.dtype.name)"
    }
    let attributes = template.attributes.keys.sorted().joined(separator: ",")
    let output = parameters.attributes["output_dtype"].map { " \($0)" } ?? ""
    return types.joined(separator: " ") + " " + attributes + output
  }

  /// The settings of an element-wise operation, the most telling first; empty for others.
  public static func all(of operation: String) -> [ProbeSetting] {
    var list = Builder(operation: operation)
    switch operation {
    case "quantize": list.addQuantize()
    case "dequantize": list.addDequantize()
    case "requantize": list.addRequantize()
    case "fake_quantize": list.addFakeQuantize()
    case "bipolar_quantize":
      for scale in ["1", "0.1", "0x1p-149"] { list.add { $0.scale = scale } }
    case "truncate": list.addTruncate()
    default: break
    }
    return list.settings
  }
}

/// Where a zero point stands in its type.
private enum ZeroPlace {
  case zero, three, low, high, middle

  func text(_ range: ClosedRange<Int64>) -> String {
    switch self {
    case .zero: "0"
    case .three: "\(min(3, range.upperBound))"
    case .low: "\(range.lowerBound)"
    case .high: "\(range.upperBound)"
    case .middle: "\(range.lowerBound / 2 + range.upperBound / 2 - 4 | 1)"
    }
  }
}

private struct Builder {
  let operation: String
  var settings: [ProbeSetting] = []

  init(operation: String) { self.operation = operation }

  mutating func add(perChannel: Bool = false, _ change: (inout QuestionParameters) -> Void) {
    var parameters = QuestionParameters()
    change(&parameters)
    settings.append(
      ProbeSetting(operation: operation, parameters: parameters, isPerChannel: perChannel))
  }

  /// Scales and zero points, the most telling first.
  private static let affine: [(scale: String, zero: ZeroPlace)] = [
    ("1", .zero), ("1", .three), ("0.0123", .three), ("0.1", .high), ("0x1.555556p-2", .middle),
    ("7.3", .low), ("0.1", .zero), ("0x1p-3", .low), ("0x1.fffffep-1", .middle),
    ("0.003921569", .high), ("0x1p-130", .zero), ("0x1.8p127", .three),
  ]

  private static func type(_ name: String) -> DataType { DataType(name: name) ?? .int8 }

  mutating func addQuantize() {
    func range(_ name: String) -> ClosedRange<Int64> { Self.type(name).codes }
    for (name, perChannel, count) in [
      ("int8", false, 12), ("uint8", false, 12), ("int8", true, 5), ("uint8", true, 4),
      ("int16", false, 3), ("uint16", false, 3), ("int4", false, 3), ("uint4", false, 3),
      ("int2", false, 2), ("uint2", false, 2), ("int32", false, 3),
    ] {
      for (scale, zero) in Self.affine.prefix(count) {
        add(perChannel: perChannel) {
          ($0.scale, $0.zeroPoint) = (scale, zero.text(range(name)))
          $0.type = Self.type(name)
        }
      }
    }
    for input in ["float16", "bfloat16"] {
      for (scale, zero) in Self.affine.prefix(3) {
        add {
          ($0.scale, $0.zeroPoint) = (scale, zero.text(range("int8")))
          ($0.inputType, $0.type) = (Self.type(input), .int8)
        }
      }
    }
    for name in ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"] {
      for scale in ["1", "0.1"] {
        add {
          ($0.scale, $0.type) = (scale, Self.type(name))
        }
      }
    }
    addFixedPoint()
  }

  /// Every rounding and overflow of ap_fixed, on both signs and both sides of the range.
  private mutating func addFixedPoint() {
    let roundings = [
      "AP_TRN", "AP_RND", "AP_RND_ZERO", "AP_RND_MIN_INF", "AP_RND_INF", "AP_RND_CONV",
      "AP_TRN_ZERO",
    ]
    for (index, rounding) in roundings.enumerated() {
      let overflows = ["AP_WRAP", "AP_SAT", "AP_SAT_ZERO", "AP_SAT_SYM", "AP_WRAP_SM"]
      for overflow in index == 0 ? overflows : [overflows[1]] {
        add {
          ($0.inputType, $0.type) = (Self.type("fixed<12,6>"), Self.type("fixed<6,4>"))
          $0.attributes = ["rounding": .string(rounding), "overflow": .string(overflow)]
        }
      }
    }
  }

  mutating func addDequantize() {
    for (name, perChannel, count) in [
      ("int8", false, 9), ("uint8", false, 9), ("int8", true, 5), ("uint8", true, 3),
      ("int16", false, 3), ("uint16", false, 3), ("int4", false, 2), ("uint4", false, 2),
      ("int32", false, 3), ("int32", true, 2), ("float8_e4m3fn", false, 1),
    ] {
      for (scale, zero) in Self.affine.dropFirst(2).prefix(count) {
        let isFree = name == "int32" || name.hasPrefix("float")
        add(perChannel: perChannel) {
          ($0.scale, $0.type) = (scale, Self.type(name))
          $0.zeroPoint = isFree ? "0" : zero.text(Self.type(name).codes)
        }
      }
    }
    for name in ["float16", "bfloat16"] {
      for (scale, zero) in Self.affine.dropFirst(2).prefix(2) {
        add {
          ($0.scale, $0.zeroPoint) = (scale, zero.text(-128...127))
          ($0.type, $0.scaleType) = (.int8, Self.type(name))
        }
      }
    }
  }

  mutating func addRequantize() {
    let scales = [
      "0.25", "0.5", "0.0098781746", "1", "5.165498464521079e-07", "0.75", "0x1.555556p-2",
      "0.0007", "0x1.fffffep-1", "0x1p-24", "1.5", "0.0312500019",
    ]
    let zeros: [ZeroPlace] = [.zero, .three, .zero, .low, .three, .high, .middle]
    for (type, count) in [("int8", 12), ("uint8", 4), ("int16", 3)] {
      for (index, scale) in scales.prefix(count).enumerated() {
        add {
          ($0.scale, $0.type) = (scale, Self.type(type))
          $0.zeroPoint = zeros[index % zeros.count].text(Self.type(type).codes)
        }
      }
    }
    // The same real multipliers as TFLite writes them, and as TOSA does.
    let pairs: [(m: Int64, left: Int64)] = [
      (1_073_741_824, -1), (1_073_741_824, 0), (1_518_500_250, -3), (1_073_741_825, -7),
      (2_147_483_647, 0), (1_128_477_647, -9), (1_789_569_707, -20), (1_431_655_765, 2),
      (1_299_999_999, -5), (-2_147_483_648, 0),
    ]
    for (index, pair) in pairs.enumerated() {
      for isTosa in [false, true] {
        add {
          ($0.multiplier, $0.shift) = (pair.m, isTosa ? 31 - pair.left : pair.left)
          ($0.type, $0.zeroPoint) = (.int8, zeros[index % zeros.count].text(-128...127))
        }
      }
    }
    for wide in ["int64", "int48"] {
      for pair in pairs.prefix(4) {
        add {
          ($0.multiplier, $0.shift, $0.inputType) = (pair.m, pair.left, Self.type(wide))
          ($0.type, $0.zeroPoint) = (.int16, "0")
        }
      }
    }
  }

  mutating func addFakeQuantize() {
    for (type, perChannel, learnable, count) in [
      ("int8", false, false, 10), ("uint8", false, false, 8), ("int8", true, false, 5),
      ("uint8", true, false, 3), ("int8", false, true, 4), ("uint8", true, true, 4),
    ] {
      for (scale, zero) in Self.affine.prefix(count) {
        add(perChannel: perChannel) {
          ($0.scale, $0.type) = (scale, Self.type(type))
          $0.zeroPoint = zero.text(Self.type(type).codes)
          if learnable { $0.attributes["learnable"] = .integer(1) }
        }
      }
    }
    let widths: [(AttributeValue, String)] = [
      (.integer(8), "1"), (.integer(4), "0.1"), (.decimal("4.5"), "0.5"),
    ]
    for (width, scale) in widths {
      for rounding in ["ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN"] {
        add {
          ($0.scale, $0.zeroPoint) = (scale, "0")
          $0.attributes = [
            "bit_width": width, "signed": .integer(1),
            "narrow": .integer(rounding == "FLOOR" ? 1 : 0),
            "rounding_mode": .string(rounding),
          ]
        }
      }
    }
  }

  mutating func addTruncate() {
    for rounding in ["FLOOR", "ROUND", "CEIL", "HALF_UP", "DOWN"] {
      for scale in ["1", "0.1"] {
        add {
          ($0.scale, $0.zeroPoint) = (scale, "0")
          $0.attributes = [
            "bit_width_in": .integer(8), "bit_width_out": .integer(4),
            "rounding_mode": .string(rounding),
          ]
        }
      }
    }
  }
}
