/// Four channels: what a register of the baseline instruction set holds. Six by six of them are transformed at once.
typealias Lane = SIMD4<Float>

/// The one-dimensional transforms of F(outputs, 3). A two-dimensional one applies them to the columns, then to the rows.
/// Each reads its inputs by `load(index)` and gives its results by `store(index, value)`.
protocol WinogradTile {
  /// Outputs a tile, in one direction.
  static var outputs: Int { get }
  /// Points of evaluation: `outputs` + 2.
  static var points: Int { get }
  /// `points` pixels to `points` values: B^T.
  static func input(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void)
  /// `points` values to `outputs` pixels: A^T.
  static func output(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void)
  /// The transpose of `output`, `outputs` pixels to `points` values: A.
  static func outputGradient(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void)
  /// 3 taps to `points` values: G.
  static func filter(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void)
  /// The transpose of `filter`, `points` values to 3 taps: G^T.
  static func filterGradient(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void)
}

/// F(4, 3): evaluation at 0, 1, -1, 2, -2 and infinity. A quarter of the multiplications.
enum WinogradTile4: WinogradTile {
  static var outputs: Int { 4 }
  static var points: Int { 6 }

  @inline(__always)
  static func input(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (d0, d1, d2, d3, d4, d5) = (load(0), load(1), load(2), load(3), load(4), load(5))
    let (even, odd) = (d4 - 4 * d2, d3 - 4 * d1)
    let (nearEven, nearOdd) = (d4 - d2, 2 * (d3 - d1))
    store(0, 4 * d0 - 5 * d2 + d4)
    store(1, even + odd)
    store(2, even - odd)
    store(3, nearEven + nearOdd)
    store(4, nearEven - nearOdd)
    store(5, 4 * d1 - 5 * d3 + d5)
  }

  @inline(__always)
  static func output(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (m0, m1, m2, m3, m4, m5) = (load(0), load(1), load(2), load(3), load(4), load(5))
    let (sum1, difference1, sum2, difference2) = (m1 + m2, m1 - m2, m3 + m4, m3 - m4)
    store(0, m0 + sum1 + sum2)
    store(1, difference1 + 2 * difference2)
    store(2, sum1 + 4 * sum2)
    store(3, difference1 + 8 * difference2 + m5)
  }

  @inline(__always)
  static func outputGradient(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (y0, y1, y2, y3) = (load(0), load(1), load(2), load(3))
    let (even, odd) = (y0 + y2, y1 + y3)
    let (farEven, farOdd) = (y0 + 4 * y2, 2 * (y1 + 4 * y3))
    store(0, y0)
    store(1, even + odd)
    store(2, even - odd)
    store(3, farEven + farOdd)
    store(4, farEven - farOdd)
    store(5, y3)
  }

  @inline(__always)
  static func filter(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (g0, g1, g2) = (load(0), load(1), load(2))
    let (even, odd) = ((g0 + g2) * (-1 / 6), g1 * (-1 / 6))
    let (farEven, farOdd) = (g0 * (1 / 24) + g2 * (1 / 6), g1 * (1 / 12))
    store(0, g0 * 0.25)
    store(1, even + odd)
    store(2, even - odd)
    store(3, farEven + farOdd)
    store(4, farEven - farOdd)
    store(5, g2)
  }

  @inline(__always)
  static func filterGradient(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (u1, u2, u3, u4) = (load(1), load(2), load(3), load(4))
    let (sum1, sum2) = ((u1 + u2) * (1 / 6), u3 + u4)
    store(0, load(0) * 0.25 - sum1 + sum2 * (1 / 24))
    store(1, (u2 - u1) * (1 / 6) + (u3 - u4) * (1 / 12))
    store(2, sum2 * (1 / 6) - sum1 + load(5))
  }
}

/// F(2, 3): evaluation at 0, 1, -1 and infinity. Four ninths of the multiplications, and the rounding errors of a sum.
enum WinogradTile2: WinogradTile {
  static var outputs: Int { 2 }
  static var points: Int { 4 }

  @inline(__always)
  static func input(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (d0, d1, d2, d3) = (load(0), load(1), load(2), load(3))
    store(0, d0 - d2)
    store(1, d1 + d2)
    store(2, d2 - d1)
    store(3, d1 - d3)
  }

  @inline(__always)
  static func output(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (m0, m1, m2, m3) = (load(0), load(1), load(2), load(3))
    store(0, m0 + m1 + m2)
    store(1, m1 - m2 - m3)
  }

  @inline(__always)
  static func outputGradient(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (y0, y1) = (load(0), load(1))
    store(0, y0)
    store(1, y0 + y1)
    store(2, y0 - y1)
    store(3, -y1)
  }

  @inline(__always)
  static func filter(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (g0, g1, g2) = (load(0), load(1), load(2))
    let (even, odd) = ((g0 + g2) * 0.5, g1 * 0.5)
    store(0, g0)
    store(1, even + odd)
    store(2, even - odd)
    store(3, g2)
  }

  @inline(__always)
  static func filterGradient(_ load: (Int) -> Lane, _ store: (Int, Lane) -> Void) {
    let (u1, u2) = (load(1), load(2))
    let sum = (u1 + u2) * 0.5
    store(0, load(0) + sum)
    store(1, (u1 - u2) * 0.5)
    store(2, sum + load(3))
  }
}

/// How four channels are read and written.
protocol LaneAccess {
  func load(_ pointer: UnsafePointer<Float>) -> Lane
  func store(_ lane: Lane, _ pointer: UnsafeMutablePointer<Float>)
}

struct WholeLane: LaneAccess {
  @inline(__always)
  func load(_ pointer: UnsafePointer<Float>) -> Lane {
    UnsafeRawPointer(pointer).loadUnaligned(as: Lane.self)
  }
  @inline(__always)
  func store(_ lane: Lane, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: lane, as: Lane.self)
  }
}

/// Fewer than four channels in all.
struct PartialLane: LaneAccess {
  let count: Int
  func load(_ pointer: UnsafePointer<Float>) -> Lane {
    var lane = Lane.zero
    for i in 0..<count { lane[i] = pointer[i] }
    return lane
  }
  func store(_ lane: Lane, _ pointer: UnsafeMutablePointer<Float>) {
    for i in 0..<count { pointer[i] = lane[i] }
  }
}

/// Calls `whole` for four channels at a time. The last four may overlap those before, which computes some twice; where
/// there are fewer than four, `partial` is called instead.
@inline(__always)
func forEachLane(_ channels: Int, whole: (_ channel: Int) -> Void, partial: () -> Void) {
  guard channels >= 4 else { return partial() }
  var channel = 0
  while channel &+ 4 <= channels {
    whole(channel)
    channel &+= 4
  }
  if channel < channels { whole(channels &- 4) }
}
