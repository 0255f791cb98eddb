import ArgumentParser
import CaseFormat
import NumberFormats
import Operations
import Proving
import Verification

/// `qverify prove products`: every dot product of bounded depth.
struct ProveProductsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "products",
    abstract: "Prove matmul or conv2d for every dot product of some depth of two types.",
    discussion: """
      Every vector of --depth values of one type goes with every vector of the other through matmul, or \
      through conv2d with a kernel of 1x1 and channels as depth: all 2^16 products of int8, all 2^32 \
      pair sums of uint8 x int8. The values of a vector have at most 16 bits together. The sums have \
      --length terms, the others zero, and shorter ones too: the values come in every place of a \
      vector loop. Up to 2^22 dot products run at every place, more at one place each.

      Certificates, shards and going on are as in qverify prove inputs, whose --verify repeats these \
      certificates too. See specs/guides/products.md.
      """)

  /// An operation that has dot products.
  enum ProductOperation: String, CaseIterable, ExpressibleByArgument {
    case matmul, conv2d

    /// The names of the two operands.
    var operands: (a: String, b: String) { self == .matmul ? ("a", "b") : ("x", "w") }
  }

  /// Where the channels of a convolution stand.
  enum Layout: String, CaseIterable, ExpressibleByArgument {
    case channelsFirst = "NCHW"
    case channelsLast = "NHWC"
  }

  /// The length of sums by default: the longest step of a vector loop over bytes.
  static let length = 64

  @Option(name: .customLong("op"), help: "The operation.")
  var operation: ProductOperation

  @Option(help: "How many products a dot product sums.")
  var depth = 1

  @Option(help: "The type of a, or of x in conv2d, such as uint8 or int4.")
  var aDtype: String

  @Option(help: "The type of b, or of w in conv2d.")
  var bDtype: String

  @Option(parsing: .unconditional, help: "The zero point of a, or of x. Default: none.")
  var aZeroPoint: Int64?

  @Option(parsing: .unconditional, help: "The zero point of b, or of w. Default: none.")
  var bZeroPoint: Int64?

  @Option(help: "How many terms a sum has at most, all but --depth of them zero. Default: 64.")
  var length: Int?

  @Option(help: "The layout of conv2d. Default: NCHW.")
  var layout: Layout?

  @OptionGroup var options: ProofOptions

  func validate() throws {
    _ = try Self.type(aDtype, "--a-dtype")
    _ = try Self.type(bDtype, "--b-dtype")
    guard depth > 0 else { throw ValidationError("--depth must be at least 1") }
    if let length, !(depth...ProductQuestion.longest).contains(length) {
      throw ValidationError("--length must be from --depth to \(ProductQuestion.longest)")
    }
    guard layout == nil || operation == .conv2d else {
      throw ValidationError("--layout is for conv2d")
    }
  }

  func run() throws {
    Interruption.catchSignals()
    if let certificate = options.certificate { try ProofSession.checkWritable(certificate) }
    let domain = ProductDomain(try question(in: try options.namedDialect()))
    let subject = try options.oneSubject()
    let claim = try ProveInputsCommand.orMalformed {
      try Claim(
        domain, subject: .current(of: subject.name), blocks: try options.blocks(of: domain))
    }
    try ProofSession(options: options, domain: domain, subject: subject, claim: claim).run()
  }

  /// What to prove, or the exit code of what is wrong with it.
  private func question(in dialect: Dialect) throws -> ProductQuestion {
    var test = Case(
      id: operation.rawValue, operation: operation.rawValue, dialect: dialect.name,
      attributes: layout.map { ["layout": .string($0.rawValue)] } ?? [:])
    let operands = operation.operands
    for (name, type, zeroPoint, option) in [
      (operands.a, aDtype, aZeroPoint, "--a-"), (operands.b, bDtype, bZeroPoint, "--b-"),
    ] {
      let type = try Self.type(type, option + "dtype")
      test.inputs[name] = Tensor(type, shape: [0], codes: [])
      guard let zeroPoint else { continue }
      guard type.isValid(code: zeroPoint) else {
        throw ValidationError("\(option)zero-point: \(zeroPoint) is no \(type.name)")
      }
      test.inputs[name + "_zero_point"] = Tensor(scalar: zeroPoint, type)
    }
    do throws(CaseError) {
      let question = try ProductQuestion(
        test, depth: depth, length: length ?? max(depth, Self.length), dialect: dialect)
      return question
    } catch {
      StandardError.line("qverify: \(error)")
      throw ExitCode.validationFailure
    }
  }

  private static func type(_ name: String, _ option: String) throws -> DataType {
    guard let type = DataType(name: name) else {
      throw ValidationError("\(option): unknown dtype '\(name)'")
    }
    return type
  }
}
