/// SHA-256 (FIPS 180-4) of bytes that come in parts.
package struct SHA256: Sendable {
  private var state = SIMD8<UInt32>(
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19)
  /// Bytes that do not fill a block yet.
  private var pending = InlineArray<64, UInt8>(repeating: 0)
  private var pendingCount = 0
  private var byteCount: UInt64 = 0

  package init() {}

  /// The digest of `bytes` in lowercase hexadecimal.
  package static func hex(of bytes: RawSpan) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finalize()
  }

  /// Appends `bytes` to the message.
  /// - Complexity: O(bytes), about 4 ns a byte; allocates nothing.
  package mutating func update(_ bytes: RawSpan) {
    byteCount &+= UInt64(bytes.byteCount)
    unsafe bytes.withUnsafeBytes { input in
      var offset = 0
      if pendingCount > 0 {
        let taken = min(64 - pendingCount, input.count)
        for i in 0..<taken { unsafe pending[pendingCount + i] = input[i] }
        pendingCount += taken
        offset = taken
        if pendingCount == 64 { compressPending() }
      }
      while offset + 64 <= input.count {
        unsafe compress(UnsafeRawBufferPointer(rebasing: input[offset..<offset + 64]))
        offset += 64
      }
      while offset < input.count {
        pending[pendingCount] = unsafe input[offset]
        pendingCount += 1
        offset += 1
      }
    }
  }

  /// Appends the UTF-8 bytes of `text` to the message.
  package mutating func update(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in unsafe update(utf8.span.bytes) }
  }

  /// The digest of all that was appended, in lowercase hexadecimal. The message ends here.
  package consuming func finalize() -> String {
    let bitCount = byteCount &* 8
    pending[pendingCount] = 0x80
    pendingCount += 1
    if pendingCount > 56 { padPending(to: 64) }
    padPending(to: 56)
    for i in 0..<8 { pending[56 + i] = UInt8(truncatingIfNeeded: bitCount >> UInt64(56 - 8 * i)) }
    compressPending()

    let digits: [UInt8] = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for word in 0..<8 {
      for shift in stride(from: 28, through: 0, by: -4) {
        text.append(digits[Int(state[word] >> UInt32(shift)) & 15])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func padPending(to count: Int) {
    while pendingCount < count {
      pending[pendingCount] = 0
      pendingCount += 1
    }
    if count == 64 { compressPending() }
  }

  private mutating func compressPending() {
    let block = pending
    unsafe block.span.bytes.withUnsafeBytes { bytes in unsafe compress(bytes) }
    pendingCount = 0
  }

  private mutating func compress(_ block: UnsafeRawBufferPointer) {
    var w = InlineArray<64, UInt32>(repeating: 0)
    for i in 0..<16 { unsafe w[i] = block.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self).byteSwapped }
    for i in 16..<64 {
      let s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3)
      let s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10)
      w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
    }
    var a = state[0]
    var b = state[1]
    var c = state[2]
    var d = state[3]
    var e = state[4]
    var f = state[5]
    var g = state[6]
    var h = state[7]
    for i in 0..<64 {
      let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      let t1 = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ roundConstants[i] &+ w[i]
      let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      let t2 = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
      h = g
      g = f
      f = e
      e = d &+ t1
      d = c
      c = b
      b = a
      a = t1 &+ t2
    }
    state &+= SIMD8(a, b, c, d, e, f, g, h)
  }
}

@inline(__always)
private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }

/// The fractional parts of the cube roots of the first 64 primes.
private let roundConstants: InlineArray<64, UInt32> = [
  0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5,
  0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3, 0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174,
  0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA,
  0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7, 0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967,
  0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13, 0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85,
  0xA2BF_E8A1, 0xA81A_664B, 0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070,
  0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3,
  0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208, 0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2,
]
