public import CaseFormat
public import Digests
public import Operations

/// What was proven: a subject, a dialect and a domain, and how the work is divided.
///
/// Two proofs of the same claim give the same digests, block by block.
public struct Claim: Hashable, Sendable {
  public var operation: String
  public var dialect: DialectRecord
  public var subject: SubjectRecord
  /// What is run through.
  public var inputs: Inputs
  /// The blocks that the proof is about, of all that the domain has.
  public var blocks: Range<Int>

  /// A dialect as it was: its text, and what it extends.
  public struct DialectRecord: Hashable, Sendable {
    public var name: String
    public var text: String
    /// The digests of the built-in dialects that it extends, the nearest first.
    public var parents: [Parent]

    /// A dialect that another one extends.
    public struct Parent: Hashable, Sendable {
      public var name: String
      public var digest: Digest
    }

    /// The digest of the text.
    public var digest: Digest { SHA256.digest(of: Array(text.utf8)) }
  }

  /// A subject as it was.
  public struct SubjectRecord: Hashable, Sendable {
    /// As `--subject` takes it.
    public var name: String
    /// The files that it is made of, as far as they are known: the library, the words of a command
    /// that are files, for a built-in tier qverify itself.
    public var files: [File]
    /// The CPU that ran it.
    public var cpu: String

    /// A file of a subject.
    public struct File: Hashable, Sendable {
      public var path: String
      public var digest: Digest

      /// A file and its digest.
      public init(path: String, digest: Digest) { (self.path, self.digest) = (path, digest) }
    }

    /// A subject of a name, made of files.
    public init(name: String, files: [File], cpu: String) {
      (self.name, self.files, self.cpu) = (name, files, cpu)
    }
  }

  /// What a proof runs through.
  public enum Inputs: Hashable, Sendable {
    /// The questions of an element-wise operation, one after the other, and whether every element also
    /// went through calls that are shorter than any vector.
    case lanes([Lane], provesTails: Bool)
    /// Every dot product of two types.
    case products(Products)
  }

  /// Every dot product of some depth, in sums of up to some length.
  public struct Products: Hashable, Sendable {
    /// Attributes and inputs; the operands say only their types.
    public var test: Case
    public var depth: Int
    public var length: Int

    /// Dot products.
    public init(test: Case, depth: Int, length: Int) {
      (self.test, self.depth, self.length) = (test, depth, length)
    }
  }

  /// A question and its codes.
  public struct Lane: Hashable, Sendable {
    public var name: String
    /// Attributes and inputs; the swept input holds its first and its last code.
    public var test: Case

    /// A question and its codes.
    public init(name: String, test: Case) { (self.name, self.test) = (name, test) }
  }

  /// The claim of a proof of lanes.
  ///
  /// - Throws: `DialectError` where a dialect that the dialect extends cannot be read.
  public init(
    _ domain: LaneDomain, dialect: Dialect, subject: SubjectRecord, blocks: Range<Int>
  ) throws(DialectError) {
    let lanes = domain.lanes.map { lane in
      var test = lane.question.test([lane.codes.lowerBound, lane.codes.upperBound])
      test.id = lane.name
      return Lane(name: lane.name, test: test)
    }
    self.init(
      operation: domain.lanes.first?.question.operation.name ?? "",
      dialect: try DialectRecord(dialect), subject: subject,
      inputs: .lanes(lanes, provesTails: domain.provesTails), blocks: blocks)
  }

  /// The claim of a proof of dot products.
  ///
  /// - Throws: `DialectError` where a dialect that the dialect extends cannot be read.
  public init(
    _ domain: ProductDomain, subject: SubjectRecord, blocks: Range<Int>
  ) throws(DialectError) {
    let question = domain.question
    let products = Products(
      test: question.emptyCase, depth: question.depth, length: question.length)
    self.init(
      operation: question.operation.name, dialect: try DialectRecord(question.dialect),
      subject: subject, inputs: .products(products), blocks: blocks)
  }

  init(
    operation: String, dialect: DialectRecord, subject: SubjectRecord, inputs: Inputs,
    blocks: Range<Int>
  ) {
    (self.operation, self.dialect, self.subject) = (operation, dialect, subject)
    (self.inputs, self.blocks) = (inputs, blocks)
  }

