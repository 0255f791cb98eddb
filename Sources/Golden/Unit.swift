import ExactArithmetic

extension GoldenTable {
  /// The unit of a printed number.
  ///
  /// `MB` is 10^6 bytes and `MiB` is 2^20: never the same.
  public enum Unit: String, CaseIterable, Encodable, Sendable {
    case one = "1"
    case percent = "%"
    case parameters
    case bits
    case bytes
    case kB
    case KiB
    case MB
    case MiB
    case GB
    case GiB
  }

  /// What can be added to what.
  ///
  /// Bits are widths and bytes are sizes: only `size` and `count` lead from one to the other.
  enum Dimension: String, Sendable {
    case number = "a plain number"
    case parameters = "parameters"
    case bits = "bits"
    case bytes = "bytes"
  }

  /// An exact quantity, in plain numbers, parameters, bits or bytes.
  struct Amount: Equatable, Sendable {
    var value: Rational
    var dimension: Dimension
  }
}

extension GoldenTable.Unit {
  var dimension: GoldenTable.Dimension {
    switch self {
    case .one, .percent: .number
    case .parameters: .parameters
    case .bits: .bits
    case .bytes, .kB, .KiB, .MB, .MiB, .GB, .GiB: .bytes
    }
  }

  /// How many of the dimension's own unit make one of this.
  var scale: Rational {
    switch self {
    case .one, .parameters, .bits, .bytes: 1
    case .percent: Rational(1, 100)
    case .kB: 1000
    case .MB: 1_000_000
    case .GB: 1_000_000_000
    case .KiB: Rational(Integer.powerOfTwo(10))
    case .MiB: Rational(Integer.powerOfTwo(20))
    case .GiB: Rational(Integer.powerOfTwo(30))
    }
  }

  /// How many of this unit an amount of its dimension is.
  func number(of amount: GoldenTable.Amount) -> Rational { amount.value / scale }

  /// A number in this unit, as text: `288 MB`, `75.6 %`, `8`.
  func text(_ number: String) -> String { self == .one ? number : "\(number) \(rawValue)" }
}
