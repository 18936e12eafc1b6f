internal import Artifacts
internal import Base
internal import Export
internal import GraphIR
internal import Pipeline
internal import Terminal
internal import Text

/// `strata export RUN|FILE.safetensors -o net.onnx|model.py|resnet18.safetensors`
struct ExportCommand: Command {
  static let output = ValueOption(
    "output", short: "o", .path("FILE"),
    "the file to write: NAME.onnx, NAME.py for PyTorch, or NAME.safetensors for torchvision")
  static let module = ValueOption(
    "module", .integer(in: 1...1_000_000), "end in this module's classifier", default: "the last one's")
  static let ensemble = Flag("ensemble", "end in the ensemble of all modules")
  static let withoutNormalization = Flag(
    "without-normalization", "read images that are normalised, in place of pixels as they are stored")
  static let softmax = Flag("softmax", "give probabilities in place of logits")

  static let spec = CommandSpec(
    "export", group: CommandGroup.runs, summary: "write a trained network for ONNX or PyTorch",
    discussion: """
      Takes the folder of a run, or its model.safetensors alone. An '.onnx' file (opset 17) reads any number of images at \
      once, channels first, as 32-bit floats; the names of the classes are in its metadata. Beyond 2 GB of weights they lie \
      in a file beside it, NAME.onnx.data. A '.py' file is a PyTorch module that loads the weights from where they are, under \
      their own names; it needs nothing but torch. A '.safetensors' file has the weights under the names of torchvision's \
      resnet18 to resnet152 or vgg11 to vgg19 (with batch norm or without), where the network is one of them: its \
      load_state_dict takes them. Auxiliaries are left out.

      Pixels are read as they are stored (0 to 255, say), and normalised inside, unless '--without-normalization' is given.
      """,
    operands: OperandSpec(
      "RUN|FILE", 1...1, "the folder of a run, or its model.safetensors", completion: .folders),
    options: [output.spec, module.spec, ensemble.spec, withoutNormalization.spec, softmax.spec],
    exitCodes: [.failed],
    examples: [
      .init("strata export runs/photos-1 -o photos.onnx", "for ONNX Runtime"),
      .init("strata export runs/photos-1 -o runs/photos-1-model/model.py", "for PyTorch"),
      .init("strata export model.safetensors --module 2 -o small.onnx", "the network as far as module 2"),
      .init("strata export runs/resnet18-1 -o resnet18.safetensors", "for torchvision.models.resnet18()"),
    ])

