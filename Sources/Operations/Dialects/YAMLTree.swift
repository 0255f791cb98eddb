import Yams

/// What is wrong in a dialect file, and where.
public struct DialectError: Error, Equatable, CustomStringConvertible {
  public var file: String
  public var line: Int
  /// The key that is wrong, as a path such as `quantize.rounding`.
  public var key: String
  public var message: String

  public var description: String {
    let place = line > 0 ? "\(file):\(line)" : file
    return key.isEmpty ? "\(place): \(message)" : "\(place): \(key): \(message)"
  }
}

/// A YAML document with the place of each value, so that an error can name file, line and key.
indirect enum YAMLTree: Sendable {
  case scalar(String, Place)
  case list([YAMLTree], Place)
  case map([Entry], Place)

  struct Place: Sendable {
    var file: String
    var line: Int
  }

  struct Entry: Sendable {
    var key: String
    var place: Place
    var value: YAMLTree
  }

  var place: Place {
    switch self {
    case .scalar(_, let place), .list(_, let place), .map(_, let place): place
    }
  }

  /// Parses a document that is a map.
  static func parse(_ text: String, file: String) throws(DialectError) -> YAMLTree {
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntaxError(error, file)
    } catch {
      throw DialectError(file: file, line: 0, key: "", message: "not YAML: \(error)")
    }
    guard let node else { throw DialectError(file: file, line: 0, key: "", message: "is empty") }
    return try convert(node, file: file)
  }

  private static func syntaxError(_ error: YamlError, _ file: String) -> DialectError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      DialectError(file: file, line: mark.line, key: "", message: "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      DialectError(
        file: file, line: context.mark.line, key: keys.map { "\($0)" }.joined(separator: ", "),
        message: "stands twice")
    default: DialectError(file: file, line: 0, key: "", message: "not YAML: \(error)")
    }
  }

  private static func convert(_ node: Node, file: String) throws(DialectError) -> YAMLTree {
    let place = Place(file: file, line: node.mark?.line ?? 0)
    switch node {
    case .scalar(let scalar): return .scalar(scalar.string, place)
    case .sequence(let sequence):
      var elements: [YAMLTree] = []
      for element in sequence { elements.append(try convert(element, file: file)) }
      return .list(elements, place)
    case .mapping(let mapping):
      var entries: [Entry] = []
      for (key, value) in mapping {
        guard let name = key.string else {
          throw DialectError(file: file, line: place.line, key: "", message: "a key must be a word")
        }
        let keyPlace = Place(file: file, line: key.mark?.line ?? place.line)
        entries.append(
          Entry(key: name, place: keyPlace, value: try convert(value, file: file)))
      }
      return .map(entries, place)
    case .alias:
      throw DialectError(file: file, line: place.line, key: "", message: "aliases are not read")
    }
  }

  /// This tree with the values of another laid over it, map by map.
  func overlaid(with other: YAMLTree) -> YAMLTree {
    guard case .map(var entries, _) = self, case .map(let others, let place) = other else {
      return other
    }
    for entry in others {
      if let index = entries.firstIndex(where: { $0.key == entry.key }) {
        let merged = entries[index].value.overlaid(with: entry.value)
        entries[index] = Entry(key: entry.key, place: entry.place, value: merged)
      } else {
        entries.append(entry)
      }
    }
    return .map(entries, place)
  }

  /// The value of a key, where this is a map that has it.
  subscript(key: String) -> YAMLTree? {
    guard case .map(let entries, _) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }
}
