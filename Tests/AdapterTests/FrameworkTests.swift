import Adapters
import Foundation
import Testing

/// The examples for PyTorch and ONNX Runtime, where these are installed.
///
/// What a version or a CPU is known to compute otherwise is probed first, and then has to be found.
@Suite(.serialized) struct FrameworkTests {
  private func fuzz(
    _ adapter: Adapter, _ operations: String, dialect: String, folder: String
  ) throws -> Run {
    try shell(
      """
      qverify fuzz --ops \(operations) --dialect \(dialect) \
      --subject "cmd:python3 \(adapter.fileName)" --cases 200 --seed 1 --max-failures 1
      """, folder: folder)
  }

  /// Every operation agrees, and cases of each were run.
  private func expectAgreement(_ run: Run, of operations: [String]) {
    #expect(run.code == 0, "\(run.output)\(run.error)")
    for operation in operations {
      let row = run.output.split(separator: "\n").first { $0.hasPrefix(operation + " ") }
      let cells = row?.split(separator: " ") ?? []
      let cases = cells.firstIndex(of: "passed").flatMap { Int(cells[$0 + 1]) } ?? 0
      #expect(cases >= 20, "\(run.output)")
    }
  }

  @Test(.enabled(if: Tools.hasPyTorch, "torch and numpy are not installed")) func pytorch() throws {
    try withFolder([.python, .pytorch]) { folder in
      let steady = ["dequantize", "fake_quantize"]
      let run = try fuzz(
        .pytorch, steady.joined(separator: ","), dialect: "pytorch", folder: folder)
      expectAgreement(run, of: steady)
      // The dialect is that of PyTorch 2.13: 1/2 and a zero point of 1 are 2. From 2.15 on, 1.
      let probe = try shell(
        """
        python3 -W ignore -c 'import torch
        print(int(torch.quantize_per_tensor(torch.tensor([0.5]), 1.0, 1, torch.quint8).int_repr()))'
        """, folder: folder)
      let quantize = try fuzz(.pytorch, "quantize", dialect: "pytorch", folder: folder)
      if probe.output == "2\n" {
        expectAgreement(quantize, of: ["quantize"])
      } else {
        #expect(probe.output == "1\n" && quantize.code == 1, "\(probe.error)\(quantize.output)")
        #expect(quantize.output.contains("decides     zero point: "), "\(quantize.output)")
        #expect(quantize.output.contains("(+ 1 after rounding)"), "\(quantize.output)")
      }
    }
  }

  @Test(.enabled(if: Tools.hasONNXRuntime, "onnxruntime and numpy are not installed"))
  func onnxRuntime() throws {
    try withFolder([.python, .onnxruntime]) { folder in
      let run = try fuzz(.onnxruntime, "quantize,dequantize", dialect: "onnx", folder: folder)
      expectAgreement(run, of: ["quantize", "dequantize"])
      // On a CPU with AVX2 and without VNNI, sums of two products saturate at 16 bits.
      let pair = """
        {"id": "pair", "op": "matmul", "dialect": "onnx", "inputs": {\
        "a": {"dtype": "uint8", "shape": [1, 2], "data": [255, 255]}, \
        "b": {"dtype": "int8", "shape": [2, 1], "data": [127, 127]}}}
        """
      let probe = try shell("python3 onnxruntime_subject.py", folder: folder, input: pair)
      let matmul = try fuzz(.onnxruntime, "matmul", dialect: "onnx", folder: folder)
      if probe.output.contains("\"data\": [64770]") {
        expectAgreement(matmul, of: ["matmul"])
      } else {
        #expect(probe.output.contains("\"data\": [32767]"), "\(probe.output)\(probe.error)")
        #expect(matmul.code == 1 && matmul.output.contains("saturating int16 pair sums"))
      }
    }
  }
}
