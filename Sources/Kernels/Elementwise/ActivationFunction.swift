package import CostModel

/// What an activation computes of one number, or of each lane of a vector. Kernels are generic over it, so that every function has loops
/// of its own, without a branch in them. Vectors are named one by one: what is generic over them is computed lane by lane.
protocol ActivationFunction {
  /// f(z). NaN stays NaN, so that a diverging run is seen to diverge.
  func value(_ z: Float) -> Float
  func value(_ z: SIMD4<Float>) -> SIMD4<Float>
  func value(_ z: Vector) -> Vector

  /// g f'(z), from z.
  func gradient(_ g: Float, at z: Float) -> Float
  func gradient(_ g: Vector, at z: Vector) -> Vector
}

/// A vector of which an activation can be taken, for loops that are generic over the number of lanes.
protocol ActivatedVector: SIMD, BitwiseCopyable where Scalar == Float {
  func activated<Function: ActivationFunction>(by function: Function) -> Self
}

extension SIMD4<Float>: ActivatedVector {
  @inline(__always)
  func activated<Function: ActivationFunction>(by function: Function) -> Self { function.value(self) }
}

extension SIMD8<Float>: ActivatedVector {
  @inline(__always)
  func activated<Function: ActivationFunction>(by function: Function) -> Self { function.value(self) }
}

/// Work that applies an activation, compiled once for each.
protocol ActivatedWork {
  func run<Function: ActivationFunction>(_ function: Function)
}

extension Activation {
  /// Runs the copy of `work` that is compiled for this activation: with `runFused` the one place where functions are chosen.
  @inline(__always)
  func run(_ work: some ActivatedWork) {
    switch self {
    case .none: work.run(Unchanged())
    case .relu: work.run(PositivePart())
    case .leakyRelu(let slope): work.run(LeakyPart(slope: slope))
    case .gelu: work.run(GaussianGate())
    case .silu: work.run(LogisticGate())
    }
  }

  /// The same behind products and sums, which only what can be fused with them comes to.
  @inline(__always)
  func runFused(_ work: some ActivatedWork) {
    switch self {
    case .none: work.run(Unchanged())
    case .relu: work.run(PositivePart())
    case .leakyRelu(let slope): work.run(LeakyPart(slope: slope))
    case .gelu, .silu: preconditionFailure("its gradient needs what it reads: it is an operation of its own")
    }
  }
}

/// f(z) = z.
struct Unchanged: ActivationFunction {
  @inline(__always) func value(_ z: Float) -> Float { z }
  @inline(__always) func value(_ z: SIMD4<Float>) -> SIMD4<Float> { z }
  @inline(__always) func value(_ z: Vector) -> Vector { z }
  @inline(__always) func gradient(_ g: Float, at z: Float) -> Float { g }
  @inline(__always) func gradient(_ g: Vector, at z: Vector) -> Vector { g }
}

/// f(z) = max(0, z): the gradient passes where z, and so f(z), is above zero.
struct PositivePart: ActivationFunction {
  @inline(__always)
  func value(_ z: Float) -> Float { z < 0 ? 0 : z }

  @inline(__always)
  func value(_ z: SIMD4<Float>) -> SIMD4<Float> {
    z.replacing(with: SIMD4<Float>.zero, where: z .< SIMD4<Float>.zero)
  }

  @inline(__always)
  func value(_ z: Vector) -> Vector { z.replacing(with: Vector.zero, where: z .< Vector.zero) }

  @inline(__always)
  func gradient(_ g: Float, at z: Float) -> Float { z > 0 ? g : 0 }

  @inline(__always)
  func gradient(_ g: Vector, at z: Vector) -> Vector {
    Vector.zero.replacing(with: g, where: z .> Vector.zero)
  }
}

/// f(z) = z, and slope z below zero: a slope above zero leaves every sign what it is, so that f' follows from f(z).
struct LeakyPart: ActivationFunction {
  let slope: Float

  @inline(__always)
  func value(_ z: Float) -> Float { z < 0 ? slope * z : z }

  @inline(__always)
  func value(_ z: SIMD4<Float>) -> SIMD4<Float> {
    z.replacing(with: z * slope, where: z .< SIMD4<Float>.zero)
  }

  @inline(__always)
  func value(_ z: Vector) -> Vector { z.replacing(with: z * slope, where: z .< Vector.zero) }

  @inline(__always)
  func gradient(_ g: Float, at z: Float) -> Float { z > 0 ? g : slope * g }

  @inline(__always)
  func gradient(_ g: Vector, at z: Vector) -> Vector {
    (g * slope).replacing(with: g, where: z .> Vector.zero)
  }
}

/// A function that is computed eight numbers at a time; fewer are computed as eight, to the same bits.
protocol VectorFunction: ActivationFunction {}

extension VectorFunction {
  @inline(__always)
  func value(_ z: Float) -> Float { value(Vector(repeating: z))[0] }

  @inline(__always)
  func value(_ z: SIMD4<Float>) -> SIMD4<Float> { value(Vector(lowHalf: z, highHalf: z)).lowHalf }

  @inline(__always)
  func gradient(_ g: Float, at z: Float) -> Float {
    gradient(Vector(repeating: g), at: Vector(repeating: z))[0]
  }
}

/// f(z) = z Φ(z), Φ(z) = erfc(-z / √2) / 2.
struct GaussianGate: VectorFunction {
  /// Φ(z), to within 2e-7: by the rational exponent of Press et al., Numerical Recipes, section 6.2, whose relative error is
  /// below 1.2e-7 however small the tail.
  @inline(__always)
  private func distribution(_ z: Vector) -> Vector {
    let x = z.replacing(with: -z, where: z .< Vector.zero) * 0.707_106_781
    let t = 1 / (1 + 0.5 * x)
    var sum = Vector(repeating: 0.170_872_77)
    sum = sum * t - 0.822_152_23
    sum = sum * t + 1.488_515_87
    sum = sum * t - 1.135_203_98
    sum = sum * t + 0.278_868_07
    sum = sum * t - 0.186_288_06
    sum = sum * t + 0.096_784_18
    sum = sum * t + 0.374_091_96
    sum = sum * t + 1.000_023_68
    sum = sum * t - 1.265_512_23
    let tail = 0.5 * t * exponential(sum - x * x)
    return tail.replacing(with: 1 - tail, where: z .> Vector.zero)
  }

  @inline(__always)
  func value(_ z: Vector) -> Vector { z * distribution(z) }

  @inline(__always)
  func gradient(_ g: Vector, at z: Vector) -> Vector {
    g * (distribution(z) + z * (0.398_942_28 * exponential(-0.5 * z * z)))
  }
}

/// f(z) = z s(z), s(z) = 1 / (1 + exp(-z)).
struct LogisticGate: VectorFunction {
  @inline(__always)
  private func logistic(_ z: Vector) -> Vector {
    let power = exponential(z.replacing(with: -z, where: z .> Vector.zero))
    let share = 1 / (1 + power)
    return (power * share).replacing(with: share, where: z .> Vector.zero)
  }

  @inline(__always)
  func value(_ z: Vector) -> Vector { z * logistic(z) }

  @inline(__always)
  func gradient(_ g: Vector, at z: Vector) -> Vector {
    let s = logistic(z)
    return g * (s * (1 + z * (1 - s)))
  }
}
