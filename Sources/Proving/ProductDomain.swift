public import CaseFormat
import Digests
import NumberFormats
public import Operations
public import Verification

/// Every dot product of a product question: each vector of rows with each of columns.
///
/// Positions run through *tiles* of up to 256 rows and 256 columns, tile by tile along the rows, and
/// row by row within a tile. A tile is one call, every eighth one is four of other sizes. Where the
/// domain is one block, every tile is run at every placement of its free terms; else the placement
/// changes from tile to tile [proof §12].
public struct ProductDomain: Domain {
  public let question: ProductQuestion
  public let count: Int
  /// Where the free terms of its dot products stand.
  public let placements: [ProductQuestion.Placement]
  /// The rows and the columns of a tile.
  let tileRows: Int
  let tileColumns: Int
  /// The tiles beside each other in one row of tiles.
  private let tilesAcross: Int

  /// The most rows, and the most columns, of a tile.
  static let tile = 256

  /// A domain of all dot products.
  public init(_ question: ProductQuestion) {
    self.question = question
    let (rows, columns) = (
      question.vectors(question.rows), question.vectors(question.columns)
    )
    count = rows * columns
    placements = question.placements
    (tileRows, tileColumns) = (min(rows, Self.tile), min(columns, Self.tile))
    tilesAcross = columns / tileColumns
  }

  public var operation: any Operations.Operation.Type { question.operation }
  public var dialect: Dialect { question.dialect }

  /// Whether every dot product is run at every placement.
  public var hasAllPlacements: Bool { question.hasAllPlacements }

  /// The number of dot products of a tile.
  var tileSize: Int { tileRows * tileColumns }

  /// The rows and the columns of a call.
  public struct Call: Hashable, Sendable {
    public var rows: Range<Int>
    public var columns: Range<Int>
    var count: Int { rows.count * columns.count }
  }

  /// The rows and columns of a tile.
  func whole(_ tile: Int) -> Call {
    let (row, column) = (tile / tilesAcross * tileRows, tile % tilesAcross * tileColumns)
    return Call(rows: row..<row + tileRows, columns: column..<column + tileColumns)
  }

  /// The calls of a tile at a placement.
  ///
  /// Every eighth tile is cut after some row and some column, so that tails of 1 to 63 of them come up
  /// again and again.
  func calls(_ tile: Int, placement: Int) -> [Call] {
    let whole = whole(tile)
    let number = hasAllPlacements ? tile + placement : tile
    guard number % 8 == 7, tileRows > 1, tileColumns > 1 else { return [whole] }
    let (step, first) = (number / 8, (whole.rows.lowerBound, whole.columns.lowerBound))
    let row = first.0 + 1 + step % min(63, tileRows - 1)
    let column = first.1 + 1 + step * 5 % min(63, tileColumns - 1)
    return [first.0..<row, row..<whole.rows.upperBound].flatMap { rows in
      [first.1..<column, column..<whole.columns.upperBound].map { columns in
        Call(rows: rows, columns: columns)
      }
    }
  }

  /// The placements of a tile, by their numbers.
  func placements(of tile: Int) -> Range<Int> {
    if hasAllPlacements { return placements.indices }
    let number = tile % placements.count
    return number..<number + 1
  }

  public func prove(
    _ positions: Range<Int>, subject: any Subject, judge: Judge, runner: GuardedRunner
  ) -> BlockResult {
    var report = BlockReport(digest: SHA256.digest(of: []))
    let digest = SHA256()
    var wrong: Set<Int> = []
    for tile in positions.lowerBound / tileSize..<positions.upperBound / tileSize {
      for placement in placements(of: tile) {
        let work = ProductTile(
          domain: self, tile: tile, placement: placement, subject: subject, judge: judge)
        var codes: [Int64] = []
        if let result = work.prove(&report, &codes, wrong: &wrong) { return result }
        if placement == placements(of: tile).lowerBound {
          report.evidence.count(codes.count, by: question)
          Self.bytes(of: codes, size: question.outputType.storageBytes)
            .withUnsafeBytes { digest.update($0) }
        }
      }
    }
    report.digest = digest.finish()
    return .compared(report)
  }

  /// Codes in the bytes of their type, little-endian.
  private static func bytes(of codes: [Int64], size: Int) -> [UInt8] {
    guard size == 4 else { return ElementBytes.bytes(of: codes, as: .int64) }
    return [UInt8](unsafeUninitializedCapacity: 4 * codes.count) { bytes, count in
      let target = UnsafeMutableRawBufferPointer(bytes)
      for (index, code) in codes.enumerated() {
        target.storeBytes(
          of: Int32(truncatingIfNeeded: code).littleEndian, toByteOffset: 4 * index,
          as: Int32.self)
      }
      count = 4 * codes.count
    }
  }

  // MARK: Counterexamples

  /// The row and the column of a position.
  public func vectors(of position: Int) -> (row: Int, column: Int) {
    let (tile, rest) = position.quotientAndRemainder(dividingBy: tileSize)
    let whole = whole(tile)
    return (
      whole.rows.lowerBound + rest / tileColumns, whole.columns.lowerBound + rest % tileColumns
    )
  }

  /// The position of a row and a column of a tile.
  func position(_ tile: Int, row: Int, column: Int) -> Int {
    let whole = whole(tile)
    return tile * tileSize + (row - whole.rows.lowerBound) * tileColumns
      + (column - whole.columns.lowerBound)
  }

  /// The call that has a place in it.
  public func call(of place: Counterexample) -> Call? {
    let (row, column) = vectors(of: place.position)
    return calls(place.position / tileSize, placement: place.lane).first {
      $0.rows.contains(row) && $0.columns.contains(column)
    }
  }

  public func cases(at place: Counterexample) -> [Case] {
    let (row, column) = vectors(of: place.position)
    let placement = placements[place.lane]
    let alone = ProductQuestion.Placement(length: question.depth, offset: 0)
    guard let call = call(of: place) else { return [] }
    let (rows, columns) = (row..<row + 1, column..<column + 1)
    var cases: [Case] = []
    if placement != alone {
      cases.append(question.test(rows: rows, columns: columns, alone))
    }
    cases.append(question.test(rows: rows, columns: columns, placement))
    for size in [8, 32] {
      // The part of the call that has both in the same place of a vector.
      let part = Call(
        rows: Self.part(size, of: call.rows, around: row),
        columns: Self.part(size, of: call.columns, around: column))
      if part.count > 1, part != call {
        cases.append(question.test(rows: part.rows, columns: part.columns, placement))
      }
    }
    cases.append(question.test(rows: call.rows, columns: call.columns, placement))
    for index in cases.indices {
      cases[index].id = "\(operation.name)-\(dialect.name)-\(row)x\(column)"
    }
    return cases
  }

  private static func part(_ size: Int, of range: Range<Int>, around index: Int) -> Range<Int> {
    let start = index - (index - range.lowerBound) % size
    return start..<min(start + size, range.upperBound)
  }
}

extension Oracle.Evidence {
  /// Counts products that were answered.
  fileprivate mutating func count(_ products: Int, by question: ProductQuestion) {
    if question.sumRule == nil { definition += products } else { bulk += products }
  }
}
