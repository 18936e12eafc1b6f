package import Diagnostics
package import GraphIR
package import SpecLanguage

/// What `strata show SPEC` draws: the network in rows, with names for them.
package struct NamedOutline: Sendable {
  package let network: NetworkOutline
  /// One a row: `layer 3`, `stem`, `block 4`.
  package let rowNames: [String]
  /// One a module: `layers 3-4`.
  package let moduleNames: [String]

  /// Lowers `spec`; nothing is planned.
  ///
  /// - Throws: what `check` finds.
  package init(_ spec: Spec) throws(CompilationFailed) {
    let graph = try lower(spec)
    let noun = spec.network.isVGG ? "layer" : "block"
    network = NetworkOutline(graph)
    rowNames = network.rows.map { $0.item == 0 ? "stem" : "\(noun) \($0.item)" }
    moduleNames = Pipeline.moduleNames(of: graph, isVGG: spec.network.isVGG)
  }
}
