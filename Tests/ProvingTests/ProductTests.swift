import CaseFormat
import Digests
import Kernels
import Mutants
import NumberFormats
import Operations
import Subjects
import Synchronization
import Testing
import Verification

@testable import Proving

/// Dot products proven completely, and kernels that are wrong on one of them.
struct ProductTests {
  /// A domain of dot products: `operation a:type b:type`, zero points as `a=3`.
  private func domain(
    _ line: String, depth: Int = 1, length: Int = 4, dialect: Dialect? = nil
  ) throws -> ProductDomain {
    let words = line.split(separator: " ").map(String.init)
    var test = Case(id: line, operation: words[0], dialect: "tflite")
    for word in words.dropFirst() {
      let halves = word.split(separator: "=").map(String.init)
      let names = halves[0].split(separator: ":").map(String.init)
      if names[0] == "layout" {
        test.attributes["layout"] = .string(halves[1])
        continue
      }
      let type = try #require(DataType(name: names[1]))
      test.inputs[names[0]] = Tensor(type, shape: [0], codes: [])
      if halves.count > 1 {
        test.inputs[names[0] + "_zero_point"] = Tensor(scalar: try #require(Int64(halves[1])), type)
      }
    }
    let dialect = try dialect ?? Dialect.named("tflite")
    return ProductDomain(
      try ProductQuestion(test, depth: depth, length: length, dialect: dialect))
  }

  private func prove(
    _ domain: ProductDomain, _ subject: any Subject, block: Int = 0
  ) -> BlockResult {
    let positions = Blocks.positions(of: block, in: domain.count)
    return domain.prove(
      positions, subject: subject, judge: Judge(Judge.Rules(timeout: .seconds(20))),
      runner: GuardedRunner(timeout: .seconds(20)))
  }

  private func report(_ result: BlockResult) throws -> BlockReport {
    guard case .compared(let report) = result else {
      throw BadLine(text: "\(result)")
    }
    return report
  }

  // MARK: Right kernels

  /// All 2^16 products of bytes, through our own kernels and through a model of another.
  @Test(arguments: ["matmul a:int8 b:int8", "conv2d x:uint8=131 w:int8=-7"])
  func everyBytePair(line: String) throws {
    let domain = try domain(line)
    #expect(domain.count == 1 << 16 && domain.placements.count == 7)
    let operation = domain.operation.name
    let model = ModelKernel(operation, dialect: "tflite", shape: .avx2)
    let subjects: [any Subject] = [BuiltinSubject(.scalar), model]
    let digests = try subjects.map { subject in
      let report = try report(prove(domain, subject))
      #expect(report.wrongCount == 0 && report.openCount == 0, "\(subject.name)")
      #expect(report.evidence.bulk == 1 << 16 && report.evidence.evaluations >= 28)
      return report.digest
    }
    #expect(digests[0] == digests[1])
  }

  @Test func fourBitPairs() throws {
    for line in [
      "matmul a:int4=3 b:int4", "conv2d x:uint4 w:int4 layout=NHWC", "conv2d x:int4 w:int4=-8",
      "matmul a:int2 b:uint4",
    ] {
      let domain = try domain(line, depth: 2, length: 3)
      let report = try report(prove(domain, DotKernel()))
      #expect(report.wrongCount == 0 && report.evidence.bulk == domain.count, "\(line)")
    }
  }

  /// The digest is that of all outputs in the order of positions.
  @Test func digest() throws {
    let domain = try domain("matmul a:int4 b:int4")
    var bytes: [UInt8] = []
    for x in Int32(-8)..<8 {
      for w in Int32(-8)..<8 {
        bytes += withUnsafeBytes(of: (x * w).littleEndian) { Array($0) }
      }
    }
    #expect(try report(prove(domain, DotKernel())).digest == SHA256.digest(of: bytes))
  }

  /// Blocks of a larger domain have their own rows; each product is at one aligned placement.
  @Test func largeDomain() throws {
    let domain = try domain("matmul a:uint8 b:int8", depth: 2, length: 12)
    #expect(domain.count == 1 << 32)
    #expect(Set(domain.placements.map { $0.offset % 2 }) == [0])
    #expect(Set(domain.placements.map(\.length)) == Set(2...12))
    #expect(domain.placements(of: 4711).count == 1)
    let (row, column) = domain.vectors(of: 123_456_789)
    let tile = 123_456_789 / domain.tileSize
    #expect(domain.position(tile, row: row, column: column) == 123_456_789)
    #expect(domain.question.levels(row, of: domain.question.rows) == [7, 205])
    #expect(domain.question.levels(column, of: domain.question.columns) == [91 - 128, 21 - 128])
    #expect(domain.question.levels(255 * 256 + 1, of: domain.question.columns) == [127, -127])
    #expect(domain.whole(tile).rows.contains(row) && domain.whole(tile).columns.contains(column))
  }

  /// Every call of a tile together is the tile, and every tail below 64 comes up.
  @Test func calls() throws {
    let domain = try domain("matmul a:uint8 b:int8", depth: 2, length: 12)
    var (rows, columns): (Set<Int>, Set<Int>) = ([], [])
    for tile in 0..<1200 {
      let calls = domain.calls(tile, placement: 0)
      #expect(calls.reduce(0) { $0 + $1.count } == domain.tileSize)
      if calls.count > 1 {
        rows.insert(calls[0].rows.count)
        columns.insert(calls[0].columns.count)
      }
    }
    #expect(rows == Set(1...63) && columns == Set(1...63))
  }

  // MARK: What the dialect makes of sums

  /// Narrow accumulators: what wraps, saturates or is left open, against the definition.
  @Test func narrowAccumulators() throws {
    for overflow in ["wrap", "saturate", "unspecified"] {
      let dialect = try dialect("tflite", "accumulate", ["bits": "8", "overflow": overflow])
      let domain = try domain("matmul a:int4=-8 b:int4", depth: 2, length: 3, dialect: dialect)
      let oracle = ProductOracle(question: domain.question)
      let (rows, columns) = (0..<256, 0..<256)
      let answers = try oracle.answers(
        rows: rows, columns: columns, domain.placements[1], number: 1)
      let exact = try Reference.evaluate(
        domain.question.test(rows: rows, columns: columns, domain.placements[1]),
        dialect: dialect)
      let y = try #require(exact["y"])
      #expect(answers.isOpen == y.unspecified, "\(overflow)")
      #expect(answers.isOpen.isEmpty == (overflow != "unspecified"))
      for (index, code) in y.tensor.codes.enumerated() where !y.isUnspecified(at: index) {
        if answers.codes[index] != code { Issue.record("\(overflow): element \(index)") }
      }
    }
  }

  @Test func errorInSum() throws {
    let dialect = try dialect("tflite", "accumulate", ["bits": "8", "overflow": "error"])
    let domain = try domain("matmul a:int4 b:int4", depth: 3, length: 3, dialect: dialect)
    guard case .failed(let reason) = prove(domain, DotKernel()) else {
      Issue.record("not refused")
      return
    }
    #expect(reason.contains("does not fit int8"), "\(reason)")
  }

  /// Where pairs saturate the definition answers, for small domains only.
  @Test func pairsByTheDefinition() throws {
    let dialect = try dialect("tflite", "accumulate", ["pairs": "saturating_int16"])
    let domain = try domain("matmul a:uint2 b:int2", depth: 2, length: 2, dialect: dialect)
    let report = try report(prove(domain, DotKernel()))
    #expect(report.wrongCount == 0 && report.evidence.bulk == 0)
    #expect(report.evidence.definition == 256)
    let error = #expect(throws: CaseError.self) {
      try self.domain("matmul a:uint8 b:int8", depth: 2, dialect: dialect)
    }
    #expect(error?.message.contains("at most 131072 dot products") == true, "\(error as Any)")
  }

