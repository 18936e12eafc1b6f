internal import Diagnostics

extension SpecBuilder {
  func auxiliary() -> AuxiliarySpec {
    let section = root.section("auxiliary")
    var overrides: [AuxiliaryOverride] = []
    for entry in section.sections("overrides") where entry.isWritten("module") && entry.isSound("module") {
      let module = entry.integer("module")
      if let first = overrides.first(where: { $0.module.value == module.value }) {
        report(
          .moduleTwice(module.value, in: "auxiliary.overrides", at: module.span, first: first.module.span))
        continue
      }
      overrides.append(AuxiliaryOverride(module: module, classifier: classifier(entry)))
    }
    overrides.sort { $0.module.value < $1.module.value }
    return AuxiliarySpec(
      standard: classifier(section), overrides: overrides,
      loss: section.choice("loss", as: AuxiliaryLoss.self))
  }

  func head(_ network: SectionReader) -> HeadSpec {
    let section = network.section("head")
    let kind = section.word("kind")
    return kind.value == "auxiliary" ? .auxiliary : .classifier(classifier(section, inHead: true))
  }

  /// - Parameter inHead: `vgg` is the published network's own head there.
  private func classifier(_ section: SectionReader, inHead: Bool = false) -> ClassifierSpec {
    let word = section.word("kind")
    let hasPool = ["linear", "cnn"].contains(word.value)
    let kind: ClassifierKind =
      switch word.value {
      case "cnn": .cnn(k: section.integer("k"), width: auxiliaryWidth(section))
      case "mlp": mlp(section)
      case "mlp-sr": .mlpSR(convolutions: section.integer("convolutions"), hidden: section.integer("hidden"))
      case "vgg": inHead ? .vggHead : .vggAuxiliary
      case "gap": .gap
      default: .linear
      }
    return ClassifierSpec(
      kind: kind, poolSize: hasPool ? section.integer("pool") : Spanned(2, at: word.span), span: word.span)
  }

  private func mlp(_ section: SectionReader) -> ClassifierKind {
    if let list = section.list("hidden") { return .mlpHead(hidden: list.items.compactMap(\.integer)) }
    return .mlp(hidden: section.integer("hidden"))
  }

  private func auxiliaryWidth(_ section: SectionReader) -> AuxiliaryWidth {
    guard let value = section.written("width") else {
      section.note("width", .default)
      return .same
    }
    switch value.content {
    case .scalar(.word("doubled")): return .doubled(start: nil)
    case .scalar: return value.integer.map { .number($0) } ?? .same
    case .list(let items): return .explicit(items.compactMap(\.integer))
    case .section: return .doubled(start: section.reader(value)?.integer("doubled"))
    case .broken: return .same
    }
  }
}
