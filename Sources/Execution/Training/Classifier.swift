package import Datasets
package import GraphIR
package import Planning

/// Classifies images batch by batch: runs a program whose output is logits.
package struct Classifier {
  private let engine: Engine
  private let program: Program
  private let logits: ValueID

  package init(engine: Engine, program: Program, logits: ValueID) {
    self.engine = engine
    self.program = program
    self.logits = logits
  }

  /// Calls `body` for each image of the test part, in order, with its label and its logits.
  ///
  /// - Returns: the first image whose logits are not finite; nil where all are. It ends there.
  package func run(
    _ images: ImagePreparer, _ body: (_ index: Int, _ label: Int32, _ logits: [Float]) -> Void
  ) -> Int? {
    let count = images.dataset.testCount
    let batch = program.graph.batch
    let classes = program.graph.shape(logits).channels
    for first in stride(from: 0, to: count, by: batch) {
      let indices = (first..<min(count, first + batch)).map { Int32($0) }
      engine.prepare(images, split: .test, indices: indices.span, epoch: nil, for: program)
      let labels = engine.labels(of: program, count: indices.count)
      engine.run(program, batch: indices.count)
      var rows: [[Float]] = []
      engine.withValue(logits, of: program) { floats in
        for row in 0..<indices.count {
          rows.append((0..<classes).map { floats[row * classes + $0] })
        }
      }
      for (row, numbers) in rows.enumerated() {
        guard numbers.allSatisfy(\.isFinite) else { return first + row }
        body(first + row, labels[row], numbers)
      }
    }
    return nil
  }
}
