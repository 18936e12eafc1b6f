internal import Diagnostics

extension SpecBuilder {
  func network(
    source: Spanned<DataSource>, path: Spanned<String>?, image data: SectionReader, sourceIsSound: Bool
  ) -> NetworkSpec {
    let network = root.section("network")
    let family = network.choice("family", as: Family.self)
    let facts = source.value.facts
    let told = sourceIsSound ? fileFacts(source.value, path, network) : nil
    var derived = (input: ImageShape(channels: 1, height: 1, width: 1), classes: 2)
    if let facts {
      derived = (facts.input, facts.classes)
    } else if case .known(let input, let classes, _, _)? = told {
      derived = (input ?? derived.input, classes)
    }
    let crop = source.value == .imageFolder ? data.section("image").optionalInteger("crop") : nil
    if let crop { derived.input = ImageShape(channels: 3, height: crop.value, width: crop.value) }
    var input = network.image("input", derived: derived.input)
    var classes = network.integer("classes", derived: derived.classes)
    if sourceIsSound { checkAgainst(source, facts, told, network, crop: crop, &input, &classes) }

    let batchNorm = layerFlags(network, "batch-norm", derived: nil)
    let bias = layerFlags(network, "bias", derived: family.value == .vgg)
    let body: NetworkBody =
      switch family.value {
      case .vgg: .vgg(vgg(network, bias: bias, batchNorm: batchNorm))
      case .resnet: .resnet(resnet(network, bias: bias, batchNorm: batchNorm))
      }
    let initialization = network.section("init")
    // Without batch norm in any layer there is none behind them either.
    let anyBatchNorm = batchNorm.values.contains { $0.value }
    return NetworkSpec(
      input: input, classes: classes, body: body, batchNorm: Spanned(anyBatchNorm, at: batchNorm.span),
      head: head(network),
      initialization: InitializationSpec(
        weights: initialization.choice("weights", as: WeightInitialization.self),
        batchNorm: initialization.choice("batch-norm", as: BatchNormInitialization.self)),
      from: network.optionalText("from"), frozen: network.optionalInteger("frozen"),
      ensemble: network.isWritten("ensemble") ? network.choice("ensemble", as: EnsembleKind.self) : nil,
      activation: activation(network.section("activation")))
  }

  private func activation(_ section: SectionReader) -> ActivationSpec {
    let kind = section.choice("kind", as: ActivationKind.self)
    return ActivationSpec(
      kind: kind, slope: kind.value == .leakyRelu ? section.number("slope") : nil)
  }

  /// What the files tell; nil where the source says all by itself, or the spec does.
  private func fileFacts(
    _ source: DataSource, _ path: Spanned<String>?, _ network: SectionReader
  ) -> FileFacts? {
    let isSaid = network.isWritten("input") && network.isWritten("classes")
    guard source.facts == nil, !isSaid else { return nil }
    return files?(source, path) ?? .unknown("only the files of its data tell")
  }

  /// Holds `input` and `classes` against what the source says, which goes on in their place, or asks for them where neither it
  /// nor its files say anything.
  private func checkAgainst(
    _ source: Spanned<DataSource>, _ facts: DataSourceFacts?, _ told: FileFacts?, _ network: SectionReader,
    crop: Spanned<Int>?, _ input: inout Spanned<ImageShape>, _ classes: inout Spanned<Int>
  ) {
    let name = source.value.rawValue
    guard let facts else {
      var missing = ["input", "classes"].filter { !network.isWritten($0) }
      if let crop, missing.first == "input" {
        missing.removeFirst()
        network.note("input", .written(crop.span))
      }
      guard !missing.isEmpty else { return }
      switch told {
      case nil: state.hasStructuralFault = true
      // The files of an image folder are of any size.
      case .known(nil, _, _, let labels) where missing.contains("input"):
        report(
          .missingForSource(
            ["input"], source: name,
            reason: "its files are resized: write `data.image.crop` or `network.input`", at: network.span),
          structural: true)
        if missing.contains("classes") { network.note("classes", .file(labels)) }
      case .known(_, _, let images, let labels):
        for key in missing { network.note(key, .file(key == "input" ? images : labels)) }
      case .unknown(let reason):
        report(.missingForSource(missing, source: name, reason: reason, at: network.span), structural: true)
      }
      return
    }
    guard !source.value.isMadeUp else { return }
    if network.isWritten("input"), network.isSound("input"), input.value != facts.input {
      report(
        .unlikeSource(
          "network.input", written: input.value.text, source: name, fact: facts.input.text, at: input.span,
          sourceAt: source.span))
      input.value = facts.input
    }
    if network.isWritten("classes"), network.isSound("classes"), classes.value != facts.classes {
      report(
        .unlikeSource(
          "network.classes", written: String(classes.value), source: name, fact: String(facts.classes),
          at: classes.span, sourceAt: source.span))
      classes.value = facts.classes
    }
  }

  // MARK: - One value for all layers, or one a layer

  private struct PerLayer<Value: Sendable> {
    var values: [Spanned<Value>]
    var isList: Bool
    var span: SourceSpan

    /// For the layer at an index from 0; past the end of a list of the wrong length its last value.
    subscript(layer: Int) -> Spanned<Value> { values[min(layer, values.count - 1)] }
  }

  private func layerFlags(_ network: SectionReader, _ key: String, derived: Bool?) -> PerLayer<Bool> {
    if let value = network.written(key), case .list(let items) = value.content {
      let flags = items.map { item in
        if case .scalar(.flag(let flag)) = item.content {
          Spanned(flag, at: item.span)
        } else {
          Spanned(true, at: item.span)
        }
      }
      return PerLayer(values: flags, isList: true, span: value.span)
    }
    let flag = network.flag(key, derived: derived)
    return PerLayer(values: [flag], isList: false, span: flag.span)
  }

