internal import Diagnostics

/// A checked tree to a `Spec`: fills defaults in and reports what only several keys together make wrong. Such a fault is
/// reported only where all keys it speaks of are sound by themselves.
struct SpecBuilder {
  let root: SectionReader
  /// Of `decode`.
  let files: FileFactsLookup?

  var state: DecodingState { root.state }

  func report(_ diagnostic: Diagnostic, structural: Bool = false) {
    state.bag.add(diagnostic)
    if structural { state.hasStructuralFault = true }
  }

  func spec() -> Spec {
    _ = root.integer("strata")
    let data = root.section("data")
    let source = data.choice("source", as: DataSource.self)
    let network = network(
      source: source, path: data.optionalText("path"), image: data,
      sourceIsSound: data.isSound("source") && data.isSound("path") && root.isSound("network"))
    let family = Family(of: network.body)
    let training = training(family)
    return Spec(
      name: root.text("name"), data: self.data(data, source: source, input: network.input), network: network,
      downsampling: downsampling(family), auxiliary: auxiliary(), training: training,
      compression: compression(network, training),
      numerics: root.choice("numerics", as: Numerics.self),
      memory: MemorySpec(
        budget: root.section("memory").optionalSize("budget"),
        features: root.section("memory").choice("features", as: FeaturePolicy.self)))
  }

  /// The word of `network.family`.
  enum Family: String, CaseIterable {
    case vgg, resnet

    init(of body: NetworkBody) {
      switch body {
      case .vgg: self = .vgg
      case .resnet: self = .resnet
      }
    }
  }

  // MARK: - Data

  private func data(_ data: SectionReader, source: Spanned<DataSource>, input: Spanned<ImageShape>)
    -> DataSpec
  {
    let limit = data.section("limit")
    let augment = data.section("augment")
    let facts = data.isSound("source") && !source.value.isMadeUp ? source.value.facts : nil
    let trainLimit = self.limit(limit, "train", source: source.value, images: facts?.trainCount)
    let testLimit = self.limit(limit, "test", source: source.value, images: facts?.testCount)
    let flip = augment.word("flip")
    return DataSpec(
      source: source, path: data.optionalText("path"), trainLimit: trainLimit, testLimit: testLimit,
      padCrop: augment.integer("pad-crop"),
      flipHorizontal: Spanned(flip.value == "horizontal", at: flip.span),
      randomResizedCrop: randomResizedCrop(augment, source), cutout: augment.integer("cutout"),
      image: image(data, source: source, input: input),
      normalization: normalization(data, input: input))
  }

  /// - Parameter images: how many there are, where that is known.
  private func limit(_ section: SectionReader, _ key: String, source: DataSource, images: Int?) -> Spanned<
    Int
  >? {
    let limit = section.optionalInteger(key)
    guard let limit, let images, limit.value > images else { return limit }
    report(
      .limitBeyondSource("data.limit.\(key)", source: source.rawValue, images: images, at: limit.span))
    return nil
  }

  private func normalization(_ data: SectionReader, input: Spanned<ImageShape>) -> DataSpec.Normalization? {
    guard let value = data.written("normalize") else {
      data.note("normalize", .default)
      return nil
    }
    guard let section = data.reader(value), section.isWritten("mean"), section.isWritten("std") else {
      return nil
    }
    let mean = numbers(section, "mean")
    let deviation = numbers(section, "std")
    let channels = input.value.channels
    var isRight = data.isSound("normalize")
    if root.section("network").isSound("input"), data.isSound("source") {
      for (key, list) in [("mean", mean), ("std", deviation)]
      where section.isSound(key) && list.value.count != channels {
        report(
          .countUnlikeChannels(
            "data.normalize.\(key)", count: list.value.count, channels: channels, at: list.span))
        isRight = false
      }
    }
    guard isRight else { return nil }
    return DataSpec.Normalization(mean: mean, standardDeviation: deviation)
  }

  func numbers(_ section: SectionReader, _ key: String) -> Spanned<[Double]> {
    guard let list = section.list(key) else { return Spanned([], at: section.keySpan(key)) }
    let values = list.items.map { item -> Double in
      if case .scalar(let value) = item.content, let number = value.number { number } else { 1 }
    }
    return Spanned(values, at: list.span)
  }

  // MARK: - Lists of whole numbers

  /// The sound numbers of a list, in the order written. Reports each that does not exceed the one before.
  func risingIntegers(_ list: (items: [DecodedValue], span: SourceSpan), key: String) -> [Spanned<Int>] {
    let numbers = list.items.compactMap(\.integer)
    checkRising(numbers, key: key)
    return numbers
  }

  func checkRising(_ numbers: [Spanned<Int>], key: String) {
    for (previous, next) in zip(numbers, numbers.dropFirst()) where next.value <= previous.value {
      report(.notRising(key, at: next.span, after: previous.span), structural: true)
    }
  }
}
