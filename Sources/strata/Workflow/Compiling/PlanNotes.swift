internal import Execution
internal import Planning
internal import Terminal
internal import Text

extension Plan {
  /// What is to be known before the plan runs here: it stays true, and the run may yet be another one than was meant.
  func tellNotes(_ console: Console) {
    var notes: [String] = []
    if let words = memoryWords { notes.append("\(words): 'strata run' will refuse it here") }
    let pictures = data.facts.trainCount
    if training.batch > pictures {
      notes.append(
        "the batch of \(grouped(training.batch)) is larger than the \(grouped(pictures)) training pictures: "
          + "every step has them all")
    }
    for note in notes { console.diagnostics.writeLine("note: \(note)") }
  }

  /// Before anything is made for a run that the system would stop.
  func requireMemory() throws(CommandFailure) {
    guard let words = memoryWords else { return }
    throw CommandFailure(
      .overBudget, words, help: "with --budget 90% a plan of the spec is chosen that fits, where there is one"
    )
  }

  /// Nil where the machine allows what the plan needs.
  private var memoryWords: String? {
    let limit = MemoryLimit.binding(workers: threads)
    guard memory.peakBytes > limit.byteCount else { return nil }
    return
      "the plan's peak is \(byteSize(memory.peakBytes)), \(limit.source.words) leaves \(byteSize(limit.byteCount)) for it"
  }
}
