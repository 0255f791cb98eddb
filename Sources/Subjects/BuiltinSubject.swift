public import CaseFormat
public import Kernels
import NumberFormats
public import Operations
public import Verification

/// One of our own tiers, as a subject.
///
/// It reads a case by itself: the judge's reading of attributes is not used here.
public struct BuiltinSubject: InProcessSubject {
  /// The instruction-set level.
  public let tier: Tier
  /// The words by which `--subject` knows it.
  public var name: String { "builtin:\(tier.rawValue)" }

  /// A tier as a subject.
  public init(_ tier: Tier) { self.tier = tier }

  /// The operations that the kernels have, each with its dialects.
  public static let claims: [(operation: String, dialects: [String])] = [
    ("quantize", ["onnx", "tflite"]),
    ("dequantize", ["onnx", "tflite"]),
    ("dynamic_quantize", ["onnx"]),
    ("requantize", ["onnx", "tflite"]),
    ("fake_quantize", ["pytorch"]),
    ("conv2d", ["onnx", "tflite"]),
    ("depthwise_conv2d", ["onnx", "tflite"]),
    ("qconv2d", ["onnx", "tflite"]),
    ("matmul", ["onnx", "tflite"]),
    ("qmatmul", ["onnx", "tflite"]),
  ]

  public func refusal(of operation: String, dialect: Dialect) -> String? {
    if let reason = tier.unavailabilityReason { return reason }
    let claim = Self.claims.first { $0.operation == operation }
    guard let claim else { return "no built-in kernel for \(operation)" }
    return claim.dialects.contains { Self.speaks($0, dialect) }
      ? nil : "no built-in kernel for \(operation) in dialect '\(dialect.name)'"
  }

  /// Whether a dialect is a given one, or a user's own that starts from it.
  private static func speaks(_ name: String, _ dialect: Dialect) -> Bool {
    dialect.name == name || !dialect.isBuiltIn && dialect.lineage.contains(name)
  }

  public func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    if let reason = refusal(of: test.operation, dialect: dialect) { return .refused(reason) }
    let call = KernelCall(test, tier, Self.speaks("tflite", dialect) ? .tflite : .onnx)
    do throws(Refusal) {
      let body: (KernelBuffers) throws(KernelError) -> Void
      switch test.operation {
      case "quantize": body = try call.quantize()
      case "dequantize": body = try call.dequantize()
      case "dynamic_quantize": body = try call.dynamicQuantize()
      case "requantize": body = try call.requantize()
      case "fake_quantize": body = try call.fakeQuantize()
      case "matmul", "qmatmul": body = try call.matmul()
      default: body = try call.conv2d()
      }
      return .ready { buffers in
        // What a kernel refuses after all stays unwritten, and is judged so.
        try? body(buffers)
      }
    } catch {
      return .refused(error.reason)
    }
  }
}

/// Why a built-in kernel does not take a case.
struct Refusal: Error {
  var reason: String
}

/// A case on its way to a kernel of `Kernels`.
struct KernelCall {
  typealias Body = (KernelBuffers) throws(KernelError) -> Void

  let test: Case
  let tier: Tier
  let rule: Rule

  init(_ test: Case, _ tier: Tier, _ rule: Rule) {
    (self.test, self.tier, self.rule) = (test, tier, rule)
  }

  // MARK: Reading

  func integer(_ name: String) -> Int? { test.integer(name) }

  func integers(_ name: String, default values: [Int]) -> [Int] {
    test.integers(name, default: values)
  }

  func string(_ name: String) -> String? { test.string(name) }

  func tensor(_ name: String) throws(Refusal) -> Tensor {
    guard let tensor = test.inputs[name] else { throw Refusal(reason: "no input '\(name)'") }
    return tensor
  }

  func floats(_ name: String) throws(Refusal) -> [Float] {
    let tensor = try tensor(name)
    guard tensor.dtype == .float32 else {
      throw Refusal(reason: "\(name) of type \(tensor.dtype.name): float32 only")
    }
    return tensor.codes.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
  }

  func int32s(_ name: String) -> [Int32] {
    (test.inputs[name]?.codes ?? []).map { Int32(clamping: $0) }
  }

  /// The storage of an integer type, with the bounds of narrower ones.
  func output(_ type: DataType) throws(Refusal) -> OutputRange {
    guard case .integer(let format) = type, format != .bipolar, format.bits <= 16 else {
      throw Refusal(reason: "\(type.name) as output")
    }
    let storage: IntegerType =
      format.bits <= 8
      ? (format.isSigned ? .int8 : .uint8) : (format.isSigned ? .int16 : .uint16)
    let low = Int32(format.isSigned ? -(1 << (format.bits - 1)) : 0)
    let high = Int32(1 << (format.isSigned ? format.bits - 1 : format.bits)) - 1
    return OutputRange(
      storage, qmin: integer("qmin").map { Int32(clamping: $0) } ?? low,
      qmax: integer("qmax").map { Int32(clamping: $0) } ?? high)
  }

  func storage(_ type: DataType) throws(Refusal) -> IntegerType {
    guard case .integer(let format) = type, format != .bipolar else {
      throw Refusal(reason: "\(type.name) as input")
    }
    switch (format.bits, format.isSigned) {
    case (...8, true): return .int8
    case (...8, false): return .uint8
    case (16, true): return .int16
    case (16, false): return .uint16
    case (32, true): return .int32
    default: throw Refusal(reason: "\(type.name) as input")
    }
  }

