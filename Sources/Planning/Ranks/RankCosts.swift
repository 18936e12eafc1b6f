internal import CostModel
package import GraphIR
internal import Operators

/// What a step costs in each module: what modules are cut into ranks by.
package struct RankCosts: Hashable, Sendable {
  package enum Unit: String, Hashable, Sendable {
    /// Forward and backward; known without a machine.
    case multiplyAdds
    /// As the time model of a measured machine has them.
    case seconds
  }

  package var unit: Unit
  /// By module, from 1 at index 0.
  package var byModule: [Double]

  package init(unit: Unit, byModule: [Double]) {
    self.unit = unit
    self.byModule = byModule
  }

  /// In multiply-adds.
  ///
  /// - Parameter graph: of one process that trains all modules.
  package init(of graph: Graph, moduleCount: Int) {
    unit = .multiplyAdds
    byModule = [Double](repeating: 0, count: moduleCount)
    for node in graph.nodes { byModule[node.module - 1] += Double(node.productMultiplyAdds(in: graph)) }
  }

  package func cost(of modules: ClosedRange<Int>) -> Double {
    byModule[(modules.lowerBound - 1)..<modules.upperBound].reduce(0, +)
  }

  /// Groups of modules, one a rank.
  ///
  /// - Parameter frozenCount: modules that are frozen from the beginning stay with the first that learns.
  package func groups(count: Int, frozenCount: Int) -> [ClosedRange<Int>] {
    let first = cost(of: 1...frozenCount + 1)
    return RankCut.groups(of: [first] + byModule[(frozenCount + 1)...], count: count).map { group in
      (group.lowerBound == 0 ? 1 : group.lowerBound + frozenCount + 1)...(group.upperBound + frozenCount)
    }
  }
}

extension TimeModel {
  /// In seconds: nodes, and the images' preparation in the first module.
  package func rankCosts(of plan: Plan) -> RankCosts {
    let training = plan.stages[0].training
    var byModule = [Double](repeating: 0, count: plan.modules.count)
    for (index, node) in training.graph.nodes.enumerated() {
      byModule[node.module - 1] += seconds(ofNode: index, of: training)
    }
    byModule[0] += max(0, stepSeconds(plan.stages[0], of: plan) - byModule.reduce(0, +))
    return RankCosts(unit: .seconds, byModule: byModule)
  }
}
