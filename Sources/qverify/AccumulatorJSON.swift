import CaseFormat
import ExactArithmetic
import NumberFormats
import Proving

extension AccumulatorText {
  /// Everything, every channel by itself.
  var json: JSONValue {
    .object([
      .init("declared_bits", report.declaredBits.map(Self.number) ?? .null),
      .init(
        "can_overflow", report.declaredBits.map { _ in .bool(!report.overflowing.isEmpty) } ?? .null
      ),
      .init("bias_order", .string(report.order.rawValue)),
      .init("channels", Self.number(report.channelCount)),
      .init("weights", Self.number(report.weightCount)),
      .init("sum_bits", Self.number(report.sumBits)),
      .init("partial_bits", Self.number(report.partialBits)),
      .init("data_type_bits", Self.number(report.dataTypeBits)),
      .init("sum_histogram", Self.json(report.sumHistogram)),
      .init("partial_histogram", Self.json(report.partialHistogram)),
      .init("overflows", overflows),
      .init("layers", .array(report.layers.enumerated().map(json))),
      .init("witness", witnesses.first.map { CaseFile.json($0.test) } ?? .null),
      .init("pairs", pairs.map(json) ?? .null),
    ])
  }

  private func json(_ pairs: AccumulatorPairReport) -> JSONValue {
    .object([
      .init("neighbours", Self.number(pairs.neighbourCount)),
      .init("any_two", Self.number(pairs.anyCount)),
      .init("witness", pairWitnesses.first.map { CaseFile.json($0) } ?? .null),
    ])
  }

  private static func number(_ value: some CustomStringConvertible) -> JSONValue {
    .number(value.description)
  }

  private static func json(_ histogram: [(bits: Int, channels: Int)]) -> JSONValue {
    .array(
      histogram.map {
        .object([.init("bits", number($0.bits)), .init("channels", number($0.channels))])
      })
  }

  private var overflows: JSONValue {
    .array(
      Set(Self.usualWidths + [report.declaredBits].compactMap { $0 }).sorted().map { bits in
        let (sum, partial) = report.overflowCounts(at: bits)
        return .object([
          .init("bits", Self.number(bits)), .init("sum", Self.number(sum)),
          .init("partial", Self.number(partial)),
        ])
      })
  }

  private func json(_ index: Int, _ layer: AccumulatorReport.Layer) -> JSONValue {
    let input = layer.layer.input
    let channels = layer.bounds.enumerated().map { channel, bound in
      JSONValue.object(Self.members(bound) + Self.members(pairs?.bounds[index][channel]))
    }
    return .object([
      .init("name", .string(layer.layer.name)),
      .init("operation", .string(layer.layer.operation.rawValue)),
      .init("weight_dtype", .string(layer.layer.weights.dtype.name)),
      .init("weight_shape", .array(layer.layer.weights.shape.map(Self.number))),
      .init("products", Self.number(layer.layer.depth)),
      .init("input_dtype", .string(input.dtype.name)),
      .init("input_min", Self.number(input.levels.lowerBound)),
      .init("input_max", Self.number(input.levels.upperBound)),
      .init("input_zero_point", Self.number(input.zeroPoint)),
      .init("channels", .array(channels)),
    ])
  }

  private static func members(_ bound: AccumulatorBound) -> [JSONValue.Member] {
    [
      .init("least", number(bound.sum.lowerBound)),
      .init("greatest", number(bound.sum.upperBound)),
      .init("bits", number(bound.sumBits)),
      .init("least_partial", number(bound.partial.lowerBound)),
      .init("greatest_partial", number(bound.partial.upperBound)),
      .init("partial_bits", number(max(bound.sumBits, bound.partialBits))),
      .init("data_type_bits", number(bound.dataTypeBits)),
    ]
  }

  private static func members(_ pair: AccumulatorPairBound?) -> [JSONValue.Member] {
    guard let pair else { return [] }
    return [
      .init("least_pair", number(pair.neighbours.lowerBound)),
      .init("greatest_pair", number(pair.neighbours.upperBound)),
      .init("least_any_two", number(pair.any.lowerBound)),
      .init("greatest_any_two", number(pair.any.upperBound)),
    ]
  }
}
