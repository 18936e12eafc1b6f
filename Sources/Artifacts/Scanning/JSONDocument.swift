package import Text

/// A text that is no JSON document, and where.
package struct JSONFault: Error, Hashable {
  /// Byte offset in the text.
  package let offset: Int
  package let message: String
}

/// Reads documents that other programs send, with the reader that plans and runs are read with: depth is limited, keys are
/// distinct, numbers are finite.
package enum JSONDocument {
  /// - Parameter bytes: of the whole document; their number is limited by whoever received them.
  /// - Complexity: linear in the number of bytes.
  package static func read(_ bytes: [UInt8]) throws(JSONFault) -> JSON {
    var scanner = JSONScanner(bytes)
    // Editors send what people have typed, half a character too.
    scanner.replacesLoneSurrogates = true
    do throws(JSONScanner.Fault) {
      let document = try scanner.document()
      try scanner.end()
      return document
    } catch {
      throw JSONFault(offset: error.offset, message: "expected \(error.expected), found \(error.found)")
    }
  }
}