  @Test func refused() throws {
    let table: [(line: String, depth: Int, length: Int, what: String)] = [
      ("matmul a:int8 b:int8", 3, 4, "3 operands of type int8 have 24 bits"),
      ("matmul a:int32 b:int8", 1, 4, "1 operands of type int32 have 32 bits"),
      ("matmul a:float32 b:int8", 1, 4, "a must be of a two's complement"),
      ("matmul a:int1 b:int8", 1, 4, "a must be of a two's complement"),
      ("matmul a:int8 b:int8", 2, 1, "a sum has from 2 to 4096 terms, not 1"),
      ("matmul a:int8 b:int8", 0, 1, "0 operands"), ("matmul a:int8", 1, 1, "missing input 'b'"),
      ("quantize x:int8", 1, 1, "quantize has no dot products"),
      ("conv2d x:int8 w:int8 layout=CHWN", 1, 1, "neither NCHW nor NHWC"),
      ("matmul a:int8 b:int8 bias:int32", 1, 1, "'bias' in a proof"),
    ]
    for (line, depth, length, what) in table {
      let error = #expect(throws: CaseError.self) {
        try domain(line, depth: depth, length: length)
      }
      #expect(error?.message.contains(what) == true, "\(line): \(error as Any)")
    }
  }

  // MARK: Wrong kernels

  /// Wrong on one pair of operands, wherever it is: found, counted once, shown by a case of one product.
  @Test func onePair() throws {
    let domain = try domain("matmul a:int8 b:int8", length: 2)
    for (x, w) in [(-128, -128), (127, 127), (-1, 77), (100, -128)] as [(Int64, Int64)] {
      let kernel = DotKernel { terms, sum in
        sum + (terms.contains { $0.x == x && $0.w == w } ? 1 : 0)
      }
      let report = try report(prove(domain, kernel))
      #expect(report.wrongCount == 1)
      let place = try #require(report.wrong.first)
      #expect(place.position == Int((x + 128) << 8 + w + 128))
      #expect(place.output == "y" && place.found == x * w + 1)
      let test = try #require(domain.cases(at: place).first)
      #expect(test.inputs["a"]?.codes == [x] && test.inputs["b"]?.codes == [w])
    }
  }

  /// Wrong only where the free term is the last of three: the case has three terms.
  @Test func wrongAtOnePlacement() throws {
    let domain = try domain("conv2d x:int4 w:int4 layout=NHWC", length: 3)
    let kernel = DotKernel { terms, sum in
      terms.count == 3 && terms[2].x == 5 && terms[2].w == -3 ? 0 : sum
    }
    let report = try report(prove(domain, kernel))
    #expect(report.wrongCount == 1)
    let place = try #require(report.wrong.first)
    let dialect = domain.dialect
    let failing = try domain.cases(at: place).first { test in
      let outcome = try Reference.evaluate(test, dialect: dialect)
      return Judge().judge(test, dialect: dialect, subject: kernel, outcome: outcome).verdict
        == .mismatch
    }
    #expect(failing?.inputs["x"]?.codes == [0, 0, 5] && failing?.inputs["w"]?.codes == [0, 0, -3])
  }

  /// vpmaddubsw: pairs saturate, in a model and in one block of the 2^32 pair sums.
  @Test func saturatingPairs() throws {
    let model = ModelKernel(
      "matmul", dialect: "tflite", shape: .avx2, fault: .pairsSaturate)
    let kernel = DotKernel { terms, _ in
      stride(from: 0, to: terms.count, by: 2).reduce(0) { sum, start in
        let pair = terms[start..<min(start + 2, terms.count)].reduce(0) { $0 + $1.x * $1.w }
        return sum + min(max(pair, -32768), 32767)
      }
    }
    // The rows from 65280 on: both inputs are large.
    let domain = try domain("matmul a:uint8 b:int8", depth: 2, length: 2)
    for subject: any Subject in [kernel, model] {
      let work = ProductTile(
        domain: domain, tile: 255 * 256 + 255, placement: 0, subject: subject, judge: Judge())
      var report = BlockReport(digest: SHA256.digest(of: []))
      var (codes, wrong): ([Int64], Set<Int>) = ([], [])
      #expect(work.prove(&report, &codes, wrong: &wrong) == nil)
      #expect(report.wrongCount > 0 && codes.contains(32767), "\(subject.name)")
      let place = try #require(report.wrong.first)
      let test = try #require(domain.cases(at: place).first)
      let sum = zip(
        test.inputs["a"]?.codes ?? [], test.inputs["b"]?.codes ?? []
      ).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(sum > 32767 && place.found == 32767, "\(subject.name)")
    }
  }

  /// A kernel that answers otherwise at another alignment is found by the calls that are cut.
  @Test func alignment() throws {
    let domain = try domain("matmul a:int4 b:int4", depth: 1, length: 16)
    let kernel = DotKernel(fault: nil) { $0 % 4096 == 0 }
    guard case .fault(let judgement, let place) = prove(domain, kernel) else {
      Issue.record("not found")
      return
    }
    #expect(judgement.verdict == .alignment && place.position < 256)
  }

  // MARK: Certificates

  @Test func certificate() throws {
    let domain = try domain("matmul a:int4=3 b:int4", depth: 3, length: 4)
    #expect(Blocks.count(of: domain.count) == 4)
    let subject = Claim.SubjectRecord(name: "dot", files: [], cpu: "some")
    func part(_ blocks: Range<Int>) throws -> Certificate {
      Certificate(
        version: "1", claim: try Claim(domain, subject: subject, blocks: blocks),
        digests: blocks.map { SHA256.digest(of: [UInt8($0)]) }, openCount: 0,
        evidence: Oracle.Evidence(), date: "2026", seconds: 1)
    }
    let whole = try part(0..<4)
    let bytes = Array(whole.json.description.utf8)
    let read = try Certificate(bytes: bytes)
    #expect(read == whole && read.claim.count == 1 << 24 && read.claim.isWhole)
    guard case .products(let products) = read.claim.inputs else {
      Issue.record("no products")
      return
    }
    let again = try Claim.domain(products, in: domain.dialect)
    #expect(again.placements == domain.placements && again.question.rows == domain.question.rows)
    // Merged, in any order; left out, overlapping, or of another length.
    let merged = try Certificate.merging([("b", part(2..<4)), ("a", part(0..<2))])
    #expect(merged.digest == whole.digest && merged.claim == whole.claim)
    for parts in [[0..<2, 3..<4], [0..<3, 2..<4], [1..<4], [0..<3]] {
      let named = try parts.map { (name: "\($0)", certificate: try part($0)) }
      #expect(throws: ReadingError.self) { try Certificate.merging(named) }
    }
    var other = try part(2..<4)
    other.claim = try Claim(
      self.domain("matmul a:int4=3 b:int4", depth: 3, length: 5), subject: subject, blocks: 2..<4)
    let error = #expect(throws: ReadingError.self) {
      try Certificate.merging([("a", part(0..<2)), ("b", other)])
    }
    #expect(error?.message.contains("the parameters or the domain differs") == true)
  }

  /// A changed number of the claim is refused, even with a new seal.
  @Test func editedClaim() throws {
    let domain = try domain("matmul a:int4 b:int4", depth: 1)
    let subject = Claim.SubjectRecord(name: "dot", files: [], cpu: "some")
    var certificate = Certificate(
      version: "1", claim: try Claim(domain, subject: subject, blocks: 0..<1),
      digests: [SHA256.digest(of: [])], openCount: 0, evidence: Oracle.Evidence(), date: "2026",
      seconds: 1)
    let text = certificate.json.description
    for (then, now) in [
      ("\"depth\": 1", "\"depth\": 2"), ("\"length\": 4", "\"length\": 3"),
      ("\"a\": {\"dtype\": \"int4\"", "\"a\": {\"dtype\": \"int2\""),
    ] {
      let edited = text.replacing(then, with: now)
      #expect(edited != text, "\(then)")
      let error = #expect(throws: ReadingError.self) { try Certificate(bytes: Array(edited.utf8)) }
      #expect(error?.message.contains("seal") == true)
    }
    guard case .products(var products) = certificate.claim.inputs else { return }
    products.depth = 1 << 40
    certificate.claim.inputs = .products(products)
    #expect(throws: ReadingError.self) {
      try Certificate(bytes: Array(certificate.json.description.utf8))
    }
  }
}

