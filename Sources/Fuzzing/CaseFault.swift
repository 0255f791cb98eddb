import CaseFormat
import NumberFormats
import Operations

/// A generic fault, as a change of the case that a kernel seems to see.
struct CaseFault: Sendable {
  var name: String
  /// The stage that it sits in.
  var stage: String
  /// The changed case; nil where the fault has no such case.
  var apply: @Sendable (Case) -> Case?

  /// Every fault, the likelier first.
  static let all: [CaseFault] = inputs + channels + windows + attributes + axes

  // MARK: Inputs

  private static let inputs: [CaseFault] =
    [
      "x_zero_point", "w_zero_point", "a_zero_point", "b_zero_point", "acc_zero_point",
      "zero_point", "y_zero_point",
    ].flatMap { name in
      [
        mapped(name, "'\(name)' ignored", "zero point") { _, _ in 0 },
        mapped(name, "'\(name)' with the wrong sign", "zero point") { code, type in
          type.isValid(code: -code) ? -code : nil
        },
      ]
    } + [mapped("bias", "bias ignored", "accumulation") { _, _ in 0 }]

  /// An input with every code replaced; the case as it is where it has no such input.
  private static func mapped(
    _ input: String, _ name: String, _ stage: String,
    _ change: @escaping @Sendable (Int64, DataType) -> Int64?
  ) -> CaseFault {
    CaseFault(name: name, stage: stage) { test in
      // An input that a case lacks leaves nothing to get wrong.
      guard let tensor = test.inputs[input] else { return test }
      let codes = tensor.codes.compactMap { change($0, tensor.dtype) }
      guard codes.count == tensor.count else { return nil }
      return replaced(test, input, tensor, codes)
    }
  }

  private static func replaced(
    _ test: Case, _ input: String, _ tensor: Tensor, _ codes: [Int64], shape: [Int]? = nil
  ) -> Case {
    var test = test
    test.inputs[input] = Tensor(tensor.dtype, shape: shape ?? tensor.shape, codes: codes)
    return test
  }

  // MARK: Parameters of channels

  private static let channels: [CaseFault] = [
    "scale", "zero_point", "multiplier", "shift", "w_scale", "w_zero_point", "b_scale",
    "b_zero_point", "a_scale", "a_zero_point", "bias",
  ].flatMap { input in
    [
      arranged(input, "the first '\(input)' for every channel") { codes in
        codes.map { _ in codes[0] }
      },
      arranged(input, "the last '\(input)' for every channel") { codes in
        codes.map { _ in codes[codes.count - 1] }
      },
      arranged(input, "'\(input)' of the next channel") { codes in
        codes.indices.map { codes[min($0 + 1, codes.count - 1)] }
      },
      arranged(input, "'\(input)' of the channel before") { codes in
        codes.indices.map { codes[max($0 - 1, 0)] }
      },
      arranged(input, "'\(input)' in the opposite order") { $0.reversed() },
    ]
  }

  private static func arranged(
    _ input: String, _ name: String, _ change: @escaping @Sendable ([Int64]) -> [Int64]
  ) -> CaseFault {
    let stage =
      input == "bias" ? "accumulation" : input.contains("zero_point") ? "zero point" : "scaling"
    return CaseFault(name: name, stage: stage) { test in
      guard let tensor = test.inputs[input], tensor.count > 1 else { return test }
      return replaced(test, input, tensor, change(tensor.codes))
    }
  }

  // MARK: Attributes

  private static let attributes: [CaseFault] = [
    padding("SAME_UPPER", "SAME_LOWER"), padding("SAME_LOWER", "SAME_UPPER"),
    removed("qmin and qmax ignored", ["qmin", "qmax"], "clamp"),
    removed("qmin ignored", ["qmin"], "clamp"),
    removed("qmax ignored", ["qmax"], "clamp"),
    removed("'axis' ignored", ["axis"], "indexing"),
    removed("'precision' ignored", ["precision"], "scaling"),
    removed("'saturate' ignored", ["saturate"], "clamp"),
    narrow("a narrow range, without the lowest level"),
  ]

