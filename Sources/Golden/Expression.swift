import ExactArithmetic

/// A formula over the named numbers of a table, evaluated exactly.
///
///     sum      = product (("+" | "-") product)*
///     product  = factor (("*" | "/") factor)*
///     factor   = "-" factor | number | name | function "(" sum ("," sum)* ")" | "(" sum ")"
///
/// A name stands for the printed number; `low(name)` and `high(name)` for the ends of the interval
/// that its digits allow.
indirect enum Expression: Sendable {
  case number(String, Rational)
  case name(String)
  case end(of: String, isHigh: Bool)
  case call(Function, [Expression])
  case negation(Expression)
  case operation(Operator, Expression, Expression)

  typealias Names = [String: GoldenTable.PrintedNumber]
  typealias Amount = GoldenTable.Amount

  /// The functions, beside `low` and `high`.
  enum Function: String, CaseIterable {
    /// `size(parameters, bits)`: parameters · bits / 8 bytes.
    case size
    /// `count(bytes, bits)`: the parameters that fill the bytes, bytes · 8 / bits.
    case count
    /// `ratio(a, b)`: a / b of two like quantities.
    case ratio
  }

  enum Operator: Character {
    case plus = "+"
    case minus = "-"
    case times = "*"
    case over = "/"
  }

  /// The words that no number of a table can be named by.
  static let reserved = ["low", "high"] + Function.allCases.map(\.rawValue)

  /// What is wrong with a formula.
  struct Failure: Error {
    var message: String
  }
}

// MARK: - Evaluation

extension Expression {
  /// The exact value.
  ///
  /// - Throws: a `Failure` for an unknown name, a division by zero and unlike quantities.
  func value(in names: Names) throws(Failure) -> Amount {
    switch self {
    case .number(_, let value): return Amount(value: value, dimension: .number)
    case .name(let name):
      let number = try Self.look(up: name, in: names)
      return number.amount(number.value)
    case .end(let name, let isHigh):
      let number = try Self.look(up: name, in: names)
      return number.amount(isHigh ? number.high : number.low)
    case .negation(let operand):
      let operand = try operand.value(in: names)
      return Amount(value: -operand.value, dimension: operand.dimension)
    case .operation(let operation, let left, let right):
      return try operation.apply(left.value(in: names), right.value(in: names))
    case .call(let function, let arguments):
      var values: [Amount] = []
      for argument in arguments { values.append(try argument.value(in: names)) }
      return try function.apply(values)
    }
  }

  private static func look(up name: String, in names: Names) throws(Failure)
    -> GoldenTable.PrintedNumber
  {
    guard let number = names[name] else {
      throw Failure(message: "'\(name)' is neither a quantity nor an entry of this file")
    }
    return number
  }
}

extension Expression.Operator {
  func apply(
    _ a: GoldenTable.Amount, _ b: GoldenTable.Amount
  ) throws(Expression.Failure) -> GoldenTable.Amount {
    switch (self, a.dimension, b.dimension) {
    case (.plus, let x, let y) where x == y: return .init(value: a.value + b.value, dimension: x)
    case (.minus, let x, let y) where x == y: return .init(value: a.value - b.value, dimension: x)
    case (.times, let x, .number): return .init(value: a.value * b.value, dimension: x)
    case (.times, .number, let y): return .init(value: a.value * b.value, dimension: y)
    case (.over, let x, let y) where y == .number || x == y:
      guard !b.value.isZero else { throw .init(message: "divides by zero") }
      return .init(value: a.value / b.value, dimension: x == y ? .number : x)
    default:
      throw .init(
        message: "'\(rawValue)' between \(a.dimension.rawValue) and \(b.dimension.rawValue)")
    }
  }
}

extension Expression.Function {
  /// The dimensions of the arguments.
  private var takes: [GoldenTable.Dimension]? {
    switch self {
    case .size: [.parameters, .bits]
    case .count: [.bytes, .bits]
    case .ratio: nil
    }
  }

  func apply(_ arguments: [GoldenTable.Amount]) throws(Expression.Failure) -> GoldenTable.Amount {
    let dimensions = arguments.map(\.dimension)
    guard arguments.count == 2 else {
      throw .init(message: "'\(rawValue)' takes 2 arguments, not \(arguments.count)")
    }
    if let takes, dimensions != takes {
      throw .init(
        message: "'\(rawValue)' takes \(takes.map(\.rawValue).joined(separator: " and ")), not "
          + dimensions.map(\.rawValue).joined(separator: " and "))
    }
    let (a, b) = (arguments[0], arguments[1])
    switch self {
    case .size: return .init(value: a.value * b.value / 8, dimension: .bytes)
    case .count:
      guard !b.value.isZero else { throw .init(message: "divides by zero") }
      return .init(value: a.value * 8 / b.value, dimension: .parameters)
    case .ratio:
      guard a.dimension == b.dimension else {
        throw .init(message: "'ratio' of \(a.dimension.rawValue) to \(b.dimension.rawValue)")
      }
      return try Expression.Operator.over.apply(a, b)
    }
  }
}

// MARK: - Text

extension Expression {
  /// The formula with the numbers in the places of their names: `size(72000000 parameters, 4 bits)`.
  func text(in names: Names) -> String {
    switch self {
    case .number(let text, _): return text
    case .name(let name): return names[name]?.description ?? name
    case .end(let name, let isHigh):
      guard let number = names[name] else { return name }
      return number.unit.text((isHigh ? number.high : number.low).decimal)
    case .negation(let operand): return "-\(operand.factorText(in: names))"
    case .call(let function, let arguments):
      let list = arguments.map { $0.text(in: names) }.joined(separator: ", ")
      return "\(function.rawValue)(\(list))"
    case .operation(let operation, let left, let right):
      let isSum = operation == .plus || operation == .minus
      let first = isSum ? left.text(in: names) : left.productText(in: names)
      let second = isSum ? right.productText(in: names) : right.factorText(in: names)
      return "\(first) \(operation.rawValue) \(second)"
    }
  }

  private func productText(in names: Names) -> String {
    switch self {
    case .operation(.plus, _, _), .operation(.minus, _, _): "(\(text(in: names)))"
    default: text(in: names)
    }
  }

  private func factorText(in names: Names) -> String {
    switch self {
    case .operation: "(\(text(in: names)))"
    default: text(in: names)
    }
  }
}
