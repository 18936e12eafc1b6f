import Base
import TestSupport
import Testing

@Suite("The checksum of checkpoints")
struct LaneHashTests {
  private func hash(_ bytes: [UInt8]) -> UInt64 { LaneHash.hash(bytes.span.bytes) }

  private func bytes(count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  @Test("every flipped bit shows", arguments: [1, 7, 8, 31, 32, 33, 63, 64, 100])
  func bits(count: Int) {
    let message = bytes(count: count, seed: UInt64(count))
    var seen: Set = [hash(message)]
    for bit in 0..<8 * count {
      var changed = message
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      seen.insert(hash(changed))
    }
    #expect(seen.count == 8 * count + 1)
  }

  @Test("so do two flipped bits, wherever they are")
  func pairs() {
    let message = bytes(count: 96, seed: 1)
    var seen: Set = [hash(message)]
    var count = 1
    for first in 0..<768 {
      for second in first + 1..<768 {
        var changed = message
        changed[first / 8] ^= 1 << UInt8(first % 8)
        changed[second / 8] ^= 1 << UInt8(second % 8)
        seen.insert(hash(changed))
        count += 1
      }
    }
    // About 2^36 pairs of hashes, each alike by a chance of 2^-64.
    #expect(seen.count == count)
  }

  @Test("zeros count, and so does where words stand")
  func lengthsAndOrder() {
    #expect(Set((0..<200).map { hash([UInt8](repeating: 0, count: $0)) }).count == 200)
    let message = bytes(count: 256, seed: 2)
    var seen: Set = [hash(message)]
    for first in 0..<32 {
      for second in first + 1..<32 {
        var changed = message
        for byte in 0..<8 { changed.swapAt(8 * first + byte, 8 * second + byte) }
        seen.insert(hash(changed))
      }
    }
    #expect(seen.count == 32 * 31 / 2 + 1)
  }

  @Test("a text is its bytes, and the value is the same wherever it is computed")
  func fixedValues() {
    #expect(LaneHash.hash("strata") == hash(Array("strata".utf8)))
    // From the definition, word by word, in Python.
    #expect(hash([]) == 0x156C_83F6_7F41_9061)
    #expect(LaneHash.hash("strata") == 0xC66F_8312_A48D_16F9)
    #expect(hash((0..<100).map { UInt8($0) }) == 0x0E35_0C05_4BC5_2908)
  }

  @Test("the same however the bytes are cut")
  func pieces() {
    var random = SplitMix64(seed: 11)
    for count in [0, 1, 63, 64, 65, 128, 500, 4096] {
      let message = bytes(count: count, seed: UInt64(count))
      var hasher = LaneHasher()
      var rest = message[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(Int.random(in: 1...150, using: &random)))
        hasher.update(piece.span.bytes)
        rest = rest.dropFirst(piece.count)
      }
      #expect(hasher.hash == hash(message), "\(count)")
    }
  }
}
