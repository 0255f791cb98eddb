import CaseFormat
import Generation
import NumberFormats
import Operations
import Testing

@testable import Fuzzing

/// Cases that stand for what a kernel with a wrong window computes.
@Suite struct WindowGeometryTests {
  private func cases(_ count: Int) throws -> [Case] {
    let operation = try #require(Registry.operation(named: "conv2d"))
    let dialect = try Dialect.named("onnx")
    return (0..<count).map { stream in
      var choices = Choices(randomness: Randomness(seed: 11, stream: UInt64(stream)))
      return operation.generate(from: &choices, dialect: dialect)
    }
  }

  private func output(_ test: Case) throws -> Tensor {
    try #require(try Reference.evaluateFast(test)["y"]).tensor
  }

  /// A geometry that nobody changed is that of the case: the same outputs.
  @Test func unchanged() throws {
    var compared = 0
    for test in try cases(60) {
      guard let geometry = WindowGeometry(test), let fitted = geometry.fitted else { continue }
      #expect(try output(fitted) == output(test))
      compared += 1
    }
    #expect(compared >= 30)
  }

  /// Whatever is wrong, the output keeps its shape, and some of its values change.
  @Test func changed() throws {
    for fault in CaseFault.windows {
      var (fitting, differing) = (0, 0)
      for test in try cases(60) where WindowGeometry(test) != nil {
        guard let seen = fault.apply(test) else { continue }
        let (wrong, right) = (try output(seen), try output(test))
        #expect(wrong.shape == right.shape, "\(fault.name)")
        fitting += 1
        differing += wrong == right ? 0 : 1
      }
      #expect(fitting >= 10 && differing >= 1, "\(fault.name): \(differing) of \(fitting)")
    }
  }

  /// By hand: 1 2 3 with the kernel 10 1 and a dilation of 2 is 10 * 1 + 1 * 3; without it, the
  /// second tap falls on the 2.
  @Test func byHand() throws {
    let test = Case(
      id: "hand", operation: "conv2d", dialect: "onnx",
      attributes: ["dilations": .integers([1, 2])],
      inputs: [
        "x": Tensor(.uint8, shape: [1, 1, 1, 3], codes: [1, 2, 3]),
        "w": Tensor(.uint8, shape: [1, 1, 1, 2], codes: [10, 1]),
      ])
    #expect(try output(test).codes == [13])
    var geometry = try #require(WindowGeometry(test))
    geometry.dilations = [1, 1]
    #expect(try output(#require(geometry.fitted)).codes == [12])
  }
}
