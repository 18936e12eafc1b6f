internal import Artifacts
internal import Datasets
internal import Glibc
internal import Pipeline
internal import SpecLanguage
internal import Terminal

/// What `strata predict` is given: image files, folders of them, arrays of NumPy's.
struct PredictionInputs {
  /// Images that are read in one way.
  enum Group {
    case files([(path: String, label: Int?)])
    case array(String)
  }

  private(set) var groups: [Group] = []
  /// Folders that were taken for the files of a class each.
  private(set) var labelledFolders: [String] = []

  /// - Parameter classNames: of the network; nil: nobody names them.
  init(_ paths: [String], classNames: [String]?) throws(CommandFailure) {
    var files: [(path: String, label: Int?)] = []
    for path in paths {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else {
        throw CommandFailure(.faultyData, "\(path): no such file or folder")
      }
      if status.st_mode & S_IFMT == S_IFDIR {
        do throws(DatasetError) {
          files += try folder(path, classNames: classNames)
        } catch {
          throw CommandFailure(error)
        }
      } else if path.hasSuffix(".npy") {
        if !files.isEmpty { groups.append(.files(files)) }
        files = []
        groups.append(.array(path))
      } else {
        files.append((path, nil))
      }
    }
    if !files.isEmpty { groups.append(.files(files)) }
    guard !groups.isEmpty else {
      throw CommandFailure(.faultyData, "there is no image in \(paths.joined(separator: ", "))")
    }
  }

  /// A folder whose folders all are called like classes holds images of them.
  private mutating func folder(
    _ path: String, classNames: [String]?
  ) throws(DatasetError) -> [(path: String, label: Int?)] {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let folders = try ImageListing.folders(in: path)
    guard let classNames, !folders.isEmpty, folders.allSatisfy(classNames.contains) else {
      return try ImageListing.files(below: path).map { ($0, nil) }
    }
    labelledFolders.append(path)
    var files: [(path: String, label: Int?)] = []
    for folder in folders {
      let label = classNames.firstIndex(of: folder)
      files += try ImageListing.files(below: "\(path)/\(folder)").map { ($0, label) }
    }
    return files
  }
}
