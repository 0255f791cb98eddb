import Kernels

/// A kernel on one shape, to be timed for any tier.
struct BenchWorkload {
  /// What is counted.
  enum Unit: String {
    case elements
    case macs
  }

  /// Bytes that a row reads and writes.
  struct Traffic {
    var read: Int
    var written: Int
    /// Reads of each byte: a second pass counts again, but needs no more memory.
    var passes = 1
  }

  /// The operation's one spelling.
  var operation: String
  /// Types and shape.
  var name: String
  var unit: Unit
  /// Elements, or rows of the result: slow tiers are measured on some of them.
  var rows: Int
  var unitsPerRow: Int
  /// For element-wise operations, whose ceiling is memory.
  var traffic: Traffic?
  /// Puts data where `make` expects it.
  var setUp: (BenchMemory) -> Void
  /// What to call, for a tier and a number of rows.
  var make: (Tier, Int, BenchMemory) throws(KernelError) -> BenchProbe.Body

  /// Elements of an operation that fits in the first cache: 16 KiB of float32.
  static let inCache = 4096
  /// Elements of one that fits in no cache: 256 MiB of float32.
  static let outOfCache = 1 << 26
  /// Elements of one that is mostly call.
  static let small = 61

  static var all: [BenchWorkload] { elementwise + convolutions + products }
}

// MARK: Element-wise operations

extension BenchWorkload {
  private static var elementwise: [BenchWorkload] {
    [inCache, outOfCache, small].flatMap { count in
      [
        quantize("onnx f32->u8", .onnx, .uint8, count),
        dequantize("u8->f32", count),
        requantize("onnx s32->u8", onnx(channels: 1, .uint8), count),
        requantize("tflite s32->s8", tflite(channels: 1, .int8), count),
        fakeQuantize(count), dynamicQuantize(count),
      ]
    } + [
      quantize("tflite f32->s8", .tflite, .int8, inCache),
      quantize("onnx f32->s8, 64 channels", .onnx, .int8, inCache, channels: 64),
      dequantize("s8->f32, 64 channels", inCache, channels: 64),
      requantize("onnx s32->s8, 64 channels", onnx(channels: 64, .int8), inCache, channels: 64),
      requantize("tflite s32->s8, 64 channels", tflite(channels: 64, .int8), inCache, channels: 64),
    ]
  }

  private static func sized(_ name: String, _ count: Int) -> String {
    switch count {
    case outOfCache: "\(name), 64 Mi out of cache"
    case inCache: "\(name), \(count) in cache"
    default: "\(name), \(count)"
    }
  }

  private static func affine(channels: Int) -> AffineParameters {
    // Images with channels last, the layout that is hardest on vectors.
    AffineParameters(
      scales: (0..<channels).map { 0.021 + Float($0) * 0.0001 }, zeroPoints: [3],
      channels: Channels(count: channels, inner: 1))
  }

  private static func elementwise(
    _ operation: String, _ name: String, _ count: Int, _ content: BenchMemory.Content,
    _ traffic: Traffic, maskBytes: Int = 0,
    _ call:
      @escaping (
        Tier, UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer, UnsafeMutableRawBufferPointer
      ) throws(KernelError) -> Void
  ) -> BenchWorkload {
    let yBytes = traffic.written - maskBytes
    return BenchWorkload(
      operation: operation, name: sized(name, count), unit: .elements, rows: count, unitsPerRow: 1,
      traffic: traffic,
      setUp: { memory in
        // A copy with the same footprint has halves of equal size.
        let half = (traffic.read + traffic.written + 1) / 2
        memory.fill(.input, bytes: count * max(traffic.read, half), with: content)
        memory.fill(.output, bytes: count * max(traffic.written, half), with: .bytes)
        memory.fill(.weights, bytes: count * maskBytes, with: .bytes)
      },
      make: { (tier, rows, memory) throws(KernelError) in
        let x = memory.bytes(.input, count * traffic.read)
        let y = memory.mutable(.output, count * yBytes)
        let mask = memory.mutable(.weights, count * maskBytes)
        let walk = BenchWalk(step: rows, whole: count)
        return { () throws(KernelError) in
          let first = walk.advance()
          try call(
            tier, x.rows(first, rows, of: traffic.read), y.rows(first, rows, of: yBytes),
            mask.rows(first, rows, of: maskBytes))
        }
      })
  }

