import CKernels

/// Why a kernel did not run.
///
/// No output has been written then.
public enum KernelError: Error, Equatable, CustomStringConvertible {
  /// This process, or this implementation, cannot do what was asked.
  case unsupported(String)
  /// What was asked contradicts itself or the contract.
  case invalid(String)

  /// The kind and the reason.
  public var description: String {
    switch self {
    case .unsupported(let reason): "unsupported: \(reason)"
    case .invalid(let reason): "invalid: \(reason)"
    }
  }
}

/// Throws `invalid` unless the condition holds.
func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(KernelError) {
  if !condition { throw .invalid(reason()) }
}

/// Throws what a status of C means, if anything.
func check(_ status: qk_status, _ tier: Tier) throws(KernelError) {
  switch status {
  case QK_OK: return
  case QK_TIER_UNAVAILABLE:
    throw .unsupported(tier.unavailabilityReason ?? "\(tier.rawValue) has no such kernel")
  default: throw .unsupported("no memory for scratch buffers")
  }
}

/// The product of sizes, or an error if one is negative or the product is too large.
func product(_ factors: Int...) throws(KernelError) -> Int {
  var product = 1
  for factor in factors {
    try require(factor >= 0, "negative size \(factor)")
    let (result, overflow) = product.multipliedReportingOverflow(by: factor)
    try require(!overflow, "sizes \(factors) overflow")
    product = result
  }
  return product
}

/// Throws unless a buffer holds exactly `count` elements of `size` bytes.
func requireSize(
  _ name: String, bytes: Int, count: Int, of size: Int
) throws(KernelError) {
  let (expected, overflow) = count.multipliedReportingOverflow(by: size)
  try require(
    !overflow && bytes == expected,
    "\(name) has \(bytes) bytes, not \(overflow ? "so many" : "\(expected)")")
}
