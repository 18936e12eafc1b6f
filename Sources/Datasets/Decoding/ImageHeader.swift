/// What the first bytes of an image file tell, without decoding it.
package struct ImageHeader: Hashable, Sendable {
  package enum Format: Hashable, Sendable {
    case jpeg
    case png
  }

  package var format: Format
  package var width, height: Int
  /// Bytes a pixel that decoding makes before alpha or ink is taken out: 3 or 4.
  var decodedChannels: Int
  /// What the decoding library itself allocates, from above.
  var libraryByteCount: Int

  /// Pixels, which files are refused by; no overflow, since formats have 32 bits a side.
  package var pixelCount: Int { width * height }
  var decodedByteCount: Int { pixelCount * decodedChannels }
}

/// Why a file is no image that can be read, in words that go behind its name.
package enum ImageFault: Error, Hashable, Sendable {
  /// Neither JPEG nor PNG; what it is instead, where that can be told.
  case notAnImage(found: String?)
  case empty
  /// A header that ends early, or says what can't be.
  case damaged(String)
  case tooManyPixels(width: Int, height: Int, limit: Int)
  /// No such library on this machine.
  case missingLibrary(format: String, library: String, package: String)
  case missingFile
  case cannotRead(operation: String, code: Int32)
  /// The file is not what it was when it was looked at first.
  case changed

  var isMissingLibrary: Bool { if case .missingLibrary = self { true } else { false } }

  package var message: String {
    switch self {
    case .notAnImage(let found?): "not a JPEG or PNG file, but \(found)"
    case .notAnImage(nil): "not a JPEG or PNG file"
    case .empty: "an empty file"
    case .damaged(let what): "a damaged image: \(what)"
    case .tooManyPixels(let width, let height, let limit):
      "\(width)x\(height) pixels, more than the \(limit) that `data.image.max-pixels` allows"
    case .missingLibrary(let format, let library, let package):
      "reading \(format) takes the library \(library), which is not here: install Debian's package \(package)"
    case .missingFile: "no such file"
    case .cannotRead(let operation, let code): "cannot \(operation): \(errnoText(code))"
    case .changed: "the file has changed since the images were looked through"
    }
  }
}

/// Bytes of a file, by offset: a header is read piece by piece, as far as its size.
struct HeaderBytes: ~Copyable {
  private let file: DataFile
  private var window: [UInt8] = []
  private var start = 0

  /// What is read at a time. Most headers fit.
  private static let windowByteCount = 4096

  init(_ file: consuming DataFile) {
    self.file = file
  }

  var byteCount: Int { file.byteCount }

  /// Nil behind the file's end.
  mutating func byte(_ offset: Int) throws(ImageFault) -> Int? {
    guard offset >= 0, offset < file.byteCount else { return nil }
    if offset < start || offset >= start + window.count {
      do throws(DatasetError) {
        window = try file.bytes(offset..<min(file.byteCount, offset + Self.windowByteCount))
      } catch {
        throw ImageFault(error)
      }
      start = offset
    }
    return Int(window[offset - start])
  }

  /// A big-endian number; nil where the file ends before it does.
  mutating func number(_ offset: Int, bytes: Int) throws(ImageFault) -> Int? {
    var value = 0
    for position in offset..<offset + bytes {
      guard let byte = try byte(position) else { return nil }
      value = value << 8 | byte
    }
    return value
  }

  /// As many bytes as there are from there on, up to so many.
  mutating func prefix(_ offset: Int, _ count: Int) throws(ImageFault) -> [UInt8] {
    var bytes: [UInt8] = []
    for position in offset..<offset + count {
      guard let byte = try byte(position) else { break }
      bytes.append(UInt8(byte))
    }
    return bytes
  }
}

extension ImageHeader {
  /// Reads the header of the file at `path`.
  ///
  /// - Parameter largestPixelCount: more are refused here, before anybody asks for memory.
  /// - Complexity: one to three reads of 4 KiB; more where long blocks (EXIF, colour profiles) come first.
  package init(path: String, largestPixelCount: Int) throws(ImageFault) {
    let file: DataFile
    do throws(DatasetError) { file = try DataFile(path: path) } catch { throw ImageFault(error) }
    try self.init(file, largestPixelCount: largestPixelCount)
  }

