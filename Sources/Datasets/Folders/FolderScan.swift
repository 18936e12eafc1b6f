internal import Base
internal import Glibc

/// Looks at every file of an image folder once, as far as its header: sizes, faults, and a sample of its bytes.
struct FolderScan: Sendable {
  struct Found: Sendable {
    /// From the set's folder.
    var name: FileName
    var label: Int32
    var header: ImageHeader
    var fileByteCount: Int
    /// Of a sample of the file's bytes.
    var digest: UInt64
  }

  let source: ImageFolder
  let classNames: [String]
  /// Files that can be read, in order of classes, then folders, then names.
  private(set) var train: [Found] = []
  private(set) var test: [Found] = []
  /// Files that were left out, where `skipsBadImages`.
  private(set) var skipped: [DatasetError] = []

  subscript(split: DatasetSplit) -> [Found] {
    get {
      switch split {
      case .train: train
      case .test: test
      }
    }
    set {
      switch split {
      case .train: train = newValue
      case .test: test = newValue
      }
    }
  }

  /// - Throws: every fault of every file at once.
  /// - Complexity: a few system calls a file, about 15 microseconds where the system has the files in memory.
  init(_ source: ImageFolder) throws(DatasetError) {
    self.source = source
    let tree = try FolderTree(source.folder)
    classNames = tree.classes.map(\.text)
    let root = try OpenFolder(FileName(source.folder), path: source.folder)
    var errors: [DatasetError] = []
    for split in DatasetSplit.allCases {
      guard let name = tree.splitNames[split] else { preconditionFailure("a tree has all splits") }
      do throws(DatasetError) {
        try scan(split, name, in: root.descriptor, tree, &errors)
      } catch {
        errors.append(error)
      }
    }
    try DatasetError.throwIfAny(errors)
    try verify()
  }

  /// Of files by themselves, all of them to test with; their paths start at the current folder.
  init(files: [(path: String, label: Int32)], _ source: ImageFolder) throws(DatasetError) {
    self.source = source
    classNames = []
    let root = try OpenFolder(FileName("."), path: ".")
    var errors: [DatasetError] = []
    for (path, label) in files {
      do throws(ImageFault) {
        test.append(try look(FileName(path), in: root.descriptor, label: label))
      } catch {
        note(.image(path: path, fault: error), &errors)
      }
    }
    try DatasetError.throwIfAny(errors)
  }

  private func path(_ name: FileName) -> String { source.path(name) }

  private mutating func scan(
    _ split: DatasetSplit, _ name: FileName, in root: Int32, _ tree: FolderTree,
    _ errors: inout [DatasetError]
  ) throws(DatasetError) {
    let folder = try OpenFolder(name, in: root, path: path(name))
    let folders = split == .train ? tree.classes : try folder.entries(path: path(name)).folders
    for other in folders where !tree.classes.contains(other) {
      errors.append(
        .mismatch(
          path: path(name.appending(other)), expected: "classes that the training images have",
          found: "'\(other.text)', which has no folder in 'train'"))
    }
    var found: [Found] = []
    for (label, className) in tree.classes.enumerated() where folders.contains(className) {
      var files: [FolderWalk.File] = []
      do throws(DatasetError) {
        files = try FolderWalk.files(below: name.appending(className), in: root, path: path)
      } catch {
        errors.append(error)
        continue
      }
      // As os.walk's sorted list has them: folder by folder.
      files.sort { $0.folder == $1.folder ? $0.name < $1.name : $0.folder < $1.folder }
      for file in files {
        let whole = name.appending(className).appending(file.folder.appending(file.name))
        do throws(ImageFault) {
          found.append(try look(whole, in: root, label: Int32(label)))
        } catch {
          note(.image(path: path(whole), fault: error), &errors)
        }
      }
      if split == .train, files.isEmpty {
        errors.append(
          .mismatch(
            path: path(name.appending(className)), expected: "images of the class '\(className.text)'",
            found: "none"))
      }
    }
    self[split] = found
    if found.isEmpty, errors.isEmpty {
      errors.append(.mismatch(path: path(name), expected: "images in its folders", found: "none"))
    }
  }

