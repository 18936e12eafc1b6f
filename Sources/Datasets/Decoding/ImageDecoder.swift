internal import Base

/// Memory that one worker needs to make a network's input of any file of a set.
package struct DecodingCapacity: Hashable, Sendable {
  /// The longest file.
  private var fileByteCount = 0
  private var decodedByteCount = 0
  private var scratchByteCount = 0
  /// What the decoding library asks for while it decodes; not in the worker's block.
  private var libraryByteCount = 0

  package init() {}

  /// Makes room for one more file.
  ///
  /// - Parameter crop: of training; it may take any box.
  package mutating func include(
    _ header: ImageHeader, fileByteCount: Int, _ transform: ImageTransform, crop: RandomResizedCrop?
  ) {
    self.fileByteCount = max(self.fileByteCount, fileByteCount)
    let scale = transform.scale(header)
    let (width, height) = (header.width.dividedUp(by: scale), header.height.dividedUp(by: scale))
    // The filter reads a byte more than there is.
    decodedByteCount = max(decodedByteCount, width * height * header.decodedChannels + 1)
    libraryByteCount = max(libraryByteCount, header.libraryByteCount)
    let channels = transform.target.channels
    var scratch = transform.center(width: width, height: height).scratchByteCount(channels: channels)
    if crop != nil {
      let whole = PixelBox(left: 0, top: 0, width: width, height: height)
      scratch = max(scratch, transform.fitted(whole).scratchByteCount(channels: channels))
    }
    scratchByteCount = max(scratchByteCount, scratch)
  }

  var filePlace: Range<Int> { 0..<fileByteCount }
  var decodedPlace: Range<Int> { Self.padded(fileByteCount)..<Self.padded(fileByteCount) + decodedByteCount }
  var scratchPlace: Range<Int> {
    let start = Self.padded(decodedPlace.upperBound)
    return start..<start + scratchByteCount
  }
  var blockByteCount: Int { Self.padded(scratchPlace.upperBound) }

  /// All that a worker keeps, the library's own memory among it.
  package var byteCount: Int { blockByteCount + libraryByteCount }

  private static func padded(_ count: Int) -> Int { (count + 63) & ~63 }
}

