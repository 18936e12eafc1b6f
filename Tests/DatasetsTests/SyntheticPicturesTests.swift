import Datasets
import Testing

@Suite struct SyntheticImagesTests {
  private static let shape = ImageDimensions(channels: 3, height: 32, width: 32)
  private let source = DatasetSource.synthetic(SyntheticImages(dimensions: shape, classCount: 10, seed: 1))

  @Test func countsAndClasses() throws {
    let usual = try Dataset(source)
    #expect(usual.trainCount == 1_024 && usual.testCount == 256 && usual.classCount == 10)
    #expect(usual.residentByteCount == 0 && usual.imageShape == Self.shape)
    let more = try Dataset(source, limit: DatasetLimit(train: 5_000, test: 3))
    #expect(more.trainCount == 5_000 && more.testCount == 3)
    #expect(try Dataset.facts(of: source, limit: DatasetLimit(train: 5_000, test: 3)) == more.facts)
    #expect((0..<20).map { more.label(.train, $0) } == (0..<20).map { Int32($0 % 10) })
  }

  /// Averaged over many images of a class the noise vanishes and the pattern stays: constant on each field of the 4x4
  /// grid, of standard deviation 1/2, another one for each class. What is left is standard-normal.
  @Test func imagesAreNoiseAroundAPattern() throws {
    let dataset = try Dataset(source, limit: DatasetLimit(train: 4_000))
    let preparer = ImagePreparer(dataset: dataset, seed: 1)
    var means = [[Double]](repeating: [Double](repeating: 0, count: 48), count: 10)
    for index in 0..<4_000 {
      for (i, number) in preparer.image(.train, index).numbers.enumerated() {
        let (y, x, channel) = (i / 96, i / 3 % 32, i % 3)
        // 400 images a class, 64 pixels a field.
        means[index % 10][(y / 8 * 4 + x / 8) * 3 + channel] += Double(number) / (400 * 64)
      }
    }
    let fields = means.flatMap { $0 }
    let mean = fields.reduce(0, +) / 480
    let deviation = (fields.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 480).squareRoot()
    #expect(abs(mean) < 5 * 0.5 / 480.0.squareRoot())
    #expect(abs(deviation - 0.5) < 5 * 0.5 / 960.0.squareRoot())

    // Every field has its own value: neighbours below, to the right, and of the next class differ by 0.56 on average.
    for (a, b) in [(0, 12), (24, 36), (0, 3), (6, 9), (0, 1), (0, 48), (432, 0)] {
      let difference = (0..<10).reduce(0) {
        $0 + abs(fields[(a + 48 * $1) % 480] - fields[(b + 48 * $1) % 480]) / 10
      }
      #expect(difference > 0.15)
    }

    var sum = 0.0
    var squares = 0.0
    for index in 0..<200 {
      for (i, number) in preparer.image(.train, index).numbers.enumerated() {
        let (y, x, channel) = (i / 96, i / 3 % 32, i % 3)
        let noise = Double(number) - means[index % 10][(y / 8 * 4 + x / 8) * 3 + channel]
        sum += noise
        squares += noise * noise
      }
    }
    let count = 200.0 * 3_072
    #expect(abs(sum / count) < 0.01 && abs(squares / count - 1) < 0.01)
  }

  @Test func everyImageIsItsOwn() throws {
    let dataset = try Dataset(source)
    let preparer = ImagePreparer(dataset: dataset, seed: 1)
    #expect(
      preparer.image(.train, 3).numbers
        == ImagePreparer(dataset: dataset, seed: 2).image(.train, 3).numbers)
    #expect(preparer.image(.train, 3).numbers != preparer.image(.train, 13).numbers)
    #expect(preparer.image(.train, 3).numbers != preparer.image(.test, 3).numbers)
    let other = DatasetSource.synthetic(SyntheticImages(dimensions: Self.shape, classCount: 10, seed: 2))
    #expect(
      preparer.image(.train, 3).numbers
        != ImagePreparer(dataset: try Dataset(other), seed: 1).image(.train, 3).numbers)
  }

  /// Images smaller than the pattern's grid, and of odd sizes.
  @Test(arguments: [(1, 1, 1), (2, 3, 2), (1, 7, 5)])
  func anySizeWorks(channels: Int, height: Int, width: Int) throws {
    let shape = ImageDimensions(channels: channels, height: height, width: width)
    let source = SyntheticImages(dimensions: shape, classCount: 3, seed: 1)
    let numbers = ImagePreparer(dataset: try Dataset(.synthetic(source)), seed: 1).image(.test, 5).numbers
    #expect(numbers.allSatisfy { $0.isFinite && abs($0) < 9 } && Set(numbers).count == numbers.count)
  }
}
