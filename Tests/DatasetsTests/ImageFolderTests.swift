import Foundation
import Testing

@testable import Datasets

/// Folders of image files, made of the fixtures, and removed at the end.
final class ImageTree {
  let url = FileManager.default.temporaryDirectory.appending(path: "strata-images-\(UUID().uuidString)")

  /// Two classes: three images each to train on, one to test.
  init() throws {
    try add("plain.jpg", as: "train/cat/a.jpg")
    try add("grey.jpg", as: "train/cat/b.jpg")
    try add("tall.png", as: "train/cat/deep/c.png")
    try add("palette.png", as: "train/dog/a.png")
    try add("png-named.jpg", as: "train/dog/b.jpg")
    try add("progressive.jpg", as: "train/dog/c.jpg")
    try add("tall.jpg", as: "val/cat/a.jpg")
    try add("alpha.png", as: "val/dog/a.png")
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func add(_ fixture: String, as path: String) throws {
    try write(Data(contentsOf: URL(filePath: ImageFixtures.path(fixture))), as: path)
  }

  func write(_ bytes: Data, as path: String) throws {
    let file = url.appending(path: path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try bytes.write(to: file)
  }

  func remove(_ path: String) throws { try FileManager.default.removeItem(at: url.appending(path: path)) }

  func source(
    channels: Int = 3, crop: RandomResizedCrop? = nil, skips: Bool = false, pixels: Int = 1 << 20
  ) -> ImageFolder {
    ImageFolder(
      folder: url.path,
      transform: ImageTransform(
        target: ImageDimensions(channels: channels, height: 16, width: 16), resize: 20), crop: crop,
      largestPixelCount: pixels, skipsBadImages: skips, seed: 3)
  }

  /// What is wrong with it, a line each, without the folder's own path.
  func faults(_ source: ImageFolder? = nil) throws -> [String] {
    FolderScans.forget()
    let error = datasetError { () throws(DatasetError) in
      _ = try Dataset(.imageFolder(source ?? self.source()), workers: 2)
    }
    return (error?.all ?? []).map { $0.message.replacing("\(url.path)/", with: "") }
  }
}

// One scan is remembered, so that tests which look at the same folder twice take turns.
@Suite("Folders of image files", .serialized, .enabled(if: ImageFixtures.hasLibraries))
struct ImageFolderTests {
  private let tree: ImageTree

  init() throws {
    tree = try ImageTree()
    FolderScans.forget()
  }

  @Test("classes are folders in order of their names, images in order of folders and names")
  func order() throws {
    let dataset = try Dataset(.imageFolder(tree.source()))
    #expect(dataset.classNames == ["cat", "dog"])
    #expect(dataset.trainCount == 6 && dataset.testCount == 2)
    #expect((0..<6).map { dataset.label(.train, $0) } == [0, 0, 0, 1, 1, 1])
    #expect(dataset.labelCounts(.test, classCount: 3) == [1, 1, 0])
    #expect(try ImageFolder.classNames(of: tree.url.path) == ["cat", "dog"])
    // The third one of the class lies in a folder of its own.
    let transform = tree.source().transform
    let expected = try ImageFixtures.decode(ImageFixtures.path("tall.png"), transform)
    let images = ImagePreparer(
      dataset: dataset, normalization: Normalization(mean: 0, standardDeviation: 1, channels: 3), seed: 1)
    #expect(images.image(.train, 2).numbers.map { UInt8(($0 * 255).rounded()) } == expected)
  }

  @Test(
    "are decoded once or for every batch, by any number of workers, to the same numbers", arguments: [1, 3])
  func holdings(channels: Int) throws {
    let source = DatasetSource.imageFolder(tree.source(channels: channels))
    let augmentation = Augmentation(padCrop: 2, flipHorizontal: true, cutout: 5)
    var seen: [[Float]] = []
    var fingerprints: Set<String> = []
    for dataset in [
      try Dataset(source, workers: 1), try Dataset(source, workers: 3),
      try Dataset(streaming: source, workers: 2),
    ] {
      let images = ImagePreparer(dataset: dataset, augmentation: augmentation, seed: 4)
      seen.append((0..<6).flatMap { images.image(.train, $0, epoch: 2).numbers })
      seen[seen.count - 1] += (0..<2).flatMap { images.image(.test, $0).numbers }
      fingerprints.insert(dataset.fingerprint)
    }
    #expect(fingerprints.count == 1 && seen[0] == seen[1] && seen[0] == seen[2])
    #expect(seen[0].count == 8 * 256 * channels && Set(seen[0]).count > 100)
  }

  @Test("a random resized crop hangs on seed, epoch and image alone, and test images have none")
  func randomCrops() throws {
    let dataset = try Dataset(.imageFolder(tree.source(crop: RandomResizedCrop())), workers: 2)
    let images = ImagePreparer(dataset: dataset, seed: 4)
    func numbers(_ index: Int, epoch: Int?, worker: Int, seed: UInt64 = 4) -> [Float] {
      var numbers = [Float](repeating: 0, count: 768)
      numbers.withUnsafeMutableBufferPointer {
        _ = ImagePreparer(dataset: dataset, seed: seed).prepare(
          .train, index: index, epoch: epoch, worker: worker, into: $0)
      }
      return numbers
    }
    let first = numbers(0, epoch: 1, worker: 0)
    #expect(numbers(0, epoch: 1, worker: 1) == first)
    #expect(numbers(0, epoch: 2, worker: 0) != first)
    #expect(numbers(0, epoch: 1, worker: 0, seed: 5) != first)
    // Without an epoch, and in tests, it is the middle.
    let plain = ImagePreparer(dataset: try Dataset(.imageFolder(tree.source())), seed: 4)
    #expect(images.image(.test, 1, epoch: 3).numbers == plain.image(.test, 1).numbers)
    #expect(images.image(.train, 1).numbers == plain.image(.train, 1).numbers)
  }

  @Test("a limit leaves each class its share, drawn by the seed")
  func limits() throws {
    for name in 0..<6 { try tree.add("tiny.png", as: "train/dog/more-\(name).png") }
    var source = tree.source()
    let limit = DatasetLimit(train: 4, test: 1)
    let dataset = try Dataset(.imageFolder(source), limit: limit)
    #expect(dataset.labelCounts(.train, classCount: 2) == [1, 3])
    #expect(dataset.testCount == 1 && dataset.facts.availableTrainCount == 12)
    let again = try Dataset(.imageFolder(source), limit: limit)
    #expect(again.fingerprint == dataset.fingerprint)
    let others = (5..<12 as Range<UInt64>).map { seed -> String? in
      source.seed = seed
      return try? Dataset(.imageFolder(source), limit: limit).fingerprint
    }
    #expect(others.contains { $0 != dataset.fingerprint })
  }

  @Test("every fault of every file is told at once")
  func faults() throws {
    #expect(try tree.faults() == [])
    try tree.add("truncated.jpg", as: "train/cat/cut.jpg")
    try tree.write(Data(), as: "train/cat/empty.png")
    try tree.write(Data("hello".utf8), as: "train/dog/notes.txt")
    try tree.write(Data("<html>".utf8), as: "train/dog/page.jpg")
    try tree.add("plain.jpg", as: "val/zebra/a.jpg")
    try tree.write(Data(), as: "train/.hidden")
    try FileManager.default.createDirectory(
      at: tree.url.appending(path: "train/bird"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      at: tree.url.appending(path: "train/dog/deep"),
      withDestinationURL: tree.url.appending(path: "train/dog"))
    #expect(
      try tree.faults() == [
        "train/bird: expected images of the class 'bird', found none",
        "train/cat/cut.jpg: a damaged image: Premature end of JPEG file",
        "train/cat/empty.png: an empty file",
        "train/dog/deep: expected folders that end, found a symbolic link to a folder that it lies in",
        "val/zebra: expected classes that the training images have, found 'zebra', which has no folder in 'train'",
      ])
    try tree.remove("train/dog/deep")
    let found = try tree.faults()
    #expect(found.contains("train/dog/notes.txt: not a JPEG or PNG file"))
    #expect(found.contains("train/dog/page.jpg: not a JPEG or PNG file, but an HTML page"))
    let large = try tree.faults(tree.source(pixels: 2000))
    #expect(
      large.contains(
        "train/cat/a.jpg: 61x47 pixels, more than the 2000 that `data.image.max-pixels` allows"), "\(large)")
  }

  @Test("a folder without classes says what was expected")
  func structure() throws {
    try tree.remove("val")
    #expect(try tree.faults().joined().contains("expected a folder 'val' or 'test' beside 'train'"))
    try tree.add("tall.jpg", as: "test/cat/a.jpg")
    #expect(try tree.faults() == [])
    try tree.remove("train/dog")
    #expect(try tree.faults().joined().contains("expected folders of two classes or more, found one, 'cat'"))
    try tree.remove("train")
    #expect(try tree.faults().joined().contains("expected a folder 'train' with a folder for each class"))
  }

  @Test("bad files can be left out, and are listed")
  func skipping() throws {
    let before = try Dataset(.imageFolder(tree.source())).fingerprint
    try tree.add("truncated.jpg", as: "train/cat/cut.jpg")
    // Whole to its end, with a hole in the middle: found by decoding alone.
    var bytes = try Data(contentsOf: URL(filePath: ImageFixtures.path("plain.png")))
    bytes[bytes.count / 2] ^= 255
    try tree.write(bytes, as: "train/dog/hole.png")
    FolderScans.forget()
    let dataset = try Dataset(.imageFolder(tree.source(skips: true)))
    #expect(dataset.trainCount == 6)
    let skipped = dataset.skippedImages.map {
      $0.message.split(separator: "/").suffix(2).joined(separator: "/")
    }
    #expect(skipped.count == 2 && skipped[0] == "cat/cut.jpg: a damaged image: Premature end of JPEG file")
    // The reason is the library's.
    #expect(skipped.last?.hasPrefix("dog/hole.png: a damaged image: ") == true, "\(skipped)")
    // The same images are the same data, however they came to be these.
    #expect(dataset.fingerprint == before)
    #expect(try tree.faults().count == 1, "the other one is found when it is decoded")
  }

  @Test("a file that vanishes or changes under a run is a failure that names it, not black")
  func changes() throws {
    let dataset = try Dataset(streaming: .imageFolder(tree.source()), workers: 1)
    let images = ImagePreparer(dataset: dataset, seed: 1)
    #expect(dataset.takeReadFailure() == nil)
    try tree.remove("train/cat/b.jpg")
    _ = images.image(.train, 1)
    #expect(
      dataset.takeReadFailure() == .image(path: "\(tree.url.path)/train/cat/b.jpg", fault: .missingFile))
    try tree.add("tall.jpg", as: "train/cat/b.jpg")
    _ = images.image(.train, 1)
    #expect(dataset.takeReadFailure() == .image(path: "\(tree.url.path)/train/cat/b.jpg", fault: .changed))
    _ = images.image(.train, 0)
    #expect(dataset.takeReadFailure() == nil)
  }

