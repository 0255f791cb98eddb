import CaseFormat
import NumberFormats
import Operations
import Testing

/// The bulk oracle of fixed-point conversions equals the definition, coverage included.
@Suite struct FastFixedPointTests {
  @Test func everyModeOnEveryCode() throws {
    let pairs = [
      ("fixed<8,3>", "fixed<5,2>"), ("ufixed<8,3>", "fixed<4,4>"), ("fixed<8,3>", "ufixed<3,1>"),
      ("fixed<6,6>", "fixed<9,4>"), ("int8", "fixed<6,4>"), ("fixed<8,-2>", "fixed<2,-4>"),
    ]
    let dialect = try Dialect.named("ap_fixed")
    var bulk = 0
    for (source, target) in pairs {
      let dtype = try #require(DataType(name: source))
      let codes: ClosedRange<Int64> =
        dtype.isSigned
        ? -(1 << Int64(dtype.bits - 1))...(1 << Int64(dtype.bits - 1) - 1)
        : 0...(1 << Int64(dtype.bits) - 1)
      for rounding in FixedPointFormat.Rounding.allCases {
        for overflow in FixedPointFormat.Overflow.allCases where target.first != "u" || overflow != .AP_WRAP_SM {
          var test = Case(id: "", operation: "quantize", dialect: "ap_fixed")
          test.attributes["output_dtype"] = .string(target)
          test.attributes["rounding"] = .string(rounding.rawValue)
          test.attributes["overflow"] = .string(overflow.rawValue)
          test.inputs["x"] = Tensor(dtype, shape: [codes.count], codes: Array(codes))
          let exact = try Reference.evaluate(test, dialect: dialect)
          let fast = try Reference.evaluateFast(test, dialect: dialect)
          if fast.isBulk { bulk += 1 }
          #expect(
            fast["y"] == exact["y"] && fast.coverage == exact.coverage,
            "\(source) to \(target), \(rounding), \(overflow)")
        }
      }
    }
    // All but AP_WRAP_SM, and AP_SAT_SYM of unsigned types.
    #expect(bulk == 5 * 7 * 4 + 7 * 3)
  }
}
