internal import CostModel
internal import GraphIR
internal import Kernels
internal import Planning

/// Runs one node: looks the kernel up and hands it its slices of the arena. Nothing is allocated.
///
/// Pictures come first in every value, so a smaller batch uses the front of each slice.
@unsafe struct KernelDispatch {
  let base: UnsafeMutableRawPointer
  let program: Program
  /// Pictures at hand, at most the planned batch.
  let batch: Int
  let piece: StepPiece
  let workers: Workers

  private func floats(_ id: ValueID) -> UnsafeMutablePointer<Float> {
    let value = unsafe program.graph[id]
    return unsafe (base + program.offsets[id.index]).bindMemory(
      to: Float.self, capacity: value.type.elementCount)
  }

  private func bytes(_ id: ValueID) -> UnsafeMutablePointer<UInt8> {
    let value = unsafe program.graph[id]
    return unsafe (base + program.offsets[id.index]).bindMemory(
      to: UInt8.self, capacity: value.type.elementCount)
  }

  private func labels(_ id: ValueID) -> UnsafePointer<Int32> {
    unsafe UnsafePointer((base + program.offsets[id.index]).bindMemory(to: Int32.self, capacity: batch))
  }

  private func shape(_ id: ValueID) -> Shape {
    var shape = unsafe program.graph.shape(id)
    shape.batch = unsafe batch
    return shape
  }

  /// - Parameter clock: of the node's module.
  func run(_ index: Int, clock: ModuleClock) {
    let node = unsafe program.graph.nodes[index]
    let scratch = unsafe program.scratch(ofNode: index)
    let context = unsafe KernelContext(
      workers: workers, scratch: scratch.map { unsafe base + $0.lowerBound },
      scratchByteCount: scratch?.count ?? 0)
    switch node.op {
    case .foldBatchNorm: unsafe foldBatchNorm(node, context)
    case .recall:
      unsafe copyBatch(
        from: (node.operands[0], node.operands[1]), slot: clock.slotRead,
        to: (node.results[0], node.results[1]), slot: 0, context)
    case .remember:
      unsafe copyBatch(
        from: (node.operands[0], node.operands[1]), slot: 0,
        to: (node.operands[2], node.operands[3]), slot: clock.slotWritten, context)
    case .zeroGradient:
      let count = unsafe program.graph[node.results[0]].type.elementCount
      unsafe floats(node.results[0]).update(repeating: 0, count: count)
    case .convolution, .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .spatialDeviation, .softmaxCrossEntropy, .similarityLoss, .ensemble:
      unsafe forward(node, context)
    case .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace, .subsampleBackward, .spatialDeviationBackward:
      unsafe backward(node, context)
    case .accumulate, .channelScores, .update: unsafe update(node, clock, context)
    }
  }

  /// Features and labels of the batch at hand, from and to whole batches of rings.
  private func copyBatch(
    from source: (features: ValueID, labels: ValueID), slot sourceSlot: Int,
    to target: (features: ValueID, labels: ValueID), slot targetSlot: Int, _ context: KernelContext
  ) {
    let planned = unsafe program.graph.batch
    let size = unsafe program.graph.shape(target.features).elementsPerPicture
    unsafe copyElements(
      from: UnsafePointer(floats(source.features)) + sourceSlot * planned * size,
      to: floats(target.features) + targetSlot * planned * size, count: batch * size, context: context)
    let places = unsafe UnsafeMutablePointer(mutating: labels(target.labels)) + targetSlot * planned
    unsafe places.update(from: labels(source.labels) + sourceSlot * planned, count: batch)
  }

  /// The losses are means over the whole batch, of which this may be a piece.
  private func share(of weight: Double) -> Float {
    unsafe Float(weight) * (Float(batch) / Float(piece.batch))
  }

  private func foldBatchNorm(_ node: Node, _ context: KernelContext) {
    let outChannels = unsafe program.graph[node.results[1]].type.elementCount
    unsafe Kernels.foldBatchNorm(
      filter: floats(node.operands[0]), bias: node.operands.count > 5 ? floats(node.operands[5]) : nil,
      scale: floats(node.operands[1]), shift: floats(node.operands[2]), runningMean: floats(node.operands[3]),
      runningVariance: floats(node.operands[4]), foldedFilter: floats(node.results[0]),
      foldedBias: floats(node.results[1]),
      patchSize: program.graph[node.operands[0]].type.elementCount / outChannels, outChannels: outChannels,
      epsilon: BatchNorm.epsilon, context: context)
  }

