import ExactArithmetic
import Generation
import NumberFormats
import Synchronization

/// The order in which the values of a float format grow more complex: small integers, halves,
/// quarters and eighths first, then powers of two, infinities and NaN, then every encoding.
struct FloatOrder: Sendable {
  let format: FloatFormat
  /// The simple encodings, in order.
  private let simple: [UInt64]
  private let placeOfSimple: [UInt64: UInt64]
  /// Encodings beyond the simple ones are counted from here.
  private let first: UInt64
  private let last: UInt64

  private init(_ format: FloatFormat, positiveOnly: Bool) {
    self.format = format
    var simple: [UInt64] = []
    var seen: Set<UInt64> = []
    func add(_ number: Number) {
      guard let code = format.code(exactly: number), seen.insert(code).inserted else { return }
      simple.append(code)
    }
    if positiveOnly {
      for value in [1.0, 2, 0.5, 4, 0.25, 3, 8, 0.125, 5, 10, 1.5, 0.75] { add(Number(value)) }
      for exponent in 4...12 {
        add(.finite(Rational(1).scaledByPowerOfTwo(exponent)))
        add(.finite(Rational(1).scaledByPowerOfTwo(-exponent)))
      }
    } else {
      add(.finite(0))
      for denominator in [1, 2, 4, 8] {
        for numerator in 1...40 {
          add(.finite(Rational(numerator) / Rational(denominator)))
          add(.finite(Rational(-numerator) / Rational(denominator)))
        }
      }
      for exponent in 6...20 {
        add(.finite(Rational(1).scaledByPowerOfTwo(exponent)))
        add(.finite(-Rational(1).scaledByPowerOfTwo(exponent)))
      }
      for number in [Number.negativeZero, .infinity(negative: false), .infinity(negative: true)] {
        add(number)
      }
      if format.hasNaN { add(.nan) }
    }
    self.simple = simple
    placeOfSimple = Dictionary(
      uniqueKeysWithValues: simple.enumerated().map { ($0.element, UInt64($0.offset)) })
    first = positiveOnly ? 1 : 0
    last =
      positiveOnly
      ? format.encode(.finite(format.largestFinite))
      : (format.bits == 64 ? .max - UInt64(simple.count) - 1 : (1 << UInt64(format.bits)) - 1)
  }

  /// How many places there are.
  var count: UInt64 { UInt64(simple.count) + (last - first) + 1 }

  /// The place of an encoding.
  func place(of code: UInt64) -> UInt64 {
    placeOfSimple[code] ?? UInt64(simple.count) + (min(max(code, first), last) - first)
  }

  /// The encoding at a place.
  func code(at place: UInt64) -> UInt64 {
    place < UInt64(simple.count) ? simple[Int(place)] : place - UInt64(simple.count) + first
  }

  private static let cache = Mutex<[FloatFormat: (all: FloatOrder, positive: FloatOrder)]>([:])

  private static func orders(_ format: FloatFormat) -> (all: FloatOrder, positive: FloatOrder) {
    cache.withLock { cache in
      if let known = cache[format] { return known }
      let made = (
        all: FloatOrder(format, positiveOnly: false),
        positive: FloatOrder(format, positiveOnly: true)
      )
      cache[format] = made
      return made
    }
  }

  /// The order of all encodings.
  static func all(_ format: FloatFormat) -> FloatOrder { orders(format).all }
  /// The order of the finite encodings above zero.
  static func positive(_ format: FloatFormat) -> FloatOrder { orders(format).positive }
}

extension FloatFormat {
  /// The encoding nearest to a double.
  func code(of value: Double) -> UInt64 {
    switch self {
    case .binary64: value.bitPattern
    case .binary32: UInt64(Float(value).bitPattern)
    default: encode(Number(value))
    }
  }

  /// The value of an encoding as a double, which holds every format exactly but for range.
  func double(of code: UInt64) -> Double {
    switch self {
    case .binary64: Double(bitPattern: code)
    case .binary32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: code)))
    default: decode(code).approximate
    }
  }

  /// An encoding some steps away, towards infinity for positive counts.
  func stepped(_ code: UInt64, by steps: Int) -> UInt64 {
    if isNaN(code: code) { return code }
    var code = code
    for _ in 0..<abs(steps) { code = steps > 0 ? nextUp(code) : nextDown(code) }
    return code
  }
}

extension Randomness {
  /// An encoding of a format: every exponent, significands full and empty, specials.
  ///
  /// TestFloat's idea: cross a table of exponents with a table of significands, then random ones.
  mutating func floatCode(_ format: FloatFormat) -> UInt64 {
    let significandBits = UInt64(format.significandBits)
    let exponents = UInt64(1) << UInt64(format.exponentBits)
    let sign: UInt64 = format.isSigned && below(2) == 1 ? 1 : 0
    let exponent: UInt64
    switch below(8) {
    case 0: exponent = 0
    case 1: exponent = exponents - 1
    case 2: exponent = pick([1, exponents - 2])
    case 3, 4, 5:
      let offset = Int64(below(41)) - 20
      exponent = UInt64(min(max(Int64(format.bias) + offset, 0), Int64(exponents) - 1))
    default: exponent = below(exponents)
    }
    let full = significandBits == 0 ? 0 : (UInt64(1) << significandBits) - 1
    let significand: UInt64
    switch below(5) {
    case 0: significand = 0
    case 1: significand = full
    case 2: significand = full == 0 ? 0 : pick([1, full - 1, full / 2, full / 2 + 1])
    case 3: significand = full == 0 ? 0 : 1 << below(significandBits)
    default: significand = next() & full
    }
    return sign << (significandBits + UInt64(format.exponentBits))
      | exponent << significandBits | significand
  }

  /// The encoding of a scale: powers of two, neighbours of one, ordinary, tiny and huge ones.
  mutating func scaleCode(_ format: FloatFormat) -> UInt64 {
    let largest = format.code(of: format.largestFinite.approximate)
    switch below(16) {
    case 0...3: return format.code(of: power(-8...4))
    case 4: return format.code(of: power(-24...24))
    case 5: return format.stepped(format.code(of: 1), by: below(7) - 3)
    case 6: return 1 + UInt64(below(3))
    case 7: return format.encode(.finite(format.smallestNormal)) &+ UInt64(below(3)) &- 1
    case 8: return largest - UInt64(below(3))
    case 9: return format.code(of: Double(1 + below(100)) / 10)
    case 10: return format.code(of: Double(1 + below(9)) / 3)
    case 11: return max(1, below(largest))
    default:
      let significand = 1 + Double(below(1 << 24)) / Double(1 << 24)
      return format.code(of: significand * power(-12...2))
    }
  }

  /// A power of two with an exponent of a range.
  mutating func power(_ exponents: ClosedRange<Int>) -> Double {
    let exponent = exponents.lowerBound + below(exponents.count)
    return Double(sign: .plus, exponent: exponent, significand: 1)
  }
}

extension Choices {
  /// An encoding of a format; small integers and halves are the simplest.
  mutating func float(
    _ format: FloatFormat, _ pick: (inout Randomness) -> UInt64
  ) -> UInt64 {
    let order = FloatOrder.all(format)
    return order.code(at: choose(below: order.count) { order.place(of: pick(&$0)) })
  }

  /// The encoding of a scale: finite and above zero; 1 is the simplest.
  mutating func scale(
    _ format: FloatFormat, _ pick: (inout Randomness) -> UInt64
  ) -> UInt64 {
    let order = FloatOrder.positive(format)
    return order.code(at: choose(below: order.count) { order.place(of: pick(&$0)) })
  }
}
