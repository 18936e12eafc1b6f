package import CostModel

/// Measures what nothing is expected to be faster than, in some tenths of a second: products of square matrices, one on each
/// worker, and sweeps over operands of several sizes.
///
/// - Parameters:
///   - memory: for operands and results, 64-byte aligned and of `rooflineByteCount` at least; the larger it is, the larger
///     are they, up to what 48 MiB take. Of no meaning afterwards.
///   - seconds: for each of at most nine figures.
package func measureRoofline(
  workers: Workers, in memory: UnsafeMutableRawBufferPointer, seconds: Double = 0.04
) -> Roofline {
  var profile = MachineProfile(processor: "", threads: workers.count, secondsPerCall: 0)
  let floats = memory.assumingMemoryBound(to: Float.self)
  let start = floats.baseAddress!
  // Whatever lies there might be denormals, or no numbers.
  for i in floats.indices { floats[i] = Float(i % 64) / 64 }
  let time = ShortestTime(seconds: seconds)

  // Two factors that all share, and a result each.
  let size = [512, 256].first { (workers.count + 2) * $0 * $0 <= floats.count } ?? smallestProduct
  precondition(memory.count >= rooflineByteCount(workers: workers.count), "memory for the smallest products")
  let area = size * size
  let products = time.of {
    workers.forEach(workers.count) { item, _ in
      multiply(
        start, leading: size, start + area, leading: size, into: start + (2 + item) * area, leading: size,
        m: size, n: size, k: size)
    }
  }
  let multiplyAdds = Double(workers.count * area * size)
  profile.add(
    MachineProfile.Point(size: Double(size), rows: Double(size), secondsPerUnit: products / multiplyAdds),
    of: .convolution(.forward, .pointwise))

  let context = KernelContext(workers: workers, scratch: nil, scratchByteCount: 0)
  let largest = floats.count / 3 / 64 * 64
  for count in [1 << 14, 1 << 17, 1 << 20, 1 << 22].map({ min($0, largest) }) {
    let sum = Work.sweep(.elementwise, byteCount: 12 * count)
    guard !profile.points(of: sum.kind).contains(where: { $0.size == sum.size }) else { break }
    let (a, b, y) = (start, start + largest, start + 2 * largest)
    let addition = time.of {
      addForward(a: a, b: b, y: y, count: count, activation: .none, context: context)
    }
    profile.add(
      MachineProfile.Point(size: sum.size, rows: 1, secondsPerUnit: addition / sum.amount), of: sum.kind)
    let reading = Work.sweep(.columnSums, byteCount: 4 * count)
    let layout = KernelScratch.columnSums(rows: count / 64, columns: 64)
    let scratch = KernelContext(
      workers: workers, scratch: b, scratchByteCount: layout.byteCount(workers: workers.count))
    let sums = time.of { columnSums(x: a, sums: y, rows: count / 64, columns: 64, context: scratch) }
    profile.add(
      MachineProfile.Point(size: reading.size, rows: 1, secondsPerUnit: sums / reading.amount),
      of: reading.kind)
  }
  return Roofline(profile, source: .measured)
}

/// The least memory that `measureRoofline` needs.
package func rooflineByteCount(workers: Int) -> Int { 4 * (workers + 2) * smallestProduct * smallestProduct }

private let smallestProduct = 128

private struct ShortestTime {
  let seconds: Double

  func of(_ body: () -> Void) -> Double {
    body()
    var (shortest, runs) = (Double.infinity, 0)
    let start = monotonicTime()
    while runs < 3 || monotonicTime() - start < seconds {
      shortest = min(shortest, secondsTaken(body))
      runs += 1
    }
    // A clock's tick, so that there is a rate.
    return max(shortest, 1e-9)
  }
}
