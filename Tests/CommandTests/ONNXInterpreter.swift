import Foundation
import Testing

/// Reads an ONNX model by the wire format alone and computes it in double precision, loop by loop: shares nothing with the program that
/// wrote it.
struct ONNXInterpreter {
  struct Tensor {
    var shape: [Int]
    var values: [Double]
  }

  private struct Node {
    var operation = ""
    var inputs: [String] = []
    var outputs: [String] = []
    var attributes: [String: [Double]] = [:]
  }

  private var nodes: [Node] = []
  private var constants: [String: Tensor] = [:]
  private(set) var metadata: [String: String] = [:]
  private(set) var inputNames: [String] = []
  private(set) var outputNames: [String] = []
  private(set) var opset = 0

  init(_ bytes: [UInt8]) {
    for field in Self.fields(bytes[...]) {
      switch field.number {
      case 7: readGraph(field.bytes)
      case 8: for inner in Self.fields(field.bytes) where inner.number == 2 { opset = inner.integer }
      case 14:
        let entry = Self.fields(field.bytes)
        metadata[Self.text(entry, 1)] = Self.text(entry, 2)
      default: continue
      }
    }
  }

  // MARK: - Reading

  private struct Field {
    var number: Int
    var integer = 0
    var bytes: ArraySlice<UInt8> = []
    var float = 0.0
  }

