import CaseFormat
import Operations

/// The exact dot products of rows and columns of a product question.
///
/// The sum of `depth` products of operands less their zero points, in 64-bit integers: an operand has
/// at most 16 bits and depth * bits <= 16, so a factor is below 2^16 in magnitude, a product is at
/// most 2^32, a sum at most 2^36: nothing overflows. Terms that are not free are zero. What a sum
/// becomes is the dialect's rule of accumulation (`SumRule`). Some products of every tile are compared
/// with the definition. Where more than the sum counts, the definition answers everything.
struct ProductOracle {
  let question: ProductQuestion

  /// How many products of each call the definition confirms, at most.
  static let confirmed = 4

  /// The answers to a call.
  struct Answers {
    /// Row by row.
    var codes: [Int64]
    /// Which are open; empty where none is.
    var isOpen: [Bool] = []
    var openCount: Int { isOpen.count { $0 } }
    /// How often the definition was asked.
    var evaluations = 0
  }

  /// The answers to every row with every column.
  ///
  /// `number` decides which of the products the definition confirms.
  ///
  /// - Throws: what the reference says against a product, or that it disagrees with a sum.
  func answers(
    rows: Range<Int>, columns: Range<Int>, _ placement: ProductQuestion.Placement, number: Int
  ) throws(CaseError) -> Answers {
    guard let rule = question.sumRule else {
      let answers = try definition(rows, columns, placement)
      return answers
    }
    var answers = Answers(codes: sums(rows, columns))
    try settle(&answers, rule)
    // Other products from call to call, by a hash of its number.
    let drawn = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
    let row = Int(drawn >> 40) % rows.count
    let column = Int(drawn >> 20 & 0xFFFF) % columns.count
    let count = min(Self.confirmed, columns.count - column)
    let first = columns.lowerBound + column
    let exact = try definition(
      rows.lowerBound + row..<rows.lowerBound + row + 1, first..<first + count, placement)
    answers.evaluations = count
    for index in 0..<count {
      let place = row * columns.count + column + index
      let isOpen = !answers.isOpen.isEmpty && answers.isOpen[place]
      let isOpenExactly = !exact.isOpen.isEmpty && exact.isOpen[index]
      guard isOpen == isOpenExactly, isOpen || answers.codes[place] == exact.codes[index] else {
        throw .malformed(
          "the sums of products contradict the definition: \(answers.codes[place]), not "
            + "\(exact.codes[index]), for row \(rows.lowerBound + row), column \(first + index)")
      }
    }
    return answers
  }

  private func definition(
    _ rows: Range<Int>, _ columns: Range<Int>, _ placement: ProductQuestion.Placement
  ) throws(CaseError) -> Answers {
    let test = question.test(rows: rows, columns: columns, placement)
    let outcome = try Reference.evaluate(test, dialect: question.dialect)
    guard let y = outcome["y"] else { throw .malformed("the reference has no output 'y'") }
    return Answers(
      codes: y.tensor.codes, isOpen: y.unspecified, evaluations: y.tensor.count)
  }

  /// The exact sums, row by row.
  private func sums(_ rows: Range<Int>, _ columns: Range<Int>) -> [Int64] {
    let (depth, width) = (question.depth, columns.count)
    // The factors of all columns, place by place. Most places have one level in a whole tile.
    var factors = Array(repeating: Int64(0), count: depth * width)
    for place in 0..<depth {
      for (index, column) in columns.enumerated() {
        factors[place * width + index] =
          question.level(column, at: place, of: question.columns) - question.columns.zeroPoint
      }
    }
    let varies = (0..<depth).map { place in
      factors[place * width..<(place + 1) * width].contains { $0 != factors[place * width] }
    }
    return [Int64](unsafeUninitializedCapacity: rows.count * width) { sums, count in
      guard var target = sums.baseAddress else { return }
      factors.withUnsafeBufferPointer { factors in
        for row in rows {
          target.initialize(repeating: 0, count: width)
          var constant: Int64 = 0
          for place in 0..<depth {
            let factor =
              question.level(row, at: place, of: question.rows) - question.rows.zeroPoint
            let first = place * width
            if !varies[place] {
              constant &+= factor &* factors[first]
              continue
            }
            for index in 0..<width { target[index] &+= factor &* factors[first + index] }
          }
          if constant != 0 { for index in 0..<width { target[index] &+= constant } }
          target += width
        }
      }
      count = rows.count * width
    }
  }

  /// Turns sums into what the dialect makes of them.
  private func settle(_ answers: inout Answers, _ rule: SumRule) throws(CaseError) {
    let (low, high) = (rule.plain.lowerBound, rule.plain.upperBound)
    for index in answers.codes.indices {
      let sum = answers.codes[index]
      if sum >= low && sum <= high { continue }
      if let settled = try rule.settled(sum) {
        answers.codes[index] = settled
        continue
      }
      if answers.isOpen.isEmpty {
        answers.isOpen = Array(repeating: false, count: answers.codes.count)
      }
      answers.isOpen[index] = true
    }
  }
}
