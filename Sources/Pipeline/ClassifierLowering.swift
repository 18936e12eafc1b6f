internal import Diagnostics
internal import GraphIR
internal import Passes
internal import SpecLanguage

/// Which classifier each module gets.
struct ClassifierLowering {
  private(set) var recipes: [ClassifierRecipe?] = []
  private(set) var diagnostics: [Diagnostic] = []
  private let spec: Spec
  private let graph: Graph

  /// - Parameter graph: partitioned.
  init(_ spec: Spec, graph: Graph) {
    self.spec = spec
    self.graph = graph
    var byModule: [Int: ClassifierSpec] = [:]
    for override in spec.auxiliary.overrides {
      if override.module.value > graph.moduleCount, spec.training.strategy.value != .endToEnd {
        diagnostics.append(
          .noSuchModule(override.module.value, count: graph.moduleCount, at: override.module.span))
      }
      byModule[override.module.value] = override.classifier
    }
    for module in 1...graph.moduleCount {
      let auxiliary = byModule[module] ?? spec.auxiliary.standard
      let isLast = module == graph.moduleCount
      let classifier: ClassifierSpec
      switch spec.network.head {
      case .classifier(let head) where isLast: classifier = head
      case .classifier, .auxiliary: classifier = auxiliary
      }
      recipes.append(recipe(classifier, module: module))
    }
  }

  private mutating func recipe(_ classifier: ClassifierSpec, module: Int) -> ClassifierRecipe {
    let shape = graph.shape(graph.moduleOutputs[module - 1])
    func require(_ size: Int, _ what: String) {
      guard shape.height < size || shape.width < size else { return }
      diagnostics.append(
        .pictureTooSmall(what, height: shape.height, width: shape.width, needs: size, at: classifier.span))
    }
    let kind: ClassifierRecipe.Kind
    switch classifier.kind {
    case .linear: kind = .linear
    case .cnn(let k, let width):
      let channels = self.width(width, module: module)
      kind = k.value == 1 ? .linear : .cnn(convolutions: k.value - 1, width: channels)
    case .mlp(let hidden): kind = .mlpSR(convolutions: 0, hidden: hidden.value)
    case .mlpSR(let convolutions, let hidden):
      kind = .mlpSR(convolutions: convolutions.value, hidden: hidden.value)
    case .vggAuxiliary:
      require(9, "the vgg auxiliary")
      kind = .vggAuxiliary
    case .gap: kind = .globalAveragePool
    case .mlpHead(let hidden): kind = .mlp(hidden: hidden.map(\.value))
    case .vggHead:
      require(2, "the vgg head")
      kind = .vgg(hidden: [4096, 4096])
    }
    return ClassifierRecipe(
      kind: kind, classes: spec.network.classes.value, batchNorm: spec.network.batchNorm.value,
      poolSize: classifier.poolSize.value, origin: classifier.span)
  }

  private mutating func width(_ width: AuxiliaryWidth, module: Int) -> Int {
    let shapes = graph.moduleOutputs.map(graph.shape)
    switch width {
    case .same: return shapes[module - 1].channels
    case .number(let number): return number.value
    case .doubled(let start):
      // Twice as wide for every halving between the first module and this one.
      var halvings = 0
      var height = shapes[0].height
      while height > shapes[module - 1].height {
        height = (height + 1) / 2
        halvings += 1
      }
      return (start?.value ?? shapes[0].channels) << min(halvings, 16)
    case .explicit(let widths):
      guard widths.count == graph.moduleCount else {
        if let first = widths.first, module == 1 {
          diagnostics.append(.widthCount(widths.count, modules: graph.moduleCount, at: first.span))
        }
        return shapes[module - 1].channels
      }
      return widths[module - 1].value
    }
  }
}
