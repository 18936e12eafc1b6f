internal import Glibc

/// A name as the file system has it: bytes, which need not be a text.
struct FileName: Hashable, Comparable, Sendable {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }
  init(_ text: String) { bytes = Array(text.utf8) }

  /// For messages; what is no text is replaced by U+FFFD.
  var text: String { String(decoding: bytes, as: UTF8.self) }
  var isText: Bool { String(validating: bytes, as: UTF8.self) != nil }
  var isHidden: Bool { bytes.first == UInt8(ascii: ".") }

  func appending(_ name: FileName) -> FileName {
    bytes.isEmpty ? name : FileName(bytes + [UInt8(ascii: "/")] + name.bytes)
  }

  static func < (a: FileName, b: FileName) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  /// As C has it.
  var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}

/// An open folder of the file system.
struct OpenFolder: ~Copyable {
  let descriptor: Int32
  /// Device and number: the same folder has the same, whatever path leads there.
  let identity: [UInt64]

  /// - Parameter parent: where the name begins; the current folder otherwise.
  init(_ name: FileName, in parent: Int32 = AT_FDCWD, path: @autoclosure () -> String) throws(DatasetError) {
    let descriptor = unsafe openat(parent, name.cString, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT { throw .missingFile(path: path(), hint: nil) }
      throw .cannotRead(path: path(), operation: "open", code: code)
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw .cannotRead(path: path(), operation: "examine", code: code)
    }
    self.descriptor = descriptor
    identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
  }

  deinit { close(descriptor) }

  /// What is in it, by kind, in the order of bytes; what begins with a dot, and what is neither file nor folder, is left out.
  func entries(path: @autoclosure () -> String) throws(DatasetError) -> (
    files: [FileName], folders: [FileName]
  ) {
    let copy = unsafe openat(descriptor, ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY)
    guard copy >= 0, let stream = unsafe fdopendir(copy) else {
      throw .cannotRead(path: path(), operation: "list", code: errno)
    }
    defer { unsafe closedir(stream) }
    var (files, folders): ([FileName], [FileName]) = ([], [])
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw .cannotRead(path: path(), operation: "list", code: errno) }
        break
      }
      let name = unsafe Self.name(entry)
      if name.isHidden { continue }
      switch kind(unsafe Int32(entry.pointee.d_type), name) {
      case .folder: folders.append(name)
      // A link to nowhere is told when it is opened.
      case .file: files.append(name)
      case .other: continue
      }
    }
    return (files.sorted(), folders.sorted())
  }

  private enum Kind { case file, folder, other }

  private func kind(_ type: Int32, _ name: FileName) -> Kind {
    if type == Int32(DT_REG) { return .file }
    if type == Int32(DT_DIR) { return .folder }
    guard type == Int32(DT_LNK) || type == Int32(DT_UNKNOWN) else { return .other }
    var status = stat()
    guard unsafe fstatat(descriptor, name.cString, &status, 0) == 0 else { return .file }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  private static func name(_ entry: UnsafeMutablePointer<dirent>) -> FileName {
    unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      FileName(unsafe Array(bytes.prefix { $0 != 0 }))
    }
  }
}

/// The folders of a data set: its splits and classes, before any file is looked at.
struct FolderTree {
  let folder: String
  /// Sorted by their bytes; a label is a place in here.
  let classes: [FileName]
  /// Of each split, from `folder`.
  private(set) var splitNames: [DatasetSplit: FileName] = [:]

  init(_ folder: String) throws(DatasetError) {
    self.folder = folder
    let root = try OpenFolder(FileName(folder), path: folder)
    let found = try root.entries(path: folder).folders
    for split in DatasetSplit.allCases {
      guard let name = split.folderNames.map({ FileName($0) }).first(where: found.contains) else {
        throw .mismatch(
          path: folder,
          expected: split == .train
            ? "a folder 'train' with a folder for each class in it"
            : "a folder 'val' or 'test' beside 'train', with folders of the same classes",
          found: found.isEmpty
            ? "no folder" : "the folders \(found.prefix(5).map { "'\($0.text)'" }.joined(separator: ", "))")
      }
      splitNames[split] = name
    }
    let train = FileName(DatasetSplit.train.folderNames[0])
    let path = "\(folder)/\(train.text)"
    let names = try OpenFolder(train, in: root.descriptor, path: path).entries(path: path).folders
    var errors: [DatasetError] = names.filter { !$0.isText }.map { name in
      .mismatch(
        path: "\(path)/\(name.text)", expected: "a folder's name in UTF-8, since it is a class's name",
        found: "other bytes")
    }
    if names.count < 2 {
      errors.append(
        .mismatch(
          path: path, expected: "folders of two classes or more",
          found: names.isEmpty ? "none" : "one, '\(names[0].text)'"))
    }
    try DatasetError.throwIfAny(errors)
    classes = names
  }
}
