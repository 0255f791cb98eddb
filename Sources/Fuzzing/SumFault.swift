import CaseFormat
import ExactArithmetic
import NumberFormats
import Operations

/// Generic faults in the addition of products: each says what the sum becomes.
extension ChainFault {
  static let sums: [ChainFault] =
    widths + signs + zeroPointTerms + biases + depths + products

  private static func sum(
    _ name: String, in stage: String? = nil,
    _ change: @escaping @Sendable (ProductSum) -> Int128?
  ) -> ChainFault {
    ChainFault(
      name: name, stage: "accumulation", reported: stage,
      value: { step in
        guard case .sum(let terms)? = step.effect else { return nil }
        return change(terms).map { .finite(Rational(Integer($0))) }
      })
  }

  // MARK: Width

  private static let widths: [ChainFault] =
    [16, 24, 32].flatMap { bits in
      [
        sum("an accumulator of \(bits) bits that wraps") { wrapped($0.total, bits) },
        sum("an accumulator of \(bits) bits that saturates") { saturated($0.total, bits) },
        sum("an accumulator of \(bits) bits that saturates at each addition") { terms in
          terms.products.reduce(Int128(terms.bias)) { saturated($0 + $1, bits) }
        },
      ]
    } + [
      sum("sums in binary32") { terms in
        var sum = Float(terms.bias)
        for product in terms.products { sum += Float(product) }
        return sum.isFinite && sum.magnitude < 0x1p100 ? Int128(sum) : nil
      },
      sum("an accumulator converted to binary32") { terms in
        let sum = Float(terms.total)
        return sum.isFinite && sum.magnitude < 0x1p100 ? Int128(sum) : nil
      },
      sum("saturating int16 pair sums") { pairSum($0) },
      sum("saturating int16 pair sums of the levels as they are") { terms in
        pairSum(terms, inputShift: 0, weightShift: 0)
      },
      sum("saturating int16 pair sums of levels without their zero points") { terms in
        pairSum(terms, inputShift: -terms.inputZero, weightShift: terms.weightZero)
      },
      sum("products that wrap to 16 bits") { terms in
        terms.products.reduce(Int128(terms.bias)) { $0 + wrapped($1, 16) }
      },
      sum("products that saturate to 16 bits") { terms in
        terms.products.reduce(Int128(terms.bias)) { $0 + saturated($1, 16) }
      },
      sum("inputs minus their zero point wrapped to the type") { terms in
        terms.total { x, _ in
          wrapped(x - Int128(terms.inputZero), terms.inputType.bits, terms.inputType.isSigned)
        } weight: { w, _ in
          w - Int128(terms.weightZero)
        }
      },
      sum("inputs minus their zero point saturated to the type") { terms in
        terms.total { x, _ in
          saturated(x - Int128(terms.inputZero), terms.inputType.bits, terms.inputType.isSigned)
        } weight: { w, _ in
          w - Int128(terms.weightZero)
        }
      },
      sum("weights minus their zero point wrapped to the type") { terms in
        terms.total { x, _ in
          x - Int128(terms.inputZero)
        } weight: { w, _ in
          wrapped(w - Int128(terms.weightZero), terms.weightType.bits, terms.weightType.isSigned)
        }
      },
      sum("weights minus their zero point saturated to the type") { terms in
        terms.total { x, _ in
          x - Int128(terms.inputZero)
        } weight: { w, _ in
          saturated(w - Int128(terms.weightZero), terms.weightType.bits, terms.weightType.isSigned)
        }
      },
    ]

  private static func wrapped(_ value: Int128, _ bits: Int, _ isSigned: Bool = true) -> Int128 {
    let low = value & ((1 << Int128(bits)) - 1)
    return isSigned && low >> Int128(bits - 1) == 1 ? low - (1 << Int128(bits)) : low
  }

  private static func saturated(_ value: Int128, _ bits: Int, _ isSigned: Bool = true) -> Int128 {
    let power: Int128 = 1 << Int128(isSigned ? bits - 1 : bits)
    return min(max(value, isSigned ? -power : 0), power - 1)
  }

