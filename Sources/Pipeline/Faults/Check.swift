package import Diagnostics
internal import GraphIR
package import Planning
package import SpecLanguage

/// A spec with the graph of its network: lowered once, and then checked, planned, compared and searched for budgets.
package struct LoweredSpec: Sendable {
  package let spec: Spec
  let network: Graph

  /// - Throws: what shapes tell.
  package init(_ spec: Spec) throws(CompilationFailed) {
    self.spec = spec
    network = try lower(spec)
  }
}

/// Everything that `compile` would find, without planning.
///
/// - Parameters:
///   - images: that there are to train on; nil: only the data knows, and what hangs on their number is not looked at.
///   - start: what `network.from` names; nil: it is not at hand, and not looked at.
@discardableResult
package func check(
  _ spec: Spec, images: Int? = nil, start: StartSource? = nil
) throws(CompilationFailed) -> LoweredSpec {
  let lowered = try LoweredSpec(spec)
  let network = lowered.network
  var diagnostics: [Diagnostic] = []
  if start != nil {
    do throws(CompilationFailed) {
      _ = try StartLowering.run(spec, network: network, source: start)
    } catch {
      diagnostics += error.diagnostics
    }
  }
  if let images {
    let training = trainingSettings(spec, moduleCount: network.moduleCount, images: images)
    diagnostics += countFaults(
      of: spec, training, network, PlanChoices(), images: images, tests: spec.data.testCount ?? 0)
  }
  guard diagnostics.isEmpty else { throw CompilationFailed(diagnostics: diagnostics) }
  return lowered
}

/// How a network is trained and what its weights start from.
///
/// - Throws: all that shapes alone do not tell: weights that do not fit, and numbers of images that can't be trained on.
func checkedTraining(
  of spec: Spec, _ network: Graph, _ choices: PlanChoices, facts: DataFacts, start source: StartSource?
) throws(CompilationFailed) -> (TrainingSettings, WeightMapping?) {
  let training = trainingSettings(spec, moduleCount: network.moduleCount, images: facts.trainCount)
  var faults = countFaults(
    of: spec, training, network, choices, images: facts.trainCount, tests: facts.testCount)
  var start: WeightMapping?
  do throws(CompilationFailed) {
    start = try StartLowering.run(spec, network: network, source: source)
  } catch {
    faults += error.diagnostics
  }
  guard faults.isEmpty else { throw CompilationFailed(diagnostics: faults) }
  return (training, start)
}

private func countFaults(
  of spec: Spec, _ training: TrainingSettings, _ network: Graph, _ choices: PlanChoices, images: Int,
  tests: Int
) -> [Diagnostic] {
  batchFaults(of: spec, training, network, choices, images: images)
    + compressionFaults(of: spec, training, network, choices, images: images)
    + workFaults(of: spec, training, network, images: images)
    + featureFaults(of: spec, network, images: images + tests) + drawingFaults(of: spec, training)
}
