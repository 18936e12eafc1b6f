internal import Diagnostics

// Sentences about `compression`, sorted by code.

extension Diagnostic {
  /// - Parameter isWritten: otherwise the strategy is the default, and there is no word to replace.
  static func compressionNeedsSequential(
    _ strategy: String, at span: SourceSpan, isWritten: Bool, compression: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E051", message: "'compression' belongs to sequential training", primary: span,
      label: "the strategy is \(strategy)", notes: [Note(span: compression, label: "asked for here")],
      help: "set 'training.strategy: sequential', or drop 'compression'",
      fixIt: isWritten ? FixIt(span: span, replacement: "sequential") : nil)
  }

  static func compressionOfLayers(at span: SourceSpan, compression: SourceSpan) -> Self {
    Diagnostic(
      code: "E052", message: "'compression' takes each layer as a module of its own", primary: span,
      label: "makes modules of several layers", notes: [Note(span: compression, label: "asked for here")],
      help: "set 'training.partition: per-layer'")
  }

  static func compressionOfResNet(at span: SourceSpan, family: SourceSpan) -> Self {
    Diagnostic(
      code: "E052", message: "'compression' narrows the layers of a vgg network", primary: span,
      label: "residual blocks share their channels with their shortcuts",
      notes: [Note(span: family, label: "the family is resnet")],
      help: "drop 'compression', or make the network 'family: vgg' with 'widths'")
  }

  static func compressionOfStoredWeights(at span: SourceSpan, from: SourceSpan) -> Self {
    Diagnostic(
      code: "E052", message: "'compression' trains each layer itself before it narrows it", primary: span,
      label: "and the network starts from stored weights",
      notes: [Note(span: from, label: "these")], help: "drop 'network.from', or 'compression'")
  }

  static func compressionToWider(
    layer: Int, kept: Int, width: Int, at span: SourceSpan, layerAt: SourceSpan
  ) -> Self {
    Diagnostic(
      code: "E053", message: "layer \(layer) has only \(width) channels to keep", primary: span,
      label: "\(kept) are asked for", notes: [Note(span: layerAt, label: "layer \(layer)")],
      help: "keep \(width) or fewer, or make the layer wider")
  }

  static func compressionOfNothing(at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E053", message: "'compression' removes nothing", primary: span,
      label: "every layer keeps all its channels", help: "keep fewer, or drop 'compression'")
  }
}
