package import GraphIR
internal import Planning
internal import SpecLanguage

/// What `strata show SPEC` draws: the network in rows, with names for them.
package struct NamedOutline: Sendable {
  package let network: NetworkOutline
  /// One a row: `layer 3`, `stem`, `block 4`.
  package let rowNames: [String]
  /// One a module: `layers 3-4`.
  package let moduleNames: [String]
  /// One a row: channels that stay of a layer that loses some; nil for the others.
  package let kept: [Int?]

  package init(_ lowered: LoweredSpec) {
    let (spec, graph) = (lowered.spec, lowered.network)
    let noun = spec.network.isVGG ? "layer" : "block"
    network = NetworkOutline(graph)
    rowNames = network.rows.map { $0.item == 0 ? "stem" : "\(noun) \($0.item)" }
    let layers = trainingSettings(spec, moduleCount: graph.moduleCount, images: 0).modules
    kept = network.rows.map { row in
      spec.compression == nil ? nil : layers[row.module - 1].narrowing?.width
    }
    moduleNames = Pipeline.moduleNames(of: graph, isVGG: spec.network.isVGG)
  }
}
