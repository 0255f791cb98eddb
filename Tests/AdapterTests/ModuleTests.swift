import Adapters
import CaseFormat
import ExactArithmetic
import Foundation
import Generation
import NumberFormats
import Testing

/// The Python module.
@Suite(.enabled(if: Tools.hasPython, "python3 is not installed")) struct ModuleTests {
  /// Its own tests, `python/test_adapter.py`.
  @Test func ownTests() throws {
    try withFolder([.python]) { folder in
      let run = try shell("python3 -m unittest discover -s \"$TESTS/python\"", folder: folder)
      #expect(run.code == 0, "\(run.error)")
      #expect(run.error.firstMatch(of: #/Ran [1-9][0-9]+ tests/#) != nil, "\(run.error)")
    }
  }

  /// It reads every number as qverify does.
  @Test func numbers() throws {
    var generator = Randomness(seed: 11)
    let questions = DataType.named.flatMap { dtype in
      (texts(&generator) + texts(of: dtype, &generator)).map { (text: $0, dtype: dtype) }
    }
    #expect(questions.count > 5000)
    let lines = questions.map { "\($0.dtype.name)\t\($0.text)" }.joined(separator: "\n")
    try withFolder([.python]) { folder in
      let run = try shell("python3 \"$TESTS/python/read_numbers.py\"", folder: folder, input: lines)
      let answers = run.output.split(separator: "\n")
      try #require(run.code == 0 && answers.count == questions.count, "\(run.error)")
      var wrong: [String] = []
      for (question, answer) in zip(questions, answers) {
        let code = try? ElementText.code(of: question.text, as: question.dtype)
        let expected = code.map { "\($0)" } ?? "malformed"
        if expected != answer { wrong.append("\(question): \(answer), not \(expected)") }
      }
      #expect(wrong.isEmpty, "\(wrong.prefix(20))")
    }
  }

  /// Texts that are hard for some type: ties, neighbours of ties, ends, and what is no number.
  private func texts(_ generator: inout Randomness) -> [String] {
    var texts = [
      "0", "-0.0", "1", "-1", "5.0", "1e2", "5.5", "nan", "inf", "-inf", "0x1.8p+1", "-0x.8p-3", "7",
      "7.0000001", "448", "464", "464.5", "465", "65519.99", "65520", "57344", "61440", "61439.9",
      "240", "248", "3.4028235677973366e38", "3.4028235677973365e38", "1e400", "-1e400", "1e-400",
      "1.000000059604644775390625", "1.000000059604644775390626", "16777217", "2049", "257",
      "1.5", "3", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
      "140737488355327", "1e99999999999", "0e99999999999", "1e-99999999999", "", "-", "+1", "01",
      "1.", ".5", "0x", "0x1p", "1_0", " 1", "one", "NaN", "Infinity", "1e", "0x1.8", "0X1P3",
    ]
    for _ in 0..<60 {
      let digits = generator.next() % 1_000_000_000_000_000_000
      texts.append("\(digits % 2 == 0 ? "-" : "")\(digits % 1000).\(digits)e-\(digits % 50)")
      texts.append("\(digits)e\(Int(digits % 80) - 60)")
    }
    return texts
  }

  /// The numbers of a type, the ties between them, and what lies next to those, exactly.
  private func texts(of dtype: DataType, _ generator: inout Randomness) -> [String] {
    guard case .float(let format) = dtype, format.bits <= 32 else { return [] }
    return (0..<60).flatMap { _ -> [String] in
      let last = UInt64(1) << UInt64(format.bits) - 1
      let code = generator.next() % last
      guard let low = format.decode(code).rational, let high = format.decode(code + 1).rational
      else { return [] }
      // A tie has one bit more than the type; a hex float says it exactly.
      let (a, b) = (low.approximate, high.approximate)
      let tie = a + (b - a) / 2
      let hex = hexadecimal(tie)
      let further = hex.replacing("p", with: "0000000000000001p")
      return [hexadecimal(a), hex, further, "\(a)", "\(tie)", "\(tie.nextUp)", "\(tie.nextDown)"]
    }
  }

  /// A binary64 number as a C99 hex float with a fraction.
  private func hexadecimal(_ value: Double) -> String {
    let bits = value.magnitude.bitPattern
    guard bits != 0 else { return value.sign == .minus ? "-0x0.0p+0" : "0x0.0p+0" }
    let exponent = Int(bits >> 52)
    let fraction = String(bits & (1 << 52 - 1) | 1 << 52, radix: 16)
    let padded = String(repeating: "0", count: 13 - min(13, fraction.count - 1)) + fraction.dropFirst()
    return exponent == 0
      ? "\(value.sign == .minus ? "-" : "")0x0.0p+0"
      : "\(value.sign == .minus ? "-" : "")0x1.\(padded)p\(exponent - 1023)"
  }

  /// What it writes, qverify reads as the same elements.
  @Test func written() throws {
    try withFolder([.python]) { folder in
      let run = try shell("python3 \"$TESTS/python/write_tensors.py\"", folder: folder)
      try #require(run.code == 0, "\(run.error)")
      var seen: Set<String> = []
      for record in CaseFile.records(in: Array(run.output.utf8)) {
        let test = try record.result.get()
        let (x, y) = (try #require(test.inputs["x"]), try #require(test.outputs?["y"]).tensor)
        #expect(x.dtype == y.dtype && x.shape == y.shape && x.codes == y.codes, "\(test.id)")
        seen.insert(x.dtype.name)
      }
      #expect(seen.isSuperset(of: DataType.named.map(\.name)) && seen.contains("fixed<8,4>"))
    }
  }
}

/// What there is on this machine.
enum Tools {
  static let hasPython = succeeds("python3 -c ''")
  static let hasPyTorch = succeeds("python3 -c 'import torch, numpy'")
  static let hasONNXRuntime = succeeds("python3 -c 'import onnxruntime, numpy'")
  static let hasC = succeeds("cc --version")
  static let hasSwift = succeeds("swiftc --version")
}
