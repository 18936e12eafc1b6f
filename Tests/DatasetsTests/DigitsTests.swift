import Datasets
import Testing

@Suite struct DigitsTests {
  private let plain = Normalization(mean: 0, standardDeviation: 1, channels: 1)

  /// Sums and first labels as scikit-learn gives them (Tests/Fixtures/make_digits.py prints them).
  @Test func areScikitLearnsDigits() throws {
    let digits = try Dataset(.digits)
    #expect(digits.trainCount == 1_437 && digits.testCount == 360 && digits.classCount == 10)
    #expect(digits.imageShape == ImageDimensions(channels: 1, height: 8, width: 8))
    #expect(digits.classNames == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])

    let preparer = ImagePreparer(dataset: digits, normalization: plain, seed: 1)
    var sum: Float = 0
    var testCounts = [Int](repeating: 0, count: 10)
    for index in 0..<1_437 { sum += preparer.image(.train, index).numbers.reduce(0, +) }
    for index in 0..<360 {
      let image = preparer.image(.test, index)
      sum += image.numbers.reduce(0, +)
      testCounts[Int(image.label)] += 1
    }
    #expect(sum * 16 == 561_718)
    #expect(testCounts == [42, 28, 26, 48, 38, 39, 30, 26, 36, 47])
    #expect([0, 1].map { digits.label(.test, $0) } == [0, 5])
    #expect((0..<8).map { digits.label(.train, $0) } == [1, 2, 3, 4, 6, 7, 8, 9])

    let zero = preparer.image(.test, 0).numbers.map { Int($0 * 16) }
    #expect(Array(zero[0..<16]) == [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0])
    #expect(Array(zero[56..<64]) == [0, 0, 6, 13, 10, 0, 0, 0])
  }

  @Test func areNormalisedByTheirOwnMeanAndDeviation() throws {
    let preparer = ImagePreparer(dataset: try Dataset(.digits), seed: 1)
    var sum = 0.0
    var squares = 0.0
    for index in 0..<1_437 {
      for number in preparer.image(.train, index).numbers {
        sum += Double(number)
        squares += Double(number) * Double(number)
      }
    }
    #expect(abs(sum / (1_437 * 64)) < 1e-5)
    #expect(abs(squares / (1_437 * 64) - 1) < 1e-5)
  }

  @Test func limitsKeepTheFirst() throws {
    let all = try Dataset(.digits)
    let few = try Dataset(.digits, limit: DatasetLimit(train: 10, test: 7))
    #expect(few.trainCount == 10 && few.testCount == 7 && few.residentByteCount == 17 * 65)
    for split in DatasetSplit.allCases {
      for index in 0..<few.count(split) {
        let a = ImagePreparer(dataset: all, seed: 1).image(split, index)
        let b = ImagePreparer(dataset: few, seed: 1).image(split, index)
        #expect(a.numbers == b.numbers && a.label == b.label)
      }
    }
    let more = try Dataset(.digits, limit: DatasetLimit(train: 9_999, test: 9_999))
    #expect(more.facts == all.facts)
    #expect(all.residentByteCount == 1_797 * 65)
  }
}
