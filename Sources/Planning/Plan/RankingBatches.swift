/// The pictures that channels are ranked over, in batches as even as can be, the larger ones first, so that batch norm has as
/// much to go by as the batch allows. A criterion that looks at weights alone has one batch of none.
package struct RankingBatches: Hashable, Sendable {
  package let count: Int
  package let pictures: Int

  /// - Parameter batch: pictures that pass at once, at most.
  package init(pictures: Int, batch: Int) {
    self.pictures = pictures
    count = max(1, pictures / batch + (pictures % batch == 0 ? 0 : 1))
  }

  /// Pictures of a batch, from 0, by their place in the order that they pass in.
  package subscript(number: Int) -> Range<Int> { evenPart(number, of: pictures, parts: count) }

  /// Pictures of the smallest batch.
  package var smallest: Int { pictures / count }
}
