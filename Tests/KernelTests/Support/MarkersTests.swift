import TestSupport
import Testing

@Suite struct MarkersTests {
  @Test func rangesCountBytesOfTheCleanText() {
    let source = MarkedText("é: ⟦añb⟧\n⟦⟧x")
    #expect(source.text == "é: añb\nx")
    #expect(source.ranges == [4..<8, 9..<9])
    #expect(source.pieces == ["añb", ""])
  }

  @Test func nestedMarkersAreNumberedAsTheyOpen() {
    let source = MarkedText("⟦a⟦b⟧c⟧⟦d⟧")
    #expect(source.text == "abcd")
    #expect(source.pieces == ["abc", "b", "d"])
  }

  @Test func lineEndsStayAsTheyAre() {
    #expect(MarkedText("a\r\n⟦b⟧").ranges == [3..<4])
  }

  @Test func unpairedMarkersTrap() async {
    await #expect(processExitsWith: .failure) { _ = MarkedText("⟦a") }
    await #expect(processExitsWith: .failure) { _ = MarkedText("a⟧") }
  }
}
