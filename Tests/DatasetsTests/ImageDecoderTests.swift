import Foundation
import Testing

@testable import Datasets

/// The image files of `Tests/Fixtures/images`.
enum ImageFixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/images").path

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static let hasLibraries = ImageLibraries.system.turboJPEG != nil && ImageLibraries.system.png != nil

  static func byteCount(_ path: String) throws -> Int {
    try Data(contentsOf: URL(fileURLWithPath: path)).count
  }

  /// Decodes one file, in memory that was planned for it.
  static func decode(
    _ path: String, _ transform: ImageTransform, libraries: ImageLibraries = .system
  ) throws -> [UInt8] {
    let header = try ImageHeader(path: path, largestPixelCount: 1 << 20)
    let byteCount = try byteCount(path)
    var capacity = DecodingCapacity()
    capacity.include(header, fileByteCount: byteCount, transform, crop: nil)
    let decoder = try ImageDecoder(capacity, libraries: libraries)
    var result = [UInt8](repeating: 0, count: transform.target.elementCount)
    try result.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      try decoder.decode(try DataFile(path: path), header, fileByteCount: byteCount, transform, into: base)
    }
    return result
  }
}

@Suite("Image files become what torchvision makes of them")
struct ImageDecoderTests {
  private struct Expected {
    var kind, file: String
    var numbers: [Int]
    var bytes: [UInt8]

    init(_ line: Substring) {
      let words = line.split(separator: " ")
      kind = String(words[0])
      file = String(words[1])
      numbers = words[2..<(words.count - 1)].compactMap { Int($0) }
      let digits = Array(words[words.count - 1].utf8)
      bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
      }
    }
  }

  private func expected(_ kind: String) throws -> [Expected] {
    try String(contentsOfFile: ImageFixtures.path("expected.txt"), encoding: .utf8)
      .split(separator: "\n").map(Expected.init).filter { $0.kind == kind }
  }

  @Test("resized and cut to the middle, to the byte", .enabled(if: ImageFixtures.hasLibraries))
  func center() throws {
    let lines = try expected("center")
    #expect(lines.count == 27)
    for line in lines {
      let transform = ImageTransform(
        target: ImageDimensions(channels: line.numbers[0], height: line.numbers[3], width: line.numbers[2]),
        resize: line.numbers[1])
      let found = try ImageFixtures.decode(ImageFixtures.path(line.file), transform)
      #expect(found == line.bytes, "\(line.file) \(line.numbers)")
    }
  }

  @Test("a box alone, resized without what lies around it", .enabled(if: ImageFixtures.hasLibraries))
  func boxes() throws {
    for line in try expected("box") {
      let numbers = line.numbers
      let path = ImageFixtures.path(line.file)
      let header = try ImageHeader(path: path, largestPixelCount: 1 << 20)
      let own = Resampling(
        box: PixelBox(left: numbers[1], top: numbers[2], width: numbers[3], height: numbers[4]),
        outWidth: numbers[5], outHeight: numbers[6], columns: 0..<numbers[5], rows: 0..<numbers[6])
      let pixels = try wholeImage(path, header, channels: numbers[0]) + [0]
      var found = [UInt8](repeating: 0, count: numbers[0] * numbers[5] * numbers[6])
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: own.scratchByteCount(channels: numbers[0]), alignment: 4)
      defer { scratch.deallocate() }
      try pixels.withUnsafeBufferPointer { source in
        try found.withUnsafeMutableBufferPointer { target in
          let (from, to) = (try #require(source.baseAddress), try #require(target.baseAddress))
          own.run(from, width: header.width, channels: numbers[0], into: to, scratch: scratch)
        }
      }
      #expect(found == line.bytes, "\(line.file) \(numbers)")
    }
  }

  /// All pixels of a file, by a resize that changes nothing.
  private func wholeImage(_ path: String, _ header: ImageHeader, channels: Int) throws -> [UInt8] {
    let side = min(header.width, header.height)
    var transform = ImageTransform(
      target: ImageDimensions(channels: channels, height: side, width: side), resize: side)
    // The shorter side keeps its size, and so does the longer one: nothing is cut off.
    transform.target = ImageDimensions(channels: channels, height: header.height, width: header.width)
    return try ImageFixtures.decode(path, transform)
  }

  @Test(
    "what cannot be read is refused by name", .enabled(if: ImageFixtures.hasLibraries),
    arguments: [
      ("truncated.jpg", "Premature end of JPEG file"), ("header-alone.jpg", "it ends in its header"),
      ("corrupt.jpg", "Corrupt JPEG data"), ("truncated.png", "a damaged image"),
      ("corrupt.png", "a damaged image"),
      ("make_images.py", "not a JPEG or PNG file"), ("nobody.jpg", "no such file"),
    ])
  func faults(name: String, words: String) throws {
    let transform = ImageTransform(
      target: ImageDimensions(channels: 3, height: 16, width: 16), resize: 16)
    let fault = #expect(throws: (any Error).self) {
      try ImageFixtures.decode(ImageFixtures.path(name), transform)
    }
    let found = try #require(fault as? ImageFault)
    #expect(found.message.contains(words), "\(found.message)")
  }

  @Test("too many pixels are refused before memory is asked for")
  func tooManyPixels() {
    #expect(throws: ImageFault.tooManyPixels(width: 61, height: 47, limit: 2866)) {
      try ImageHeader(path: ImageFixtures.path("plain.jpg"), largestPixelCount: 61 * 47 - 1)
    }
    #expect(throws: Never.self) {
      try ImageHeader(path: ImageFixtures.path("plain.png"), largestPixelCount: 61 * 47)
    }
  }

  @Test("headers tell sizes, and what decoding takes, without a library")
  func headers() throws {
    let plain = try ImageHeader(path: ImageFixtures.path("plain.jpg"), largestPixelCount: 1 << 20)
    #expect(plain.format == .jpeg && plain.width == 61 && plain.height == 47 && plain.decodedChannels == 3)
    let progressive = try ImageHeader(
      path: ImageFixtures.path("progressive.jpg"), largestPixelCount: 1 << 20)
    // Coefficients of 16 bits: 4 x 3 units of 16x16 pixels, four blocks of luma in each and two of chroma.
    #expect(progressive.libraryByteCount - plain.libraryByteCount == 4 * 3 * 6 * 128)
    let ink = try ImageHeader(path: ImageFixtures.path("cmyk.jpg"), largestPixelCount: 1 << 20)
    #expect(ink.decodedChannels == 4)
    let named = try ImageHeader(path: ImageFixtures.path("png-named.jpg"), largestPixelCount: 1 << 20)
    #expect(named.format == .png && named.width == 61 && named.height == 47)
  }

  @Test("a library that is not there is a fault that names Debian's package")
  func missingLibraries() throws {
    let none = ImageLibraries(turboJPEG: "libnobody-jpeg.so", png: "libnobody-png.so")
    let transform = ImageTransform(
      target: ImageDimensions(channels: 3, height: 16, width: 16), resize: 16)
    for (name, package) in [("plain.jpg", "libturbojpeg0"), ("plain.png", "libpng16-16")] {
      let fault = #expect(throws: (any Error).self) {
        try ImageFixtures.decode(ImageFixtures.path(name), transform, libraries: none)
      }
      let found = try #require(fault as? ImageFault)
      #expect(found.message.contains("install Debian's package \(package)"), "\(found.message)")
    }
  }

  @Test(
    "scaled decoding stays at least as large as what is asked for", .enabled(if: ImageFixtures.hasLibraries))
  func scaled() throws {
    let header = try ImageHeader(path: ImageFixtures.path("plain.jpg"), largestPixelCount: 1 << 20)
    func scale(_ resize: Int) -> Int {
      ImageTransform(
        target: ImageDimensions(channels: 3, height: 4, width: 4), resize: resize, decodesScaled: true
      ).scale(header)
    }
    #expect([48, 47, 24, 23, 12, 6, 4].map(scale) == [1, 1, 2, 2, 4, 8, 8])
    // Half the size is the mean of four pixels, near enough.
    let target = ImageDimensions(channels: 3, height: 20, width: 20)
    let full = try ImageFixtures.decode(
      ImageFixtures.path("plain.jpg"), ImageTransform(target: target, resize: 20))
    let half = try ImageFixtures.decode(
      ImageFixtures.path("plain.jpg"), ImageTransform(target: target, resize: 20, decodesScaled: true))
    let distances = zip(full, half).map { abs(Int($0) - Int($1)) }
    #expect(full != half && distances.reduce(0, +) < 8 * full.count)
  }
}

