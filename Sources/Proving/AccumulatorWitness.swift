public import CaseFormat
public import ExactArithmetic
import NumberFormats
public import Operations

/// An input that takes an accumulator to an extreme, as a case with its exact answer.
public struct AccumulatorWitness: Sendable {
  /// The sum that is reached; of a partial one, before the rest of the products.
  public let value: Integer
  /// Whether a partial sum leaves the accumulator, but no whole sum does.
  public let isPartial: Bool
  /// How many products lie in the sum that is reached.
  public let productCount: Int
  /// The case: the channel alone, one output.
  public let test: Case
}

extension AccumulatorLayer {
  /// The extreme of a channel that lies furthest beyond an accumulator; nil where none does.
  ///
  /// A whole sum where one leaves it, because that is wrong in every order, and where sums wrap too.
  func extreme(
    of bound: AccumulatorBound, beyond bits: Int
  ) -> (value: Integer, isGreatest: Bool, isPartial: Bool)? {
    guard bound.overflows(bits) else { return nil }
    let isPartial = !bound.sumOverflows(bits)
    let range = isPartial ? bound.partial : bound.sum
    // The ends of the accumulator are each other's complements.
    let isGreatest = range.upperBound >= -range.lowerBound - 1
    return (isGreatest ? range.upperBound : range.lowerBound, isGreatest, isPartial)
  }

  /// A case in which a channel goes furthest beyond an accumulator; nil where it cannot leave it.
  ///
  /// The exact reference evaluates the case over unbounded integers, to see that it reaches what the
  /// bound says. The case is one of the first dialect in which the answer is the sum itself, or, where
  /// there is none, of the last.
  ///
  /// - Parameters:
  ///   - channel: the output channel, which the case has alone.
  ///   - bound: its bound.
  ///   - bits: the width of the accumulator.
  ///   - order: where the bias comes in.
  ///   - dialects: what the case can be judged by; not empty.
  /// - Returns: the case, or nil; nil too where the sum is beyond int64, which no output holds.
  /// - Throws: `usage` where no dialect has an answer to such a case; `fault` where the reference
  ///   does not reach the bound.
  public func witness(
    channel: Int, bound: AccumulatorBound, beyond bits: Int, _ order: BiasOrder, dialects: [Dialect]
  ) throws(AccumulatorError) -> AccumulatorWitness? {
    guard let extreme = extreme(of: bound, beyond: bits) else { return nil }
    let zero = weightZeroPoint(of: channel)
    var terms = weights(of: channel).map {
      AccumulatorTerm(weight: $0, value: $0 - zero, of: input, isGreatest: extreme.isGreatest)
    }
    var count = terms.count
    if extreme.isPartial {
      count = terms.partition { !$0.belongs }
      for index in terms[count...].indices { terms[index].level = terms[index].opposite }
    }
    let test = try test(
      terms.map { ($0.level, $0.weight) }, channel: channel,
      extreme.isPartial ? .matmul : operation,
      id: "\(name)/\(channel)/\(extreme.isPartial ? "partial-" : "")"
        + (extreme.isGreatest ? "greatest" : "least"))
    let witness = AccumulatorWitness(
      value: extreme.value, isPartial: extreme.isPartial, productCount: count, test: test)
    return try answered(witness, terms: terms, channel: channel, bits, order, dialects)
  }

