package import Diagnostics
internal import GraphIR
package import Planning
internal import SpecLanguage

/// What is uncertain about the stored weights that a network starts from, where nothing is wrong with them: a file of another
/// program does not say how its layers compute.
package func warnings(of lowered: LoweredSpec, start source: StartSource?) -> [Diagnostic] {
  let (spec, network) = (lowered.spec, lowered.network)
  guard let from = spec.network.from, case .file(let stored) = source, stored.wiring.steps.isEmpty
  else { return [] }
  var found: [Diagnostic] = [.unknownWiring(path: stored.path, at: from.span)]
  let names = StartLowering.restartedClassifiers(of: spec, network: network, stored)
  if !names.isEmpty { found.append(.restartedClassifiers(names, path: stored.path, at: from.span)) }
  return found
}
