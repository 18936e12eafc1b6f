package import GraphIR
package import Operators

/// Keeps what makes answers: all as inference, up to the logits of one module's classifier, or of the ensemble of all modules.
/// They are what the graph outputs.
package struct PredictionStage: Pass {
  package static let name = "prediction"

  private let modules: [Int]
  private let ensemble: EnsembleMean?

  /// Of one module's classifier.
  package init(module: Int) {
    modules = [module]
    ensemble = nil
  }

  /// Of the ensemble of all modules of a network.
  package init(ensembleOf modules: [Int], meanOf mean: EnsembleMean) {
    self.modules = modules
    ensemble = mean
  }

  package func run(_ graph: Graph) -> Graph {
    var stage = EvaluationStage(modules: modules, ensemble: ensemble).run(graph)
    guard let metric = stage.metrics.last(where: { $0.isEnsemble }) ?? stage.metrics.last else {
      preconditionFailure("callers name a module that has a classifier")
    }
    stage.metrics = []
    stage.moduleOutputs = [metric.logits]
    return stage
  }
}
