internal import Artifacts
internal import Datasets
internal import Diagnostics
internal import Execution
internal import GraphIR
internal import Kernels
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// A classifier that measures how well features tell classes apart.
enum ProbeLearner: String, CaseIterable {
  case linear, nearest
  case oneConvolution = "cnn-1"
  case twoConvolutions = "cnn-2"

  /// Nil for those that have none.
  var convolutions: Int? {
    switch self {
    case .linear, .nearest: nil
    case .oneConvolution: 1
    case .twoConvolutions: 2
    }
  }
}

/// What the probes found behind one module.
struct ProbedDepth {
  struct Figure {
    var learner: ProbeLearner
    /// Nil where it says nothing: a training image is its own nearest neighbour.
    var trainTop1: Double?
    var testTop1: Double
  }

  /// 0: the images.
  var module: Int
  var name: String
  /// Numbers an image.
  var features: Int
  var figures: [Figure] = []
}

/// Probes every depth of a finished run, one after the other, so that the features of one alone are in memory.
struct Probing {
  let ready: LoadedPlan
  let network: ProbedNetwork
  let modelPath: String
  /// Of that file, as it was held against what the run has written.
  let weightsSHA256: String
  /// Side that features are averaged to; nil: as they are.
  let poolSize: Int?
  let epochs: Int
  let width: Int?
  let session: Session

  /// The process's largest resident set while it probes every depth; asks for no data.
  func plannedPeakBytes(_ learners: [ProbeLearner]) -> Int {
    let (isLinear, isNearest) = (learners.contains(.linear), learners.contains(.nearest))
    var peak = 0
    for module in modules {
      if isLinear || isNearest {
        let memory = ProbeMemory(featureProgram(module), of: ready.plan)
        peak = max(peak, memory.peakByteCount(isLinear: isLinear, isNearest: isNearest))
      }
      for convolutions in learners.compactMap(\.convolutions) {
        peak = max(peak, plan(convolutions, behind: module).peakBytes(beside: ready.plan))
      }
    }
    return peak
  }

  /// From the images on.
  private var modules: ClosedRange<Int> { 0...network.moduleNames.count }

  private func featureProgram(_ module: Int) -> Program {
    network.featureProgram(ofModule: module, poolSize: poolSize, of: ready.plan)
  }

  /// Of a convolutional probe.
  private func plan(_ convolutions: Int, behind module: Int) -> Plan {
    let probe = ConvolutionalProbe(convolutions: convolutions, width: width, epochs: epochs)
    var plan = network.plan(probe, behind: module, poolSize: poolSize, of: ready.plan)
    plan.start?.sha256 = weightsSHA256
    return plan
  }

  func run(_ learners: [ProbeLearner], on dataset: Dataset) throws(CommandFailure) -> [ProbedDepth] {
    let names = network.moduleNames
    var depths: [ProbedDepth] = []
    for module in modules {
      let depth = try probe(
        module, name: module == 0 ? "images" : names[module - 1], learners, on: dataset)
      let figures = depth.figures.map { "\($0.learner.rawValue) \(percentage($0.testTop1))" }
      session.diagnostics.writeLine("depth \(module), \(depth.name): \(figures.joined(separator: ", "))")
      depths.append(depth)
    }
    return depths
  }

  private func probe(
    _ module: Int, name: String, _ learners: [ProbeLearner], on dataset: Dataset
  ) throws(CommandFailure) -> ProbedDepth {
    var depth = ProbedDepth(module: module, name: name, features: 0)
    try probeTables(&depth, learners, on: dataset)
    for learner in [ProbeLearner.oneConvolution, .twoConvolutions] where learners.contains(learner) {
      guard let convolutions = learner.convolutions else { continue }
      depth.figures.append(try train(learner, convolutions, behind: module, on: dataset))
    }
    return depth
  }

  /// The probes that read tables of all images' features: these and their program are gone before another plan trains.
  private func probeTables(
    _ depth: inout ProbedDepth, _ learners: [ProbeLearner], on dataset: Dataset
  ) throws(CommandFailure) {
    let program = featureProgram(depth.module)
    depth.features = program.featureCount
    guard learners.contains(.linear) || learners.contains(.nearest) else { return }
    var (train, test) = try features(program, depth: depth.module, of: dataset)
    let workers = try Workers.make(ready.plan.threads)
    // As they are first: the linear probe standardises them in place.
    var nearest: Double?
    if learners.contains(.nearest) {
      nearest = NearestNeighbourProbe(workers: workers).run(train: train, test: test)
    }
    var linear: LinearProbe.Outcome?
    if learners.contains(.linear) {
      linear = LinearProbe(classes: ready.plan.classes, workers: workers).run(train: &train, test: &test)
    }
    for learner in learners {
      if learner == .nearest, let nearest {
        depth.figures.append(ProbedDepth.Figure(learner: .nearest, trainTop1: nil, testTop1: nearest))
      }
      if learner == .linear, let linear {
        depth.figures.append(
          ProbedDepth.Figure(learner: .linear, trainTop1: linear.trainTop1, testTop1: linear.testTop1))
        if !linear.isConverged {
          session.diagnostics.writeLine(
            "depth \(depth.module): the linear probe stopped after \(linear.iterations) steps, "
              + "short of its tolerance")
        }
      }
    }
  }

