internal import Artifacts
internal import Datasets
internal import Execution
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata predict RUN|FILE.safetensors PATH...`
struct PredictCommand: Command {
  static let module = ValueOption(
    "module", .integer(in: 1...1_000_000), "answer by this module's classifier", default: "the last one's")
  static let ensemble = Flag("ensemble", "answer by the ensemble of all modules")
  static let top = ValueOption("top", .integer(in: 1...1000), "classes told of each image", default: "1")
  static let csv = Flag("csv", "a line an image, as other programs read tables")
  static let labels = ValueOption(
    "labels", .path("FILE.npy"), "classes of the images of the one .npy file, to count what is right")
  static let resize = ValueOption(
    "resize", .integer(in: 1...16_384), "shorter side of image files before the crop, in pixels",
    default: "as in training; the network's longer side where no files were read")
  static let batch = ValueOption(
    "batch", .integer(in: 1...65_536), "images that pass at once", default: "\(usualBatch)")

  private static let usualBatch = 64

  static let spec = CommandSpec(
    "predict", group: CommandGroup.runs, summary: "classify images with a trained network",
    discussion: """
      Takes the folder of a run, or its model.safetensors alone: the file says how its layers compute, how images are \
      normalised and what the classes are called. JPEG and PNG files of any size are resized and cut to the middle \
      as test images of an image folder are; '.npy' files hold images of the network's own size. A folder stands for all \
      files below it. Where its folders are called like the network's classes, accuracy, precision and recall of each \
      class and a confusion matrix are told as well.

      Bytes of image files are divided by 255, those of arrays by what the network was trained with.
      """,
    operands: OperandSpec(
      "PATH", 2...Int.max,
      "the folder of a run or its model.safetensors, then image files, folders of them, or .npy files",
      synopsis: "RUN|FILE.safetensors PATH..."),
    options: [
      module.spec, ensemble.spec, top.spec, csv.spec, labels.spec, resize.spec, batch.spec,
      CommonOptions.threads.spec,
    ],
    exitCodes: [.failed, .overBudget, .faultyData],
    examples: [
      .init("strata predict runs/photos-1 cat.jpg", "what is in the picture"),
      .init(
        "strata predict model.safetensors photos/val --top 3", "accuracy and confusion of a folder of classes"
      ),
      .init("strata predict runs/digits-1 images.npy --ensemble --csv > answers.csv", "a line an image"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    if arguments[csv], session.json {
      throw CommandFailure(.faultyInput, "'--csv' and '--json' exclude each other")
    }
    let model = try StoredModel.open(arguments.operands[0])
    let network = try model.network(batch: arguments[batch] ?? usualBatch)
    let answer = try network.answer(
      module: arguments[module], isEnsemble: arguments[ensemble], model)
    let inputs = try PredictionInputs(Array(arguments.operands.dropFirst()), classNames: model.classNames)
    let threads = arguments.threadCount
    let program = PredictionProgram(network, answer, threads: threads)
    let datasets = try Self.open(
      inputs, model, resize: arguments[resize], labels: arguments[labels], threads: threads)
    let imageCount = datasets.map(\.dataset.testCount).reduce(0, +)
    let dataBytes =
      datasets.map(\.dataset.residentByteCount).reduce(0, +)
      + Predictions.byteCount(of: imageCount, topCount: min(arguments[top] ?? 1, model.classCount))
    let plannedPeak = program.peakBytes(dataBytes: dataBytes)
    try requireMemory(plannedPeak, threads: threads)
    let engine = try Engine.make(program.memoryMap)
    do throws(ModelFileError) { try model.load(program.resident, into: engine) } catch {
      throw CommandFailure(error)
    }
    let classifier = Classifier(engine: engine, program: program.program, logits: program.logits)
    var predictions = Predictions(
      classNames: model.classNames ?? (0..<model.classCount).map { "\($0)" }, topCount: arguments[top] ?? 1)
    var progress = CountProgress("classified", of: imageCount, session)
    for input in datasets {
      let images = ImagePreparer(
        dataset: input.dataset,
        normalization: Normalization(mean: model.mean, standardDeviation: model.standardDeviation), seed: 0)
      let failed = classifier.run(images) { index, label, logits in
        predictions.add(
          file: input.files.count == 1 && input.isArray ? input.files[0] : input.files[index],
          image: input.isArray ? index : nil, label: input.isLabelled(index) ? Int(label) : nil,
          logits: logits)
        progress.advance()
      }
      if let failure = input.dataset.takeReadFailure() { throw CommandFailure(failure) }
      if let failed {
        throw CommandFailure(
          .failed,
          "the answer to image \(failed) of \(input.files[input.isArray ? 0 : failed]) is not finite",
          help: "its numbers, or the network's weights, are too large")
      }
    }
    progress.end()
    let memory = (planned: plannedPeak, measured: ProcessMemory.peakBytes)
    let answerer = answer.words(network)
    if session.json {
      session.output.write(JSONWriter.document(predictions.json(answerer, memory: memory)))
    } else if arguments[csv] {
      session.output.write(predictions.csv)
    } else {
      session.output.write(predictions.text(session.output.style))
    }
    return .done
  }

  /// Images in one data set, and what they are called.
  private struct Input {
    var dataset: Dataset
    var files: [String]
    var isArray: Bool
    var areLabelled: [Bool]

    func isLabelled(_ index: Int) -> Bool { isArray ? areLabelled[0] : areLabelled[index] }
  }

  private static func open(
    _ inputs: PredictionInputs, _ model: StoredModel, resize: Int?, labels: String?, threads: Int
  ) throws(CommandFailure) -> [Input] {
    let arrays = inputs.groups.filter { if case .array = $0 { true } else { false } }
    if labels != nil, arrays.count != 1 || inputs.groups.count != 1 {
      throw CommandFailure(.faultyInput, "'--labels' goes with one .npy file, and nothing else")
    }
    var opened: [Input] = []
    var faults: [Fault] = []
    for group in inputs.groups {
      do throws(DatasetError) {
        switch group {
        case .files(let files):
          opened.append(
            Input(
              dataset: try Dataset(
                classifying: files.map { ($0.path, Int32($0.label ?? 0)) }, classCount: model.classCount,
                try model.imageFolder(resize: resize), workers: threads),
              files: files.map(\.path), isArray: false, areLabelled: files.map { $0.label != nil }))
        case .array(let path):
          let dataset = try Dataset(
            classifyingArray: path, labels: labels, classCount: model.classCount, pixelScale: model.pixelScale
          )
          let shape = dataset.imageShape
          guard (shape.channels, shape.height, shape.width) == model.input else {
            let input = model.input
            throw DatasetError.mismatch(
              path: path,
              expected: "images of \(input.channels)x\(input.height)x\(input.width), as the network reads",
              found: "\(shape.channels)x\(shape.height)x\(shape.width)")
          }
          opened.append(Input(dataset: dataset, files: [path], isArray: true, areLabelled: [labels != nil]))
        }
      } catch {
        faults += CommandFailure(error).faults
      }
    }
    if !faults.isEmpty { throw CommandFailure(.faultyData, faults) }
    return opened
  }

  private static func requireMemory(_ byteCount: Int, threads: Int) throws(CommandFailure) {
    let limit = MemoryLimit.binding(workers: threads)
    guard byteCount > limit.byteCount else { return }
    throw CommandFailure(
      .overBudget,
      "classifying takes \(byteSize(byteCount)), \(limit.source.words) allows \(byteSize(limit.byteCount))",
      help: "pass a smaller --batch, or fewer images at once")
  }
}
