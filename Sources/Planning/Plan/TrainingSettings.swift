internal import Glibc
package import Operators

package enum TrainingStrategy: String, Hashable, Sendable {
  case sequential, parallel, asynchronous
  case endToEnd = "end-to-end"
}

/// How a plan's modules are trained.
package struct TrainingSettings: Hashable, Sendable {
  /// One module's own: overrides applied.
  package struct Module: Hashable, Sendable {
    /// None: the module is frozen from the beginning.
    package var epochs: Int
    package var learningRate: Double
    /// Nil: the layers keep all their channels.
    package var narrowing: Narrowing?

    /// What follows on training where channels go.
    package struct Narrowing: Hashable, Sendable {
      /// Channels before and after.
      package var channels, width: Int
      /// Of fine-tuning.
      package var epochs: Int
      /// Of fine-tuning, in its first epoch; nil: as the module's own training begins.
      package var learningRate: Double?

      package init(channels: Int, width: Int, epochs: Int, learningRate: Double? = nil) {
        self.channels = channels
        self.width = width
        self.epochs = epochs
        self.learningRate = learningRate
      }
    }

    package init(epochs: Int, learningRate: Double, narrowing: Narrowing? = nil) {
      self.epochs = epochs
      self.learningRate = learningRate
      self.narrowing = narrowing
    }

    /// Of training and fine-tuning: the module's own epochs are counted through.
    package var totalEpochs: Int { epochs + (narrowing?.epochs ?? 0) }
  }

  package var strategy: TrainingStrategy
  /// By module, from 1 at index 0.
  package var modules: [Module]
  /// `parallel`: epochs that a module starts behind the one before it.
  package var startEvery: Int
  package var batch: Int
  package var dropLast: Bool
  package var optimizer: Optimizer
  package var schedule: LearningRateSchedule
  /// Whether the optimizer starts anew wherever the schedule lowers the rate.
  package var dropsMomentumAtDecay: Bool
  package var seed: UInt64
  /// `asynchronous` alone.
  package var replay: ReplaySettings?
  /// Present where modules are narrowed.
  package var compression: CompressionSettings?

  package init(
    strategy: TrainingStrategy, modules: [Module], startEvery: Int, batch: Int, dropLast: Bool,
    optimizer: Optimizer,
    schedule: LearningRateSchedule, dropsMomentumAtDecay: Bool, seed: UInt64, replay: ReplaySettings? = nil,
    compression: CompressionSettings? = nil
  ) {
    self.strategy = strategy
    self.modules = modules
    self.startEvery = startEvery
    self.batch = batch
    self.dropLast = dropLast
    self.optimizer = optimizer
    self.schedule = schedule
    self.dropsMomentumAtDecay = dropsMomentumAtDecay
    self.seed = seed
    self.replay = replay
    self.compression = compression
  }

  /// So many modules are frozen from the beginning.
  package var frozenCount: Int { modules.prefix { $0.epochs == 0 }.count }

  /// Of a module in an epoch of its own, both from 1.
  package func learningRate(module: Int, epoch: Int) -> Double {
    let module = modules[module - 1]
    if let narrowing = module.narrowing, epoch > module.epochs {
      return (narrowing.learningRate ?? module.learningRate)
        * schedule.factor(epoch: epoch - module.epochs, of: narrowing.epochs)
    }
    return module.learningRate * schedule.factor(epoch: epoch, of: module.epochs)
  }

  /// Whether a module's optimizer starts anew with this epoch: what it kept of a wider module is of no use.
  package func restartsOptimizer(module: Int, epoch: Int) -> Bool {
    let own = modules[module - 1]
    if let narrowing = own.narrowing, epoch > own.epochs {
      return epoch == own.epochs + 1
        || dropsMomentumAtDecay && schedule.falls(with: epoch - own.epochs, of: narrowing.epochs)
    }
    return dropsMomentumAtDecay && schedule.falls(with: epoch, of: own.epochs)
  }

  /// Epochs of a module since its optimizer started, this one not counted.
  package func epochsSinceRestart(module: Int, epoch: Int) -> Int {
    var first = epoch
    while first > 1, !restartsOptimizer(module: module, epoch: first) { first -= 1 }
    return epoch - first
  }

  /// The number that an epoch of a stage draws order and augmentation by, both from 1. Modules that learn side by side meet
  /// the same images, and never twice the same drawing; in sequential training every module begins with the first.
  package func drawing(_ stage: StageSchedule, epoch: Int) -> Int {
    let module = stage.modules[0]
    return (module.index - 1 - frozenCount) * startEvery + module.firstEpoch + epoch - 1
  }

  /// No epoch of a stage draws by a higher number, and no ranking behind its last one.
  package var lastDrawing: Int {
    modules.indices.map { max(0, $0 - frozenCount) * startEvery + modules[$0].totalEpochs + 1 }.max() ?? 0
  }

  /// Own epochs of a module, from 2, with which its learning rate falls.
  package func decays(ofModule module: Int) -> [Int] {
    let epochs = modules[module - 1].epochs
    guard epochs > 1 else { return [] }
    return (2...epochs).filter { schedule.falls(with: $0, of: epochs) }
  }

  /// Of the stage in which a module's own epochs go on from `epoch`.
  fileprivate func purpose(ofModule module: Int, from epoch: Int) -> StageSchedule.Purpose {
    guard let compression, epoch > modules[module - 1].epochs else { return .training }
    return .fineTuning(layers: compression.tunesLayers)
  }

  /// What a stage ends with: the narrowing of the module that it has trained; nil where it ends with nothing.
  package func narrowing(behind stage: StageSchedule) -> TrainingSettings.Module.Narrowing? {
    stage.purpose == .training && compression != nil ? modules[stage.modules[0].index - 1].narrowing : nil
  }

  /// Of an epoch over so many images.
  package func steps(images: Int) -> Int { (imagesPerEpoch(of: images) + batch - 1) / batch }

  /// Of so many, those that an epoch meets.
  package func imagesPerEpoch(of count: Int) -> Int { dropLast ? count - count % batch : count }

  /// Images of an epoch that fill no batch, and are one of their own; 0: there are none, or they are left out.
  package func lastBatch(images: Int) -> Int { imagesPerEpoch(of: images) % batch }
}