  private func features(
    _ program: Program, depth: Int, of dataset: Dataset
  ) throws(CommandFailure) -> (train: FeatureTable, test: FeatureTable) {
    let engine = try Engine.make(MemoryMap(arenaBytes: program.arenaBytes, threads: ready.plan.threads))
    do {
      try ModelFile(ready.plan).read(into: engine, from: modelPath)
    } catch {
      throw CommandFailure(error)
    }
    let images = ImagePreparer(dataset, plan: ready.plan)
    let tables: (train: FeatureTable, test: FeatureTable)
    do throws(NotFinite) {
      tables = (
        train: try FeatureTable(of: .train, program, module: depth, engine: engine, images: images),
        test: try FeatureTable(of: .test, program, module: depth, engine: engine, images: images)
      )
    } catch {
      throw notFinite(error, of: dataset, "the features at depth \(depth) cannot be probed")
    }
    if let failure = dataset.takeReadFailure() { throw CommandFailure(.faultyData, failure.message) }
    return tables
  }

  /// A convolutional probe, by the engine that trains everything else.
  private func train(
    _ learner: ProbeLearner, _ convolutions: Int, behind module: Int, on dataset: Dataset
  ) throws(CommandFailure) -> ProbedDepth.Figure {
    let plan = plan(convolutions, behind: module)
    let engine = try Engine.make(plan.memoryMap)
    let images = ImagePreparer(dataset, plan: plan)
    let modelPath = modelPath
    let trainer = Trainer(
      plan: plan, engine: engine, images: images, now: monotonicSeconds,
      loadStart: { modules, resident throws(ObserverFailure) in
        guard let start = plan.start else { return }
        do throws(ModelFileError) {
          try StartFile.load(start, from: modelPath, modules: modules, in: resident, of: engine)
        } catch {
          throw ObserverFailure(message: error.message)
        }
      })
    var last: EpochFigures?
    do throws(RunError) {
      _ = try trainer.run { event throws(ObserverFailure) in
        if case .epochEnded(let report) = event {
          last = report.figures.first { $0.split == .train }
        }
      }
    } catch {
      throw failure(error, learner, behind: module, on: dataset)
    }
    let sums: [MetricSums]
    do throws(NotFinite) {
      sums = try Evaluator(engine: engine, images: images).run(plan.evaluation)
    } catch {
      throw failure(.notFinite(error), learner, behind: module, on: dataset)
    }
    if let failure = dataset.takeReadFailure() { throw CommandFailure(.faultyData, failure.message) }
    return ProbedDepth.Figure(learner: learner, trainTop1: last?.top1, testTop1: sums[0].top1)
  }

  private func notFinite(_ found: NotFinite, of dataset: Dataset, _ what: String) -> CommandFailure {
    if let failure = dataset.takeReadFailure() { return CommandFailure(.faultyData, failure.message) }
    var help = "the probe learns at the run's rate: probe with other learners"
    if found.image != nil || dataset.largeImages != nil || found.learningRate == nil {
      help = found.advice(largeImages: dataset.largeImages, ready.plan)
    }
    return CommandFailure(.failed, "\(what): \(found.message)", help: help)
  }

  private func failure(
    _ error: RunError, _ learner: ProbeLearner, behind module: Int, on dataset: Dataset
  ) -> CommandFailure {
    let probe = "the probe \(learner.rawValue) at depth \(module) cannot be trained"
    switch error {
    case .observer(let failure): return CommandFailure(.failed, "\(probe): \(failure.message)")
    case .data(let failure): return CommandFailure(.faultyData, failure.message)
    case .features(let failure): return CommandFailure(.failed, "\(probe): \(failure.message)")
    case .notFinite(let found): return notFinite(found, of: dataset, probe)
    case .rankingNotFinite: preconditionFailure("a probe keeps all its channels")
    }
  }
}

extension CommandFailure {
  /// Weights of a run that are there and cannot be read.
  init(_ error: ModelFileError) {
    let help: String? =
      switch error {
      case .file, .missingTensor, .unknownTensor, .wrongShape, .foreignType, .changed: nil
      case .foreign(let weights): weights.help
      case .notFinite: "the training that left it has diverged, or the file is damaged: train again"
      }
    self.init(.failed, error.message, help: help)
  }
}
