/// How the channels of a tile lie in a plane: in panels of `width` floats a tile, a multiple of eight. Channels that are
/// missing from the last eight have places of their own, with zeros or leftovers in them.
struct PlaneLayout {
  let width: Int
  /// Floats from a panel to the next.
  let panelStride: Int

  /// All channels of a tile one after another.
  static func whole(width: Int) -> PlaneLayout { PlaneLayout(width: width, panelStride: 0) }
}

/// How eight channels of a picture or filter are read and written.
protocol ChannelAccess {
  func load(_ pointer: UnsafePointer<Float>) -> Vector
  func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>)
}

struct WholeVector: ChannelAccess {
  @inline(__always)
  func load(_ pointer: UnsafePointer<Float>) -> Vector { Kernels.load(pointer, 0) }
  @inline(__always)
  func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) { Kernels.store(vector, pointer, 0) }
}

/// The last channels, fewer than eight.
struct PartialVector: ChannelAccess {
  let count: Int
  func load(_ pointer: UnsafePointer<Float>) -> Vector {
    var vector = Vector.zero
    for i in 0..<count { vector[i] = pointer[i] }
    return vector
  }
  func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
    for i in 0..<count { pointer[i] = vector[i] }
  }
}

/// Calls `whole` for eight channels at a time, then `partial` for what is left: with the channel and its place in the plane.
@inline(__always)
func forEachVector(
  _ channels: Int, _ layout: PlaneLayout, whole: (_ channel: Int, _ place: Int) -> Void,
  partial: (_ channel: Int, _ place: Int, _ access: PartialVector) -> Void
) {
  var (channel, place, inPanel) = (0, 0, 0)
  while channel &+ 8 <= channels {
    whole(channel, place)
    channel &+= 8
    place &+= 8
    inPanel &+= 8
    if inPanel == layout.width {
      inPanel = 0
      place &+= layout.panelStride &- layout.width
    }
  }
  if channel < channels { partial(channel, place, PartialVector(count: channels &- channel)) }
}
