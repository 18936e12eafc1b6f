internal import Diagnostics

/// What the files of a data set tell of themselves, where the spec leaves `network.input` or `network.classes` to them.
package enum FileFacts: Hashable, Sendable {
  /// - Parameters:
  ///   - input: nil where files are of any size.
  ///   - classes: the largest label of the training images and one.
  ///   - images, labels: the files that tell, as messages name them.
  case known(input: ImageShape?, classes: Int, images: String, labels: String)
  /// Nothing, for this reason: a clause without a full stop.
  case unknown(String)
}

/// Reads the files of a source.
///
/// - Parameter path: `data.path`, where it is written; its place says whether the file or a `--set` did.
package typealias FileFactsLookup = (_ source: DataSource, _ path: Spanned<String>?) -> FileFacts
