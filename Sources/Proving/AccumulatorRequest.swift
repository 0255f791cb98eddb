import CaseFormat
import Foundation
public import NumberFormats
import Operations

/// How files of weights are read, and what is asked for beside them; nil is what is not said.
public struct AccumulatorRequest: Sendable {
  public var operation: AccumulatorLayer.Operation?
  public var layout: AccumulatorLayer.Layout?
  public var channelAxis: Int?
  /// The type of weights that a .npy file stores in a wider one.
  public var weightType: DataType?
  public var weightZeroPoints: [Int64]?
  public var biases: [Int64]?
  public var inputType: DataType?
  public var inputMinimum: Int64?
  public var inputMaximum: Int64?
  public var inputZeroPoint: Int64?

  /// A request that says nothing.
  public init() {}

  /// The layers of files: a .npy file is one, a JSON file one a line.
  ///
  /// A line is a tensor of the case format, with an `id` if it likes, or a case of an operation with
  /// weights, whose inputs `w` or `b`, `bias` and zero points are those of the layer. The case needs
  /// no `x` or `a`; where it has one, its type counts and its elements do not.
  ///
  /// - Throws: `missing` and `malformed` for files; `usage` where a layer is told twice what it is.
  public func layers(at paths: [String]) throws(AccumulatorError) -> [AccumulatorLayer] {
    var layers: [AccumulatorLayer] = []
    for path in paths { layers += try self.layers(at: path) }
    guard !layers.isEmpty else {
      throw .malformed("'\(paths.joined(separator: "', '"))': there are no weights")
    }
    if layers.count > 1 {
      for (values, option) in [(biases, "--bias"), (weightZeroPoints, "--weight-zero-point")]
      where values.map({ $0.count > 1 || option == "--bias" }) ?? false {
        throw .usage(
          "\(option) is of one layer, and there are \(layers.count): write them as cases")
      }
    }
    return layers
  }

  private func layers(at path: String) throws(AccumulatorError) -> [AccumulatorLayer] {
    let file = (path as NSString).lastPathComponent
    let bytes = try Self.bytes(path)
    if Self.isNumpy(bytes) {
      let tensor = try Self.reading(path) { () throws(CaseError) in try NumpyFile.tensor(at: path) }
      return [try layer((file as NSString).deletingPathExtension, try narrowed(tensor, path))]
    }
    let folder = (path as NSString).deletingLastPathComponent
    var layers: [AccumulatorLayer] = []
    for (line, value) in CaseFile.values(in: bytes) {
      let place = "\(path):\(line)"
      let value = try Self.reading(place) { () throws(CaseError) in try value.get() }
      layers.append(
        try layer(
          value, at: place, named: "\((file as NSString).deletingPathExtension):\(line)",
          folder.isEmpty ? "." : folder))
    }
    return layers
  }

  private static func isNumpy(_ bytes: [UInt8]) -> Bool { bytes.first == 0x93 }

