// swiftc -O -I . example_kernel.swift -emit-library -o example_kernel.so
// qverify fuzz --ops quantize,matmul --dialect onnx --subject lib:./example_kernel.so
//
// An example of a kernel under qverify: two functions as they stand in many libraries, and below them
// what attaches them. `-I .` is a folder that holds the header and its module map:
//
//     qverify adapter header --output qverify_kernel.h
//     echo 'module QVerifyKernel { header "qverify_kernel.h" export * }' > module.modulemap

import QVerifyKernel

// MARK: The kernel: it knows nothing of qverify.

/// y = clamp(round(x / scale) + zero_point), ties to even.
func quantize<Level: FixedWidthInteger>(
  _ x: UnsafeBufferPointer<Float>, scale: Float, zeroPoint: Level,
  to y: UnsafeMutableBufferPointer<Level>
) {
  let least = Float(Level.min) - Float(zeroPoint)
  let most = Float(Level.max) - Float(zeroPoint)
  for index in x.indices {
    let level = (x[index] / scale).rounded(.toNearestOrEven)
    // Clamped while it is a float: an Int of a float beyond the integers, or of a NaN, traps.
    let clamped = level > least ? (level < most ? level : most) : least
    y[index] = Level(Int(clamped) + Int(zeroPoint))
  }
}

/// y = sum (a - a_zero) * (b - b_zero), modulo 2^32: a is rows x depth, b is depth x columns.
func matmul(
  _ a: UnsafeBufferPointer<UInt8>, zeroPoint aZero: UInt8, _ b: UnsafeBufferPointer<Int8>,
  zeroPoint bZero: Int8, depth: Int, columns: Int, to y: UnsafeMutableBufferPointer<Int32>
) {
  for index in y.indices {
    let (row, column) = (index / columns, index % columns)
    var sum: Int32 = 0
    for k in 0..<depth {
      let left = Int32(a[row * depth + k]) - Int32(aZero)
      sum &+= left * (Int32(b[k * columns + column]) - Int32(bZero))
    }
    y[index] = sum
  }
}

// MARK: What attaches it.

typealias Call = UnsafePointer<qverify_call>

/// The elements of a tensor; nil where the case leaves it out.
func elements<T>(
  _ tensor: UnsafePointer<qverify_tensor>?, as type: T.Type
) -> UnsafeMutableBufferPointer<T>? {
  guard let tensor = tensor?.pointee else { return nil }
  return UnsafeMutableBufferPointer(
    start: tensor.data.assumingMemoryBound(to: type), count: Int(tensor.count))
}

func runQuantize<Level: FixedWidthInteger>(_ call: Call, _ type: Level.Type) -> qverify_status {
  guard let x = elements(qverify_input(call, "x"), as: Float.self),
    let scale = elements(qverify_input(call, "scale"), as: Float.self), scale.count == 1,
    let y = elements(qverify_output(call, "y"), as: type)
  else { return qverify_refuse(call, "one scale for the whole tensor only") }
  let zero = elements(qverify_input(call, "zero_point"), as: type)?[0] ?? 0
  quantize(UnsafeBufferPointer(x), scale: scale[0], zeroPoint: zero, to: y)
  return QVERIFY_OK
}

func runMatmul(_ call: Call) -> qverify_status {
  let aZero = elements(qverify_input(call, "a_zero_point"), as: UInt8.self)
  let bZero = elements(qverify_input(call, "b_zero_point"), as: Int8.self)
  guard let a = qverify_input(call, "a"), let b = qverify_input(call, "b"), a.pointee.rank == 2,
    b.pointee.rank == 2, aZero?.count ?? 1 == 1, bZero?.count ?? 1 == 1,
    let left = elements(a, as: UInt8.self),
    let right = elements(b, as: Int8.self),
    let y = elements(qverify_output(call, "y"), as: Int32.self)
  else { return qverify_refuse(call, "two matrices with one zero point each only") }
  matmul(
    UnsafeBufferPointer(left), zeroPoint: aZero?[0] ?? 0, UnsafeBufferPointer(right),
    zeroPoint: bZero?[0] ?? 0, depth: Int(b.pointee.dims[0]), columns: Int(b.pointee.dims[1]), to: y
  )
  return QVERIFY_OK
}

@_cdecl("qverify_run")
public func run(_ call: UnsafePointer<qverify_call>) -> qverify_status {
  if String(cString: call.pointee.operation) == "matmul" { return runMatmul(call) }
  let isSigned = qverify_output(call, "y")?.pointee.dtype == Int32(QVERIFY_INT8.rawValue)
  return isSigned ? runQuantize(call, Int8.self) : runQuantize(call, UInt8.self)
}

/// Text that stays where it is, which a description needs.
func text(_ string: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// A claim of the dialect onnx.
///
/// Cases outside it, or with inputs or attributes that it does not name, are not run.
func claim(
  _ operation: StaticString, dtypes: StaticString, inputs: StaticString, attributes: StaticString
) -> qverify_claim {
  qverify_claim(
    operation: text(operation), dialects: text("onnx"), dtypes: text(dtypes), inputs: text(inputs),
    attributes: text(attributes), layouts: nil, accumulator_bits: 0, ties: nil)
}

nonisolated(unsafe) let description: UnsafePointer<qverify_description> = {
  let claims = UnsafeMutablePointer<qverify_claim>.allocate(capacity: 2)
  claims[0] = claim(
    "quantize", dtypes: "x=float32 scale=float32 y=int8,uint8", inputs: "x,scale,zero_point",
    attributes: "axis,output_dtype")
  claims[1] = claim(
    "matmul", dtypes: "a=uint8 b=int8 y=int32", inputs: "a,b,a_zero_point,b_zero_point",
    attributes: "output_dtype")
  let description = UnsafeMutablePointer<qverify_description>.allocate(capacity: 1)
  description.initialize(
    to: qverify_description(
      abi_version: UInt32(QVERIFY_ABI_VERSION), name: text("example"), version: text("1.0"),
      claims: claims, claim_count: 2))
  return UnsafePointer(description)
}()

@_cdecl("qverify_describe")
public func describe() -> UnsafePointer<qverify_description> { description }