  init(_ file: consuming DataFile, largestPixelCount: Int) throws(ImageFault) {
    var bytes = HeaderBytes(file)
    guard bytes.byteCount > 0 else { throw .empty }
    let first = try bytes.prefix(0, 64)
    if first.starts(with: [0xFF, 0xD8]) {
      self = try Self.jpeg(&bytes)
    } else if first.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = try Self.png(&bytes)
    } else {
      throw .notAnImage(found: FileSignature.recognized(first)?.kind)
    }
    guard width > 0, height > 0 else { throw .damaged("\(width)x\(height) pixels") }
    guard pixelCount <= largestPixelCount else {
      throw .tooManyPixels(width: width, height: height, limit: largestPixelCount)
    }
  }

  /// What libpng and zlib ask for: rows as wide as the image, a window of 32 KiB and state.
  private static let pngByteCount = 192 << 10
  /// What libjpeg asks for whatever the image: tables, markers, colour conversion.
  private static let jpegByteCount = 256 << 10
  /// Bytes a pixel of width and component: a row of blocks with its neighbours, upsampled and converted.
  private static let jpegBytesPerColumn = 40

  private static func png(_ bytes: inout HeaderBytes) throws(ImageFault) -> ImageHeader {
    guard let width = try bytes.number(16, bytes: 4), let height = try bytes.number(20, bytes: 4),
      let depth = try bytes.byte(24), let colour = try bytes.byte(25),
      try bytes.prefix(12, 4) == Array("IHDR".utf8)
    else { throw .damaged("its header ends early") }
    guard width <= Int32.max, height <= Int32.max else { throw .damaged("\(width)x\(height) pixels") }
    let samples = colour == 6 ? 4 : colour == 2 ? 3 : colour == 4 ? 2 : 1
    // Two rows as they are stored, and one as it is handed on.
    let rows = 2 * (width * samples * max(8, depth) / 8 + 64) + 8 * width
    return ImageHeader(
      format: .png, width: width, height: height, decodedChannels: 4,
      libraryByteCount: pngByteCount + rows)
  }

  private static func jpeg(_ bytes: inout HeaderBytes) throws(ImageFault) -> ImageHeader {
    var offset = 2
    var frame: Frame?
    while true {
      guard let lead = try bytes.byte(offset), let marker = try bytes.byte(offset + 1) else {
        throw .damaged("it ends in its header")
      }
      guard lead == 0xFF else { throw .damaged("no marker at byte \(offset)") }
      // Fill bytes, and markers that stand alone.
      if marker == 0xFF {
        offset += 1
        continue
      }
      if marker == 0x01 || (0xD0...0xD7).contains(marker) {
        offset += 2
        continue
      }
      if marker == 0xD9 { throw .damaged("it ends without an image") }
      guard let length = try bytes.number(offset + 2, bytes: 2), length >= 2 else {
        throw .damaged("it ends in its header")
      }
      // 0xC4, 0xC8 and 0xCC are tables.
      if (0xC0...0xCF).contains(marker), marker != 0xC4, marker != 0xC8, marker != 0xCC {
        frame = try Frame(&bytes, offset + 4, marker: marker)
      }
      if marker == 0xDA {
        guard let frame, let scanned = try bytes.byte(offset + 4) else {
          throw .damaged("it has no frame in front of its first scan")
        }
        return frame.header(scanned: scanned)
      }
      offset += 2 + length
    }
  }

  /// The frame header of a JPEG file (ITU T.81, B.2.2).
  private struct Frame {
    var isProgressive: Bool
    var width, height: Int
    /// Sampling factors, by component.
    var sampling: [(across: Int, down: Int)] = []

    init(_ bytes: inout HeaderBytes, _ start: Int, marker: Int) throws(ImageFault) {
      guard let height = try bytes.number(start + 1, bytes: 2),
        let width = try bytes.number(start + 3, bytes: 2), let count = try bytes.byte(start + 5)
      else { throw .damaged("it ends in its header") }
      guard (1...4).contains(count) else { throw .damaged("\(count) components") }
      isProgressive = marker == 0xC2 || marker == 0xC6 || marker == 0xCA || marker == 0xCE
      self.width = width
      self.height = height
      for component in 0..<count {
        guard let factors = try bytes.byte(start + 6 + 3 * component + 1) else {
          throw .damaged("it ends in its header")
        }
        let (across, down) = (factors >> 4, factors & 15)
        guard (1...4).contains(across), (1...4).contains(down) else {
          throw .damaged("sampling factors \(across)x\(down)")
        }
        sampling.append((across, down))
      }
    }

    /// - Parameter scanned: components of the first scan. Where that is not all of them, or bits come in several passes, the library
    ///   keeps the whole image's coefficients.
    func header(scanned: Int) -> ImageHeader {
      let most = (across: sampling.map(\.across).max() ?? 1, down: sampling.map(\.down).max() ?? 1)
      var byteCount = jpegByteCount + width * jpegBytesPerColumn * sampling.count
      if isProgressive || scanned < sampling.count {
        let columns = (width + 8 * most.across - 1) / (8 * most.across)
        let rows = (height + 8 * most.down - 1) / (8 * most.down)
        // 64 coefficients of 16 bits a block.
        for (across, down) in sampling { byteCount += 128 * columns * across * rows * down }
      }
      return ImageHeader(
        format: .jpeg, width: width, height: height, decodedChannels: sampling.count == 4 ? 4 : 3,
        libraryByteCount: byteCount)
    }
  }
}

extension ImageFault {
  init(_ error: DatasetError) {
    switch error {
    case .missingFile: self = .missingFile
    case .cannotRead(_, let operation, let code): self = .cannotRead(operation: operation, code: code)
    case .mismatch(_, _, let found): self = .notAnImage(found: found)
    // The file was longer when its size was asked for.
    case .wrongSize, .wrongContent, .otherFormat, .labelOutOfRange, .notFinite, .changed, .outOfMemory,
      .several, .image:
      self = .changed
    }
  }
}
