/// A table of published numbers: what is printed, what of it follows from the rest, and what not.
///
/// One YAML file in `golden/tables`, laid out to be read in a diff. Numbers are decimal strings and
/// all arithmetic is exact:
///
///     title: what the table is about
///     provenance: {document: who printed it, place: which table}
///     quantities:                      # inputs that the entries name (optional)
///       width: {what: bits of a weight, value: "32", unit: bits}
///     entries:
///       - id: fp32_size                # a name for other entries, unique in the file
///         what: size of the model
///         row: FP32                    # where in the table (optional)
///         value: "288"                 # as printed
///         unit: MB
///         digits: 0                    # decimals that count, or `exact`; if absent, as printed
///         status: recomputed
///         expression: size(parameters, width)
///         computed: "288 MB = size(72000000 parameters, 32 bits)"
///
/// Everything but `computed` is written by hand; `qverify golden update` writes `computed`.
public struct GoldenTable: Sendable, Encodable {
  /// The path that the table was read from.
  public let file: String
  /// What the table is about.
  public let title: String
  /// Who printed it.
  public let provenance: Provenance
  /// The inputs that expressions name, beside the entries.
  public let quantities: [Quantity]
  /// The numbers, in the order of the file.
  public let entries: [Entry]

  /// Where the numbers were printed.
  public struct Provenance: Sendable, Encodable {
    /// The document.
    public let document: String
    /// The table or section in it.
    public let place: String
  }

  /// An input of expressions.
  public struct Quantity: Sendable, Encodable {
    /// The name in expressions.
    public let name: String
    /// What it is, and where it comes from.
    public let what: String
    /// Its value.
    public let printed: PrintedNumber
  }

  /// One number of the table.
  public struct Entry: Sendable, Encodable {
    /// The name, unique in the file.
    public let id: String
    /// What the number is.
    public let what: String
    /// Where in the table it stands; nil for what is derived.
    public let row: String?
    /// The number.
    public let printed: PrintedNumber
    /// What is known about the number.
    public let status: Status
    /// Why it cannot be recomputed, or why the printed number is wrong.
    public let why: String?
    /// How it follows from other numbers: present exactly if the status ``Status/isComputed``.
    public let recomputation: Recomputation?
    /// The line of the id.
    public let line: Int
  }

  /// What is known about a printed number.
  public enum Status: String, CaseIterable, Sendable, Encodable {
    /// Taken over as printed: a measurement or a choice.
    case quoted
    /// The expression gives a number that is printed like this.
    case recomputed
    /// The expression gives what would be right, and `why` says what went wrong.
    case contradicts
    /// `why` says what is missing.
    case notRecomputable = "not_recomputable"

    /// Whether an entry of this status has an expression.
    public var isComputed: Bool { self == .recomputed || self == .contradicts }
  }

  /// The exact value of an entry, pinned and now.
  public struct Recomputation: Sendable, Encodable {
    /// The formula, as written.
    public let expression: String
    /// The `computed` field of the file: the value and the formula with the numbers put in.
    public let pinned: String
    /// What `computed` must be today.
    public let current: String
    /// Today's value is printed like the entry's.
    public let agreesWithPrint: Bool
    /// Where the text of `computed` begins in the file.
    let place: Place

    private enum CodingKeys: String, CodingKey {
      case expression, pinned, current, agreesWithPrint
    }
  }

  /// Line and column of the file, from 1; columns count Unicode scalars.
  struct Place: Sendable {
    var line: Int
    var column: Int
  }

  /// How many entries have a status.
  ///
  /// - Parameter status: the status.
  /// - Returns: the number of entries.
  public func count(of status: Status) -> Int { entries.count { $0.status == status } }
}
