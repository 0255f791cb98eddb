import CKernels

/// What this machine can do at most: work to be timed, for a benchmark to divide by.
public enum Ceiling {
  /// Executes independent dot products in registers, with the instructions of the tier's products.
  ///
  /// An iteration is about a dozen instructions; two million take milliseconds.
  ///
  /// - Returns: The multiply-accumulates done: of bytes for `avx512vnni`, of 16-bit words for `avx2`
  ///   and `avx512`; 0 for other tiers and where the tier is unavailable.
  public static func dotProducts(tier: Tier, iterations: UInt64) -> UInt64 {
    guard let cTier = tier.cTier else { return 0 }
    return qk_ceiling_dot_product(cTier, iterations)
  }

  /// Copies as the C library does, at most the size of either buffer.
  public static func copy(to: UnsafeMutableRawBufferPointer, from: UnsafeRawBufferPointer) {
    qk_ceiling_copy(to.baseAddress, from.baseAddress, min(to.count, from.count))
  }

  /// Copies with the widest ordinary loads and stores of `avx2`, `avx512` or `avx512vnni`, at most
  /// the size of either buffer.
  public static func plainCopy(
    tier: Tier, to: UnsafeMutableRawBufferPointer, from: UnsafeRawBufferPointer
  ) throws(KernelError) {
    guard let cTier = tier.cTier else { throw .unsupported("\(tier.rawValue) has no copy loop") }
    let bytes = min(to.count, from.count)
    try check(qk_ceiling_plain_copy(cTier, to.baseAddress, from.baseAddress, bytes), tier)
  }

  /// Reads a buffer with the widest loads of `avx2`, `avx512` or `avx512vnni`.
  ///
  /// - Returns: A digest of what was read, to be used so that the reading is not optimized away.
  public static func read(tier: Tier, _ buffer: UnsafeRawBufferPointer) -> UInt64 {
    guard let cTier = tier.cTier else { return 0 }
    return qk_ceiling_read(cTier, buffer.baseAddress, buffer.count)
  }
}
