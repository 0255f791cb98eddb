import Foundation
import Testing

/// Where two dialects differ, exactly.
@Suite struct DiffTests {
  /// The numbers that frameworks showed on all 2^32 inputs.
  @Test func observed() throws {
    let run = try qverify([
      "diff", "onnx", "pytorch", "--op", "quantize", "--scale", "0.0123", "--zero-point", "3",
      "--dtype", "int8", "--limit", "1",
    ])
    #expect(run.code == 1, "\(run.error)")
    #expect(run.output.contains("differ on 282 of 4294967296 inputs"), "\(run.output)")
    #expect(run.output.contains("left open   16777214 by onnx alone"), "\(run.output)")
    let dequantize = try qverify([
      "diff", "tflite", "tflite-opt", "--op", "dequantize", "--scale", "0.1", "--zero-point", "3",
      "--format", "json",
    ])
    #expect(dequantize.code == 1 && dequantize.output.contains(#""differing": 72,"#))
    #expect(dequantize.output.contains(#""total": 256,"#), "\(dequantize.output)")
  }

  /// Small domains against every answer by `eval`.
  @Test func enumerated() throws {
    let values = (-128...127).map(String.init).joined(separator: ",")
    var answers: [[String]] = []
    for dialect in ["tflite", "tflite-opt"] {
      let test = """
        {"id":"a","op":"dequantize","dialect":"\(dialect)","inputs":{"x":{"dtype":"int8","shape":[256],\
        "data":[\(values)]},"scale":{"dtype":"float32","shape":[],"data":[0.0123]},\
        "zero_point":{"dtype":"int8","shape":[],"data":[-7]}}}
        """
      let run = try qverify(["eval", "-"], input: test)
      let data = try #require(run.output.firstMatch(of: #/"outputs".*"data": \[([^\]]*)\]/#))
      answers.append(data.1.split(separator: ",").map(String.init))
    }
    let expected = zip(answers[0], answers[1]).count { $0 != $1 }
    let run = try qverify([
      "diff", "tflite", "tflite-opt", "--op", "dequantize", "--scale", "0.0123", "--zero-point", "-7",
    ])
    #expect(expected > 0)
    #expect(run.output.contains("differ on \(expected) of 256 inputs"), "\(run.output)")
  }

  @Test func agreement() throws {
    let run = try qverify([
      "diff", "tflite", "tflite-away", "--op", "quantize", "--scale", "0.1", "--dtype", "int8",
    ])
    #expect(run.code == 0)
    #expect(run.output.contains("agree on all 4294967296 inputs"), "\(run.output)")
  }

  /// Products by constructed cases; parameters that only one dialect takes are said.
  @Test func telling() throws {
    let run = try qverify(["diff", "onnx", "ideal", "--op", "matmul"])
    #expect(run.code == 0, "\(run.output)")
    #expect(run.output.contains("not compared"), "\(run.output)")
    let fixed = try qverify(["diff", "tflite", "tflite-opt", "--op", "qmatmul", "--limit", "1"])
    #expect(fixed.code == 1 && fixed.output.contains("acc = "), "\(fixed.output)")
  }

  @Test func misuse() throws {
    let table: [(arguments: [String], code: Int32)] = [
      (["diff", "onnx", "tflite"], 64), (["diff", "onnx", "tflite", "--op", "dance"], 64),
      (["diff", "onnx", "numpy", "--op", "quantize"], 64),
      (["diff", "onnx", "cmsis-nn", "--op", "quantize"], 64),
      (["diff", "onnx", "tflite", "--op", "quantize", "--zero-point", "3"], 64),
      (["diff", "onnx", "tflite", "--op", "quantize", "--scale", "x"], 64),
      (["diff", "onnx", "tflite", "--op", "quantize", "--scale", "-1"], 65),
      (["diff", "onnx", "tflite", "--op", "quantize", "--scale", "1", "--attribute", "a=1"], 65),
      (["diff", "onnx", "tflite", "--op", "conv2d", "--scale", "1"], 64),
      (["diff", "onnx", "pytorch", "--op", "quantize", "--scale", "1", "--dtype", "int16"], 65),
      (["diff", "onnx", "tflite", "--op", "quantize", "--case", "/nowhere.jsonl"], 66),
      (["diff", "onnx", "/nowhere.yaml", "--op", "quantize"], 66),
    ]
    for (arguments, code) in table {
      let run = try qverify(arguments)
      #expect(run.code == code, "\(arguments): \(run.code) \(run.output)\(run.error)")
      #expect(!run.error.isEmpty, "\(arguments)")
    }
  }
}
