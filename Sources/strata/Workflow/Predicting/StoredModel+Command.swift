internal import Artifacts
internal import Datasets
internal import Glibc
internal import Pipeline
internal import SpecLanguage
internal import Terminal
internal import Text

extension StoredModel {
  /// Of a run's folder, or the file itself.
  static func open(_ path: String) throws(CommandFailure) -> StoredModel {
    let file = StartFile.path(path)
    if file != path {
      try RunFolder.require(path)
      try RunWeights.requireWhole(in: path, to: "use")
    }
    do throws(StoredModel.Fault) { return try StoredModel(path: file) } catch {
      if case .file(let fault) = error { throw CommandFailure(fault) }
      throw CommandFailure(.failed, error.message, help: "write the file again with this release: strata run")
    }
  }

  /// Its network, for so many images at once.
  func network(batch: Int) throws(CommandFailure) -> StoredNetwork {
    let network: StoredNetwork
    do throws(StoredNetworkFault) {
      network = try StoredNetwork(
        wiring: wiring, shapes: shapes,
        input: ImageShape(channels: input.channels, height: input.height, width: input.width), batch: batch,
        headModule: headModule)
    } catch {
      throw CommandFailure(.failed, "\(path): \(error.message)")
    }
    guard network.classes == classCount else {
      throw CommandFailure(
        .failed,
        "\(path): its classifiers tell \(network.classes) classes apart, its metadata names \(classCount)")
    }
    return network
  }

  /// How files become images of the network's size.
  func imageFolder(resize: Int?) throws(DatasetError) -> ImageFolder {
    let target = ImageDimensions(channels: input.channels, height: input.height, width: input.width)
    let side = max(input.height, input.width)
    let resize = resize ?? self.resize ?? side
    guard input.channels == 1 || input.channels == 3 else {
      throw .mismatch(
        path: path, expected: "a network of grey or coloured images", found: "\(input.channels) channels")
    }
    guard resize >= side else {
      throw .mismatch(
        path: path, expected: "--resize \(side) or more, which the network reads", found: "\(resize)")
    }
    return ImageFolder(
      folder: "", transform: ImageTransform(target: target, resize: resize, decodesScaled: decodesScaled))
  }
}

extension StoredNetwork {
  /// - Parameters:
  ///   - module: nil: the last one.
  func answer(
    module: Int?, isEnsemble: Bool, _ model: StoredModel
  ) throws(CommandFailure) -> PredictionProgram.Answer {
    if isEnsemble {
      guard module == nil else {
        throw CommandFailure(.faultyInput, "'--module' and '--ensemble' exclude each other")
      }
      guard modules.count > 1 else {
        throw CommandFailure(
          .faultyInput, "an ensemble takes two modules with classifiers: this network has one")
      }
      return .ensemble(ofProbabilities: model.ensembleOfProbabilities)
    }
    guard let module else { return .module(modules.count - 1) }
    guard let index = modules.firstIndex(where: { $0.number == module }) else {
      let numbers = modules.map { "\($0.number)" }.joined(separator: ", ")
      throw CommandFailure(
        .faultyInput, "there is no classifier of module \(module): there are those of \(numbers)")
    }
    return .module(index)
  }
}

extension PredictionProgram.Answer {
  /// Who answers, for programs.
  func words(_ network: StoredNetwork) -> (key: String, value: JSON) {
    switch self {
    case .module(let index): ("module", .integer(network.modules[index].number))
    case .ensemble: ("ensemble", .array(network.modules.map { .integer($0.number) }))
    }
  }
}

/// How far something has come that counts: on a terminal alone, some times a second.
struct CountProgress {
  private let words: String
  private let total: Int
  private let session: Session
  private var done = 0
  private var lastShown = 0.0

  init(_ words: String, of total: Int, _ session: Session) {
    self.words = words
    self.total = total
    self.session = session
  }

  mutating func advance() {
    done += 1
    guard session.diagnostics.canRedraw, done & 63 == 0 else { return }
    let now = monotonicSeconds()
    guard now - lastShown > 0.2 else { return }
    lastShown = now
    session.diagnostics.write("\r\(words) \(grouped(done)) of \(grouped(total)) images")
  }

  mutating func end() {
    if lastShown > 0 { session.diagnostics.write("\r\u{1B}[K") }
  }
}