  /// The dot products of a claim, asked anew.
  ///
  /// - Throws: what the reference says against them.
  public static func domain(
    _ products: Products, in dialect: Dialect
  ) throws(CaseError) -> ProductDomain {
    ProductDomain(
      try ProductQuestion(
        products.test, depth: products.depth, length: products.length, dialect: dialect))
  }

  /// The lanes of a claim, asked anew.
  ///
  /// - Throws: what the reference says against a lane.
  public static func domain(
    _ lanes: [Lane], provesTails: Bool, in dialect: Dialect
  ) throws(CaseError) -> LaneDomain {
    var result: [LaneDomain.Lane] = []
    for lane in lanes {
      let question = try Question(lane.test, dialect: dialect)
      let codes = lane.test.inputs[question.input]?.codes ?? []
      guard codes.count == 2, codes[0] <= codes[1] else {
        throw .malformed("a lane has no first and last code")
      }
      result.append(LaneDomain.Lane(question, codes: codes[0]...codes[1], name: lane.name))
    }
    return LaneDomain(result, provesTails: provesTails)
  }

  /// A digest of the claim: proofs with the same digest can be put together.
  public var digest: Digest { SHA256.digest(of: Array(json.description.utf8)) }
}

extension Claim.DialectRecord {
  /// Records a dialect.
  ///
  /// - Throws: `DialectError` where a dialect that it extends cannot be read.
  init(_ dialect: Dialect) throws(DialectError) {
    (name, text) = (dialect.name, dialect.text)
    parents = []
    for parent in dialect.lineage {
      let text = try Dialect.named(parent).text
      parents.append(Parent(name: parent, digest: SHA256.digest(of: Array(text.utf8))))
    }
  }

  /// The dialect, read from its recorded text.
  ///
  /// - Throws: `ReadingError` where the text is none, or what it extends has changed since.
  public func dialect() throws(ReadingError) -> Dialect {
    let dialect: Dialect
    var texts: [String] = []
    do throws(DialectError) {
      dialect = try Dialect.parse(text, file: "the certificate's dialect '\(name)'")
      for parent in parents { texts.append(try Dialect.named(parent.name).text) }
    } catch {
      throw ReadingError(message: "\(error)")
    }
    guard dialect.name == name, dialect.lineage == parents.map(\.name) else {
      throw ReadingError(message: "the text of dialect '\(name)' is another dialect's")
    }
    for (parent, text) in zip(parents, texts)
    where SHA256.digest(of: Array(text.utf8)) != parent.digest {
      throw ReadingError(
        message: "dialect '\(parent.name)', which '\(name)' extends, is not what it was then")
    }
    return dialect
  }
}

/// Evidence that a subject equals a dialect on every input of a domain, or on some blocks of it.
///
/// The seal is a digest of all the rest: it shows that a certificate was edited, not who wrote it.
/// What a certificate says is checked by doing it again: `qverify prove --verify`.
public struct Certificate: Hashable, Sendable {
  /// The qverify that made it.
  public var version: String
  public var claim: Claim
  /// The digests of the blocks of the claim, in order.
  public var digests: [Digest]
  /// How many elements the dialect leaves open.
  public var openCount: Int
  /// How the exact answers were had.
  public var evidence: Oracle.Evidence
  /// When it was finished, in ISO 8601.
  public var date: String
  /// How long the work took, in seconds on the clock; of merged shards the sum.
  public var seconds: Double

  /// The evidence of a proof.
  public init(
    version: String, claim: Claim, digests: [Digest], openCount: Int, evidence: Oracle.Evidence,
    date: String, seconds: Double
  ) {
    (self.version, self.claim, self.digests) = (version, claim, digests)
    (self.openCount, self.evidence, self.date) = (openCount, evidence, date)
    self.seconds = seconds
  }

  /// The digest of all outputs in order: SHA-256 over the digests of the blocks.
  public var digest: Digest { SHA256.digest(of: digests.flatMap(\.bytes)) }
}