@Suite("Random boxes are torchvision's")
struct RandomResizedCropTests {
  /// `RandomResizedCrop.get_params` draws area and shape uniformly (the shape's logarithm), and tries again where the box does not
  /// fit: of boxes that fit an image with room for all of them, area and logarithm are uniform.
  @Test("area and shape are uniform where every box fits, and boxes lie inside")
  func distribution() {
    let crop = RandomResizedCrop(scale: 0.08...0.4)
    var generator = SystemSeed(state: 7)
    var (areas, shapes) = ([Int](repeating: 0, count: 8), [Int](repeating: 0, count: 8))
    let count = 16_000
    for _ in 0..<count {
      let box = crop.box(width: 4000, height: 4000) { _ in generator.next() }
      #expect(box.left >= 0 && box.top >= 0 && box.left + box.width <= 4000 && box.top + box.height <= 4000)
      let area = Double(box.width * box.height) / 16e6
      let shape = Foundation.log(Double(box.width) / Double(box.height)) / Foundation.log(16.0 / 9) + 0.5
      areas[max(0, min(7, Int((area - 0.08) / 0.32 * 8)))] += 1
      shapes[max(0, min(7, Int(shape * 8)))] += 1
    }
    // Five deviations of a count of one in eight.
    let expected = Double(count) / 8
    let deviation = (Double(count) * 7 / 64).squareRoot()
    for found in areas + shapes {
      #expect(abs(Double(found) - expected) < 5 * deviation, "\(areas) \(shapes)")
    }
  }

  @Test("where no try fits, the middle is taken, as large as the shapes allow")
  func fallback() {
    // Numbers close to one: the whole area, 4:3, which is as wide as no such image.
    let crop = RandomResizedCrop(scale: 1...1, ratio: 3.0 / 4...4.0 / 3)
    let wide = crop.box(width: 300, height: 100) { _ in 0.5 }
    #expect(wide == PixelBox(left: 83, top: 0, width: 133, height: 100))
    let tall = crop.box(width: 100, height: 300) { _ in 0.5 }
    #expect(tall == PixelBox(left: 0, top: 83, width: 100, height: 133))
    let fitting = RandomResizedCrop(scale: 1...1, ratio: 1...1).box(width: 50, height: 50) { _ in 0.9 }
    #expect(fitting == PixelBox(left: 0, top: 0, width: 50, height: 50))
  }

  private struct SystemSeed {
    var state: UInt64

    mutating func next() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / 9_007_199_254_740_992
    }
  }
}
