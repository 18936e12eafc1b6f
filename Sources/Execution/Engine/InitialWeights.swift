internal import Base
internal import GraphIR

/// How a tensor starts. Each element is drawn by its own counter, numbered in PyTorch's order, from a generator keyed by
/// seed and tensor name: independent of memory layout, partition, strategy and threads.
struct InitialWeights {
  let value: Value
  let seed: UInt64

  func fill(_ floats: inout MutableSpan<Float>) {
    guard let initial = value.initial else { preconditionFailure("'\(value.name)' has no initial value") }
    let key = hash(value.name)
    let random = CounterRandom(
      seed: seed, purpose: .initialWeights, Int(key >> 32), Int(UInt32(truncatingIfNeeded: key)))
    switch initial {
    case .zeros: fill(&floats) { _ in 0 }
    case .ones: fill(&floats) { _ in 1 }
    case .uniformUnit: fill(&floats) { random.uniform(at: $0) }
    case .uniformFanIn(let fanIn):
      let bound = 1 / Float(fanIn).squareRoot()
      fill(&floats) { bound * random.symmetric(at: $0) }
    case .normal(let standardDeviation):
      fill(&floats) { Float(standardDeviation) * random.normal(at: $0) }
    }
  }

  private func fill(_ floats: inout MutableSpan<Float>, _ element: (Int) -> Float) {
    let layout = PyTorchLayout(value.type)
    var index = 0
    layout.forEachElement(in: 0..<layout.elementCount) { ours in
      floats[ours] = element(index)
      index += 1
    }
  }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a fixed number for a name.
private func hash(_ name: String) -> UInt64 {
  name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
