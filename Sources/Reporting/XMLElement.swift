/// An element of XML with its attributes, text and children.
struct XMLElement {
  var name: String
  var attributes: [(name: String, value: String)]
  var text: String
  var children: [XMLElement]

  init(
    _ name: String, _ attributes: [(String, String)] = [], text: String = "",
    children: [XMLElement] = []
  ) {
    self.name = name
    self.attributes = attributes.map { (name: $0.0, value: $0.1) }
    self.text = text
    self.children = children
  }

  /// The document of which this is the root.
  var document: String { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + lines("") }

  private func lines(_ indent: String) -> String {
    var line = indent + "<" + name
    for attribute in attributes {
      line += " \(attribute.name)=\"\(Self.escaped(attribute.value, inAttribute: true))\""
    }
    if text.isEmpty && children.isEmpty { return line + "/>\n" }
    line += ">" + Self.escaped(text, inAttribute: false)
    if !children.isEmpty {
      line += "\n" + children.map { $0.lines(indent + "  ") }.joined() + indent
    }
    return line + "</\(name)>\n"
  }

  /// A text with what XML reserves escaped, and what it forbids made visible.
  ///
  /// Control characters are not allowed in XML 1.0 even when escaped: they become their pictures
  /// (U+2400 and on), so that a kernel's message cannot make a report unreadable.
  static func escaped(_ text: String, inAttribute: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x26: result += "&amp;"
      case 0x3C: result += "&lt;"
      case 0x3E: result += "&gt;"
      case 0x22: result += "&quot;"
      case 0x27: result += "&#39;"
      case 0x0D: result += "&#13;"
      case 0x09, 0x0A: result += inAttribute ? "&#\(scalar.value);" : String(scalar)
      case 0x00..<0x20: result.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? "?")
      case 0x7F: result += "\u{2421}"
      case 0x80..<0xA0, 0xFFFE, 0xFFFF: result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
