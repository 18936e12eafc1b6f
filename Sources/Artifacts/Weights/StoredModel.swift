internal import Base
package import Execution
package import GraphIR
package import Planning
internal import Text

/// A model file, and what its metadata says of the network and its input: enough to rebuild and to feed it.
package struct StoredModel: Sendable {
  package let path: String
  package let wiring: NetworkWiring
  /// By tensor, in PyTorch's order.
  package let shapes: [String: [Int]]
  /// Channels, height, width.
  package let input: (channels: Int, height: Int, width: Int)
  /// Of bytes; 1 where pixels are floats.
  package let pixelScale: Int
  package let mean, standardDeviation: [Float]
  package let classCount: Int
  /// Nil where the source does not name them.
  package let classNames: [String]?
  /// The shorter side of image files before the crop, as in training; nil where there were none.
  package let resize: Int?
  package let decodesScaled: Bool
  package let ensembleOfProbabilities: Bool
  /// Where auxiliaries do not tell it.
  package let headModule: Int?

  /// What is wrong with a model file that can be opened.
  package enum Fault: Error {
    case file(ModelFileError)
    case metadata(path: String, key: String, problem: String)

    package var message: String {
      switch self {
      case .file(let error): error.message
      case .metadata(let path, let key, let problem): "\(path): the metadata '\(key)' \(problem)"
      }
    }
  }

  package init(path: String) throws(Fault) {
    let reader: SafetensorsReader
    do throws(SafetensorsError) { reader = try SafetensorsReader(path: path, acceptsOtherTypes: true) } catch
    {
      if let foreign = ForeignWeights(path: path) { throw .file(.foreign(foreign)) }
      throw .file(.file(error))
    }
    self.path = path
    wiring = ModelFile.wiring(of: reader)
    var shapes: [String: [Int]] = [:]
    for tensor in reader.tensors { shapes[tensor.name] = tensor.shape }
    self.shapes = shapes
    let metadata = Metadata(path: path, texts: reader.metadata)
    input = try metadata.input()
    pixelScale = try metadata.integer("pixelScale", in: 1...65_535) ?? 1
    mean = try metadata.numbers("mean", count: input.channels) ?? Array(repeating: 0, count: input.channels)
    standardDeviation =
      try metadata.numbers("standardDeviation", count: input.channels)
      ?? Array(repeating: 1, count: input.channels)
    guard standardDeviation.allSatisfy({ $0 > 0 }) else {
      throw .metadata(path: path, key: "standardDeviation", problem: "has a number that is not above zero")
    }
    (classCount, classNames) = try metadata.classes()
    resize = try metadata.integer("resize", in: max(input.height, input.width)...16_384)
    decodesScaled = metadata.text("decode") == "scaled"
    ensembleOfProbabilities = metadata.text("ensemble") == "probabilities"
    headModule = try metadata.integer("headModule", in: 1...1_000_000)
  }

  /// Fills every parameter and statistic that a program keeps.
  package func load(_ resident: ResidentLayout, into engine: Engine) throws(ModelFileError) {
    let reader: SafetensorsReader
    do throws(SafetensorsError) { reader = try SafetensorsReader(path: path, acceptsOtherTypes: true) } catch
    {
      throw .file(error)
    }
    for entry in resident.entries {
      guard let index = reader.index(of: entry.value.name) else {
        throw .missingTensor(path: path, name: entry.value.name)
      }
      try TensorLoading.fill(entry, of: engine, from: reader, index)
    }
  }

  /// All numbers of a tensor, in PyTorch's order.
  package func numbers(_ name: String) throws(ModelFileError) -> [Float] {
    let reader: SafetensorsReader
    do throws(SafetensorsError) { reader = try SafetensorsReader(path: path, acceptsOtherTypes: true) } catch
    {
      throw .file(error)
    }
    guard let index = reader.index(of: name) else { throw .missingTensor(path: path, name: name) }
    let tensor = reader.tensors[index]
    guard tensor.type.isReadable else { throw .foreignType(path: path, name: name, type: tensor.type.word) }
    var numbers = [Float](repeating: 0, count: tensor.elementCount)
    do throws(SafetensorsError) {
      var span = numbers.mutableSpan
      try reader.read(index, into: &span)
    } catch {
      throw .file(error)
    }
    guard numbers.allSatisfy(\.isFinite) else { throw .notFinite(path: path, name: name) }
    return numbers
  }
}

/// Values by key, as texts.
private struct Metadata {
  let path: String
  let texts: [(key: String, value: String)]

  func text(_ key: String) -> String? { texts.first { $0.key == key }?.value }

  func fault(_ key: String, _ problem: String) -> StoredModel.Fault {
    .metadata(path: path, key: key, problem: problem)
  }

  private func json(_ key: String) throws(StoredModel.Fault) -> JSON? {
    guard let text = text(key) else { return nil }
    do throws(JSONFault) { return try JSONDocument.read(Array(text.utf8)) } catch {
      throw fault(key, "cannot be read: \(error.message)")
    }
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(StoredModel.Fault) -> Int? {
    guard let text = text(key) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw fault(key, "is no number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func input() throws(StoredModel.Fault) -> (channels: Int, height: Int, width: Int) {
    guard let text = text("input") else {
      throw fault("input", "is missing: the file does not say what images its network reads")
    }
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard sides.count == 3, sides.allSatisfy({ (1...65_536).contains($0) }) else {
      throw fault("input", "is not channels x height x width, as 3x32x32")
    }
    return (sides[0], sides[1], sides[2])
  }

  func numbers(_ key: String, count: Int) throws(StoredModel.Fault) -> [Float]? {
    guard let json = try json(key) else { return nil }
    guard case .array(let items) = json, items.count == count else {
      throw fault(key, "is no list of one number a channel")
    }
    var numbers: [Float] = []
    for item in items {
      let number: Float
      switch item {
      case .integer(let value): number = Float(value)
      case .number(let value): number = Float(value)
      default: throw fault(key, "is no list of one number a channel")
      }
      guard number.isFinite else { throw fault(key, "has a number that is not finite") }
      numbers.append(number)
    }
    return numbers
  }

  func classes() throws(StoredModel.Fault) -> (count: Int, names: [String]?) {
    switch try json("classes") {
    case .integer(let count)? where (2...1_000_000).contains(count): return (count, nil)
    case .array(let items)?:
      var names: [String] = []
      for item in items {
        guard case .string(let name) = item else { throw fault("classes", "is no list of names") }
        names.append(name)
      }
      guard names.count >= 2 else { throw fault("classes", "names fewer than two classes") }
      return (names.count, names)
    case nil: throw fault("classes", "is missing")
    default: throw fault("classes", "is neither a number nor a list of names")
    }
  }
}
