internal import Pipeline
internal import SpecLanguage
internal import Terminal

/// Changes of a spec that make its training smaller, for people to choose from.
enum SpecChanges {
  /// Kinds of changes, those that cost a training least first; of each kind milder ones before harder ones.
  static func candidates(for spec: Spec) -> [[[Assignment]]] {
    [
      features(spec), partition(spec), batch(spec), strategy(spec), auxiliary(spec), head(spec), widths(spec),
      input(spec),
    ]
    .filter { !$0.isEmpty }
  }

  private static func set(_ key: String, _ value: String) -> Assignment { Assignment(key: key, value: value) }

  /// What the spec insists on may be what does not fit.
  private static func features(_ spec: Spec) -> [[Assignment]] {
    guard spec.canKeepFeatures else { return [] }
    switch spec.memory.features.value {
    case .auto: return []
    case .cache, .recompute: return [[set("memory.features", "auto")]]
    }
  }

  private static func partition(_ spec: Spec) -> [[Assignment]] {
    guard spec.training.strategy.value != .endToEnd else { return [] }
    switch spec.training.partition {
    case .perLayer, .perBlock, .auto: return []
    case .modules, .cuts:
      switch spec.network.body {
      case .vgg: return [[set("training.partition", "per-layer")]]
      case .resnet: return [[set("training.partition", "per-block")]]
      }
    }
  }

  private static func batch(_ spec: Spec) -> [[Assignment]] {
    var sizes: [Int] = []
    var size = spec.training.batch.value / 2
    while size > 1 {
      sizes.append(size)
      size /= 2
    }
    return sizes.map { [set("training.batch", "\($0)")] }
  }

  private static func strategy(_ spec: Spec) -> [[Assignment]] {
    switch spec.training.strategy.value {
    case .endToEnd: [[set("training.strategy", "parallel")], [set("training.strategy", "sequential")]]
    case .parallel, .asynchronous: [[set("training.strategy", "sequential")]]
    case .sequential: []
    }
  }

  private static func auxiliary(_ spec: Spec) -> [[Assignment]] {
    // End-to-end training has none.
    guard spec.training.strategy.value != .endToEnd else { return [] }
    if case .linear = spec.auxiliary.standard.kind { return [] }
    return [[set("auxiliary", "linear")]]
  }

  private static func head(_ spec: Spec) -> [[Assignment]] { [[set("network.head", "gap")]] }

  private static func widths(_ spec: Spec) -> [[Assignment]] {
    [(3, 4), (1, 2), (3, 8), (1, 4), (1, 8)].map { factor in
      func scaled(_ width: Int) -> Int { max(1, width * factor.0 / factor.1) }
      switch spec.network.body {
      case .vgg(let vgg):
        let widths = vgg.layers.map { "\(scaled($0.width.value))" }.joined(separator: ", ")
        return [set("network.widths", "[\(widths)]")]
      case .resnet(let resnet):
        let stages = resnet.stages.map { "{blocks: \($0.blocks.value), width: \(scaled($0.width.value))}" }
        return [
          set("network.stages", "[\(stages.joined(separator: ", "))]"),
          set("network.stem.width", "\(scaled(resnet.stem.width.value))"),
        ]
      }
    }
  }

  /// Only made-up images come in any size.
  private static func input(_ spec: Spec) -> [[Assignment]] {
    guard spec.data.source.value == .synthetic else { return [] }
    let input = spec.network.input.value
    return [2, 4].filter { input.height % $0 == 0 && input.width % $0 == 0 }.map {
      [set("network.input", "\(input.channels)x\(input.height / $0)x\(input.width / $0)")]
    }
  }
}
