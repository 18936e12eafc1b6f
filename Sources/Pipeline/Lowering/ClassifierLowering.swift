internal import Diagnostics
internal import GraphIR
internal import Operators
internal import Passes
internal import SpecLanguage

/// Which classifier each module gets.
struct ClassifierLowering {
  private(set) var recipes: [ClassifierRecipe?] = []
  private(set) var diagnostics: [Diagnostic] = []
  private let spec: Spec
  /// What the modules pass on, by module.
  private let shapes: [Shape]
  /// By module: halvings between the end of the first module and its own.
  private let halvingCounts: [Int]

  /// - Parameters:
  ///   - shapes: what the modules of the partition pass on. In end-to-end training only the last one's classifier is made: the
  ///     network keeps the head that it has in every other strategy.
  ///   - halvings: by module, between the end of the first one and its own.
  init(_ spec: Spec, moduleOutputs shapes: [Shape], halvings: [Int]) {
    self.spec = spec
    self.shapes = shapes
    halvingCounts = halvings
    var byModule: [Int: ClassifierSpec] = [:]
    for override in spec.auxiliary.overrides {
      byModule[override.module.value] = override.classifier
    }
    let isEndToEnd = spec.training.strategy.value == .endToEnd
    for module in (isEndToEnd ? shapes.count : 1)...shapes.count {
      let auxiliary = byModule[module] ?? spec.auxiliary.standard
      let isLast = module == shapes.count
      let classifier: ClassifierSpec
      switch spec.network.head {
      case .classifier(let head) where isLast: classifier = head
      case .classifier, .auxiliary: classifier = auxiliary
      }
      var recipe = recipe(classifier, module: module)
      // The last module answers the question itself.
      if !isLast { recipe.loss = loss(spec.auxiliary.loss.value) }
      recipes.append(recipe)
    }
  }

  private func loss(_ loss: AuxiliaryLoss) -> ClassifierRecipe.Loss {
    switch loss {
    case .crossEntropy: .crossEntropy
    case .sim: .similarity
    case .predsim: .both
    }
  }

  private mutating func recipe(_ classifier: ClassifierSpec, module: Int) -> ClassifierRecipe {
    let shape = shapes[module - 1]
    func require(_ size: Int, _ what: String) {
      guard shape.height < size || shape.width < size else { return }
      // One fault for all modules that a classifier is written for.
      guard !diagnostics.contains(where: { $0.primary == classifier.span }) else { return }
      diagnostics.append(
        .imageTooSmall(what, height: shape.height, width: shape.width, needs: size, at: classifier.span))
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
    let recipe = ClassifierRecipe(
      kind: kind, classes: spec.network.classes.value, batchNorm: spec.network.batchNorm.value,
      poolSize: classifier.poolSize.value, origin: classifier.span)
    if let fault = recipe.sizeFault(behind: shape) { diagnostics.append(fault) }
    return recipe
  }

  private mutating func width(_ width: AuxiliaryWidth, module: Int) -> Int {
    let first = shapes[0]
    let own = shapes[module - 1]
    switch width {
    case .same: return own.channels
    case .number(let number): return number.value
    case .doubled(let start):
      // Twice as wide for every halving between the first module and this one.
      return (start?.value ?? first.channels) << min(halvingCounts[module - 1], 16)
    case .explicit(let widths):
      guard widths.count == shapes.count else {
        let fault = Diagnostic.widthCount(widths.count, modules: shapes.count, at: widths[0].span)
        if !diagnostics.contains(fault) { diagnostics.append(fault) }
        return own.channels
      }
      return widths[module - 1].value
    }
  }
}

extension ClassifierRecipe {
  /// The first of its layers whose values or whose work are beyond all measure.
  fileprivate func sizeFault(behind input: Shape) -> Diagnostic? {
    var shape = input
    for layer in layers(behind: input) {
      let patchSize: Int
      switch layer {
      case .averagePool(let height, let width):
        (shape, patchSize) = (shape.with(height: height, width: width), 0)
      case .maxPool:
        (shape, patchSize) = (shape.with(height: max(1, shape.height / 2), width: max(1, shape.width / 2)), 0)
      case .batchNorm: continue
      case .convolution(let convolution, _):
        patchSize = convolution.kernelSize * convolution.kernelSize * shape.channels
        let margin = convolution.kernelSize - 1 - 2 * convolution.padding
        shape = Shape(
          batch: shape.batch, height: max(1, shape.height - margin), width: max(1, shape.width - margin),
          channels: convolution.outChannels)
      case .hidden(let features, _, _), .output(let features):
        patchSize = shape.elementsPerImage
        shape = Shape(batch: shape.batch, height: 1, width: 1, channels: features)
      }
      if let fault = SizeLimits.fault(shape, patchSize: patchSize, "this classifier", at: origin) {
        return fault
      }
    }
    return nil
  }
}
