package import Diagnostics
package import SpecLanguage

/// What a sound spec says that will not do what its writer probably means, in order of the places.
///
/// - Parameter pictures: that there are to train on; nil: only the data knows, and what depends on it is not looked at.
package func warnings(of spec: Spec, pictures: Int?) -> [Diagnostic] {
  var bag = DiagnosticBag()
  bag.add(contentsOf: scheduleWarnings(of: spec))
  if let pictures { bag.add(contentsOf: batchWarnings(of: spec, pictures: pictures)) }
  return bag.inSourceOrder
}

/// A batch that no epoch fills.
private func batchWarnings(of spec: Spec, pictures: Int) -> [Diagnostic] {
  let batch = spec.training.batch
  // With `drop-last` nothing would be left to train on, which is a fault.
  guard batch.value > pictures, !spec.training.dropLast.value else { return [] }
  return [.batchBeyondImages(batch: batch.value, images: pictures, at: batch.span)]
}
