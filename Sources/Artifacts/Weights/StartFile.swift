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
    var notFinite: Set<String> = []
    for (index, tensor) in reader.tensors.enumerated() {
      if try !TensorLoading.isFinite(index, of: reader) { notFinite.insert(tensor.name) }
    }
    return StoredWeights(
      path: path, sha256: try sha256(of: path),
      tensors: reader.tensors.map { StoredWeights.Tensor(name: $0.name, shape: $0.shape) },
      notFinite: notFinite, wiring: ModelFile.wiring(of: reader))
  }

  /// Of the bytes of a file.
  package static func sha256(of path: String) throws(ModelFileError) -> String {
    do {
      return try FileDescriptor.sha256(ofFile: path)
    } catch {
      throw .file(.file(error))
    }
  }

  /// Whether a training that goes on from `position` reads the file: whether any stage that is still to be set up begins with
  /// modules of which it has tensors.
  package static func isRead(by plan: Plan, from position: RunPosition) -> Bool {
    let names = Set((plan.start?.tensors ?? []).map(\.name))
    let first = position.isStageStart ? position.stage : position.stage + 1
    return plan.stages.contains { stage in
      guard stage.index >= first else { return false }
      let modules = stage.startedModules(of: plan)
      return stage.resident.entries.contains {
        names.contains($0.value.name) && modules.contains($0.value.module)
      }
    }
  }

  /// Fills the stored tensors of some modules, as `resident` lays them out; the others stay as they are. Nothing is read where
  /// there are none, and nothing is taken from a file that is not the one that was planned with.
  package static func load(
    _ start: StartPlan, from path: String, modules: [Int], in resident: ResidentLayout, of engine: Engine
  ) throws(ModelFileError) {
    let entries = Dictionary(uniqueKeysWithValues: resident.entries.map { ($0.value.name, $0) })
    let wanted = start.tensors.compactMap { tensor in
      entries[tensor.name].flatMap { modules.contains($0.value.module) ? (tensor: tensor, entry: $0) : nil }
    }
    guard !wanted.isEmpty else { return }
    let reader = try open(path)
    let found: String
    do throws(SafetensorsError) { found = try reader.sha256() } catch { throw .file(error) }
    guard found == start.sha256 else { throw .changed(path: path, expected: start.sha256, found: found) }
    for (tensor, entry) in wanted {
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

/// Reads one tensor of a file.
enum TensorLoading {
  /// Numbers read at a time.
  private static let chunkCount = 1 << 16

  /// Into its place; numbers that are not finite are refused.
  static func fill(
    _ entry: ResidentLayout.Entry, of engine: Engine, from reader: borrowing SafetensorsReader, _ index: Int
  ) throws(ModelFileError) {
    let layout = PyTorchLayout(entry.value.type)
    guard reader.tensors[index].shape == layout.shape else {
      throw .wrongShape(
        path: reader.path, name: entry.value.name, expected: layout.shape, found: reader.tensors[index].shape)
    }
    let path = reader.path
    try forEachPart(index, of: reader) { start, part throws(ModelFileError) in
      guard part.allSatisfy(\.isFinite) else { throw .notFinite(path: path, name: entry.value.name) }
      engine.write(entry, from: start, part.span)
    }
  }

  /// Whether a tensor holds numbers only, and no infinities.
  static func isFinite(
    _ index: Int, of reader: borrowing SafetensorsReader
  ) throws(ModelFileError) -> Bool {
    var isFinite = true
    try forEachPart(index, of: reader) { _, part throws(ModelFileError) in
      isFinite = isFinite && part.allSatisfy(\.isFinite)
    }
    return isFinite
  }

  private static func forEachPart(
    _ index: Int, of reader: borrowing SafetensorsReader,
    _ body: (_ start: Int, _ part: [Float]) throws(ModelFileError) -> Void
  ) throws(ModelFileError) {
    let elementCount = reader.tensors[index].elementCount
    for start in stride(from: 0, to: elementCount, by: chunkCount) {
      var part = [Float](repeating: 0, count: min(chunkCount, elementCount - start))
      do throws(SafetensorsError) {
        var numbers = part.mutableSpan
        try reader.read(index, from: start, into: &numbers)
      } catch {
        throw .file(error)
      }
      try body(start, part)
    }
  }
}
