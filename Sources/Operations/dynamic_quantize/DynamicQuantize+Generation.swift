public import CaseFormat
public import Generation
import NumberFormats

extension DynamicQuantize {
  /// Draws a tensor whose range is chosen first, so that its ties can be solved for.
  public static func generate(from choices: inout Choices, dialect: Dialect) -> Case {
    let count = choices.length(atLeast: 1, atMost: 140)
    let mood = choices.mood(12)
    // The ends of the range stand anywhere; of a range on one side of zero there is one end only.
    let ends = (choices.mood(count), choices.mood(count))
    let side = choices.mood(8)
    choices.beginBlock()
    let format = FloatFormat.binary32
    var scale = 1.0
    var zero = 0
    var codes: [Int64] = []
    for index in 0..<count {
      let code = choices.float(format) { randomness in
        if index == 0 {
          scale = format.double(of: randomness.scaleCode(format))
          if randomness.oneIn(2) { scale = randomness.power(-8...8) }
          zero = randomness.pick([0, 255, 128, 127, 1, 254, randomness.below(256)])
          if side < 2 { zero = side == 0 ? 0 : 255 }
        }
        // Of a range of a few hundred subnormal numbers the scale is off by up to a half.
        if mood == 4 { return UInt64(randomness.below(1024)) | (randomness.oneIn(2) ? 1 << 31 : 0) }
        if index == ends.0 && side != 1 { return format.code(of: Double(255 - zero) * scale) }
        if index == ends.1 && side != 0 { return format.code(of: Double(-zero) * scale) }
        switch mood {
        case 0: return randomness.floatCode(format)
        case 1 where randomness.oneIn(4): return format.nanCode
        case 2 where randomness.oneIn(4):
          return format.encode(.infinity(negative: randomness.oneIn(2)))
        case 3: return 0
        default: break
        }
        // On one side of zero the range does not reach it by itself.
        let low = side == 0 ? 1 : 0
        let level = Double(low + randomness.below(255 - low)) + (randomness.oneIn(2) ? 0.5 : 0)
        let code = format.code(of: (min(level, 255) - Double(zero)) * scale)
        switch randomness.below(10) {
        case 0: return format.stepped(code, by: randomness.below(5) - 2)
        case 1 where side > 1:
          return randomness.pick([format.encode(.negativeZero), 1, 0x8000_0001])
        default: return code
        }
      }
      codes.append(Int64(bitPattern: code))
    }
    return Case(
      id: "", operation: name, dialect: dialect.name,
      inputs: ["x": Tensor(.float32, shape: [count], codes: codes)])
  }
}
