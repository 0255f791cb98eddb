public import CaseFormat
public import Operations
public import Verification

/// A kernel that is right, or has one fault: straightforward code in the shape of a tier.
///
/// It shares no arithmetic with the reference, and none with our own kernels: what it has wrong is
/// planted, and what it has right is proven by campaigns like any other kernel's.
public struct ModelKernel: InProcessSubject {
  /// The operation that it has.
  public var operation: String
  /// The dialect that it speaks.
  public var dialect: String
  public var shape: TierShape
  /// What it does wrong; nil where it is right.
  public var fault: Fault?
  /// Where in a vector kernel the fault sits.
  public var place: FaultPlace

  /// A kernel for an operation in a dialect.
  public init(
    _ operation: String, dialect: String, shape: TierShape, fault: Fault? = nil,
    place: FaultPlace = .everywhere
  ) {
    (self.operation, self.dialect, self.shape) = (operation, dialect, shape)
    (self.fault, self.place) = (fault, place)
  }

  public var name: String {
    let suffix = place == .everywhere ? "" : "-" + place.rawValue
    return "model:\(shape.name)" + (fault.map { "+\($0.rawValue)\(suffix)" } ?? "")
  }

  /// The operations that model kernels have, each with its dialects.
  public static let claims: [(operation: String, dialects: [String])] = [
    ("quantize", ["onnx", "tflite", "pytorch", "xnnpack-fp32"]),
    ("dequantize", ["onnx", "tflite", "tflite-opt", "pytorch", "xnnpack-fp32"]),
    ("dynamic_quantize", ["onnx"]),
    ("requantize", ["onnx", "tflite", "tflite-single", "xnnpack-fp32"]),
    ("fake_quantize", ["pytorch"]),
    ("conv2d", ["onnx", "tflite"]),
    ("depthwise_conv2d", ["onnx", "tflite"]),
    ("qconv2d", ["onnx", "tflite", "tflite-single", "xnnpack-fp32"]),
    ("matmul", ["onnx", "tflite"]),
    ("qmatmul", ["onnx", "tflite", "tflite-single", "xnnpack-fp32"]),
  ]

  /// Operations for FPGAs, whose kernels have one shape only.
  public static let scalarClaims: [(operation: String, dialects: [String])] = [
    ("quantize", ["ap_fixed"]), ("fake_quantize", ["brevitas"]), ("bipolar_quantize", ["qonnx"]),
  ]

  public func refusal(of operation: String, dialect: Dialect) -> String? {
    operation == self.operation && dialect.name == self.dialect
      ? nil : "a model of \(self.operation)/\(self.dialect)"
  }

  public func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    if let reason = refusal(of: test.operation, dialect: dialect) { return .refused(reason) }
    let reader = CaseReader(
      test: test, dialect: self.dialect, shape: shape, fault: fault, place: place)
    do throws(Refusal) {
      return .ready(try reader.body())
    } catch {
      return .refused(error.reason)
    }
  }
}

extension CaseReader {
  /// What runs the case.
  func body() throws(Refusal) -> Body {
    switch test.operation {
    case "quantize": try quantize()
    case "dequantize": try dequantize()
    case "dynamic_quantize": try dynamicQuantize()
    case "requantize": try requantize()
    case "fake_quantize": try fakeQuantize()
    case "bipolar_quantize": try bipolarQuantize()
    case "matmul", "qmatmul": try matrixProduct()
    case "conv2d", "depthwise_conv2d", "qconv2d": try convolution()
    default: throw Refusal(reason: "no model of \(test.operation)")
    }
  }
}
