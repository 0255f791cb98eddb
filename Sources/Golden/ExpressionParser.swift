import ExactArithmetic

extension Expression {
  /// Reads a formula.
  ///
  /// - Throws: a `Failure` that names the column.
  static func parse(_ text: String) throws(Failure) -> Expression {
    // Nobody reads a longer one, and evaluation recurses.
    guard text.count <= 500 else { throw Failure(message: "is longer than 500 characters") }
    var parser = ExpressionParser(text)
    let expression = try parser.sum(depth: 0)
    try parser.finish()
    return expression
  }
}

private struct ExpressionParser {
  private let characters: [Character]
  private var position = 0

  init(_ text: String) { characters = Array(text) }

  mutating func sum(depth: Int) throws(Expression.Failure) -> Expression {
    guard depth < 50 else { throw failure("is nested too deeply") }
    var left = try product(depth: depth)
    while let operation = take("+", "-") {
      left = .operation(operation, left, try product(depth: depth))
    }
    return left
  }

  private mutating func product(depth: Int) throws(Expression.Failure) -> Expression {
    var left = try factor(depth: depth)
    while let operation = take("*", "/") {
      left = .operation(operation, left, try factor(depth: depth))
    }
    return left
  }

  private mutating func factor(depth: Int) throws(Expression.Failure) -> Expression {
    guard depth < 50 else { throw failure("is nested too deeply") }
    if take("-") { return .negation(try factor(depth: depth + 1)) }
    if take("(") {
      let inner = try sum(depth: depth + 1)
      try expect(")")
      return inner
    }
    let start = position
    let word = word()
    guard let first = word.first else { throw failure("a number, a name or '(' must stand here") }
    if first.isNumber || first == "." {
      guard let value = Rational.parse(plainDecimal: word) else {
        throw failure("'\(word)' is no decimal number", start)
      }
      return .number(word, value)
    }
    guard take("(") else {
      if Expression.reserved.contains(word) { throw failure("'\(word)' takes arguments", start) }
      return .name(word)
    }
    if word == "low" || word == "high" {
      let name = self.word()
      try expect(")")
      return .end(of: name, isHigh: word == "high")
    }
    guard let function = Expression.Function(rawValue: word) else {
      let known = Expression.reserved.joined(separator: ", ")
      throw failure("'\(word)' is not one of the functions \(known)", start)
    }
    var arguments = [try sum(depth: depth + 1)]
    while take(",") { arguments.append(try sum(depth: depth + 1)) }
    try expect(")")
    return .call(function, arguments)
  }

  /// Fails if anything is left.
  mutating func finish() throws(Expression.Failure) {
    skipSpaces()
    if position < characters.count { throw failure("'\(characters[position])' is not expected") }
  }

  // MARK: Characters

  private mutating func skipSpaces() {
    while position < characters.count, characters[position].isWhitespace { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpaces()
    guard position < characters.count, characters[position] == character else { return false }
    position += 1
    return true
  }

  private mutating func take(_ first: Character, _ second: Character) -> Expression.Operator? {
    take(first)
      ? Expression.Operator(rawValue: first)
      : take(second) ? Expression.Operator(rawValue: second) : nil
  }

  private mutating func expect(_ character: Character) throws(Expression.Failure) {
    guard take(character) else { throw failure("'\(character)' must stand here") }
  }

  /// Letters, digits, points and underscores.
  private mutating func word() -> String {
    skipSpaces()
    let word = characters[position...].prefix {
      $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_")
    }
    position = word.endIndex
    return String(word)
  }

  private func failure(_ message: String, _ place: Int? = nil) -> Expression.Failure {
    .init(message: "column \((place ?? position) + 1): \(message)")
  }
}
