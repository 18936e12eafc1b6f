/// How the types of an operation's operands and results must relate.
struct OperandTypes {
  var inputs: [TensorType]
  var outputs: [TensorType]

  func fault(of op: Op) -> String? {
    switch op {
    case .convolution(let c):
      convolution(c, x: inputs[0], filter: inputs[1], y: outputs[0]) ?? bias(of: c.outChannels)
    case .convolutionInputGradient(let c): convolution(c, x: outputs[0], filter: inputs[1], y: inputs[0])
    case .convolutionWeightGradient(let c): convolution(c, x: inputs[0], filter: outputs[0], y: inputs[1])
    case .linear(let outFeatures, _):
      linear(outFeatures, x: inputs[0], weight: inputs[1], y: outputs[0]) ?? bias(of: outFeatures)
    case .linearInputGradient: linear(nil, x: outputs[0], weight: inputs[1], y: inputs[0])
    case .linearWeightGradient: linear(nil, x: inputs[0], weight: outputs[0], y: inputs[1])
    case .biasGradient: perChannel(inputs[0], [outputs[0]])
    case .zeroGradient: nil
    case .foldBatchNorm: fold
    case .batchNorm:
      same([inputs[0], outputs[0]]) ?? perChannel(inputs[0], Array(inputs[1...]) + Array(outputs[1...]))
    case .batchNormBackward:
      same([inputs[0], inputs[1], outputs[0]])
        ?? perChannel(inputs[0], Array(inputs[2...]) + Array(outputs[1...]))
    case .relu: same([inputs[0], outputs[0]])
    case .reluBackward, .add: same(inputs + [outputs[0]])
    case .maxPool(let pool): maxPool(pool, x: inputs[0], y: outputs[0], indices: outputs.dropFirst().first)
    case .maxPoolBackward(let pool): maxPool(pool, x: outputs[0], y: inputs[0], indices: inputs[1])
    case .averagePool(let height, let width, let window):
      pictures(inputs[0], outputs[0]) {
        $1 == $0.with(height: height, width: width) && Self.isAveraged($0, $1, window)
      }
    case .averagePoolBackward(let window):
      pictures(outputs[0], inputs[0]) {
        $1 == $0.with(height: $1.height, width: $1.width) && Self.isAveraged($0, $1, window)
      }
    case .spaceToDepth: pictures(inputs[0], outputs[0], Self.isFolded)
    case .depthToSpace: pictures(outputs[0], inputs[0], Self.isFolded)
    case .subsample(let stride, let channels):
      pictures(inputs[0], outputs[0]) { Self.isSubsampled($0, $1, stride) && $1.channels == channels }
    case .subsampleBackward(let stride): pictures(outputs[0], inputs[0]) { Self.isSubsampled($0, $1, stride) }
    case .spatialDeviation: pictures(inputs[0], outputs[0], Self.isDeviation)
    case .spatialDeviationBackward:
      same([inputs[0], outputs[0]]) ?? same([inputs[1], inputs[2]])
        ?? pictures(inputs[0], inputs[1], Self.isDeviation)
    case .softmaxCrossEntropy: crossEntropy
    case .similarityLoss: similarity
    case .ensemble: same(inputs + [outputs[0]])
    case .recall: slot(of: inputs[0], inputs[1], x: outputs[0], labels: outputs[1])
    case .remember: slot(of: inputs[2], inputs[3], x: inputs[0], labels: inputs[1])
    case .accumulate, .update: same(inputs)
    case .channelScores(.taylor): same([inputs[1], inputs[2]]) ?? perChannel(inputs[1], [inputs[0]])
    case .channelScores(.activation): perChannel(inputs[1], [inputs[0]])
    case .channelScores(.weightNorm):
      if case .filter(_, _, let outChannels) = inputs[1], inputs[0] == .vector(outChannels) {
        nil
      } else {
        "a score for each filter"
      }
    }
  }

  private static func isFolded(_ big: Shape, _ small: Shape) -> Bool {
    small.height * 2 == big.height && small.width * 2 == big.width && small.channels == 4 * big.channels
      && small.batch == big.batch
  }

  private static func isSubsampled(_ big: Shape, _ small: Shape, _ stride: Int) -> Bool {
    (small.height - 1) * stride < big.height && small.height * stride >= big.height
      && (small.width - 1) * stride < big.width && small.width * stride >= big.width
      && small.channels >= big.channels && small.batch == big.batch
  }

  /// Adaptive windows go with any two sizes.
  private static func isAveraged(_ big: Shape, _ small: Shape, _ window: Int?) -> Bool {
    window.map { small.height == big.height / $0 && small.width == big.width / $0 } ?? true
  }

  private static func isDeviation(_ big: Shape, _ small: Shape) -> Bool {
    small == big.with(height: 1, width: 1) && big.height * big.width > 1
  }