  /// The channels of parameters along an axis.
  func channels(of x: Tensor, defaultAxis: Int, parameters: [Tensor]) throws(Refusal) -> Channels {
    guard integer("block_size") ?? 0 == 0 else { throw Refusal(reason: "blocked scales") }
    guard parameters.contains(where: { $0.count > 1 }) else { return .one }
    let given = integer("axis") ?? defaultAxis
    let axis = given < 0 ? given + x.shape.count : given
    return Channels(count: x.shape[axis], inner: max(1, x.shape[(axis + 1)...].reduce(1, *)))
  }

  func affine(of x: Tensor, defaultAxis: Int) throws(Refusal) -> AffineParameters {
    let parameters = [try tensor("scale")] + (test.inputs["zero_point"].map { [$0] } ?? [])
    let channels = try channels(of: x, defaultAxis: defaultAxis, parameters: parameters)
    return AffineParameters(
      scales: try floats("scale"), zeroPoints: int32s("zero_point"), channels: channels)
  }

  // MARK: Element-wise operations

  func quantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    guard x.dtype == .float32 else { throw Refusal(reason: "x of type \(x.dtype.name)") }
    if let precision = string("precision"), precision != "float32" {
      throw Refusal(reason: "division in \(precision)")
    }
    let named = string("output_dtype").flatMap(DataType.init(name:))
    let type = test.inputs["zero_point"]?.dtype ?? named ?? .uint8
    let parameters = QuantizeParameters(
      rule: rule, affine: try affine(of: x, defaultAxis: 1), output: try output(type))
    return { buffers throws(KernelError) in
      try Kernels.quantize(
        tier: tier, parameters: parameters, x: buffers.input("x"), y: buffers.output("y"))
    }
  }

  func dequantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    if let type = string("output_dtype"), type != "float32" {
      throw Refusal(reason: "\(type) as output")
    }
    let parameters = DequantizeParameters(
      inputType: try storage(x.dtype), affine: try affine(of: x, defaultAxis: 1))
    return { buffers throws(KernelError) in
      try Kernels.dequantize(
        tier: tier, parameters: parameters, x: buffers.input("x"), y: buffers.output("y"))
    }
  }

  func dynamicQuantize() throws(Refusal) -> Body {
    { buffers throws(KernelError) in
      let result = try Kernels.dynamicQuantize(
        tier: tier, x: buffers.input("x"), y: buffers.output("y"))
      buffers.output("y_scale").storeBytes(of: result.scale, as: Float.self)
      buffers.output("y_zero_point").storeBytes(of: result.zeroPoint, as: UInt8.self)
    }
  }

  func requantize() throws(Refusal) -> Body {
    let acc = try tensor("acc")
    guard acc.dtype == .int32 else { throw Refusal(reason: "acc of type \(acc.dtype.name)") }
    let zero = try tensor("zero_point")
    let multipliers = ["scale", "multiplier", "shift"].compactMap { test.inputs[$0] }
    let scaling: Requantization.Scaling
    if test.inputs["scale"] != nil {
      scaling = KernelScales.scaling(of: try floats("scale").map(Double.init), rule)
    } else {
      guard rule == .tflite else { throw Refusal(reason: "multiplier and shift") }
      let count = max(int32s("multiplier").count, int32s("shift").count)
      scaling = .fixedPoint(
        multipliers: repeated(int32s("multiplier"), count),
        shifts: repeated(int32s("shift"), count))
    }
    let parameters = RequantizeParameters(
      requantization: Requantization(
        scaling: scaling, zeroPoints: int32s("zero_point"), output: try output(zero.dtype)),
      channels: try channels(of: acc, defaultAxis: -1, parameters: multipliers + [zero]),
      accumulatorZeroPoint: int32s("acc_zero_point").first ?? 0)
    return { buffers throws(KernelError) in
      try Kernels.requantize(
        tier: tier, parameters: parameters, acc: buffers.input("acc"), y: buffers.output("y"))
    }
  }

  private func repeated(_ values: [Int32], _ count: Int) -> [Int32] {
    values.count == 1 ? Array(repeating: values[0], count: count) : values
  }

  func fakeQuantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    guard x.dtype == .float32 else { throw Refusal(reason: "x of type \(x.dtype.name)") }
    guard integer("learnable") ?? 0 == 0 else { throw Refusal(reason: "learnable parameters") }
    guard case .integer? = test.inputs["zero_point"]?.dtype else {
      throw Refusal(reason: "a zero point that is not an integer")
    }
    guard let qmin = integer("qmin"), let qmax = integer("qmax"), abs(qmin) <= 1 << 22,
      abs(qmax) <= 1 << 22
    else { throw Refusal(reason: "a range beyond 2^22") }
    let parameters = FakeQuantizeParameters(
      affine: try affine(of: x, defaultAxis: 0), qmin: Int32(qmin), qmax: Int32(qmax))
    return { buffers throws(KernelError) in
      try Kernels.fakeQuantize(
        tier: tier, parameters: parameters, x: buffers.input("x"), y: buffers.output("y"),
        mask: buffers.output("mask"))
    }
  }
}

extension KernelBuffers {
  func input(_ name: String) -> UnsafeRawBufferPointer {
    inputs[name] ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }

  func output(_ name: String) -> UnsafeMutableRawBufferPointer {
    outputs[name] ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }
}
