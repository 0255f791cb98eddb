import Foundation
import Fuzzing

/// One line of progress on standard error, rewritten as it goes.
enum ProgressLine {
  @Sendable static func show(_ progress: CampaignProgress) {
    let percent = Int(progress.fraction * 100)
    let seconds = max(progress.elapsed / .seconds(1), 0.001)
    let rate = Int(Double(progress.cases) / seconds)
    let text =
      "\r\(percent) %  \(progress.cases) cases  \(rate) cases/s  \(progress.failures) failures "
    FileHandle.standardError.write(Data(text.utf8))
  }

  /// Removes the line.
  static func clear() {
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
  }
}
