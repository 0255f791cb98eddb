import Foundation
import Fuzzing
import Reporting
import Testing

/// The HTML page: self-contained, and in a real browser as it is meant to be.
@Suite struct PageTests {
  /// Nothing is loaded, and nothing that a kernel said becomes markup.
  @Test func selfContained() {
    let page = Samples.failing.html
    for word in ["src=", "url(", "@import", "http://", "https://", "<link", "<img", "<iframe"] {
      #expect(!page.contains(word), "\(word)")
    }
    #expect(page.components(separatedBy: "</script>").count == 2)
    #expect(page.contains("signal 11 &lt;/script&gt; &amp; \u{241B}[31m"))
    #expect(page.contains("saturated &lt;low&gt; &amp; &quot;high&quot;"))
    #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
  }

  /// What a reader finds without a browser: the verdict, the seed, every failure and its command.
  @Test func content() {
    let page = Samples.failing.html
    #expect(page.contains("3 failures: 4 of 7 combinations of operation, dialect and subject"))
    for text in [
      "-5/2; nearest, ties away from zero", "rounding by half up, or requantize/tflite-single",
      "where it is a tie and negative", "qverify replay golden/regressions/requantize-7f3a00.json",
      "2147483647", "axis = -1, output_dtype = int8", "in 41 steps from 49 elements",
      "CMSIS-NN has no float kernels", "+1", "64 tails",
      "2 (0x40000000)", "contradiction: lib:x claims ties &lt;up&gt;",
    ] {
      #expect(page.contains(text), "\(text)")
    }
    let passing = Samples.passing.html
    #expect(passing.contains("Bit-exact on all 600 cases") && !passing.contains("id=\"failures\""))
  }

  /// Thin and broken campaigns say so at the top.
  @Test func conclusions() {
    var report = Samples.passing
    report.isMerged = true
    report.setting.shardCount = 3
    #expect(report.html.contains("mistrusted: missing shards: 1/3, 2/3"))
    report.campaign.oracleFaults = ["case <5>"]
    #expect(report.html.contains("the oracles disagree: <code>case &lt;5&gt;</code>"))
    report.campaign.lanes = []
    #expect(!report.html.contains("id=\"matrix\""))
  }

  /// What the page reports of itself when the browser has drawn it.
  private struct Probe: Decodable {
    var errors: [String]
    var width: Int
    var inner: Int
    var resources: Int
    var cells: [String: Int]
    var failures: Int
    var brokenLinks: [String]
    var plots: Int
    var lineLengths: [Double]
    var failingMarks: Int
    var tailCells: Int
    var bars: Int
    var openDetails: Int
    var copied: [String]
    var focusable: Int
  }

  private static let before = """
    <script>window.probeErrors = [];
    window.addEventListener('error', function (e) { probeErrors.push(String(e.message)); });
    document.addEventListener('securitypolicyviolation', function (e) {
      probeErrors.push('policy: ' + e.violatedDirective); });</script>
    """

  private static let after = """
    <script>window.addEventListener('load', function () {
      function all(selector) { return Array.from(document.querySelectorAll(selector)); }
      var cells = {};
      all('.matrix tbody td').forEach(function (cell) {
        cells[cell.className] = (cells[cell.className] || 0) + 1; });
      var broken = all('a[href^="#"]').map(function (a) { return a.getAttribute('href').slice(1); })
        .filter(function (id) { return !document.getElementById(id); });
      all('button.copy').forEach(function (button) { button.click(); });
      setTimeout(function () {
        var result = {
          errors: probeErrors, width: document.documentElement.scrollWidth, inner: innerWidth,
          resources: performance.getEntriesByType('resource').length, cells: cells,
          failures: all('article').length, brokenLinks: broken, plots: all('svg.staircase').length,
          lineLengths: all('.staircase path[d^="M"].line-exact, .staircase path.line-found')
            .filter(function (path) { return path.getAttribute('d').length > 12; })
            .map(function (path) { return path.getTotalLength(); }),
          failingMarks: all('.failing').length, tailCells: all('.tails rect').length,
          bars: all('.bar').filter(function (bar) { return bar.getBoundingClientRect().width > 1; })
            .length,
          openDetails: all('details[open]').length,
          copied: all('button.copy').map(function (button) { return button.textContent; }),
          focusable: all('a[href], button, summary, [tabindex="0"]').length
        };
        parent.postMessage(btoa(unescape(encodeURIComponent(JSON.stringify(result)))), '*');
      }, 200);
    });</script>
    """

