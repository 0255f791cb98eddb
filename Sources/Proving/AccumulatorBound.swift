import CaseFormat
public import ExactArithmetic

/// Where the bias comes into a sum.
public enum BiasOrder: String, CaseIterable, Sendable {
  /// The accumulator starts at the bias.
  case first
  /// The accumulator starts at 0, and the bias is added to the sum of all products.
  case last
}

/// What the accumulator of one output channel can hold, exactly.
///
/// With `v = w - weight zero point` and inputs `r = x - input zero point` from a to b, each product
/// `r * v` by itself reaches `b * v` and `a * v`, and all of them at once, because every weight meets
/// another input. With P the sum of the positive v and N that of the negative ones:
///
///     greatest sum         bias + b * P + a * N
///     least sum            bias + a * P + b * N
///     greatest partial     bias + max(b, 0) * P + min(a, 0) * N
///     least partial        bias + min(a, 0) * P + max(b, 0) * N
///
/// A partial sum in some order is the sum of a subset of the products: the greatest one takes those
/// that can be positive, at their greatest. Where a <= 0 <= b, which a range with the zero point has,
/// the partial extremes are those of the sum. With the bias last, partial sums are those without it,
/// and the whole sum.
///
/// - Note: a = 0 or b = 0 make no exception; all sums are over mathematical integers.
public struct AccumulatorBound: Hashable, Sendable {
  /// The least and the greatest value of the whole sum.
  public let sum: ClosedRange<Integer>
  /// The least and the greatest value of any partial sum, in any order of the products.
  public let partial: ClosedRange<Integer>
  /// The two's complement width that the types alone ask for.
  public let dataTypeBits: Int

  /// The least width that holds every whole sum: enough where the accumulator wraps.
  public var sumBits: Int { Self.bits(for: sum) }
  /// The least width that holds every partial sum too: enough whatever happens beyond it.
  public var partialBits: Int { Self.bits(for: partial) }

  /// Whether a whole sum can leave an accumulator of a width.
  public func sumOverflows(_ bits: Int) -> Bool { sumBits > bits }
  /// Whether any sum, partial ones among them, can leave an accumulator of a width.
  public func overflows(_ bits: Int) -> Bool { max(sumBits, partialBits) > bits }

  /// The least two's complement width that holds a range: the least n with
  /// `-2^(n-1) <= lower` and `upper <= 2^(n-1) - 1`.
  public static func bits(for range: ClosedRange<Integer>) -> Int {
    // -2^(n-1) takes as many bits as its complement 2^(n-1) - 1.
    [range.lowerBound, range.upperBound]
      .map { ($0 < 0 ? -$0 - 1 : $0).bitWidth + 1 }.max() ?? 1
  }
}

extension AccumulatorLayer {
  /// The bounds of every output channel, in order.
  ///
  /// The weights are read once. P and N fit 64 bits: weights have at most 32 bits, so `|v| < 2^33`,
  /// and a channel has fewer than 2^30 of them.
  public func bounds(_ order: BiasOrder = .first) -> [AccumulatorBound] {
    let (channels, run) = (channelCount, run)
    var positive = Array(repeating: Int64(0), count: channels)
    var negative = positive
    var start = 0
    while start < weights.count {
      for channel in 0..<channels {
        let zero = weightZeroPoint(of: channel)
        var (above, below) = (Int64(0), Int64(0))
        for index in start..<start + run {
          let value = weights.codes[index] - zero
          above += max(value, 0)
          below += min(value, 0)
        }
        positive[channel] += above
        negative[channel] += below
        start += run
      }
    }
    return (0..<channels).map { channel in
      bound(
        positive: Integer(positive[channel]), negative: Integer(negative[channel]),
        of: channel, order)
    }
  }

  /// The bound of a channel from the sums of its positive and of its negative weights.
  private func bound(
    positive: Integer, negative: Integer, of channel: Int, _ order: BiasOrder
  ) -> AccumulatorBound {
    let a = Integer(input.values.lowerBound)
    let b = Integer(input.values.upperBound)
    let bias = Integer(bias(of: channel))
    let sum = bias + a * positive + b * negative...bias + b * positive + a * negative
    let (low, high) = (min(a, 0), max(b, 0))
    let products = low * positive + high * negative...high * positive + low * negative
    let partial =
      switch order {
      case .first: bias + products.lowerBound...bias + products.upperBound
      case .last:
        min(products.lowerBound, sum.lowerBound)...max(products.upperBound, sum.upperBound)
      }
    return AccumulatorBound(
      sum: sum, partial: partial, dataTypeBits: dataTypeBits(of: channel))
  }

  /// The width that the types ask for, whatever the weights are.
  ///
  /// `P = ceil(alpha + log2(1 + 2^-alpha) + 1)` with `alpha = log2 K + N + M - 2`, K products of
  /// operands that take N and M bits in two's complement, their zero points taken off: the least P
  /// with `V <= 2^(P-1) - 1` for the magnitude `V = 2^alpha`. Unsigned n bits without a zero point
  /// take n + 1. A bias adds its magnitude to V.
  ///
  /// - Source: I. Colbert, A. Pappalardo, J. Petri-Koenig, "A2Q: Accumulator-Aware Quantization with
  ///   Guaranteed Overflow Avoidance", ICCV 2023, the data type bound, where
  ///   `alpha = log2 K + N + M - 1 - 1_signed(x)`; `calculate_min_accumulator_bit_width` of brevitas.
  private func dataTypeBits(of channel: Int) -> Int {
    let inputBits = Self.bits(of: Self.levels(of: input.dtype), less: input.zeroPoint)
    let weightBits = Self.bits(
      of: Self.levels(of: weights.dtype), less: weightZeroPoint(of: channel))
    let magnitude =
      Integer(depth) << (inputBits + weightBits - 2) + Integer(bias(of: channel)).magnitude
    return magnitude.bitWidth + 1
  }

  /// The two's complement width of the levels of a type less a zero point.
  private static func bits(of levels: ClosedRange<Int64>?, less zero: Int64) -> Int {
    guard let levels else { return 0 }
    return AccumulatorBound.bits(
      for: Integer(levels.lowerBound - zero)...Integer(levels.upperBound - zero))
  }
}
