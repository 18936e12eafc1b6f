import Datasets
import Testing

@Suite struct SyntheticPicturesTests {
  private static let shape = PictureDimensions(channels: 3, height: 32, width: 32)
  private let source = DatasetSource.synthetic(SyntheticPictures(dimensions: shape, classCount: 10, seed: 1))

  @Test func countsAndClasses() throws {
    let usual = try Dataset(source)
    #expect(usual.trainCount == 1_024 && usual.testCount == 256 && usual.classCount == 10)
    #expect(usual.residentByteCount == 0 && usual.pictureShape == Self.shape)
    let more = try Dataset(source, limit: DatasetLimit(train: 5_000, test: 3))
    #expect(more.trainCount == 5_000 && more.testCount == 3)
    #expect(try Dataset.facts(of: source, limit: DatasetLimit(train: 5_000, test: 3)) == more.facts)
    #expect((0..<20).map { more.label(.train, $0) } == (0..<20).map { Int32($0 % 10) })
  }

  /// Averaged over many pictures of a class the noise vanishes and the pattern stays: constant on each field of the 4x4
  /// grid, of standard deviation 1/2, another one for each class. What is left is standard-normal.
  @Test func picturesAreNoiseAroundAPattern() throws {
    let dataset = try Dataset(source, limit: DatasetLimit(train: 4_000))
    let preparer = PicturePreparer(dataset: dataset, seed: 1)
    var means = [[Double]](repeating: [Double](repeating: 0, count: 48), count: 10)
    for index in 0..<4_000 {
      for (i, number) in preparer.picture(.train, index).numbers.enumerated() {
        let (y, x, channel) = (i / 96, i / 3 % 32, i % 3)
        // 400 pictures a class, 64 pixels a field.
        means[index % 10][(y / 8 * 4 + x / 8) * 3 + channel] += Double(number) / (400 * 64)
      }
    }
    let fields = means.flatMap { $0 }
    let mean = fields.reduce(0, +) / 480
    let deviation = (fields.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 480).squareRoot()
    #expect(abs(mean) < 5 * 0.5 / 480.0.squareRoot())
    #expect(abs(deviation - 0.5) < 5 * 0.5 / 960.0.squareRoot())

    var sum = 0.0
    var squares = 0.0
    for index in 0..<200 {
      for (i, number) in preparer.picture(.train, index).numbers.enumerated() {
        let (y, x, channel) = (i / 96, i / 3 % 32, i % 3)
        let noise = Double(number) - means[index % 10][(y / 8 * 4 + x / 8) * 3 + channel]
        sum += noise
        squares += noise * noise
      }
    }
    let count = 200.0 * 3_072
    #expect(abs(sum / count) < 0.01 && abs(squares / count - 1) < 0.01)
  }

  @Test func everyPictureIsItsOwn() throws {
    let dataset = try Dataset(source)
    let preparer = PicturePreparer(dataset: dataset, seed: 1)
    #expect(
      preparer.picture(.train, 3).numbers
        == PicturePreparer(dataset: dataset, seed: 2).picture(.train, 3).numbers)
    #expect(preparer.picture(.train, 3).numbers != preparer.picture(.train, 13).numbers)
    #expect(preparer.picture(.train, 3).numbers != preparer.picture(.test, 3).numbers)
    let other = DatasetSource.synthetic(SyntheticPictures(dimensions: Self.shape, classCount: 10, seed: 2))
    #expect(
      preparer.picture(.train, 3).numbers
        != PicturePreparer(dataset: try Dataset(other), seed: 1).picture(.train, 3).numbers)
  }

  /// Pictures smaller than the pattern's grid, and of odd sizes.
  @Test(arguments: [(1, 1, 1), (2, 3, 2), (1, 7, 5)])
  func anySizeWorks(channels: Int, height: Int, width: Int) throws {
    let shape = PictureDimensions(channels: channels, height: height, width: width)
    let source = SyntheticPictures(dimensions: shape, classCount: 3, seed: 1)
    let numbers = PicturePreparer(dataset: try Dataset(.synthetic(source)), seed: 1).picture(.test, 5).numbers
    #expect(numbers.allSatisfy { $0.isFinite && abs($0) < 9 } && Set(numbers).count == numbers.count)
  }
}
