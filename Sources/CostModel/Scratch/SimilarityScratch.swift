/// Where the similarity loss keeps what lies between its products, in floats from the start of its scratch.
package struct SimilarityScratch {
  package let units, unitGradient, difference, norms, losses, count: Int

  package init(rows: Int, features: Int) {
    units = 0
    unitGradient = rows * features
    difference = 2 * rows * features
    norms = difference + rows * rows
    losses = norms + rows
    count = losses + rows
  }
}

extension KernelScratch {
  package static func similarityLoss(rows: Int, features: Int) -> Scratch {
    Scratch(sharedFloats: SimilarityScratch(rows: rows, features: features).count)
  }
}