  /// As vpmaddubsw has it: the input unsigned, the weight signed, neighbours added in 16 bits.
  private static func pairSum(_ terms: ProductSum) -> Int128? {
    pairSum(
      terms, inputShift: terms.inputType.isSigned ? 128 : 0,
      weightShift: terms.weightType.isSigned ? 0 : 128)
  }

  /// The sum where neighbouring products of shifted levels are added with int16 saturation.
  private static func pairSum(
    _ terms: ProductSum, inputShift: Int64, weightShift: Int64
  ) -> Int128? {
    guard terms.inputType.bits <= 8, terms.weightType.bits <= 8 else { return nil }
    var sum = terms.total
    var pair: Int128 = 0
    for (index, (input, weight)) in zip(terms.inputs, terms.weights).enumerated() {
      pair += Int128((input ?? terms.inputZero) + inputShift) * Int128(weight - weightShift)
      if index % 2 == 1 || index == terms.weights.count - 1 {
        sum += saturated(pair, 16) - pair
        pair = 0
      }
    }
    return sum
  }

  // MARK: Signs and values

  private static let signs: [ChainFault] =
    [("input", true), ("weight", false)].flatMap { name, isInput in
      [
        operand("\(name)s read with the wrong signedness", isInput) { code, type in
          let power: Int128 = 1 << Int128(type.bits)
          if type.isSigned { return code < 0 ? code + power : code }
          return code >= power / 2 ? code - power : code
        },
        operand("the lowest \(name) taken for the one above it", isInput) { code, type in
          type.isSigned && code == -(1 << Int128(type.bits - 1)) ? code + 1 : code
        },
        operand("the lowest bit of each \(name) lost", isInput) { code, _ in code & ~1 },
      ]
    } + [
      sum("a lowest value that stays negative when it is negated") { terms in
        let lowest = -(Int64(1) << Int64(terms.inputType.bits - 1))
        return zip(zip(terms.inputs, terms.weights), terms.products).reduce(Int128(terms.bias)) {
          let (input, weight) = $1.0
          let isCaught = input == lowest && weight < 0 || weight == lowest && (input ?? 0) < 0
          return $0 + (isCaught ? -$1.1 : $1.1)
        }
      }
    ]

  private static func operand(
    _ name: String, _ isInput: Bool, _ change: @escaping @Sendable (Int128, DataType) -> Int128
  ) -> ChainFault {
    sum(name) { terms in
      let (xZero, wZero) = (Int128(terms.inputZero), Int128(terms.weightZero))
      return terms.total { x, _ in
        (isInput ? change(x, terms.inputType) : x) - xZero
      } weight: { w, _ in
        (isInput ? w : change(w, terms.weightType)) - wZero
      }
    }
  }

  // MARK: Zero points

  private static let zeroPointTerms: [ChainFault] =
    [("input", true), ("weight", false)].flatMap { name, isInput in
      [
        zero("the \(name) zero point ignored", isInput) { _, _ in 0 },
        zero("the \(name) zero point with the wrong sign", isInput) { z, _ in -z },
        zero("the \(name) zero point taken off twice", isInput) { z, _ in 2 * z },
        zero("the \(name) zero point with the wrong signedness", isInput) { z, type in
          let power: Int128 = 1 << Int128(type.bits)
          return z < 0 ? z + power : z >= power / 2 ? z - power : z
        },
      ]
    } + [
      sum("the product of both zero points left out") { $0.total - $0.crossTerm },
      sum("the product of both zero points added twice") { $0.total + $0.crossTerm },
      sum("the product of both zero points with the wrong sign") { $0.total - 2 * $0.crossTerm },
      sum("padding with 0 instead of the zero point", in: "padding") { terms in
        zip(terms.inputs, terms.weights).reduce(terms.total) { sum, term in
          term.0 == nil
            ? sum - Int128(terms.inputZero) * (Int128(term.1) - Int128(terms.weightZero)) : sum
        }
      },
      sum("padding that takes the weight's zero point for the input's", in: "padding") { terms in
        zip(terms.inputs, terms.weights).reduce(terms.total) { sum, term in
          let padding = Int128(terms.weightZero) - Int128(terms.inputZero)
          return term.0 == nil
            ? sum + padding * (Int128(term.1) - Int128(terms.weightZero)) : sum
        }
      },
      sum("the weight zero point ignored in the padding", in: "padding") { terms in
        zip(terms.inputs, terms.weights).reduce(terms.total) { sum, term in
          term.0 == nil ? sum - Int128(terms.inputZero) * Int128(terms.weightZero) : sum
        }
      },
    ]

