/// A piece of HTML or SVG. Text and attributes are escaped on the way in; nothing else gets in.
package struct HTML: Sendable {
  package private(set) var source = ""

  package init() {}

  /// Appends an element.
  /// - Parameters:
  ///   - attributes: values are escaped; names are the program's own.
  ///   - body: its contents; without one the element is empty (`<br>`, or `<path .../>` in SVG).
  package mutating func element(
    _ name: StaticString, _ attributes: [(StaticString, String)] = [], body: ((inout HTML) -> Void)? = nil
  ) {
    source += "<\(name)"
    for (attribute, value) in attributes { source += " \(attribute)=\"\(Self.escaped(value))\"" }
    guard let body else {
      source += "/>"
      return
    }
    source += ">"
    body(&self)
    source += "</\(name)>"
  }

  /// Appends an element that holds text alone.
  package mutating func element(
    _ name: StaticString, _ attributes: [(StaticString, String)] = [], text: String
  ) {
    element(name, attributes) { $0.text(text) }
  }

  package mutating func text(_ text: String) { source += Self.escaped(text) }

  package mutating func append(_ other: HTML) { source += other.source }

  package mutating func lineEnd() { source += "\n" }

  /// Characters that mean something in HTML as what they are called there; control characters, which no document may
  /// hold, as the replacement character.
  package static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}": result += "\u{FFFD}"
      case _: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

// MARK: - Tables

extension HTML {
  /// A table with aligned columns; `rows` have a cell a column.
  package mutating func table(_ columns: [Table.Column], _ rows: [[String]]) {
    func alignment(_ column: Int) -> [(StaticString, String)] {
      columns[column].alignment == .right ? [("class", "n")] : []
    }
    element("div", [("class", "scroll")]) { html in
      html.element("table") { html in
        html.element("thead") { html in
          html.element("tr") { html in
            for column in columns.indices {
              html.element("th", alignment(column), text: columns[column].title)
            }
          }
        }
        html.lineEnd()
        html.element("tbody") { html in
          for row in rows {
            precondition(row.count == columns.count, "a row has a cell for every column")
            html.element("tr") { html in
              for column in columns.indices { html.element("td", alignment(column), text: row[column]) }
            }
            html.lineEnd()
          }
        }
      }
    }
    lineEnd()
  }

  /// Figures with their names, side by side.
  package mutating func figures(_ figures: [(name: String, value: String, note: String)]) {
    element("div", [("class", "figures")]) { html in
      for figure in figures {
        html.element("div") { html in
          html.element("span", [("class", "name")], text: figure.name)
          html.element("b", text: figure.value)
          html.element("span", [("class", "note")], text: figure.note)
        }
      }
    }
    lineEnd()
  }

  /// A chart as wide as the page; where that is narrow, it keeps its size and can be moved.
  package mutating func chart(_ svg: HTML) {
    element("div", [("class", "scroll")]) { html in html.append(svg) }
    lineEnd()
  }

  /// Pictures of one size that lie in one PNG file, row by row.
  package struct Sprites: Sendable {
    /// In base 64.
    package var file: String
    package var columns, width, height: Int

    package init(file: String, columns: Int, width: Int, height: Int) {
      (self.file, self.columns, self.width, self.height) = (file, columns, width, height)
    }
  }

  /// Small pictures with names below them, enlarged to be seen.
  package mutating func sprites(_ sprites: Sprites, names: [String]) {
    let scale = max(1, 72 / max(sprites.width, sprites.height))
    let (width, height) = (sprites.width * scale, sprites.height * scale)
    element("div", [("class", "sprites")]) { html in
      html.element(
        "style",
        text:
          ".sprites i { width: \(width)px; height: \(height)px; background-size: \(width * sprites.columns)px auto; "
          + "background-image: url(data:image/png;base64,\(sprites.file)); }")
      for (index, name) in names.enumerated() {
        let (row, column) = index.quotientAndRemainder(dividingBy: sprites.columns)
        html.element("span") { html in
          html.element(
            "i",
            [("style", "background-position: -\(column * width)px -\(row * height)px"), ("title", name)]
          ) { _ in }
          html.text(name)
        }
      }
    }
    lineEnd()
  }

  /// Coloured squares with names.
  package mutating func legend(_ entries: [(colour: Int, name: String)]) {
    element("p", [("class", "legend")]) { html in
      for entry in entries {
        html.element("span") { html in
          html.element("i", [("class", "c\(entry.colour)")]) { _ in }
          html.text(entry.name)
        }
      }
    }
    lineEnd()
  }
}

extension HTML {
  /// Pieces of curves, as charts draw them, with names.
  package mutating func curveLegend(_ series: [LineChart.Series]) {
    element("p", [("class", "legend")]) { html in
      for line in series {
        html.element("span") { html in
          html.element("svg", [("viewBox", "0 0 28 8"), ("aria-hidden", "true")]) { svg in
            svg.element("path", [("class", line.curveClass), ("d", "M0 4H28")])
          }
          html.text(line.name)
        }
      }
    }
    lineEnd()
  }
}

// MARK: - Pages

