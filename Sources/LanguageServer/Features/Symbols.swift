internal import Artifacts
internal import Diagnostics
internal import GraphIR
internal import Pipeline
internal import SpecLanguage
internal import Text

/// The outline of a document: its keys, and the modules and layers below `network`.
struct Symbols {
  let uri: DocumentURI
  let settings: ClientSettings
  let file: SourceFile
  let outline: SpecOutline
  /// Of the spec; nil where it is broken.
  let network: NamedOutline?

  private enum Kind: Int {
    case module = 2
    case namespace = 3
    case property = 7
    case field = 8
  }

  private struct Symbol {
    var name: String
    var detail: String
    var kind: Kind
    var range: Range<Int>
    var nameRange: Range<Int>
    var children: [Symbol] = []
  }

  var json: JSON {
    let symbols = self.symbols(of: 0)
    if settings.hasHierarchicalSymbols { return .array(symbols.map(tree)) }
    return .array(symbols.flatMap { flat($0, in: nil) })
  }

  private func symbols(of mapping: Int) -> [Symbol] {
    outline.entries(mapping).filter(\.hasColon).map { entry in
      let value = outline.nodes[entry.value]
      let end = max(entry.keyRange.upperBound, value.range.upperBound)
      var symbol = Symbol(
        name: entry.key, detail: "", kind: .property, range: entry.keyRange.lowerBound..<end,
        nameRange: entry.keyRange)
      switch value.content {
      case .mapping:
        symbol.kind = .namespace
        symbol.children = symbols(of: entry.value)
        if value.path == "network" { symbol.children += modules(in: symbol.range) }
      case .scalar(let text): symbol.detail = text
      case .sequence, .absent: break
      }
      return symbol
    }
  }

  /// - Parameter range: of the section, where modules lie whose layers are not written one by one.
  private func modules(in range: Range<Int>) -> [Symbol] {
    guard let network else { return [] }
    let places = ShapeHints.places(network, outline)
    return network.network.modules.map { module in
      let rows = network.network.rows.indices.filter { network.network.rows[$0].module == module.index }
      let layers = rows.map { index -> Symbol in
        let row = network.network.rows[index]
        let place = places[index] ?? range.lowerBound..<range.lowerBound
        return Symbol(
          name: network.rowNames[index],
          detail:
            "\(row.output.words), \(grouped(row.parameters)) parameters, \(grouped(row.multiplyAdds)) MACs",
          kind: .field, range: place, nameRange: place)
      }
      let first = layers.map(\.range.lowerBound).min() ?? range.lowerBound
      let last = layers.map(\.range.upperBound).max() ?? first
      return Symbol(
        name: "module \(module.index)", detail: network.moduleNames[module.index - 1], kind: .module,
        range: first..<last, nameRange: layers.first?.range ?? first..<first, children: layers)
    }
  }

  private func tree(_ symbol: Symbol) -> JSON {
    [
      "name": .string(symbol.name), "detail": .string(symbol.detail), "kind": .integer(symbol.kind.rawValue),
      "range": settings.encoding.range(of: symbol.range, in: file),
      "selectionRange": settings.encoding.range(of: symbol.nameRange, in: file),
      "children": .array(symbol.children.map(tree)),
    ]
  }

  private func flat(_ symbol: Symbol, in container: String?) -> [JSON] {
    let own = JSON.object(
      [
        ("name", .string(symbol.name)), ("kind", .integer(symbol.kind.rawValue)),
        (
          "location",
          ["uri": .string(uri.text), "range": settings.encoding.range(of: symbol.range, in: file)]
        ),
      ] + (container.map { [("containerName", .string($0))] } ?? []))
    return [own] + symbol.children.flatMap { flat($0, in: symbol.name) }
  }
}
