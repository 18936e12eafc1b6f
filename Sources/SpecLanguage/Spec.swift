package import Diagnostics

/// A decoded spec: every default filled in, every leaf with its place, every value in its range. What only shapes can
/// tell (a halving that does not come out even, more modules than items) is found by lowering.
package struct Spec: Sendable {
  package var name: Spanned<String>
  package var data: DataSpec
  package var network: NetworkSpec
  package var downsampling: DownsamplingSpec
  package var auxiliary: AuxiliarySpec
  package var training: TrainingSpec
  /// Nil: every layer keeps all its channels.
  package var compression: CompressionSpec?
  package var numerics: Spanned<Numerics>
  package var memory: MemorySpec
}

package enum Numerics: String, Hashable, Sendable, CaseIterable {
  case fast, strict
}

// MARK: - Data

package struct DataSpec: Sendable {
  package var source: Spanned<DataSource>
  /// As written; paths in a spec start at the spec's folder.
  package var path: Spanned<String>?
  package var trainLimit: Spanned<Int>?
  package var testLimit: Spanned<Int>?
  /// Pixels of zero padding on each side before a crop back to size; 0 for none.
  package var padCrop: Spanned<Int>
  package var flipHorizontal: Spanned<Bool>
  /// A random box of a training image, resized; of image folders.
  package var randomResizedCrop: RandomResizedCropSpec?
  /// Side of a square of each training image that is left blank; 0 for none.
  package var cutout: Spanned<Int>
  /// How files become images of the network's size; of image folders alone.
  package var image: ImageSpec?
  /// Nil: the source's own. One value a channel otherwise.
  package var normalization: Normalization?

  package struct RandomResizedCropSpec: Sendable {
    /// Of the image's area, smallest and largest.
    package var scale: Spanned<[Double]>
    /// Width by height, likewise.
    package var ratio: Spanned<[Double]>
  }

  package struct ImageSpec: Sendable {
    /// The shorter side before the crop.
    package var resize: Spanned<Int>
    package var decode: Spanned<ImageDecoding>
    package var maxPixels: Spanned<Int>
    package var onBadImage: Spanned<BadImagePolicy>
  }

  package struct Normalization: Sendable {
    package var mean: Spanned<[Double]>
    package var standardDeviation: Spanned<[Double]>
  }
}

/// At which size JPEG files are decoded.
package enum ImageDecoding: String, Hashable, Sendable, CaseIterable {
  case full
  /// A half, a quarter or an eighth, where that is large enough.
  case scaled
}

package enum BadImagePolicy: String, Hashable, Sendable, CaseIterable {
  case fault
  case skip
}

package enum DataSource: String, Hashable, Sendable, CaseIterable {
  case digits, synthetic, cifar10, cifar100, idx, npy
  case imageFolder = "image-folder"
}

// MARK: - Network

package struct ImageShape: Hashable, Sendable {
  package var channels, height, width: Int

  package init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }
}

package struct NetworkSpec: Sendable {
  package var input: Spanned<ImageShape>
  package var classes: Spanned<Int>
  package var body: NetworkBody
  package var batchNorm: Spanned<Bool>
  package var head: HeadSpec
  package var initialization: InitializationSpec
  /// A run's folder or weights file to start from, as written; nil: `initialization` alone.
  package var from: Spanned<String>?
  /// The first so many modules stay as `from` has them; nil: none.
  package var frozen: Spanned<Int>?
  /// Nil: of logits.
  package var ensemble: Spanned<EnsembleKind>?
  package var activation: ActivationSpec
}

/// What the ensemble over depth takes the mean of.
package enum ActivationKind: String, Hashable, Sendable, CaseIterable {
  case relu
  case leakyRelu = "leaky-relu"
  case gelu, silu
}

/// The function behind every layer, in auxiliaries and heads too.
package struct ActivationSpec: Sendable {
  package var kind: Spanned<ActivationKind>
  /// Of `leaky-relu`, below zero.
  package var slope: Spanned<Double>?
}

package enum EnsembleKind: String, Hashable, Sendable, CaseIterable {
  case logits, probabilities
}

package enum NetworkBody: Sendable {
  case vgg(VGGSpec)
  case resnet(ResNetSpec)
}

package struct VGGSpec: Sendable {
  /// One entry a layer, in order; layers count from 1.
  package var layers: [VGGLayerSpec]
}

package struct VGGLayerSpec: Sendable {
  package var width: Spanned<Int>
  package var kernel: Spanned<Int>
  package var bias: Spanned<Bool>
  package var batchNorm: Spanned<Bool>
}

