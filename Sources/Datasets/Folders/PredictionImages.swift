internal import Base

/// Images to be classified: files by themselves, or an array of NumPy's, as the test part of a data set without training images.
extension Dataset {
  /// Image files, in this order.
  ///
  /// - Parameters:
  ///   - files: paths with their labels; 0 where nobody knows them.
  ///   - workers: that decode at the same time.
  /// - Throws: every fault of every file at once.
  package convenience init(
    classifying files: [(path: String, label: Int32)], classCount: Int, _ source: ImageFolder, workers: Int
  ) throws(DatasetError) {
    let scan = try FolderScan(files: files, source)
    let (images, facts) = (
      try FolderImages(scan, workers: workers),
      DatasetFacts(
        imageShape: source.transform.target, classCount: classCount, trainCount: 0, testCount: files.count,
        availableTrainCount: 0, availableTestCount: files.count,
        residentByteCount: scan.indexByteCount + workers * scan.workerByteCount
          + ImageLibraries.residentByteCount,
        classNames: nil, normalization: source.normalization)
    )
    self.init(source: .imageFolder(source), facts: facts, storage: .folder(images), fingerprint: "")
  }

  /// The images of one `.npy` file.
  ///
  /// - Parameters:
  ///   - labels: of a second one, nil: there is none, and all are 0.
  ///   - pixelScale: what bytes are divided by.
  package convenience init(
    classifyingArray path: String, labels: String?, classCount: Int, pixelScale: Int
  ) throws(DatasetError) {
    let array = try NPY.images(path: path)
    let count = array.file.recordCount
    let imageByteCount = array.image.elementCount * array.format.byteCount
    let pixelByteCount = count * imageByteCount
    let block = try ByteBlock(byteCount: pixelByteCount + 4 * count)
    let file = try DataFile(path: path)
    try unsafe file.read(
      into: UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<pixelByteCount]), at: array.file.offset)
    var largest = classCount
    if let labels {
      let found = try NPY.labels(path: labels)
      guard found.file.recordCount == count else {
        throw .mismatch(
          path: labels, expected: "\(count) labels, one an image of \(path)",
          found: "\(found.file.recordCount)")
      }
      largest = max(classCount, found.largest + 1)
      try LabelReader.forEach(
        in: try DataFile(path: labels), at: found.file.offset, count: count, type: found.type,
        classCount: classCount
      ) { index, label in
        unsafe block.bytes.storeBytes(
          of: Int32(label), toByteOffset: pixelByteCount + 4 * index, as: Int32.self)
      }
    }
    let format: PixelFormat =
      switch array.format {
      case .uint8: .uint8(largest: pixelScale)
      case .float32: .float32
      }
    func part(_ count: Int) -> StoredSplit {
      StoredSplit(
        count: count, pixelStart: 0, recordStride: imageByteCount, labelStart: pixelByteCount, labelStride: 4,
        labelByteCount: 4)
    }
    let images = StoredImages(
      block: block, format: format, order: array.order, imageByteCount: imageByteCount, train: part(0),
      test: part(count))
    if format == .float32 {
      var check = FloatCheck(path: path, split: .test)
      for index in 0..<count {
        try check.check(
          unsafe images.pixels(.test, index).bytes, index: index,
          offset: array.file.offset + index * imageByteCount)
      }
    }
    self.init(
      source: .npy(folder: path),
      facts: DatasetFacts(
        imageShape: array.image, classCount: largest, trainCount: 0, testCount: count, availableTrainCount: 0,
        availableTestCount: count, residentByteCount: pixelByteCount + 4 * count, classNames: nil,
        normalization: Normalization(mean: 0, standardDeviation: 1, channels: array.image.channels)),
      storage: .stored(images), fingerprint: "")
  }
}

/// Image files below a folder.
package enum ImageListing {
  /// Paths of all files below `folder`, folder by folder, in the order of their names; what begins with a dot is left out.
  package static func files(below folder: String) throws(DatasetError) -> [String] {
    try FolderWalk.files(below: FileName(folder), path: \.text).filter(\.name.isText).map {
      "\(folder)/\($0.folder.appending($0.name).text)"
    }
  }

  /// Names of the folders right inside, sorted.
  package static func folders(in folder: String) throws(DatasetError) -> [String] {
    try OpenFolder(FileName(folder), path: folder).entries(path: folder).folders.map(\.text)
  }
}
