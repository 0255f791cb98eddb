import CaseFormat
import Foundation
import Fuzzing
import Generation
import NumberFormats
import Operations
import Reporting
import Testing
import Verification

/// Reports made by hand: every kind of failure, and texts that could break a format.
enum Samples {
  static let int8 = DataType(name: "int8") ?? .bool
  static let int32 = DataType(name: "int32") ?? .bool
  static let float32 = DataType(name: "float32") ?? .bool

  static let bins = [
    CoverageBin(0, "tie up", required: true), CoverageBin(1, "tie down", required: true),
    CoverageBin(2, "saturated <low> & \"high\"", required: true),
    CoverageBin(3, "per channel", required: false),
  ]

  static func lane(
    _ operation: String, _ dialect: String, _ subject: String, _ verdicts: [Verdict: Int],
    features: UInt64 = 0b1111, generated: UInt64 = 0b1111, tails: UInt64 = 0xFFFF_0000_0000_00FF
  ) -> LaneResult {
    var lane = LaneResult(operation: operation, dialect: dialect, subject: subject)
    lane.verdicts = verdicts
    lane.elements = 1234
    lane.unspecified = 7
    lane.coverage = Coverage(features: features, tails: tails)
    lane.generated = Coverage(features: generated, tails: tails)
    lane.declaredBins = bins
    lane.refusals = (verdicts[.unsupported] ?? 0) > 0 ? ["no 'axis' & <that>": 3] : [:]
    lane.time = .microseconds(1_234_567)
    return lane
  }

  /// A requantization that rounds a tie the wrong way.
  static let mismatch: Failure = {
    let test = Case(
      id: "requantize-7f3a00", operation: "requantize", dialect: "tflite-away",
      attributes: ["axis": .integer(-1), "output_dtype": .string("int8")],
      inputs: [
        "acc": Tensor(int32, shape: [3], codes: [-5, 2_147_483_647, 7]),
        "multiplier": Tensor(scalar: 1_073_741_824, int32),
        "shift": Tensor(scalar: 0, int8), "zero_point": Tensor(scalar: 0, int8),
      ],
      outputs: ["y": Expectation(Tensor(int8, shape: [3], codes: [-3, 127, 4]))],
      note: "made by hand")
    var failure = Failure(
      recorded: test, subject: "builtin:avx2",
      judgement: Judgement(
        .mismatch, element: .init(output: "y", index: 0, found: -2, count: 1)),
      origin: "seed 7, case 123")
    failure.caseIndex = 123
    failure.file = "golden/regressions/requantize-7f3a00.json"
    failure.choices = ChoiceSequence("0*3,1,0*2;0;0,6,0;112")
    (failure.steps, failure.elementsBefore) = (41, 49)
    failure.stages = [
      Stage(
        element: 0, name: "scaling", value: "-5/2", detail: "-5 * 1/2", clause: "requantize §3"),
      Stage(
        element: 0, name: "rounding", value: "-3", detail: "-5/2; nearest, ties away from zero",
        clause: "rounding §2"),
    ]
    failure.stage = "rounding"
    failure.decides = "rounding: -5/2 goes to -3 by nearest, ties away from zero; avx2 has -2"
    failure.pattern = "where it is a tie and negative (all 93 wrong of 4,096; 3,900 others are right)"
    failure.others = [("builtin:scalar", -3), ("builtin:swift", -3), ("builtin:avx512", -2)]
    failure.alsoFailing = ["builtin:avx512"]
    failure.likeness = "rounding by half up, or requantize/tflite-single (agrees on all 4096 probes)"
    failure.errors = [
      .init(difference: -1, count: 3), .init(difference: 0, count: 4000),
      .init(difference: 1, count: 93),
    ]
    failure.staircase = Failure.Staircase(
      input: "acc", inputIndex: 0, output: "y", outputIndex: 0,
      points: (-24...24).map { step in
        let half = Double(step - 5) / 2
        return .init(
          input: Double(step - 5), exact: half.rounded(.toNearestOrAwayFromZero),
          found: step == 20 ? nil : (half + 0.5).rounded(.down))
      })
    return failure
  }()

  /// A convolution that ends its process, with a message from who knows where.
  static let crash: Failure = {
    let test = Case(
      id: "conv2d-000001", operation: "conv2d", dialect: "onnx",
      attributes: ["pads": .integers([1, 0, 0, 1]), "alpha": .decimal("0.25")],
      inputs: [
        "x": Tensor(int8, shape: [1, 1, 2, 3], codes: [-128, 0, 1, 2, 3, 127]),
        "w": Tensor(int8, shape: [1, 1, 1, 1], codes: [1]),
      ],
      outputs: ["y": Expectation(Tensor(int32, shape: [1, 1, 3, 4], codes: Array(repeating: 0, count: 12)))])
    return Failure(
      recorded: test, subject: "lib:./bad kernel's.so",
      judgement: Judgement(.crashed, "signal 11 </script> & \u{1B}[31m\"red\"\u{0} ]]> in the kernel"),
      origin: "seed 7, case 5")
  }()

