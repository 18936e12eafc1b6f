/// Which source text a span points into: a spec file, or the text of a `--set`.
package struct SourceFileID: Hashable, Sendable {
  package let index: Int

  package init(index: Int) {
    self.index = index
  }
}

/// A half-open range of UTF-8 bytes of one source.
package struct SourceSpan: Hashable, Sendable {
  package var file: SourceFileID
  package var utf8: Range<Int>

  package init(file: SourceFileID, utf8: Range<Int>) {
    self.file = file
    self.utf8 = utf8
  }
}
