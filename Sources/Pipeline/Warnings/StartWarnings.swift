package import Diagnostics
internal import GraphIR
package import Planning
package import SpecLanguage

/// What is uncertain about the stored weights that a network starts from, where nothing is wrong with them: a file of another
/// program does not say how its layers compute.
///
/// - Complexity: lowers the spec once more where the file does not say it.
package func warnings(of spec: Spec, start source: StartSource?) -> [Diagnostic] {
  guard let from = spec.network.from, case .file(let stored) = source, stored.wiring.steps.isEmpty,
    let network = try? lower(spec)
  else { return [] }
  var found: [Diagnostic] = [.unknownWiring(path: stored.path, at: from.span)]
  let names = StartLowering.restartedClassifiers(of: spec, network: network, stored)
  if !names.isEmpty { found.append(.restartedClassifiers(names, path: stored.path, at: from.span)) }
  return found
}
