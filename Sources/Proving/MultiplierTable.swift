public import CaseFormat

/// The requantization parameters of a model's channels: a table with a line for each.
///
/// The first line names the columns: `scale`, or `multiplier` and `shift`; then, as far as wanted,
/// `zero_point`, `acc_min` and `acc_max` (the accumulators that the channel can reach, both
/// included) and `name`. Columns are separated by commas or tabs; lines that are empty or begin with
/// `#` do not count.
public struct MultiplierTable: Sendable {
  /// A channel.
  public struct Row: Hashable, Sendable {
    /// The line in the file, from 1.
    public var line: Int
    public var name: String
    public var scale: String?
    public var multiplier: Int64?
    public var shift: Int64?
    public var zeroPoint: String?
    public var accumulators: ClosedRange<Int64>?
  }

  public private(set) var rows: [Row] = []
  private static let columns = [
    "name", "scale", "multiplier", "shift", "zero_point", "acc_min", "acc_max",
  ]

  /// Reads a table.
  ///
  /// - Throws: `ReadingError` with the line where it is none.
  public init(_ bytes: [UInt8]) throws(ReadingError) {
    let text = String(decoding: bytes, as: UTF8.self)
    var header: [String] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let trimmed = line.filter { $0 != "\r" && $0 != " " }
      if trimmed.isEmpty || trimmed.first == "#" { continue }
      let fields = trimmed.split(omittingEmptySubsequences: false) { $0 == "," || $0 == "\t" }
        .map(String.init)
      if header.isEmpty {
        header = try Self.header(fields, line: index + 1)
      } else {
        rows.append(try Self.row(fields, header, line: index + 1))
      }
    }
    if header.isEmpty { throw ReadingError(message: "has no line that names the columns") }
    if rows.isEmpty { throw ReadingError(message: "has no channel") }
  }

  private static func header(_ fields: [String], line: Int) throws(ReadingError) -> [String] {
    for field in fields where !columns.contains(field) {
      throw ReadingError(
        message: "line \(line): unknown column '\(field)'; there are "
          + columns.joined(separator: ", "))
    }
    guard Set(fields).count == fields.count else {
      throw ReadingError(message: "line \(line): a column is named twice")
    }
    let hasFixed = fields.contains("multiplier") && fields.contains("shift")
    let names = ["multiplier", "shift"].filter { fields.contains($0) }
    guard fields.contains("scale") ? names.isEmpty : hasFixed else {
      throw ReadingError(
        message: "line \(line): needs the column scale, or the columns multiplier and shift")
    }
    guard fields.contains("acc_min") == fields.contains("acc_max") else {
      throw ReadingError(message: "line \(line): acc_min and acc_max go together")
    }
    return fields
  }

  private static func row(
    _ fields: [String], _ header: [String], line: Int
  ) throws(ReadingError) -> Row {
    guard fields.count == header.count else {
      throw ReadingError(
        message: "line \(line): has \(fields.count) fields for \(header.count) columns")
    }
    var row = Row(line: line, name: "")
    var ends: (low: Int64?, high: Int64?) = (nil, nil)
    for (column, text) in zip(header, fields) {
      switch column {
      case "name": row.name = text
      case "scale": row.scale = text
      case "zero_point": row.zeroPoint = text
      default:
        guard let value = Int64(text) else {
          throw ReadingError(message: "line \(line): \(column) '\(text)' is not an integer")
        }
        switch column {
        case "multiplier": row.multiplier = value
        case "shift": row.shift = value
        case "acc_min": ends.low = value
        default: ends.high = value
        }
      }
    }
    if row.name.isEmpty { row.name = "line \(line)" }
    if let low = ends.low, let high = ends.high {
      guard low <= high else {
        throw ReadingError(message: "line \(line): acc_min \(low) is above acc_max \(high)")
      }
      row.accumulators = low...high
    }
    return row
  }
}
