internal import Artifacts
internal import Diagnostics
internal import SpecLanguage
internal import Text

extension OpenDocument {
  /// What is known of it is old: files that it names may have changed.
  mutating func touch() {
    checked = nil
    isDirty = true
    generation += 1
  }
}

extension LanguageServer {
  func uri(_ params: JSON) throws(RPCFault) -> DocumentURI {
    guard let text = params["textDocument"]?["uri"]?.string else {
      throw RPCFault(.invalidParams, "'textDocument' has a 'uri'")
    }
    return DocumentURI(text)
  }

  func document(_ params: JSON) throws(RPCFault) -> (DocumentURI, OpenDocument) {
    let uri = try uri(params)
    guard let document = documents[uri] else { throw RPCFault(.invalidParams, "'\(uri.text)' is not open") }
    return (uri, document)
  }

  // MARK: - Synchronisation

  func open(_ params: JSON) {
    guard let uri = try? uri(params), let item = params["textDocument"], let text = item["text"]?.string
    else { return }
    guard documents.count < Self.mostDocuments || documents[uri] != nil else {
      return log("'\(uri.text)' is left alone: \(Self.mostDocuments) documents are open")
    }
    dropWaiting(of: uri, .contentModified)
    let hadDiagnostics = documents[uri]?.hasDiagnostics ?? false
    // Plans of an earlier text by this name may still come.
    let generation = (documents[uri]?.generation ?? closedGeneration) + 1
    var document = OpenDocument(
      TextDocument(
        uri: uri, languageID: item["languageId"]?.string ?? "", version: item["version"]?.integer, text: text)
    )
    document.hasDiagnostics = hadDiagnostics
    document.generation = generation
    documents[uri] = document
  }

  func change(_ params: JSON) {
    guard let uri = try? uri(params), documents[uri] != nil else { return }
    dropWaiting(of: uri, .contentModified)
    // One owner while it changes: a copy of the text an edit would be dear.
    guard var document = documents.removeValue(forKey: uri) else { return }
    defer { documents[uri] = document }
    do throws(RPCFault) {
      let edits = try document.text.apply(
        params["contentChanges"]?.elements ?? [], version: params["textDocument"]?["version"]?.integer,
        settings.encoding)
      if let edits {
        document.plan.move(edits)
      } else {
        document.plan.moveOntoNewText(document.file)
      }
    } catch {
      // What the client has is not known any more.
      document.text.lose()
      log("a change of '\(uri.text)' can't be read: \(error.message)")
    }
    document.touch()
  }

  func close(_ params: JSON) {
    guard let uri = try? uri(params), let document = documents[uri] else { return }
    dropWaiting(of: uri, .cancelled)
    for (id, request) in pending where request.uri == uri {
      pending[id] = nil
      answer(id, .failure(.cancelled))
    }
    if document.hasDiagnostics { publish([], of: uri, version: nil) }
    closedGeneration = max(closedGeneration, document.generation)
    background.forget(planJob(uri))
    documents[uri] = nil
  }

  func lookAgain(_ params: JSON) {
    guard let uri = try? uri(params) else { return }
    documents[uri]?.touch()
  }

  func lose(_ uri: DocumentURI) {
    documents[uri]?.text.lose()
    documents[uri]?.touch()
  }

  // MARK: - Diagnostics

  /// Where paths in a text start: its file, or a name in the folder that the client works in.
  func path(of uri: DocumentURI) -> String { uri.path ?? (rootPath ?? ".") + "/untitled.yaml" }

  func source(_ document: OpenDocument) -> SpecSource {
    SpecSource(path: path(of: document.text.uri), bytes: document.text.bytes)
  }

  /// What the compiler finds in a spec's text, once a text.
  func checked(_ uri: DocumentURI) -> CheckedSpec? {
    guard let document = documents[uri], document.isSpec else { return nil }
    if let checked = document.checked { return checked }
    let checked = service.check(source(document))
    documents[uri]?.checked = checked
    return checked
  }

  /// Looks at a text that has changed, tells what is wrong with it, and has it planned.
  func publish(_ uri: DocumentURI) {
    documents[uri]?.isDirty = false
    guard let checked = checked(uri) else {
      if documents[uri]?.hasDiagnostics == true {
        publish([], of: uri, version: documents[uri]?.text.version)
      }
      documents[uri]?.hasDiagnostics = false
      documents[uri]?.plan = PlanState()
      answerWaiting(of: uri)
      return
    }
    publishDiagnostics(of: uri, checked)
    if checked.isSound { askForPlan(uri) }
    answerWaiting(of: uri)
  }

  func publishDiagnostics(of uri: DocumentURI, _ checked: CheckedSpec) {
    guard let document = documents[uri] else { return }
    let messages = messages(uri)
    var list = messages.json(checked, in: document.file)
    // What only a plan tells, of the text as it is.
    if let summary = document.plan.summary, document.plan.summaryGeneration == document.generation {
      let head = messages.head(of: document.file)
      list += summary.warnings.map {
        messages.failure($0, at: head, severity: 2, source: "strata", in: document.file)
      }
      if let shortfall = summary.shortfall {
        list.append(
          messages.failure(
            shortfall, at: budgetRange(document), severity: 1, source: "strata plan", in: document.file))
      }
    }
    publish(list, of: uri, version: document.text.version)
    documents[uri]?.hasDiagnostics = true
  }

  /// Of the budget's value, or its key.
  func budgetRange(_ document: OpenDocument) -> Range<Int> {
    let outline = SpecOutline(document.text.bytes)
    guard let memory = outline.mapping(at: "memory"),
      let entry = outline.entries(memory).first(where: { $0.key == "budget" })
    else { return 0..<0 }
    return entry.keyRange
      .lowerBound..<max(entry.keyRange.upperBound, outline.nodes[entry.value].range.upperBound)
  }

  func messages(_ uri: DocumentURI) -> DiagnosticMessages {
    DiagnosticMessages(uri: uri, settings: settings) { self.explanation(code: $0) }
  }

  /// Looked for once a code.
  private func explanation(code: String) -> String? {
    if let known = explanations[code] { return known }
    let uri = service.explanationPath(code: code).map { DocumentURI(path: $0).text }
    explanations[code] = .some(uri)
    return uri
  }

  private func publish(_ list: [JSON], of uri: DocumentURI, version: Int?) {
    notifyClient(
      "textDocument/publishDiagnostics",
      .object(
        [("uri", .string(uri.text))] + (version.map { [("version", .integer($0))] } ?? [])
          + [("diagnostics", .array(list))]))
  }
}
