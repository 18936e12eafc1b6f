/// What nothing on a machine is expected to be faster than: plain products of matrices, and plain passes over memory.
package struct Roofline: Hashable, Sendable {
  package enum Source: String, Hashable, Sendable {
    /// `strata bench --calibrate` measured the machine.
    case profile
    /// They were measured just before the work that is held against them.
    case measured
  }

  package let source: Source
  /// Of the fastest plain product, on all workers.
  package let multiplyAddsPerSecond: Double
  private let profile: MachineProfile
  private let sweeps: [WorkKind]

  /// - Parameter profile: with points of a plain product and of a sweep at least.
  package init(_ profile: MachineProfile, source: Source) {
    self.source = source
    self.profile = profile
    let plain = ConvolutionOperation.allCases.flatMap { operation -> [WorkKind] in
      [.convolution(operation, .pointwise), .convolution(operation, .im2col), .linear(operation)]
    }
    let rates = plain.flatMap { profile.points(of: $0) }.map { 1 / $0.secondsPerUnit }
    sweeps = WorkKind.Sweep.allCases.map { .sweep($0) }.filter { !profile.points(of: $0).isEmpty }
    guard let fastest = rates.max(), !sweeps.isEmpty else {
      preconditionFailure("a roofline is of a machine whose products and sweeps were measured")
    }
    multiplyAddsPerSecond = fastest
  }

  /// Of the fastest sweep that was measured, over operands of so many bytes: those of a few megabytes stay in the caches.
  package func bytesPerSecond(byteCount: Int) -> Double {
    Double(byteCount) / sweepSeconds(byteCount)
  }

  /// The least time that work of both kinds takes.
  package func seconds(multiplyAdds: Int, byteCount: Int) -> Double {
    Double(multiplyAdds) / multiplyAddsPerSecond + (byteCount > 0 ? sweepSeconds(byteCount) : 0)
  }

  private func sweepSeconds(_ byteCount: Int) -> Double {
    sweeps.map { profile.seconds(of: Work($0, amount: Double(byteCount), size: Double(byteCount))) }
      .reduce(.infinity, min)
  }
}
