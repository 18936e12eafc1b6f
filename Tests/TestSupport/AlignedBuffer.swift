/// Memory for one operand of a kernel: 64-byte aligned as in the arena, and walled in.
///
/// On both sides lie `guardByteCount` bytes of 0xFF, which read as NaN: a kernel that reads beyond its operand spoils its
/// result, one that writes there is caught by `guardsAreIntact`. Fresh memory is 0xFF too, so that a kernel that relies on
/// zeroed scratch or outputs fails.
package final class AlignedBuffer<Element: BitwiseCopyable> {
  package let count: Int
  private let memory: UnsafeMutableRawBufferPointer
  private let body: UnsafeMutableBufferPointer<Element>
  private static var guardByteCount: Int { 256 }

  /// Memory for `count` elements, filled with bytes 0xFF.
  package init(count: Int) {
    precondition(count >= 0)
    self.count = count
    let bodyByteCount = count * MemoryLayout<Element>.stride
    memory = .allocate(byteCount: bodyByteCount + 2 * Self.guardByteCount, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0xff)
    let start = memory.baseAddress! + Self.guardByteCount
    body = UnsafeMutableBufferPointer(
      start: start.bindMemory(to: Element.self, capacity: count), count: count)
  }

  package convenience init(_ elements: [Element]) {
    self.init(count: elements.count)
    _ = body.update(fromContentsOf: elements)
  }

  deinit {
    memory.deallocate()
  }

  /// Valid while the buffer lives; wrap the use in `withExtendedLifetime` where the buffer's last mention comes before.
  package var pointer: UnsafeMutablePointer<Element> { body.baseAddress! }

  /// The whole buffer; valid while it lives.
  package var buffer: UnsafeMutableBufferPointer<Element> { body }

  package var elements: [Element] { Array(body) }

  package subscript(index: Int) -> Element {
    get {
      precondition(body.indices.contains(index))
      return body[index]
    }
    set {
      precondition(body.indices.contains(index))
      body[index] = newValue
    }
  }

  /// Whether nothing was written in front of the elements or behind them.
  package var guardsAreIntact: Bool {
    memory.prefix(Self.guardByteCount).allSatisfy { $0 == 0xff }
      && memory.suffix(Self.guardByteCount).allSatisfy { $0 == 0xff }
  }
}

extension AlignedBuffer where Element == Float {
  /// The reference's numbers, rounded to float32.
  package convenience init(_ doubles: [Double]) {
    self.init(doubles.map { Float($0) })
  }

  package var doubles: [Double] { body.map(Double.init) }

  /// The bits of every element: equal arrays mean equal results to the bit, NaN and signed zeros included.
  package var bitPatterns: [UInt32] { body.map(\.bitPattern) }
}
