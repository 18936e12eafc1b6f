extension Reference {
  package struct MaxPool: Hashable, Sendable {
    package var output: Images
    /// For every output value where its maximum lies in its image: row and column.
    package var rows, columns: [Int]
  }

  /// The largest value of every window; the first in row-major order of several equal ones. Padding never wins.
  package static func maxPoolForward(
    _ x: Images, kernelSize: Int, stride: Int, padding: Int = 0
  ) -> MaxPool {
    let window = ReferenceConvolution(
      outChannels: 1, kernelSize: kernelSize, stride: stride, padding: padding)
    var y = Images(
      batch: x.batch, height: window.outExtent(x.height), width: window.outExtent(x.width),
      channels: x.channels)
    var rows: [Int] = []
    var columns: [Int] = []
    for n in 0..<y.batch {
      for outI in 0..<y.height {
        for outJ in 0..<y.width {
          for c in 0..<y.channels {
            var best: (value: Double, i: Int, j: Int)?
            for i in (outI * stride - padding)..<(outI * stride - padding + kernelSize) {
              for j in (outJ * stride - padding)..<(outJ * stride - padding + kernelSize) {
                guard 0 <= i, i < x.height, 0 <= j, j < x.width else { continue }
                let value = x[n, i, j, c]
                if best == nil || value > best!.value { best = (value, i, j) }
              }
            }
            y[n, outI, outJ, c] = best!.value
            rows.append(best!.i)
            columns.append(best!.j)
          }
        }
      }
    }
    return MaxPool(output: y, rows: rows, columns: columns)
  }

  /// Every output's gradient goes to the place of its maximum; windows that overlap add up.
  package static func maxPoolBackward(
    outputGradient: Images, _ pool: MaxPool, height: Int, width: Int
  ) -> Images {
    let y = pool.output
    var gradient = Images(batch: y.batch, height: height, width: width, channels: y.channels)
    for n in 0..<y.batch {
      for position in 0..<(y.height * y.width) {
        for c in 0..<y.channels {
          let index = (n * y.height * y.width + position) * y.channels + c
          gradient[n, pool.rows[index], pool.columns[index], c] += outputGradient.values[index]
        }
      }
    }
    return gradient
  }

  /// Means over windows `floor(i s / n) ..< ceil((i + 1) s / n)`, which cover the image for any two sizes.
  package static func adaptiveAveragePoolForward(_ x: Images, outHeight: Int, outWidth: Int) -> Images {
    var y = Images(batch: x.batch, height: outHeight, width: outWidth, channels: x.channels)
    for n in 0..<x.batch {
      for c in 0..<x.channels {
        for outI in 0..<outHeight {
          for outJ in 0..<outWidth {
            let (rows, columns) = (window(outI, x.height, outHeight), window(outJ, x.width, outWidth))
            var sum = 0.0
            for i in rows {
              for j in columns { sum += x[n, i, j, c] }
            }
            y[n, outI, outJ, c] = sum / Double(rows.count * columns.count)
          }
        }
      }
    }
    return y
  }

  package static func adaptiveAveragePoolBackward(outputGradient: Images, height: Int, width: Int)
    -> Images
  {
    let dy = outputGradient
    var gradient = Images(batch: dy.batch, height: height, width: width, channels: dy.channels)
    for n in 0..<dy.batch {
      for c in 0..<dy.channels {
        for outI in 0..<dy.height {
          for outJ in 0..<dy.width {
            let (rows, columns) = (window(outI, height, dy.height), window(outJ, width, dy.width))
            for i in rows {
              for j in columns {
                gradient[n, i, j, c] += dy[n, outI, outJ, c] / Double(rows.count * columns.count)
              }
            }
          }
        }
      }
    }
    return gradient
  }

  /// Means of squares of `side` beside each other; a last row or column that fills none is left out, as by PyTorch's AvgPool2d.
  package static func averagePoolForward(_ x: Images, side: Int) -> Images {
    var y = Images(batch: x.batch, height: x.height / side, width: x.width / side, channels: x.channels)
    for n in 0..<y.batch {
      for i in 0..<y.height * side {
        for j in 0..<y.width * side {
          for c in 0..<x.channels { y[n, i / side, j / side, c] += x[n, i, j, c] / Double(side * side) }
        }
      }
    }
    return y
  }

  package static func averagePoolBackward(
    outputGradient dy: Images, side: Int, height: Int, width: Int
  ) -> Images {
    var gradient = Images(batch: dy.batch, height: height, width: width, channels: dy.channels)
    for n in 0..<dy.batch {
      for i in 0..<dy.height * side {
        for j in 0..<dy.width * side {
          for c in 0..<dy.channels {
            gradient[n, i, j, c] = dy[n, i / side, j / side, c] / Double(side * side)
          }
        }
      }
    }
    return gradient
  }

  /// Invertible downsampling: pixel `(2i+dy, 2j+dx)`, channel `ch` goes to pixel `(i, j)`, channel `(dy*2+dx)*C + ch`.
  /// Its own gradient is `depthToSpace`, since it only moves values. Traps on odd sizes.
  package static func spaceToDepth(_ x: Images) -> Images {
    precondition(x.height % 2 == 0 && x.width % 2 == 0)
    var y = Images(batch: x.batch, height: x.height / 2, width: x.width / 2, channels: 4 * x.channels)
    for n in 0..<x.batch {
      for i in 0..<x.height {
        for j in 0..<x.width {
          for ch in 0..<x.channels {
            y[n, i / 2, j / 2, ((i % 2) * 2 + j % 2) * x.channels + ch] = x[n, i, j, ch]
          }
        }
      }
    }
    return y
  }

  package static func depthToSpace(_ x: Images) -> Images {
    precondition(x.channels % 4 == 0)
    let channels = x.channels / 4
    var y = Images(batch: x.batch, height: 2 * x.height, width: 2 * x.width, channels: channels)
    for n in 0..<y.batch {
      for i in 0..<y.height {
        for j in 0..<y.width {
          for ch in 0..<channels {
            y[n, i, j, ch] = x[n, i / 2, j / 2, ((i % 2) * 2 + j % 2) * channels + ch]
          }
        }
      }
    }
    return y
  }

  private static func window(_ index: Int, _ size: Int, _ count: Int) -> Range<Int> {
    let lower = Int((Double(index * size) / Double(count)).rounded(.down))
    let upper = Int((Double((index + 1) * size) / Double(count)).rounded(.up))
    return lower..<upper
  }
}
