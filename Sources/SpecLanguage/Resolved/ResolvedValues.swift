/// Every value of a spec as text, by dotted path.
struct ResolvedValues {
  private(set) var texts: [String: ResolvedValueText] = [:]

  init(_ spec: Spec) {
    self["strata"] = String(SpecTable.version)
    self["name"] = SpecText.string(spec.name.value)
    add(spec.data)
    add(spec.network)
    add(spec.downsampling)
    add(spec.auxiliary)
    add(spec.training)
    if let compression = spec.compression { add(compression) }
    self["numerics"] = spec.numerics.value.rawValue
    self["memory.budget"] = spec.memory.budget.map { SpecText.size($0.value) }
    self["memory.features"] = spec.memory.features.value.rawValue
  }

  /// Text on the key's line; nil leaves the key out.
  private subscript(path: String) -> String? {
    get { if case .inline(let text)? = texts[path] { text } else { nil } }
    set { texts[path] = newValue.map { .inline($0) } }
  }

  // MARK: - Data

  private mutating func add(_ data: DataSpec) {
    self["data.source"] = data.source.value.rawValue
    self["data.path"] = data.path.map { SpecText.string($0.value) }
    self["data.limit.train"] = data.trainLimit.map { String($0.value) }
    self["data.limit.test"] = data.testLimit.map { String($0.value) }
    self["data.augment.pad-crop"] = String(data.padCrop.value)
    self["data.augment.flip"] = data.flipHorizontal.value ? "horizontal" : "none"
    // Unsaid they change nothing: the texts of specs without them stay what they were, and so do their hashes.
    if let crop = data.randomResizedCrop {
      let path = "data.augment.random-resized-crop"
      self["\(path).scale"] = SpecText.list(crop.scale.value.map(SpecText.number))
      self["\(path).ratio"] = SpecText.list(crop.ratio.value.map(SpecText.number))
    }
    if data.cutout.value > 0 { self["data.augment.cutout"] = String(data.cutout.value) }
    if let image = data.image {
      self["data.image.resize"] = String(image.resize.value)
      self["data.image.decode"] = image.decode.value.rawValue
      self["data.image.max-pixels"] = String(image.maxPixels.value)
      self["data.on-bad-image"] = image.onBadImage.value.rawValue
    }
    if let normalization = data.normalization {
      self["data.normalize.mean"] = SpecText.list(normalization.mean.value.map(SpecText.number))
      self["data.normalize.std"] = SpecText.list(normalization.standardDeviation.value.map(SpecText.number))
    } else {
      self["data.normalize"] = "default"
    }
  }

  // MARK: - Network

  private mutating func add(_ network: NetworkSpec) {
    self["network.from"] = network.from.map { SpecText.string($0.value) }
    self["network.frozen"] = network.frozen.map { String($0.value) }
    self["network.ensemble"] = network.ensemble.map(\.value.rawValue)
    self["network.input"] = network.input.value.text
    self["network.classes"] = String(network.classes.value)
    switch network.body {
    case .vgg(let vgg):
      self["network.family"] = "vgg"
      self["network.widths"] = SpecText.list(vgg.layers.map { String($0.width.value) })
      self["network.kernel"] = SpecText.oneOrList(vgg.layers.map { String($0.kernel.value) })
      self["network.bias"] = SpecText.oneOrList(vgg.layers.map { String($0.bias.value) })
      self["network.batch-norm"] = SpecText.oneOrList(vgg.layers.map { String($0.batchNorm.value) })
    case .resnet(let resnet):
      self["network.family"] = "resnet"
      self["network.block"] = resnet.block.value.rawValue
      self["network.stem.width"] = String(resnet.stem.width.value)
      self["network.stem.kernel"] = String(resnet.stem.kernel.value)
      self["network.stem.stride"] = String(resnet.stem.stride.value)
      self["network.stem.pool"] = resnet.stem.maxPool.value ? "max" : "none"
      texts["network.stages"] = .entries(
        resnet.stages.enumerated().map { index, stage in
          // Unsaid it is 3: the texts of nets that have no other stay what they were, and so do their hashes.
          let kernel = stage.kernel.value == 3 ? [] : [("kernel", String(stage.kernel.value))]
          return ResolvedEntry(
            path: "network.stages[\(index + 1)]",
            keys: [("blocks", String(stage.blocks.value)), ("width", String(stage.width.value))] + kernel)
        })
      self["network.shortcut"] = resnet.shortcut.value.rawValue
      self["network.bias"] = String(resnet.bias.value)
      self["network.batch-norm"] = String(network.batchNorm.value)
    }
    // Unsaid it is ReLU: texts and hashes stay what they were.
    if network.activation.kind.value != .relu {
      self["network.activation.kind"] = network.activation.kind.value.rawValue
      self["network.activation.slope"] = network.activation.slope.map { SpecText.number($0.value) }
    }
    switch network.head {
    case .auxiliary: self["network.head.kind"] = "auxiliary"
    case .classifier(let classifier): add(classifier, "network.head")
    }
    self["network.init.weights"] = network.initialization.weights.value.rawValue
    self["network.init.batch-norm"] = network.initialization.batchNorm.value.rawValue
  }

