/// What a network needs to know of images in files.
package struct DatasetDescription: Hashable, Sendable {
  package let imageShape: ImageDimensions
  /// The largest label of the training images and one, whatever `limit` leaves of them.
  package let trainClassCount: Int
  /// The files of the training set that tell.
  package let imagesPath, labelsPath: String
}

extension Dataset {
  /// Reads headers and labels; nil for sources that need no files to know it.
  package static func description(of source: DatasetSource) throws(DatasetError) -> DatasetDescription? {
    switch source {
    case .digits, .synthetic, .cifar10, .cifar100, .imageFolder: return nil
    case .idx, .npy:
      let layout = try layout(of: source, limit: DatasetLimit())
      guard case .separate(let labels, let type) = layout.train.labels else { return nil }
      return DatasetDescription(
        imageShape: layout.facts.imageShape,
        trainClassCount: try LabelReader.largest(
          in: try DataFile(path: labels.path), at: labels.offset, count: labels.recordCount, type: type) + 1,
        imagesPath: layout.train.files[0].path, labelsPath: labels.path)
    }
  }
}
