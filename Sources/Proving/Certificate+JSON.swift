public import CaseFormat
import Digests
import NumberFormats
import Operations

extension Claim {
  /// The claim as a certificate holds it.
  public var json: JSONValue {
    .object([
      .init("operation", .string(operation)),
      .init("dialect", dialect.json),
      .init("subject", subject.json),
      .init(
        "domain",
        .object(
          [
            .init("count", .number("\(count)")), .init("block", .number("\(Blocks.size)")),
            .init("first_block", .number("\(blocks.lowerBound)")),
            .init("blocks", .number("\(blocks.count)")),
          ] + inputs.members)),
    ])
  }

  /// The number of positions of the whole domain.
  public var count: Int {
    switch inputs {
    case .products(let products): products.count
    case .lanes(let lanes, _):
      lanes.reduce(0) { sum, lane in
        guard let codes = lane.sweptCodes else { return sum }
        return sum + Int(codes.upperBound - codes.lowerBound) + 1
      }
    }
  }

  /// The positions that the blocks of the claim hold.
  public var positions: Int {
    min(count, blocks.upperBound * Blocks.size) - min(count, blocks.lowerBound * Blocks.size)
  }

  /// Whether the claim is about the whole domain.
  public var isWhole: Bool { blocks == 0..<Blocks.count(of: count) }

  fileprivate init(_ reader: inout ObjectReader) throws(ReadingError) {
    let operation = try reader.string("operation")
    let dialect = try reader.object("dialect") { reader throws(ReadingError) in
      try DialectRecord(&reader)
    }
    let subject = try reader.object("subject") { reader throws(ReadingError) in
      try SubjectRecord(&reader)
    }
    self = try reader.object("domain") { reader throws(ReadingError) in
      let count: Int = try reader.integer("count")
      let block: Int = try reader.integer("block")
      guard block == Blocks.size else {
        throw ReadingError(message: "its blocks have \(block) positions, not \(Blocks.size)")
      }
      let (first, blocks): (Int, Int) = (
        try reader.integer("first_block"), try reader.integer("blocks")
      )
      let inputs = try Inputs(&reader)
      if case .products(let products) = inputs, products.test.operation != operation {
        throw ReadingError(message: "its operation is not that of its products")
      }
      guard first >= 0, blocks >= 0, first + blocks <= 1 << 40 else {
        throw ReadingError(message: "its blocks are out of range")
      }
      let claim = Claim(
        operation: operation, dialect: dialect, subject: subject, inputs: inputs,
        blocks: first..<first + blocks)
      guard claim.count == count, first + blocks <= Blocks.count(of: count) else {
        throw ReadingError(message: "what it runs through does not have \(count) positions")
      }
      return claim
    }
  }
}

extension Claim.Inputs {
  /// What a certificate says of them, in the object of the domain.
  fileprivate var members: [JSONValue.Member] {
    switch self {
    case .lanes(let lanes, let provesTails):
      [
        .init("tails", .bool(provesTails)),
        .init("lanes", .array(lanes.map { CaseFile.json($0.test) })),
      ]
    case .products(let products):
      [
        .init(
          "products",
          .object([
            .init("depth", .number("\(products.depth)")),
            .init("length", .number("\(products.length)")),
            .init("case", CaseFile.json(products.test)),
          ]))
      ]
    }
  }

  fileprivate init(_ reader: inout ObjectReader) throws(ReadingError) {
    if reader.has("products") {
      self = .products(
        try reader.object("products") { reader throws(ReadingError) in
          Claim.Products(
            test: try Self.test(try reader.value("case"), "the case of products"),
            depth: try reader.integer("depth"), length: try reader.integer("length"))
        })
      return
    }
    let provesTails = try reader.bool("tails")
    var lanes: [Claim.Lane] = []
    for value in try reader.array("lanes") {
      let test = try Self.test(value, "a lane")
      lanes.append(Claim.Lane(name: test.id, test: test))
    }
    guard !lanes.isEmpty else { throw ReadingError(message: "it runs through nothing") }
    self = .lanes(lanes, provesTails: provesTails)
  }

  private static func test(_ value: JSONValue, _ what: String) throws(ReadingError) -> Case {
    switch CaseFile.records(in: Array(value.description.utf8)).first?.result {
    case .success(let test)?: return test
    case .failure(let error)?: throw ReadingError(message: "\(what): \(error)")
    case nil: throw ReadingError(message: "\(what) is empty")
    }
  }
}

