internal import Base
internal import GraphIR
internal import Operators
internal import Text

/// An ONNX model (IR version 8, opset 17): one input of so many images as there are, one output.
/// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
package struct ONNXModel {
  /// The model, and of one that a message can't hold the tensors' numbers in a file of their own.
  package struct Files {
    package var model: [UInt8]
    /// Under the name that the model knows.
    package var external: [UInt8]?
  }

  private let model: ExportedModel

  /// A message ends at 2 GB.
  package static let largestByteCount = 2_000_000_000

  package init(_ model: ExportedModel) {
    self.model = model
  }

  /// - Parameters:
  ///   - release: of the program.
  ///   - externalName: of the file beside the model, where one is needed.
  ///   - limit: bytes of tensors up to which they are in the model itself.
  ///   - tensor: reads a tensor of the model's file, in PyTorch's order.
  package func files<Failure: Error>(
    release: String, externalName: String, limit: Int = largestByteCount,
    tensor: (String) throws(Failure) -> (shape: [Int], numbers: [Float])
  ) throws(Failure) -> Files {
    let graph = ONNXGraph(model)
    let names = model.tensorNames
    var tensors: [(name: String, shape: [Int], numbers: [Float])] = []
    for name in names {
      let (shape, numbers) = try tensor(name)
      tensors.append((name, shape, numbers))
    }
    let isExternal = tensors.reduce(0) { $0 + 4 * $1.numbers.count } > limit
    var external: [UInt8] = []
    var writer = ProtobufWriter()
    writer.integer(1, 8)
    writer.text(2, "strata")
    writer.text(3, release)
    writer.message(7) { out in
      for (index, node) in graph.nodes.enumerated() { Self.write(node, index, into: &out) }
      out.text(2, model.name)
      for (name, shape, numbers) in tensors {
        out.message(5) { out in
          for size in shape { out.integer(1, size) }
          out.integer(2, Self.floatType)
          out.text(8, name)
          let bytes = littleEndianBytes(numbers)
          guard isExternal else {
            out.data(9, bytes)
            return
          }
          let place = [
            ("location", externalName), ("offset", "\(external.count)"), ("length", "\(bytes.count)"),
          ]
          for (key, value) in place {
            out.message(13) { out in
              out.text(1, key)
              out.text(2, value)
            }
          }
          out.integer(14, 1)
          external += bytes
        }
      }
      for constant in graph.constants { Self.write(constant, into: &out) }
      let input = model.input
      Self.writeValue(11, ONNXGraph.inputName, [input.channels, input.height, input.width], into: &out)
      Self.writeValue(12, model.outputName, [model.classNames.count], into: &out)
    }
    writer.message(8) { out in
      out.text(1, "")
      out.integer(2, 17)
    }
    for (key, value) in metadata {
      writer.message(14) { out in
        out.text(1, key)
        out.text(2, value)
      }
    }
    return Files(model: writer.bytes, external: isExternal ? external : nil)
  }

  private static let floatType = 1
  private static let integerType = 7

  private var metadata: [(key: String, value: String)] {
    let numbers = { (list: [Float]) in JSONWriter.line(.array(list.map(JSON.number))) }
    var metadata = [
      ("classes", JSONWriter.line(.array(model.classNames.map(JSON.string)))),
      ("input", "\(model.input.channels)x\(model.input.height)x\(model.input.width)"),
      (
        "pixels",
        model.normalizes
          ? "0 to \(model.pixelScale), as they are stored" : "(pixel / pixelScale - mean) / standardDeviation"
      ),
    ]
    metadata += [
      ("pixelScale", "\(model.pixelScale)"), ("mean", numbers(model.mean)),
      ("standardDeviation", numbers(model.standardDeviation)),
    ]
    return metadata
  }

  private static func write(_ node: ONNXGraph.Node, _ index: Int, into out: inout ProtobufWriter) {
    out.message(1) { out in
      for input in node.inputs { out.text(1, input) }
      out.text(2, node.output)
      out.text(3, "\(node.operation)_\(index + 1)")
      out.text(4, node.operation)
      for attribute in node.attributes {
        out.message(5) { out in
          out.text(1, attribute.name)
          switch attribute.value {
          case .float(let value):
            out.float(2, value)
            out.integer(20, 1)
          case .integer(let value):
            out.integer(3, value)
            out.integer(20, 2)
          case .integers(let values):
            for value in values { out.integer(8, value) }
            out.integer(20, 7)
          }
        }
      }
    }
  }

  private static func write(_ constant: ONNXGraph.Constant, into out: inout ProtobufWriter) {
    out.message(5) { out in
      for size in constant.shape { out.integer(1, size) }
      switch constant.numbers {
      case .floats(let numbers):
        out.integer(2, floatType)
        out.text(8, constant.name)
        out.data(9, littleEndianBytes(numbers))
      case .integers(let numbers):
        out.integer(2, integerType)
        out.text(8, constant.name)
        out.data(9, littleEndianBytes(numbers))
      }
    }
  }

  /// Of floats, any number of them at once.
  private static func writeValue(_ field: Int, _ name: String, _ sizes: [Int], into out: inout ProtobufWriter)
  {
    out.message(field) { out in
      out.text(1, name)
      out.message(2) { out in
        out.message(1) { out in
          out.integer(1, floatType)
          out.message(2) { out in
            out.message(1) { $0.text(2, "batch") }
            for size in sizes { out.message(1) { $0.integer(1, size) } }
          }
        }
      }
    }
  }
}
