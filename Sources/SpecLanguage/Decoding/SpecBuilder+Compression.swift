internal import Diagnostics

extension SpecBuilder {
  /// Nil where it is not written, or does not go with the rest of the spec.
  func compression(_ network: NetworkSpec, _ training: TrainingSpec) -> CompressionSpec? {
    guard root.isWritten("compression") else { return nil }
    let section = root.section("compression")
    let faultsBefore = state.faultCount
    let span = root.keySpan("compression")
    let width = width(section)
    checkStrategy(training, at: span)
    switch network.body {
    case .vgg(let vgg): checkWidths(section, width, vgg)
    case .resnet:
      if root.section("network").isSound("family") {
        report(.compressionOfResNet(at: span, family: root.section("network").keySpan("family")))
      }
    }
    if let from = network.from { report(.compressionOfStoredWeights(at: span, from: from.span)) }
    let compression = CompressionSpec(
      width: width, epochs: section.integer("epochs"),
      learningRate: section.optionalNumber("learning-rate"),
      fineTune: section.choice("fine-tune", as: TunedPart.self),
      criterion: section.choice("criterion", as: CompressionCriterion.self),
      images: section.optionalInteger("pictures"), span: span)
    return state.faultCount == faultsBefore ? compression : nil
  }

  private func width(_ section: SectionReader) -> CompressionWidth {
    guard let list = section.list("width") else { return .number(section.integer("width")) }
    let widths = list.items.map { $0.integer ?? Spanned(1, at: $0.span) }
    return widths.isEmpty ? .number(Spanned(1, at: list.span)) : .explicit(widths)
  }

  /// A layer is whole before the next one begins, and is a module by itself.
  private func checkStrategy(_ training: TrainingSpec, at span: SourceSpan) {
    let section = root.section("training")
    if training.strategy.value != .sequential, section.isSound("strategy") {
      report(
        .compressionNeedsSequential(
          training.strategy.value.rawValue, at: training.strategy.span,
          isWritten: section.isWritten("strategy"), compression: span))
    }
    guard section.isSound("partition"), section.isWritten("partition") else { return }
    let place: SourceSpan
    switch training.partition {
    case .perLayer, .perBlock: return
    case .modules(let count): place = count.span
    case .cuts(_, let span): place = span
    case .auto(let span): place = span
    }
    report(.compressionOfLayers(at: place, compression: span))
  }

  private func checkWidths(_ section: SectionReader, _ width: CompressionWidth, _ vgg: VGGSpec) {
    let network = root.section("network")
    guard section.isWritten("width"), section.isSound("width"), network.isSound("widths"), !vgg.layers.isEmpty
    else { return }
    if case .explicit(let widths) = width, widths.count != vgg.layers.count {
      report(
        .countUnlikeLayers(
          "compression.width", count: widths.count, layers: vgg.layers.count,
          at: section.list("width")?.span ?? section.span, widthsAt: network.keySpan("widths")))
      return
    }
    var isTooWide = false
    for (index, layer) in vgg.layers.enumerated() {
      let kept = width[layer: index + 1]
      guard kept.value > layer.width.value, !isTooWide else { continue }
      report(
        .compressionToWider(
          layer: index + 1, kept: kept.value, width: layer.width.value, at: kept.span,
          layerAt: layer.width.span))
      // One number for all layers is told once.
      if case .number = width { isTooWide = true }
    }
    let keepsAll = vgg.layers.enumerated().allSatisfy { index, layer in
      width[layer: index + 1].value == layer.width.value
    }
    if keepsAll { report(.compressionOfNothing(at: width[layer: 1].span)) }
  }
}
