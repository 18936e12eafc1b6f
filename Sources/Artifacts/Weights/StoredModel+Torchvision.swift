package import Base
internal import GraphIR

extension StoredModel {
  /// Why a network is none of torchvision's.
  package struct NotTorchvision: Error {
    /// The one that it is most like.
    package let nearest: String
    /// Tensors and steps that differ, sentences without a full stop.
    package let differences: [String]
  }

  /// The network of torchvision's that computes what this one does, as far as its head.
  package func torchvisionModel() throws(NotTorchvision) -> TorchvisionModel {
    let isResNet = wiring.steps["stem"] != nil
    var nearest: NotTorchvision?
    for name in TorchvisionModel.names where name.hasPrefix("resnet") == isResNet {
      guard let model = TorchvisionModel(name, classes: classCount) else { continue }
      let differences = differences(from: model)
      if differences.isEmpty { return model }
      if differences.count < nearest?.differences.count ?? .max {
        nearest = NotTorchvision(nearest: name, differences: differences)
      }
    }
    throw nearest ?? NotTorchvision(nearest: TorchvisionModel.names[0], differences: [])
  }

  private func differences(from model: TorchvisionModel) -> [String] {
    var found: [String] = []
    for tensor in model.tensors {
      guard let shape = shapes[tensor.ours] else {
        found.append("'\(tensor.ours)' is missing, its '\(tensor.name)'")
        continue
      }
      if shape != tensor.shape {
        found.append("'\(tensor.ours)' has the shape \(shape), its '\(tensor.name)' \(tensor.shape)")
      }
    }
    let known = Set(model.tensors.map(\.ours))
    for name in shapes.keys.sorted() where !known.contains(name) && !name.hasPrefix("auxiliaries.") {
      found.append("it has no tensor for '\(name)'")
    }
    for part in model.wiring.steps.keys.sorted() {
      let (own, others) = (wiring.steps[part].map(NetworkWiring.comparable), model.wiring.steps[part] ?? [])
      guard let own, own != others else { continue }
      found.append(
        "'\(part)' computes \(own.joined(separator: ", ")), its \(others.joined(separator: ", "))")
    }
    return found
  }

  /// Writes the weights under torchvision's names, auxiliaries left out.
  ///
  /// - Returns: bytes of the file.
  package func write(_ model: TorchvisionModel, to path: String) throws(ModelFileError) -> Int {
    let source = try Source(path: self.path)
    var indices: [Int] = []
    for tensor in model.tensors {
      guard let index = source.reader.index(of: tensor.ours),
        source.reader.tensors[index].shape == tensor.shape
      else {
        throw .missingTensor(path: self.path, name: tensor.ours)
      }
      guard source.reader.tensors[index].type.isReadable else {
        throw .foreignType(path: self.path, name: tensor.ours, type: source.reader.tensors[index].type.word)
      }
      guard case .finite = try TensorLoading.numbers(index, of: source.reader) else {
        throw .notFinite(path: self.path, name: tensor.ours)
      }
      indices.append(index)
    }
    var failure: SafetensorsError?
    let receipt: SafetensorsReceipt
    do throws(FileError) {
      receipt = try Safetensors.write(
        model.tensors.map { Safetensors.Tensor(name: $0.name, shape: $0.shape) },
        metadata: ["writer": Self.writer, "network": model.name], to: path
      ) { index, start, numbers in
        do throws(SafetensorsError) {
          try source.reader.read(indices[index], from: start, into: &numbers)
        } catch {
          failure = failure ?? error
        }
      }
    } catch {
      throw .file(.file(error))
    }
    if let failure { throw .file(failure) }
    return receipt.byteCount
  }

  /// An open file that closures can share.
  private final class Source {
    let reader: SafetensorsReader

    init(path: String) throws(ModelFileError) {
      do throws(SafetensorsError) {
        reader = try SafetensorsReader(path: path, acceptsOtherTypes: true)
      } catch {
        throw .file(error)
      }
    }
  }

  /// In the metadata of files that may be written over.
  package static let writer = "strata export"
}
