/// Eight channels at a time. Compiled for whatever the target offers: two SSE registers, or one AVX register.
typealias Vector = SIMD8<Float>

/// Elements `index ..< index + 8`; any alignment.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>, _ index: Int) -> Vector {
  UnsafeRawPointer(pointer + index).loadUnaligned(as: Vector.self)
}

@inline(__always)
func load(_ pointer: UnsafeMutablePointer<Float>, _ index: Int) -> Vector {
  UnsafeRawPointer(pointer + index).loadUnaligned(as: Vector.self)
}

@inline(__always)
func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>, _ index: Int) {
  UnsafeMutableRawPointer(pointer + index).storeBytes(of: vector, as: Vector.self)
}

/// Copies a short run; `memcpy`'s call costs more than the copy where images have few channels. The last eight floats
/// may overlap those before.
@inline(__always)
func copy(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i &+ 8 <= count {
    store(load(source, i), target, i)
    i &+= 8
  }
  if i < count && count >= 8 {
    store(load(source, count &- 8), target, count &- 8)
    return
  }
  while i < count {
    target[i] = source[i]
    i &+= 1
  }
}

@inline(__always)
func clear(_ target: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i &+ 8 <= count {
    store(.zero, target, i)
    i &+= 8
  }
  while i < count {
    target[i] = 0
    i &+= 1
  }
}

@inline(__always)
func add(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i &+ 8 <= count {
    store(load(target, i) + load(source, i), target, i)
    i &+= 8
  }
  while i < count {
    target[i] += source[i]
    i &+= 1
  }
}

/// target [columns, rows] = source [rows, columns] transposed, in squares that both caches' lines serve.
func transpose(
  _ source: UnsafePointer<Float>, rows: Int, columns: Int, into target: UnsafeMutablePointer<Float>
) {
  var column = 0
  while column < columns {
    let end = min(columns, column &+ 16)
    for row in 0..<rows {
      for c in column..<end { target[c &* rows &+ row] = source[row &* columns &+ c] }
    }
    column = end
  }
}

/// Calls `body(first row, 8)` as often as there are eight rows, then `body(row, 1)` for the rest. Eight rows share the
/// reading of what belongs to a channel, and memory is still walked through from front to back.
@inline(__always)
func forEachRowGroup(_ rows: Range<Int>, _ body: (_ row: Int, _ count: Int) -> Void) {
  var row = rows.lowerBound
  while row &+ 8 <= rows.upperBound {
    body(row, 8)
    row &+= 8
  }
  while row < rows.upperBound {
    body(row, 1)
    row &+= 1
  }
}

/// e^x for x <= 0, to within two units in the last place; 0 below -87, where it would be a denormal. NaN stays NaN. The C
/// library's takes one number at a time.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, and e^r by a polynomial of degree 7 (Taylor's, whose rest is below 6e-9 there).
@inline(__always)
func exponential(_ x: Vector) -> Vector {
  // Adding 1.5 2^23 leaves the nearest whole number in the last bits of the sum.
  let rounder = Vector(repeating: 12_582_912)
  let isTiny = x .< -87
  let x = x.replacing(with: -87, where: isTiny)
  let shifted = x * 1.442_695_04 + rounder
  let n = shifted - rounder
  // ln 2 in two parts, so that n times the first is exact.
  let r = (x - n * 0.693_359_375) + n * 2.121_944_4e-4
  var sum = Vector(repeating: 1 / 5_040)
  sum = sum * r + 1 / 720
  sum = sum * r + 1 / 120
  sum = sum * r + 1 / 24
  sum = sum * r + 1 / 6
  sum = sum * r + 0.5
  sum = sum * r + 1
  sum = sum * r + 1
  let exponent = (unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &- 0x4B40_0000 &+ 127) &<< 23
  return (sum * unsafeBitCast(exponent, to: Vector.self)).replacing(with: Vector.zero, where: isTiny)
}