  private static func zero(
    _ name: String, _ isInput: Bool, _ change: @escaping @Sendable (Int128, DataType) -> Int128
  ) -> ChainFault {
    sum(name) { terms in
      let xZero = Int128(terms.inputZero)
      let wZero = Int128(terms.weightZero)
      let otherX = isInput ? change(xZero, terms.inputType) : xZero
      let otherW = isInput ? wZero : change(wZero, terms.weightType)
      return terms.total { x, _ in
        x - otherX
      } weight: { w, _ in
        w - otherW
      }
    }
  }

  // MARK: Bias

  private static let biases: [ChainFault] = [
    sum("bias ignored") { $0.total - Int128($0.bias) },
    sum("bias added twice") { $0.total + Int128($0.bias) },
    sum("bias with the wrong sign") { $0.total - 2 * Int128($0.bias) },
    sum("a bias of 16 bits") { $0.total - Int128($0.bias) + wrapped(Int128($0.bias), 16) },
    sum("a bias of 8 bits") { $0.total - Int128($0.bias) + wrapped(Int128($0.bias), 8) },
    sum("a bias in binary32") { terms in
      terms.total - Int128(terms.bias) + Int128(Float(terms.bias))
    },
  ]

  // MARK: Depth

  private static let depths: [ChainFault] =
    [
      only("the last product left out") { $0 < $1 - 1 },
      only("the first product left out") { index, _ in index > 0 },
      sum("the last product added twice") { $0.total + ($0.products.last ?? 0) },
      sum("the first product added twice") { $0.total + ($0.products.first ?? 0) },
    ]
    + [2, 4, 8, 16, 32, 64].map { width in
      only("products beyond a multiple of \(width) left out") { $0 < $1 - $1 % width }
    }
    + [2, 4, 8, 16, 32, 64].map { width in
      only("products beyond the first \(width) left out") { index, _ in index < width }
    }

  private static func only(
    _ name: String, _ isAdded: @escaping @Sendable (_ index: Int, _ count: Int) -> Bool
  ) -> ChainFault {
    sum(name) { terms in
      let products = terms.products
      return products.indices.reduce(Int128(terms.bias)) {
        isAdded($1, products.count) ? $0 + products[$1] : $0
      }
    }
  }

  // MARK: Order

  private static let products: [ChainFault] = [
    sum("weights in the opposite order, as of a true convolution", in: "indexing") { terms in
      var other = terms
      other.weights.reverse()
      return other.total
    }
  ]
}

extension ProductSum {
  /// The exact sum.
  var total: Int128 { products.reduce(Int128(bias), +) }

  /// The sum with operands that are made otherwise; what stands in the padding is a real zero.
  func total(
    input: (Int128, Int) -> Int128, weight: (Int128, Int) -> Int128
  ) -> Int128 {
    var sum = Int128(bias)
    for (index, (x, w)) in zip(inputs, weights).enumerated() {
      guard let x else { continue }
      sum += input(Int128(x), index) * weight(Int128(w), index)
    }
    return sum
  }

  /// The term that both zero points make, where the sum is expanded.
  var crossTerm: Int128 {
    Int128(inputs.count { $0 != nil }) * Int128(inputZero) * Int128(weightZero)
  }
}
