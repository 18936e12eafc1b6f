package import Diagnostics

package struct ValueID: Hashable, Sendable, Comparable {
  package let index: Int

  package init(index: Int) {
    self.index = index
  }

  package static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// Why a value's memory is there; the plan's memory figures are by category.
package enum ValueCategory: String, Hashable, Sendable, CaseIterable {
  case batch, parameter, statistics, gradient, optimizer, activation
  /// Batches that one module keeps for the next, from step to step.
  case replay
  /// Sums of gradients over the pieces of a batch.
  case accumulator

  /// Whether such a value is still there when the next step begins: it has a place of its own, and may change in place.
  package var outlivesStep: Bool {
    switch self {
    case .parameter, .statistics, .optimizer, .replay, .accumulator: true
    case .batch, .gradient, .activation: false
    }
  }
}

/// How a parameter or statistic starts. Uniform bounds follow PyTorch's defaults: U(-1/sqrt(fanIn), 1/sqrt(fanIn)).
package enum InitialValue: Hashable, Sendable {
  case zeros, ones
  case uniformFanIn(Int)
  /// U(0, 1): what PyTorch up to 1.1 drew for batch-norm scales.
  case uniformUnit
  case normal(standardDeviation: Double)
}

package struct Value: Hashable, Sendable {
  /// Parameters and statistics have the name that the model file uses; others a readable one, not unique.
  package var name: String
  package var type: TensorType
  package var category: ValueCategory
  /// From 1; 0 belongs to no module (the batch).
  package var module: Int
  /// Parameters, statistics, optimizer state.
  package var initial: InitialValue?

  package init(
    name: String, type: TensorType, category: ValueCategory, module: Int, initial: InitialValue? = nil
  ) {
    self.name = name
    self.type = type
    self.category = category
    self.module = module
    self.initial = initial
  }
}

/// Which part of its module a node belongs to.
package enum Part: String, Hashable, Sendable, CaseIterable {
  case layers, auxiliary
}

package struct Node: Hashable, Sendable {
  package var op: Op
  /// Never inside `Op`: graph walks need no switch.
  package var operands: [ValueID]
  package var results: [ValueID]
  /// The spec's text behind the node; no pass may lose it.
  package var origin: SourceSpan
  /// Layer (vgg) or block (resnet) from 1; the stem is item 0.
  package var item: Int
  /// From 1; 0 before partition.
  package var module: Int
  package var part: Part
  /// The operand (by position) whose memory the first result takes over; the operand is dead from here on.
  package var overwrites: Int?
  /// Nothing is differentiated with respect to operand 0: the node watches, and must not teach what it watches.
  package var isDetached = false
  /// Makes once more what an earlier node made and nobody kept.
  package var isRecomputed = false

  package init(
    op: Op, operands: [ValueID], results: [ValueID], origin: SourceSpan, item: Int, module: Int = 0,
    part: Part = .layers
  ) {
    self.op = op
    self.operands = operands
    self.results = results
    self.origin = origin
    self.item = item
    self.module = module
    self.part = part
  }
}

/// A program over values: nodes run in order. Values that no node defines are the batch, parameters, statistics and
/// optimizer state.
package struct Graph: Hashable, Sendable {
  package var values: [Value]
  package var nodes: [Node]
  /// What a batch is: images, or what one module outputs to the next.
  package var images: ValueID
  /// The module that passes it on; 0: the batch is of images.
  package var inputModule = 0
  package var labels: ValueID
  /// Module outputs, by module from 1, once partitioned: what is passed on. In a stage's program only what is read behind
  /// its last node.
  package var moduleOutputs: [ValueID]
  /// What the program is run for: metrics, by module, those of ensembles behind the modules' own. Everything else may be
  /// removed.
  package var metrics: [Metric]

  package struct Metric: Hashable, Sendable {
    /// Of an ensemble the last module in it.
    package var module: Int
    /// Of all measured modules up to this one.
    package var isEnsemble: Bool
    package var value: ValueID
    package var logits: ValueID

    package init(module: Int, isEnsemble: Bool = false, value: ValueID, logits: ValueID) {
      self.module = module
      self.isEnsemble = isEnsemble
      self.value = value
      self.logits = logits
    }
  }

  package init(images: Value, labels: Value) {
    values = [images, labels]
    nodes = []
    self.images = ValueID(index: 0)
    self.labels = ValueID(index: 1)
    moduleOutputs = []
    metrics = []
  }

  package subscript(id: ValueID) -> Value {
    get { values[id.index] }
    set { values[id.index] = newValue }
  }

  package mutating func addValue(_ value: Value) -> ValueID {
    values.append(value)
    return ValueID(index: values.count - 1)
  }

  package func shape(_ id: ValueID) -> Shape { self[id].type.shape }

  package var batch: Int { shape(images).batch }
  package var moduleCount: Int { moduleOutputs.count }
}
