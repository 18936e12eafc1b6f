package import CostModel
package import Datasets
package import GraphIR
package import Kernels
package import Planning

/// Why programs cannot be executed on this machine, now.
package enum EngineError: Error {
  /// The system does not give that much memory, or that many addresses.
  case outOfMemory(byteCount: Int)
  case workers(WorkersRefused)
}

/// An arena and workers: starts parameters, runs programs, lends tensors. Knows neither plans nor epochs.
package final class Engine {
  var arena: Arena
  let workers: Workers
  /// Takes the time of programs whose role is told; nil: nobody does.
  package var recorder: ProfileRecorder?

  /// Starts the workers and maps the arena, zeroed.
  package init(_ memory: MemoryMap) throws(EngineError) {
    setSingleThreadedBLAS()
    do throws(WorkersRefused) { workers = try Workers(starting: memory.threads) } catch {
      throw .workers(error)
    }
    do throws(ArenaError) { arena = try Arena(byteCount: memory.arenaBytes) } catch {
      switch error {
      case .outOfMemory(let byteCount): throw .outOfMemory(byteCount: byteCount)
      }
    }
    guard ProductBuffers.map(memory.threads) else {
      throw .outOfMemory(byteCount: memory.threads * ProductBuffers.byteCount)
    }
  }

  package var threads: Int { workers.count }

  // MARK: - Tensors

  /// Draws parameters, sets statistics and clears optimizer state of modules, as `resident` lays them out. Keyed by seed
  /// and tensor alone, so equal for every strategy.
  package func initialize(_ modules: [Int], in resident: ResidentLayout, seed: UInt64) {
    for entry in resident.entries
    where modules.contains(entry.value.module) && entry.value.category != .replay {
      initialize(entry, seed: seed)
    }
  }

  /// Lets the optimizer of a module start anew.
  package func restartOptimizer(ofModule module: Int, in resident: ResidentLayout) {
    for entry in resident.entries where entry.value.module == module && entry.value.category == .optimizer {
      // Nothing of it is drawn.
      initialize(entry, seed: 0)
    }
  }

  private func initialize(_ entry: ResidentLayout.Entry, seed: UInt64) {
    let drawing = InitialWeights(value: entry.value, seed: seed)
    arena.withMutableFloats(at: entry.offset, count: entry.value.type.elementCount) { drawing.fill(&$0) }
  }

  /// Moves optimizer state that one stage leaves to the next to its place there.
  package func carryOptimizerState(from old: ResidentLayout, to new: ResidentLayout) {
    let places = Dictionary(uniqueKeysWithValues: old.entries.map { ($0.value.name, $0.offset) })
    var moves: [(from: Range<Int>, to: Range<Int>)] = []
    for entry in new.entries where entry.value.category == .optimizer {
      guard let offset = places[entry.value.name], offset != entry.offset else { continue }
      let byteCount = entry.value.type.byteCount
      moves.append((offset..<offset + byteCount, entry.offset..<entry.offset + byteCount))
    }
    // Both layouts keep the order of modules, so there is always a move whose target no other still has to leave.
    while let next = moves.indices.first(where: { candidate in
      moves.indices.allSatisfy { $0 == candidate || !moves[$0].from.overlaps(moves[candidate].to) }
    }) {
      let move = moves.remove(at: next)
      unsafe arena.address(of: move.to).copyMemory(
        from: arena.address(of: move.from), byteCount: move.from.count)
    }
    precondition(moves.isEmpty, "order-preserving moves never block each other")
  }

  /// Copies elements of a tensor out, from `start` on in PyTorch's order, as many as `target` holds.
  package func read(_ entry: ResidentLayout.Entry, from start: Int, into target: inout MutableSpan<Float>) {
    arena.withFloats(at: entry.offset, count: entry.value.type.elementCount) { floats in
      var index = 0
      PyTorchLayout(entry.value.type).forEachElement(in: start..<start + target.count) { ours in
        target[index] = floats[ours]
        index += 1
      }
    }
  }

  /// Copies elements of a tensor in, from `start` on in PyTorch's order.
  package func write(_ entry: ResidentLayout.Entry, from start: Int, _ source: borrowing Span<Float>) {
    arena.withMutableFloats(at: entry.offset, count: entry.value.type.elementCount) { floats in
      var index = 0
      PyTorchLayout(entry.value.type).forEachElement(in: start..<start + source.count) { ours in
        floats[ours] = source[index]
        index += 1
      }
    }
  }

  /// Lends a tensor as it lies in memory.
  package func withBytes<R>(of entry: ResidentLayout.Entry, _ body: (borrowing RawSpan) -> R) -> R {
    let byteCount = entry.value.type.byteCount
    let bytes = unsafe UnsafeRawBufferPointer(
      start: arena.address(of: entry.offset..<entry.offset + byteCount), count: byteCount)
    return unsafe body(bytes.bytes)
  }

  /// Lends a tensor as it lies in memory, to be filled.
  package func withMutableBytes<R>(of entry: ResidentLayout.Entry, _ body: (inout MutableRawSpan) -> R) -> R {
    let byteCount = entry.value.type.byteCount
    let bytes = unsafe UnsafeMutableRawBufferPointer(
      start: arena.address(of: entry.offset..<entry.offset + byteCount), count: byteCount)
    var span = unsafe bytes.mutableBytes
    return body(&span)
  }

  /// Whether no number of these tensors is infinite, or no number at all.
  package func isFinite(_ entries: [ResidentLayout.Entry]) -> Bool {
    entries.allSatisfy { entry in
      arena.withFloats(at: entry.offset, count: entry.value.type.elementCount) { floats in
        floats.indices.allSatisfy { floats[$0].isFinite }
      }
    }
  }

  /// Any value of a program, as it lies after the last run: for tests and tools.
  package func withValue<R>(_ id: ValueID, of program: Program, _ body: (borrowing Span<Float>) -> R) -> R {
    arena.withFloats(at: program.offsets[id.index], count: program.graph[id].type.elementCount, body)
  }

  /// Labels of the batch that lies in its place.
  func labels(of program: Program, count: Int) -> [Int32] {
    let labels = unsafe labels(of: program).bindMemory(to: Int32.self, capacity: count)
    return unsafe Array(UnsafeBufferPointer(start: labels, count: count))
  }

  // MARK: - Programs

  /// Prepares images into the program's batch, all workers at once.
  ///
  /// - Parameters:
  ///   - indices: which images, in order; as many as the batch at hand.
  ///   - epoch: draws the augmentation; nil for none.
  package func prepare(
    _ preparer: ImagePreparer, split: Split, indices: borrowing Span<Int32>, epoch: Int?,
    for program: Program
  ) {
    let batch = program.input(.images)
    let imageSize = program.graph.shape(batch).elementsPerImage
    let count = indices.count
    precondition(count <= program.graph.batch, "at most the planned batch")
    recorder?.beginPreparation()
    defer { recorder?.endPreparation() }
    let images = unsafe arena.address(of: range(batch, of: program))
      .bindMemory(to: Float.self, capacity: count * imageSize)
    let labels = unsafe labels(of: program).bindMemory(to: Int32.self, capacity: count)
    unsafe indices.withUnsafeBufferPointer { indices in
      workers.forEach(count) { position, worker in
        let target = unsafe UnsafeMutableBufferPointer(
          start: images + position * imageSize, count: imageSize)
        unsafe labels[position] = unsafe preparer.prepare(
          split == .train ? .train : .test, index: Int(indices[position]), epoch: epoch, worker: worker,
          into: target)
      }
    }
  }

  /// Puts a batch in place that was made elsewhere: images NHWC, normalised, or what the program starts from instead.
  package func setBatch(images: borrowing Span<Float>, labels: borrowing Span<Int32>, for program: Program) {
    let batch = program.graph.images
    let imageSize = program.graph.shape(batch).elementsPerImage
    precondition(
      labels.count <= program.graph.batch && images.count == labels.count * imageSize, "whole images")
    let target = unsafe arena.address(of: range(batch, of: program))
    unsafe images.withUnsafeBytes { unsafe target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    let places = unsafe self.labels(of: program)
    unsafe labels.withUnsafeBytes { unsafe places.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
  }

  /// A step of training: all that one batch causes. A batch that the plan cuts passes piece by piece.
  ///
  /// - Parameters:
  ///   - indices: which training images, in order.
  ///   - epoch: draws the augmentation.
  ///   - clocks: by module, from 1 at index 0.
  ///   - sums: take the metrics, in the order of the graph's.
  func step(
    _ stage: StagePlan, _ source: BatchSource, indices: borrowing Span<Int32>, epoch: Int,
    clocks: [StepParameters], sums: inout [MetricSums]
  ) {
    let (batch, program) = (indices.count, stage.training)
    let pieceCount = stage.pieces.count(of: batch)
    for index in 0..<pieceCount {
      let piece = stage.pieces.piece(index, of: batch)
      prepare(source, split: .train, indices: indices.extracting(piece), epoch: epoch, for: program)
      run(
        program, ProgramID(.training, stage: stage.index), batch: piece.count,
        piece: StepPiece(batch: batch, isFirst: index == 0, isLast: index == pieceCount - 1), clocks: clocks)
      addMetrics(of: program, images: piece.count, to: &sums)
    }
  }

  /// Runs a program's nodes in order on the batch that lies in its place.
  ///
  /// - Parameters:
  ///   - id: which of a plan's programs it is; nil: nobody records its time.
  ///   - piece: of a step; nil: the whole of it.
  ///   - clocks: by module, from 1 at index 0.
  package func run(
    _ program: Program, _ id: ProgramID? = nil, batch: Int, piece: StepPiece? = nil,
    clocks: [StepParameters]
  ) {
    run(program, id, modules: 0...Int.max, batch: batch, piece: piece ?? .whole(batch)) { module in
      module == 0 ? .idle : clocks[module - 1]
    }
  }

  /// Runs a program that updates nothing.
  package func run(_ program: Program, _ id: ProgramID? = nil, batch: Int) {
    run(program, id, modules: 0...Int.max, batch: batch, clock: .idle)
  }

  /// Runs the nodes of some modules of a program whose modules stand apart.
  package func run(
    _ program: Program, _ id: ProgramID? = nil, modules: ClosedRange<Int>, batch: Int, clock: StepParameters
  ) {
    run(program, id, modules: modules, batch: batch, piece: .whole(batch)) { _ in clock }
  }

  /// - Parameter clock: of a module.
  private func run(
    _ program: Program, _ id: ProgramID?, modules: ClosedRange<Int>, batch: Int, piece: StepPiece,
    clock: (Int) -> StepParameters
  ) {
    arena.makeResident(program.arenaBytes)
    let recorder = id == nil ? nil : recorder
    if let id {
      recorder?.begin(program, id, modules: modules, batch: batch, isLastPiece: piece.isLast)
    }
    // What runs on this thread alone is to treat denormals as all others do.
    workers.flushingDenormals {
      let dispatch = unsafe KernelDispatch(
        base: arena.address(of: 0..<arena.byteCount), program: program, batch: batch, piece: piece,
        workers: workers)
      for index in program.graph.nodes.indices {
        let module = program.graph.nodes[index].module
        guard modules.contains(module) else { continue }
        unsafe dispatch.run(index, clock: clock(module))
        recorder?.note(node: index)
      }
    }
  }

  /// What nothing on this machine is expected to be faster than. Measured in the arena, in which nothing may lie yet, so that it
  /// takes no memory beside the plan's (but where the arena is too small for it).
  package func measureRoofline() -> Roofline {
    let byteCount = min(arena.byteCount, 48 << 20)
    guard byteCount >= rooflineByteCount(workers: workers.count) else {
      let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: rooflineByteCount(workers: workers.count), alignment: 64)
      defer { unsafe memory.deallocate() }
      return unsafe Kernels.measureRoofline(workers: workers, in: memory)
    }
    arena.makeResident(byteCount)
    let memory = unsafe UnsafeMutableRawBufferPointer(
      start: arena.address(of: 0..<byteCount), count: byteCount)
    let roofline = unsafe Kernels.measureRoofline(workers: workers, in: memory)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    return roofline
  }

  /// Adds the metrics that one module's nodes have just left.
  package func addMetrics(of program: Program, module: Int, images: Int, to sums: inout MetricSums) {
    for metric in program.graph.metrics where metric.module == module {
      add(metric.value, of: program, images: images, to: &sums)
    }
  }

  /// Adds the metrics that the program has just left to `sums`, in the order of the graph's metrics.
  package func addMetrics(of program: Program, images: Int, to sums: inout [MetricSums]) {
    for index in program.graph.metrics.indices {
      add(program.graph.metrics[index].value, of: program, images: images, to: &sums[index])
    }
  }

  /// Without a closure, which may take memory: this runs in every step.
  private func add(_ metric: ValueID, of program: Program, images: Int, to sums: inout MetricSums) {
    let figures = unsafe arena.address(of: range(metric, of: program)).assumingMemoryBound(to: Float.self)
    unsafe sums.add(loss: figures[0], top1Count: figures[1], top5Count: figures[2], images: images)
  }

  /// Where the labels of a program's batch lie.
  @unsafe func labels(of program: Program) -> UnsafeMutableRawPointer {
    unsafe arena.address(of: range(program.input(.labels), of: program))
  }

  func range(_ id: ValueID, of program: Program) -> Range<Int> {
    let offset = program.offsets[id.index]
    return offset..<offset + program.graph[id].type.byteCount
  }
}
