internal import Datasets
internal import GraphIR
internal import Kernels
package import Planning

/// Where a training or a measurement met numbers that are infinite or NaN.
package struct NotFinite: Error, Hashable, Sendable {
  /// A value that is infinite or NaN.
  package struct Tensor: Hashable, Sendable {
    package var name: String
    /// Of the first such element, in PyTorch's order.
    package var index: Int
    package var value: Float

    /// `NaN`, `inf`.
    package var valueText: String { value.isNaN ? "NaN" : "\(value)" }
  }

  /// An image of the batch whose numbers are infinite, NaN, or larger than a network can take.
  package struct Image: Hashable, Sendable {
    package var split: Split
    /// In the data set, from 0.
    package var index: Int
    /// As the network reads it, that is normalised: NaN, or the largest in magnitude.
    package var value: Float
    /// Of what the frozen modules made of the image; the image itself is in order.
    package var isFeature: Bool

    package init(split: Split, index: Int, value: Float, isFeature: Bool = false) {
      self.split = split
      self.index = index
      self.value = value
      self.isFeature = isFeature
    }
  }

  /// Of the images at work.
  package var split: Split
  /// The first one that is affected; of an ensemble the last module in it.
  package var module: Int
  package var isEnsemble = false
  /// Of the module, its own; nil outside of training.
  package var epoch: Int?
  /// Of the epoch, from 1; nil where test images were measured.
  package var step: Int?
  /// Nil outside of training.
  package var learningRate: Double?
  /// Of the module: nil where it is finite.
  package var loss: Float?
  /// The first parameter, running statistic or optimizer state of the module; nil where all are finite.
  package var tensor: Tensor?
  /// The worst of the batch.
  package var image: Image?

  package init(split: Split, module: Int) {
    self.split = split
    self.module = module
  }
}

extension Engine {
  /// Whether an update or a running statistic has become infinite or NaN since the last call. Costs a look at one flag.
  func takeNotFinite() -> Bool { workers.takeNotFinite() }

  /// The first element of the first of these tensors that is infinite or NaN; replayed batches are not looked at.
  package func firstNotFinite(_ entries: [ResidentLayout.Entry]) -> NotFinite.Tensor? {
    for entry in entries where entry.value.category != .replay && !isFinite([entry]) {
      var values = [Float](repeating: 0, count: entry.value.type.elementCount)
      var span = values.mutableSpan
      read(entry, from: 0, into: &span)
      guard let index = values.firstIndex(where: { !$0.isFinite }) else { continue }
      return NotFinite.Tensor(name: entry.value.name, index: index, value: values[index])
    }
    return nil
  }

  /// Finds out what a training step has left that is not finite, once it is known that something is. What lies in the arena
  /// outside of the resident tensors is lost.
  ///
  /// - Parameters:
  ///   - sums: of the modules that made the step, this step's losses among them.
  ///   - resident: of the stage.
  ///   - indices: of the training images of the step.
  func locateNotFinite(
    _ sums: [MetricSums], _ resident: ResidentLayout, _ source: BatchSource, indices: [Int32],
    program: Program
  ) -> NotFinite {
    let tensors = resident.entries.filter { entry in
      switch entry.value.category {
      case .parameter, .statistics, .optimizer: true
      case .batch, .gradient, .activation, .replay, .accumulator: false
      }
    }
    let tensorModule = tensors.first { !isFinite([$0]) }?.value.module
    let lossModule = sums.first { !$0.loss.isFinite }?.module
    guard let module = [tensorModule, lossModule].compactMap(\.self).min() else {
      preconditionFailure("whoever asks has seen a value that is not finite")
    }
    var found = NotFinite(split: .train, module: module)
    found.loss = sums.first { $0.module == module && !$0.loss.isFinite }.map { Float($0.loss) }
    let own = tensors.filter { $0.value.module == module }
    found.tensor =
      firstNotFinite(own.filter { $0.value.category != .optimizer })
      ?? firstNotFinite(own.filter { $0.value.category == .optimizer })
    found.image = worstImage(.train, indices: indices, source, program: program)
    return found
  }

  /// The image of a batch that holds what a network can't take: the first with a number that is not finite, or else the one
  /// with the largest beyond `Dataset.largestExpectedMagnitude`. Features are looked at where no image is to blame. The batch's
  /// place is written over.
  func worstImage(
    _ split: Split, indices: [Int32], _ source: BatchSource, program: Program
  ) -> NotFinite.Image? {
    var numbers = [Float](repeating: 0, count: source.images.dataset.imageShape.elementCount)
    var worst = WorstImage()
    for index in indices {
      unsafe numbers.withUnsafeMutableBufferPointer { target in
        _ = unsafe source.images.prepare(
          split == .train ? .train : .test, index: Int(index), epoch: nil, into: target)
      }
      worst.note(numbers.span, index: Int(index))
    }
    if let found = worst.found {
      return NotFinite.Image(split: split, index: found.index, value: found.value)
    }
    guard source.features != nil else { return nil }
    prepare(source, split: split, indices: indices.span, epoch: nil, for: program)
    withValue(program.graph.images, of: program) { batch in
      let size = program.graph.shape(program.graph.images).elementsPerImage
      for (position, index) in indices.enumerated() {
        worst.note(batch.extracting(position * size..<(position + 1) * size), index: Int(index))
      }
    }
    return worst.found.map {
      NotFinite.Image(split: split, index: $0.index, value: $0.value, isFeature: true)
    }
  }
}

private struct WorstImage {
  private(set) var found: (index: Int, value: Float)?

  mutating func note(_ numbers: borrowing Span<Float>, index: Int) {
    if let found, !found.value.isFinite { return }
    for place in numbers.indices {
      let value = numbers[place]
      guard value.isFinite else {
        found = (index, value)
        return
      }
      if value.magnitude > (found?.value.magnitude ?? Dataset.largestExpectedMagnitude) {
        found = (index, value)
      }
    }
  }
}