  /// A float result where an interval is right, an element is open, and a NaN is given.
  static let interval: Failure = {
    var expectation = Expectation(
      Tensor(float32, shape: [3], codes: [0x3F80_0000, 0x4000_0000, 0x7FC0_0000]))
    expectation.allow(upTo: 0x3F80_0004, at: 0)
    expectation.leaveUnspecified(at: 2)
    let test = Case(
      id: "dequantize-2", operation: "dequantize", dialect: "mine",
      inputs: ["x": Tensor(int8, shape: [3], codes: [1, 2, 3])], outputs: ["y": expectation])
    var failure = Failure(
      recorded: test, subject: "cmd:python3 kernel.py",
      judgement: Judgement(
        .mismatch, element: .init(output: "y", index: 1, found: 0x7FC0_0000, count: 1)),
      origin: "seed 7, case 9")
    failure.dialectPath = "./my dialect.yaml"
    failure.errors = [.init(difference: .max, count: 1), .init(difference: -12, count: 5)]
    failure.staircase = Failure.Staircase(
      input: "x", inputIndex: 1, output: "y", outputIndex: 1,
      points: [
        .init(input: 1, exact: 1, found: 1), .init(input: 2, exact: 2, found: .nan),
        .init(input: 3, exact: .infinity, found: nil),
      ])
    return failure
  }()

  static func setting(
    seed: UInt64 = 7, shards: [Int] = [0], of count: Int = 1
  ) -> Report.Setting {
    Report.Setting(
      version: "0.1.0", command: ["qverify", "fuzz", "--seed", "7", "--subject", "cmd:a b"],
      operations: ["requantize", "conv2d", "dequantize"],
      dialects: [
        .init(name: "tflite-away", path: nil), .init(name: "onnx", path: nil),
        .init(name: "mine", path: "./my dialect.yaml"),
      ],
      subjects: ["builtin:avx2", "lib:./bad kernel's.so"], seed: seed, budget: .cases(300),
      maximumFailures: 10, jobs: 2, shardCount: count, shards: shards)
  }

  static let date = Date(timeIntervalSince1970: 1_795_000_000)

  /// Failures of several kinds, thin evidence, refusals, something skipped.
  static let failing: Report = {
    var campaign = CampaignReport(seed: 7)
    campaign.lanes = [
      lane("requantize", "tflite-away", "builtin:scalar", [.passed: 300]),
      lane("requantize", "tflite-away", "builtin:avx2", [.passed: 80, .mismatch: 3]),
      lane("requantize", "tflite-away", "builtin:avx512", [.passed: 80, .mismatch: 2]),
      lane(
        "conv2d", "onnx", "builtin:scalar", [.passed: 250, .unsupported: 50], features: 0b0111),
      lane("conv2d", "onnx", "builtin:avx2", [.passed: 300], features: 0b0011, generated: 0b1011),
      lane("conv2d", "onnx", "lib:./bad kernel's.so", [.passed: 5, .crashed: 1]),
      lane("dequantize", "mine", "cmd:python3 kernel.py", [.passed: 9, .mismatch: 1]),
    ]
    campaign.failures = [mismatch, crash, interval]
    campaign.skipped = [
      ("quantize/cmsis-nn", "CMSIS-NN has no float kernels"), ("matmul/onnx", "not <planted>"),
    ]
    (campaign.cases, campaign.rejected, campaign.crossChecked) = (900, 4, 3)
    campaign.chased = 64
    campaign.contradictions = ["lib:x claims ties <up>, onnx has ties to even"]
    campaign.elapsed = .milliseconds(12_345)
    campaign.times.shrink = .milliseconds(77)
    return Report(setting: setting(), campaign: campaign, started: date)
  }()

  /// Everything agreed.
  static let passing: Report = {
    var campaign = CampaignReport(seed: 7)
    campaign.lanes = [
      lane("requantize", "tflite-away", "builtin:scalar", [.passed: 300]),
      lane("conv2d", "onnx", "builtin:scalar", [.passed: 300]),
    ]
    campaign.cases = 600
    campaign.elapsed = .seconds(3)
    return Report(setting: setting(), campaign: campaign, started: date)
  }()
}
