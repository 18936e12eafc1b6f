/// What a file is that is not what its name says, by its first bytes.
enum FileSignature {
  /// What it is, and what to do about it; nil where the bytes tell nothing.
  static func recognized(_ bytes: [UInt8]) -> (kind: String, help: String)? {
    for known in table where bytes.starts(with: known.bytes) { return (known.kind, known.help) }
    let text = String(decoding: bytes.prefix(64), as: UTF8.self).lowercased()
    let start = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    if start.hasPrefix("<!doctype") || start.hasPrefix("<html") {
      return ("an HTML page", "what was downloaded is a web page, not the file; download it again")
    }
    if start.hasPrefix("version https://git-lfs") {
      return ("a Git LFS pointer", "fetch the file itself: git lfs pull")
    }
    return nil
  }

  /// Throws what the file is, where that can be told.
  ///
  /// - Parameter expected: what it should be.
  static func requireNone(in file: borrowing DataFile, expected: String) throws(DatasetError) {
    guard let found = recognized(try file.bytes(0..<min(64, file.byteCount))) else { return }
    throw .otherFormat(path: file.path, expected: expected, found: found.kind, help: found.help)
  }

  private static let table: [(bytes: [UInt8], kind: String, help: String)] = [
    ([0x1F, 0x8B], "gzip", "gunzip it, and keep it under the plain name"),
    ([0x42, 0x5A, 0x68], "bzip2", "bunzip2 it, and keep it under the plain name"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz", "unxz it, and keep it under the plain name"),
    ([0x28, 0xB5, 0x2F, 0xFD], "zstd", "unzstd it, and keep it under the plain name"),
    (
      [0x50, 0x4B, 0x03, 0x04], "a zip archive, as an .npz file is",
      "unpack it, or save each array by numpy.save"
    ),
    (
      [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], "a NumPy array (.npy)",
      "`data.source: npy` reads train_images.npy, train_labels.npy, test_images.npy, test_labels.npy"
    ),
    ([0x89, 0x50, 0x4E, 0x47], "a PNG image", "one file has to hold all images of a split"),
    ([0xFF, 0xD8, 0xFF], "a JPEG image", "one file has to hold all images of a split"),
    ([0x89, 0x48, 0x44, 0x46], "HDF5", "save each array by numpy.save"),
    (
      [0x80, 0x02], "a Python pickle",
      "of CIFAR, download the binary version; pickled arrays are saved again by numpy.save"
    ),
    ([0x80, 0x03], "a Python pickle", "save each array by numpy.save"),
    ([0x80, 0x04], "a Python pickle", "save each array by numpy.save"),
    ([0x80, 0x05], "a Python pickle", "save each array by numpy.save"),
    ([0, 0, 0x08, 0x03], "an idx file of images", "it belongs to `data.source: idx`"),
    ([0, 0, 0x08, 0x01], "an idx file of labels", "it belongs to `data.source: idx`"),
    ([0, 0, 0x08], "an idx file of bytes with another number of dimensions", "images have 3, labels have 1"),
    ([0, 0, 0x09], "an idx file of signed bytes", "save it as unsigned bytes"),
    ([0, 0, 0x0B], "an idx file of 16-bit integers", "save it as unsigned bytes"),
    ([0, 0, 0x0C], "an idx file of 32-bit integers", "save it as unsigned bytes"),
    ([0, 0, 0x0D], "an idx file of 32-bit floats", "save it as unsigned bytes"),
    ([0, 0, 0x0E], "an idx file of 64-bit floats", "save it as unsigned bytes"),
  ]
}
