/// Cuts a stream of bytes into messages of the base protocol: `Content-Length` headers, an empty line, a body.
package struct MessageFraming: Sendable {
  package enum Piece: Hashable, Sendable {
    /// The body of a message.
    case message([UInt8])
    /// A body of so many bytes, more than `largestByteCount`: it is passed over.
    case tooLarge(Int)
    /// No header: nobody knows where the next message begins. There are no pieces behind this one.
    case broken(String)
  }

  /// Larger bodies are not read: the largest spec has one mebibyte.
  package static let largestByteCount = 16 << 20
  private static let largestHeaderByteCount = 4096

  private enum State: Hashable, Sendable {
    case header
    case body(byteCount: Int)
    case passingOver(remaining: Int)
    case broken
  }

  private var state = State.header
  private var pending: [UInt8] = []
  /// Bytes of `pending` that were taken.
  private var taken = 0

  package init() {}

  /// Takes in what has arrived, in whatever portions.
  package mutating func append(_ bytes: some Collection<UInt8>) {
    if taken > 0 {
      pending.removeFirst(taken)
      taken = 0
    }
    pending += bytes
  }

  /// The next piece; nil until more arrives.
  package mutating func next() -> Piece? {
    while true {
      switch state {
      case .broken: return nil
      case .passingOver(let remaining):
        let count = min(remaining, pending.count - taken)
        taken += count
        state = count == remaining ? .header : .passingOver(remaining: remaining - count)
        if count < remaining { return nil }
      case .body(let byteCount):
        guard pending.count - taken >= byteCount else { return nil }
        let body = Array(pending[taken..<taken + byteCount])
        taken += byteCount
        state = .header
        return .message(body)
      case .header:
        switch header() {
        case nil: return nil
        case .failure(let fault):
          state = .broken
          pending = []
          taken = 0
          return .broken(fault.reason)
        case .success(let byteCount):
          if byteCount > Self.largestByteCount {
            state = .passingOver(remaining: byteCount)
            return .tooLarge(byteCount)
          }
          state = .body(byteCount: byteCount)
        }
      }
    }
  }

  private struct Fault: Error {
    var reason: String
  }

  /// Reads a header as a whole: what it says of the body's length; nil until all of it is there.
  private mutating func header() -> Result<Int, Fault>? {
    let limit = min(pending.count, taken + Self.largestHeaderByteCount)
    var lineStart = taken
    var byteCount: Int?
    for index in taken..<limit where pending[index] == UInt8(ascii: "\n") {
      var line = pending[lineStart..<index]
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      lineStart = index + 1
      if line.isEmpty {
        taken = lineStart
        guard let byteCount else { return .failure(Fault(reason: "a header has no Content-Length")) }
        return .success(byteCount)
      }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
        return .failure(Fault(reason: "a line of a header has no colon"))
      }
      let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
      guard name == "content-length" else { continue }
      let digits = line[(colon + 1)...].drop { $0 == UInt8(ascii: " ") }
      guard let count = Int(String(decoding: digits, as: UTF8.self)), (0...1 << 40).contains(count),
        byteCount == nil || byteCount == count
      else { return .failure(Fault(reason: "Content-Length is no length")) }
      byteCount = count
    }
    return pending.count - taken >= Self.largestHeaderByteCount
      ? .failure(Fault(reason: "a header is longer than \(Self.largestHeaderByteCount) bytes")) : nil
  }

  /// A body with its header.
  package static func framed(_ body: String) -> String {
    "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }
}
