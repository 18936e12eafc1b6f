import TestSupport
import Testing

@Suite struct AlignedBufferTests {
  @Test func memoryIsAlignedAndStartsOutAsNaN() {
    for count in [0, 1, 15, 64, 1000] {
      let buffer = AlignedBuffer<Float>(count: count)
      #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
      #expect(buffer.elements.count == count && buffer.elements.allSatisfy(\.isNaN))
      #expect(buffer.guardsAreIntact)
    }
  }

  @Test(arguments: [-1, 3])
  func writingBesideTheElementsIsSeen(index: Int) {
    let buffer = AlignedBuffer<Float>([1, 2, 3] as [Float])
    buffer.pointer[index] = 0
    #expect(!buffer.guardsAreIntact)
    #expect(buffer.elements == [1, 2, 3])
  }

  @Test func doublesAreRoundedToFloats() {
    let buffer = AlignedBuffer<Float>([0.1, -2] as [Double])
    #expect(buffer.elements == [0.1, -2])
    buffer[1] = 5
    #expect(buffer.doubles == [Double(Float(0.1)), 5])
  }
}