  private func forward(_ node: Node, _ context: KernelContext) {
    let x = unsafe floats(node.operands[0])
    let y = unsafe floats(node.results[0])
    let input = unsafe shape(node.operands[0])
    switch node.op {
    case .convolution(let c):
      unsafe convolutionForward(
        x: x, filter: floats(node.operands[1]),
        bias: node.operands.count > 2 ? floats(node.operands[2]) : nil, y: y,
        relu: c.relu, geometry: c.geometry(input: input), algorithm: c.algorithm, context: context)
    case .linear(let outFeatures, let relu):
      unsafe linearForward(
        x: x, weight: floats(node.operands[1]),
        bias: node.operands.count > 2 ? floats(node.operands[2]) : nil, y: y,
        rows: batch, inFeatures: input.elementsPerPicture, outFeatures: outFeatures, relu: relu,
        context: context)
    case .batchNorm(let norm):
      switch norm.mode {
      case .training, .batch:
        let moves = norm.mode == .training
        unsafe batchNormTraining(
          x: x, scale: floats(node.operands[1]), shift: floats(node.operands[2]),
          runningMean: moves ? floats(node.operands[3]) : nil,
          runningVariance: moves ? floats(node.operands[4]) : nil, y: y,
          savedMean: floats(node.results[1]), savedInverseDeviation: floats(node.results[2]),
          rows: input.rows, channels: input.channels, relu: norm.relu, epsilon: BatchNorm.epsilon,
          momentum: BatchNorm.momentum, context: context)
      case .inference:
        unsafe batchNormInference(
          x: x, scale: floats(node.operands[1]), shift: floats(node.operands[2]),
          runningMean: floats(node.operands[3]), runningVariance: floats(node.operands[4]), y: y,
          rows: input.rows,
          channels: input.channels, relu: norm.relu, epsilon: BatchNorm.epsilon, context: context)
      case .saved:
        unsafe batchNormSaved(
          x: x, scale: floats(node.operands[1]), shift: floats(node.operands[2]),
          savedMean: floats(node.operands[3]), savedInverseDeviation: floats(node.operands[4]), y: y,
          rows: input.rows, channels: input.channels, relu: norm.relu, context: context)
      }
    case .relu: unsafe reluForward(x: x, y: y, count: input.elementCount, context: context)
    case .add(let relu):
      unsafe addForward(
        a: x, b: floats(node.operands[1]), y: y, count: input.elementCount, relu: relu, context: context)
    case .maxPool(let pool):
      unsafe maxPoolForward(
        x: x, y: y, argmax: node.results.count > 1 ? bytes(node.results[1]) : nil, batch: batch,
        height: input.height, width: input.width, channels: input.channels, window: pool.window,
        stride: pool.stride, padding: pool.padding, context: context)
    case .averagePool(let height, let width, let window):
      unsafe averagePoolForward(
        x: x, y: y, batch: batch, height: input.height, width: input.width, channels: input.channels,
        outHeight: height, outWidth: width, window: window, context: context)
    case .spaceToDepth:
      unsafe spaceToDepth(
        x: x, y: y, batch: batch, height: input.height, width: input.width, channels: input.channels,
        context: context)
    case .subsample(let stride, let channels):
      unsafe subsampleForward(
        x: x, y: y, batch: batch, height: input.height, width: input.width, channels: input.channels,
        stride: stride, outChannels: channels, context: context)
    case .spatialDeviation:
      unsafe spatialDeviationForward(
        x: x, y: y, batch: batch, pixels: input.height * input.width, channels: input.channels,
        context: context)
    case .similarityLoss(let weight, let classes):
      unsafe similarityLoss(
        z: x, labels: labels(node.operands[1]), metrics: floats(node.operands[2]), newMetrics: y,
        dz: node.results.count > 1 ? floats(node.results[1]) : nil, rows: batch,
        features: input.elementsPerPicture, classes: classes, weight: Float(weight), context: context)
    case .softmaxCrossEntropy(let weight):
      unsafe softmaxCrossEntropy(
        logits: x, labels: labels(node.operands[1]),
        logitGradient: node.results.count > 1 ? floats(node.results[1]) : nil, metrics: y, rows: batch,
        classes: input.channels, weight: share(of: weight), context: context)
    case .ensemble(let mean, let share):
      let (rest, share) = (Float(1 - share), Float(share))
      let logits = unsafe floats(node.operands[1])
      switch mean {
      case .logits:
        unsafe accumulateScaled(
          x: x, scale: rest, y: y, count: input.elementCount, overwrites: true, context: context)
        unsafe accumulateScaled(
          x: logits, scale: share, y: y, count: input.elementCount, overwrites: false, context: context)
      case .probabilities:
        // An ensemble's logits are logarithms of probabilities: their softmax gives these back.
        unsafe accumulateSoftmax(
          x: x, scale: rest, y: y, rows: input.rows, classes: input.channels, overwrites: true,
          context: context)
        unsafe accumulateSoftmax(
          x: logits, scale: share, y: y, rows: input.rows, classes: input.channels, overwrites: false,
          context: context)
        unsafe logarithms(y, count: input.elementCount, context: context)
      }
    case .foldBatchNorm, .recall, .remember, .convolutionInputGradient, .convolutionWeightGradient,
      .biasGradient,
      .zeroGradient,
      .linearInputGradient, .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward,
      .averagePoolBackward, .depthToSpace, .subsampleBackward, .spatialDeviationBackward, .accumulate,
      .channelScores, .update:
      preconditionFailure("not a forward operation")
    }
  }