/// Decodes files and resizes them, in memory that was asked for at the start: of one worker.
@safe package final class ImageDecoder: @unchecked Sendable {
  private let capacity: DecodingCapacity
  private let libraries: ImageLibraries
  private let block: ByteBlock
  private var jpeg: JPEGDecompressor?

  /// A class, as a box of what cannot be copied.
  private final class JPEGDecompressor {
    let decompressor: TurboJPEG.Decompressor

    init(_ functions: TurboJPEG.Functions) throws(ImageFault) {
      decompressor = try TurboJPEG.Decompressor(functions)
    }
  }

  package init(_ capacity: DecodingCapacity, libraries: ImageLibraries = .system) throws(DatasetError) {
    self.capacity = capacity
    self.libraries = libraries
    block = try ByteBlock(byteCount: capacity.blockByteCount)
  }

  /// Makes a network's input of a file: bytes of rows, columns and channels, red first.
  ///
  /// - Parameters:
  ///   - header: of the file, as it was looked at before.
  ///   - fileByteCount: likewise; another size is a fault.
  ///   - crop: takes a random box; nil: resized, and the middle.
  ///   - uniform: draws the box.
  ///   - target: of the transform's target's size.
  @unsafe func decode(
    _ file: borrowing DataFile, _ header: ImageHeader, fileByteCount: Int, _ transform: ImageTransform,
    crop: RandomResizedCrop? = nil, uniform: (Int) -> Double = { _ in 0 },
    into target: UnsafeMutablePointer<UInt8>
  ) throws(ImageFault) {
    let place = unsafe UnsafeMutableRawBufferPointer(rebasing: block.bytes[capacity.filePlace])
    guard fileByteCount <= place.count, file.byteCount == fileByteCount else { throw .changed }
    let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: place[..<fileByteCount])
    do throws(DatasetError) { try unsafe file.read(into: bytes, at: 0) } catch { throw ImageFault(error) }
    try unsafe decode(
      UnsafeRawBufferPointer(bytes), header, transform, crop: crop, uniform: uniform, into: target)
  }

  /// - Parameter file: the whole file.
  private func decode(
    _ file: UnsafeRawBufferPointer, _ header: ImageHeader, _ transform: ImageTransform,
    crop: RandomResizedCrop?, uniform: (Int) -> Double, into target: UnsafeMutablePointer<UInt8>
  ) throws(ImageFault) {
    let scale = transform.scale(header)
    let (width, height) = (header.width.dividedUp(by: scale), header.height.dividedUp(by: scale))
    let place = unsafe UnsafeMutableRawBufferPointer(rebasing: block.bytes[capacity.decodedPlace])
    guard width * height * header.decodedChannels <= place.count, let decoded = place.baseAddress else {
      throw .changed
    }
    let pixels = unsafe decoded.assumingMemoryBound(to: UInt8.self)
    try unsafe decode(file, header, width: width, height: height, into: pixels)
    if transform.target.channels == 1 { unsafe Self.makeGrey(pixels, count: width * height) }
    let resampling =
      crop.map { transform.fitted($0.box(width: width, height: height, uniform: uniform)) }
      ?? transform.center(width: width, height: height)
    let channels = transform.target.channels
    let scratch = unsafe UnsafeMutableRawBufferPointer(rebasing: block.bytes[capacity.scratchPlace])
    guard resampling.scratchByteCount(channels: channels) <= scratch.count, let base = scratch.baseAddress
    else { throw .changed }
    unsafe resampling.run(pixels, width: width, channels: channels, into: target, scratch: base)
  }

  /// To red, green and blue.
  private func decode(
    _ file: UnsafeRawBufferPointer, _ header: ImageHeader, width: Int, height: Int,
    into pixels: UnsafeMutablePointer<UInt8>
  ) throws(ImageFault) {
    try libraries.require(header.format)
    switch header.format {
    case .jpeg:
      guard let functions = libraries.turboJPEG else { return }
      let jpeg = try started(functions)
      let hasInk = header.decodedChannels == 4
      try unsafe jpeg.decompressor.decode(
        file, width: width, height: height, as: hasInk ? .cmyk : .rgb, into: pixels)
      if hasInk { unsafe Self.makeColours(ofInk: pixels, count: width * height) }
    case .png:
      guard let functions = libraries.png else { return }
      try unsafe functions.decode(file, width: width, height: height, into: pixels)
      unsafe Self.dropAlpha(pixels, count: width * height)
    }
  }

  private func started(_ functions: TurboJPEG.Functions) throws(ImageFault) -> JPEGDecompressor {
    if let jpeg { return jpeg }
    let started = try JPEGDecompressor(functions)
    jpeg = started
    return started
  }

  /// Of inks as Adobe's programs store them, 255 for none.
  private static func makeColours(ofInk pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    for pixel in 0..<count {
      let black = unsafe Int(pixels[4 * pixel + 3])
      for channel in 0..<3 {
        // Pillow's product of two bytes on the scale of 255: from inks, 0 for none.
        let ink = 255 - (unsafe Int(pixels[4 * pixel + channel]))
        let product = ink * black + 128
        let share = (product + product >> 8) >> 8
        unsafe pixels[3 * pixel + channel] = UInt8(max(0, min(255, black - share)))
      }
    }
  }

  private static func dropAlpha(_ pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    for pixel in 0..<count {
      for channel in 0..<3 { unsafe pixels[3 &* pixel &+ channel] = pixels[4 &* pixel &+ channel] }
    }
  }

  /// ITU-R 601-2's luma in 16 bits, as Pillow rounds it.
  private static func makeGrey(_ pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    for pixel in 0..<count {
      let (red, green, blue) = unsafe (
        UInt32(pixels[3 &* pixel]), UInt32(pixels[3 &* pixel &+ 1]), UInt32(pixels[3 &* pixel &+ 2])
      )
      unsafe pixels[pixel] = UInt8(
        truncatingIfNeeded: (19595 &* red &+ 38470 &* green &+ 7471 &* blue &+ 32768) >> 16)
    }
  }
}
