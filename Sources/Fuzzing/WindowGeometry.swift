import CaseFormat

/// The windows of a convolution case: where they start, how far they step, what they reach.
///
/// A kernel with a wrong stride, dilation or pad still fills the output that it is given. So a case that
/// stands for what it computes has the wrong number, and its trailing pads or the end of its image
/// fitted so that the output keeps its shape.
struct WindowGeometry {
  private let test: Case
  private let image: Tensor
  /// The first of the two spatial axes of the image.
  private let axis: Int
  private let kernel: [Int]
  private let outputs: [Int]
  var strides: [Int]
  var dilations: [Int]
  /// The pads before the image: top and left.
  var leading: [Int]

  /// The geometry of a case; nil where it is no convolution with explicit pads.
  init?(_ test: Case) {
    guard let image = test.inputs["x"], let weight = test.inputs["w"],
      image.shape.count == 4, weight.shape.count == 4
    else { return nil }
    if case .string(let text)? = test.attributes["auto_pad"], text != "NOTSET" { return nil }
    func list(_ name: String, _ values: [Int]) -> [Int] {
      if case .integers(let given)? = test.attributes[name] { return given }
      return values
    }
    let isLast = test.attributes["layout"] == .string("NHWC")
    axis = isLast ? 1 : 2
    kernel = Array(weight.shape[axis..<axis + 2])
    strides = list("strides", [1, 1])
    dilations = list("dilations", [1, 1])
    let pads = list("pads", [0, 0, 0, 0])
    guard strides.count == 2, dilations.count == 2, pads.count == 4 else { return nil }
    leading = Array(pads[..<2])
    var outputs: [Int] = []
    for side in 0..<2 {
      let room = image.shape[axis + side] + pads[side] + pads[side + 2]
      let reach = dilations[side] * (kernel[side] - 1) + 1
      guard room >= reach, strides[side] > 0 else { return nil }
      outputs.append((room - reach) / strides[side] + 1)
    }
    self.outputs = outputs
    self.test = test
    self.image = image
  }

  /// The case that has this geometry and outputs of the old shape; nil where there is none.
  var fitted: Case? {
    var trailing = [0, 0]
    var shape = image.shape
    for side in 0..<2 {
      let reach = dilations[side] * (kernel[side] - 1) + 1
      let needed = (outputs[side] - 1) * strides[side] + reach - leading[side]
      trailing[side] = max(0, needed - image.shape[axis + side])
      shape[axis + side] = min(image.shape[axis + side], needed)
      guard shape[axis + side] > 0 else { return nil }
    }
    var changed = test
    changed.inputs["x"] = cut(to: shape)
    changed.attributes["strides"] = .integers(strides)
    changed.attributes["dilations"] = .integers(dilations)
    changed.attributes["pads"] = .integers(leading + trailing)
    return changed
  }

  /// The image without what lies beyond a shape.
  private func cut(to shape: [Int]) -> Tensor {
    if shape == image.shape { return image }
    let kept = image.codes.indices.filter { index in
      zip(image.coordinates(of: index), shape).allSatisfy { $0 < $1 }
    }
    return Tensor(image.dtype, shape: shape, codes: kept.map { image.codes[$0] })
  }
}

extension CaseFault {
  /// Faults of strides, dilations and pads.
  static let windows: [CaseFault] = [
    window("strides of height and width swapped", "indexing") { $0.strides.reverse() },
    window("the vertical stride for both", "indexing") { $0.strides[1] = $0.strides[0] },
    window("the horizontal stride for both", "indexing") { $0.strides[0] = $0.strides[1] },
    window("strides ignored", "indexing") { $0.strides = [1, 1] },
    window("the vertical stride ignored", "indexing") { $0.strides[0] = 1 },
    window("the horizontal stride ignored", "indexing") { $0.strides[1] = 1 },
    window("dilations ignored", "indexing") { $0.dilations = [1, 1] },
    window("the vertical dilation ignored", "indexing") { $0.dilations[0] = 1 },
    window("the horizontal dilation ignored", "indexing") { $0.dilations[1] = 1 },
    window("dilations of height and width swapped", "indexing") { $0.dilations.reverse() },
    window("the vertical dilation for both", "indexing") { $0.dilations[1] = $0.dilations[0] },
    window("the horizontal dilation for both", "indexing") { $0.dilations[0] = $0.dilations[1] },
    window("the leading pads ignored", "padding") { $0.leading = [0, 0] },
    window("the top pad ignored", "padding") { $0.leading[0] = 0 },
    window("the left pad ignored", "padding") { $0.leading[1] = 0 },
    window("leading pads of height and width swapped", "padding") { $0.leading.reverse() },
    window("the top pad for the left one too", "padding") { $0.leading[1] = $0.leading[0] },
    window("the left pad for the top one too", "padding") { $0.leading[0] = $0.leading[1] },
    pads("the trailing pads on both sides") { [$0[2], $0[3]] },
    pads("pads read as top, bottom, left, right") { [$0[0], $0[2]] },
  ]

  private static func window(
    _ name: String, _ stage: String, _ change: @escaping @Sendable (inout WindowGeometry) -> Void
  ) -> CaseFault {
    CaseFault(name: name, stage: stage) { test in
      // What is no convolution, or pads by itself, leaves nothing to get wrong.
      guard var geometry = WindowGeometry(test) else { return test }
      change(&geometry)
      return geometry.fitted
    }
  }

  private static func pads(
    _ name: String, _ change: @escaping @Sendable ([Int]) -> [Int]
  ) -> CaseFault {
    CaseFault(name: name, stage: "padding") { test in
      guard case .integers(let pads)? = test.attributes["pads"], pads.count == 4,
        var geometry = WindowGeometry(test)
      else { return test }
      geometry.leading = change(pads)
      return geometry.fitted
    }
  }
}
