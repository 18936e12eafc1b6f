/// The gradient of `function` at `point` by central differences, one component at a time.
///
/// The step is the cube root of the machine's epsilon, times the component where that is larger than 1: truncation
/// (h squared) and rounding (epsilon / h) then cost about the same, near 1e-10 for functions of unit size. `point` has to
/// keep its distance from kinks and ties.
/// - Complexity: two calls of `function` a component.
package func numericalGradient(at point: [Double], of function: ([Double]) -> Double) -> [Double] {
  let relativeStep = 6.055_454_452_393_343e-6  // Double.ulpOfOne to the power 1/3
  var moved = point
  return point.indices.map { index in
    let step = relativeStep * max(1, abs(point[index]))
    let above = point[index] + step
    let below = point[index] - step
    moved[index] = above
    let valueAbove = function(moved)
    moved[index] = below
    let valueBelow = function(moved)
    moved[index] = point[index]
    return (valueAbove - valueBelow) / (above - below)  // the step as it was rounded
  }
}
