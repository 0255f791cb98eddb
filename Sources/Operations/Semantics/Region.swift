import CaseFormat
import ExactArithmetic
import NumberFormats

/// Where a value stands to a range, which decides whether a gradient passes [gradients §2].
enum Region: Int, CaseIterable, Sendable {
  case below, onLower, inside, onUpper, above, nowhere

  /// The region of a value; a NaN has none.
  init(of value: Number, lower: Rational, upper: Rational) {
    switch value {
    case .nan: self = .nowhere
    case .infinity(let negative): self = negative ? .below : .above
    case .negativeZero, .finite:
      let rational = value.rational ?? 0
      if rational == lower {
        self = .onLower
      } else if rational == upper {
        self = .onUpper
      } else {
        self = rational < lower ? .below : rational > upper ? .above : .inside
      }
    }
  }

  /// What the region is called in explanations.
  var name: String {
    switch self {
    case .below: "below"
    case .onLower: "on the lower boundary"
    case .inside: "in range"
    case .onUpper: "on the upper boundary"
    case .above: "above"
    case .nowhere: "NaN"
    }
  }

  var isBoundary: Bool { self == .onLower || self == .onUpper }
}

/// The bins of gradients; `LevelBin` has the numbers below these.
enum GradientBin: Int, CaseIterable {
  case below = 32
  case onLower, inside, onUpper, above
  case roundedInto
  case gradientNaN, gradientInfinity, gradientMinusZero, blockedNegative, blockedInfinity

  var name: String {
    switch self {
    case .below: "below the range"
    case .onLower: "on the lower boundary"
    case .inside: "in range"
    case .onUpper: "on the upper boundary"
    case .above: "above the range"
    case .roundedInto: "outside, rounded into the range"
    case .gradientNaN: "gradient NaN"
    case .gradientInfinity: "gradient infinite"
    case .gradientMinusZero: "gradient -0"
    case .blockedNegative: "negative gradient blocked"
    case .blockedInfinity: "infinite gradient blocked"
    }
  }

  /// A bin that a campaign must have.
  var required: CoverageBin { CoverageBin(rawValue, name, required: true) }
}

extension Coverage {
  /// Adds a bin of a gradient.
  mutating func insert(_ bin: GradientBin, if condition: Bool = true) {
    insert(bin.rawValue, if: condition)
  }

  /// Notes where a value stands.
  mutating func insert(_ region: Region) {
    let bins: [GradientBin?] = [.below, .onLower, .inside, .onUpper, .above, nil]
    if let bin = bins[region.rawValue] { insert(bin) }
  }

  /// Notes the gradient of an output, and whether the mask lets it pass.
  mutating func insert(gradient: Number, passes: Bool?) {
    insert(.gradientNaN, if: gradient == .nan)
    insert(.gradientInfinity, if: gradient.isInfinite)
    insert(.gradientMinusZero, if: gradient == .negativeZero)
    guard passes == false else { return }
    insert(.blockedNegative, if: gradient.isNegative && gradient.isFinite)
    insert(.blockedInfinity, if: gradient.isInfinite)
  }
}
