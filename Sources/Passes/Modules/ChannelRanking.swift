package import GraphIR
package import Operators

/// Turns a stage's forward nodes into the ranking of the channels that its module outputs: forward, where the criterion
/// asks for it backward as far as the layers' output, and the importance of each channel added to a vector of scores.
/// Batch norm takes the batch's statistics, as in training; nothing but the scores changes.
package struct ChannelRanking: Pass {
  package static let name = "rank"

  private let module: Int
  private let output: ValueID
  private let criterion: ChannelCriterion
  private let scores: Value

  /// - Parameters:
  ///   - module: the one that the stage trains.
  ///   - output: what its layers pass on.
  ///   - scores: one for each channel of it; outlives the program.
  package init(module: Int, output: ValueID, criterion: ChannelCriterion, scores: Value) {
    self.module = module
    self.output = output
    self.criterion = criterion
    self.scores = scores
  }

  package func run(_ graph: Graph) -> Graph {
    var ranking = graph
    ranking.nodes = graph.nodes.filter { $0.module != module }
    ranking.metrics = []
    let nodes = graph.nodes.filter { $0.module == module }
    let layers = nodes.filter { $0.part == .layers }
    guard var node = layers.last else { preconditionFailure("a module has layers") }
    let watched: [ValueID]
    switch criterion {
    case .taylor:
      var differentiation = GradientBuilder.watching(ranking, module: module)
      differentiation.run(forward: nodes)
      guard let gradient = differentiation.gradient(of: output) else {
        preconditionFailure("a module's loss depends on what its layers pass on")
      }
      ranking = differentiation.graph
      watched = [output, gradient]
    case .activation:
      var differentiation = GradientBuilder.watching(ranking, module: module)
      differentiation.run(forward: layers)
      ranking = differentiation.graph
      watched = [output]
    case .weightNorm:
      watched = [graph.nodes[graph.lastConvolution(ofModule: module)].operands[1]]
    }
    node.op = Op(ChannelScores(criterion))
    node.operands = [ranking.addValue(scores)] + watched
    node.results = []
    ranking.nodes.append(node)
    return ranking
  }
}
