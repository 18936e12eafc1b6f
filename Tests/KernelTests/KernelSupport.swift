import CostModel
import Kernels
import Testing

/// 64-byte aligned floats for the kernels, with 16 guard floats behind them: a kernel that writes past its end is caught.
final class Floats {
  let count: Int
  let pointer: UnsafeMutablePointer<Float>
  private static let guardValue: Float = -12345

  init(count: Int, fill: (Int) -> Float = { _ in .nan }) {
    self.count = count
    let raw = UnsafeMutableRawPointer.allocate(byteCount: 4 * (count + 16), alignment: 64)
    pointer = raw.bindMemory(to: Float.self, capacity: count + 16)
    for i in 0..<count { pointer[i] = fill(i) }
    for i in count..<count + 16 { pointer[i] = Self.guardValue }
  }

  /// Uniform in -1...1.
  convenience init(count: Int, seed: UInt64) {
    var generator = Mixer(state: seed)
    self.init(count: count) { _ in generator.uniform() }
  }

  convenience init(_ values: [Float]) { self.init(count: values.count) { values[$0] } }

  deinit {
    for i in count..<count + 16 { precondition(pointer[i] == Self.guardValue, "written past the end") }
    pointer.deallocate()
  }

  var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
  var doubles: [Double] { values.map(Double.init) }
  var float: UnsafeMutablePointer<Float> { pointer }
  subscript(index: Int) -> Double { Double(pointer[index]) }
  func copy() -> Floats { Floats(values) }
}

/// SplitMix64.
struct Mixer {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  mutating func uniform() -> Float { Float(Int64(bitPattern: next()) >> 40) / 8_388_608 }
}

/// Runs `body` with a context of exactly the scratch that is planned; the scratch is full of NaN before.
func withContext(workers: Int, _ scratch: Scratch, _ body: (KernelContext) -> Void) {
  let memory = Floats(count: scratch.floatCount(workers: workers))
  body(
    KernelContext(
      workers: Workers(count: workers), scratch: memory.pointer,
      scratchByteCount: scratch.byteCount(workers: workers)))
}

/// ||value - reference|| / ||reference||; infinite if any value is NaN.
func relativeError(_ value: [Float], _ reference: [Double]) -> Double {
  precondition(value.count == reference.count)
  var (difference, norm) = (0.0, 0.0)
  for i in value.indices {
    let d = Double(value[i]) - reference[i]
    difference += d * d
    norm += reference[i] * reference[i]
  }
  let error = norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
  return error.isNaN ? .infinity : error
}

/// Runs a kernel on one worker and checks that two, three and seven give the same bits.
func sameBits(
  _ scratch: Scratch, outputs: @autoclosure () -> [Floats], _ run: ([Floats], KernelContext) -> Void
)
  -> [[Float]]
{
  let first = outputs()
  withContext(workers: 1, scratch) { run(first, $0) }
  for workers in [2, 3, 7] {
    let others = outputs()
    withContext(workers: workers, scratch) { run(others, $0) }
    for (a, b) in zip(first, others) {
      let same = zip(a.values, b.values).allSatisfy { $0.bitPattern == $1.bitPattern }
      #expect(same, "\(workers) workers give other bits than one")
    }
  }
  return first.map(\.values)
}