extension Claim.Products {
  /// The number of all dot products; 0 where the types or the depth are none.
  var count: Int {
    let operands = test.inputs.filter { !$0.key.hasSuffix("_zero_point") }
    var bits = 0
    for tensor in operands.values {
      guard (1...ProductQuestion.mostBits).contains(tensor.dtype.bits),
        (1...ProductQuestion.mostBits).contains(depth),
        tensor.dtype.bits * depth <= ProductQuestion.mostBits
      else { return 0 }
      bits += tensor.dtype.bits * depth
    }
    return operands.count == 2 ? 1 << bits : 0
  }
}

extension Claim.Lane {
  /// The codes of the swept input: the one input of two elements in one dimension.
  var sweptCodes: ClosedRange<Int64>? {
    guard let operation = test.sweptTensor, operation.codes.count == 2,
      operation.codes[0] <= operation.codes[1]
    else { return nil }
    return operation.codes[0]...operation.codes[1]
  }
}

extension Claim.DialectRecord {
  fileprivate var json: JSONValue {
    .object([
      .init("name", .string(name)), .init("sha256", .string("\(digest)")),
      .init(
        "extends",
        .array(
          parents.map {
            .object([
              .init("name", .string($0.name)), .init("sha256", .string("\($0.digest)")),
            ])
          })),
      .init("text", .string(text)),
    ])
  }

  fileprivate init(_ reader: inout ObjectReader) throws(ReadingError) {
    name = try reader.string("name")
    let stated = try reader.digest("sha256")
    parents = try reader.objects("extends") { reader throws(ReadingError) in
      Parent(name: try reader.string("name"), digest: try reader.digest("sha256"))
    }
    text = try reader.string("text")
    if stated != digest {
      throw ReadingError(message: "the dialect's text does not have the digest that is stated")
    }
  }
}

extension Claim.SubjectRecord {
  fileprivate var json: JSONValue {
    .object([
      .init("name", .string(name)),
      .init(
        "files",
        .array(
          files.map {
            .object([
              .init("path", .string($0.path)), .init("sha256", .string("\($0.digest)")),
            ])
          })),
      .init("cpu", .string(cpu)),
    ])
  }

  fileprivate init(_ reader: inout ObjectReader) throws(ReadingError) {
    name = try reader.string("name")
    files = try reader.objects("files") { reader throws(ReadingError) in
      File(path: try reader.string("path"), digest: try reader.digest("sha256"))
    }
    cpu = try reader.string("cpu")
  }
}

extension ObjectReader {
  /// A digest in hexadecimal.
  mutating func digest(_ key: String) throws(ReadingError) -> Digest {
    guard let digest = Digest(try string(key)) else {
      throw ReadingError(message: "'\(key)' is not a SHA-256 digest")
    }
    return digest
  }
}

extension Certificate {
  /// The key by which a certificate is known, and the version of the format.
  public static let key = "qverify_certificate"
  private static let format = 1

  /// The certificate as JSON.
  public var json: JSONValue {
    let members = unsealed
    let seal = SHA256.digest(of: Array(JSONValue.object(members).description.utf8))
    return .object(members + [.init("seal", .string("\(seal)"))])
  }

  private var unsealed: [JSONValue.Member] {
    [
      .init(Self.key, .number("\(Self.format)")), .init("version", .string(version)),
      .init("claim", claim.json),
      .init(
        "evidence",
        .object([
          .init("steps", .number("\(evidence.steps)")),
          .init("definition", .number("\(evidence.definition)")),
          .init("bulk", .number("\(evidence.bulk)")),
          .init("evaluations", .number("\(evidence.evaluations)")),
        ])),
      .init("open", .number("\(openCount)")),
      .init("date", .string(date)), .init("seconds", .number("\(seconds)")),
      .init("digest", .string("\(digest)")),
      .init("blocks", .array(digests.map { .string("\($0)") })),
    ]
  }

  /// Whether a text is meant to be a certificate.
  public static func isCertificate(_ bytes: [UInt8]) -> Bool {
    (try? JSONParser.parse(bytes))?[key] != nil
  }

