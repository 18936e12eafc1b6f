package import Diagnostics
package import SpecLanguage

/// What a sound spec says that will not do what its writer probably means, in order of the places.
///
/// - Parameter images: that there are to train on; nil: only the data knows, and what depends on it is not looked at.
package func warnings(of spec: Spec, images: Int?) -> [Diagnostic] {
  var bag = DiagnosticBag()
  bag.add(contentsOf: scheduleWarnings(of: spec))
  if let images { bag.add(contentsOf: batchWarnings(of: spec, images: images)) }
  return bag.inSourceOrder
}

/// A batch that no epoch fills.
private func batchWarnings(of spec: Spec, images: Int) -> [Diagnostic] {
  let batch = spec.training.batch
  // With `drop-last` nothing would be left to train on, which is a fault.
  guard batch.value > images, !spec.training.dropLast.value else { return [] }
  return [.batchBeyondImages(batch: batch.value, images: images, at: batch.span)]
}
