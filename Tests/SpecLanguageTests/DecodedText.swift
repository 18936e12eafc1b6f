import CompilerSupport
import Diagnostics
import SpecLanguage

/// A text and its `--set`s, decoded.
struct Decoded {
  var texts = SourceTexts()
  let result: DecodeResult

  init(_ text: String, sets: [String] = []) {
    let file = texts.add(label: "net.yaml", text: text)
    var overrides: [SourceFile] = []
    for text in sets { overrides.append(texts.add(label: "--set", text: text)) }
    result = decode(file, overrides: overrides)
  }

  var codes: [String] { result.diagnostics.map(\.code) }

  var rendered: String { DiagnosticRenderer(texts: texts).render(result.diagnostics) }
}
