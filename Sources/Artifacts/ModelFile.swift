package import Execution
internal import GraphIR
package import Planning

/// Why a model file can't be loaded into a plan.
package enum ModelFileError: Error {
  case file(SafetensorsError)
  case missingTensor(path: String, name: String)
  case unknownTensor(path: String, name: String)
  case wrongShape(path: String, name: String, expected: [Int], found: [Int])

  package var message: String {
    switch self {
    case .file(let error): error.message
    case .missingTensor(let path, let name): "\(path): the tensor '\(name)' is missing"
    case .unknownTensor(let path, let name): "\(path): the plan has no tensor '\(name)'"
    case .wrongShape(let path, let name, let expected, let found):
      "\(path): the tensor '\(name)' has the shape \(found), the plan's has \(expected)"
    }
  }
}

/// `model.safetensors`: every parameter and running statistic of a plan, auxiliaries included, in PyTorch's layouts and
/// under the names of the plan. Equal weights give an equal file.
package struct ModelFile {
  private let entries: [ResidentLayout.Entry]

  /// Of the plan's whole network.
  package init(_ plan: Plan) {
    entries = plan.resident.entries
  }

  private var tensors: [Safetensors.Tensor] {
    entries.map { Safetensors.Tensor(name: $0.value.name, shape: PyTorchLayout($0.value.type).shape) }
  }

  /// Of the file.
  package var byteCount: Int { Safetensors.byteCount(of: tensors) }

  package func write(from engine: Engine, to path: String) throws(FileError) -> SafetensorsReceipt {
    return try Safetensors.write(tensors, to: path) { index, start, numbers in
      engine.read(entries[index], from: start, into: &numbers)
    }
  }

  /// Fills the engine's parameters and statistics; every tensor must be there, in its shape, and no other.
  package func read(into engine: Engine, from path: String) throws(ModelFileError) {
    let reader: SafetensorsReader
    do {
      reader = try SafetensorsReader(path: path)
    } catch {
      throw .file(error)
    }
    for tensor in reader.tensors where !entries.contains(where: { $0.value.name == tensor.name }) {
      throw .unknownTensor(path: path, name: tensor.name)
    }
    for entry in entries {
      guard let index = reader.index(of: entry.value.name) else {
        throw .missingTensor(path: path, name: entry.value.name)
      }
      try TensorLoading.fill(entry, of: engine, from: reader, index)
    }
  }
}
