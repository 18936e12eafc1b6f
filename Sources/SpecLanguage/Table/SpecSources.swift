/// Where keys come from: the publication that they follow, or whose convention they are.
package enum SpecSources {
  /// By dotted path; what is said of a section holds for the keys below it, unless a longer path says otherwise.
  package static let all: [(path: String, source: String)] = [
    ("strata", strata), ("name", strata), ("data", strata), ("data.augment", greedy),
    ("data.normalize", pyTorch),
    ("network", strata), ("network.widths", vgg), ("network.kernel", vgg),
    ("network.block", resnet), ("network.stem", resnet), ("network.stages", resnet),
    ("network.stages.kernel", "\(accelerated), our reading"),
    ("network.shortcut", resnet), ("network.bias", pyTorch), ("network.batch-norm", batchNorm),
    ("network.ensemble", greedy), ("network.head", "\(greedy), \(decoupled)"), ("network.head.k", greedy),
    ("network.head.width", greedy),
    ("network.head.pool", greedy), ("network.head.convolutions", decoupled),
    ("network.head.hidden", decoupled), ("network.init.weights", "\(pyTorch), \(he)"),
    ("network.init.batch-norm", "\(pyTorch) 1.1"),
    ("downsampling", greedy), ("downsampling.schedule", strata),
    ("downsampling.schedule.accelerated", "\(accelerated), our reading"),
    ("auxiliary", "\(greedy), \(decoupled)"), ("auxiliary.k", greedy), ("auxiliary.width", greedy),
    ("auxiliary.pool", greedy), ("auxiliary.convolutions", decoupled), ("auxiliary.hidden", decoupled),
    ("auxiliary.loss", localErrors), ("auxiliary.overrides", strata),
    ("training", strata), ("training.strategy", "\(greedy), \(decoupled)"),
    ("training.partition", decoupled), ("training.drop-last", pyTorch), ("training.optimizer", pyTorch),
    ("training.optimizer.beta1", adam), ("training.optimizer.beta2", adam),
    ("training.optimizer.epsilon", adam), ("training.schedule", pyTorch),
    ("training.schedule.every", greedy), ("training.momentum-at-decay", greedy),
    ("training.asynchronous", decoupled),
    ("compression", greedy), ("compression.learning-rate", strata),
    ("compression.criterion", "\(taylor), \(weightNorm)"), ("compression.pictures", taylor),
    ("numerics", "\(winograd), \(strata)"), ("memory", strata),
  ]

  private static let strata = "Strata"
  private static let pyTorch = "PyTorch"
  private static let greedy = "Belilovsky 2019"
  private static let decoupled = "Belilovsky 2020"
  private static let accelerated = "Ma 2020"
  private static let localErrors = "Nøkland 2019"
  private static let vgg = "Simonyan 2015"
  private static let resnet = "He 2016"
  private static let he = "He 2015"
  private static let batchNorm = "Ioffe 2015"
  private static let adam = "Kingma 2015"
  private static let winograd = "Lavin 2016"
  private static let taylor = "Molchanov 2017"
  private static let weightNorm = "Li 2017"

  /// The source of a key; nil where nothing is said of it.
  /// - Parameter path: dotted; `[]` behind lists does not matter.
  package static func source(of path: String) -> String? {
    let path = path.replacing("[]", with: "")
    return all.filter { path == $0.path || path.hasPrefix($0.path + ".") }.max {
      $0.path.count < $1.path.count
    }?.source
  }
}
