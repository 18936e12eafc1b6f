internal import Glibc

/// How fast one machine does each kind of work, as it was measured there.
package struct MachineProfile: Hashable, Sendable {
  package struct Point: Hashable, Sendable {
    package var size: Double
    package var rows: Double
    package var secondsPerUnit: Double

    package init(size: Double, rows: Double, secondsPerUnit: Double) {
      self.size = size
      self.rows = rows
      self.secondsPerUnit = secondsPerUnit
    }
  }

  package var processor: String
  package var threads: Int
  /// Of a kernel call that does next to nothing.
  package var secondsPerCall: Double
  private var curves: [WorkKind: [Curve]] = [:]

  package init(processor: String, threads: Int, secondsPerCall: Double) {
    self.processor = processor
    self.threads = threads
    self.secondsPerCall = secondsPerCall
  }

  /// Points of one size, rising in rows.
  private struct Curve: Hashable, Sendable {
    var size: Double
    var points: [Point]
  }

  package mutating func add(_ point: Point, of kind: WorkKind) {
    var found = curves[kind] ?? []
    if let index = found.firstIndex(where: { $0.size == point.size }) {
      found[index].points.append(point)
      found[index].points.sort { $0.rows < $1.rows }
    } else {
      found.append(Curve(size: point.size, points: [point]))
      found.sort { $0.size < $1.size }
    }
    curves[kind] = found
  }

  /// Rising in size, then rows.
  package func points(of kind: WorkKind) -> [Point] { (curves[kind] ?? []).flatMap(\.points) }

  /// Whether every kind of work was measured.
  package var isComplete: Bool { WorkKind.measured.allSatisfy { curves[$0] != nil } }

  /// Between measured points the logarithm of the time of a unit is a line over the logarithms of size and rows; outside it
  /// stays what it is at the rim.
  package func seconds(of work: Work) -> Double {
    guard work.amount > 0, let curves = curves[work.kind] else { return secondsPerCall }
    let logarithms = curves.map { curve in
      (
        log(curve.size),
        Self.interpolate(curve.points.map { (log($0.rows), log($0.secondsPerUnit)) }, at: log(work.rows))
      )
    }
    return secondsPerCall + work.amount * exp(Self.interpolate(logarithms, at: log(work.size)))
  }

  /// - Parameter points: rising, at least one.
  private static func interpolate(_ points: [(x: Double, y: Double)], at x: Double) -> Double {
    guard let next = points.firstIndex(where: { $0.x >= x }) else { return points[points.count - 1].y }
    guard next > 0 else { return points[0].y }
    let (left, right) = (points[next - 1], points[next])
    return left.y + (right.y - left.y) * (x - left.x) / (right.x - left.x)
  }
}

extension WorkKind {
  /// All but combinations that do not exist.
  package static let measured: [WorkKind] = all.filter { kind in
    switch kind {
    case .convolution(let operation, .narrow): operation != .inputGradient
    case .convolution(let operation, .scatter): operation == .inputGradient
    case .convolution, .linear, .sweep, .preparation, .synthesis: true
    }
  }
}
