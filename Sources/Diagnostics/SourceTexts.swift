/// The texts of one compilation, found by their ids: the spec, then each `--set`.
package struct SourceTexts: Sendable {
  package private(set) var files: [SourceFile] = []

  package init() {}

  /// Takes a text in and gives it the next id.
  @discardableResult
  package mutating func add(label: String, bytes: [UInt8]) -> SourceFile {
    let file = SourceFile(id: SourceFileID(index: files.count), label: label, bytes: bytes)
    files.append(file)
    return file
  }

  @discardableResult
  package mutating func add(label: String, text: String) -> SourceFile {
    add(label: label, bytes: Array(text.utf8))
  }

  /// Puts another text in the place of one.
  package mutating func replace(_ id: SourceFileID, text: String) {
    files[id.index] = SourceFile(id: id, label: files[id.index].label, text: text)
  }

  /// The text a span points into; traps on an id that this set did not give.
  package subscript(id: SourceFileID) -> SourceFile {
    files[id.index]
  }
}

extension SourceTexts {
  /// `net.yaml:14:3`, as diagnostics point at a place.
  package func place(_ span: SourceSpan) -> String {
    let file = self[span.file]
    let position = file.position(at: span.utf8.lowerBound)
    return "\(DisplayText.printable(file.label)):\(position.line):\(position.column)"
  }
}