  private enum Format { case onnx, python, torchvision }

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    guard let path = arguments[output] else {
      throw CommandFailure(
        .faultyInput, "'-o' is missing: the file to write",
        help: "-o net.onnx, -o model.py, or -o resnet18.safetensors")
    }
    let format: Format
    if path.hasSuffix(".onnx") {
      format = .onnx
    } else if path.hasSuffix(".py") {
      format = .python
    } else if path.hasSuffix(".safetensors") {
      format = .torchvision
    } else {
      throw CommandFailure(
        .faultyInput, "'\(path)' ends in neither '.onnx' nor '.py' nor '.safetensors'",
        help: "the name says what is written")
    }
    let stored = try StoredModel.open(arguments.operands[0])
    if format == .torchvision { return try writeTorchvision(stored, to: path, arguments, session) }
    let network = try stored.network(batch: 1)
    let answer = try network.answer(
      module: arguments[module], isEnsemble: arguments[ensemble], stored)
    let model = ExportedModel(
      name: Self.name(path), graph: network.forward(answer), input: stored.input,
      pixelScale: stored.pixelScale, mean: stored.mean, standardDeviation: stored.standardDeviation,
      classNames: stored.classNames ?? (0..<stored.classCount).map { "\($0)" },
      normalizes: !arguments[withoutNormalization], endsInSoftmax: arguments[softmax])
    var written: [(path: String, bytes: Int)] = []
    switch format {
    case .torchvision: break  // written above: names alone, no graph
    case .onnx:
      try OutputFile.requireFree([OutputFile(option: "-o", path: path, kind: .onnx)], inputs: [stored.path])
      let externalName = FilePath.lastComponent(of: path) + ".data"
      let files: ONNXModel.Files
      do throws(ModelFileError) {
        files = try ONNXModel(model).files(release: CommandTable.program.version, externalName: externalName)
        {
          name throws(ModelFileError) in
          (stored.shapes[name] ?? [], try stored.numbers(name))
        }
      } catch {
        throw CommandFailure(error)
      }
      if let external = files.external {
        try write(external, to: "\(path).data")
        written.append(("\(path).data", external.count))
      }
      try write(files.model, to: path)
      written.append((path, files.model.count))
    case .python:
      try OutputFile.requireFree([OutputFile(option: "-o", path: path, kind: .python)], inputs: [stored.path])
      let weights = Paths.kept(stored.path, from: FilePath.folder(of: path))
      let bytes = Array(PyTorchModule(model, weightsPath: weights).text.utf8)
      try write(bytes, to: path)
      written.append((path, bytes.count))
    }
    report(written, answer.words(network), model, session)
    return .done
  }

  /// Weights under torchvision's names.
  private static func writeTorchvision(
    _ stored: StoredModel, to path: String, _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> ExitCode {
    guard arguments[module] == nil, !arguments[ensemble], !arguments[softmax] else {
      throw CommandFailure(
        .faultyInput, "a '.safetensors' file has the weights of the whole network, up to its head",
        help: "leave '--module', '--ensemble' and '--softmax' out, or write a '.onnx' or '.py' file")
    }
    let model: TorchvisionModel
    do throws(StoredModel.NotTorchvision) { model = try stored.torchvisionModel() } catch {
      let shown = error.differences.prefix(8)
      let more = error.differences.count - shown.count
      throw CommandFailure(
        .faultyInput,
        "\(stored.path): torchvision has no such network; it is most like \(error.nearest), but "
          + shown.joined(separator: "; ") + (more > 0 ? "; and \(more) more" : ""),
        help: "write a module of its own: -o model.py")
    }
    try OutputFile.requireFree(
      [OutputFile(option: "-o", path: path, kind: .torchvision)], inputs: [stored.path])
    let byteCount: Int
    do throws(ModelFileError) { byteCount = try stored.write(model, to: path) } catch {
      throw CommandFailure(error)
    }
    if session.json {
      session.output.write(
        JSONWriter.document(
          .object([
            ("schema", "strata.export/1"), ("network", .string(model.name)),
            ("files", .array([.object([("path", .string(path)), ("bytes", .integer(byteCount))])])),
          ])))
      return .done
    }
    func list(_ numbers: [Float]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
    session.output.writeLine("\(path): \(byteSize(byteCount))")
    session.output.writeLine(
      "weights of torchvision.models.\(model.name)(num_classes=\(model.classes)); its images are pixels / "
        + "\(stored.pixelScale), less the mean (\(list(stored.mean))), over the deviation "
        + "(\(list(stored.standardDeviation)))")
    return .done
  }

  /// Of the file, without what says its format.
  private static func name(_ path: String) -> String {
    let name = FilePath.lastComponent(of: path)
    return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
    do throws(FileError) {
      try AtomicFile.write(bytes, to: path)
    } catch {
      throw CommandFailure(.failed, error.message)
    }
  }

  private static func report(
    _ written: [(path: String, bytes: Int)], _ answerer: (key: String, value: JSON), _ model: ExportedModel,
    _ session: Session
  ) {
    let parameters = model.graph.values.filter { $0.category == .parameter }.reduce(0) {
      $0 + $1.type.elementCount
    }
    if session.json {
      session.output.write(
        JSONWriter.document(
          .object([
            ("schema", "strata.export/1"), answerer, ("parameters", .integer(parameters)),
            (
              "files",
              .array(written.map { .object([("path", .string($0.path)), ("bytes", .integer($0.bytes))]) })
            ),
          ])))
      return
    }
    for file in written { session.output.writeLine("\(file.path): \(byteSize(file.bytes))") }
    session.output.writeLine(
      "\(grouped(parameters)) parameters, images of \(model.input.channels)x\(model.input.height)x\(model.input.width) "
        + (model.normalizes ? "with pixels as they are stored" : "that are normalised")
        + ", \(model.classNames.count) classes as \(model.endsInSoftmax ? "probabilities" : "logits")")
  }
}
