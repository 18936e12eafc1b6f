/// A folder with `train/CLASS/...` and `val/CLASS/...` (or `test/CLASS/...`), and how each file becomes an image of the network's size.
package struct ImageFolder: Hashable, Sendable {
  package var folder: String
  package var transform: ImageTransform
  /// Of training images; nil: they are made as test images are.
  package var crop: RandomResizedCrop?
  /// Files with more pixels are faults.
  package var largestPixelCount: Int
  /// Whether files that can't be read are left out, rather than faults.
  package var skipsBadImages: Bool
  /// Of which images a limit leaves.
  package var seed: UInt64

  package init(
    folder: String, transform: ImageTransform, crop: RandomResizedCrop? = nil,
    largestPixelCount: Int = ImageFolder.usualPixelCount, skipsBadImages: Bool = false, seed: UInt64 = 1
  ) {
    self.folder = folder
    self.transform = transform
    self.crop = crop
    self.largestPixelCount = largestPixelCount
    self.skipsBadImages = skipsBadImages
    self.seed = seed
  }

  /// For messages. Without a folder names are paths by themselves.
  func path(_ name: FileName) -> String { folder.isEmpty ? name.text : "\(folder)/\(name.text)" }

  /// Where names start.
  var root: String { folder.isEmpty ? "." : folder }

  /// The default of `data.image.max-pixels`.
  package static let usualPixelCount = 100_000_000

  /// Means and deviations over ImageNet's training images, as everybody has them; of grey images the mean of the three.
  var normalization: Normalization {
    transform.target.channels == 3
      ? Normalization(mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
      : Normalization(mean: [0.449], standardDeviation: [0.226])
  }

  /// Names of the classes: of the training images' folders, sorted by their bytes. Looks at no file.
  package static func classNames(of folder: String) throws(DatasetError) -> [String] {
    try FolderTree(folder).classes.map(\.text)
  }
}

extension DatasetSplit {
  /// Names of folders that may hold it, the first that is there.
  var folderNames: [String] {
    switch self {
    case .train: ["train"]
    case .test: ["val", "test"]
    }
  }
}
