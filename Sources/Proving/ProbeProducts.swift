import CaseFormat
import NumberFormats
import Operations

/// Probes of operations that reduce: sums at the limits of accumulators, padding, requantization.
///
/// A product has too many inputs to run through, so cases are constructed: one output element is one
/// dot product, whose sum is known.
enum ProductProbes {
  /// The probes of an operation, the most telling first; empty for one that is element-wise.
  static func all(of operation: String) -> [Probe] {
    switch operation {
    case "matmul", "conv2d", "depthwise_conv2d":
      return sums(operation) + paddings(operation)
    case "qmatmul", "qconv2d":
      return requantizations(operation) + paddings(operation) + pairs(operation)
    case "dynamic_quantize": return dynamic()
    default: return []
    }
  }

  /// Dot products of one vector with several others.
  struct Dot {
    var a: [Int64]
    var columns: [[Int64]]
    var types: (a: DataType, b: DataType)
    var zeros: (a: Int64, b: Int64) = (0, 0)
    var bias: [Int64]?
    var texts: [String]
    var layout = "NCHW"

    /// The two operands of an operation, each dot product being one output element.
    func test(_ operation: String) -> Case {
      var test = Case(id: operation, operation: operation, dialect: "")
      let (k, n) = (a.count, columns.count)
      let isLast = layout == "NHWC"
      let byColumn = columns.flatMap { $0 }
      let byRow = (0..<k).flatMap { row in columns.map { $0[row] } }
      var (names, shapes) = (("x", "w"), ([1, k, 1, 1], [n, k, 1, 1]))
      var codes = byColumn
      switch operation {
      case "matmul", "qmatmul": (names, shapes, codes) = (("a", "b"), ([1, k], [k, n]), byRow)
      case "depthwise_conv2d" where isLast:
        (shapes, codes) = (([1, 1, k, 1], [1, 1, k, n]), byRow)
      case "depthwise_conv2d": shapes = ([1, 1, 1, k], [n, 1, 1, k])
      default: if isLast { shapes = ([1, 1, 1, k], [n, 1, 1, k]) }
      }
      test.inputs[names.0] = Tensor(types.a, shape: shapes.0, codes: a)
      test.inputs[names.1] = Tensor(types.b, shape: shapes.1, codes: codes)
      let isQuantized = operation.hasPrefix("q")
      if isQuantized || zeros != (0, 0) {
        test.inputs[names.0 + "_zero_point"] = Tensor(scalar: zeros.a, types.a)
        test.inputs[names.1 + "_zero_point"] = Tensor(scalar: zeros.b, types.b)
      }
      if let bias { test.inputs["bias"] = Tensor(.int32, shape: [n], codes: bias) }
      if isLast { test.attributes["layout"] = .string(layout) }
      return test
    }
  }