  private func backward(_ node: Node, _ context: KernelContext) {
    let first = unsafe floats(node.operands[0])
    let out = unsafe floats(node.results[0])
    switch node.op {
    case .convolutionInputGradient(let c):
      unsafe convolutionInputGradient(
        dy: first, filter: floats(node.operands[1]), dx: out,
        geometry: c.geometry(input: shape(node.results[0])),
        algorithm: c.algorithm, context: context)
    case .convolutionWeightGradient(let c):
      unsafe convolutionWeightGradient(
        x: first, dy: floats(node.operands[1]), dFilter: out,
        geometry: c.geometry(input: shape(node.operands[0])),
        algorithm: c.algorithm, context: context)
    case .biasGradient:
      let dy = unsafe shape(node.operands[0])
      unsafe columnSums(x: first, sums: out, rows: dy.rows, columns: dy.channels, context: context)
    case .linearInputGradient:
      unsafe linearInputGradient(
        dy: first, weight: floats(node.operands[1]), dx: out, rows: batch,
        inFeatures: shape(node.results[0]).elementsPerPicture, outFeatures: shape(node.operands[0]).channels,
        context: context)
    case .linearWeightGradient:
      unsafe linearWeightGradient(
        x: first, dy: floats(node.operands[1]), dWeight: out, rows: batch,
        inFeatures: shape(node.operands[0]).elementsPerPicture, outFeatures: shape(node.operands[1]).channels,
        context: context)
    case .batchNormBackward(let relu):
      let x = unsafe shape(node.operands[0])
      unsafe batchNormBackward(
        x: first, dy: floats(node.operands[1]), scale: floats(node.operands[2]),
        shift: floats(node.operands[3]),
        savedMean: floats(node.operands[4]), savedInverseDeviation: floats(node.operands[5]), dx: out,
        dScale: floats(node.results[1]), dShift: floats(node.results[2]), rows: x.rows, channels: x.channels,
        relu: relu, context: context)
    case .reluBackward:
      unsafe reluBackward(
        y: first, dy: floats(node.operands[1]), dx: out, count: shape(node.operands[0]).elementCount,
        context: context)
    case .maxPoolBackward(let pool):
      let x = unsafe shape(node.results[0])
      unsafe maxPoolBackward(
        dy: first, argmax: bytes(node.operands[1]), dx: out, batch: batch, height: x.height, width: x.width,
        channels: x.channels, window: pool.window, stride: pool.stride, padding: pool.padding,
        context: context)
    case .averagePoolBackward(let window):
      let x = unsafe shape(node.results[0])
      let y = unsafe shape(node.operands[0])
      unsafe averagePoolBackward(
        dy: first, dx: out, batch: batch, height: x.height, width: x.width, channels: x.channels,
        outHeight: y.height, outWidth: y.width, window: window, context: context)
    case .depthToSpace:
      let x = unsafe shape(node.results[0])
      unsafe depthToSpace(
        x: first, y: out, batch: batch, height: x.height, width: x.width, channels: x.channels,
        context: context)
    case .spatialDeviationBackward:
      let x = unsafe shape(node.operands[0])
      unsafe spatialDeviationBackward(
        x: first, y: floats(node.operands[1]), dy: floats(node.operands[2]), dx: out, batch: batch,
        pixels: x.height * x.width, channels: x.channels, context: context)
    case .subsampleBackward(let stride):
      let x = unsafe shape(node.results[0])
      unsafe subsampleBackward(
        dy: first, dx: out, batch: batch, height: x.height, width: x.width, channels: x.channels,
        stride: stride,
        outChannels: shape(node.operands[0]).channels, context: context)
    case .zeroGradient, .convolution, .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth,
      .subsample, .spatialDeviation, .foldBatchNorm, .softmaxCrossEntropy, .similarityLoss, .ensemble,
      .recall, .remember, .accumulate, .channelScores, .update:
      preconditionFailure("not a backward operation")
    }
  }

