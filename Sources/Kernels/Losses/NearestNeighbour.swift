internal import CostModel

/// Looks for a nearer neighbour of each query among some more of the gallery, by Euclidean distance.
///
/// |q - g|^2 is |q|^2 - 2 q g + |g|^2, of which |q|^2 decides nothing: what is compared is |g|^2 / 2 - q g. Of equally near
/// ones the first stays.
///
/// - Parameters:
///   - products: q g, `[queries, gallery]`.
///   - halfNorms: |g|^2 / 2, `[gallery]`.
///   - first: number of the first of these in the whole gallery.
///   - nearest, distances: the best so far, one a query.
package func updateNearest(
  products: UnsafePointer<Float>, halfNorms: UnsafePointer<Float>, queries: Int, gallery: Int, first: Int,
  nearest: UnsafeMutablePointer<Int32>, distances: UnsafeMutablePointer<Float>, workers: Workers
) {
  let blocks = Blocks.rows(queries, columns: gallery)
  workers.forEach(blocks.blockCount) { item, _ in
    for query in blocks[item] {
      let products = products + query * gallery
      var (best, index) = (distances[query], -1)
      for g in 0..<gallery {
        let distance = halfNorms[g] - products[g]
        if distance < best { (best, index) = (distance, g) }
      }
      if index >= 0 {
        distances[query] = best
        nearest[query] = Int32(first + index)
      }
    }
  }
}
