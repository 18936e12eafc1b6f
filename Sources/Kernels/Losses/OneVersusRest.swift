internal import CostModel
import Glibc

/// One-versus-rest logistic loss of `logits` [rows, classes] against `labels` [rows]: the mean over the rows of the classes'
/// log losses. `logits` become the gradient.
///
/// - Parameter blockLosses: room for `oneVersusRestBlockCount` sums.
/// - Returns: the loss.
package func oneVersusRestLoss(
  logits: UnsafeMutablePointer<Float>, labels: UnsafePointer<Int32>, rows: Int, classes: Int,
  blockLosses: UnsafeMutablePointer<Double>, workers: Workers
) -> Double {
  let blocks = Blocks.rows(rows, columns: classes * 8)
  let scale = 1 / Float(rows)
  workers.forEach(blocks.blockCount) { item, _ in
    var sum = 0.0
    for row in blocks[item] {
      let logits = logits + row * classes
      let label = Int(labels[row])
      for c in 0..<classes {
        let z = logits[c]
        let isOwn = c == label
        // log(1 + e^z) - z [own class], without overflow.
        sum += Double(max(z, 0) + log1pf(expf(-abs(z))) - (isOwn ? z : 0))
        let probability = z >= 0 ? 1 / (1 + expf(-z)) : expf(z) / (1 + expf(z))
        logits[c] = (probability - (isOwn ? 1 : 0)) * scale
      }
    }
    blockLosses[item] = sum
  }
  var loss = 0.0
  for block in 0..<blocks.blockCount { loss += blockLosses[block] }
  return loss / Double(rows)
}

package func oneVersusRestBlockCount(rows: Int, classes: Int) -> Int {
  Blocks.rows(rows, columns: classes * 8).blockCount
}

/// For each row the class with the greatest logit, the lower one of equals.
package func greatestLogits(
  _ logits: UnsafePointer<Float>, rows: Int, classes: Int, into winners: UnsafeMutablePointer<Int32>,
  workers: Workers
) {
  let blocks = Blocks.rows(rows, columns: classes)
  workers.forEach(blocks.blockCount) { item, _ in
    for row in blocks[item] {
      let logits = logits + row * classes
      var winner = 0
      for c in 1..<max(1, classes) where logits[c] > logits[winner] { winner = c }
      winners[row] = Int32(winner)
    }
  }
}
