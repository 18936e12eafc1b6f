package import Base
package import Execution
internal import GraphIR
package import Planning

/// Why a model file can't be loaded into a plan.
package enum ModelFileError: Error {
  case file(SafetensorsError)
  case missingTensor(path: String, name: String)
  case unknownTensor(path: String, name: String)
  case wrongShape(path: String, name: String, expected: [Int], found: [Int])
  case notFinite(path: String, name: String)
  /// A tensor whose numbers are no floats.
  case foreignType(path: String, name: String, type: String)
  /// No safetensors file, or not a whole one.
  case foreign(ForeignWeights)
  /// Weights to start from that are not those that were planned with; by SHA-256.
  case changed(path: String, expected: String, found: String)

  package var message: String {
    switch self {
    case .file(let error): error.message
    case .missingTensor(let path, let name): "\(path): the tensor '\(name)' is missing"
    case .unknownTensor(let path, let name): "\(path): the plan has no tensor '\(name)'"
    case .wrongShape(let path, let name, let expected, let found):
      "\(path): the tensor '\(name)' has the shape \(found), the plan's has \(expected)"
    case .notFinite(let path, let name): "\(path): the tensor '\(name)' has numbers that are not finite"
    case .foreignType(let path, let name, let type):
      "\(path): the tensor '\(name)' has the type \(type): save it as float32"
    case .foreign(let weights): weights.message
    case .changed(let path, let expected, let found):
      "\(path): not the weights that were planned with: SHA-256 \(found.prefix(12)), the plan's \(expected.prefix(12))"
    }
  }
}

/// `model.safetensors`: every parameter and running statistic of a plan, auxiliaries included, in PyTorch's layouts and
/// under the names of the plan; but for auxiliaries that nobody ever trained. Equal weights give an equal file.
///
/// Its metadata says what tensors do not tell: how each layer, block and classifier computes (`NetworkWiring`), and how the network
/// is fed (`ModelMetadata`).
package struct ModelFile {
  private let entries: [ResidentLayout.Entry]
  /// Tensors that the plan has and the file does without; older files have them.
  private let omitted: Set<String>
  private let metadata: [String: String]

  /// In front of a part's name.
  private static let wiringPrefix = "wiring."

  /// Of the plan's whole network.
  package init(_ plan: Plan) {
    let untrained = Set((plan.start?.unsolved ?? []).map { "auxiliaries.\($0)" })
    func isUntrained(_ name: String) -> Bool { untrained.contains(NetworkWiring.partName(ofTensor: name)) }
    entries = plan.resident.entries.filter { !isUntrained($0.value.name) }
    omitted = Set(plan.resident.entries.map(\.value.name).filter(isUntrained))
    let texts = plan.wiring.texts.filter { !untrained.contains($0.key) }
    metadata = Dictionary(uniqueKeysWithValues: texts.map { (Self.wiringPrefix + $0.key, $0.value) })
      .merging(ModelMetadata(plan).texts) { first, _ in first }
  }

  /// As a file's metadata tells it; of a file of another program nothing.
  static func wiring(of reader: borrowing SafetensorsReader) -> NetworkWiring {
    var texts: [String: String] = [:]
    for (key, value) in reader.metadata where key.hasPrefix(wiringPrefix) {
      texts[String(key.dropFirst(wiringPrefix.count))] = value
    }
    return NetworkWiring(texts: texts)
  }

  private var tensors: [Safetensors.Tensor] {
    entries.map { Safetensors.Tensor(name: $0.value.name, shape: PyTorchLayout($0.value.type).shape) }
  }

  /// Of the file.
  package var byteCount: Int { Safetensors.byteCount(of: tensors, metadata: metadata) }

  package func write(from engine: Engine, to path: String) throws(FileError) -> SafetensorsReceipt {
    try write(from: engine, into: try AtomicFile(path: path))
  }

  func write(from engine: Engine, into file: consuming AtomicFile) throws(FileError) -> SafetensorsReceipt {
    try Safetensors.write(tensors, metadata: metadata, into: file) { index, start, numbers in
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
    let known = omitted.union(entries.map(\.value.name))
    for tensor in reader.tensors where !known.contains(tensor.name) {
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
