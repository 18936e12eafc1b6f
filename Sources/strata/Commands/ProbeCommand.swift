internal import Artifacts
internal import Datasets
internal import Diagnostics
internal import Execution
internal import Pipeline
internal import Planning
internal import Terminal
internal import Text

/// `strata probe DIR`
struct ProbeCommand: Command {
  static let learners = ValueOption(
    "learners", .probeLearners, "which probes to train, separated by commas: linear, nearest, cnn-1, cnn-2",
    default: "linear,nearest")
  static let features = ValueOption(
    "features", .featureSize, "what the probes read: features averaged to 2x2 (2x2), or as they are (full)",
    default: "2x2")
  static let epochs = ValueOption(
    "epochs", .integer(in: 1...10_000), "passes over the training images for cnn-1 and cnn-2",
    default: "\(defaultEpochs)")
  private static let defaultEpochs = 10
  static let width = ValueOption(
    "width", .integer(in: 1...65_536), "channels of the convolutions of cnn-1 and cnn-2",
    default: "the features' own")

  static let spec = CommandSpec(
    "probe", group: CommandGroup.runs, summary: "separability of the features at every depth",
    discussion: """
      Trains small classifiers on the frozen features behind every module of a finished run, and prints how well they \
      tell the classes apart, depth by depth; depth 0 is the images themselves.

      linear: one-versus-rest logistic regression on standardised features, L2 penalty |w|^2 / 2n, by L-BFGS until no \
      component of the gradient is above 1e-4, 200 steps at most. nearest: the label of the nearest training image, \
      by Euclidean distance. Both see the training images without augmentation. cnn-1, cnn-2: one or two hidden \
      layers of 3x3 convolution, batch norm and ReLU, averaged to 2x2, batch norm, linear; trained as the run was, with \
      its optimiser, batch and augmentation and half a cosine of its learning rate.

      Equal runs give equal figures, whatever the number of threads. The features of one depth are in memory at a time; \
      what that takes is checked against the machine's limits before the start.

      The figures are kept in the run's folder, in probes.json, with the probes' settings and the fingerprint of the \
      images: a later probe with the same ones takes their place, any other is added. report.html is written again, \
      with charts of them, and 'strata compare' sets them side by side.
      """,
    operands: CommonOperands.runFolder,
    options: [
      learners.spec, features.spec, epochs.spec, width.spec, CommonOptions.data.spec,
      CommonOptions.threads.spec,
    ],
    exitCodes: [.failed, .overBudget, .stalePlan, .faultyData],
    examples: [
      .init("strata probe runs/digits-1", "linear and nearest-neighbour accuracy, a line each depth"),
      .init("strata probe runs/digits-1 --learners cnn-1,cnn-2 --epochs 5", "convolutional probes"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    let chosen = arguments[learners] ?? [.linear, .nearest]
    if chosen.allSatisfy({ $0.convolutions == nil }) {
      for (option, isGiven) in [
        (epochs.spec, arguments[epochs] != nil), (width.spec, arguments[width] != nil),
      ]
      where isGiven {
        throw CommandFailure(
          .faultyInput, "'--\(option.name)' goes with the learners cnn-1 and cnn-2",
          help: "name them, too: --learners \(chosen.map(\.rawValue).joined(separator: ",")),cnn-1")
      }
    }
    let path = arguments.operands[0]
    try RunFolder.require(path)
    let ready = try LoadedPlan(
      run: path, threads: arguments[CommonOptions.threads],
      dataPath: arguments[CommonOptions.data], withFingerprint: false, session)
    let weightsSHA256 = try RunWeights.requireWhole(in: path, to: "probe")
    let network = try ready.loaded.checked(session) { spec throws(CompilationFailed) in
      try ProbedNetwork(spec)
    }
    let probing = Probing(
      ready: ready, network: network, modelPath: "\(path)/\(RunDirectory.modelName)",
      weightsSHA256: weightsSHA256,
      poolSize: arguments[features] == .full ? nil : 2, epochs: arguments[epochs] ?? defaultEpochs,
      width: arguments[width], session: session)
    let planned = probing.plannedPeakBytes(chosen)
    try requireRoom(planned, threads: ready.plan.threads, isPooled: arguments[features] != .full)
    session.warnOfIdleWorkers(ready.plan.threads)
    let dataset = try ready.openDataToMeasure(session)
    let depths = try probing.run(chosen, on: dataset)
    report(
      depths, of: ready.plan, isPooled: arguments[features] != .full, plannedPeakBytes: planned, session)
    keep(
      records(of: depths, chosen, dataFingerprint: dataset.fingerprint, arguments), of: ready, in: path,
      arguments, session)
    return .done
  }

  // MARK: - What is kept

  private static func records(
    of depths: [ProbedDepth], _ learners: [ProbeLearner], dataFingerprint: String, _ arguments: Arguments
  ) -> [ProbeRecord] {
    learners.map { learner in
      let isTrained = learner.convolutions != nil
      let settings = ProbeRecord.Settings(
        learner: learner.rawValue, features: (arguments[features] ?? .pooled).rawValue,
        epochs: isTrained ? arguments[epochs] ?? defaultEpochs : nil,
        width: isTrained ? arguments[width] : nil, dataFingerprint: dataFingerprint)
      return ProbeRecord(
        settings,
        depths.compactMap { depth in
          depth.figures.first { $0.learner == learner }.map {
            ProbeRecord.Depth(
              module: depth.module, name: depth.name, features: depth.features, trainTop1: $0.trainTop1,
              testTop1: $0.testTop1)
          }
        })
    }
  }

  /// The figures are told by then: what keeps them from being kept is told too, and stops nothing.
  private static func keep(
    _ records: [ProbeRecord], of ready: LoadedPlan, in folder: String, _ arguments: Arguments,
    _ session: Session
  ) {
    do throws(RunStatusError) {
      try ProbeRecords.keep(records, in: folder)
    } catch {
      session.warnAtWork(code: "W008", "the figures are not kept: \(error.message)")
      return
    }
    // The page is of the plan as it is kept, whatever number of threads probed.
    do throws(CommandFailure) {
      let kept =
        arguments[CommonOptions.threads] == nil
        ? ready
        : try LoadedPlan(
          run: folder, threads: nil, dataPath: arguments[CommonOptions.data], withFingerprint: false, session)
      RunReport.write(kept, in: folder, state: .finished, session)
    } catch {
      session.diagnostics.write(error.text(session.diagnostics.style))
    }
  }

  /// The features of all images are in memory, of one depth at a time.
  private static func requireRoom(
    _ plannedPeakBytes: Int, threads: Int, isPooled: Bool
  ) throws(CommandFailure) {
    let limit = MemoryLimit.binding(workers: threads)
    guard plannedPeakBytes > limit.byteCount else { return }
    throw CommandFailure(
      .overBudget,
      "probing takes up to \(byteSize(plannedPeakBytes)), \(limit.source.words) allows \(byteSize(limit.byteCount))",
      help: isPooled ? "probe fewer learners at a time" : "probe features averaged to 2x2: --features 2x2")
  }

  // MARK: - Report

  private static func report(
    _ depths: [ProbedDepth], of plan: Plan, isPooled: Bool, plannedPeakBytes: Int, _ session: Session
  ) {
    let measuredPeakBytes = ProcessMemory.peakBytes
    if session.json {
      let memory: JSON = [
        "plannedPeakBytes": .integer(plannedPeakBytes),
        "measuredPeakBytes": .optional(measuredPeakBytes, JSON.integer),
      ]
      session.output.write(
        JSONWriter.document([
          "schema": "strata.probe/1", "name": .string(plan.name), "features": isPooled ? "2x2" : "full",
          "depths": .array(depths.map(\.json)), "memory": memory,
        ]))
      return
    }
    let learners = depths.first?.figures.map(\.learner) ?? []
    session.output.write(table(depths, learners).text(session.output.style))
    session.output.writeLine(
      "peak memory: planned \(byteSize(plannedPeakBytes)), "
        + "measured \(measuredPeakBytes.map { byteSize($0) } ?? "unknown")")
    for learner in learners { writeBars(of: learner, depths, session) }
  }

  private static func table(_ depths: [ProbedDepth], _ learners: [ProbeLearner]) -> Table {
    var table = Table(
      [.right("depth"), .left("behind"), .right("features")]
        + learners.flatMap { learner -> [Table.Column] in
          learner == .nearest
            ? [.right("nearest")] : [.right("\(learner.rawValue) train"), .right("test")]
        })
    for depth in depths {
      table.add(
        ["\(depth.module)", depth.name, grouped(depth.features)]
          + depth.figures.flatMap { figure in
            (figure.learner == .nearest ? [] : [figure.trainTop1.map { percentage($0) } ?? "-"])
              + [percentage(figure.testTop1)]
          })
    }
    return table
  }

  /// Test accuracy, a bar each depth.
  private static func writeBars(of learner: ProbeLearner, _ depths: [ProbedDepth], _ session: Session) {
    session.output.writeLine("")
    session.output.writeLine("test accuracy, \(learner.rawValue)")
    for depth in depths {
      guard let figure = depth.figures.first(where: { $0.learner == learner }) else { continue }
      let length = Int((figure.testTop1 * 50).rounded())
      let bar = String(repeating: "#", count: length) + String(repeating: ".", count: 50 - length)
      let number = String(repeating: " ", count: max(0, 3 - "\(depth.module)".count)) + "\(depth.module)"
      session.output.writeLine("\(number) \(bar) \(percentage(figure.testTop1))")
    }
  }
}

extension ProbedDepth {
  fileprivate var json: JSON {
    .object(
      [
        ("module", .integer(module)), ("name", .string(name)), ("features", .integer(features)),
      ]
        + figures.map { figure in
          (
            figure.learner.rawValue,
            .object([
              ("trainTop1", .optional(figure.trainTop1, JSON.number)), ("testTop1", .number(figure.testTop1)),
            ])
          )
        })
  }
}

extension ValueForm where Value == [ProbeLearner] {
  fileprivate static var probeLearners: Self {
    let words = ProbeLearner.allCases.map(\.rawValue)
    return ValueForm("LIST", completion: .words(words)) { text in
      var learners: [ProbeLearner] = []
      for word in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let learner = ProbeLearner(rawValue: String(word)), !learners.contains(learner) else {
          return .failure(
            ValueFault(expected: "some of \(words.joined(separator: ", ")), each once, separated by commas"))
        }
        learners.append(learner)
      }
      return .success(learners)
    }
  }
}

/// What probes read.
enum FeatureSize: String, CaseIterable {
  case pooled = "2x2"
  case full
}

extension ValueForm where Value == FeatureSize {
  fileprivate static var featureSize: Self {
    let words = FeatureSize.allCases.map(\.rawValue)
    return ValueForm("SIZE", completion: .words(words)) { text in
      FeatureSize(rawValue: text).map { .success($0) }
        ?? .failure(ValueFault(expected: words.joined(separator: " or ")))
    }
  }
}
