import CaseFormat
import Foundation
import Specifications

/// A named, complete semantics, read from a file of `specs/dialects/` or from a user's own.
///
/// A dialect is data: each section says how an operation computes, stage by stage. `extends` starts
/// from another dialect; what the file says is laid over it, key by key.
public struct Dialect: Sendable {
  /// The name that cases and `--dialect` use.
  public let name: String
  /// One line for people.
  public let title: String
  /// Where the semantics was read or observed.
  public let sources: [String]
  /// The built-in dialects that it extends, the nearest first.
  public let lineage: [String]
  /// The file that it was read from; nil for a built-in one.
  public private(set) var path: String?
  /// The file's own text, for certificates.
  public let text: String
  private let tree: YAMLTree
  private let reasons: [String: String]
  private var rules: [String: any Sendable] = [:]

  /// Sections that no operation has for itself.
  private static let sharedSections = ["effective_scale"]
  private static let ownKeys = ["name", "title", "extends", "sources", "unsupported"]

  /// Whether it is one of the dialects that come with qverify.
  public var isBuiltIn: Bool { Self.embedded[name] == text }

  private init(
    tree: YAMLTree, lineage: [String], text: String
  ) throws(DialectError) {
    self.lineage = lineage
    var reader = try RuleReader(tree, path: "")
    guard let name = try reader.string("name"), !name.isEmpty else {
      throw reader.failure("name", "is missing")
    }
    self.name = name
    title = try reader.string("title", default: name)
    sources = try reader.words("sources")
    var reasons: [String: String] = [:]
    if var unsupported = try reader.section("unsupported") {
      for operation in unsupported.keys {
        guard Registry.operation(named: operation) != nil else {
          throw unsupported.failure(operation, "is not an operation")
        }
        reasons[operation] = try unsupported.string(operation)
      }
    }
    self.reasons = reasons
    self.text = text
    self.tree = tree
    let known = Set(Self.ownKeys + Self.sharedSections + Registry.all.map { $0.section })
    for key in reader.keys where !known.contains(key) {
      throw reader.failure(key, "unknown key; known are \(known.sorted().joined(separator: ", "))")
    }
    for operation in Registry.all {
      if let rule = try operation.rule(in: self) { rules[operation.name] = rule }
    }
  }

  /// The rule of an operation, if the dialect defines it.
  func rule<T>(_ operation: any Operation.Type, as type: T.Type) throws(CaseError) -> T {
    guard let rule = rules[operation.name] as? T else {
      throw .unsupported(reasonAgainst(operation.name))
    }
    return rule
  }

  /// The rule of an operation, whatever it is; nil where the dialect does not define it.
  func rule(named operation: String) -> (any Sendable)? { rules[operation] }

  /// Whether the dialect defines an operation.
  public func defines(_ operation: String) -> Bool { rules[operation] != nil }

  /// Why the dialect does not define an operation.
  public func reasonAgainst(_ operation: String) -> String {
    reasons[operation] ?? "dialect '\(name)' does not define \(operation)"
  }

  /// A section as a rule with alternatives; nil where the dialect has no such section.
  func variants<Rule: DialectRule>(
    _ section: String, _ type: Rule.Type
  ) throws(DialectError) -> Variants<Rule>? {
    guard let tree = tree[section] else { return nil }
    if case .scalar("undefined", _) = tree { return nil }
    return try Variants(tree, path: section)
  }

  /// The dialect with one section's keys changed: a fault to test a kernel's behaviour against.
  ///
  /// Returns nil where the change makes no legal dialect.
  public func changed(name: String, _ section: String, _ changes: [(key: String, value: String)])
    -> Dialect?
  {
    let place = YAMLTree.Place(file: name, line: 0)
    let entries = changes.map {
      YAMLTree.Entry(key: $0.key, place: place, value: .scalar($0.value, place))
    }
    guard case .map(let keys, _)? = tree[section] else { return nil }
    // The change holds in every variant too.
    let overlay = YAMLTree.map(entries, place)
    var changed = YAMLTree.map(keys, place).overlaid(with: overlay)
    if case .list(let variants, _)? = tree[section]?["variants"] {
      let all = YAMLTree.list(variants.map { $0.overlaid(with: overlay) }, place)
      changed = changed.overlaid(
        with: .map([.init(key: "variants", place: place, value: all)], place))
    }
    let root = tree.overlaid(
      with: .map(
        [
          .init(key: "name", place: place, value: .scalar(name, place)),
          .init(key: section, place: place, value: changed),
        ], place))
    return try? Dialect(tree: root, lineage: lineage, text: "")
  }

  // MARK: Loading

  /// Reads a dialect from a text.
  ///
  /// - Throws: `DialectError` with file, line and key.
  public static func parse(_ text: String, file: String) throws(DialectError) -> Dialect {
    var lineage: [String] = []
    let tree = try tree(of: text, file: file, lineage: &lineage)
    return try Dialect(tree: tree, lineage: lineage, text: text)
  }

  /// Parses a file and lays it over what it extends.
  private static func tree(
    of text: String, file: String, lineage: inout [String]
  ) throws(DialectError) -> YAMLTree {
    let own = try YAMLTree.parse(text, file: file)
    var reader = try RuleReader(own, path: "")
    guard let parent = try reader.string("extends") else { return own }
    guard let parentText = embedded[parent] else {
      throw reader.failure("extends", "'\(parent)' is not a built-in dialect")
    }
    guard !lineage.contains(parent) else {
      throw reader.failure("extends", "goes round in a circle")
    }
    lineage.append(parent)
    return try tree(of: parentText, file: parent + ".yaml", lineage: &lineage).overlaid(with: own)
  }

  /// The texts of the built-in dialects by name.
  private static let embedded: [String: String] = Dictionary(
    uniqueKeysWithValues: Specifications.dialects.map {
      ($0.name, String(decoding: $0.bytes, as: UTF8.self))
    })

  /// The names of the built-in dialects, in the order in which they are listed.
  public static let builtInNames: [String] = Specifications.dialects.map(\.name)

  private static let builtIn: [String: Result<Dialect, DialectError>] = Dictionary(
    uniqueKeysWithValues: embedded.map { name, text in
      do throws(DialectError) {
        return (name, .success(try parse(text, file: name + ".yaml")))
      } catch {
        return (name, .failure(error))
      }
    })

  /// A built-in dialect by its name, or a user's by the path of its file.
  ///
  /// - Throws: `DialectError` where there is none or it is wrong.
  public static func named(_ name: String) throws(DialectError) -> Dialect {
    if let known = builtIn[name] { return try known.get() }
    guard name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") else {
      throw DialectError(
        file: name, line: 0, key: "",
        message: "no such dialect; built-in are \(builtInNames.joined(separator: ", "))")
    }
    guard let data = FileManager.default.contents(atPath: name) else {
      throw DialectError(file: name, line: 0, key: "", message: "cannot be read")
    }
    var dialect = try parse(String(decoding: data, as: UTF8.self), file: name)
    dialect.path = name
    return dialect
  }
}
