/// What a program is run for. The cases are in the order in which the programs of a stage are listed.
package enum ProgramRole: Int, Hashable, Sendable, CaseIterable {
  /// One step: forward, backward, update.
  case training
  /// Asynchronous training: what modules run that have learned all their epochs and go on feeding the next.
  case feeding
  /// Ranks the channels of a module that loses some.
  case ranking
  /// Measures the modules that learn, behind each epoch.
  case evaluation
  /// Takes the place of `evaluation` behind the last epoch, where modules are frozen before those that learn: measures all
  /// modules so far, from images, and their ensembles.
  case depthEvaluation
  /// Computes what training and evaluation start from in place of images.
  case features
  /// The same from what the stage before keeps, in place.
  case featuresOfPrevious

  /// As titles of programs say it.
  package var words: String {
    switch self {
    case .training: "training"
    case .feeding: "feeding"
    case .ranking: "ranking"
    case .evaluation: "evaluation"
    case .depthEvaluation: "evaluation of all depths"
    case .features: "features"
    case .featuresOfPrevious: "features from those of the stage before"
    }
  }

  /// What time is told of together: one role for both evaluations, one for both ways to make features.
  package var activity: ProgramRole {
    switch self {
    case .training, .feeding, .ranking, .evaluation, .features: self
    case .depthEvaluation: .evaluation
    case .featuresOfPrevious: .features
    }
  }

  /// Whether the program runs on as many images as learn at once; the others run forward alone, on as many as evaluations take.
  package var runsTrainingBatches: Bool {
    switch self {
    case .training, .feeding, .ranking: true
    case .evaluation, .depthEvaluation, .features, .featuresOfPrevious: false
    }
  }
}

/// One of a plan's programs.
package struct ProgramID: Hashable, Sendable {
  package var role: ProgramRole
  /// From 1; nil for the evaluation of all modules behind the last stage.
  package var stage: Int?

  package init(_ role: ProgramRole, stage: Int) {
    self.role = role
    self.stage = stage
  }

  private init() {
    role = .evaluation
    stage = nil
  }

  package static let finalEvaluation = ProgramID()

  /// As charts and messages say it.
  package var words: String { stage.map { "stage \($0), \(role.words)" } ?? "the final evaluation" }

  /// As layouts have it.
  package var title: String { stage.map { "stage \($0) \(role.words)" } ?? role.words }
}

/// What a stage has for its roles: at most one element each, in the order of `ProgramRole`.
package struct ByRole<Element> {
  private var elements = [Element?](repeating: nil, count: ProgramRole.allCases.count)

  package init() {}

  package subscript(role: ProgramRole) -> Element? {
    get { elements[role.rawValue] }
    set { elements[role.rawValue] = newValue }
  }

  /// Those that are there, in the order of their roles.
  package var all: [(role: ProgramRole, element: Element)] {
    ProgramRole.allCases.compactMap { role in self[role].map { (role, $0) } }
  }

  package var allElements: [Element] { elements.compactMap(\.self) }

  package func map<Other>(_ body: (Element) -> Other) -> ByRole<Other> {
    var others = ByRole<Other>()
    for (role, element) in all { others[role] = body(element) }
    return others
  }
}

extension ByRole: Sendable where Element: Sendable {}
