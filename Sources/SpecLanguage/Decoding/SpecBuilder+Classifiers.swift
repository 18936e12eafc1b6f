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
      overrides.append(
        AuxiliaryOverride(
          module: module, classifier: classifier(entry, kindOfSection: section.word("kind").value),
          path: entry.section.path))
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

  /// - Parameters:
  ///   - kindOfSection: for an override, which has it where neither says anything.
  ///   - inHead: `vgg` is the published network's own head there.
  private func classifier(
    _ section: SectionReader, kindOfSection: String? = nil, inHead: Bool = false
  ) -> ClassifierSpec {
    let word = section.word("kind", derived: kindOfSection)
    let hasPool = ["linear", "cnn"].contains(word.value)
    let kind: ClassifierKind =
      switch word.value {
      case "cnn": cnn(section)
      case "mlp": mlp(section)
      case "mlp-sr": mlpSR(section)
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

  private func mlpSR(_ section: SectionReader) -> ClassifierKind {
    if let list = section.list("hidden"), section.isSound("hidden") {
      let expected = ValueShape.integer(0...64).words + " for 'kind: mlp-sr'"
      report(
        .wrongType(section.section.path + ".hidden", expected: expected, found: "a list", at: list.span),
        structural: true)
    }
    return .mlpSR(convolutions: section.integer("convolutions"), hidden: section.integer("hidden"))
  }

  /// One hidden layer, the trained one, is `linear`: both words give the same plan.
  private func cnn(_ section: SectionReader) -> ClassifierKind {
    let k = section.integer("k")
    let width = auxiliaryWidth(section)
    return k.value == 1 ? .linear : .cnn(k: k, width: width)
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