  private static func quantize(
    _ name: String, _ rule: Rule, _ type: IntegerType, _ count: Int, channels: Int = 1
  ) -> BenchWorkload {
    let parameters = QuantizeParameters(
      rule: rule, affine: affine(channels: channels), output: OutputRange(type))
    return elementwise("quantize", name, count, .floats, Traffic(read: 4, written: 1)) {
      (tier, x, y, _) throws(KernelError) in
      try Kernels.quantize(tier: tier, parameters: parameters, x: x, y: y)
    }
  }

  private static func dequantize(_ name: String, _ count: Int, channels: Int = 1) -> BenchWorkload {
    let parameters = DequantizeParameters(
      inputType: channels == 1 ? .uint8 : .int8, affine: affine(channels: channels))
    return elementwise("dequantize", name, count, .bytes, Traffic(read: 1, written: 4)) {
      (tier, x, y, _) throws(KernelError) in
      try Kernels.dequantize(tier: tier, parameters: parameters, x: x, y: y)
    }
  }

  private static func requantize(
    _ name: String, _ requantization: Requantization, _ count: Int, channels: Int = 1
  ) -> BenchWorkload {
    let parameters = RequantizeParameters(
      requantization: requantization, channels: Channels(count: channels, inner: 1))
    return elementwise("requantize", name, count, .accumulators, Traffic(read: 4, written: 1)) {
      (tier, x, y, _) throws(KernelError) in
      try Kernels.requantize(tier: tier, parameters: parameters, acc: x, y: y)
    }
  }

  private static func fakeQuantize(_ count: Int) -> BenchWorkload {
    let parameters = FakeQuantizeParameters(affine: affine(channels: 1), qmin: -128, qmax: 127)
    return elementwise(
      "fake_quantize", "pytorch f32->f32 and mask", count, .floats, Traffic(read: 4, written: 5),
      maskBytes: 1
    ) { (tier, x, y, mask) throws(KernelError) in
      try Kernels.fakeQuantize(tier: tier, parameters: parameters, x: x, y: y, mask: mask)
    }
  }

  private static func dynamicQuantize(_ count: Int) -> BenchWorkload {
    elementwise(
      "dynamic_quantize", "onnx f32->u8", count, .floats, Traffic(read: 4, written: 1, passes: 2)
    ) { (tier, x, y, _) throws(KernelError) in
      _ = try Kernels.dynamicQuantize(tier: tier, x: x, y: y)
    }
  }
}

// MARK: Epilogues

extension BenchWorkload {
  private static func onnx(channels: Int, _ type: IntegerType) -> Requantization {
    Requantization(
      scaling: .float(scales: (0..<channels).map { 0.00037 + Float($0) * 0.00001 }),
      zeroPoints: [type == .uint8 ? 128 : 3], output: OutputRange(type))
  }

  private static func tflite(channels: Int, _ type: IntegerType) -> Requantization {
    Requantization(
      scaling: .fixedPoint(
        multipliers: (0..<channels).map { 0x6100_0000 + Int32($0 % 64) * 0x10_0001 },
        shifts: (0..<channels).map { -11 + Int32($0 % 3) }),
      zeroPoints: [-3], output: OutputRange(type))
  }

  /// The result of a product.
  private enum Epilogue {
    case none, onnx, tflite

    var operationPrefix: String { self == .none ? "" : "q" }
    var suffix: String {
      switch self {
      case .none: ""
      case .onnx: ", onnx->u8"
      case .tflite: ", tflite->s8"
      }
    }

    func requantization(channels: Int) -> Requantization? {
      switch self {
      case .none: nil
      case .onnx: BenchWorkload.onnx(channels: channels, .uint8)
      case .tflite: BenchWorkload.tflite(channels: channels, .int8)
      }
    }
  }

  private static func short(_ type: IntegerType) -> String { type == .uint8 ? "u8" : "s8" }
}

