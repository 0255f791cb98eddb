public import ArgumentParser
import CaseFormat
import Foundation
import NumberFormats
import Operations
public import Proving

/// `qverify prove accumulator`: how wide accumulators must be, and whether one can overflow.
struct ProveAccumulatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accumulator",
    abstract: "Decide from the actual weights whether accumulators can overflow.",
    discussion: """
      For every output channel: the least and the greatest sum that any input in the range reaches, \
      and any partial sum in any order; the least two's complement widths that hold them; and what the \
      types alone would ask for. With --accumulator-bits it decides whether that width can overflow, \
      and gives the input that does it, as a case for qverify check and replay. With --pairs it decides \
      whether two products of bytes, added as vpmaddubsw adds them, can leave int16.

      A file is a .npy file of integers, the output channel first, or JSON Lines: a tensor of the case \
      format on each line, with an id if you like, or a case of an operation with weights, whose w or \
      b, bias and zero points count. See specs/guides/accumulator.md.

      Exit codes: 0 nothing that was asked for can overflow; 1 an overflow exists (of --pairs: of \
      neighbouring products); 64 wrong usage; 65 a file is malformed; 66 a file is missing.
      """)

  @Option(parsing: .upToNextOption, help: "Files of weights.")
  var weights: [String]

  @Option(
    name: .customLong("op"),
    help: "The operation of plain tensors. Default: conv2d for 4 dimensions, else matmul.")
  var operation: AccumulatorLayer.Operation?

  @Option(help: "The layout of the weights of convolutions. Default: NCHW, that is w as OIHW.")
  var layout: AccumulatorLayer.Layout?

  @Option(parsing: .unconditional, help: "The output channels' axis in matmul weights. Default: 0.")
  var channelAxis: Int?

  @Option(help: "The type of weights in a .npy file, such as int4. Default: that of the file.")
  var weightDtype: String?

  @Option(
    parsing: .unconditional,
    help: "What is taken off the weights: a number, or a .npy file or a tensor of one a channel.")
  var weightZeroPoint: String?

  @Option(help: "The type of the inputs. Default: that of the case, else int8.")
  var inputDtype: String?

  @Option(parsing: .unconditional, help: "The least input. Default: that of the type.")
  var inputMin: Int64?

  @Option(parsing: .unconditional, help: "The greatest input. Default: that of the type.")
  var inputMax: Int64?

  @Option(
    parsing: .unconditional,
    help: "What is taken off the inputs. Default: that of the case, else 0.")
  var inputZeroPoint: Int64?

  @Option(
    help: "A file with the biases of the one layer, .npy or a tensor, in units of the accumulator.")
  var bias: String?

  @Option(
    help: "Whether the accumulator starts at the bias, or it is added to the sum of products.")
  var biasOrder = BiasOrder.first

  @Option(help: "The width of the accumulators, two's complement, 2 to 64.")
  var accumulatorBits: Int?

  @Flag(help: "Decide about int16 sums of two products too.")
  var pairs = false

  @Option(help: "Write the cases that overflow to this file, the worst channels first.")
  var witnesses: String?

  @Option(help: "Write no more cases than this, of sums and of pairs each.")
  var maxWitnesses = 100

  @Flag(help: "Overwrite the file of --witnesses.")
  var force = false

  @Option(
    help: """
      The dialect of the cases: a name or a .yaml file. Default: onnx where it answers the exact sum, \
      else ideal.
      """)
  var dialect: String?

  @Flag(help: "Print a line for every channel, not for every layer.")
  var channels = false

  @Option(help: "How to print the results.")
  var format = OutputFormat.text

  func validate() throws {
    if let accumulatorBits, !(2...64).contains(accumulatorBits) {
      throw ValidationError("--accumulator-bits must be from 2 to 64")
    }
    guard maxWitnesses > 0 else { throw ValidationError("--max-witnesses must be at least 1") }
    for (isGiven, option) in [(witnesses != nil, "--witnesses"), (dialect != nil, "--dialect")]
    where isGiven && accumulatorBits == nil && !pairs {
      throw ValidationError("\(option) needs --accumulator-bits or --pairs")
    }
    guard !force || witnesses != nil else { throw ValidationError("--force needs --witnesses") }
    _ = try Self.type(inputDtype, "--input-dtype")
    _ = try Self.type(weightDtype, "--weight-dtype")
  }

  func run() throws {
    if let witnesses, !force, FileManager.default.fileExists(atPath: witnesses) {
      throw ValidationError("'\(witnesses)' exists; --force overwrites it")
    }
    let dialects = try Input.dialects(dialect.map { [$0] } ?? ["onnx", "ideal"])
    let printed = try Self.withExitCodes { () throws(AccumulatorError) in
      let layers = try request().layers(at: weights)
      let report = AccumulatorReport(layers, biasOrder, declaredBits: accumulatorBits)
      let pairReport = pairs ? try AccumulatorPairReport(layers) : nil
      let limit = witnesses == nil ? 1 : maxWitnesses
      return AccumulatorText(
        report: report, witnesses: try report.witnesses(atMost: limit, dialects: dialects),
        pairs: pairReport,
        pairWitnesses: try pairReport?.witnesses(atMost: limit, dialects: dialects) ?? [],
        file: witnesses, showsChannels: channels)
    }
    try write(printed.witnesses.map(\.test) + printed.pairWitnesses)
    print(format == .text ? printed.text : printed.json.description)
    if !printed.report.overflowing.isEmpty || printed.pairs?.neighbourCount ?? 0 > 0 {
      throw Exit.mismatch
    }
  }

  /// What the options ask for, with the files that they name.
  private func request() throws(AccumulatorError) -> AccumulatorRequest {
    var request = AccumulatorRequest()
    request.operation = operation
    request.layout = layout
    request.channelAxis = channelAxis
    request.weightType = weightDtype.flatMap { DataType(name: $0) }
    request.inputType = inputDtype.flatMap { DataType(name: $0) }
    request.inputMinimum = inputMin
    request.inputMaximum = inputMax
    request.inputZeroPoint = inputZeroPoint
    if let weightZeroPoint {
      request.weightZeroPoints =
        if let number = Int64(weightZeroPoint) {
          [number]
        } else {
          try AccumulatorRequest.integers(at: weightZeroPoint)
        }
    }
    if let bias { request.biases = try AccumulatorRequest.integers(at: bias) }
    return request
  }

  private func write(_ cases: [Case]) throws {
    guard let witnesses else { return }
    let lines = cases.map { CaseFile.json($0).description + "\n" }.joined()
    do {
      try Data(lines.utf8).write(to: URL(fileURLWithPath: witnesses), options: .atomic)
    } catch {
      StandardError.line("qverify: cannot write '\(witnesses)'")
      throw Exit.missingFile
    }
  }

  private static func type(_ name: String?, _ option: String) throws -> DataType? {
    guard let name else { return nil }
    guard let type = DataType(name: name) else {
      throw ValidationError("\(option): unknown dtype '\(name)'")
    }
    return type
  }

  /// Turns errors into messages and exit codes.
  private static func withExitCodes<T>(_ body: () throws(AccumulatorError) -> T) throws -> T {
    do throws(AccumulatorError) {
      return try body()
    } catch {
      if error.kind == .usage { throw ValidationError(error.description) }
      StandardError.line("qverify: \(error)")
      switch error.kind {
      case .missing: throw Exit.missingFile
      case .fault: throw Exit.internalFault
      case .malformed, .usage: throw Exit.malformed
      }
    }
  }
}

extension AccumulatorLayer.Operation: ExpressibleByArgument {}
extension AccumulatorLayer.Layout: ExpressibleByArgument {}
extension BiasOrder: ExpressibleByArgument {}
