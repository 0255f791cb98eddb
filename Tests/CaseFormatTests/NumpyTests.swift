import CaseFormat
import Foundation
import NumberFormats
import Testing

/// Files of numpy, written here byte by byte.
@Suite struct NumpyTests {
  /// A .npy file with a header as numpy writes it.
  private func npy(
    _ descr: String, _ shape: String, _ bytes: [UInt8], fortran: Bool = false, version: UInt8 = 1
  ) -> Data {
    var header =
      "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
    let prefix = version == 1 ? 10 : 12
    while (prefix + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    let count = header.utf8.count
    var data = Data(
      [0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(count & 0xFF), UInt8(count >> 8)])
    if version > 1 { data += [0, 0] }
    return data + Data(header.utf8) + Data(bytes)
  }

  private func answer(_ data: Data, _ dtype: String, _ shape: String) throws -> String {
    var result = ""
    try withFolder { folder in
      try data.write(to: URL(fileURLWithPath: folder + "/a.npy"))
      let tensor = "\"dtype\": \"\(dtype)\", \"shape\": \(shape), \"npy\": \"a.npy\""
      switch read(line(tensor), directory: folder) {
      case .success(let test):
        result = test.inputs["t"]?.codes.map(String.init).joined(separator: " ") ?? ""
      case .failure(let error):
        result = error.description.replacing("'\(folder)/a.npy'", with: "FILE")
      }
    }
    return result
  }

  @Test func types() throws {
    let table: [(descr: String, dtype: String, bytes: [UInt8], codes: String)] = [
      ("|i1", "int8", [0x80, 0x7F], "-128 127"), ("|u1", "uint8", [0x80, 0x7F], "128 127"),
      ("|i1", "int4", [0xF8, 7], "-8 7"),
      ("<i2", "int16", [0, 0x80, 1, 0], "-32768 1"),
      ("<i4", "int32", [1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], "1 -1"),
      (
        "<i8", "int48", [0, 0, 0, 0, 0, 0x80, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0, 0, 0],
        "-140737488355328 1"
      ),
      ("<f4", "float32", [0, 0, 0x80, 0x3F, 1, 0, 0xC0, 0x7F], "1065353216 2143289345"),
      ("<f2", "float16", [0, 0x3C, 0, 0x80], "15360 32768"),
      ("<f8", "float64", Array(repeating: 0, count: 16), "0 0"),
      ("<u2", "bfloat16", [0x80, 0x3F, 0, 0], "16256 0"),
      ("|u1", "float8_e4m3fn", [0x7E, 0xFF], "126 255"),
      ("|b1", "bool", [1, 0], "1 0"),
      ("<u4", "uint32", [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], "4294967295 0"),
    ]
    for row in table {
      for version: UInt8 in [1, 2, 3] {
        let data = npy(row.descr, "(2,)", row.bytes, version: version)
        #expect(try answer(data, row.dtype, "[2]") == row.codes, "\(row.dtype), version \(version)")
      }
    }
    #expect(try answer(npy("|i1", "()", [5]), "int8", "[]") == "5")
    #expect(try answer(npy("|i1", "(2, 1)", [5, 6]), "int8", "[2, 1]") == "5 6")
    #expect(try answer(npy("|i1", "(0, 3)", []), "int8", "[0, 3]") == "")
  }

  @Test func errors() throws {
    let good = npy("|i1", "(2,)", [1, 2])
    let table: [(data: Data, dtype: String, shape: String, error: String)] = [
      (Data("nonsense".utf8), "int8", "[2]", "FILE is not a .npy file"),
      (Data(), "int8", "[2]", "FILE is not a .npy file"),
      (good, "int8", "[3]", "FILE has shape [2], the case says [3]"),
      (good, "int8", "[2, 1]", "FILE has shape [2], the case says [2, 1]"),
      (good, "uint8", "[2]", "FILE holds |i1, uint8 needs |u1"),
      (good, "float32", "[2]", "FILE holds |i1, float32 needs <f4"),
      (
        npy("|i1", "(2,)", [1, 2], fortran: true), "int8", "[2]",
        "FILE is in Fortran order; save it in C order"
      ),
      (npy(">i2", "(1,)", [1, 2]), "int16", "[1]", "FILE holds >i2, int16 needs <i2"),
      (npy("|i1", "(2,)", [1]), "int8", "[2]", "FILE holds 1 elements, its shape says otherwise"),
      (
        npy("|i1", "(2,)", [1, 2, 3]), "int8", "[2]",
        "FILE holds 3 elements, its shape says otherwise"
      ),
      (npy("|i1", "(1,)", [8]), "int4", "[1]", "0x8 is not a value of int4"),
      (good.prefix(20), "int8", "[2]", "FILE ends within its header"),
      (npy("|i1", "(2,)", [1, 2], version: 9), "int8", "[2]", "FILE has an unknown .npy version"),
    ]
    for row in table {
      #expect(try answer(row.data, row.dtype, row.shape) == "malformed: inputs.t: \(row.error)")
    }
    // int48 in 64 bits: what does not fit is an error.
    let wide = npy("<i8", "(1,)", [0, 0, 0, 0, 0, 0x80, 0, 0])
    #expect(try answer(wide, "int48", "[1]").hasPrefix("malformed: inputs.t: "))
  }

  /// Every prefix of a file is an error or a tensor, never a crash.
  @Test func truncated() throws {
    let good = npy("<i4", "(2,)", [1, 0, 0, 0, 2, 0, 0, 0])
    for length in 0..<good.count {
      #expect(try answer(good.prefix(length), "int32", "[2]").hasPrefix("malformed: "), "\(length)")
    }
  }

  /// A path is relative to the case file, or absolute.
  @Test func paths() throws {
    try withFolder { folder in
      try npy("|i1", "(1,)", [7]).write(to: URL(fileURLWithPath: folder + "/a.npy"))
      let tensor = "\"dtype\": \"int8\", \"shape\": [1], \"npy\": \"\(folder)/a.npy\""
      #expect(try read(line(tensor), directory: "/nowhere").get().inputs["t"]?.codes == [7])
    }
  }
}