// MARK: Convolutions

extension BenchWorkload {
  private static var convolutions: [BenchWorkload] {
    [
      convolution(.uint8, .int8, size: 56, channels: (64, 64)),
      convolution(.uint8, .int8, size: 56, channels: (64, 64), isPrepared: true),
      convolution(.int8, .int8, size: 56, channels: (64, 64)),
      convolution(.int8, .int8, size: 56, channels: (64, 64), isPrepared: true),
      convolution(.uint8, .uint8, size: 56, channels: (64, 64), wZeroPoint: 117, isPrepared: true),
      convolution(.uint8, .int8, size: 7, channels: (16, 16)),
      depthwise(.uint8, .int8, size: 56, channels: 128),
      depthwise(.uint8, .int8, size: 56, channels: 128, isPrepared: true),
      depthwise(.int8, .int8, size: 56, channels: 128, isPrepared: true),
      depthwise(.uint8, .int8, size: 7, channels: 16),
      convolution(.uint8, .int8, size: 56, channels: (64, 64), .onnx, isPrepared: true),
      convolution(.int8, .int8, size: 56, channels: (64, 64), .tflite, isPrepared: true),
      depthwise(.uint8, .int8, size: 56, channels: 128, .onnx, isPrepared: true),
      depthwise(.int8, .int8, size: 56, channels: 128, .tflite, isPrepared: true),
      convolution(.int8, .int8, size: 7, channels: (16, 16), .tflite),
    ]
  }

  private static func convolution(
    _ x: IntegerType, _ w: IntegerType, size: Int, channels: (Int, Int),
    _ epilogue: Epilogue = .none, wZeroPoint: Int32? = nil, isPrepared: Bool = false
  ) -> BenchWorkload {
    var parameters = Conv2DParameters(
      xType: x, wType: w, layout: .nhwc, inChannels: channels.0, height: size, width: size,
      outChannels: channels.1, kernelHeight: 3, kernelWidth: 3)
    if let wZeroPoint { parameters.wZeroPoints = [wZeroPoint] }
    return convolution(
      epilogue.operationPrefix + "conv2d", "\(size)x\(size)x\(channels.0)->\(channels.1)",
      parameters, epilogue, isPrepared)
  }

  private static func depthwise(
    _ x: IntegerType, _ w: IntegerType, size: Int, channels: Int, _ epilogue: Epilogue = .none,
    isPrepared: Bool = false
  ) -> BenchWorkload {
    var parameters = Conv2DParameters(
      xType: x, wType: w, layout: .nhwc, weightLayout: .hwo, inChannels: channels, height: size,
      width: size, outChannels: channels, kernelHeight: 3, kernelWidth: 3)
    parameters.groups = channels
    // The registry's qconv2d has depthwise convolutions too: they are groups.
    return convolution(
      epilogue == .none ? "depthwise_conv2d" : "qconv2d", "depthwise \(size)x\(size)x\(channels)",
      parameters, epilogue, isPrepared)
  }

  private static func convolution(
    _ operation: String, _ shape: String, _ given: Conv2DParameters, _ epilogue: Epilogue,
    _ isPrepared: Bool
  ) -> BenchWorkload {
    var whole = given
    (whole.padTop, whole.padBottom, whole.padLeft, whole.padRight) = (1, 1, 1, 1)
    whole.xZeroPoint = whole.xType == .uint8 ? 128 : -5
    whole.requantization = epilogue.requantization(channels: whole.outChannels)
    let types = "\(short(whole.xType))*\(short(whole.wType))"
    let zero = whole.wZeroPoints.isEmpty ? "" : ", zero point of w"
    let taps = whole.kernelHeight * whole.kernelWidth * (whole.inChannels / whole.groups)
    return BenchWorkload(
      operation: operation,
      name: "\(types) NHWC \(shape) 3x3 pad 1\(zero)\(epilogue.suffix)"
        + (isPrepared ? ", prepared" : ""),
      unit: .macs, rows: whole.outHeight, unitsPerRow: whole.outWidth * whole.outChannels * taps,
      traffic: nil,
      setUp: { [whole] memory in
        memory.fill(.input, bytes: whole.xCount, with: .bytes)
        memory.fill(.weights, bytes: whole.wCount, with: .bytes)
        memory.fill(.bias, bytes: whole.outChannels * 4, with: .accumulators)
        memory.fill(.output, bytes: whole.yCount * whole.outputType.size, with: .bytes)
      },
      make: { [whole] (tier, rows, memory) throws(KernelError) in
        var part = whole
        part.height = rows
        let x = memory.bytes(.input, part.xCount)
        let w = memory.bytes(.weights, part.wCount)
        let bias = memory.bytes(.bias, part.outChannels * 4)
        let y = memory.mutable(.output, part.yCount * part.outputType.size)
        if isPrepared {
          let prepared = try PreparedConv2D(tier: tier, parameters: part, w: w, bias: bias)
          return { () throws(KernelError) in try prepared.run(x: x, y: y) }
        }
        return { [part] () throws(KernelError) in
          try Kernels.conv2d(tier: tier, parameters: part, x: x, w: w, bias: bias, y: y)
        }
      })
  }
}