package struct ResNetSpec: Sendable {
  package var block: Spanned<BlockKind>
  package var stem: StemSpec
  package var stages: [ResNetStageSpec]
  package var shortcut: Spanned<ShortcutKind>
  package var bias: Spanned<Bool>
}

package enum BlockKind: String, Hashable, Sendable, CaseIterable {
  case basic, bottleneck
}

package enum ShortcutKind: String, Hashable, Sendable, CaseIterable {
  case projection
  case zeroPad = "zero-pad"
}

package struct StemSpec: Sendable {
  package var width: Spanned<Int>
  package var kernel: Spanned<Int>
  package var stride: Spanned<Int>
  /// A 3x3 max-pool of stride 2 and padding 1 behind the stem's ReLU.
  package var maxPool: Spanned<Bool>
}

package struct ResNetStageSpec: Sendable {
  package var blocks: Spanned<Int>
  /// Channels of the 3x3 convolutions; a bottleneck's output has four times as many.
  package var width: Spanned<Int>
  /// Side of these convolutions, where it is another.
  package var kernel: Spanned<Int>
}

package struct InitializationSpec: Sendable {
  package var weights: Spanned<WeightInitialization>
  package var batchNorm: Spanned<BatchNormInitialization>
}

package enum WeightInitialization: String, Hashable, Sendable, CaseIterable {
  case `default`
  case heFanOut = "he-fan-out"
}

package enum BatchNormInitialization: String, Hashable, Sendable, CaseIterable {
  case ones, uniform
}

// MARK: - Downsampling

package enum DownsamplingKind: String, Hashable, Sendable, CaseIterable {
  case maxPool = "max-pool"
  case averagePool = "average-pool"
  case stride
  case invertible
}

package struct DownsamplingSpec: Sendable {
  package var kind: Spanned<DownsamplingKind>
  package var placement: DownsamplingPlacement
}

package enum DownsamplingPlacement: Sendable {
  /// vgg without a `downsampling` section.
  case none
  /// Layers or blocks, from 1, that read the halved image, each with its kind.
  case before([DownsamplingPosition])
  case standard(SourceSpan)
  case accelerated(by: Spanned<Int>)
}

package struct DownsamplingPosition: Sendable {
  package var item: Spanned<Int>
  package var kind: Spanned<DownsamplingKind>
}

// MARK: - Auxiliaries and heads

package struct AuxiliarySpec: Sendable {
  /// What every module has that `overrides` does not name.
  package var standard: ClassifierSpec
  /// By module, from 1, in rising order.
  package var overrides: [AuxiliaryOverride]
  /// What every module but the last minimises.
  package var loss: Spanned<AuxiliaryLoss>
}

package enum AuxiliaryLoss: String, Hashable, Sendable, CaseIterable {
  case crossEntropy = "cross-entropy"
  case sim, predsim
}

package struct AuxiliaryOverride: Sendable {
  package var module: Spanned<Int>
  package var classifier: ClassifierSpec
  /// Of its entry, as it is written: `auxiliary.overrides[2]`.
  package var path: String
}

/// An auxiliary network or a head, with the place of its `kind`.
package struct ClassifierSpec: Sendable {
  package var kind: ClassifierKind
  /// `linear`, `cnn`: side of the image that the last average pool makes, 2 unless written.
  package var poolSize: Spanned<Int>
  package var span: SourceSpan
}

package enum ClassifierKind: Sendable {
  case linear
  /// `k` counts the trained layer; width of the auxiliary convolutions.
  case cnn(k: Spanned<Int>, width: AuxiliaryWidth)
  case mlp(hidden: Spanned<Int>)
  case mlpSR(convolutions: Spanned<Int>, hidden: Spanned<Int>)
  /// As an auxiliary: methods of the VGG-type auxiliary (two unpadded 3x3 convolutions of twice the width).
  case vggAuxiliary
  // Heads only:
  case gap
  /// Head `mlp`: widths of its two (or more) hidden layers.
  case mlpHead(hidden: [Spanned<Int>])
  case vggHead
}

package enum AuxiliaryWidth: Sendable {
  case same
  case number(Spanned<Int>)
  /// Starts at the number (or the first module's width) and doubles wherever the network downsamples.
  case doubled(start: Spanned<Int>?)
  /// One entry a module.
  case explicit([Spanned<Int>])
}

package enum HeadSpec: Sendable {
  /// What the auxiliary section describes, for the last module.
  case auxiliary
  case classifier(ClassifierSpec)
}

// MARK: - Training

