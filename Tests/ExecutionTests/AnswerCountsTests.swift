import Execution
import Testing

@Suite("Answers by class")
struct AnswerCountsTests {
  @Test("precision and recall are those of the matrix")
  func figures() throws {
    var counts = AnswerCounts(classCount: 3)
    for (label, answer) in [(0, 0), (0, 1), (0, 0), (1, 1), (1, 0)] {
      counts.add(label: label, answer: answer)
    }
    #expect(counts.confusion == [[2, 1, 0], [1, 1, 0], [0, 0, 0]])
    #expect(counts.recall(0) == 2.0 / 3 && counts.precision(0) == 2.0 / 3)
    #expect(counts.recall(1) == 0.5 && counts.precision(1) == 0.5)
    #expect(counts.recall(2) == nil && counts.precision(2) == nil)
    #expect(counts.accuracy == 0.6 && counts.imageCount == 5 && counts.rightCount == 3)
    let again = AnswerCounts(
      images: counts.images, right: counts.right, answered: counts.answered, matrix: counts.confusion)
    #expect(again == counts)
    #expect(AnswerCounts(images: [1], right: [2], answered: [1], matrix: [[1]]) == nil)
    #expect(AnswerCounts(images: [1, 1], right: [1, 1], answered: [1, 1], matrix: [[1]]) == nil)
    #expect(AnswerCounts(images: [-1], right: [-1], answered: [1], matrix: [[1]]) == nil)
  }

  @Test("more classes than a matrix has room for are counted one by one")
  func manyClasses() {
    var counts = AnswerCounts(classCount: AnswerCounts.largestMatrix + 1)
    counts.add(label: 100, answer: 100)
    counts.add(label: 100, answer: 3)
    #expect(counts.confusion == nil && counts.recall(100) == 0.5 && counts.precision(3) == 0)
    #expect(
      AnswerCounts(images: counts.images, right: counts.right, answered: counts.answered, matrix: nil)
        == counts)
  }
}
