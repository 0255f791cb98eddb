import CaseFormat
import ExactArithmetic
import NumberFormats

/// The gradient of the output, from which the gradients of the inputs are made [gradients §1].
struct UpstreamGradient {
  private let tensor: Tensor
  private let map: ParameterMap

  /// Reads `grad_output`: of the type of the input, of its shape or one element for all.
  ///
  /// - Throws: `malformed` for another type or shape.
  init(_ arguments: Arguments, input: Tensor) throws(CaseError) {
    tensor = try arguments.input("grad_output")
    guard tensor.dtype == input.dtype else {
      throw .malformed(
        "grad_output is \(tensor.dtype.name), but its input is \(input.dtype.name)")
    }
    guard tensor.shape == input.shape || tensor.count == 1 else {
      throw .malformed(
        "grad_output of shape \(tensor.shape) must be \(input.shape) or have one element")
    }
    map = tensor.count == 1 ? .perTensor : .perAxis(inner: 1, channels: max(1, tensor.count))
  }

  subscript(index: Int) -> Number { tensor.number(at: map.index(of: index)) }
}

/// How a mask is put on a gradient [gradients §3].
enum Masking: String, CaseIterable, Sendable {
  /// Over the reals: what passes is the gradient, what does not is zero, and there is one zero.
  case exact
  /// As a choice: the gradient itself, or +0.
  case select
  /// As a product with 0 or 1 by IEEE 754: -0 for a negative gradient, NaN for an infinite one.
  case product

  /// The gradient behind the mask.
  func apply(_ passes: Bool, to gradient: Number) -> Number {
    switch self {
    case .exact:
      return passes && !gradient.isZero ? gradient : .zero
    case .select: return passes ? gradient : .zero
    case .product: return Arithmetic.exact.multiply(.finite(passes ? 1 : 0), gradient)
    }
  }

  var phrase: String {
    switch self {
    case .exact: "of the reals"
    case .select: "chosen"
    case .product: "by multiplication"
    }
  }
}

/// An exact sum with the special values of IEEE 754 [gradients §4].
struct ExactSum {
  private var total: Rational = 0
  private var hasNaN = false
  private var signs: Set<Bool> = []

  mutating func add(_ number: Number) {
    switch number {
    case .nan: hasNaN = true
    case .infinity(let negative): signs.insert(negative)
    case .negativeZero: break
    case .finite(let value): total += value
    }
  }

  /// The sum; an exact zero is +0.
  var value: Number {
    if hasNaN || signs.count == 2 { return .nan }
    if let negative = signs.first { return .infinity(negative: negative) }
    return .finite(total)
  }
}