  private func layerIntegers(_ network: SectionReader, _ key: String) -> PerLayer<Int> {
    if let value = network.written(key), case .list(let items) = value.content {
      let integers = items.map { $0.integer ?? Spanned(1, at: $0.span) }
      return PerLayer(values: integers, isList: true, span: value.span)
    }
    let integer = network.integer(key)
    return PerLayer(values: [integer], isList: false, span: integer.span)
  }

  // MARK: - Bodies

  private func vgg(_ network: SectionReader, bias: PerLayer<Bool>, batchNorm: PerLayer<Bool>) -> VGGSpec {
    var widths: [Spanned<Int>] = []
    let list = network.list("widths")
    for item in list?.items ?? [] {
      if let width = item.integer {
        widths.append(width)
      } else if let entry = network.reader(item) {
        let width = entry.integer("width")
        widths += Array(repeating: width, count: entry.integer("repeat").value)
        if widths.count > Limits.items { break }
      }
    }
    if let list, widths.count > Limits.items {
      report(
        .wrongCount(
          "network.widths", expected: "at most \(Limits.items) layers", found: widths.count, unit: "layers",
          at: list.span),
        structural: true)
      widths = []
    }
    let kernel = layerIntegers(network, "kernel")
    if let list, network.isSound("widths"), !widths.isEmpty {
      checkCount(network, "kernel", kernel, layers: widths.count, widthsAt: list.span)
      checkCount(network, "bias", bias, layers: widths.count, widthsAt: list.span)
      checkCount(network, "batch-norm", batchNorm, layers: widths.count, widthsAt: list.span)
    }
    return VGGSpec(
      layers: widths.enumerated().map { index, width in
        VGGLayerSpec(width: width, kernel: kernel[index], bias: bias[index], batchNorm: batchNorm[index])
      })
  }

  private func checkCount<Value>(
    _ network: SectionReader, _ key: String, _ list: PerLayer<Value>, layers: Int, widthsAt: SourceSpan
  ) {
    guard list.isList, list.values.count != layers else { return }
    report(
      .countUnlikeLayers(
        "network.\(key)", count: list.values.count, layers: layers, at: list.span, widthsAt: widthsAt),
      structural: true)
  }

  private func resnet(_ network: SectionReader, bias: PerLayer<Bool>, batchNorm: PerLayer<Bool>) -> ResNetSpec
  {
    for (key, flags) in [("bias", bias), ("batch-norm", batchNorm)] where flags.isList && network.isSound(key)
    {
      report(.listInResNet("network.\(key)", at: flags.span), structural: true)
    }
    let stages = network.sections("stages").map { stage in
      ResNetStageSpec(
        blocks: stage.integer("blocks"), width: stage.integer("width"), kernel: stage.integer("kernel"))
    }
    if let list = network.list("stages"), stages.reduce(0, { $0 + $1.blocks.value }) > Limits.items {
      report(
        .wrongCount(
          "network.stages", expected: "at most \(Limits.items) blocks",
          found: stages.reduce(0) { $0 + $1.blocks.value }, unit: "blocks", at: list.span), structural: true)
    }
    let stem = network.section("stem")
    let pool = stem.word("pool")
    return ResNetSpec(
      block: network.choice("block", as: BlockKind.self),
      stem: StemSpec(
        width: stem.integer("width", derived: stages.first?.width.value ?? 1), kernel: stem.integer("kernel"),
        stride: stem.integer("stride"), maxPool: Spanned(pool.value == "max", at: pool.span)),
      stages: stages, shortcut: network.choice("shortcut", as: ShortcutKind.self), bias: bias[0])
  }

  // MARK: - Downsampling

  func downsampling(_ family: Family) -> DownsamplingSpec {
    let section = root.section("downsampling")
    let kind = section.choice("kind", as: DownsamplingKind.self, derived: family == .vgg ? .maxPool : .stride)
    if let schedule = section.written("schedule") {
      if let entry = section.reader(schedule) {
        return DownsamplingSpec(kind: kind, placement: .accelerated(by: entry.integer("accelerated")))
      }
      return DownsamplingSpec(kind: kind, placement: .standard(schedule.span))
    }
    if let list = section.list("before") {
      let positions = list.items.compactMap { item -> DownsamplingPosition? in
        if let number = item.integer { return DownsamplingPosition(item: number, kind: kind) }
        guard let entry = section.reader(item) else { return nil }
        let own = entry.choice("kind", as: DownsamplingKind.self, derived: kind.value)
        // One that is not written has the place of the section's.
        return DownsamplingPosition(
          item: entry.integer("at"), kind: entry.isWritten("kind") ? own : kind)
      }
      if section.isSound("before") { checkRising(positions.map(\.item), key: "downsampling.before") }
      return DownsamplingSpec(kind: kind, placement: positions.isEmpty ? .none : .before(positions))
    }
    switch family {
    case .resnet:
      section.note("schedule", .default)
      return DownsamplingSpec(kind: kind, placement: .standard(section.span))
    case .vgg:
      section.note("before", .default)
      if root.isWritten("downsampling"), root.isSound("downsampling"),
        root.section("network").isSound("family")
      {
        report(
          .eitherKeyMissing("before", "schedule", in: "downsampling", at: section.span), structural: true)
      }
      return DownsamplingSpec(kind: kind, placement: .none)
    }
  }
}

extension ImageShape {
  /// As in a spec: `3x32x32`.
  package var text: String { "\(channels)x\(height)x\(width)" }
}
