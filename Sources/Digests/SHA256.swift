internal import CCrypto
import Foundation

/// SHA-256 of bytes that come piece by piece (FIPS 180-4), by OpenSSL's libcrypto.
public final class SHA256 {
  private let context = EVP_MD_CTX_new()

  /// Starts a digest.
  public init() {
    let started = EVP_DigestInit_ex(context, EVP_sha256(), nil)
    precondition(started == 1, "libcrypto has no SHA-256")
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds bytes.
  public func update(_ bytes: UnsafeRawBufferPointer) {
    if bytes.isEmpty { return }
    let added = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(added == 1, "libcrypto cannot go on with a digest")
  }

  /// Adds bytes.
  public func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of all bytes so far; call it once, at the end.
  public func finish() -> Digest {
    var bytes = [UInt8](repeating: 0, count: Digest.size)
    let finished = EVP_DigestFinal_ex(context, &bytes, nil)
    precondition(finished == 1, "libcrypto cannot finish a digest")
    return Digest(bytes: bytes)
  }

  /// The digest of some bytes.
  public static func digest(of bytes: [UInt8]) -> Digest {
    let state = SHA256()
    state.update(bytes)
    return state.finish()
  }

  /// The digest of a file's bytes; nil where the file cannot be read.
  public static func digest(ofFile path: String) -> Digest? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    let state = SHA256()
    do {
      while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
        piece.withUnsafeBytes { state.update($0) }
      }
    } catch {
      return nil
    }
    return state.finish()
  }
}

/// A SHA-256 digest.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  /// The length in bytes.
  public static let size = 32
  public let bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// A digest of its 64 lower-case hexadecimal digits; nil for anything else.
  public init?(_ text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 2 * Self.size else { return nil }
    func value(_ digit: UInt8) -> UInt8? {
      switch digit {
      case 0x30...0x39: digit - 0x30
      case 0x61...0x66: digit - 0x61 + 10
      default: nil
      }
    }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  /// A digest of raw bytes; nil where there are not 32.
  public init?(raw bytes: [UInt8]) {
    guard bytes.count == Self.size else { return nil }
    self.bytes = bytes
  }

  /// The 64 hexadecimal digits.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