/// How modules lose channels.
package struct CompressionSettings: Hashable, Sendable {
  package var criterion: ChannelCriterion
  /// Training images that channels are ranked over.
  package var images: Int
  /// Whether the layers learn again, beside their auxiliary.
  package var tunesLayers: Bool

  package init(criterion: ChannelCriterion, images: Int, tunesLayers: Bool) {
    self.criterion = criterion
    self.images = images
    self.tunesLayers = tunesLayers
  }
}

/// How the learning rate changes over a module's epochs.
package enum LearningRateSchedule: Hashable, Sendable {
  case constant
  /// Times `factor` after every `every` epochs.
  case step(every: Int, factor: Double)
  /// Times `factor` behind each of these epochs.
  case milestones([Int], factor: Double)
  /// A linear rise over the first `warmUp` epochs, then half a cosine down to `floor`.
  case cosine(warmUp: Int, floor: Double)

  /// Of the module's first rate, in `epoch`, from 1, of `epochs`.
  package func factor(epoch: Int, of epochs: Int) -> Double {
    func power(_ factor: Double, _ count: Int) -> Double {
      (0..<count).reduce(1) { product, _ in product * factor }
    }
    switch self {
    case .constant: return 1
    case .step(let every, let factor): return power(factor, (epoch - 1) / every)
    case .milestones(let milestones, let factor):
      return power(factor, milestones.filter { $0 < epoch }.count)
    case .cosine(let warmUp, let floor):
      if epoch <= warmUp { return Double(epoch) / Double(warmUp) }
      let progress = Double(epoch - 1 - warmUp) / Double(max(1, epochs - warmUp))
      return floor + (1 - floor) * (1 + cos(.pi * progress)) / 2
    }
  }

  /// Whether the rate is lower in `epoch`, from 1, of `epochs` than in the one before: as the schedule is defined, whatever is
  /// left of a rate that has fallen very often.
  ///
  /// - Complexity: O(milestones), whatever the number of epochs.
  package func falls(with epoch: Int, of epochs: Int) -> Bool {
    guard epoch > 1 else { return false }
    switch self {
    case .constant: return false
    case .step(let every, let factor): return factor < 1 && (epoch - 1).isMultiple(of: every)
    case .milestones(let milestones, let factor): return factor < 1 && milestones.contains(epoch - 1)
    case .cosine: return factor(epoch: epoch, of: epochs) < factor(epoch: epoch - 1, of: epochs)
    }
  }
}

