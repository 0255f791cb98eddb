import CaseFormat
import NumberFormats
import Verification

/// The operations of the tools for FPGAs that the model kernels have: few dialects, one tier.
extension CaseReader {
  /// `quantize` in `ap_fixed`: rounding to the fraction bits, then the overflow mode.
  func fixedPointQuantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    guard x.dtype == .float64 else { throw Refusal(reason: "x of type \(x.dtype.name)") }
    guard case .fixed(let format)? = string("output_dtype").flatMap(DataType.init(name:)) else {
      throw Refusal(reason: "no fixed-point output")
    }
    guard format.width <= 32, integer("saturation_bits") ?? 0 == 0 else {
      throw Refusal(reason: "more than 32 bits, or saturation bits")
    }
    var rounding = string("rounding") ?? "AP_TRN"
    var overflow = string("overflow") ?? "AP_WRAP"
    guard overflow != "AP_WRAP_SM" else { throw Refusal(reason: "AP_WRAP_SM") }
    // Read in the wrong order neither word is known, and each falls back to the default.
    if fault == .fieldsSwapped { (rounding, overflow) = ("AP_TRN", "AP_WRAP") }
    let bytes = DataType.fixed(format).storageBytes
    let isSigned = format.isSigned || fault == .signednessIgnored
    let width = format.width + (fault == .widthPlusOne ? 1 : 0)
    let integerBits = format.integerBits + (fault == .integerBitsWithoutSign ? 1 : 0)
    let unit = Double(sign: .plus, exponent: format.width - integerBits, significand: 1)
    let scaled = x.codes.map { Double(bitPattern: UInt64(bitPattern: $0)) * unit }
    guard scaled.allSatisfy({ $0.isFinite && !$0.isSubnormal }) else {
      throw Refusal(reason: "values that binary64 cannot scale")
    }
    return { [rounding, overflow] buffers in
      let (input, y) = (buffers.input("x"), buffers.output("y"))
      for index in 0..<x.count {
        let value = input.loadUnaligned(fromByteOffset: 8 * index, as: Double.self) * unit
        let raw = Self.overflowed(
          Self.rounded(value, rounding), overflow, width: width, isSigned: isSigned)
        for byte in 0..<bytes {
          y.storeBytes(
            of: UInt8(truncatingIfNeeded: raw >> Int64(8 * byte)),
            toByteOffset: bytes * index + byte, as: UInt8.self)
        }
      }
    }
  }

  private static func rounded(_ value: Double, _ mode: String) -> Double {
    switch mode {
    case "AP_RND": Rounding.halfUp(value)
    case "AP_RND_ZERO": Rounding.halfToZero(value)
    case "AP_RND_MIN_INF": Rounding.halfDown(value)
    case "AP_RND_INF": Rounding.halfAway(value)
    case "AP_RND_CONV": Rounding.halfEven(value)
    case "AP_TRN_ZERO": Rounding.truncation(value)
    default: Rounding.floor(value)
    }
  }

  private static func overflowed(
    _ value: Double, _ mode: String, width: Int, isSigned: Bool
  ) -> Int64 {
    let power = Double(sign: .plus, exponent: isSigned ? width - 1 : width, significand: 1)
    let (low, high) = (isSigned ? -power : 0, power - 1)
    let isInside = value >= low && value <= high
    switch mode {
    case "AP_SAT": return Int64(min(max(value, low), high))
    case "AP_SAT_ZERO": return isInside ? Int64(value) : 0
    case "AP_SAT_SYM":
      // One signed bit has no symmetric range but {0}, and yet gives -1.
      let lowest = isSigned && width > 1 ? -high : low
      if isSigned && width > 1 && value == low { return Int64(lowest) }
      return Int64(min(max(value, lowest), high))
    default:
      if isInside { return Int64(value) }
      let modulus = Double(sign: .plus, exponent: width, significand: 1)
      let rest = Int64(value.truncatingRemainder(dividingBy: modulus))
      return lowBits(of: rest, width, isSigned: isSigned)
    }
  }

  /// `fake_quantize` in `brevitas`: in floats, the zero point before the rounding.
  func straightThroughQuantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    let (scale, zero) = (try floats("scale"), try floats("zero_point"))
    guard let low = integer("qmin"), let high = integer("qmax") else {
      throw Refusal(reason: "no range")
    }
    let mode = fault == .modeIgnored ? "ROUND" : string("rounding_mode") ?? "ROUND"
    let passesAll = string("clamp") == "TensorClampSte"
    let map = ChannelMap(
      channels: scale.count, inner: scale.count > 1 ? max(1, x.shape.last ?? 1) : 1,
      count: x.count)
    return { buffers in
      let input = buffers.input("x")
      let (y, mask) = (buffers.output("y"), buffers.output("mask"))
      for index in 0..<x.count {
        let channel = map.channel(of: index)
        let (scale, zero) = (pick(scale, channel), pick(zero, channel))
        let value = input.loadUnaligned(fromByteOffset: 4 * index, as: Float.self) / scale + zero
        let level = Self.rounded(value, brevitasMode: mode)
        let clamped = level < Float(low) ? Float(low) : level > Float(high) ? Float(high) : level
        let real = (clamped - zero) * scale
        y.storeBytes(of: real, toByteOffset: 4 * index, as: Float.self)
        let isInside = !(level < Float(low)) && !(level > Float(high))
        mask.storeBytes(of: passesAll || isInside ? 1 : 0, toByteOffset: index, as: UInt8.self)
      }
    }
  }

  private static func rounded(_ value: Float, brevitasMode mode: String) -> Float {
    switch mode {
    case "CEIL": return value.rounded(.up)
    case "FLOOR": return value.rounded(.down)
    case "ROUND_TO_ZERO": return value.rounded(.towardZero)
    case "DPU":
      let isNegativeTie = value < 0 && value - value.rounded(.down) == 0.5
      return value.rounded(isNegativeTie ? .up : .toNearestOrEven)
    default: return value.rounded(.toNearestOrEven)
    }
  }

  /// `bipolar_quantize`: the scale with the sign of the input, zero counting as positive.
  func bipolarQuantize() throws(Refusal) -> Body {
    let x = try tensor("x")
    let scales = try floats("scale")
    guard x.dtype == .float32, scales.count == 1, test.inputs["scale"]?.dtype == .float32 else {
      throw Refusal(reason: "x of type \(x.dtype.name) or a scale for each channel")
    }
    return { buffers in
      let (input, y) = (buffers.input("x"), buffers.output("y"))
      for index in 0..<x.count {
        let value = input.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
        let isPositive = fault == .signBit ? value.sign == .plus : value >= 0
        y.storeBytes(
          of: isPositive ? scales[0] : -scales[0], toByteOffset: 4 * index, as: Float.self)
      }
    }
  }
}
