import Foundation

/// Text that is HTML: made of elements and of escaped text only.
struct Markup: ExpressibleByStringInterpolation {
  private(set) var text: String

  /// Markup that is known to be right.
  init(_ text: String) { self.text = text }

  /// A literal is markup; what is interpolated into it is escaped unless it is markup itself.
  init(stringLiteral value: String) { text = value }

  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  struct StringInterpolation: StringInterpolationProtocol {
    var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ markup: Markup) { text += markup.text }

    mutating func appendInterpolation(_ parts: [Markup]) { for part in parts { text += part.text } }

    mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      text += XMLElement.escaped(value.description, inAttribute: false)
    }
  }

  static func + (left: Markup, right: Markup) -> Markup { Markup(left.text + right.text) }

  /// Nothing.
  static let none: Markup = ""

  /// A number with its thousands apart.
  static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { result += "\u{2009}" }
      result.append(digit)
    }
    return (value < 0 ? "-" : "") + result
  }

  /// A number of a plot in a few digits.
  static func short(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e7 { return "\(Int(value))" }
    return String(format: "%.6g", value)
  }
}