package struct TrainingSpec: Sendable {
  package var strategy: Spanned<Strategy>
  package var partition: PartitionSpec
  package var epochs: Spanned<Int>
  package var batch: Spanned<Int>
  package var dropLast: Spanned<Bool>
  /// Share of a label that all classes have alike.
  package var labelSmoothing: Spanned<Double>
  package var optimizer: OptimizerSpec
  package var schedule: ScheduleSpec
  /// Of the schedule's key.
  package var scheduleSpan: SourceSpan
  package var momentumAtDecay: Spanned<MomentumAtDecay>
  /// By module, from 1, in rising order.
  package var overrides: [TrainingOverride]
  /// `parallel`: epochs that a module starts behind the one before; 0: all start at once.
  package var startEvery: Spanned<Int>
  /// Present where the strategy is asynchronous or the section is written.
  package var asynchronous: AsynchronousSpec?
  package var seed: Spanned<UInt64>
}

/// Whether the optimiser's momentum survives a drop of the learning rate.
package enum MomentumAtDecay: String, Hashable, Sendable, CaseIterable {
  case keep, drop
}

/// A module that is trained for other epochs or from another learning rate; nil: as all are.
package struct TrainingOverride: Sendable {
  package var module: Spanned<Int>
  package var epochs: Spanned<Int>?
  package var learningRate: Spanned<Double>?
  /// Of its entry, as it is written: `training.overrides[2]`.
  package var path: String
}

/// The event simulation behind `strategy: asynchronous`.
package struct AsynchronousSpec: Sendable {
  /// Batches that each module keeps for the next.
  package var buffer: Spanned<Int>
  /// How often one of them may be read; nil: without limit.
  package var reuse: Spanned<Int?>
  package var slow: SlowModule?
  package var order: Spanned<AsynchronousOrder>
  package var ties: Spanned<BufferTies>
  package var atDecay: Spanned<BufferAtDecay>

  package struct SlowModule: Sendable {
    package var module: Spanned<Int>
    /// How many times slower it is than the others, at least 1.
    package var factor: Spanned<Double>
  }
}

/// Which module works next.
package enum AsynchronousOrder: String, Hashable, Sendable, CaseIterable {
  case random, sequential
}

/// Which of equally used batches is read: the last written, or, once the ring is full, the one at the write pointer.
package enum BufferTies: String, Hashable, Sendable, CaseIterable {
  case freshest
  case writePointer = "write-pointer"
}

/// Whether a module's buffer survives a drop of its learning rate.
package enum BufferAtDecay: String, Hashable, Sendable, CaseIterable {
  case keep, clear
}

package enum Strategy: String, Hashable, Sendable, CaseIterable {
  case sequential, parallel, asynchronous
  case endToEnd = "end-to-end"
}

package enum PartitionSpec: Sendable {
  case perLayer(SourceSpan)
  case perBlock(SourceSpan)
  case modules(Spanned<Int>)
  /// Modules begin at these items (layers or blocks, from 1); the first module begins at the front anyway.
  case cuts([Spanned<Int>], SourceSpan)
  /// The fewest modules that fit the budget; without one as `perLayer` or `perBlock`.
  case auto(SourceSpan)
}

package struct OptimizerSpec: Sendable {
  package var kind: Spanned<OptimizerKind>
  package var learningRate: Spanned<Double>
  package var momentum: Spanned<Double>
  package var nesterov: Spanned<Bool>
  package var weightDecay: Spanned<Double>
  package var decay: Spanned<DecayTarget>
  // adam
  package var beta1: Spanned<Double>
  package var beta2: Spanned<Double>
  package var epsilon: Spanned<Double>
}

package enum OptimizerKind: String, Hashable, Sendable, CaseIterable {
  case sgd, adam, adamw
}

/// What weight decay is for.
package enum DecayTarget: String, Hashable, Sendable, CaseIterable {
  case all
  /// Neither biases nor batch norm.
  case weights
}

/// Learning rate over epochs; epochs count from 1.
package enum ScheduleSpec: Sendable {
  case constant
  case step(every: Spanned<Int>, factor: Spanned<Double>)
  case milestones([Spanned<Int>], factor: Spanned<Double>)
  case cosine(warmUp: Spanned<Int>, floor: Spanned<Double>)
}

// MARK: - Memory

package struct MemorySpec: Sendable {
  package var budget: Spanned<MemoryBudget>?
  package var features: Spanned<FeaturePolicy>
}

package enum MemoryBudget: Hashable, Sendable {
  case bytes(Int)
  /// Of what the machine or its container allows.
  case percent(Double)
}

package enum FeaturePolicy: String, Hashable, Sendable, CaseIterable {
  case auto, recompute, cache
}
