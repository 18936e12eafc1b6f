/// Answers of a classifier by class: how often each class was given to images of each class.
package struct AnswerCounts: Hashable, Sendable {
  /// More classes than these have no matrix, which would grow with their square.
  package static let largestMatrix = 100

  package let classCount: Int
  /// By label: images of the class, and those of them that were answered right.
  package private(set) var images, right: [Int]
  /// By class: images to which it was given.
  package private(set) var answered: [Int]
  /// A row a label, a column an answer; empty where there are more than `largestMatrix` classes.
  private var matrix: [UInt32]

  package init(classCount: Int) {
    self.classCount = classCount
    (images, right, answered) = (
      [Int](repeating: 0, count: classCount), [Int](repeating: 0, count: classCount),
      [Int](repeating: 0, count: classCount)
    )
    matrix = classCount > Self.largestMatrix ? [] : [UInt32](repeating: 0, count: classCount * classCount)
  }

  /// As a document has kept them; nil where they contradict each other.
  ///
  /// - Parameter matrix: a row a label; nil where there are too many classes.
  package init?(images: [Int], right: [Int], answered: [Int], matrix rows: [[Int]]?) {
    self.init(classCount: images.count)
    guard right.count == classCount, answered.count == classCount, classCount > 0,
      (rows == nil) == (classCount > Self.largestMatrix),
      (images + right + answered).allSatisfy({ (0...Int(UInt32.max)).contains($0) }),
      zip(right, images).allSatisfy({ $0 <= $1 })
    else { return nil }
    (self.images, self.right, self.answered) = (images, right, answered)
    guard let rows else { return }
    guard rows.count == classCount,
      rows.allSatisfy({ $0.count == classCount && $0.allSatisfy { (0...Int(UInt32.max)).contains($0) } })
    else { return nil }
    matrix = rows.joined().map { UInt32($0) }
  }

  package mutating func add(label: Int, answer: Int) {
    images[label] += 1
    answered[answer] += 1
    if label == answer { right[label] += 1 }
    if !matrix.isEmpty { matrix[label * classCount + answer] += 1 }
  }

  /// - Parameter logits: a row an image, as many as labels at least; of equal ones the first counts, as in accuracies.
  mutating func add(logits: borrowing Span<Float>, labels: [Int32]) {
    for (row, label) in labels.enumerated() {
      var best = row * classCount
      for place in best..<best + classCount where logits[place] > logits[best] { best = place }
      add(label: Int(label), answer: best - row * classCount)
    }
  }

  package var imageCount: Int { images.reduce(0, +) }
  package var rightCount: Int { right.reduce(0, +) }
  /// Nil where there is no image.
  package var accuracy: Double? { imageCount == 0 ? nil : Double(rightCount) / Double(imageCount) }

  /// The share of a class's images that were answered right; nil where it has none.
  package func recall(_ label: Int) -> Double? {
    images[label] == 0 ? nil : Double(right[label]) / Double(images[label])
  }

  /// The share of a class's answers that were right; nil where it was never given.
  package func precision(_ label: Int) -> Double? {
    answered[label] == 0 ? nil : Double(right[label]) / Double(answered[label])
  }

  /// A row a label, a column an answer; nil where there are too many classes.
  package var confusion: [[Int]]? {
    if matrix.isEmpty { return nil }
    return (0..<classCount).map { label in
      matrix[label * classCount..<(label + 1) * classCount].map { Int($0) }
    }
  }
}