  private static func bytes(_ path: String) throws(AccumulatorError) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw AccumulatorError(.missing, "cannot read '\(path)'")
    }
    return [UInt8](data)
  }

  /// Turns the error of a file into one that names it.
  private static func reading<T>(
    _ place: String, _ body: () throws(CaseError) -> T
  ) throws(AccumulatorError) -> T {
    do throws(CaseError) {
      return try body()
    } catch {
      let message = error.message
      throw .malformed(message.contains("'\(place)'") ? message : "\(place): \(message)")
    }
  }

  // MARK: Tensors

  /// The elements of a file that holds one tensor of integers, such as the biases of a layer.
  ///
  /// - Throws: `missing`, or `malformed` where it holds something else.
  public static func integers(at path: String) throws(AccumulatorError) -> [Int64] {
    let bytes = try bytes(path)
    let folder = (path as NSString).deletingLastPathComponent
    let tensor = try reading(path) { () throws(CaseError) in
      if isNumpy(bytes) { return try NumpyFile.tensor(at: path) }
      let values = CaseFile.values(in: bytes)
      guard values.count == 1 else { throw .malformed("must hold one tensor") }
      return try CaseFile.tensor(
        in: try values[0].value.get(), directory: folder.isEmpty ? "." : folder)
    }
    return try integers(of: tensor, path)
  }

  private static func integers(
    of tensor: Tensor, _ place: String
  ) throws(AccumulatorError) -> [Int64] {
    guard case .integer = tensor.dtype else {
      throw .malformed("\(place): integers are needed, not \(tensor.dtype.name)")
    }
    guard tensor.count > 0 else { throw .malformed("\(place): there are no elements") }
    return tensor.codes
  }

  /// The weights of a .npy file in the type that is asked for.
  private func narrowed(_ tensor: Tensor, _ path: String) throws(AccumulatorError) -> Tensor {
    guard case .integer = tensor.dtype else {
      throw .malformed("'\(path)' holds \(tensor.dtype.name); integer weights are needed")
    }
    guard let weightType else { return tensor }
    guard case .integer = weightType else {
      throw .usage("--weight-dtype must be an integer type, not \(weightType.name)")
    }
    for code in tensor.codes where !weightType.isValid(code: code) {
      throw .malformed("'\(path)': the weight \(code) is none of \(weightType.name)")
    }
    return Tensor(weightType, shape: tensor.shape, codes: tensor.codes)
  }

  /// A layer of plain weights.
  private func layer(_ name: String, _ weights: Tensor) throws(AccumulatorError) -> AccumulatorLayer
  {
    let isConvolution = weights.shape.count == 4 && channelAxis == nil
    return try AccumulatorLayer(
      name: name, operation: operation ?? (isConvolution ? .conv2d : .matmul),
      layout: layout ?? .channelsFirst, weights: weights, channelAxis: channelAxis,
      weightZeroPoints: weightZeroPoints ?? [], biases: biases ?? [],
      input: try input(inputType, zeroPoint: inputZeroPoint))
  }

  private func input(
    _ dtype: DataType?, zeroPoint: Int64?
  ) throws(AccumulatorError) -> AccumulatorInput {
    try AccumulatorInput(
      dtype ?? .integer(.init(bits: 8, signed: true)), minimum: inputMinimum,
      maximum: inputMaximum, zeroPoint: zeroPoint ?? 0)
  }

  // MARK: Lines

  private func layer(
    _ value: JSONValue, at place: String, named name: String, _ folder: String
  ) throws(AccumulatorError) -> AccumulatorLayer {
    if weightType != nil {
      throw .usage("--weight-dtype is for .npy files; \(place) says the type of its weights")
    }
    if value["op"] == nil {
      var name = name
      var tensor = value
      if case .object(let members) = value {
        if case .string(let id)? = value["id"] { name = id }
        tensor = .object(members.filter { $0.key != "id" })
      }
      return try layer(
        name,
        try Self.reading(place) { () throws(CaseError) in
          try CaseFile.tensor(in: tensor, directory: folder)
        })
    }
    return try Self.layer(
      try Self.reading(place) { () throws(CaseError) in
        try CaseFile.record(from: value, line: 1, directory: folder).result.get()
      }, at: place, self)
  }

  /// The operation whose sums those of a case are.
  private static let operations: [String: AccumulatorLayer.Operation] = [
    "conv2d": .conv2d, "qconv2d": .conv2d, "depthwise_conv2d": .depthwiseConv2D,
    "matmul": .matmul, "qmatmul": .matmul,
  ]

  /// The layer of a case.
  private static func layer(
    _ test: Case, at place: String, _ request: AccumulatorRequest
  ) throws(AccumulatorError) -> AccumulatorLayer {
    guard let operation = operations[test.operation],
      let declaration = Registry.operation(named: test.operation)?.declaration
    else { throw .malformed("\(place): op '\(test.operation)' has no weights") }
    for name in test.inputs.keys.sorted()
    where !declaration.inputs.contains(where: { $0.name == name }) {
      throw .malformed("\(place): unknown input '\(name)' for \(test.operation)")
    }
    let isMatrix = operation == .matmul
    let (inputName, weightName) = isMatrix ? ("a", "b") : ("x", "w")
    guard let weights = test.inputs[weightName] else {
      throw .malformed("\(place): missing input '\(weightName)'")
    }
    if isMatrix && weights.shape.count != 2 {
      throw .malformed("\(place): b \(weights.shape) is batched; one line a matrix is needed")
    }
    try request.refuseWhatCasesSay(test, place, inputName: inputName, weightName: weightName)
    func parameter(_ name: String, of type: DataType?) throws(AccumulatorError) -> [Int64]? {
      guard let tensor = test.inputs[name] else { return nil }
      if let type, tensor.dtype != type {
        throw .malformed("\(place): \(name) is \(tensor.dtype.name), must be \(type.name)")
      }
      return try integers(of: tensor, "\(place): \(name)")
    }
    let inputType = test.inputs[inputName]?.dtype ?? test.inputs[inputName + "_zero_point"]?.dtype
    let inputZeros = try parameter(inputName + "_zero_point", of: inputType)
    if let inputZeros, inputZeros.count != 1 {
      throw .malformed(
        "\(place): \(inputName)_zero_point has \(inputZeros.count) elements, not one")
    }
    if let asked = request.inputType, let inputType, asked != inputType {
      throw .usage("\(place): the inputs are \(inputType.name), --input-dtype says \(asked.name)")
    }
    return try AccumulatorLayer(
      name: test.id, operation: operation, layout: try layout(test, at: place), weights: weights,
      channelAxis: isMatrix ? 1 : nil,
      weightZeroPoints: try parameter(weightName + "_zero_point", of: weights.dtype)
        ?? request.weightZeroPoints ?? [],
      biases: try parameter("bias", of: nil) ?? request.biases ?? [],
      input: try request.input(
        inputType ?? request.inputType, zeroPoint: inputZeros?[0] ?? request.inputZeroPoint))
  }

  private static func layout(
    _ test: Case, at place: String
  ) throws(AccumulatorError) -> AccumulatorLayer.Layout {
    guard let value = test.attributes["layout"] else { return .channelsFirst }
    guard let layout = AccumulatorLayer.Layout(rawValue: value.description) else {
      throw .malformed("\(place): layout '\(value)' is neither NCHW nor NHWC")
    }
    return layout
  }

  /// Refuses options that a case answers itself.
  private func refuseWhatCasesSay(
    _ test: Case, _ place: String, inputName: String, weightName: String
  ) throws(AccumulatorError) {
    let told: [(option: String, isGiven: Bool)] = [
      ("--op", operation != nil), ("--layout", layout != nil),
      ("--channel-axis", channelAxis != nil),
      ("--bias", biases != nil && test.inputs["bias"] != nil),
      (
        "--input-zero-point",
        inputZeroPoint != nil && test.inputs[inputName + "_zero_point"] != nil
      ),
      (
        "--weight-zero-point",
        weightZeroPoints != nil && test.inputs[weightName + "_zero_point"] != nil
      ),
    ]
    if let twice = told.first(where: \.isGiven) {
      throw .usage("\(twice.option): the case of \(place) says that itself")
    }
  }
}
