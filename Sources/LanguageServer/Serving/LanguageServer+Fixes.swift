internal import Artifacts
internal import Diagnostics
internal import SpecLanguage
internal import Text

/// A request that another thread works on.
struct PendingRequest {
  var uri: DocumentURI
  var generation: Int
  /// Quick fixes that are known.
  var actions: [JSON]
}

/// Quick fixes and commands.
extension LanguageServer {
  /// More fixes are not tried at one place.
  private static let mostFixes = 16

  func quickFixes(_ id: RequestID, _ params: JSON) throws(RPCFault) -> JSON? {
    let (uri, document) = try document(params)
    let start = settings.encoding.offset(of: try LinePosition(params["range"]?["start"]), in: document.file)
    let end = settings.encoding.offset(of: try LinePosition(params["range"]?["end"]), in: document.file)
    let only = params["context"]?["only"]?.elements.compactMap(\.string)
    guard only.map({ $0.contains { "quickfix".hasPrefix($0) } }) ?? true, let checked = checked(uri) else {
      return []
    }
    let place = min(start, end)..<max(start, end)
    let found = checked.diagnostics.filter { $0.fixIt != nil && $0.primary.utf8.overlapsOrTouches(place) }
    let actions = found.prefix(Self.mostFixes).compactMap { action($0, document, checked) }
    guard document.plan.summaryGeneration == document.generation, document.plan.summary?.shortfall != nil,
      budgetRange(document).overlapsOrTouches(place)
    else { return .array(actions) }
    pending[id] = PendingRequest(uri: uri, generation: document.generation, actions: actions)
    let (service, source) = (service, source(document))
    background.ask("changes \(uri.text)") { .changes(uri, id, service.fittingChanges(source)) }
    return nil
  }

  /// A fix of the compiler's, if the fault is gone with it.
  private func action(_ diagnostic: Diagnostic, _ document: OpenDocument, _ checked: CheckedSpec) -> JSON? {
    guard let fix = diagnostic.fixIt, fix.span.file == document.file.id else { return nil }
    let edit = SpecEdit(range: fix.span.utf8, text: fix.replacement)
    var source = source(document)
    source.bytes = SpecEdit.apply([edit], to: source.bytes)
    let after = service.check(source)
    func count(_ checked: CheckedSpec) -> Int {
      checked.diagnostics.count { $0.code == diagnostic.code && $0.message == diagnostic.message }
    }
    guard count(after) < count(checked) else { return nil }
    let isBlank = fix.replacement.allSatisfy { $0 == " " }
    return action(
      isBlank ? "indent by spaces" : "write '\(fix.replacement)'", [edit], document, isPreferred: true,
      fixes: messages(document.text.uri).json(
        CheckedSpec(diagnostics: [diagnostic], texts: checked.texts, failures: [], spec: nil, origins: [:]),
        in: document.file))
  }

  func finishQuickFixes(_ id: RequestID, _ changes: [FittingChange]) {
    guard let request = pending.removeValue(forKey: id) else { return }
    guard let document = documents[request.uri], document.generation == request.generation else {
      return answer(id, .failure(.contentModified))
    }
    let found = changes.compactMap { change -> JSON? in
      let edits = SpecEdits(document.text.bytes).edits(for: change.assignments)
      var source = source(document)
      let wanted = service.resolvedText(source, with: change.assignments)
      source.bytes = SpecEdit.apply(edits, to: source.bytes)
      // The text must say what was planned.
      guard let wanted, service.resolvedText(source, with: []) == wanted else { return nil }
      let words = change.assignments.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
      return action(
        "set \(words) (peak \(byteSize(change.peakBytes)))", edits, document, isPreferred: false, fixes: [])
    }
    answer(id, .success(.array(request.actions + found)))
  }

  private func action(
    _ title: String, _ edits: [SpecEdit], _ document: OpenDocument, isPreferred: Bool, fixes: [JSON]
  ) -> JSON {
    let texts = edits.map { edit -> JSON in
      ["range": settings.encoding.range(of: edit.range, in: document.file), "newText": .string(edit.text)]
    }
    return .object(
      [
        ("title", .string(title)), ("kind", "quickfix"), ("isPreferred", .bool(isPreferred)),
        ("edit", ["changes": .object([(document.text.uri.text, .array(texts))])]),
      ] + (fixes.isEmpty ? [] : [("diagnostics", .array(fixes))]))
  }

  // MARK: - Commands

  func execute(_ id: RequestID, _ params: JSON) throws(RPCFault) -> JSON? {
    guard let text = params["arguments"]?.elements.first?.string, let document = documents[DocumentURI(text)],
      document.isSpec
    else { throw RPCFault(.invalidParams, "the first argument is the URI of a spec that is open") }
    switch params["command"]?.string {
    case "strata.runCommand":
      let line = runLine(document.text.uri)
      show("type this in a terminal: \(line)")
      return ["command": .string(line)]
    case "strata.planPage":
      guard checked(document.text.uri)?.isSound == true else {
        throw RPCFault(.requestFailed, "the spec has faults, and no plan")
      }
      let (service, source) = (service, source(document))
      guard let path = service.pagePath(of: source) else {
        throw RPCFault(.requestFailed, "there is no place for a page: neither XDG_CACHE_HOME nor HOME is set")
      }
      pending[id] = PendingRequest(uri: document.text.uri, generation: document.generation, actions: [])
      background.ask("page \(document.text.uri.text)") {
        do throws(SpecFailure) {
          try service.writePage(source, to: path)
          return .page(id, .success(path))
        } catch {
          return .page(id, .failure(error))
        }
      }
      return nil
    case _: throw RPCFault(.invalidParams, "there is no such command")
    }
  }

  func finishPage(_ id: RequestID, _ page: Result<String, SpecFailure>) {
    guard pending.removeValue(forKey: id) != nil else { return }
    switch page {
    case .success(let path):
      let uri = JSON.string(DocumentURI(path: path).text)
      if settings.showsDocuments {
        ask("window/showDocument", ["uri": uri, "external": true])
      } else {
        show("the plan's page is at \(path)")
      }
      answer(id, .success(["uri": uri]))
    case .failure(let failure): answer(id, .failure(RPCFault(.requestFailed, failure.message)))
    }
  }
}

extension Range<Int> {
  /// Whether two places have something in common, or meet.
  func overlapsOrTouches(_ other: Range<Int>) -> Bool {
    lowerBound <= other.upperBound && other.lowerBound <= upperBound
  }
}
