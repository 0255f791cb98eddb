import CaseFormat
import NumberFormats

/// What a library says of itself.
public struct KernelDescription: Hashable, Sendable {
  public var name: String
  public var version: String
  public var claims: [KernelClaim]
}

/// What a kernel claims for one operation; empty texts and 0 say nothing.
public struct KernelClaim: Hashable, Sendable {
  public var operation: String
  public var dialects: String
  public var dtypes: String
  /// The inputs that it knows; nil for any.
  public var inputs: String?
  /// The attributes that it knows; nil for any.
  public var attributes: String?
  public var layouts: String
  public var ties: String
  public var accumulatorBits: Int

  private static func words(_ list: String) -> [String] {
    list.split(separator: ",").map { String($0.filter { $0 != " " }) }
  }

  /// Whether it claims a dialect, or one that a user's own starts from.
  func speaks(_ lineage: [String]) -> Bool {
    dialects.isEmpty || Self.words(dialects).contains { lineage.contains($0) }
  }

  /// Why a case of a claimed operation lies outside the claim; nil where it does not.
  func refusal(of test: Case) -> String? {
    if !layouts.isEmpty {
      var layout = "NCHW"
      if case .string(let text)? = test.attributes["layout"] { layout = text }
      if !Self.words(layouts).contains(layout) { return "claims layouts \(layouts) only" }
    }
    if let known = inputs.map(Self.words),
      let name = test.inputs.keys.sorted().first(where: { !known.contains($0) })
    {
      return "input '\(name)': not claimed"
    }
    if let known = attributes.map(Self.words),
      let name = test.attributes.keys.sorted().first(where: { !known.contains($0) })
    {
      return "attribute '\(name)': not claimed"
    }
    for (name, types) in typeLists {
      if let tensor = test.inputs[name], !types.contains(Self.word(tensor.dtype)) {
        return "\(name) of type \(tensor.dtype.name): not claimed"
      }
    }
    return nil
  }

  /// Why an output lies outside the claim; nil where it does not.
  func refusal(ofOutput name: String, _ dtype: DataType) -> String? {
    guard let types = typeLists.first(where: { $0.tensor == name })?.types,
      !types.contains(Self.word(dtype))
    else { return nil }
    return "\(name) of type \(dtype.name): not claimed"
  }

  /// How a claim writes a type: fixed point without its parameters.
  private static func word(_ dtype: DataType) -> String {
    dtype.name.prefix { $0 != "<" }.description
  }

  /// The types of `dtypes` by tensor.
  private var typeLists: [(tensor: String, types: [String])] {
    dtypes.split(separator: " ").compactMap { entry in
      let parts = entry.split(separator: "=", maxSplits: 1)
      return parts.count == 2 ? (String(parts[0]), Self.words(String(parts[1]))) : nil
    }
  }

  /// The tie rules that a claim may name.
  static let tieRules = ["even", "away", "up", "down", "zero"]

  /// What is wrong with the claim itself; nil where nothing is.
  func problem(operations: [String]) -> String? {
    if !operations.contains(operation) { return "claims '\(operation)', which is no operation" }
    if !ties.isEmpty && !Self.tieRules.contains(ties) {
      return "\(operation): ties '\(ties)', must be one of \(Self.tieRules.joined(separator: ", "))"
    }
    for entry in dtypes.split(separator: " ") {
      let parts = entry.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else {
        return "\(operation): dtypes '\(dtypes)', must be tensor=type,type and spaces between"
      }
      for type in Self.words(String(parts[1]))
      where DataType(name: type) == nil && type != "fixed" && type != "ufixed" {
        return "\(operation): dtypes name '\(type)', which is no type"
      }
    }
    for layout in Self.words(layouts) where layout != "NCHW" && layout != "NHWC" {
      return "\(operation): layouts name '\(layout)', must be NCHW or NHWC"
    }
    return nil
  }
}
