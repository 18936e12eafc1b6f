/// Kinds of work that run at speeds of their own.
package enum WorkKind: Hashable, Sendable {
  /// Amounts are multiply-adds.
  case convolution(ConvolutionOperation, ConvolutionVariant)
  /// Amounts are multiply-adds.
  case linear(ConvolutionOperation)
  /// Amounts are bytes read and written.
  case sweep(Sweep)
  /// Making a batch of images of bytes or floats; amounts are bytes of the batch.
  case preparation
  /// Making a batch of made-up images; amounts are bytes of the batch.
  case synthesis

  package enum ConvolutionVariant: String, Hashable, Sendable, CaseIterable {
    case winograd4x4 = "winograd-4x4"
    case winograd2x2 = "winograd-2x2"
    case pointwise
    case im2col
    /// Of few input channels, whose patches are gathered in short runs.
    case narrow
    /// The input gradient of a stride, which is scattered.
    case scatter
  }

  /// One pass over memory, for each result.
  package enum Sweep: String, Hashable, Sendable, CaseIterable {
    case batchNormTraining = "batch-norm"
    case batchNormInference = "batch-norm-inference"
    case batchNormBackward = "batch-norm-backward"
    case elementwise, sgd, adam
    case columnSums = "column-sums"
    case maxPool = "max-pool"
    case maxPoolBackward = "max-pool-backward"
    case averagePool = "average-pool"
    case averagePoolBackward = "average-pool-backward"
    case rearrangement
  }

  /// As a profile has it.
  package var name: String {
    switch self {
    case .convolution(let operation, let variant): "convolution \(operation.rawValue) \(variant.rawValue)"
    case .linear(let operation): "linear \(operation.rawValue)"
    case .sweep(let sweep): "sweep \(sweep.rawValue)"
    case .preparation: "preparation"
    case .synthesis: "synthesis"
    }
  }

  package static let all: [WorkKind] =
    ConvolutionOperation.allCases.flatMap { operation in
      ConvolutionVariant.allCases.map { .convolution(operation, $0) } + [.linear(operation)]
    } + Sweep.allCases.map { .sweep($0) } + [.preparation, .synthesis]
}

/// A piece of work, as far as its time depends on it.
package struct Work: Hashable, Sendable {
  package var kind: WorkKind
  /// Multiply-adds or bytes.
  package var amount: Double
  /// Channels or features in the mean; bytes of a sweep.
  package var size: Double
  /// Rows of the matrix that is multiplied; 1 for a sweep.
  package var rows: Double

  package init(_ kind: WorkKind, amount: Double, size: Double, rows: Double = 1) {
    self.kind = kind
    self.amount = amount
    self.size = size
    self.rows = rows
  }
}

extension Work {
  /// One of a convolution's three products.
  package static func convolution(
    _ operation: ConvolutionOperation, _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
  ) -> Work {
    let (ins, outs) = (Double(geometry.inChannels), Double(geometry.outChannels))
    let rows = Double(geometry.outRows)
    func winograd(_ tile: Int, _ variant: WorkKind.ConvolutionVariant) -> Work {
      // Tiles that stick out of the image are work as well, and so are the parts' taps behind a larger kernel's edge.
      let cost = WinogradCost(geometry, tile: tile)
      let outputs = Double(cost.tiles * tile * tile)
      return Work(
        .convolution(operation, variant), amount: 9 * Double(cost.parts) * ins * outs * outputs,
        size: (ins * outs).squareRoot(), rows: outputs)
    }
    switch algorithm {
    case .winograd4x4: return winograd(4, .winograd4x4)
    case .winograd2x2: return winograd(2, .winograd2x2)
    case .pointwise:
      return Work(
        .convolution(operation, .pointwise), amount: Double(geometry.multiplyAdds),
        size: (ins * outs).squareRoot(), rows: rows)
    case .im2col:
      let variant: WorkKind.ConvolutionVariant =
        operation == .inputGradient
        ? (geometry.stride > 1 ? .scatter : .im2col) : geometry.inChannels < 8 ? .narrow : .im2col
      // Channels that a 3x3 convolution of the same products would have.
      let size = variant == .narrow ? outs : (Double(geometry.patchSize) / 9 * outs).squareRoot()
      return Work(
        .convolution(operation, variant), amount: Double(geometry.multiplyAdds), size: size, rows: rows)
    }
  }

  package static func linear(_ operation: ConvolutionOperation, rows: Int, ins: Int, outs: Int) -> Work {
    Work(
      .linear(operation), amount: Double(rows) * Double(ins) * Double(outs),
      size: (Double(ins) * Double(outs)).squareRoot(), rows: Double(rows))
  }

  package static func sweep(_ sweep: WorkKind.Sweep, byteCount: Int) -> Work {
    Work(.sweep(sweep), amount: Double(byteCount), size: Double(max(1, byteCount)))
  }
}