  private func probe(_ report: Report, width: Int) throws -> Probe {
    let page = report.html
      .replacing("<meta charset=\"utf-8\">", with: "<meta charset=\"utf-8\">" + Self.before)
      .replacing("</body>", with: Self.after + "</body>")
    // A window cannot be as narrow as a telephone, a frame can.
    let frame = """
      <!DOCTYPE html><pre id="probe"></pre><iframe src="page.html" width="\(width)" height="900" \
      style="border: 0"></iframe><script>window.addEventListener('message', function (e) {
      document.getElementById('probe').textContent = e.data; });</script>
      """
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("qverify-page-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("frame.html")
    try frame.write(to: file, atomically: true, encoding: .utf8)
    try page.write(
      to: folder.appendingPathComponent("page.html"), atomically: true, encoding: .utf8)
    let dom = try Browser.run(["--dump-dom"], page: file, width: 1400)
    let text = try #require(dom.firstMatch(of: /<pre id="probe">([A-Za-z0-9+\/=]+)<\/pre>/)?.1)
    let data = try #require(Data(base64Encoded: String(text)))
    return try JSONDecoder().decode(Probe.self, from: data)
  }

  @Test(.enabled(if: Browser.path != nil, "there is no chromium on PATH"), arguments: [1280, 400])
  func inBrowser(width: Int) throws {
    let probe = try probe(Samples.failing, width: width)
    #expect(probe.errors == [] && probe.resources == 0)
    #expect(probe.inner == width && probe.width <= width, "\(probe.width) on \(probe.inner)")
    // Three operations by five subjects: what passed, what failed, what is thin, what nobody claims.
    #expect(probe.cells == ["good": 2, "bad": 4, "thin": 1, "none": 8])
    #expect(probe.failures == 3 && probe.brokenLinks == [])
    #expect(probe.plots == 2 && probe.lineLengths.count == 4)
    #expect(probe.lineLengths.allSatisfy { $0 > 20 }, "\(probe.lineLengths)")
    #expect(probe.failingMarks == 2 && probe.bars == 5)
    #expect(probe.tailCells == 7 * 64)
    // The coverage that is thin is open.
    #expect(probe.openDetails == 1)
    #expect(probe.copied.count == 4)
    #expect(probe.copied.allSatisfy { ["Copied", "Selected"].contains($0) }, "\(probe.copied)")
    #expect(probe.focusable > 15)
  }

  /// The browser's picture has the width that was asked for, and is no blank sheet.
  @Test(.enabled(if: Browser.path != nil, "there is no chromium on PATH"))
  func screenshot() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("qverify-shot-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let page = folder.appendingPathComponent("page.html")
    try Samples.failing.html.write(to: page, atomically: true, encoding: .utf8)
    let picture = folder.appendingPathComponent("page.png")
    _ = try Browser.run(["--screenshot=\(picture.path)"], page: page, width: 1280)
    let bytes = [UInt8](try Data(contentsOf: picture))
    #expect(bytes.prefix(4) == [0x89, 0x50, 0x4E, 0x47])
    // The width stands big-endian after the length and name of the first chunk.
    let width = bytes[16..<20].reduce(0) { $0 << 8 | Int($1) }
    #expect(width == 1280 && bytes.count > 40_000, "\(width), \(bytes.count) bytes")
  }
}
