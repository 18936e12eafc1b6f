internal import Diagnostics
internal import Pipeline
internal import Text

/// A document that an editor holds open, and what is known of its text.
struct OpenDocument {
  var text: TextDocument {
    didSet {
      file = SourceFile(id: SourceFileID(index: 0), label: "", bytes: text.bytes)
      isSpec = !text.isLost && text.isYAML && SpecRecognition.isSpec(text.bytes)
      checked = nil
    }
  }
  private(set) var file: SourceFile
  /// Whether the server has anything to say of it.
  private(set) var isSpec: Bool
  /// Of the text as it is; nil until somebody asks.
  var checked: CheckedSpec?
  /// Its diagnostics are to be published.
  var isDirty = true
  /// Whether the client shows diagnostics of it.
  var hasDiagnostics = false
  /// Counts texts.
  var generation = 0
  var plan = PlanState()
  /// Requests that wait for a plan of the text, with what they ask for.
  var waiting: [(id: RequestID, wish: PlanWish)] = []

  init(_ text: TextDocument) {
    self.text = text
    file = SourceFile(id: SourceFileID(index: 0), label: "", bytes: text.bytes)
    isSpec = !text.isLost && text.isYAML && SpecRecognition.isSpec(text.bytes)
  }
}

/// What waits for a plan.
enum PlanWish {
  /// Of these lines.
  case hints(Range<Int>)
  case lenses
}

/// The last plan of a document whose text was sound, and how old it is.
struct PlanState {
  /// Hints move with the text.
  var summary: PlanSummary?
  /// Of the text that it is of.
  var summaryGeneration = 0
  /// Why the last text that was sound has no plan.
  var failure: SpecFailure?
  /// Of the last text that was given to the planner.
  var askedGeneration = 0
  /// Of the last text that the planner is done with.
  var doneGeneration = 0

  /// Moves hints along with an edit.
  mutating func move(_ edits: [TextDocument.Edit]) {
    guard summary != nil else { return }
    for edit in edits {
      for index in summary!.hints.indices {
        summary!.hints[index].offset = edit.moved(summary!.hints[index].offset)
      }
    }
  }
}
