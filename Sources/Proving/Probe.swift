public import CaseFormat
import NumberFormats
import Operations

/// A case to ask a kernel, or two dialects, with what each of its outputs is the answer to.
public struct Probe: Sendable {
  public let test: Case
  /// What the kernel must take to take this.
  let facet: String
  /// The swept input; nil where outputs depend on more than one element.
  let input: String?
  /// What each output element is asked of, where that is no swept input.
  let texts: [String]

  /// Asks for chosen values of a swept input.
  init(_ template: Case, input: String, codes: [Int64], facet: String) {
    var test = template
    // Per channel the elements stand in one channel.
    let isPerChannel = template.attributes["axis"] != nil
    if let dtype = template.inputs[input]?.dtype {
      test.inputs[input] = Tensor(
        dtype, shape: isPerChannel ? [1, codes.count] : [codes.count], codes: codes)
    }
    if isPerChannel {
      for name in ["scale", "zero_point"] {
        if let tensor = test.inputs[name], tensor.shape.isEmpty {
          test.inputs[name] = Tensor(tensor.dtype, shape: [1], codes: tensor.codes)
        }
      }
    }
    (self.test, self.input, self.facet, texts) = (test, input, facet, [])
  }

  /// Asks for a whole case; `texts` says what each element of the output is.
  init(_ test: Case, facet: String, texts: [String]) {
    (self.test, input, self.facet, self.texts) = (test, nil, facet, texts)
  }

  /// The probes of an operation: for every setting the inputs at its thresholds.
  public static func all(of operation: String) -> [Probe] {
    guard let known = Registry.operation(named: operation) else { return [] }
    guard let input = known.sweptInput else { return ProductProbes.all(of: operation) }
    return ProbeSetting.all(of: operation).compactMap { setting in
      guard let template = setting.template else { return nil }
      return Probe(
        template, input: input, codes: ProbeInputs.codes(for: template), facet: setting.facet)
    }
  }

  /// The same without its inputs: a swept input says only its type; nil where there is none.
  public var template: Case? {
    guard let input, let dtype = test.inputs[input]?.dtype else { return nil }
    var template = test
    template.inputs[input] = Tensor(
      dtype, shape: test.attributes["axis"] == nil ? [0] : [1, 0], codes: [])
    return template
  }

  /// How many inputs it asks for.
  public var count: Int { input.flatMap { test.inputs[$0]?.count } ?? texts.count }

  /// The same probe with a few of its elements only; nil where they cannot be taken apart.
  func restricted(to elements: [Int]) -> Probe? {
    guard let input, let tensor = test.inputs[input] else { return nil }
    return Probe(test, input: input, codes: elements.map { tensor.codes[$0] }, facet: facet)
  }

  /// The code of the swept input of an element.
  func code(of element: Int) -> Int64? {
    guard let input, let tensor = test.inputs[input], tensor.codes.indices.contains(element) else {
      return nil
    }
    return tensor.codes[element]
  }

  /// What an output element is the answer to: `x = 0.5 (0x3f000000)`.
  public func text(of element: Int) -> String {
    if let input, let code = code(of: element), let dtype = test.inputs[input]?.dtype {
      return "\(input) = \(Readable.text(ofCode: code, dtype))"
    }
    return texts.indices.contains(element) ? texts[element] : "element \(element)"
  }

  /// The other inputs and the attributes: `scale 1 (0x3f800000), zero_point 3, x float32`.
  public var parameters: String { Self.parameters(of: test, input: input) }

  /// The parameters of a case, for people; large tensors by their shape.
  public static func parameters(of test: Case, input: String?) -> String {
    var parts: [String] = []
    for (name, tensor) in test.inputs.sorted(by: { $0.key < $1.key }) {
      if name == input {
        parts.append("\(name) \(tensor.dtype.name)")
      } else if tensor.count == 1 {
        let value = Readable.text(ofCode: tensor.codes[0], tensor.dtype)
        let type =
          name == "zero_point" || name.hasSuffix("_zero_point") ? " \(tensor.dtype.name)" : ""
        parts.append("\(name) \(value)\(type)")
      } else {
        parts.append("\(name) \(tensor.dtype.name) \(tensor.shape)")
      }
    }
    for (name, value) in test.attributes.sorted(by: { $0.key < $1.key }) {
      parts.append("\(name) \(value)")
    }
    return parts.joined(separator: ", ")
  }
}