/// A kernel of bytes and less, for `matmul` of two dimensions and 1x1 `conv2d`, that gives the exact
/// sum, or what a fault makes of it.
private struct DotKernel: InProcessSubject {
  typealias Term = (x: Int64, w: Int64)

  let name = "dot"
  var fault: (@Sendable (_ terms: [Term], _ sum: Int64) -> Int64)?
  /// Adds 1 to the first output where it lies at such an address.
  var isWrongAt: @Sendable (_ address: UInt) -> Bool = { _ in false }

  func refusal(of operation: String, dialect: Dialect) -> String? { nil }

  func prepare(_ test: Case, dialect: Dialect) -> Preparation {
    let isMatMul = test.operation == "matmul"
    let (xName, wName) = isMatMul ? ("a", "b") : ("x", "w")
    guard let x = test.inputs[xName], let w = test.inputs[wName] else { return .refused("no") }
    let isLast = test.attributes["layout"] == .string("NHWC")
    let depth = isMatMul ? x.shape[1] : x.shape[isLast ? 3 : 1]
    let (m, n) = (x.count / depth, w.count / depth)
    let zeros = [xName, wName].map { test.inputs[$0 + "_zero_point"]?.codes.first ?? 0 }
    let isFirst = !isMatMul && !isLast
    return .ready { [fault, isWrongAt] buffers in
      guard let xs = buffers.inputs[xName], let ws = buffers.inputs[wName],
        let y = buffers.outputs["y"]
      else { return }
      func level(_ memory: UnsafeRawBufferPointer, _ index: Int, _ type: DataType) -> Int64 {
        type.isSigned ? Int64(Int8(bitPattern: memory[index])) : Int64(memory[index])
      }
      for row in 0..<m {
        for column in 0..<n {
          let terms = (0..<depth).map { k -> Term in
            (
              level(xs, isFirst ? k * m + row : row * depth + k, x.dtype) - zeros[0],
              level(ws, isMatMul ? k * n + column : column * depth + k, w.dtype) - zeros[1]
            )
          }
          var sum = terms.reduce(0) { $0 + $1.x * $1.w }
          if let fault { sum = fault(terms, sum) }
          let index = isFirst ? column * m + row : row * n + column
          if index == 0, let address = y.baseAddress, isWrongAt(UInt(bitPattern: address)) { sum += 1 }
          y.storeBytes(of: Int32(truncatingIfNeeded: sum), toByteOffset: 4 * index, as: Int32.self)
        }
      }
    }
  }
}