  private mutating func add(_ downsampling: DownsamplingSpec) {
    self["downsampling.kind"] = downsampling.kind.value.rawValue
    switch downsampling.placement {
    case .none: self["downsampling.before"] = "[]"
    case .before(let positions):
      self["downsampling.before"] = SpecText.list(
        positions.map { position in
          position.kind.value == downsampling.kind.value
            ? String(position.item.value)
            : "{at: \(position.item.value), kind: \(position.kind.value.rawValue)}"
        })
    case .standard: self["downsampling.schedule"] = "standard"
    case .accelerated(let by): self["downsampling.schedule.accelerated"] = String(by.value)
    }
  }

  // MARK: - Classifiers

  private mutating func add(_ auxiliary: AuxiliarySpec) {
    add(auxiliary.standard, "auxiliary")
    self["auxiliary.loss"] = auxiliary.loss.value.rawValue
    guard !auxiliary.overrides.isEmpty else { return }
    texts["auxiliary.overrides"] = .entries(
      auxiliary.overrides.map { override in
        ResolvedEntry(
          path: override.path,
          keys: [("module", String(override.module.value))] + Self.keys(of: override.classifier))
      })
  }

  private mutating func add(_ classifier: ClassifierSpec, _ path: String) {
    for (key, text) in Self.keys(of: classifier) {
      // A width's mapping has a key of its own in the table.
      if key == "width", case .cnn(_, .doubled(let start?)) = classifier.kind {
        self["\(path).width.doubled"] = String(start.value)
      } else {
        self["\(path).\(key)"] = text
      }
    }
  }

  private static func keys(of classifier: ClassifierSpec) -> [(key: String, text: String)] {
    let pool = ("pool", String(classifier.poolSize.value))
    return switch classifier.kind {
    case .linear: [("kind", "linear"), pool]
    case .cnn(let k, let width):
      [("kind", "cnn"), ("k", String(k.value)), ("width", text(of: width)), pool]
    case .mlp(let hidden): [("kind", "mlp"), ("hidden", String(hidden.value))]
    case .mlpSR(let convolutions, let hidden):
      [("kind", "mlp-sr"), ("convolutions", String(convolutions.value)), ("hidden", String(hidden.value))]
    case .mlpHead(let hidden): [("kind", "mlp"), ("hidden", SpecText.list(hidden.map { String($0.value) }))]
    case .vggAuxiliary, .vggHead: [("kind", "vgg")]
    case .gap: [("kind", "gap")]
    }
  }

  private static func text(of width: AuxiliaryWidth) -> String {
    switch width {
    case .same: "same"
    case .number(let number): String(number.value)
    case .doubled(nil): "doubled"
    case .doubled(let start?): "{doubled: \(start.value)}"
    case .explicit(let widths): SpecText.list(widths.map { String($0.value) })
    }
  }

  // MARK: - Training

  private mutating func add(_ training: TrainingSpec) {
    self["training.strategy"] = training.strategy.value.rawValue
    switch training.partition {
    case .perLayer: self["training.partition"] = "per-layer"
    case .perBlock: self["training.partition"] = "per-block"
    case .auto: self["training.partition"] = "auto"
    case .modules(let count): self["training.partition.modules"] = String(count.value)
    case .cuts(let cuts, _): self["training.partition.cuts"] = SpecText.list(cuts.map { String($0.value) })
    }
    self["training.epochs"] = String(training.epochs.value)
    self["training.batch"] = String(training.batch.value)
    self["training.drop-last"] = String(training.dropLast.value)
    // Unsaid it is 0: texts and hashes stay what they were.
    if training.labelSmoothing.value > 0 {
      self["training.loss.label-smoothing"] = SpecText.number(training.labelSmoothing.value)
    }
    add(training.optimizer)
    add(training.schedule)
    self["training.momentum-at-decay"] = training.momentumAtDecay.value.rawValue
    if !training.overrides.isEmpty {
      texts["training.overrides"] = .entries(
        training.overrides.map { override in
          ResolvedEntry(
            path: override.path,
            keys: [
              ("module", String(override.module.value)),
              ("epochs", override.epochs.map { String($0.value) }),
              ("learning-rate", override.learningRate.map { SpecText.number($0.value) }),
            ].compactMap { key, text in text.map { (key, $0) } })
        })
    }
    self["training.start.every"] = String(training.startEvery.value)
    if let asynchronous = training.asynchronous { add(asynchronous) }
    self["training.seed"] = String(training.seed.value)
  }

