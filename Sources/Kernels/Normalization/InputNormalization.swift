package import CostModel

/// Batch normalisation of what a kernel reads, with statistics that training saved: f((x - mean) slope + shift), to the bit what
/// `batchNormTraining` would have written. All [channels].
package struct InputNormalization {
  let scale, shift, mean, inverseDeviation: UnsafePointer<Float>
  let activation: Activation

  package init(
    scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    inverseDeviation: UnsafePointer<Float>, activation: Activation
  ) {
    self.scale = scale
    self.shift = shift
    self.mean = mean
    self.inverseDeviation = inverseDeviation
    self.activation = activation
  }
}

/// How a kernel reads pixels. Kernels are generic over it, so that loops over plain pixels stay as they are.
protocol PixelValues {
  /// What belongs to the eight channels from some channel on, and to the four, or fewer, that `access` loads.
  associatedtype Lanes
  associatedtype FourLanes
  /// Whether values are those in memory; if not, zeros that stand for what is no pixel are none to be read.
  static var isPlain: Bool { get }
  func lanes(at channel: Int) -> Lanes
  func fourLanes(at channel: Int, _ access: some LaneAccess) -> FourLanes
  func value(_ x: Vector, _ lanes: Lanes) -> Vector
  func value(_ x: Lane, _ lanes: FourLanes) -> Lane
  func value(_ x: Float, at channel: Int) -> Float
}

extension PixelValues {
  /// target = the values of `count` floats of a row of pixels of `channels` channels, which begin at channel `first`.
  @inline(__always)
  func copyValues(
    _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int, first: Int,
    channels: Int
  ) {
    if Self.isPlain { return copy(source, to: target, count: count) }
    var (done, channel) = (0, first)
    while done < count {
      let length = min(channels &- channel, count &- done)
      var i = 0
      while i &+ 8 <= length {
        store(value(load(source, done &+ i), lanes(at: channel &+ i)), target, done &+ i)
        i &+= 8
      }
      while i < length {
        target[done &+ i] = value(source[done &+ i], at: channel &+ i)
        i &+= 1
      }
      done &+= length
      channel = 0
    }
  }
}

/// Work that reads pixels, compiled for each way.
protocol PixelReadingWork {
  func run(_ pixels: some PixelValues)
}

/// Runs the copy of `work` that reads pixels as they are, or normalised.
func readingPixels(_ normalization: InputNormalization?, _ work: some PixelReadingWork) {
  guard let normalization else { return work.run(PlainPixels()) }
  normalization.activation.run(NormalizedReading(work: work, normalization: normalization))
}

private struct NormalizedReading<Work: PixelReadingWork>: ActivatedWork {
  let work: Work
  let normalization: InputNormalization

  func run<Function: ActivationFunction>(_ function: Function) {
    work.run(NormalizedPixels(normalization, function))
  }
}

struct PlainPixels: PixelValues {
  static var isPlain: Bool { true }
  @inline(__always) func lanes(at channel: Int) {}
  @inline(__always) func fourLanes(at channel: Int, _ access: some LaneAccess) {}
  @inline(__always) func value(_ x: Vector, _ lanes: Void) -> Vector { x }
  @inline(__always) func value(_ x: Lane, _ lanes: Void) -> Lane { x }
  @inline(__always) func value(_ x: Float, at channel: Int) -> Float { x }
}

struct NormalizedPixels<Function: ActivationFunction>: PixelValues {
  private let normalization: InputNormalization
  private let function: Function

  init(_ normalization: InputNormalization, _ function: Function) {
    self.normalization = normalization
    self.function = function
  }

  @inline(__always)
  func lanes(at channel: Int) -> (mean: Vector, slope: Vector, shift: Vector) {
    let slope = load(normalization.scale, channel) * load(normalization.inverseDeviation, channel)
    return (load(normalization.mean, channel), slope, load(normalization.shift, channel))
  }

  static var isPlain: Bool { false }

  @inline(__always)
  func fourLanes(at channel: Int, _ access: some LaneAccess) -> (mean: Lane, slope: Lane, shift: Lane) {
    let slope =
      access.load(normalization.scale + channel) * access.load(normalization.inverseDeviation + channel)
    return (access.load(normalization.mean + channel), slope, access.load(normalization.shift + channel))
  }

  @inline(__always)
  func value(_ x: Vector, _ lanes: (mean: Vector, slope: Vector, shift: Vector)) -> Vector {
    function.value((x - lanes.mean) * lanes.slope + lanes.shift)
  }

  @inline(__always)
  func value(_ x: Lane, _ lanes: (mean: Lane, slope: Lane, shift: Lane)) -> Lane {
    function.value((x - lanes.mean) * lanes.slope + lanes.shift)
  }

  @inline(__always)
  func value(_ x: Float, at channel: Int) -> Float {
    let slope = normalization.scale[channel] * normalization.inverseDeviation[channel]
    return function.value((x - normalization.mean[channel]) * slope + normalization.shift[channel])
  }
}