  private static func facet(_ test: Case) -> String {
    test.inputs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.dtype.name)" }
      .joined(separator: " ") + (test.attributes["layout"].map { " \($0)" } ?? "")
  }

  private static func layouts(_ operation: String) -> [String] {
    operation.hasSuffix("conv2d") ? ["NCHW", "NHWC"] : ["NCHW"]
  }

  private static let operands: [(DataType, DataType)] = [
    (.uint8, .int8), (.int8, .int8), (.uint8, .uint8), (.int8, .uint8), (.int16, .int8),
  ]

  // MARK: Sums

  private static func sums(_ operation: String) -> [Probe] {
    var probes: [Probe] = []
    for types in operands {
      for layout in layouts(operation) {
        for var dot in dots(
          types, isDeep: layout == "NCHW" && types.0.bits == 8 && types.1 == .int8)
        {
          dot.layout = layout
          let test = dot.test(operation)
          probes.append(Probe(test, facet: facet(test), texts: dot.texts))
        }
      }
    }
    return probes
  }

  private static func dots(_ types: (DataType, DataType), isDeep: Bool) -> [Dot] {
    let (a, b) = (types.0.codes, types.1.codes)
    var result: [Dot] = []
    for depth in isDeep ? [2, 3, 64, 600, 140_000] : [2, 3, 64, 600] {
      let columns = [
        (b.upperBound, b.upperBound), (b.lowerBound, b.lowerBound), (b.upperBound, b.lowerBound),
      ]
      for value in [a.upperBound, a.lowerBound] where value != 0 {
        result.append(
          Dot(
            a: Array(repeating: value, count: depth),
            columns: columns.map { pair in
              (0..<depth).map { $0 % 2 == 0 ? pair.0 : pair.1 }
            }, types: types,
            texts: columns.map {
              $0.0 == $0.1
                ? "\(depth) products \(value) * \($0.0)"
                : "\(depth) products \(value) * \($0.0) and \(value) * \($0.1) in turn"
            }))
      }
    }
    var moved = result[2]
    moved.zeros = (a.upperBound / 2 + a.lowerBound / 2 + 3, b.lowerBound / 2 + b.upperBound / 2 + 1)
    moved.texts = moved.texts.map { "\($0), zero points \(moved.zeros.a) and \(moved.zeros.b)" }
    result.append(moved)
    let most = Int64(Int32.max)
    result.append(
      Dot(
        a: [1, 1], columns: [[1, 0], [1, 1], [0, 0]], types: types,
        bias: [most, most - 1, -most - 1],
        texts: ["bias \(most) and 1", "bias \(most - 1) and 1 + 1", "bias \(-most - 1)"]))
    if b.lowerBound < 0 {
      result.append(
        Dot(
          a: [1, 1], columns: [[1, -1], [-1, 1]], types: types, bias: [most, -most - 1],
          texts: ["bias \(most), + 1, - 1", "bias \(-most - 1), - 1, + 1"]))
    }
    return result
  }

  // MARK: Padding

  /// One element in the middle of a window that is padding otherwise.
  private static func paddings(_ operation: String) -> [Probe] {
    guard operation.hasSuffix("conv2d") else { return [] }
    var probes: [Probe] = []
    for types in operands.prefix(3) {
      for layout in layouts(operation) {
        let isLast = layout == "NHWC"
        var test = Case(id: operation, operation: operation, dialect: "")
        test.attributes = ["pads": .integers([1, 1, 1, 1])]
        if isLast { test.attributes["layout"] = .string(layout) }
        let isDepthwise = operation.hasPrefix("depthwise")
        let window = isLast ? (isDepthwise ? [1, 3, 3, 1] : [1, 3, 3, 1]) : [1, 1, 3, 3]
        test.inputs["x"] = Tensor(types.0, shape: [1, 1, 1, 1], codes: [30])
        test.inputs["w"] = Tensor(types.1, shape: window, codes: [1, 1, 1, 1, 2, 1, 1, 1, 1])
        test.inputs["x_zero_point"] = Tensor(scalar: 10, types.0)
        if operation.hasPrefix("q") {
          addScales(to: &test, ("x", "w"), ("1", "1", "1"), .int8, 0)
          test.inputs["w_zero_point"] = Tensor(scalar: 0, types.1)
        }
        probes.append(
          Probe(
            test, facet: facet(test) + " pads",
            texts: ["x = 30 with zero point 10, eight taps of padding"]))
      }
    }
    return probes
  }

  // MARK: Requantization

  private static func addScales(
    to test: inout Case, _ names: (String, String), _ scales: (String, String, String),
    _ output: DataType, _ zero: Int64
  ) {
    func scalar(_ text: String) -> Tensor {
      Tensor(scalar: (try? ElementText.code(of: text, as: .float32)) ?? 0, .float32)
    }
    test.inputs[names.0 + "_scale"] = scalar(scales.0)
    test.inputs[names.1 + "_scale"] = scalar(scales.1)
    test.inputs["y_scale"] = scalar(scales.2)
    test.inputs["y_zero_point"] = Tensor(scalar: zero, output)
  }

  /// Scales of which each way to make one factor makes another: where the output scale is a power of
  /// two times the product of the others, some give a power of two, so that ties are exact.
  private static var scales: [(x: Float, w: Float, y: Float)] {
    var result: [(x: Float, w: Float, y: Float)] = [(0.5, 0.5, 1), (0.25, 1, 1), (0.5, 0.25, 0.5)]
    // Those first where the reciprocal of the output scale is so inexact that it shows.
    let products = (0..<64).map {
      (x: Float(0.0235) + 0.00137 * Float($0), w: Float(0.0039) + 0.00071 * Float($0))
    }
    let telling = products.filter { x, w in x * w * (1 / (x * w * 2)) != 0.5 }
    let plain: [(x: Float, w: Float)] = [(0.1, 0.3), (0.007843138, 0.0039)]
    for (x, w) in telling.prefix(3) + plain {
      for power: Float in [2, 4] {
        let y = x * w * power
        result += power == 2 ? [(x, w, y), (x, w, y.nextUp), (x, w, y.nextDown)] : [(x, w, y)]
      }
    }
    return result + [
      (0.0235, 0.0123, 0.0311), (0.1, 0.0098781746, 0.05), (0.02, 0.007, 0.1), (1, 0.0007, 1),
    ]
  }

  private static func requantizations(_ operation: String) -> [Probe] {
    let names = operation == "qmatmul" ? ("a", "b") : ("x", "w")
    var probes: [Probe] = []
    for types in operands.prefix(2) {
      for output in [types.0, .int8] where output != types.0 || output == .uint8 || types.0 == .int8
      {
        for (index, scale) in scales.enumerated() {
          let zero = [0, 3, output.codes.lowerBound, 77][index % 4]
          for (layout, hasBias) in [("NCHW", true), ("NHWC", true), ("NCHW", false)]
          where layout == "NCHW" || operation == "qconv2d" {
            var dot = sums(at: scale, zero, output, types, hasBias: hasBias)
            dot.layout = layout
            var test = dot.test(operation)
            addScales(
              to: &test, names, ("\(scale.x)", "\(scale.w)", "\(scale.y)"), output, zero)
            probes.append(Probe(test, facet: facet(test), texts: dot.texts))
          }
        }
        if types.0 == output { break }
      }
    }
    return probes
  }

  /// Sums at the thresholds of a factor and beside them, by a bias or by products.
  private static func sums(
    at scale: (x: Float, w: Float, y: Float), _ zero: Int64, _ output: DataType,
    _ types: (DataType, DataType), hasBias: Bool
  ) -> Dot {
    var template = Case(id: "", operation: "requantize", dialect: "")
    let factor = Double(scale.x) * Double(scale.w) / Double(scale.y)
    template.inputs["acc"] = Tensor(.int32, shape: [0], codes: [])
    template.inputs["scale"] = Tensor(scalar: Int64(Float(factor).bitPattern), .float32)
    template.inputs["zero_point"] = Tensor(scalar: zero, output)
    let limit: Int64 = hasBias ? 1 << 30 : 60_000
    let accumulators = ProbeInputs.codes(for: template).filter { abs($0) <= limit }
    var dot = Dot(
      a: [], columns: [], types: types, texts: accumulators.map { "acc = \($0)" })
    if hasBias {
      dot.a = [0]
      dot.columns = accumulators.map { _ in [1] }
      dot.bias = accumulators
    } else {
      // Six factors of 100 and one of 1 reach every sum of up to 60 000.
      dot.a = Array(repeating: 100, count: 6) + [1]
      dot.columns = accumulators.map { sum in
        var rest = sum / 100
        let column = (0..<6).map { _ in
          let part = min(max(rest, -100), 100)
          rest -= part
          return part
        }
        return column + [sum % 100]
      }
    }
    return dot
  }

  /// Pair sums beyond int16 with a factor that leaves them visible.
  private static func pairs(_ operation: String) -> [Probe] {
    let names = operation == "qmatmul" ? ("a", "b") : ("x", "w")
    return operands.prefix(2).flatMap { types in
      layouts(operation).flatMap { layout in
        dots(types, isDeep: false).dropFirst(2).prefix(4).map { dot in
          var dot = dot
          dot.layout = layout
          var test = dot.test(operation)
          addScales(to: &test, names, ("0.0078125", "0.0078125", "4"), types.0, 0)
          return Probe(test, facet: facet(test) + " pairs", texts: dot.texts)
        }
      }
    }
  }

  // MARK: Ranges

  /// Tensors whose scale and zero point show how they are found.
  private static func dynamic() -> [Probe] {
    let tensors: [[Float]] = [
      [0, 2, -3, -2.5, 1.34, 0.5], [-1, -2.1, -1.3, -2.5, -3.34, -4], [1, 2.1, 1.3, 2.5, 3.34, 4],
      [0, 255, 0.5, 1.5, 2.5, -0.0], [0, 0, 0], [-127.5, 127.5, 0.5, -0.5], [-1, 254, 0.5, 1.5],
      [-2.5, 252.5, 0.5, 1.5], [0x1p-130, 0x1p-129], [-3e38, 3e38, 1], [0.1, 0.2, 0.3, -0.7],
      [.nan, 1, -1], [.infinity, 1, -1], [0.0123, -1.7, 0.9, 0.33],
    ]
    return tensors.map { values in
      var test = Case(id: "dynamic_quantize", operation: "dynamic_quantize", dialect: "")
      test.inputs["x"] = Tensor(
        .float32, shape: [values.count], codes: values.map { Int64($0.bitPattern) })
      let all = values.map { "\($0)" }.joined(separator: ", ")
      return Probe(test, facet: "x=float32", texts: values.map { "x = \($0) of [\(all)]" })
    }
  }
}