  private static func fields(_ bytes: ArraySlice<UInt8>) -> [Field] {
    var fields: [Field] = []
    var place = bytes.startIndex
    func varint() -> Int {
      var (value, shift) = (0 as UInt64, 0 as UInt64)
      while true {
        let byte = bytes[place]
        place += 1
        value |= UInt64(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 { return Int(Int64(bitPattern: value)) }
      }
    }
    while place < bytes.endIndex {
      let key = varint()
      var field = Field(number: key >> 3)
      switch key & 7 {
      case 0: field.integer = varint()
      case 2:
        let count = varint()
        field.bytes = bytes[place..<place + count]
        place += count
      case 5:
        let bits = (0..<4).reduce(0 as UInt32) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
        field.float = Double(Float(bitPattern: bits))
        place += 4
      default: Issue.record("wire type \(key & 7)")
      }
      fields.append(field)
    }
    return fields
  }

  private static func text(_ fields: [Field], _ number: Int) -> String {
    String(decoding: fields.first { $0.number == number }?.bytes ?? [], as: UTF8.self)
  }

  private mutating func readGraph(_ bytes: ArraySlice<UInt8>) {
    for field in Self.fields(bytes) {
      let inner = [1, 5, 11, 12].contains(field.number) ? Self.fields(field.bytes) : []
      switch field.number {
      case 1:
        var node = Node()
        for part in inner {
          switch part.number {
          case 1: node.inputs.append(String(decoding: part.bytes, as: UTF8.self))
          case 2: node.outputs.append(String(decoding: part.bytes, as: UTF8.self))
          case 4: node.operation = String(decoding: part.bytes, as: UTF8.self)
          case 5:
            let attribute = Self.fields(part.bytes)
            node.attributes[Self.text(attribute, 1)] = attribute.compactMap {
              switch $0.number {
              case 2: $0.float
              case 3, 8: Double($0.integer)
              default: nil
              }
            }
          default: continue
          }
        }
        nodes.append(node)
      case 5:
        let shape = inner.filter { $0.number == 1 }.map(\.integer)
        let isFloat = inner.first { $0.number == 2 }?.integer == 1
        let raw = Array(inner.first { $0.number == 9 }?.bytes ?? [])
        let width = isFloat ? 4 : 8
        let values = stride(from: 0, to: raw.count, by: width).map { start -> Double in
          let bits = (0..<width).reduce(0 as UInt64) { $0 | UInt64(raw[start + $1]) << (8 * UInt64($1)) }
          return isFloat ? Double(Float(bitPattern: UInt32(bits))) : Double(Int64(bitPattern: bits))
        }
        constants[Self.text(inner, 8)] = Tensor(shape: shape, values: values)
      case 11: inputNames.append(Self.text(inner, 1))
      case 12: outputNames.append(Self.text(inner, 1))
      default: continue
      }
    }
  }

  // MARK: - Computing

  func run(_ images: Tensor) -> Tensor {
    var values = constants
    values[inputNames[0]] = images
    for node in nodes {
      let inputs = node.inputs.compactMap { values[$0] }
      #expect(inputs.count == node.inputs.count, "\(node.operation) reads what nobody has made")
      values[node.outputs[0]] = compute(node, inputs)
    }
    return values[outputNames[0]] ?? Tensor(shape: [], values: [])
  }

  private func compute(_ node: Node, _ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    func ints(_ name: String) -> [Int] { (node.attributes[name] ?? []).map { Int($0) } }
    switch node.operation {
    case "Identity": return x
    case "Relu": return Tensor(shape: x.shape, values: x.values.map { max(0, $0) })
    case "LeakyRelu":
      let slope = node.attributes["alpha"]?.first ?? 0.01
      return Tensor(shape: x.shape, values: x.values.map { $0 < 0 ? slope * $0 : $0 })
    case "Sigmoid": return Tensor(shape: x.shape, values: x.values.map { 1 / (1 + exp(-$0)) })
    case "Erf": return Tensor(shape: x.shape, values: x.values.map { erf($0) })
    case "Log": return Tensor(shape: x.shape, values: x.values.map { log($0) })
    case "Add": return broadcast(x, inputs[1], +)
    case "Sub": return broadcast(x, inputs[1], -)
    case "Mul": return broadcast(x, inputs[1], *)
    case "Div": return broadcast(x, inputs[1], /)
    case "Flatten":
      return Tensor(shape: [x.shape[0], x.shape.dropFirst().reduce(1, *)], values: x.values)
    case "Conv":
      return convolve(x, inputs[1], inputs.count > 2 ? inputs[2] : nil, ints("strides")[0], ints("pads")[0])
    case "BatchNormalization":
      let area = x.shape.dropFirst(2).reduce(1, *)
      let epsilon = node.attributes["epsilon"]?.first ?? 0
      return Tensor(
        shape: x.shape,
        values: x.values.indices.map { place in
          let c = place / area % x.shape[1]
          return (x.values[place] - inputs[3].values[c]) / (inputs[4].values[c] + epsilon).squareRoot()
            * inputs[1].values[c] + inputs[2].values[c]
        })
    case "MaxPool": return pool(x, ints("kernel_shape"), ints("strides"), ints("pads")[0]) { $0.max() ?? 0 }
    case "AveragePool":
      return pool(x, ints("kernel_shape"), ints("strides"), 0) { $0.reduce(0, +) / Double($0.count) }
    case "GlobalAveragePool":
      return pool(x, Array(x.shape[2...]), [1, 1], 0) { $0.reduce(0, +) / Double($0.count) }
    case "Gemm":
      let (rows, ins, outs) = (x.shape[0], x.shape[1], inputs[1].shape[0])
      return Tensor(
        shape: [rows, outs],
        values: (0..<rows * outs).map { place in
          let (row, out) = (place / outs, place % outs)
          return (0..<ins).reduce(inputs[2].values[out]) {
            $0 + x.values[row * ins + $1] * inputs[1].values[out * ins + $1]
          }
        })
    case "MatMul": return multiply(x, inputs[1])
    case "Softmax":
      let classes = x.shape[1]
      return Tensor(
        shape: x.shape,
        values: (0..<x.shape[0]).flatMap { row -> [Double] in
          let powers = (0..<classes).map { exp(x.values[row * classes + $0]) }
          let sum = powers.reduce(0, +)
          return powers.map { $0 / sum }
        })
    case "SpaceToDepth":
      let (c, h, w) = (x.shape[1], x.shape[2], x.shape[3])
      return images(x.shape[0], 4 * c, h / 2, w / 2) { n, channel, row, column in
        let (offset, source) = (channel / c, channel % c)
        return x.values[((n * c + source) * h + 2 * row + offset / 2) * w + 2 * column + offset % 2]
      }
    case "Slice":
      let step = Int(inputs[4].values[0])
      let (c, h, w) = (x.shape[1], x.shape[2], x.shape[3])
      return images(x.shape[0], c, (h + step - 1) / step, (w + step - 1) / step) { n, channel, row, column in
        x.values[((n * c + channel) * h + row * step) * w + column * step]
      }
    case "Pad":
      let (c, h, w) = (x.shape[1], x.shape[2], x.shape[3])
      return images(x.shape[0], c + Int(inputs[1].values[5]), h, w) { n, channel, row, column in
        channel < c ? x.values[((n * c + channel) * h + row) * w + column] : 0
      }
    default:
      Issue.record("nobody computes \(node.operation)")
      return x
    }
  }

  private func images(
    _ n: Int, _ c: Int, _ h: Int, _ w: Int, _ value: (Int, Int, Int, Int) -> Double
  ) -> Tensor {
    var values: [Double] = []
    for image in 0..<n {
      for channel in 0..<c {
        for row in 0..<h { for column in 0..<w { values.append(value(image, channel, row, column)) } }
      }
    }
    return Tensor(shape: [n, c, h, w], values: values)
  }

  private func broadcast(_ a: Tensor, _ b: Tensor, _ combine: (Double, Double) -> Double) -> Tensor {
    if a.shape == b.shape {
      return Tensor(shape: a.shape, values: zip(a.values, b.values).map(combine))
    }
    // One number, or one a channel.
    let area = b.values.count == 1 ? Int.max : a.shape.dropFirst(2).reduce(1, *)
    return Tensor(
      shape: a.shape,
      values: a.values.indices.map { combine(a.values[$0], b.values[$0 / area % b.values.count]) })
  }

  private func convolve(_ x: Tensor, _ filter: Tensor, _ bias: Tensor?, _ stride: Int, _ padding: Int)
    -> Tensor
  {
    let (c, h, w) = (x.shape[1], x.shape[2], x.shape[3])
    let kernel = filter.shape[2]
    let (outHeight, outWidth) = (
      (h + 2 * padding - kernel) / stride + 1, (w + 2 * padding - kernel) / stride + 1
    )
    return images(x.shape[0], filter.shape[0], outHeight, outWidth) { n, out, row, column in
      var sum = bias?.values[out] ?? 0
      for channel in 0..<c {
        for ky in 0..<kernel {
          let y = row * stride + ky - padding
          if y < 0 || y >= h { continue }
          for kx in 0..<kernel {
            let xx = column * stride + kx - padding
            if xx < 0 || xx >= w { continue }
            sum +=
              x.values[((n * c + channel) * h + y) * w + xx]
              * filter.values[((out * c + channel) * kernel + ky) * kernel + kx]
          }
        }
      }
      return sum
    }
  }

  private func pool(
    _ x: Tensor, _ window: [Int], _ strides: [Int], _ padding: Int, _ combine: ([Double]) -> Double
  ) -> Tensor {
    let (c, h, w) = (x.shape[1], x.shape[2], x.shape[3])
    return images(
      x.shape[0], c, (h + 2 * padding - window[0]) / strides[0] + 1,
      (w + 2 * padding - window[1]) / strides[1] + 1
    ) { n, channel, row, column in
      var seen: [Double] = []
      for y in row * strides[0] - padding..<row * strides[0] - padding + window[0] where y >= 0 && y < h {
        for xx in column * strides[1] - padding..<column * strides[1] - padding + window[1]
        where xx >= 0 && xx < w {
          seen.append(x.values[((n * c + channel) * h + y) * w + xx])
        }
      }
      return combine(seen)
    }
  }

  /// Of a matrix and images, whichever comes first.
  private func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
    if b.shape.count == 2 {
      let (c, h, w) = (a.shape[1], a.shape[2], a.shape[3])
      return images(a.shape[0], c, h, b.shape[1]) { n, channel, row, column in
        (0..<w).reduce(0) {
          $0 + a.values[((n * c + channel) * h + row) * w + $1] * b.values[$1 * b.shape[1] + column]
        }
      }
    }
    let (c, h, w) = (b.shape[1], b.shape[2], b.shape[3])
    return images(b.shape[0], c, a.shape[0], w) { n, channel, row, column in
      (0..<h).reduce(0) {
        $0 + a.values[row * h + $1] * b.values[((n * c + channel) * h + $1) * w + column]
      }
    }
  }
}
