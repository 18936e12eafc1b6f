internal import Datasets
package import Execution
internal import GraphIR
package import Planning

/// The weights file that a network starts from.
package enum StartFile {
  /// The file itself, or the one in a run's folder.
  package static func path(_ path: String) -> String {
    path.hasSuffix(".safetensors") ? path : "\(path)/\(RunDirectory.modelName)"
  }

  /// What planning needs to know of the file at `path`.
  package static func facts(of path: String) throws(ModelFileError) -> StoredWeights {
    let reader = try open(path)
    return StoredWeights(
      path: path, sha256: try sha256(of: path),
      tensors: reader.tensors.map { StoredWeights.Tensor(name: $0.name, shape: $0.shape) })
  }

  /// Of the bytes of a file.
  package static func sha256(of path: String) throws(ModelFileError) -> String {
    do {
      return try FileDescriptor.sha256(ofFile: path)
    } catch {
      throw .file(.file(error))
    }
  }

  /// Fills the stored tensors of some modules, as `resident` lays them out; the others stay as they are.
  package static func load(
    _ start: StartPlan, from path: String, modules: [Int], in resident: ResidentLayout, of engine: Engine
  ) throws(ModelFileError) {
    let reader = try open(path)
    let entries = Dictionary(uniqueKeysWithValues: resident.entries.map { ($0.value.name, $0) })
    for tensor in start.tensors {
      guard let entry = entries[tensor.name], modules.contains(entry.value.module) else { continue }
      guard let index = reader.index(of: tensor.stored) else {
        throw .missingTensor(path: path, name: tensor.stored)
      }
      try TensorLoading.fill(entry, of: engine, from: reader, index)
    }
  }

  private static func open(_ path: String) throws(ModelFileError) -> SafetensorsReader {
    do {
      return try SafetensorsReader(path: path)
    } catch {
      throw .file(error)
    }
  }
}

/// Reads one tensor of a file into its place.
enum TensorLoading {
  /// Numbers read at a time.
  private static let chunkCount = 1 << 16

  static func fill(
    _ entry: ResidentLayout.Entry, of engine: Engine, from reader: borrowing SafetensorsReader, _ index: Int
  ) throws(ModelFileError) {
    let layout = PyTorchLayout(entry.value.type)
    guard reader.tensors[index].shape == layout.shape else {
      throw .wrongShape(
        path: reader.path, name: entry.value.name, expected: layout.shape, found: reader.tensors[index].shape)
    }
    for start in stride(from: 0, to: layout.elementCount, by: chunkCount) {
      var part = [Float](repeating: 0, count: min(chunkCount, layout.elementCount - start))
      do throws(SafetensorsError) {
        var numbers = part.mutableSpan
        try reader.read(index, from: start, into: &numbers)
      } catch {
        throw .file(error)
      }
      engine.write(entry, from: start, part.span)
    }
  }
}
