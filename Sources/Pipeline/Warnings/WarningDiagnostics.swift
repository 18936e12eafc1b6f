internal import Diagnostics

// Every warning about a spec, one factory each, sorted by code. Warnings without a place are worded where they arise.

extension Diagnostic {
  static func batchBeyondImages(batch: Int, images: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "W004", severity: .warning,
      message: "the batch of \(batch) is larger than the \(images) training images: every step has them all",
      primary: span, label: "there are \(images)", help: "set `training.batch: \(images)` or less")
  }
}
