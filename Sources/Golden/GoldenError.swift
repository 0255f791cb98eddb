/// Why a golden table could not be read or written.
public enum GoldenError: Error, Equatable, CustomStringConvertible {
  /// There is no such file, or it cannot be read or written.
  case missing(file: String, reason: String)
  /// The file is no golden table. The key is a path such as `fp32_size.unit`; line 0 is the whole
  /// file.
  case malformed(file: String, line: Int, key: String, message: String)
  /// Continuous integration compares golden files; it never writes them.
  case refused(variable: String)

  /// The error with file, line and key, on one line.
  public var description: String {
    switch self {
    case .missing(let file, let reason): "\(file): \(reason)"
    case .malformed(let file, let line, let key, let message):
      (line > 0 ? "\(file):\(line): " : "\(file): ") + (key.isEmpty ? "" : "\(key): ") + message
    case .refused(let variable):
      "golden files are not updated in CI (\(variable)): update them at your desk, read the diff, "
        + "commit it"
    }
  }
}
