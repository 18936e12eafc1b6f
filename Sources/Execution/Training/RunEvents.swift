package import Datasets
internal import Planning

/// Which images a figure is of.
package enum Split: String, Hashable, Sendable, CaseIterable {
  case train, test
}

/// Sums over the images met so far.
package struct MetricSums: Hashable, Sendable {
  /// From 1; of an ensemble the last module in it.
  package let module: Int
  /// Of all measured modules up to this one.
  package let isEnsemble: Bool
  package private(set) var loss = 0.0
  package private(set) var top1Count = 0
  package private(set) var top5Count = 0
  package private(set) var imageCount = 0

  package init(module: Int, isEnsemble: Bool = false) {
    self.module = module
    self.isEnsemble = isEnsemble
  }

  /// As a checkpoint keeps them.
  package init(module: Int, loss: Double, top1Count: Int, top5Count: Int, imageCount: Int) {
    self.module = module
    isEnsemble = false
    self.loss = loss
    self.top1Count = top1Count
    self.top5Count = top5Count
    self.imageCount = imageCount
  }

  mutating func add(loss: Float, top1Count: Float, top5Count: Float, images: Int) {
    self.loss += Double(loss)
    self.top1Count += Int(top1Count)
    self.top5Count += Int(top5Count)
    imageCount += images
  }

  package var meanLoss: Double { loss / Double(max(1, imageCount)) }
  package var top1: Double { Double(top1Count) / Double(max(1, imageCount)) }
  package var top5: Double { Double(top5Count) / Double(max(1, imageCount)) }
}

extension [MetricSums] {
  /// Of the modules by themselves.
  package var modules: [MetricSums] { filter { !$0.isEnsemble } }

  /// Of the measured modules up to one; nil where that is the first of them, or is not measured.
  package func ensemble(upTo module: Int) -> MetricSums? { first { $0.isEnsemble && $0.module == module } }

  /// Of all measured modules; nil where there are not two.
  package var ensemble: MetricSums? { last { $0.isEnsemble } }
}

/// A module's figures over an epoch: means over the epoch's images as they were met, before each update.
package struct EpochFigures: Hashable, Sendable {
  package var module: Int
  package var epoch: Int
  package var split: Split
  package var loss: Double
  package var top1: Double
  package var top5: Double
  /// Wall time.
  package var seconds: Double
  /// Of the test images, by all modules up to this one that were measured; nil where they were not, or it is the first.
  package var ensemble: MetricSums?

  package init(
    module: Int, epoch: Int, split: Split, loss: Double, top1: Double, top5: Double, seconds: Double,
    ensemble: MetricSums? = nil
  ) {
    self.ensemble = ensemble
    self.module = module
    self.epoch = epoch
    self.split = split
    self.loss = loss
    self.top1 = top1
    self.top5 = top5
    self.seconds = seconds
  }
}

package struct StepProgress: Sendable {
  /// Behind the step, with the sums of the epoch so far: one a trained module.
  package var position: RunPosition
  package var stepCount: Int
  /// In this process, over the epoch's steps.
  package var imagesPerSecond: Double
  /// Asynchronous training: the one module that has made a step, of its own epoch; nil: all of the stage's have.
  package var module: ModuleStep?

  package struct ModuleStep: Hashable, Sendable {
    package var index, epoch, step: Int
  }
}

package struct EpochReport: Sendable {
  /// Of the stage, from 1.
  package var epoch: Int
  /// Training figures, then test figures, of every module that the stage trains; of some or one of the two in
  /// asynchronous training.
  package var figures: [EpochFigures]
  /// Behind the epoch.
  package var next: RunPosition
}

/// What a run tells while it goes on. Between `stepEnded`s nothing is allocated, but for a few words where several workers share a
/// job (`Workers.forEach`).
package enum RunEvent: Sendable {
  case stageBegan(Int)
  case stepEnded(StepProgress)
  case epochEnded(EpochReport)
  /// Parameters and statistics of these modules, which were frozen, are as they were before the stage.
  case frozenUnchanged(FrozenModules)
  case stageEnded(Int)
  /// A module has lost channels, and is about to be fine-tuned.
  case narrowed(NarrowingReport)
}

/// What became of a module that lost channels.
package struct NarrowingReport: Sendable {
  package var module: Int
  /// The last that it was trained in, of its own.
  package var epoch: Int
  /// Channels that stay, from 0, rising.
  package var kept: [Int]
  /// Of every channel that was there.
  package var scores: [Float]
  /// Over the test images, before fine-tuning.
  package var test: MetricSums
  /// Ranking and measuring.
  package var seconds: Double
}

/// What a stage must not change.
package struct FrozenModules: Hashable, Sendable {
  package var stage: Int
  package var modules: [Int]
  /// A module whose auxiliary is fine-tuned behind its layers, which are frozen; nil: there is none.
  package var layers: Int?
  /// Over the bytes of their parameters and statistics.
  package var sha256: String
}

/// Whoever follows a run cannot go on: a full disk, say.
package struct ObserverFailure: Error {
  package let message: String

  package init(message: String) {
    self.message = message
  }
}

package typealias RunObserver = (RunEvent) throws(ObserverFailure) -> Void

package enum RunError: Error {
  case observer(ObserverFailure)
  /// Images that stay in their files can't be read any more.
  case data(DatasetError)
  /// Features can't be kept or read: a full disk, say.
  case features(FeatureError)
  /// A loss, a parameter or a running statistic has become infinite or NaN.
  case notFinite(NotFinite)
  /// Behind the last epoch that a module was trained in, the scores of its channels are infinite or NaN: there is no telling
  /// which channels are to go.
  case rankingNotFinite(module: Int, epoch: Int, learningRate: Double)
}