// MARK: Matrix products

extension BenchWorkload {
  private static var products: [BenchWorkload] {
    [
      product(.uint8, .int8, m: 1024, n: 1024, k: 1024),
      product(.uint8, .int8, m: 1024, n: 1024, k: 1024, isPrepared: true),
      product(.int8, .int8, m: 1024, n: 1024, k: 1024, isPrepared: true),
      product(.uint8, .int8, m: 1, n: 1024, k: 1024, isPrepared: true),
      product(.uint8, .int8, m: 16, n: 16, k: 16),
      product(.uint8, .int8, m: 1024, n: 1024, k: 1024, .onnx, isPrepared: true),
      product(.int8, .int8, m: 1024, n: 1024, k: 1024, .tflite, isPrepared: true),
      product(.int8, .int8, m: 16, n: 16, k: 16, .tflite),
    ]
  }

  private static func product(
    _ a: IntegerType, _ b: IntegerType, m: Int, n: Int, k: Int, _ epilogue: Epilogue = .none,
    isPrepared: Bool = false
  ) -> BenchWorkload {
    var whole = MatMulParameters(aType: a, bType: b, m: m, n: n, k: k)
    whole.aZeroPoints = [a == .uint8 ? 128 : -5]
    whole.requantization = epilogue.requantization(channels: n)
    return BenchWorkload(
      operation: epilogue.operationPrefix + "matmul",
      name: "\(short(a))*\(short(b)) \(m)x\(k)*\(k)x\(n)\(epilogue.suffix)"
        + (isPrepared ? ", prepared" : ""),
      unit: .macs, rows: m, unitsPerRow: n * k, traffic: nil,
      setUp: { [whole] memory in
        memory.fill(.input, bytes: m * k, with: .bytes)
        memory.fill(.weights, bytes: k * n, with: .bytes)
        memory.fill(.bias, bytes: n * 4, with: .accumulators)
        memory.fill(.output, bytes: m * n * whole.outputType.size, with: .bytes)
      },
      make: { [whole] (tier, rows, memory) throws(KernelError) in
        var part = whole
        part.m = rows
        part.aBatchStride = rows * k
        let a = memory.bytes(.input, rows * k)
        let b = memory.bytes(.weights, k * n)
        let bias = memory.bytes(.bias, n * 4)
        let y = memory.mutable(.output, rows * n * part.outputType.size)
        if isPrepared {
          let prepared = try PreparedMatMul(tier: tier, parameters: part, b: b, bias: bias)
          return { () throws(KernelError) in try prepared.run(a: a, y: y) }
        }
        return { [part] () throws(KernelError) in
          try Kernels.matmul(tier: tier, parameters: part, a: a, b: b, bias: bias, y: y)
        }
      })
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func rows(_ first: Int, _ count: Int, of size: Int) -> Self {
    Self(rebasing: self[first * size..<(first + count) * size])
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func rows(_ first: Int, _ count: Int, of size: Int) -> Self {
    Self(rebasing: self[first * size..<(first + count) * size])
  }
}
