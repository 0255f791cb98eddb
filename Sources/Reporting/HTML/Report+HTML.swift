import Foundation
import Fuzzing
import Operations
import Verification

extension Report {
  /// The report as one self-contained page: it loads nothing, and works from a file.
  ///
  /// The verdict in a sentence, what ran, a matrix of verdicts, each failure in full, the numeric
  /// coverage. What colour says, a symbol and a word say too.
  public var html: String {
    let page: Markup = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
      style-src 'unsafe-inline'; script-src 'unsafe-inline'">
      <title>qverify: \(conclusion.rawValue), seed \(setting.seed)</title>
      <style>\(PageStyle.text)</style>
      </head>
      <body>
      <a class="skip" href="#main">Skip to the verdicts</a>
      \(pageHead)
      <main id="main">
      \(matrixSection)
      \(failureSections)
      \(coverageSection)
      \(runSection)
      </main>
      <footer>Written by qverify \(setting.version). A pass says that on so many cases, drawn by \
      this seed, every element that the dialect specifies was equal to the exact value; it is no \
      proof for every input.</footer>
      <script>\(PageScript.text)</script>
      </body>
      </html>

      """
    return page.text
  }

  private var pageHead: Markup {
    let seconds = campaign.elapsed / .seconds(1)
    let shards =
      setting.shardCount == 1
      ? ""
      : ", shard \(setting.shards.map(String.init).joined(separator: ", ")) of \(setting.shardCount)"
    let time = String(format: "%.1f s", seconds)
    return """
      <header>
      <p class="brand">qverify</p>
      <h1 class="verdict \(conclusion.style)"><span class="mark" aria-hidden="true">\
      \(conclusion.symbol)</span> \(sentence)</h1>
      <dl class="facts">
      <div><dt>cases</dt><dd>\(Markup.grouped(campaign.cases))</dd></div>
      <div><dt>time</dt><dd>\(time)</dd></div>
      <div><dt>seed</dt><dd>\(setting.seed)\(shards)</dd></div>
      <div><dt>begun</dt><dd>\(begun)</dd></div>
      </dl>
      <p class="label">Repeat it</p>
      \(PagePart.command(repeatCommand))
      \(reasons)
      <nav aria-label="Sections"><a href="#matrix">Verdicts</a> \(failureLink)\
      <a href="#coverage">Numeric coverage</a> <a href="#run">What ran</a></nav>
      </header>
      """
  }

  /// The start as people read it.
  private var begun: String {
    Timestamp.text(started).replacing("T", with: " ").replacing("Z", with: " UTC")
  }

  private var failureLink: Markup {
    campaign.failures.isEmpty
      ? .none
      : "<a href=\"#failures\">Failures (\(campaign.failures.count))</a> "
  }

  /// Why the evidence is thin, and what is wrong with qverify itself.
  private var reasons: Markup {
    let faults = campaign.oracleFaults.map { fault -> Markup in
      "<li>qverify's own fault, the oracles disagree: <code>\(fault)</code></li>"
    }
    let thin = mistrust.map { reason -> Markup in "<li>mistrusted: \(reason)</li>" }
    let claims = campaign.contradictions.map { claim -> Markup in "<li>contradiction: \(claim)</li>"
    }
    return faults.isEmpty && thin.isEmpty && claims.isEmpty
      ? .none : "<ul class=\"reasons\">\(faults)\(thin)\(claims)</ul>"
  }

  private var runSection: Markup {
    let budget =
      switch setting.budget {
      case .cases(let count): "\(count) cases for each operation in each dialect"
      case .seconds(let seconds): "\(Markup.short(seconds)) s"
      }
    let skipped = campaign.skipped.map { item -> Markup in
      "<tr><th scope=\"row\">\(item.name)</th><td>\(item.reason)</td></tr>"
    }
    let list: Markup =
      skipped.isEmpty
      ? .none
      : """
      <details><summary>\(skipped.count) combinations did not run</summary>
      <div class="scroll"><table><thead><tr><th scope="col">operation/dialect</th>\
      <th scope="col">why</th></tr></thead><tbody>\(skipped)</tbody></table></div></details>
      """
    let rows: [(String, String)] = [
      ("command", setting.command.map(Self.shellQuoted).joined(separator: " ")),
      ("version", setting.version), ("budget", budget), ("threads", "\(setting.jobs)"),
      ("operations", setting.operations.joined(separator: ", ")),
      ("dialects", setting.dialects.map { $0.path ?? $0.name }.joined(separator: ", ")),
      ("subjects", setting.subjects.joined(separator: ", ")),
      ("without an answer", "\(Markup.grouped(campaign.rejected)) cases"),
      ("drawn to reach empty bins", "\(Markup.grouped(campaign.chased)) more cases"),
      ("checked by both oracles", "\(Markup.grouped(campaign.crossChecked)) cases"),
    ]
    let body = rows.map { row -> Markup in
      "<tr><th scope=\"row\">\(row.0)</th><td>\(row.1)</td></tr>"
    }
    return """
      <section id="run" aria-labelledby="run-title">
      <h2 id="run-title">What ran</h2>
      <div class="scroll"><table class="rows"><tbody>\(body)</tbody></table></div>
      \(list)
      </section>
      """
  }
}

extension Conclusion {
  /// The class that colours it.
  var style: String {
    switch self {
    case .agreed: "good"
    case .mistrusted, .interrupted: "thin"
    case .failed, .faulty: "bad"
    }
  }

  /// What says the same without colour.
  var symbol: String {
    switch self {
    case .agreed: "✓"
    case .mistrusted, .interrupted: "?"
    case .failed, .faulty: "✗"
    }
  }
}

/// Parts that several sections use.
enum PagePart {
  /// A command with a button that copies it.
  static func command(_ text: String) -> Markup {
    """
    <div class="command"><pre><code>\(text)</code></pre>\
    <button type="button" class="copy" aria-label="Copy the command">Copy</button></div>
    """
  }
}
