internal import GraphIR
internal import SpecLanguage

/// Bytes that no plan of the spec without a budget is likely to exceed: found without planning, to tell whether planning is worth
/// while.
///
/// - Parameter images: that there are in all.
/// - Complexity: O(values).
package func roughPeakBytes(of lowered: LoweredSpec, images: Int) -> Int {
  // Sizes are limited (E111), but not their sum.
  func sum(_ values: [Double]) -> Double { values.reduce(0, +) }
  let (spec, network) = (lowered.spec, lowered.network)
  let values = sum(network.values.map { Double($0.type.byteCount) })
  let outputs = sum(network.moduleOutputs.map { Double(network[$0].type.byteCount) })
  let slots =
    spec.training.strategy.value == .asynchronous ? spec.training.asynchronous?.buffer.value ?? 1 : 0
  let data = Double(network[network.images].type.byteCount(images: 1)) * Double(images)
  // A value, its gradient, its momentum or mask, and scratch of about its size; the program itself.
  let rough = 5 * values + Double(slots) * outputs + data + 0x1p28
  return rough < 0x1p62 ? Int(rough) : 1 << 62
}