  private static func padding(_ from: String, _ to: String) -> CaseFault {
    CaseFault(name: "auto_pad \(from) as \(to)", stage: "padding") { test in
      guard test.attributes["auto_pad"] == .string(from) else { return test }
      var test = test
      test.attributes["auto_pad"] = .string(to)
      return test
    }
  }

  private static func removed(_ name: String, _ attributes: [String], _ stage: String) -> CaseFault
  {
    CaseFault(name: name, stage: stage) { test in
      var test = test
      for attribute in attributes { test.attributes[attribute] = nil }
      return test
    }
  }

  /// The lowest level of a symmetric quantizer is often left out.
  private static func narrow(_ name: String) -> CaseFault {
    CaseFault(name: name, stage: "clamp") { test in
      guard case .integer(let low)? = test.attributes["qmin"],
        case .integer(let high)? = test.attributes["qmax"], low < high
      else { return test }
      var test = test
      test.attributes["qmin"] = .integer(low + 1)
      return test
    }
  }

  // MARK: Axes

  private static let axes: [CaseFault] = ["x", "w", "a", "b", "acc"].flatMap { input in
    [
      reversed(input, "the kernel flipped, as of a true convolution", axes: 2, input == "w"),
      reversed(input, "'\(input)' read backwards along its last axis", axes: 1, true),
      transposed(input, "the last two axes of '\(input)' swapped", offset: 0),
      transposed(input, "the axes before the last of '\(input)' swapped", offset: 1),
      outermost(input),
      shifted(input, "'\(input)' read one element too late", by: 1),
      shifted(input, "'\(input)' read one element too early", by: -1),
    ].compactMap { $0 }
  }

  /// An input whose spatial axes, or whose last one, run backwards.
  private static func reversed(
    _ input: String, _ name: String, axes: Int, _ applies: Bool
  ) -> CaseFault? {
    guard applies else { return nil }
    return CaseFault(name: name, stage: "indexing") { test in
      guard let tensor = test.inputs[input], tensor.shape.count > axes else { return test }
      // Channels stand last where the layout says so.
      let isLast = axes == 2 && test.attributes["layout"] == .string("NHWC")
      let first = tensor.shape.count - axes - (isLast ? 1 : 0)
      let codes = permuted(tensor) { place in
        for axis in first..<(first + axes) { place[axis] = tensor.shape[axis] - 1 - place[axis] }
      }
      return replaced(test, input, tensor, codes)
    }
  }

  /// An input that is read with two axes swapped, where they are equally long.
  private static func transposed(_ input: String, _ name: String, offset: Int) -> CaseFault {
    CaseFault(name: name, stage: "indexing") { test in
      guard let tensor = test.inputs[input], tensor.shape.count >= 2 + offset else { return test }
      let last = tensor.shape.count - 1 - offset
      guard tensor.shape[last] == tensor.shape[last - 1] else { return nil }
      return replaced(test, input, tensor, permuted(tensor) { $0.swapAt(last, last - 1) })
    }
  }

  /// An input whose first slice stands for every one.
  private static func outermost(_ input: String) -> CaseFault {
    CaseFault(name: "the first slice of '\(input)' for every one", stage: "indexing") { test in
      guard let tensor = test.inputs[input], tensor.shape.count > 2, tensor.shape[0] > 1 else {
        return test
      }
      return replaced(test, input, tensor, permuted(tensor) { $0[0] = 0 })
    }
  }

  private static func shifted(_ input: String, _ name: String, by distance: Int) -> CaseFault {
    CaseFault(name: name, stage: "indexing") { test in
      guard let tensor = test.inputs[input], tensor.count > 0 else { return test }
      let codes = tensor.codes.indices.map {
        tensor.codes[min(max($0 + distance, 0), tensor.count - 1)]
      }
      return replaced(test, input, tensor, codes)
    }
  }

  /// The codes of a tensor, each taken from where a change of coordinates says.
  private static func permuted(_ tensor: Tensor, _ change: (inout [Int]) -> Void) -> [Int64] {
    tensor.codes.indices.map { index in
      var place = tensor.coordinates(of: index)
      change(&place)
      let source = zip(place, tensor.shape).reduce(0) { $0 * $1.1 + $1.0 }
      return tensor.codes[source]
    }
  }
}
