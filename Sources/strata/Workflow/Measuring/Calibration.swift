internal import Artifacts
internal import Base
internal import CostModel
internal import Datasets
internal import Execution
internal import Glibc
internal import Kernels
internal import Planning
internal import Terminal
internal import Text

/// This machine's profile: measured, kept, and found again.
enum Calibration {
  private static func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  private static var file: ProfileFile? {
    ProfileFile.defaultPath(environment: environment).map {
      ProfileFile(path: $0, release: CommandTable.program.version)
    }
  }

  /// Nil where the machine was not measured with so many threads.
  static func profile(threads: Int) -> MachineProfile? {
    file?.profile(processor: ProfileFile.processorName(), threads: threads)
  }

  static func model(threads: Int) -> TimeModel? { profile(threads: threads).map { TimeModel($0) } }

  /// What takes the time of an engine's nodes: so many recorders alike. Where the machine has no profile its roofline is
  /// measured now, in the engine's arena, in which nothing may lie yet.
  static func recorders(_ count: Int, for engine: Engine) -> [ProfileRecorder] {
    let profile = profile(threads: engine.threads)
    let roofline = profile.map { Roofline($0, source: .profile) } ?? engine.measureRoofline()
    return (0..<count).map { _ in
      ProfileRecorder(
        model: profile.map { TimeModel($0) }, roofline: roofline, now: { monotonicSeconds() })
    }
  }

  /// `strata bench --calibrate`.
  static func run(threads: Int, _ session: Session) throws(CommandFailure) {
    try MemoryNeed.require(forMeasuring: calibrationByteCount(workers: threads), workers: threads)
    guard let file else {
      throw CommandFailure(
        .failed, "there is no place for a profile: neither XDG_CACHE_HOME nor HOME is set")
    }
    let start = monotonicSeconds()
    var profile = MachineProfile(
      processor: ProfileFile.processorName(), threads: threads, secondsPerCall: 0)
    let workers = try Workers.make(threads)
    calibrateKernels(workers: workers, into: &profile) { kind in
      session.diagnostics.rewriteLine(kind.name)
    }
    session.diagnostics.rewriteLine("")
    try addPreparation(to: &profile, workers: workers)
    do {
      try file.store(profile)
    } catch {
      throw CommandFailure(.failed, "cannot keep the profile: \(error.message)")
    }
    report(profile, seconds: monotonicSeconds() - start, session)
  }

  /// Batches of images as they are prepared for a step.
  private static func addPreparation(
    to profile: inout MachineProfile, workers: Workers
  ) throws(CommandFailure) {
    let madeUp = SyntheticImages(
      dimensions: ImageDimensions(channels: 3, height: 32, width: 32), classCount: 10, seed: 1)
    let sources: [(WorkKind, DatasetSource)] = [(.preparation, .digits), (.synthesis, .synthetic(madeUp))]
    for (kind, source) in sources {
      let dataset: Dataset
      do {
        dataset = try Dataset(source)
      } catch {
        throw CommandFailure(.failed, error.message)
      }
      let preparer = ImagePreparer(dataset: dataset, seed: 1)
      let count = dataset.imageShape.elementCount
      let images = 1024
      let batch = UnsafeMutableBufferPointer<Float>.allocate(capacity: count * images)
      defer { unsafe batch.deallocate() }
      var shortest = Double.infinity
      for _ in 0..<5 {
        let start = monotonicSeconds()
        workers.forEach(images) { index, worker in
          unsafe preparer.prepare(
            .train, index: index % dataset.trainCount, epoch: nil, worker: worker,
            into: UnsafeMutableBufferPointer(rebasing: batch[index * count..<(index + 1) * count]))
        }
        shortest = min(shortest, monotonicSeconds() - start)
      }
      let byteCount = Double(4 * count * images)
      profile.add(
        MachineProfile.Point(size: byteCount, rows: 1, secondsPerUnit: shortest / byteCount), of: kind)
    }
  }

  private static func report(
    _ profile: MachineProfile, seconds: Double, _ session: Session
  ) {
    func rate(_ kind: WorkKind) -> (least: Double, most: Double) {
      let rates = profile.points(of: kind).map { 1e-9 / $0.secondsPerUnit }
      return (rates.min() ?? 0, rates.max() ?? 0)
    }
    if session.json {
      let kinds = WorkKind.measured.map { kind in
        let rate = rate(kind)
        return (
          key: kind.name, value: ["least": .number(rate.least), "most": .number(rate.most)] as JSON
        )
      }
      session.output.write(
        JSONWriter.document([
          "schema": "strata.calibration/1", "processor": .string(profile.processor),
          "threads": .integer(profile.threads), "seconds": .number(seconds),
          "billionsPerSecond": .object(kinds),
        ]))
      return
    }
    session.output.writeLine(
      "\(profile.processor), \(profile.threads) worker\(profile.threads == 1 ? "" : "s"), measured in "
        + duration(seconds: seconds))
    var table = Table([.left("work"), .right("least"), .right("most"), .left("")])
    for kind in WorkKind.measured {
      let rate = rate(kind)
      let unit =
        switch kind {
        case .convolution, .linear: "GMAC/s"
        case .sweep, .preparation, .synthesis: "GB/s"
        }
      table.add([kind.name, fixed(rate.least, decimals: 1), fixed(rate.most, decimals: 1), unit])
    }
    session.output.write(table.text(session.output.style))
    session.output.writeLine("'strata plan' now tells times")
  }
}
