internal import Base
package import Execution
internal import Glibc
internal import GraphIR
package import Planning

/// The weights file that a network starts from.
package enum StartFile {
  /// The file itself, or the one in a run's folder. What is not there yet is a folder unless its name says otherwise.
  package static func path(_ path: String) -> String {
    let inFolder = "\(path)/\(RunDirectory.modelName)"
    var status = stat()
    if unsafe stat(path, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR ? inFolder : path }
    return path.hasSuffix(".safetensors") || ForeignWeights.isNamedLikeOne(path) ? path : inFolder
  }

  /// Whether there is something at the place that `path(_:)` gives, right or wrong. What a run has still to leave, in a folder
  /// of its own or one that is still to be made, is not there.
  package static func isThere(_ path: String) -> Bool {
    exists(path) || isMissing(path) && !RunDirectory.holdsRun(FilePath.folder(of: path))
  }

  private static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// Whether `path` is that of a model in a folder that has none.
  private static func isMissing(_ path: String) -> Bool {
    path.hasSuffix("/\(RunDirectory.modelName)") && !exists(path) && exists(FilePath.folder(of: path))
  }

  /// What planning needs to know of the file at `path`: as PyTorch saves it, or Strata. Counts of batches that PyTorch's batch
  /// norm keeps are left out. torchvision's networks have their tensors under the names that a model file has for them.
  package static func facts(of path: String) throws(ModelFileError) -> StoredWeights {
    let reader = try open(path)
    var stored = StoredWeights(
      path: path, sha256: try sha256(of: path), tensors: [], wiring: ModelFile.wiring(of: reader))
    func isRead(_ tensor: Safetensors.Tensor) -> Bool { !tensor.name.hasSuffix(".num_batches_tracked") }
    let model = TorchvisionModel(tensorNames: Set(reader.tensors.filter(isRead).map(\.name)))
    if let model { stored.wiring = model.wiring }
    let names = Dictionary(uniqueKeysWithValues: (model?.tensors ?? []).map { ($0.name, $0.ours) })
    for (index, tensor) in reader.tensors.enumerated() where isRead(tensor) {
      let name = names[tensor.name] ?? tensor.name
      stored.tensors.append(
        StoredWeights.Tensor(
          name: name, nameInFile: name == tensor.name ? nil : tensor.name, shape: tensor.shape,
          foreignType: tensor.type.isReadable ? nil : tensor.type.word))
      guard tensor.type.isReadable else { continue }
      switch try TensorLoading.numbers(index, of: reader) {
      case .finite: break
      case .notFinite: stored.notFinite.insert(name)
      case .tooLarge: stored.tooLarge.insert(name)
      }
    }
    return stored
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
    _ start: WeightMapping, from path: String, modules: [Int], in resident: ResidentLayout, of engine: Engine
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
    let fault: SafetensorsError
    do {
      return try SafetensorsReader(path: path, acceptsOtherTypes: true)
    } catch {
      fault = error
    }
    if isMissing(path) {
      throw .foreign(ForeignWeights(folderWithoutModel: FilePath.folder(of: path)))
    }
    if let foreign = ForeignWeights(path: path) { throw .foreign(foreign) }
    if case .wrongSize(_, let expected, let found) = fault, found < expected {
      throw .foreign(ForeignWeights(truncated: path, expected: expected, found: found))
    }
    throw .file(fault)
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
    let tensor = reader.tensors[index]
    guard tensor.type.isReadable else {
      throw .foreignType(path: reader.path, name: entry.value.name, type: tensor.type.word)
    }
    guard tensor.shape == layout.shape else {
      throw .wrongShape(
        path: reader.path, name: entry.value.name, expected: layout.shape, found: tensor.shape)
    }
    let path = reader.path
    try forEachPart(index, of: reader) { start, part, _ throws(ModelFileError) in
      guard part.allSatisfy(\.isFinite) else { throw .notFinite(path: path, name: entry.value.name) }
      engine.write(entry, from: start, part.span)
    }
  }

  /// What the numbers of a tensor are as 32-bit floats.
  enum Numbers {
    case finite
    /// Some are infinite, or are no numbers, in the file.
    case notFinite
    /// All are finite in the file, and some are beyond 32-bit floats.
    case tooLarge
  }

  /// - Precondition: the tensor's type is readable.
  static func numbers(
    _ index: Int, of reader: borrowing SafetensorsReader
  ) throws(ModelFileError) -> Numbers {
    var (infiniteCount, overflowCount) = (0, 0)
    try forEachPart(index, of: reader) { _, part, overflows throws(ModelFileError) in
      for number in part where !number.isFinite { infiniteCount += 1 }
      overflowCount += overflows
    }
    return infiniteCount == 0 ? .finite : infiniteCount == overflowCount ? .tooLarge : .notFinite
  }

  private static func forEachPart(
    _ index: Int, of reader: borrowing SafetensorsReader,
    _ body: (_ start: Int, _ part: [Float], _ overflows: Int) throws(ModelFileError) -> Void
  ) throws(ModelFileError) {
    let elementCount = reader.tensors[index].elementCount
    var part: [Float] = []
    for start in stride(from: 0, to: elementCount, by: chunkCount) {
      let count = min(chunkCount, elementCount - start)
      if part.count != count { part = [Float](repeating: 0, count: count) }
      var overflows = 0
      do throws(SafetensorsError) {
        var numbers = part.mutableSpan
        overflows = try reader.read(index, from: start, into: &numbers)
      } catch {
        throw .file(error)
      }
      try body(start, part, overflows)
    }
  }
}
