import ExactArithmetic

extension GoldenTable {
  /// A number as a document prints it: its digits, its unit and what the digits leave open.
  ///
  /// A value printed with d decimals stands for every number that rounds to it, ties away from
  /// zero: `288` is [287.5, 288.5), `-288` is (-288.5, -287.5], `0` is (-0.5, 0.5).
  public struct PrintedNumber: Sendable, Encodable {
    /// The decimal digits, as printed.
    public let text: String
    /// The unit.
    public let unit: Unit
    /// How many decimals count, negative for zeros before the point; nil where the number is exact.
    public let decimals: Int?
    let value: Rational

    /// Reads a decimal number; nil if it is none.
    ///
    /// - Parameters:
    ///   - text: digits with an optional sign and point; no exponent.
    ///   - unit: the unit.
    ///   - precision: what the file says about the digits.
    init?(_ text: String, _ unit: Unit, precision: Precision = .asPrinted) {
      guard let value = Rational.parse(plainDecimal: text) else { return nil }
      self.text = text
      self.unit = unit
      self.value = value
      let printed = text.split(separator: ".").dropFirst().first?.count ?? 0
      switch precision {
      case .exact: decimals = nil
      case .asPrinted: decimals = printed
      case .decimals(let stated):
        // More digits than are there, or digits that do not count, would be another number.
        guard stated > -1000, stated <= printed,
          (value / Self.quantum(stated)).isInteger
        else { return nil }
        decimals = stated
      }
    }

    /// Which digits count.
    enum Precision {
      case asPrinted
      case exact
      case decimals(Int)

      /// Reads `exact` or a number of decimals.
      init?(_ text: String) {
        if text == "exact" {
          self = .exact
        } else if let decimals = Int(text) {
          self = .decimals(decimals)
        } else {
          return nil
        }
      }
    }

    /// 10 to the minus `decimals`.
    private static func quantum(_ decimals: Int) -> Rational {
      var result: Rational = 1
      for _ in 0..<decimals.magnitude { result *= 10 }
      return decimals > 0 ? 1 / result : result
    }

    /// Half a unit of the last digit; 0 for an exact number.
    private var slack: Rational { decimals.map { Self.quantum($0) / 2 } ?? 0 }

    /// The lower end of what the digits allow, in the unit.
    var low: Rational { value - slack }
    /// The upper end.
    var high: Rational { value + slack }

    /// Whether a number, in the unit, is printed like this.
    func admits(_ number: Rational) -> Bool {
      if decimals == nil { return number == value }
      if number == low { return value > 0 }
      if number == high { return value < 0 }
      return low < number && number < high
    }

    /// What the digits allow: `288 MB, which is [287.5, 288.5) MB`.
    var interval: String {
      if decimals == nil { return "exactly \(self)" }
      let (opening, closing) = (value > 0 ? "[" : "(", value < 0 ? "]" : ")")
      let range = unit.text("\(opening)\(low.decimal), \(high.decimal)\(closing)")
      return "\(self), which is \(range)"
    }

    func amount(_ number: Rational) -> Amount {
      Amount(value: number * unit.scale, dimension: unit.dimension)
    }

    private enum CodingKeys: String, CodingKey {
      case text = "value"
      case unit
      case decimals
    }
  }
}

extension GoldenTable.PrintedNumber: CustomStringConvertible {
  /// The number with its unit: `288 MB`.
  public var description: String { unit.text(text) }
}

extension Rational {
  /// Reads digits with an optional sign and point: no exponent, not hexadecimal.
  static func parse(plainDecimal text: String) -> Rational? {
    text.allSatisfy { "-.0123456789".contains($0) } ? parse(text) : nil
  }

  /// The exact value as text: `0.12` where the decimals end, else `12/97`.
  var decimal: String {
    var (scaled, places, rest) = (magnitude, 0, denominator)
    for prime in [2, 5] as [Integer] {
      while case let (quotient, remainder) = rest.quotientAndRemainder(flooringBy: prime),
        remainder.isZero
      {
        rest = quotient
      }
    }
    guard rest == 1 else { return description }
    while !scaled.isInteger {
      scaled *= 10
      places += 1
    }
    let digits = scaled.numerator.description
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let point = places == 0 ? "" : "."
    return (signum() < 0 ? "-" : "") + padded.dropLast(places) + point + padded.suffix(places)
  }
}