  /// The case of a channel with the given levels, in the shape of an operation.
  func test(
    _ operands: [(level: Int64, weight: Int64)], channel: Int, _ operation: Operation, id: String
  ) throws(AccumulatorError) -> Case {
    var test = Case(id: id, operation: operation.rawValue, dialect: "ideal")
    let (inputName, weightName) = operation == .matmul ? ("a", "b") : ("x", "w")
    let shapes: (input: [Int], weights: [Int])
    switch operation {
    case .matmul: shapes = ([1, operands.count], [operands.count, 1])
    case .conv2d: shapes = ([1] + weights.shape[1...], [1] + weights.shape[1...])
    case .depthwiseConv2D:
      let (height, width) =
        layout == .channelsFirst
        ? (weights.shape[2], weights.shape[3]) : (weights.shape[1], weights.shape[2])
      let shape = layout == .channelsFirst ? [1, 1, height, width] : [1, height, width, 1]
      shapes = (shape, shape)
    }
    test.inputs[inputName] = Tensor(input.dtype, shape: shapes.input, codes: operands.map(\.level))
    test.inputs[weightName] = Tensor(
      weights.dtype, shape: shapes.weights, codes: operands.map(\.weight))
    if input.zeroPoint != 0 {
      test.inputs[inputName + "_zero_point"] = Tensor(scalar: input.zeroPoint, input.dtype)
    }
    if weightZeroPoint(of: channel) != 0 {
      test.inputs[weightName + "_zero_point"] = Tensor(
        scalar: weightZeroPoint(of: channel), weights.dtype)
    }
    let bias = bias(of: channel)
    if bias != 0 {
      let type = DataType.integer(.init(bits: Int32(exactly: bias) == nil ? 64 : 32, signed: true))
      test.inputs["bias"] = Tensor(type, shape: [1], codes: [bias])
    }
    if operation != .matmul, layout == .channelsLast {
      test.attributes["layout"] = .string(layout.rawValue)
    }
    return test
  }

  /// The witness with its outputs and a note, once the reference has confirmed what it reaches;
  /// nil where no output type holds the whole sum.
  private func answered(
    _ witness: AccumulatorWitness, terms: [AccumulatorTerm], channel: Int, _ bits: Int,
    _ order: BiasOrder,
    _ dialects: [Dialect]
  ) throws(AccumulatorError) -> AccumulatorWitness? {
    let bias = Integer(bias(of: channel))
    let whole = terms.reduce(bias) { $0 + $1.product }
    var reached = terms[..<witness.productCount].reduce(Integer(0)) { $0 + $1.product }
    if !witness.isPartial || order == .first { reached += bias }
    var test = witness.test
    guard let code = whole.int64 else { return nil }
    if Int32(exactly: code) == nil { test.attributes["output_dtype"] = .string("int64") }
    let exact = try? Reference.evaluate(test)
    guard exact?["y"]?.tensor.codes == [code], reached == witness.value else {
      throw AccumulatorError(.fault, "\(test.id) does not reach \(witness.value)")
    }
    test.note = note(witness, channel: channel, bits, order)
    return AccumulatorWitness(
      value: witness.value, isPartial: witness.isPartial, productCount: witness.productCount,
      test: try Self.answer(test, sum: code, dialects))
  }

  private func note(
    _ witness: AccumulatorWitness, channel: Int, _ bits: Int, _ order: BiasOrder
  ) -> String {
    let isGreatest = witness.value > 0
    let end = isGreatest ? "greatest" : "least"
    let limit = isGreatest ? Integer.powerOfTwo(bits - 1) - 1 : -Integer.powerOfTwo(bits - 1)
    let reach =
      witness.isPartial
      ? "the first \(witness.productCount) products, the bias \(order.rawValue), reach the \(end) "
        + "partial sum" : "the \(end) sum"
    return "\(name), channel \(channel): \(reach), \(witness.value); \(bits) bits end at \(limit)"
  }

  /// The case with its outputs in the first dialect that answers the sum itself, or in the last.
  static func answer(
    _ test: Case, sum: Int64, _ dialects: [Dialect]
  ) throws(AccumulatorError) -> Case {
    var refusal = ""
    var answered: Case?
    for dialect in dialects {
      do throws(CaseError) {
        let outcome = try Reference.evaluate(test, dialect: dialect)
        var next = test
        next.dialect = dialect.path ?? dialect.name
        next.outputs = Dictionary(
          uniqueKeysWithValues: outcome.outputs.map { ($0.name, $0.expectation) })
        answered = next
        if outcome["y"]?.tensor.codes == [sum], outcome["y"]?.unspecifiedCount == 0 { break }
      } catch {
        refusal = "dialect '\(dialect.name)' has no answer to \(test.id): \(error)"
      }
    }
    guard let answered else { throw .usage(refusal) }
    return answered
  }
}
