package import CostModel

/// What an activation computes of one number, or of each lane of a vector. Kernels are generic over it, so that every function has loops
/// of its own, without a branch in them. Vectors are named one by one: what is generic over them is computed lane by lane.
protocol ActivationFunction {
  /// f(z). NaN stays NaN, so that a diverging run is seen to diverge.
  static func value(_ z: Float) -> Float
  static func value(_ z: SIMD4<Float>) -> SIMD4<Float>
  static func value(_ z: Vector) -> Vector

  /// g f'(z), from z.
  static func gradient(_ g: Float, at z: Float) -> Float
  static func gradient(_ g: Vector, at z: Vector) -> Vector

  /// The same from y = f(z).
  static func gradient(_ g: Float, behind y: Float) -> Float
  static func gradient(_ g: Vector, behind y: Vector) -> Vector
}

/// A vector of which an activation can be taken, for loops that are generic over the number of lanes.
protocol ActivatedVector: SIMD, BitwiseCopyable where Scalar == Float {
  func activated<Function: ActivationFunction>(by _: Function.Type) -> Self
}

extension SIMD4<Float>: ActivatedVector {
  @inline(__always)
  func activated<Function: ActivationFunction>(by _: Function.Type) -> Self { Function.value(self) }
}

extension SIMD8<Float>: ActivatedVector {
  @inline(__always)
  func activated<Function: ActivationFunction>(by _: Function.Type) -> Self { Function.value(self) }
}

/// Work that applies an activation, compiled once for each.
protocol ActivatedWork {
  func run<Function: ActivationFunction>(_: Function.Type)
}

extension Activation {
  /// Runs the copy of `work` that is compiled for this activation: the one place where functions are chosen.
  @inline(__always)
  func run(_ work: some ActivatedWork) {
    switch self {
    case .none: work.run(Unchanged.self)
    case .relu: work.run(PositivePart.self)
    }
  }
}

/// f(z) = z.
enum Unchanged: ActivationFunction {
  @inline(__always) static func value(_ z: Float) -> Float { z }
  @inline(__always) static func value(_ z: SIMD4<Float>) -> SIMD4<Float> { z }
  @inline(__always) static func value(_ z: Vector) -> Vector { z }
  @inline(__always) static func gradient(_ g: Float, at z: Float) -> Float { g }
  @inline(__always) static func gradient(_ g: Vector, at z: Vector) -> Vector { g }
  @inline(__always) static func gradient(_ g: Float, behind y: Float) -> Float { g }
  @inline(__always) static func gradient(_ g: Vector, behind y: Vector) -> Vector { g }
}

/// f(z) = max(0, z): the gradient passes where z, and so y, is above zero.
enum PositivePart: ActivationFunction {
  @inline(__always)
  static func value(_ z: Float) -> Float { z < 0 ? 0 : z }

  @inline(__always)
  static func value(_ z: SIMD4<Float>) -> SIMD4<Float> {
    z.replacing(with: SIMD4<Float>.zero, where: z .< SIMD4<Float>.zero)
  }

  @inline(__always)
  static func value(_ z: Vector) -> Vector { z.replacing(with: Vector.zero, where: z .< Vector.zero) }

  @inline(__always)
  static func gradient(_ g: Float, at z: Float) -> Float { z > 0 ? g : 0 }

  @inline(__always)
  static func gradient(_ g: Vector, at z: Vector) -> Vector {
    Vector.zero.replacing(with: g, where: z .> Vector.zero)
  }

  @inline(__always)
  static func gradient(_ g: Float, behind y: Float) -> Float { gradient(g, at: y) }

  @inline(__always)
  static func gradient(_ g: Vector, behind y: Vector) -> Vector { gradient(g, at: y) }
}
