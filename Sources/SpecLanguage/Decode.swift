package import Diagnostics

/// What a text says: a spec as far as one can be had, every fault, and where each value came from.
package struct DecodeResult: Sendable {
  /// Nil where something is broken on which the network's shapes or its training hang: looking further would only make
  /// noise. Other faulty keys have their default here, so that shapes can be checked in the same run.
  package var spec: Spec?
  /// Every fault, by source and place. Empty: the spec is good.
  package var diagnostics: [Diagnostic]
  /// Faults beyond `DiagnosticBag.limit`, counted only.
  package var droppedCount: Int
  /// Keys of the file that a `--set` of their section's kind left out: nothing to mend, but to be told.
  package var warnings: [Diagnostic]
  /// Where the values came from, by dotted path; for `strata show --resolved`.
  package var origins: [String: ValueOrigin]
}

/// Reads a spec. Does no input or output but that of `files`.
/// - Parameters:
///   - source: the file's text.
///   - overrides: texts of `--set`, like `training.epochs=1`, each a source of its own; later ones win, and all are
///     checked like the file.
///   - files: asked once where only files know the images' shape or the number of classes and the spec does not say both; nil: there
///     is nobody to ask, and the spec has to say them.
/// - Complexity: linear in the size of the texts, which is limited (E001).
package func decode(
  _ source: SourceFile, overrides: [SourceFile] = [], files: FileFactsLookup? = nil
) -> DecodeResult {
  let state = DecodingState(file: source.id)
  func result(_ spec: Spec?) -> DecodeResult {
    let bag = state.finish()
    return DecodeResult(
      spec: spec, diagnostics: bag.inSourceOrder, droppedCount: bag.droppedCount, warnings: state.warnings,
      origins: state.origins)
  }
  let scanFaults = SourceScan.faults(in: source)
  guard scanFaults.isEmpty else {
    state.bag.add(contentsOf: scanFaults)
    return result(nil)
  }
  let (root, faults) = YAMLComposer.compose(source)
  state.bag.add(contentsOf: faults)
  guard let root else {
    if faults.isEmpty { state.bag.add(.notAMapping("empty", at: source.span(0..<0))) }
    return result(nil)
  }
  guard case .mapping(var pairs) = root.content else {
    if faults.isEmpty { state.bag.add(.notAMapping(root.description, at: root.span)) }
    return result(nil)
  }
  for text in overrides {
    SpecOverride(text, state: state)?.apply(to: &pairs, state: state)
  }
  let anchor = pairs.first?.keySpan ?? root.span
  let (section, _) = ShapeChecker(state: state).section(pairs, as: SpecTable.root, path: "", keySpan: anchor)
  let spec = SpecBuilder(root: SectionReader(section: section, state: state), files: files).spec()
  return result(state.hasStructuralFault ? nil : spec)
}