/// A page of its own: no scripts, no fonts, nothing from anywhere else; light or dark as the reader's system is.
package enum HTMLPage {
  /// Names who wrote a page, so that it may be written over.
  private static let mark = "<meta name=\"generator\" content=\"strata\">"

  /// Whether a text that begins like this was made by `document`.
  package static func isDocument(beginningWith text: some StringProtocol) -> Bool {
    text.hasPrefix("<!DOCTYPE html>") && text.contains(mark)
  }

  /// - Parameter reloadSeconds: after which a browser reads the page again; nil: it stays.
  package static func document(title: String, reloadSeconds: Int? = nil, body: (inout HTML) -> Void) -> String
  {
    var html = HTML()
    body(&html)
    let reload = reloadSeconds.map { "\n<meta http-equiv=\"refresh\" content=\"\($0)\">" } ?? ""
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      \(mark)
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">\(reload)
      <title>\(HTML.escaped(title))</title>
      <style>
      \(style)
      </style>
      </head>
      <body>
      <main>
      \(html.source)
      </main>
      </body>
      </html>

      """
  }

  /// How many colours charts can tell apart: `c0`, `c1`, ...
  package static let colourCount = 9
  /// In how many ways curves of one colour are drawn: through, and dashed as `d1`, `d2`, ...
  static let dashCount = 4

  private static let style = """
    :root {
      --page: #ffffff; --panel: #f6f7f9; --ink: #1b1f24; --dim: #66707c; --line: #dfe3e8; --mark: #d1242f;
      --c0: #3b6fb6; --c1: #e8833a; --c2: #4d9a57; --c3: #9a6fb0; --c4: #c94f5d; --c5: #8a6d5a; --c6: #3aa3a0;
      --c7: #b3a125; --c8: #9aa3ad;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #14171b; --panel: #1c2127; --ink: #e4e8ec; --dim: #97a1ad; --line: #323942; --mark: #ff6b6b;
        --c0: #6a9be0; --c1: #f0a060; --c2: #72bd7c; --c3: #b994cd; --c4: #e07a86; --c5: #b29683; --c6: #5fc4c0;
        --c7: #d3c455; --c8: #7b8590;
      }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--ink);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
    main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
    h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
    h2 { font-size: 18px; margin: 40px 0 8px; padding-top: 12px; border-top: 1px solid var(--line); }
    h3 { font-size: 15px; margin: 20px 0 4px; }
    p { margin: 6px 0; max-width: 80ch; overflow-wrap: anywhere; }
    p.dim, .note, .name { color: var(--dim); }
    code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 13px; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13.5px; margin: 8px 0; }
    th { text-align: left; font-weight: 600; color: var(--dim); border-bottom: 1px solid var(--line); }
    th, td { padding: 3px 12px 3px 0; white-space: nowrap; }
    td { border-bottom: 1px solid var(--line); }
    tr:last-child td { border-bottom: 0; }
    .n { text-align: right; }
    .figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 16px 0; }
    .figures div { background: var(--panel); border-radius: 8px; padding: 10px 16px; min-width: 140px; }
    .figures b { display: block; font-size: 20px; font-variant-numeric: tabular-nums; }
    .figures span { display: block; font-size: 12.5px; }
    .sprites { display: flex; flex-wrap: wrap; gap: 12px 16px; margin: 8px 0; }
    .sprites span { font-size: 12.5px; color: var(--dim); max-width: 160px; overflow-wrap: anywhere; }
    .sprites i { display: block; image-rendering: pixelated; border-radius: 3px; margin-bottom: 2px; }
    .legend { font-size: 13px; color: var(--dim); }
    .legend span { margin-right: 16px; white-space: nowrap; }
    .legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
    .legend svg { display: inline-block; width: 28px; height: 8px; margin: 0 6px 0 0; vertical-align: middle; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 8px 24px; }
    svg { display: block; width: 100%; height: auto; margin: 8px 0; }
    .scroll > svg { min-width: 720px; }
    svg text { fill: var(--dim); font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
      font-variant-numeric: tabular-nums; }
    svg text.ink { fill: var(--ink); } svg text.mark { fill: var(--mark); }
    .grid { stroke: var(--line); stroke-width: 1; fill: none; }
    .axis { stroke: var(--dim); stroke-width: 1; fill: none; }
    .limit { stroke: var(--mark); stroke-width: 1.5; stroke-dasharray: 6 4; fill: none; }
    .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
    .d1 { stroke-dasharray: 6 3; } .d2 { stroke-dasharray: 2 3; } .d3 { stroke-dasharray: 9 3 2 3; }
    .band { opacity: 0.18; }
    .empty { fill: var(--panel); }
    pre.spec { background: var(--panel); border-radius: 8px; padding: 12px 0; overflow-x: auto; line-height: 1.45; }
    pre.spec div { display: flex; padding: 0 14px; white-space: pre; }
    pre.spec .at { color: var(--dim); width: 4ch; text-align: right; margin-right: 12px; flex: none; }
    pre.spec .bar { width: 120px; flex: none; margin-right: 12px; display: flex; align-items: center; }
    pre.spec .bar i { height: 9px; border-radius: 2px; background: var(--c1); }
    pre.spec .share { width: 7ch; flex: none; text-align: right; margin-right: 14px; color: var(--dim); }
    details { margin: 8px 0; } summary { cursor: pointer; color: var(--dim); }
    \((0..<colourCount).map { "i.c\($0) { background: var(--c\($0)); } svg .c\($0) { fill: var(--c\($0)); } svg .s\($0) { stroke: var(--c\($0)); }" }.joined(separator: "\n"))
    @media print { main { max-width: none; } h2 { break-after: avoid; } svg { break-inside: avoid; } }
    """
}
