package import CostModel
package import Diagnostics
package import GraphIR

/// Appends forward operations to a graph, with their shapes inferred and their parameters made. Callers have checked
/// that shapes work out; the builder traps where they do not.
package struct GraphBuilder {
  package var graph: Graph
  /// Stamped on every node made from here on.
  package var origin: SourceSpan
  package var item = 0
  package var module = 0
  package var part = Part.layers
  package var batchNormScale = InitialValue.ones
  /// He et al.'s normal weights by fan-out for convolutions, and N(0, 0.01) for linear layers, instead of PyTorch's.
  package var heFanOut = false
  /// Behind every layer.
  package var activation = Activation.relu
  /// Of the modules' losses.
  package var labelSmoothing = 0.0

  package init(graph: Graph, origin: SourceSpan) {
    self.graph = graph
    self.origin = origin
  }

  private mutating func append(
    _ definition: some OperatorDefinition, _ operands: [ValueID], makes type: TensorType, named name: String
  ) -> ValueID {
    let result = graph.addValue(Value(name: name, type: type, category: .activation, module: module))
    graph.nodes.append(
      Node(
        op: Op(definition), operands: operands, results: [result], origin: origin, item: item,
        module: module, part: part))
    return result
  }

  private mutating func parameter(_ name: String, _ type: TensorType, _ initial: InitialValue) -> ValueID {
    graph.addValue(Value(name: name, type: type, category: .parameter, module: module, initial: initial))
  }

  private mutating func statistic(_ name: String, count: Int, _ initial: InitialValue) -> ValueID {
    graph.addValue(
      Value(name: name, type: .vector(count), category: .statistics, module: module, initial: initial))
  }

  /// Parameters `NAME.weight` and, with `bias`, `NAME.bias`.
  package mutating func convolution(_ x: ValueID, _ attributes: Convolution, bias: Bool, name: String)
    -> ValueID
  {
    let shape = graph.shape(x)
    let geometry = attributes.geometry(input: shape)
    precondition(geometry.outHeight > 0 && geometry.outWidth > 0, "lowering checks extents")
    let fanOut = attributes.kernelSize * attributes.kernelSize * attributes.outChannels
    let filter = parameter(
      "\(name).weight",
      .filter(
        kernelSize: attributes.kernelSize, inChannels: shape.channels, outChannels: attributes.outChannels),
      heFanOut
        ? .normal(standardDeviation: (2 / Double(fanOut)).squareRoot()) : .uniformFanIn(geometry.patchSize))
    var operands = [x, filter]
    if bias {
      operands.append(
        parameter(
          "\(name).bias", .vector(attributes.outChannels),
          heFanOut ? .zeros : .uniformFanIn(geometry.patchSize)))
    }
    let out = Shape(
      batch: shape.batch, height: geometry.outHeight, width: geometry.outWidth,
      channels: attributes.outChannels)
    return append(attributes, operands, makes: .images(out), named: name)
  }

  /// A fully connected layer over the flattened image.
  package mutating func linear(_ x: ValueID, outFeatures: Int, name: String) -> ValueID {
    let shape = graph.shape(x)
    let fanIn = shape.elementsPerImage
    let weight = parameter(
      "\(name).weight",
      .matrix(outFeatures: outFeatures, height: shape.height, width: shape.width, channels: shape.channels),
      heFanOut ? .normal(standardDeviation: 0.01) : .uniformFanIn(fanIn))
    let bias = parameter("\(name).bias", .vector(outFeatures), heFanOut ? .zeros : .uniformFanIn(fanIn))
    let out = Shape(batch: shape.batch, height: 1, width: 1, channels: outFeatures)
    return append(
      Linear(outFeatures: outFeatures), [x, weight, bias], makes: .images(out), named: name)
  }

  /// Parameters `NAME.weight` (scale) and `NAME.bias` (shift), statistics `NAME.running_mean`, `NAME.running_var`.
  package mutating func batchNorm(_ x: ValueID, name: String) -> ValueID {
    let shape = graph.shape(x)
    let operands = [
      x,
      parameter("\(name).weight", .vector(shape.channels), batchNormScale),
      parameter("\(name).bias", .vector(shape.channels), .zeros),
      statistic("\(name).running_mean", count: shape.channels, .zeros),
      statistic("\(name).running_var", count: shape.channels, .ones),
    ]
    return append(BatchNorm(), operands, makes: .images(shape), named: name)
  }

  /// - Parameter activation: nil for the network's.
  package mutating func activate(_ x: ValueID, _ activation: Activation? = nil) -> ValueID {
    let activation = activation ?? self.activation
    return append(Activate(activation), [x], makes: graph[x].type, named: activation.word)
  }

  package mutating func add(_ a: ValueID, _ b: ValueID) -> ValueID {
    precondition(graph.shape(a) == graph.shape(b), "lowering projects the shortcut where shapes differ")
    return append(Addition(), [a, b], makes: graph[a].type, named: "sum")
  }

  package mutating func maxPool(_ x: ValueID, _ pool: MaxPool) -> ValueID {
    let shape = graph.shape(x)
    let extent = { (size: Int) in (size + 2 * pool.padding - pool.window) / pool.stride + 1 }
    precondition(
      min(shape.height, shape.width) + 2 * pool.padding >= pool.window, "lowering rejects pools to nothing")
    let out = shape.with(height: extent(shape.height), width: extent(shape.width))
    return append(pool, [x], makes: .images(out), named: "max_pool")
  }

  /// Nothing where the image has that size already.
  package mutating func averagePool(_ x: ValueID, height: Int, width: Int) -> ValueID {
    let shape = graph.shape(x)
    if shape.height == height && shape.width == width { return x }
    let out = shape.with(height: height, width: width)
    return append(
      AveragePool(height: height, width: width), [x], makes: .images(out), named: "average_pool")
  }

  /// 2x2 windows; a last row or column of an odd size is in none.
  package mutating func halvingAveragePool(_ x: ValueID) -> ValueID {
    let shape = graph.shape(x)
    precondition(shape.height > 1 && shape.width > 1, "lowering rejects halvings to nothing")
    let out = shape.with(height: shape.height / 2, width: shape.width / 2)
    // Of even sizes adaptive windows are the same ones.
    let isEven = shape.height % 2 == 0 && shape.width % 2 == 0
    return append(
      AveragePool(height: out.height, width: out.width, window: isEven ? nil : 2), [x],
      makes: .images(out), named: "average_pool")
  }

  package mutating func spaceToDepth(_ x: ValueID) -> ValueID {
    let shape = graph.shape(x)
    precondition(shape.height % 2 == 0 && shape.width % 2 == 0, "lowering rejects odd halvings")
    let out = shape.with(height: shape.height / 2, width: shape.width / 2, channels: 4 * shape.channels)
    return append(SpaceToDepth(), [x], makes: .images(out), named: "space_to_depth")
  }

  package mutating func subsample(_ x: ValueID, stride: Int, channels: Int) -> ValueID {
    let shape = graph.shape(x)
    let out = shape.with(
      height: (shape.height + stride - 1) / stride, width: (shape.width + stride - 1) / stride,
      channels: channels)
    return append(
      Subsample(stride: stride, channels: channels), [x], makes: .images(out), named: "subsample")
  }

  package mutating func spatialDeviation(_ x: ValueID) -> ValueID {
    append(
      SpatialDeviation(), [x], makes: .images(graph.shape(x).with(height: 1, width: 1)), named: "deviation")
  }

  /// The module's loss and its figures; an ensemble's, which has nothing to learn.
  ///
  /// - Parameters:
  ///   - weight: of the cross entropy's gradient.
  ///   - similarity: features for Nøkland and Eidnes' loss, and its weight in the module's.
  package mutating func loss(
    logits: ValueID, weight: Double = 1, similarity: (features: ValueID, weight: Double)? = nil,
    metricsOf index: Int, ofEnsemble isEnsemble: Bool = false
  ) {
    var metrics = append(
      SoftmaxCrossEntropy(weight: weight, smoothing: isEnsemble ? 0 : labelSmoothing),
      [logits, graph.labels], makes: .metrics,
      named: isEnsemble ? "ensemble" : "loss")
    if let similarity {
      metrics = append(
        SimilarityLoss(weight: similarity.weight, classes: graph.shape(logits).channels),
        [similarity.features, graph.labels, metrics], makes: .metrics, named: "loss")
    }
    graph.metrics.append(
      Graph.Metric(module: index, isEnsemble: isEnsemble, value: metrics, logits: logits))
  }

  /// - Parameter share: of the module's logits in the mean; the ensemble so far has the rest.
  package mutating func ensemble(
    _ soFar: ValueID, with logits: ValueID, share: Double, meanOf mean: EnsembleMean
  ) -> ValueID {
    append(
      Ensemble(mean, share: share), [soFar, logits], makes: graph[logits].type, named: "ensemble_logits")
  }
}
