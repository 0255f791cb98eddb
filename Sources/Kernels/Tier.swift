import CKernels

/// A level of instructions that a kernel is written for.
///
/// All tiers compute the same bits; they differ in speed and in where they run.
public enum Tier: String, CaseIterable, Sendable {
  /// Portable C, one element after the other.
  case scalar
  /// Portable Swift, written independently of the C tiers.
  case swift
  /// x86-64 with AVX2.
  case avx2
  /// x86-64 with AVX-512 F, BW, DQ and VL.
  case avx512
  /// x86-64 with AVX-512 as above and VNNI.
  case avx512vnni
  /// AArch64; uses the dot product instructions where the CPU has them.
  case neon

  /// The tiers that this process can run, in order of declaration.
  public static let available: [Tier] = allCases.filter(\.isAvailable)

  /// Whether this process can run the tier.
  public var isAvailable: Bool { unavailabilityReason == nil }

  /// Why this process cannot run the tier, or nil if it can.
  public var unavailabilityReason: String? {
    guard let tier = cTier, let missing = qk_tier_missing(tier) else { return nil }
    return "\(rawValue) needs \(String(cString: missing)), which is missing here"
  }

  /// The tier in C's words; nil for `swift`, which is not written in C.
  var cTier: qk_tier? {
    switch self {
    case .scalar: QK_SCALAR
    case .swift: nil
    case .avx2: QK_AVX2
    case .avx512: QK_AVX512
    case .avx512vnni: QK_AVX512VNNI
    case .neon: QK_NEON
    }
  }
}
