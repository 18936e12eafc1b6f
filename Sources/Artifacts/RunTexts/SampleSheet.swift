package import Base
package import Datasets
internal import Glibc
package import Text

/// An image of each class as the network sees it in its first epoch, cropped and flipped, in one picture: `samples.png`.
package struct SampleSheet: Sendable {
  /// More classes than these are left out.
  private static let largestCount = 32
  private static let columnCount = 8
  /// Larger images are reduced by a whole number.
  private static let largestSide = 64

  private let file: [UInt8]
  private let names: [String]

  /// Of the first training image of each class.
  package init(_ images: ImagePreparer, classes: Int, classNames: [String]?) {
    let count = min(Self.largestCount, classes)
    names = (0..<count).map { classNames?[$0] ?? "\($0)" }
    var first = [Int?](repeating: nil, count: count)
    var missing = count
    for index in 0..<images.dataset.trainCount where missing > 0 {
      let label = Int(images.dataset.label(.train, index))
      guard label < count, first[label] == nil else { continue }
      first[label] = index
      missing -= 1
    }
    let shape = images.dataset.imageShape
    let reduction = (max(shape.width, shape.height) + Self.largestSide - 1) / Self.largestSide
    let (width, height) = (max(1, shape.width / reduction), max(1, shape.height / reduction))
    let columns = min(Self.columnCount, count)
    let rows = (count + columns - 1) / columns
    var pixels = [UInt8](repeating: 0, count: 3 * columns * width * rows * height)
    var numbers = [Float](repeating: 0, count: shape.elementCount)
    for (label, index) in first.enumerated() {
      guard let index else { continue }
      unsafe numbers.withUnsafeMutableBufferPointer {
        _ = unsafe images.prepare(.train, index: index, epoch: 1, into: $0)
      }
      // In place: the run's peak has no room for copies of large images.
      let (low, scale) = Self.undoNormalization(&numbers, images.normalization)
      let (top, left) = (label / columns * height, label % columns * width)
      for y in 0..<height {
        for x in 0..<width {
          for channel in 0..<3 {
            // Grey is the same in all three; of two or more than three channels the first ones are shown.
            let source = shape.channels < 3 ? 0 : channel
            var sum: Float = 0
            for i in 0..<reduction {
              for j in 0..<reduction {
                let place = (y * reduction + i) * shape.width + x * reduction + j
                sum += (numbers[place * shape.channels + source] - low) * scale
              }
            }
            let mean = (sum / Float(reduction * reduction)).rounded()
            pixels[3 * ((top + y) * columns * width + left + x) + channel] = UInt8(max(0, min(255, mean)))
          }
        }
      }
    }
    file = PNGWriter.file(width: columns * width, height: rows * height, pixels: pixels)
  }

  /// Makes normalised numbers what they were.
  ///
  /// - Returns: what to take off and to multiply by for bytes; numbers beyond 0 to 1 are stretched to what the image has.
  private static func undoNormalization(
    _ numbers: inout [Float], _ normalization: Normalization
  ) -> (low: Float, scale: Float) {
    let channels = normalization.mean.count
    var (low, high) = (Float.infinity, -Float.infinity)
    for index in numbers.indices {
      let channel = index % channels
      let number = numbers[index] * normalization.standardDeviation[channel] + normalization.mean[channel]
      numbers[index] = number
      (low, high) = (min(low, number), max(high, number))
    }
    if low >= -0.01, high <= 1.01 { (low, high) = (0, 1) }
    return (low, 255 / max(high - low, 1e-9))
  }

  package func write(into folder: borrowing RunDirectory) throws(FileError) { try folder.writeSamples(file) }

  /// As a run has left it; nil where there is none.
  package static func kept(in folder: String, classes: Int, classNames: [String]?) -> SampleSheet? {
    guard let file = try? RunDirectory.bytes(of: RunDirectory.samplesName, in: folder),
      PNGWriter.size(of: file) != nil
    else { return nil }
    return SampleSheet(
      file: file, names: (0..<min(largestCount, classes)).map { classNames?[$0] ?? "\($0)" })
  }

  private init(file: [UInt8], names: [String]) {
    self.file = file
    self.names = names
  }

  /// Of a page.
  func section(_ html: inout HTML) {
    guard let size = PNGWriter.size(of: file) else { return }
    let columns = min(Self.columnCount, names.count)
    let rows = (names.count + columns - 1) / columns
    html.element("h2", text: "Samples")
    html.element(
      "p", [("class", "dim")],
      text: "an image of each class as the network sees it in its first epoch"
        + (names.count == Self.largestCount ? ", of the first \(Self.largestCount) classes" : ""))
    html.sprites(
      .init(
        file: Base64.text(file), columns: columns, width: size.width / columns, height: size.height / rows),
      names: names)
  }
}
