/// The images that channels are ranked over, in batches as even as can be, the larger ones first, so that batch norm has as
/// much to go by as the batch allows. A criterion that looks at weights alone has one batch of none.
package struct RankingBatches: Hashable, Sendable {
  package let count: Int
  package let images: Int

  /// - Parameter batch: images that pass at once, at most.
  package init(images: Int, batch: Int) {
    self.images = images
    count = max(1, images / batch + (images % batch == 0 ? 0 : 1))
  }

  /// Images of a batch, from 0, by their place in the order that they pass in.
  package subscript(number: Int) -> Range<Int> { evenPart(number, of: images, parts: count) }

  /// Images of the smallest batch.
  package var smallest: Int { images / count }
}
