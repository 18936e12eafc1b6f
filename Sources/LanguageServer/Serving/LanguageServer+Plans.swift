internal import Artifacts
internal import Diagnostics
internal import Text

extension PlanState {
  /// The whole text was replaced: nobody knows where its parts went, so that hints stay where they were as far as there is text.
  mutating func moveOntoNewText(_ file: SourceFile) {
    guard summary != nil else { return }
    for index in summary!.hints.indices {
      summary!.hints[index].offset = min(summary!.hints[index].offset, file.bytes.count)
    }
  }
}

extension LanguageServer {
  func planJob(_ uri: DocumentURI) -> String { "plan \(uri.text)" }

  func askForPlan(_ uri: DocumentURI) {
    guard let document = documents[uri], document.plan.askedGeneration != document.generation else { return }
    documents[uri]?.plan.askedGeneration = document.generation
    let (service, source, generation) = (service, source(document), document.generation)
    background.ask(planJob(uri)) {
      do throws(SpecFailure) {
        let summary = PlanSummary(try service.plan(source), bytes: source.bytes)
        return .plan(uri, generation: generation, .success(summary))
      } catch {
        return .plan(uri, generation: generation, .failure(error))
      }
    }
  }

  /// Takes what the background thread is done with.
  func collect() {
    finished.clear()
    for result in background.takeResults() {
      switch result {
      case .plan(let uri, let generation, let plan): take(plan, of: uri, generation)
      case .changes(_, let id, let changes): finishQuickFixes(id, changes)
      case .page(let id, let page): finishPage(id, page)
      }
    }
  }

  private func take(_ plan: Result<PlanSummary, SpecFailure>, of uri: DocumentURI, _ generation: Int) {
    // A newer text is what counts; its own plan is on its way where it is sound.
    guard let document = documents[uri], document.generation == generation else { return }
    documents[uri]?.plan.doneGeneration = generation
    switch plan {
    case .success(let summary):
      documents[uri]?.plan.summary = summary
      documents[uri]?.plan.summaryGeneration = generation
      documents[uri]?.plan.failure = nil
      if !summary.warnings.isEmpty || summary.shortfall != nil, let checked = checked(uri) {
        publishDiagnostics(of: uri, checked)
      }
    case .failure(let failure):
      documents[uri]?.plan.summary = nil
      documents[uri]?.plan.failure = failure
    }
    if documents[uri]?.waiting.isEmpty == true { refresh() }
    answerWaiting(of: uri)
  }

  /// Whether the plan of the text as it is will come.
  private func isPlanning(_ document: OpenDocument) -> Bool {
    if document.isDirty { return document.isSpec }
    return document.plan.askedGeneration == document.generation
      && document.plan.doneGeneration != document.generation
  }

  // MARK: - Hints and lenses

  func hints(_ id: RequestID, _ params: JSON) throws(RPCFault) -> JSON? {
    let (uri, document) = try document(params)
    let start = try LinePosition(params["range"]?["start"])
    let end = try LinePosition(params["range"]?["end"])
    let wish = PlanWish.hints(start.line..<max(start.line, min(end.line, document.file.lineCount)) + 1)
    return try later(id, wish, uri, document)
  }

  func lenses(_ id: RequestID, _ params: JSON) throws(RPCFault) -> JSON? {
    let (uri, document) = try document(params)
    return try later(id, .lenses, uri, document)
  }

  private func later(_ id: RequestID, _ wish: PlanWish, _ uri: DocumentURI, _ document: OpenDocument)
    throws(RPCFault)
    -> JSON?
  {
    guard isPlanning(document) else { return answer(to: wish, document) }
    guard document.waiting.count < 1000 else { throw RPCFault(.requestFailed, "too many requests wait") }
    documents[uri]?.waiting.append((id, wish))
    return nil
  }

  func answerWaiting(of uri: DocumentURI) {
    guard let document = documents[uri], !isPlanning(document) else { return }
    documents[uri]?.waiting = []
    for (id, wish) in document.waiting { answer(id, .success(answer(to: wish, document))) }
  }

  private func answer(to wish: PlanWish, _ document: OpenDocument) -> JSON {
    switch wish {
    case .hints(let lines): .array(hints(of: document, lines: lines))
    case .lenses: .array(lenses(of: document))
    }
  }

  /// How many texts ago the plan was made; nil: it is of the text as it is.
  private func age(_ document: OpenDocument) -> String? {
    let count = document.generation - document.plan.summaryGeneration
    return count == 0 ? nil : count == 1 ? "1 edit ago" : "\(count) edits ago"
  }

  private func hints(of document: OpenDocument, lines: Range<Int>) -> [JSON] {
    guard document.isSpec, let summary = document.plan.summary else { return [] }
    let age = age(document)
    let file = document.file
    // Of hints that an edit has moved to one place, one is left.
    var seen: Set<PlanSummary.Hint> = []
    return summary.hints.compactMap { hint -> (Int, JSON)? in
      var place = min(hint.offset, file.bytes.count)
      let line = file.line(at: place)
      guard lines.contains(line - 1) else { return nil }
      switch hint.kind {
      case .shape: guard settings.showsShapes else { return nil }
      case .memory:
        guard settings.showsMemory else { return nil }
        place = file.contentRange(ofLine: line).upperBound
      }
      var known = hint
      known.offset = place
      known.label = ""
      known.details = ""
      guard seen.insert(known).inserted else { return nil }
      return (
        place,
        [
          "position": settings.encoding.position(of: place, in: file).json,
          "label": .string(hint.label + (age == nil ? "" : " (old)")), "paddingLeft": true,
          "tooltip": [
            "kind": "markdown", "value": .string((age.map { "as planned \($0)\n\n" } ?? "") + hint.details),
          ],
        ]
      )
    }.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
  }

  private func lenses(of document: OpenDocument) -> [JSON] {
    guard document.isSpec, settings.showsLens else { return [] }
    let line = document.file.line(at: messages(document.text.uri).head(of: document.file).lowerBound) - 1
    let end = LinePosition(line: line, character: 0).json
    let uri = JSON.string(document.text.uri.text)
    func lens(_ title: String, _ command: String, _ arguments: [JSON]) -> JSON {
      [
        "range": ["start": end, "end": end],
        "command": ["title": .string(title), "command": .string(command), "arguments": .array(arguments)],
      ]
    }
    guard let summary = document.plan.summary else {
      let reason = document.plan.failure?.message ?? "the text has faults, and had no plan before"
      return [lens("no plan: \(reason)", "", [])]
    }
    let age = age(document).map { " (as planned \($0): the text has faults)" } ?? ""
    let terminal = "strata.runInTerminal"
    let run = settings.ownCommands.contains(terminal) ? terminal : "strata.runCommand"
    return [
      lens(summary.headline + age, "", []), lens("plan page", "strata.planPage", [uri]),
      lens("run", run, [uri, .string(runLine(document.text.uri))]),
    ]
  }

  func runLine(_ uri: DocumentURI) -> String { "strata run \(shellWord(path(of: uri)))" }
}
