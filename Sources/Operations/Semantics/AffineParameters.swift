import CaseFormat
import ExactArithmetic
import NumberFormats

/// The scales and zero points of an element-wise operation, decoded and mapped to elements.
struct AffineParameters {
  let scales: [Number]
  let zeros: [Number]
  let scaleMap: ParameterMap
  let zeroMap: ParameterMap

  /// Whether parameters vary over the tensor, or the case asks for the per-channel function.
  let granularity: Condition.Granularity

  /// How an operation finds the granularity of its parameters.
  enum AxisRule: String, CaseIterable, Sendable {
    /// Along `axis`, by default the second dimension.
    case defaultsToOne = "default_one"
    /// Per channel where `axis` is given, and only there.
    case explicit
    /// NumPy's broadcasting; no axis.
    case broadcast
  }

  /// The scales and zero points as machine numbers, where they are binary32 and integers.
  func machineNumbers(_ scale: Tensor) -> (scales: [Float], zeros: [Int64])? {
    guard scale.dtype == .float32 else { return nil }
    let integers = zeros.compactMap {
      $0.rational.flatMap { $0.isInteger ? $0.numerator.int64 : nil }
    }
    guard integers.count == zeros.count, integers.allSatisfy({ $0.magnitude < 1 << 32 }) else {
      return nil
    }
    return (
      scale.codes.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }, integers
    )
  }

  func scale(of element: Int) -> Number { scales[scaleMap.index(of: element)] }
  func zero(of element: Int) -> Number { zeros[zeroMap.index(of: element)] }

  /// Reads `scale`, `zero_point`, `axis` and `block_size` of a case.
  ///
  /// - Throws: `precondition` for a scale that is not finite and positive, `malformed` for shapes
  ///   that do not fit.
  init(
    _ arguments: inout Arguments, x: Tensor, scale: Tensor, zero: Tensor?, rule: AxisRule,
    acceptsBlocks: Bool
  ) throws(CaseError) {
    scales = try Self.positiveScales(scale, named: "scale")
    zeros = zero.map { zero in (0..<zero.count).map { zero.number(at: $0) } } ?? [.finite(0)]
    for value in zeros where value.rational == nil || value.isInfinite {
      throw .precondition("zero_point is \(Readable.text(value))")
    }
    let parameters = [(scale, "scale")] + (zero.map { [($0, "zero_point")] } ?? [])
    for (parameter, name) in parameters where parameter.count == 0 {
      throw .malformed("\(name) is empty")
    }
    var maps: [ParameterMap] = []
    let blockSize =
      acceptsBlocks ? try arguments.integer("block_size", in: 0...(1 << 30), default: 0) : 0
    switch rule {
    case .broadcast:
      for (parameter, name) in parameters {
        maps.append(try .broadcast(to: x, parameter: parameter, named: name))
      }
      granularity = maps.allSatisfy { $0 == .perTensor } ? .perTensor : .perChannel
    case .defaultsToOne, .explicit:
      let given = arguments.integer("axis")
      if rule == .explicit, given == nil, parameters.contains(where: { $0.0.count > 1 }) {
        throw .malformed("more than one scale or zero point needs the attribute 'axis'")
      }
      for (parameter, name) in parameters {
        if blockSize > 0 && !x.shape.isEmpty {
          maps.append(
            try .blocked(
              axis: given ?? 1, size: blockSize, of: x, parameter: parameter, named: name))
        } else {
          maps.append(
            try .along(axis: given ?? 1, of: x, parameter: parameter, named: name))
        }
      }
      let isPerChannel =
        rule == .explicit ? given != nil : maps.contains { $0 != .perTensor }
      granularity = isPerChannel ? .perChannel : .perTensor
    }
    scaleMap = maps[0]
    zeroMap = maps.count > 1 ? maps[1] : .perTensor
  }

  /// Decodes scales, which must be finite and greater than zero in every dialect [affine §27].
  ///
  /// - Throws: `precondition` for one that is not.
  static func positiveScales(_ scale: Tensor, named name: String) throws(CaseError) -> [Number] {
    var scales: [Number] = []
    for index in 0..<scale.count {
      let value = scale.number(at: index)
      guard case .finite(let rational) = value, rational.signum() > 0 else {
        let place = scale.count == 1 ? "" : "[\(index)]"
        throw .precondition(
          "\(name)\(place) is \(Readable.text(value)); it must be finite and greater than zero")
      }
      scales.append(value)
    }
    return scales
  }
}

extension DataType {
  /// The range of levels of an integer type.
  var integerRange: ClosedRange<Integer>? {
    if case .integer(let format) = self { return format.minimum...format.maximum }
    return nil
  }

  /// The float format of a float type.
  var floatFormat: FloatFormat? {
    if case .float(let format) = self { return format }
    return nil
  }
}

extension Arguments {
  /// The range of levels: that of the type, or what `qmin` and `qmax` cut from it.
  mutating func levelRange(of type: DataType) throws(CaseError) -> ClosedRange<Integer> {
    guard let full = type.integerRange else { return 0...0 }
    let low = integer("qmin").map { Integer($0) } ?? full.lowerBound
    let high = integer("qmax").map { Integer($0) } ?? full.upperBound
    guard full.contains(low), full.contains(high), low <= high else {
      throw .malformed(
        "qmin \(low) and qmax \(high) must be ordered and within \(type.name), "
          + "\(full.lowerBound) to \(full.upperBound)")
    }
    return low...high
  }

  /// Refuses a type that the dialect's rule does not list.
  func check(
    _ type: DataType, isOneOf types: [DataType]?, for role: String
  ) throws(CaseError) {
    guard let types, !types.contains(type) else { return }
    throw .unsupported(
      "dialect '\(dialect.name)' has no \(type.name) for \(role); "
        + "it has \(types.map(\.name).joined(separator: ", "))")
  }
}