/// A module that learns in a stage, and how far it is when the stage begins.
package struct TrainedModule: Hashable, Sendable {
  /// From 1.
  package var index: Int
  /// The module's own epoch with which the stage begins; 1: it begins with the stage.
  package var firstEpoch: Int

  package init(index: Int, firstEpoch: Int) {
    self.index = index
    self.firstEpoch = firstEpoch
  }
}

/// A stretch of training in which the same modules learn; all before them that do not are frozen.
package struct StageSchedule: Hashable, Sendable {
  package enum Purpose: Hashable, Sendable {
    case training
    /// Of a module that has just lost channels.
    case fineTuning(layers: Bool)
  }

  /// Rising, never empty.
  package var modules: [TrainedModule]
  package var epochs: Int
  /// The last module that has begun by then: what it has learned stays in memory, though it may be done before the others.
  package var lastKeptModule: Int
  package var purpose = Purpose.training

  package init(modules: [TrainedModule], epochs: Int, lastKeptModule: Int, purpose: Purpose = .training) {
    self.modules = modules
    self.epochs = epochs
    self.lastKeptModule = lastKeptModule
    self.purpose = purpose
  }

  /// Whether layers learn, and not their auxiliaries alone.
  package var trainsLayers: Bool { purpose != .fineTuning(layers: false) }
  /// Modules, from the first on, that have lost their channels by now, where modules lose any.
  package var narrowedCount: Int { purpose == .training ? modules[0].index - 1 : modules[0].index }

  /// Whether nothing but parameters comes over from the stage before.
  package var beginsAllItsModules: Bool { modules.allSatisfy { $0.firstEpoch == 1 } }
  /// Whether what the stage before keeps as features is of use: fine-tuning has them where they were, and where all modules
  /// begin, no optimizer state that stays is in the way of features that move.
  package var takesFeaturesOfPrevious: Bool { beginsAllItsModules || purpose != .training }

  package var lastModule: Int { modules[modules.count - 1].index }
  package var indices: [Int] { modules.map(\.index) }

  /// The stages of a training: a new one wherever a module begins or ends.
  package static func all(of training: TrainingSettings) -> [StageSchedule] {
    if training.strategy == .asynchronous { return [asynchronous(training)] }
    var begins: [Int] = []
    for module in training.modules.indices {
      switch training.strategy {
      case .sequential:
        begins.append(module == 0 ? 0 : begins[module - 1] + training.modules[module - 1].totalEpochs)
      case .parallel: begins.append(max(0, module - training.frozenCount) * training.startEvery)
      case .endToEnd, .asynchronous: begins.append(0)
      }
    }
    let ends = zip(begins, training.modules).map { $0 + $1.totalEpochs }
    let cuts = zip(begins, training.modules).map { $0 + $1.epochs }
    let moments = Set(begins + cuts + ends).sorted()
    return zip(moments, moments.dropFirst()).compactMap { begin, end in
      let modules = begins.indices.filter { begins[$0] <= begin && ends[$0] >= end }
      guard !modules.isEmpty else { return nil }
      return StageSchedule(
        modules: modules.map { TrainedModule(index: $0 + 1, firstEpoch: begin - begins[$0] + 1) },
        epochs: end - begin, lastKeptModule: (begins.lastIndex { $0 <= begin } ?? 0) + 1,
        purpose: training.purpose(ofModule: modules[0] + 1, from: begin - begins[modules[0]] + 1))
    }
  }

  /// All modules in one stage, each at its own pace; those that are done go on feeding the others.
  private static func asynchronous(_ training: TrainingSettings) -> StageSchedule {
    StageSchedule(
      modules: training.modules.indices.dropFirst(training.frozenCount).map {
        TrainedModule(index: $0 + 1, firstEpoch: 1)
      },
      epochs: training.modules.map(\.epochs).max() ?? 0, lastKeptModule: training.modules.count)
  }
}
