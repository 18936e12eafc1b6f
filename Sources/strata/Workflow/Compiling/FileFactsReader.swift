internal import Datasets
internal import SpecLanguage
internal import Terminal

/// Reads what a spec leaves to the files of its data.
struct FileFactsReader {
  /// Faults of files that are there: no words about the spec mend them.
  private(set) var fault: DatasetError?

  /// - Parameters:
  ///   - place: of the data, as it is opened; nil where nothing says it.
  mutating func facts(of source: DataSource, at place: String?) -> FileFacts {
    guard let place else { return .unknown("nothing says where the data lies") }
    let files: DatasetSource
    switch source {
    case .idx: files = .idx(folder: place)
    case .npy: files = .npy(folder: place)
    case .imageFolder: return folderFacts(place)
    case .digits, .synthetic, .cifar10, .cifar100:
      return .unknown("its source needs no files to tell")
    }
    do throws(DatasetError) {
      guard let told = try Dataset.description(of: files) else {
        return .unknown("its source needs no files to tell")
      }
      guard told.trainClassCount >= 2 else {
        return .unknown("every label in \(told.labelsPath) is 0, and a network needs two classes")
      }
      let shape = told.imageShape
      return .known(
        input: ImageShape(channels: shape.channels, height: shape.height, width: shape.width),
        classes: told.trainClassCount, images: told.imagesPath, labels: told.labelsPath)
    } catch {
      if !error.all.allSatisfy(\.isMissingFile) { fault = error }
      return .unknown(error.message)
    }
  }

  /// Classes are folders.
  private mutating func folderFacts(_ place: String) -> FileFacts {
    do throws(DatasetError) {
      return .known(
        input: nil, classes: try ImageFolder.classNames(of: place).count, images: place, labels: place)
    } catch {
      if !error.all.allSatisfy(\.isMissingFile) { fault = error }
      return .unknown(error.message)
    }
  }
}
