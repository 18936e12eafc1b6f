/// The register tile of Strata's own matrix products, and the panels that its operands lie in.
///
/// A product c [m, n] = a [m, k] b [k, n] is computed in tiles of 6 rows and 16 columns, whose sums stay in registers for
/// all of k. `b` lies in panels of 16 columns, `[n / 16][k][16]`, so a tile reads it front to back. `a` lies row by row, or,
/// where it is the transpose of what was computed, in panels of 24 rows, `[m / 24][k][24]`. OpenBLAS packs operands like
/// this on every call; what fills the operands here writes them in place, once.
package enum ProductTile {
  package static let rows = 6
  package static let columns = 16
  /// Rows of a panel of a transposed left factor: a multiple of the tile's rows and of a vector's eight floats.
  package static let panelRows = 24

  package static func padded(_ count: Int, to multiple: Int) -> Int {
    (count + multiple - 1) / multiple * multiple
  }

  /// Floats of a right factor [depth, columns] in panels.
  package static func rightFloats(depth: Int, columns: Int) -> Int {
    depth * padded(columns, to: Self.columns)
  }
}