  private func pictures(_ x: TensorType, _ y: TensorType, _ relation: (Shape, Shape) -> Bool) -> String? {
    guard case .pictures(let xShape) = x, case .pictures(let yShape) = y else { return "works on pictures" }
    return relation(xShape, yShape) ? nil : "\(xShape) does not go with \(yShape)"
  }

  private func convolution(_ c: Convolution, x: TensorType, filter: TensorType, y: TensorType) -> String? {
    if let fault = pictures(
      x, y,
      { x, y in
        y.batch == x.batch && y.channels == c.outChannels
          && (y.height - 1) * c.stride + c.kernelSize <= x.height + 2 * c.padding
          && y.height * c.stride + c.kernelSize > x.height + 2 * c.padding
          && (y.width - 1) * c.stride + c.kernelSize <= x.width + 2 * c.padding
          && y.width * c.stride + c.kernelSize > x.width + 2 * c.padding
      })
    {
      return fault
    }
    let fits =
      filter == .filter(kernelSize: c.kernelSize, inChannels: x.shape.channels, outChannels: c.outChannels)
    return fits ? nil : "the filter is \(filter)"
  }

  private func linear(_ outFeatures: Int?, x: TensorType, weight: TensorType, y: TensorType) -> String? {
    guard case .matrix(let rows, let height, let width, let channels) = weight else {
      return "the weight is \(weight)"
    }
    guard outFeatures == nil || outFeatures == rows else { return "makes \(rows) features" }
    return pictures(x, y) { x, y in
      x.height == height && x.width == width && x.channels == channels && y.batch == x.batch
        && y.elementsPerPicture == rows
    }
  }

  /// Of the third operand, where there is one.
  private func bias(of channels: Int) -> String? {
    inputs.count < 3 || inputs[2] == .vector(channels) ? nil : "the bias is \(inputs[2])"
  }

  private func perChannel(_ x: TensorType, _ vectors: [TensorType]) -> String? {
    guard case .pictures(let shape) = x else { return "works on pictures" }
    return vectors.allSatisfy { $0 == .vector(shape.channels) } ? nil : "needs vectors of \(shape.channels)"
  }

  private var fold: String? {
    guard case .filter(_, _, let outChannels) = inputs[0], outputs[0] == inputs[0] else {
      return "folds a filter"
    }
    let vectors = inputs[1...] + outputs[1...]
    return vectors.allSatisfy { $0 == .vector(outChannels) } ? nil : "needs vectors of \(outChannels)"
  }

  private func same(_ types: [TensorType]) -> String? {
    types.allSatisfy { $0 == types[0] } ? nil : "types differ: \(types)"
  }

  private func maxPool(_ pool: MaxPool, x: TensorType, y: TensorType, indices: TensorType?) -> String? {
    let fault = pictures(x, y) { x, y in
      y.batch == x.batch && y.channels == x.channels
        && (y.height - 1) * pool.stride + pool.window <= x.height + 2 * pool.padding
        && y.height * pool.stride + pool.window > x.height + 2 * pool.padding
        && (y.width - 1) * pool.stride + pool.window <= x.width + 2 * pool.padding
        && y.width * pool.stride + pool.window > x.width + 2 * pool.padding
    }
    if let fault { return fault }
    return indices.map { $0 == .windowIndices(y.shape) } ?? true ? nil : "the indices are of another shape"
  }

  /// A ring holds whole batches one behind the other.
  private func slot(
    of ring: TensorType, _ ringLabels: TensorType, x: TensorType, labels: TensorType
  ) -> String? {
    guard case .labels(let batch) = labels, case .labels(let ringBatch) = ringLabels, ringBatch > 0,
      ringBatch % batch == 0
    else { return "\(ringLabels) are no slots of \(labels)" }
    return pictures(ring, x) { ring, x in
      var slot = ring
      slot.batch = x.batch
      return slot == x && x.batch == batch && ring.batch == ringBatch
    }
  }

  private var similarity: String? {
    guard case .pictures(let z) = inputs[0] else { return "works on pictures" }
    guard inputs[1] == .labels(batch: z.batch) else { return "the labels are \(inputs[1])" }
    guard inputs[2] == .metrics, outputs[0] == .metrics else { return "mixes its loss into metrics" }
    return outputs.count == 1 || outputs[1] == inputs[0] ? nil : "the gradient is \(outputs[1])"
  }

  private var crossEntropy: String? {
    guard case .pictures(let logits) = inputs[0], logits.height == 1, logits.width == 1 else {
      return "the logits are \(inputs[0])"
    }
    guard inputs[1] == .labels(batch: logits.batch) else { return "the labels are \(inputs[1])" }
    guard outputs[0] == .metrics else { return "the first result is \(outputs[0])" }
    return outputs.count == 1 || outputs[1] == inputs[0] ? nil : "the gradient is \(outputs[1])"
  }
}