  private mutating func add(_ optimizer: OptimizerSpec) {
    let path = "training.optimizer"
    self["\(path).kind"] = optimizer.kind.value.rawValue
    self["\(path).learning-rate"] = SpecText.number(optimizer.learningRate.value)
    switch optimizer.kind.value {
    case .sgd:
      self["\(path).momentum"] = SpecText.number(optimizer.momentum.value)
      self["\(path).nesterov"] = String(optimizer.nesterov.value)
    case .adam, .adamw:
      self["\(path).beta1"] = SpecText.number(optimizer.beta1.value)
      self["\(path).beta2"] = SpecText.number(optimizer.beta2.value)
      self["\(path).epsilon"] = SpecText.number(optimizer.epsilon.value)
    }
    self["\(path).weight-decay"] = SpecText.number(optimizer.weightDecay.value)
    // Unsaid it is all: texts and hashes stay what they were.
    if optimizer.decay.value == .weights { self["\(path).decay"] = "weights" }
  }

  private mutating func add(_ schedule: ScheduleSpec) {
    let path = "training.schedule"
    switch schedule {
    case .constant: self["\(path).kind"] = "constant"
    case .step(let every, let factor):
      self["\(path).kind"] = "step"
      self["\(path).every"] = String(every.value)
      self["\(path).factor"] = SpecText.number(factor.value)
    case .milestones(let epochs, let factor):
      self["\(path).kind"] = "milestones"
      self["\(path).at"] = SpecText.list(epochs.map { String($0.value) })
      self["\(path).factor"] = SpecText.number(factor.value)
    case .cosine(let warmUp, let floor):
      self["\(path).kind"] = "cosine"
      self["\(path).warm-up"] = String(warmUp.value)
      self["\(path).floor"] = SpecText.number(floor.value)
    }
  }

  private mutating func add(_ asynchronous: AsynchronousSpec) {
    let path = "training.asynchronous"
    self["\(path).buffer"] = String(asynchronous.buffer.value)
    self["\(path).reuse"] = asynchronous.reuse.value.map { String($0) } ?? "unlimited"
    if let slow = asynchronous.slow {
      self["\(path).slow.module"] = String(slow.module.value)
      self["\(path).slow.by"] = SpecText.number(slow.factor.value)
    }
    self["\(path).order"] = asynchronous.order.value.rawValue
    self["\(path).ties"] = asynchronous.ties.value.rawValue
    self["\(path).at-decay"] = asynchronous.atDecay.value.rawValue
  }
}

extension ResolvedValues {
  fileprivate mutating func add(_ compression: CompressionSpec) {
    let path = "compression"
    switch compression.width {
    case .number(let width): self["\(path).width"] = String(width.value)
    case .explicit(let widths): self["\(path).width"] = SpecText.list(widths.map { String($0.value) })
    }
    self["\(path).epochs"] = String(compression.epochs.value)
    self["\(path).fine-tune"] = compression.fineTune.value.rawValue
    self["\(path).learning-rate"] = compression.learningRate.map { SpecText.number($0.value) }
    self["\(path).criterion"] = compression.criterion.value.rawValue
    self["\(path).pictures"] = compression.images.map { String($0.value) }
  }
}

/// Values as YAML that reads back as the same value.
enum SpecText {
  /// Shortest decimal that reads back as the same number, with its point.
  static func number(_ value: Double) -> String { String(value) }

  static func list(_ entries: [String]) -> String { "[" + entries.joined(separator: ", ") + "]" }

  /// One value where all entries agree.
  static func oneOrList(_ entries: [String]) -> String {
    guard let first = entries.first, entries.allSatisfy({ $0 == first }) else { return list(entries) }
    return first
  }

  /// The largest unit that gives a whole number.
  static func size(_ size: MemoryBudget) -> String {
    switch size {
    case .percent(let share): return NumberRange.plain(share) + "%"
    case .bytes(let bytes):
      for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
      where bytes % (1 << shift) == 0 {
        return "\(bytes >> shift)\(unit)"
      }
      return "\(bytes)B"
    }
  }

  /// Bare where that is a string for certain, else in double quotes with everything unusual escaped.
  static func string(_ text: String) -> String {
    func isSafe(_ byte: UInt8) -> Bool {
      (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
        || "_-./".utf8.contains(byte)
    }
    if text.utf8.allSatisfy(isSafe), CoreScalar(text) == .text, text.utf8.first != UInt8(ascii: "-") {
      return text
    }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: result += "\\\""
      case 0x5C: result += "\\\\"
      case 0x20...0x7E, 0xA1...0x1FFF, 0x3000...0xD7FF: result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      }
    }
    return result + "\""
  }
}