  private mutating func note(_ error: DatasetError, _ errors: inout [DatasetError]) {
    // Not the file's fault, and the same for all files of the format.
    if case .image(_, let fault) = error, fault.isMissingLibrary {
      if !errors.contains(where: { if case .image(_, fault) = $0 { true } else { false } }) {
        errors.append(error)
      }
      return
    }
    if source.skipsBadImages { skipped.append(error) } else { errors.append(error) }
  }

  private func look(_ name: FileName, in root: Int32, label: Int32) throws(ImageFault) -> Found {
    let (fileByteCount, digest, isWhole) = try Self.sample(name, in: root)
    let header = try ImageHeader(try Self.open(name, in: root), largestPixelCount: source.largestPixelCount)
    try ImageLibraries.system.require(header.format)
    let found = Found(
      name: name, label: label, header: header, fileByteCount: fileByteCount, digest: digest)
    // A file that does not end as such files do is decoded at once: most were cut off while they were copied.
    if !isWhole { try decode(found, in: root) }
    return found
  }

  private static func open(_ name: FileName, in root: Int32) throws(ImageFault) -> DataFile {
    do throws(DatasetError) { return try DataFile(name, in: root) } catch { throw ImageFault(error) }
  }

  /// Bytes at a file's beginning, in its middle and at its end that its digest is made of.
  private static let sampleByteCount = 4096
  private static let ends: [[UInt8]] = [
    [0xFF, 0xD9], [0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82],
  ]

  private static func sample(
    _ name: FileName, in root: Int32
  ) throws(ImageFault) -> (fileByteCount: Int, digest: UInt64, endsWell: Bool) {
    let file = try open(name, in: root)
    let (count, part) = (file.byteCount, sampleByteCount)
    do throws(DatasetError) {
      let bytes =
        count <= 3 * part
        ? try file.bytes(0..<count)
        : try file.bytes(0..<part) + file.bytes(count / 2..<count / 2 + part)
          + file.bytes(count - part..<count)
      return (
        count, LaneHash.hash(unsafe bytes.span.bytes),
        ends.contains { bytes.suffix($0.count).elementsEqual($0) }
      )
    } catch {
      throw ImageFault(error)
    }
  }

  /// Decodes a file as it would be decoded for the network, in memory of its own.
  private func decode(_ found: Found, in root: Int32) throws(ImageFault) {
    var capacity = DecodingCapacity()
    capacity.include(found.header, fileByteCount: found.fileByteCount, source.transform, crop: nil)
    var target = [UInt8](repeating: 0, count: source.transform.target.elementCount)
    let decoder: ImageDecoder
    do throws(DatasetError) { decoder = try ImageDecoder(capacity) } catch { throw ImageFault(error) }
    try decode(found, in: root, decoder, &target)
  }

  private func decode(
    _ found: Found, in root: Int32, _ decoder: ImageDecoder, _ target: inout [UInt8]
  ) throws(ImageFault) {
    let file = try Self.open(found.name, in: root)
    var fault: ImageFault?
    unsafe target.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      do throws(ImageFault) {
        try unsafe decoder.decode(
          file, found.header, fileByteCount: found.fileByteCount, source.transform, into: base)
      } catch {
        fault = error
      }
    }
    if let fault { throw fault }
  }

  /// Where bad files are left out: decodes every one, so that counts hold from the start.
  private mutating func verify() throws(DatasetError) {
    guard source.skipsBadImages else { return }
    let root = try OpenFolder(FileName(source.folder), path: source.folder)
    for split in DatasetSplit.allCases {
      let files = self[split]
      var capacity = DecodingCapacity()
      for file in files {
        capacity.include(file.header, fileByteCount: file.fileByteCount, source.transform, crop: nil)
      }
      let decoder = try ImageDecoder(capacity)
      var target = [UInt8](repeating: 0, count: source.transform.target.elementCount)
      var kept: [Found] = []
      for file in files {
        do throws(ImageFault) {
          try decode(file, in: root.descriptor, decoder, &target)
          kept.append(file)
        } catch {
          skipped.append(.image(path: path(file.name), fault: error))
        }
      }
      guard !kept.isEmpty || files.isEmpty else {
        throw .mismatch(path: path(files[0].name), expected: "an image that can be read", found: "none")
      }
      self[split] = kept
    }
  }
}
