internal import Base
internal import Glibc
internal import Text

/// A file under the name of stored weights that is no whole safetensors file: what it is by its first bytes, and what to do.
package struct ForeignWeights: Hashable, Sendable {
  package let path: String
  /// Completes "PATH is ...".
  package let kind: String
  package let help: String

  /// One sentence for a person, without a full stop.
  package var message: String { "'\(path)' is \(kind)" }

  /// Looks at what lies at `path`; nil where that is nothing, a file whose beginning is that of no other format, or can't be
  /// read.
  ///
  /// - Complexity: reads 512 bytes at most.
  init?(path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    let found: (kind: String, help: String)?
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      found = Self.beginning(of: path, byteCount: Int(status.st_size)).flatMap {
        Self.format(of: $0, byteCount: Int(status.st_size), path: path)
      }
    case S_IFDIR: found = ("a folder", "name the file in it")
    default:
      found = (
        "a pipe or device, not a file", "name a file of weights (model.safetensors), or a run's folder"
      )
    }
    guard let found else { return nil }
    self.path = path
    (kind, help) = found
  }

  /// A folder without `model.safetensors` that no run has made.
  init(folderWithoutModel path: String) {
    self.path = path
    kind = "a folder without \(RunDirectory.modelName)"
    help = "name a finished run's folder, or the file itself"
  }

  /// A safetensors file that ends too early.
  init(truncated path: String, expected: Int, found: Int) {
    self.path = path
    kind = "cut short: it has \(grouped(found)) bytes of at least \(grouped(expected))"
    help = "copy or download it again"
  }

  /// Whether a name ends as other programs' files of weights do.
  static func isNamedLikeOne(_ path: String) -> Bool {
    let name = FilePath.lastComponent(of: path)
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return false }
    return [
      "pt", "pth", "bin", "ckpt", "pkl", "npz", "npy", "onnx", "h5", "hdf5", "keras", "gguf", "zip", "gz",
    ]
    .contains(name[name.index(after: dot)...].lowercased())
  }

  private static func beginning(of path: String, byteCount: Int) -> [UInt8]? {
    do throws(FileError) {
      let file = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
      var bytes = [UInt8](repeating: 0, count: min(512, byteCount))
      var isRead = false
      var span = bytes.mutableSpan
      var raw = unsafe span.mutableBytes
      unsafe raw.withUnsafeMutableBytes { target in
        isRead = (try? unsafe file.read(into: target, at: 0)) ?? false
      }
      return isRead || bytes.isEmpty ? bytes : nil
    } catch {
      return nil
    }
  }

  // MARK: - Formats

  private static func format(
    of bytes: [UInt8], byteCount: Int, path: String
  ) -> (kind: String, help: String)? {
    func begins(_ prefix: [UInt8]) -> Bool { bytes.starts(with: prefix) }
    func begins(_ prefix: String) -> Bool { bytes.starts(with: prefix.utf8) }
    func contains(_ text: String) -> Bool {
      let text = Array(text.utf8)
      return bytes.count >= text.count
        && (0...bytes.count - text.count).contains { bytes[$0...].starts(with: text) }
    }
    if bytes.isEmpty { return ("empty", "copy or download it again") }
    if begins("PK\u{3}\u{4}") {
      if contains(".npy") { return ("a NumPy archive (npz)", saveFromNumPy) }
      return contains("data.pkl")
        ? ("a file of torch.save (zip), not safetensors", saveFromPyTorch(path))
        : ("a zip archive, not safetensors", saveFromPyTorch(path))
    }
    if bytes[0] == 0x80, bytes.count > 1, (2...5).contains(bytes[1]) {
      return ("a Python pickle (as of torch.save), not safetensors", saveFromPyTorch(path))
    }
    let packers: [(magic: [UInt8], name: String, command: String)] = [
      ([0x1F, 0x8B], "gzip", "gunzip"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz", "unxz"),
      ([0x28, 0xB5, 0x2F, 0xFD], "zstd", "unzstd"), (Array("BZh".utf8), "bzip2", "bunzip2"),
    ]
    for packer in packers where begins(packer.magic) {
      return ("packed with \(packer.name)", "unpack it first: \(packer.command) \(shellWord(path))")
    }
    if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) {
      return ("a tar archive", "unpack it first: tar xf \(shellWord(path))")
    }
    if begins([0x89, 0x48, 0x44, 0x46]) { return ("an HDF5 file (Keras)", saveFromNumPy) }
    if begins([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) { return ("a NumPy array (npy)", saveFromNumPy) }
    if begins("GGUF") { return ("a GGUF file", "save its tensors as safetensors, as 32-bit floats") }
    if begins("version https://git-lfs") {
      return ("a pointer of Git LFS, not the file itself", "fetch the file: git lfs pull")
    }
    // A safetensors header's length comes first: its fourth byte and those behind it are zero.
    guard !bytes.prefix(8).contains(0), byteCount >= 8 || !bytes.contains(0) else { return nil }
    let text = String(decoding: bytes.prefix(256), as: UTF8.self)
      .drop { $0.isWhitespace || $0 == "\u{FEFF}" }.lowercased()
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<head") {
      return ("an HTML page", "download the file itself, not the page about it")
    }
    if text.hasPrefix("<?xml") || text.hasPrefix("<") {
      return ("an XML or HTML text", "download the file itself")
    }
    if text.hasPrefix("{") || text.hasPrefix("[") {
      return ("a JSON text", "name the safetensors file itself; where it is in parts, join them into one")
    }
    guard bytes.allSatisfy({ $0 >= 0x20 || (0x09...0x0D).contains($0) }) else { return nil }
    return ("a text", "name a file of weights (model.safetensors), or a run's folder")
  }

  private static func saveFromPyTorch(_ path: String) -> String {
    let name = FilePath.lastComponent(of: path)
    let target = (name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name) + ".safetensors"
    return "save its state_dict() in Python: "
      + "safetensors.torch.save_file(torch.load(\"\(name)\", map_location=\"cpu\", weights_only=True), \"\(target)\"), "
      + "then set `network.from: \(target)`"
  }

  private static let saveFromNumPy =
    "save its arrays under Strata's names in Python: safetensors.numpy.save_file({...}, \"weights.safetensors\")"
}