  @Test("the fingerprint is that of names, labels, sizes and bytes, wherever the folder lies")
  func fingerprints() throws {
    func fingerprint(_ tree: ImageTree) throws -> String {
      FolderScans.forget()
      return try Dataset.fingerprint(of: .imageFolder(tree.source()))
    }
    let own = try fingerprint(tree)
    #expect(try fingerprint(ImageTree()) == own)
    var bytes = try Data(contentsOf: tree.url.appending(path: "train/dog/a.png"))
    bytes[bytes.count - 20] ^= 1
    try tree.write(bytes, as: "train/dog/a.png")
    let changed = try datasetFingerprint(tree)
    #expect(changed != own)
  }

  /// Of a scan, which decodes nothing that ends well.
  private func datasetFingerprint(_ tree: ImageTree) throws -> String {
    FolderScans.forget()
    return try Dataset.fingerprint(of: .imageFolder(tree.source()))
  }
}

@Suite("Cutout")
struct CutoutTests {
  @Test("leaves a square of each training image at the mean, another in each epoch, and no test image")
  func square() throws {
    let dataset = try Dataset(.digits)
    let plain = ImagePreparer(dataset: dataset, seed: 2)
    let cut = ImagePreparer(
      dataset: dataset, augmentation: Augmentation(padCrop: 0, flipHorizontal: false, cutout: 4), seed: 2)
    var places = Set<[Int]>()
    for index in 0..<40 {
      let whole = plain.image(.train, index).numbers
      let found = cut.image(.train, index, epoch: 1).numbers
      let blank = whole.indices.filter { whole[$0] != found[$0] }
      #expect(blank.allSatisfy { found[$0] == 0 } && !blank.isEmpty)
      let (rows, columns) = (blank.map { $0 / 8 }, blank.map { $0 % 8 })
      #expect((rows.max() ?? 9) - (rows.min() ?? 0) < 4 && (columns.max() ?? 9) - (columns.min() ?? 0) < 4)
      places.insert(blank)
      #expect(cut.image(.test, index, epoch: 1).numbers == plain.image(.test, index).numbers)
    }
    #expect(places.count > 20)
    #expect(cut.image(.train, 0, epoch: 1).numbers != cut.image(.train, 0, epoch: 2).numbers)
  }
}
