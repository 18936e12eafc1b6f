internal import Datasets
internal import GraphIR
internal import Kernels
internal import Planning

/// Where a stage's batches come from: images, or what its frozen prefix gave for them.
struct BatchSource {
  let images: ImagePreparer
  /// Nil: from images.
  var features: KeptFeatures?

  /// Lets the system begin to read training images, or their features, that a later step needs, while this one computes.
  /// All else of a batch's preparation is work that the steps' own workers share: it would only take them from the step.
  func readAhead(_ indices: borrowing Span<Int32>) {
    guard let features else { return images.dataset.readAhead(.train, indices) }
    guard let file = features.file else { return }
    let byteCount = features.plan.bytesPerImage
    for position in indices.indices { file.readAhead(byteCount, at: Int(indices[position]) * byteCount) }
  }

  /// Why images or features could not be read since it was last asked for.
  func takeReadFailure() -> RunError? {
    if let failure = images.dataset.takeReadFailure() { return .data(failure) }
    return features?.file?.takeReadFailure().map { .features($0) }
  }
}

/// A stage's features as they lie.
struct KeptFeatures {
  let plan: FeaturePlan
  /// Nil where they lie in the arena.
  let file: FeatureFile?
}

extension Engine {
  /// Puts a batch in its place, from wherever the stage takes it.
  ///
  /// - Parameter epoch: draws the augmentation of images; nil for none.
  func prepare(
    _ source: BatchSource, split: Split, indices: borrowing Span<Int32>, epoch: Int?, for program: Program
  ) {
    guard let features = source.features else {
      return prepare(source.images, split: split, indices: indices, epoch: epoch, for: program)
    }
    recorder?.beginPreparation()
    defer { recorder?.endPreparation() }
    let first = split == .train ? 0 : features.plan.trainCount
    load(
      features, ofModule: features.plan.module, bytesPerImage: features.plan.bytesPerImage, first: first,
      indices: indices, for: program)
    let dataset = source.images.dataset
    let labels = unsafe labels(of: program).bindMemory(to: Int32.self, capacity: indices.count)
    for position in indices.indices {
      unsafe labels[position] = dataset.label(split == .train ? .train : .test, Int(indices[position]))
    }
  }

  /// Copies features of images into the program's batch, all workers at once.
  ///
  /// - Parameters:
  ///   - module: whose activations lie there now.
  ///   - first: added to every index.
  private func load(
    _ features: KeptFeatures, ofModule module: Int, bytesPerImage: Int, first: Int,
    indices: borrowing Span<Int32>,
    for program: Program
  ) {
    precondition(indices.count <= program.graph.batch, "at most the planned batch")
    let batch = unsafe arena.address(of: range(program.input(.activation(module: module)), of: program))
    let kept = unsafe features.plan.range.map { unsafe arena.address(of: $0.lowerBound..<$0.lowerBound) }
    unsafe indices.withUnsafeBufferPointer { indices in
      workers.forEach(indices.count) { position, _ in
        let offset = unsafe (first + Int(indices[position])) * bytesPerImage
        let target = unsafe UnsafeMutableRawBufferPointer(
          start: batch + position * bytesPerImage, count: bytesPerImage)
        if let file = features.file {
          unsafe file.read(into: target, at: offset)
        } else if let kept = unsafe kept {
          unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: kept + offset, count: bytesPerImage))
        }
      }
    }
  }

  /// Moves features to where the next stage has them in the arena; places may overlap.
  func moveFeatures(from old: FeaturePlan, to new: FeaturePlan) {
    guard let source = old.range, let target = new.range, source.lowerBound != target.lowerBound else {
      return
    }
    let end = target.lowerBound + source.count
    unsafe arena.address(of: target.lowerBound..<end).copyMemory(
      from: arena.address(of: source), byteCount: source.count)
  }

  /// Computes what a stage starts from, for all images.
  ///
  /// In place where it is made of what the stage before kept: batches go upwards where features shrink and downwards where
  /// they grow, so that nothing is overwritten that is still to be read.
  ///
  /// - Parameters:
  ///   - stage: that starts from them.
  ///   - fromPrevious: whether the features of the stage before are there.
  ///   - shouldStop: looked at between batches.
  /// - Returns: false if it stopped.
  func computeFeatures(
    _ features: KeptFeatures, of stage: StagePlan, fromPrevious: Bool, images: ImagePreparer,
    unless shouldStop: () -> Bool
  ) throws(RunError) -> Bool {
    let made = features.plan
    let isInPlace = fromPrevious && stage.programs[.featuresOfPrevious] != nil
    let role = isInPlace ? ProgramRole.featuresOfPrevious : .features
    guard let program = stage.programs[role] else {
      preconditionFailure("features are computed by a program")
    }
    var indices = [Int32](repeating: 0, count: program.graph.batch)
    do throws(FeatureError) {
      try features.file?.reserve(isInPlace ? made.largestByteCount : made.byteCount)
      let parts = FeatureBatches(made, size: program.graph.batch)
      let goesDown = isInPlace && made.bytesPerImage > made.previousBytesPerImage
      for number in 0..<parts.count {
        let part = parts[goesDown ? parts.count - 1 - number : number]
        let count = part.indices.count
        for position in 0..<count { indices[position] = Int32(part.indices.lowerBound + position) }
        let span = indices.span.extracting(0..<count)
        let first = part.split == .train ? 0 : made.trainCount
        if isInPlace {
          load(
            features, ofModule: program.graph.inputModule, bytesPerImage: made.previousBytesPerImage,
            first: first, indices: span, for: program)
        } else {
          prepare(images, split: part.split, indices: span, epoch: nil, for: program)
        }
        run(program, ProgramID(role, stage: stage.index), batch: count)
        try keep(features, at: first + part.indices.lowerBound, count: count, of: program)
        if let failure = features.file?.takeReadFailure() { throw failure }
        if shouldStop() { return false }
      }
      try features.file?.truncate(to: made.byteCount)
    } catch {
      throw .features(error)
    }
    if let failure = images.dataset.takeReadFailure() { throw .data(failure) }
    return true
  }

  /// Puts the program's output where the features of `count` images from `first` on lie.
  private func keep(
    _ features: KeptFeatures, at first: Int, count: Int, of program: Program
  ) throws(FeatureError) {
    let offset = first * features.plan.bytesPerImage
    let byteCount = count * features.plan.bytesPerImage
    guard let activation = program.activation else { preconditionFailure("features are activations") }
    let output = range(activation, of: program).lowerBound
    let source = unsafe UnsafeRawBufferPointer(
      start: arena.address(of: output..<output + byteCount), count: byteCount)
    if let file = features.file {
      try unsafe file.write(source, at: offset)
    } else if let range = features.plan.range {
      let target = range.lowerBound + offset
      unsafe arena.address(of: target..<target + byteCount).copyMemory(
        from: source.baseAddress!, byteCount: byteCount)
    }
  }
}

/// Training images, then test images, in batches of their own.
private struct FeatureBatches {
  private let size, trainCount, testCount, trainBatches: Int
  let count: Int

  init(_ features: FeaturePlan, size: Int) {
    self.size = size
    (trainCount, testCount) = (features.trainCount, features.testCount)
    trainBatches = (trainCount + size - 1) / size
    count = trainBatches + (testCount + size - 1) / size
  }

  subscript(number: Int) -> (split: Split, indices: Range<Int>) {
    let isTest = number >= trainBatches
    let first = (isTest ? number - trainBatches : number) * size
    return (isTest ? .test : .train, first..<min(isTest ? testCount : trainCount, first + size))
  }
}