  /// Reads a certificate.
  ///
  /// - Throws: `ReadingError` where it is none, or was edited.
  public init(bytes: [UInt8]) throws(ReadingError) {
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONParser.parse(bytes)
    } catch {
      throw ReadingError(
        message: error.isTruncated ? "the text is cut short" : "is not JSON: \(error)")
    }
    guard case .object(let members) = value, value[Self.key] != nil else {
      throw ReadingError(message: "is no certificate of qverify prove")
    }
    var reader = try ObjectReader(value, "certificate")
    let format: Int = try reader.integer(Self.key)
    guard format == Self.format else {
      throw ReadingError(
        message: "has format \(format); this qverify reads format \(Self.format)")
    }
    let seal = try reader.digest("seal")
    let rest = JSONValue.object(members.filter { $0.key != "seal" })
    guard SHA256.digest(of: Array(rest.description.utf8)) == seal else {
      throw ReadingError(message: "was edited: its seal does not fit")
    }
    version = try reader.string("version")
    claim = try reader.object("claim") { reader throws(ReadingError) in try Claim(&reader) }
    evidence = try reader.object("evidence") { reader throws(ReadingError) in
      var evidence = Oracle.Evidence()
      evidence.steps = try reader.integer("steps")
      evidence.definition = try reader.integer("definition")
      evidence.bulk = try reader.integer("bulk")
      evidence.evaluations = try reader.integer("evaluations")
      return evidence
    }
    openCount = try reader.integer("open")
    date = try reader.string("date")
    seconds = try ObjectReader.real(try reader.value("seconds"), "certificate.seconds")
    let stated = try reader.digest("digest")
    digests = []
    for text in try reader.strings("blocks") {
      guard let digest = Digest(text) else {
        throw ReadingError(message: "'\(text)' is not a SHA-256 digest")
      }
      digests.append(digest)
    }
    try reader.finish()
    guard digests.count == claim.blocks.count else {
      throw ReadingError(
        message: "has \(digests.count) digests for \(claim.blocks.count) blocks")
    }
    guard digest == stated else {
      throw ReadingError(message: "the digests of its blocks do not give its digest")
    }
  }

  /// One certificate of the certificates of shards.
  ///
  /// - Parameter parts: certificates with the names of their files, in any order.
  /// - Returns: the certificate of the whole domain.
  /// - Throws: `ReadingError` where they are of different claims, overlap or leave something out.
  public static func merging(
    _ parts: [(name: String, certificate: Certificate)]
  ) throws(ReadingError) -> Certificate {
    let sorted = parts.sorted {
      $0.certificate.claim.blocks.lowerBound < $1.certificate.claim.blocks.lowerBound
    }
    guard var (previous, whole) = sorted.first else {
      throw ReadingError(message: "there is no certificate to merge")
    }
    func positions(_ blocks: Range<Int>) -> String {
      let end = min(whole.claim.count, blocks.upperBound * Blocks.size)
      return "positions \(blocks.lowerBound * Blocks.size) to \(end - 1)"
    }
    if whole.claim.blocks.lowerBound > 0 {
      throw ReadingError(
        message: "\(positions(0..<whole.claim.blocks.lowerBound)) are in no certificate")
    }
    for (name, part) in sorted.dropFirst() {
      try checkSameClaim(whole, part, previous, name)
      let (end, start) = (whole.claim.blocks.upperBound, part.claim.blocks.lowerBound)
      if start > end {
        throw ReadingError(message: "\(positions(end..<start)) are in no certificate")
      }
      if start < end {
        let overlap = start..<min(end, part.claim.blocks.upperBound)
        throw ReadingError(
          message: "'\(previous)' and '\(name)' overlap: both hold \(positions(overlap))")
      }
      whole.claim.blocks = whole.claim.blocks.lowerBound..<part.claim.blocks.upperBound
      whole.digests += part.digests
      whole.openCount += part.openCount
      whole.evidence = whole.evidence + part.evidence
      whole.seconds += part.seconds
      whole.date = max(whole.date, part.date)
      previous = name
    }
    let all = Blocks.count(of: whole.claim.count)
    if whole.claim.blocks.upperBound < all {
      throw ReadingError(
        message: "\(positions(whole.claim.blocks.upperBound..<all)) are in no certificate")
    }
    return whole
  }

  private static func checkSameClaim(
    _ a: Certificate, _ b: Certificate, _ first: String, _ second: String
  ) throws(ReadingError) {
    let differences: [(what: String, isSame: Bool)] = [
      ("qverify's version", a.version == b.version),
      ("the operation", a.claim.operation == b.claim.operation),
      ("the dialect", a.claim.dialect == b.claim.dialect),
      ("the subject", a.claim.subject.name == b.claim.subject.name),
      ("the subject's files", a.claim.subject.files == b.claim.subject.files),
      ("the CPU", a.claim.subject.cpu == b.claim.subject.cpu),
      ("the parameters or the domain", a.claim.inputs == b.claim.inputs),
    ]
    if let difference = differences.first(where: { !$0.isSame }) {
      throw ReadingError(
        message: "'\(first)' and '\(second)' are not of one proof: \(difference.what) differs")
    }
  }
}

extension Case {
  /// The tensor of the swept input of the case's operation.
  var sweptTensor: Tensor? {
    Registry.operation(named: operation)?.sweptInput.flatMap { inputs[$0] }
  }
}