  /// Of the batch at hand, whose loss is the mean over it.
  private func addScores(_ criterion: ChannelCriterion, _ node: Node, _ context: KernelContext) {
    let scores = unsafe floats(node.operands[0])
    let watched = unsafe floats(node.operands[1])
    let channels = unsafe program.graph[node.operands[0]].type.elementCount
    switch criterion {
    case .taylor:
      let z = unsafe shape(node.operands[1])
      unsafe addTaylorScores(
        z: watched, dz: floats(node.operands[2]), scores: scores, batch: batch, pixels: z.height * z.width,
        channels: channels, lossScale: Float(piece.batch), context: context)
    case .activation:
      let z = unsafe shape(node.operands[1])
      unsafe addActivationScores(
        z: watched, scores: scores, batch: batch, pixels: z.height * z.width, channels: channels,
        context: context)
    case .weightNorm:
      let count = unsafe program.graph[node.operands[1]].type.elementCount
      unsafe addFilterNorms(
        filter: watched, scores: scores, patchSize: count / channels, outChannels: channels, context: context)
    }
  }

  private func update(_ node: Node, _ clock: ModuleClock, _ context: KernelContext) {
    let weights = unsafe floats(node.operands[0])
    let gradient = unsafe floats(node.operands[1])
    let count = unsafe program.graph[node.operands[0]].type.elementCount
    switch node.op {
    case .accumulate:
      unsafe accumulateScaled(
        x: gradient, scale: 1, y: weights, count: count, overwrites: piece.isFirst, context: context)
    case .channelScores(let criterion):
      unsafe addScores(criterion, node, context)
    case .update(let optimizer) where unsafe !optimizer.addsUpInState && !piece.isLast: break
    case .update(.sgd(let momentum, let weightDecay, nesterov: false))
    where unsafe !(piece.isFirst && piece.isLast):
      unsafe sgdPiece(
        weights: weights, velocity: floats(node.operands[2]), gradient: gradient, count: count,
        learningRate: clock.learningRate, momentum: Float(momentum), weightDecay: Float(weightDecay),
        isFirst: piece.isFirst, isLast: piece.isLast, context: context)
    case .update(.sgd(let momentum, let weightDecay, let nesterov)):
      unsafe sgdStep(
        weights: weights, velocity: floats(node.operands[2]), gradient: gradient, count: count,
        learningRate: clock.learningRate, momentum: Float(momentum), weightDecay: Float(weightDecay),
        nesterov: nesterov, context: context)
    case .update(.adam(let beta1, let beta2, let epsilon, let weightDecay)):
      unsafe adamStep(
        weights: weights, firstMoment: floats(node.operands[2]), secondMoment: floats(node.operands[3]),
        gradient: gradient, count: count, learningRate: clock.learningRate, beta1: beta1,
        beta2: beta2, epsilon: Float(epsilon), weightDecay: Float(weightDecay), step: clock.step,
        context: context)
    case .convolution, .linear, .batchNorm, .relu, .add, .maxPool, .averagePool, .spaceToDepth, .subsample,
      .spatialDeviation, .foldBatchNorm,
      .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember, .convolutionInputGradient,
      .convolutionWeightGradient,
      .biasGradient, .zeroGradient,
      .linearInputGradient, .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward,
      .averagePoolBackward, .depthToSpace, .subsampleBackward, .spatialDeviationBackward:
      preconditionFailure("not an update")
    }
  }
}
