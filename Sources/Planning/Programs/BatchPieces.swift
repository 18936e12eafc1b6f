/// How a training batch passes: at once, or in pieces whose gradients add up.
package struct BatchPieces: Hashable, Sendable {
  /// Images that pass at once, at most; nil: the whole batch.
  package var largest: Int?

  package init(largest: Int?) {
    self.largest = largest
  }

  /// Of a batch of so many images.
  package func count(of images: Int) -> Int { largest.map { (images + $0 - 1) / $0 } ?? 1 }

  /// Images of a batch that make a piece.
  package func piece(_ index: Int, of images: Int) -> Range<Int> {
    evenPart(index, of: images, parts: count(of: images))
  }
}

/// What is cut into parts as even as can be, the larger ones first: one of them.
func evenPart(_ index: Int, of count: Int, parts: Int) -> Range<Int> {
  let (size, larger) = count.quotientAndRemainder(dividingBy: parts)
  let first = index * size + min(index, larger)
  return first..<first + size + (index < larger ? 1 : 0)
}
